// SPDX-License-Identifier: GPL-2.0-or-later
/* Several users behind one mikeyd: who may be whom, and what stays apart. */
#include "tests/unit/helper/incoming_stage.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "helper/mikeyd/reload.h"
#include "helper/mikeyd/token.h"
#include "uapi/mikey_mime.h"

#define USERS "users = (\n" \
	"{ name = \"a\"; identity = \"alice@example.test\"; psk = \"logon:mikey:a\";\n" \
	"  psk-id = \"a\"; group = \"team@example.test\"; },\n" \
	"{ name = \"b\"; identity = [\"bob@example.test\", \"bobby@example.test\"];\n" \
	"  psk = \"logon:mikey:b\"; psk-id = \"b\"; list-service = \"list@example.test\"; } );\n"

static int begin(void **state)
{
	(void)state;
	kernel_reset();
	stage_open(USERS);
	return 0;
}

static void client_writes(const char *method, const char *from, const char *to)
{
	static unsigned int count;
	char text[1024];

	count++;
	snprintf(text, sizeof(text), "%s sip:carol@example.test SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:$C;branch=z9hG4bKu%u;rport\r\n"
		 "From: <sip:%s>;tag=f\r\nTo: <sip:%s>\r\nCall-ID: u%u\r\nCSeq: 1 %s\r\n"
		 "Contact: <sip:x@127.0.0.1:$C>\r\n"
		 "Max-Forwards: 70\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi",
		 method, count, from, to, count, method);
	client_sends(text);
}

static bool hop_has_more(void *arg)
{
	ssize_t len = recv(stage.hop, stage.got, sizeof(stage.got) - 1, 0);

	(void)arg;
	if (len < 0)
		return false;
	stage.got[len] = '\0';
	return true;
}

/* The client's port may be user a only. */
static void only_alice(void)
{
	kernel.not_user = "b";
	kernel.not_user_port = stage.client_port;
}

static void each_sends_with_their_own(void **state)
{
	(void)state;
	client_writes("MESSAGE", "alice@example.test", "carol@example.test");
	kms_gets(1);
	kms_answers();
	hop_gets();
	client_writes("MESSAGE", "bobby@example.test", "carol@example.test");
	kms_gets(1);
	/* alice's ticket for the same recipient is not bob's */
	kms_answers();
	hop_gets();
	assert_int_equal(kernel.requests, 2);
}

static void forged_from(void **state)
{
	(void)state;
	only_alice();
	client_writes("MESSAGE", "bob@example.test", "carol@example.test");
	client_gets();
	first_line_is("SIP/2.0 403 Not Your Identity");
	client_writes("INVITE", "bob@example.test", "carol@example.test");
	client_gets();
	first_line_is("SIP/2.0 403 Not Your Identity");
	client_writes("REGISTER", "alice@example.test", "bob@example.test");
	client_gets();
	first_line_is("SIP/2.0 403 Not Your Identity");
	assert_int_equal(kernel.requests, 0);
	assert_false(user_named(&stage.mikeyd, "b")->client_known);
	client_writes("MESSAGE", "alice@example.test", "carol@example.test");
	kms_gets(1);
}

static void nobody_here(void **state)
{
	(void)state;
	client_writes("MESSAGE", "mallory@example.test", "carol@example.test");
	client_gets();
	first_line_is("SIP/2.0 403 Forbidden");
	silence();
}

static void registers(const char *who)
{
	client_writes("REGISTER", who, who);
	hop_gets();
}

static void hop_writes(const char *to)
{
	static unsigned int count;
	char text[2048];

	count++;
	snprintf(text, sizeof(text), "MESSAGE sip:%s SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:$H;branch=z9hG4bKh%u;rport\r\n"
		 "From: <sip:carol@example.test>;tag=f\r\nTo: <sip:%s>\r\nCall-ID: h%u\r\n"
		 "CSeq: 1 MESSAGE\r\n" MULTIPART("%u"), to, count, to, count, count);
	hop_sends(text);
}

/* The names that the kernel is given are those of one user. */
static void opened_for_the_addressee(void **state)
{
	(void)state;
	registers("bob@example.test");
	hop_writes("bob@example.test");
	kms_gets(1);
	assert_int_equal(kernel.identities, 2);
	assert_int_equal(kernel.list_services, 1);
	registers("alice@example.test");
	hop_writes("team@example.test");
	kms_gets(2);
	assert_int_equal(kernel.identities, 2);
	assert_int_equal(kernel.list_services, 0);
}

static int reloads(const char *more, struct problem *problem)
{
	char path[STAGE_FILE_SIZE];
	int err;

	stage_file(path, more);
	err = reload_now(&stage.mikeyd, path, problem);
	unlink(path);
	return err;
}

/* A registration's Path, as the registrar would put it into Route. */
static void way_to(const char *who, char path[200])
{
	registers(who);
	snprintf(path, 200, "%s", header("Path", 0));
	assert_true(*path);
	hop_sends(answer("200 OK"));
	client_gets();
}

static void hop_writes_along(const char *path, unsigned int n)
{
	char text[2048];

	snprintf(text, sizeof(text), "MESSAGE sip:x@127.0.0.1:$C SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:$H;branch=z9hG4bKg%u;rport\r\n"
		 "Route: %s\r\nFrom: <sip:carol@example.test>;tag=f\r\n"
		 "To: <sip:team@example.test>\r\nCall-ID: g\r\nCSeq: 1 MESSAGE\r\n"
		 MULTIPART(HELLO), n, path);
	hop_sends(text);
}

/* One message to a group that both are in: both get it, and each once. */
static void each_of_a_group(void **state)
{
	struct problem problem;
	char way[2][200];

	(void)state;
	if (reloads("users = (\n"
		    "{ name = \"a\"; identity = \"alice@example.test\"; psk = \"logon:mikey:a\";\n"
		    "  psk-id = \"a\"; group = \"team@example.test\"; },\n"
		    "{ name = \"b\"; identity = \"bob@example.test\"; psk = \"logon:mikey:b\";\n"
		    "  psk-id = \"b\"; group = \"team@example.test\"; } );\n", &problem))
		fail_msg("%s", problem.words);
	kernel.mac = 7;
	way_to("alice@example.test", way[0]);
	way_to("bob@example.test", way[1]);
	for (unsigned int i = 0; i < 2; i++) {
		hop_writes_along(way[i], i);
		kms_gets(1);
		kms_answers();
		client_gets();
		first_line_is("MESSAGE sip:x@127.0.0.1:$C SIP/2.0");
		client_sends(answer("200 OK"));
		hop_gets();
		first_line_is("SIP/2.0 200 OK");
	}
	for (unsigned int i = 0; i < 2; i++) {
		hop_writes_along(way[i], 2 + i);
		kms_gets(1);
		kms_answers();
		hop_gets();
		first_line_is("SIP/2.0 200 OK");
	}
	silence();
}

static void token_is_of_its_user(void **state)
{
	char token[TOKEN_SIZE];
	struct flow client = { .side = SIDE_INSIDE, .tp = SIP_TRANSP_UDP }, read;
	bool outbound = false;
	struct pl pl;

	(void)state;
	sa_set_str(&client.peer, "127.0.0.1", 5070);
	token_write(token, &client, true, "a");
	pl_set_str(&pl, token);
	assert_true(token_read(&read, &outbound, &pl, "a"));
	assert_true(outbound);
	assert_true(sa_cmp(&read.peer, &client.peer, SA_ALL));
	assert_false(token_read(&read, &outbound, &pl, "b"));
	assert_false(token_read(&read, &outbound, &pl, ""));
}

/* What waited is its user's: who they want to be is not taken out as somebody else's. */
static void waits_for_its_user(void **state)
{
	struct problem problem;

	(void)state;
	if (reloads("users = (\n"
		    "{ name = \"a\"; identity = \"alice@example.test\"; psk = \"logon:mikey:a\";\n"
		    "  psk-id = \"a\"; },\n"
		    "{ name = \"q\"; identity = [\"carol@example.test\", \"caz@example.test\"];\n"
		    "  psk = \"logon:mikey:b\"; psk-id = \"b\";\n"
		    "  policy = { queue = true; ticket = \"self\"; }; } );\n", &problem))
		fail_msg("%s", problem.words);
	client_sends("MESSAGE sip:dora@example.test SIP/2.0\r\n" VIA("$C", "w")
		     FROM_TO("carol@example.test", "dora@example.test", "w", "MESSAGE")
		     "P-Preferred-Identity: <sip:caz@example.test>\r\nContent-Length: 0\r\n\r\n");
	hop_gets();
	assert_string_equal(header("P-Preferred-Identity", 0), "<sip:caz@example.test>");
	hop_sends(answer("503 Service Unavailable"));
	client_gets();
	first_line_is("SIP/2.0 202 Accepted");
	assert_true(loop_until(hop_has_more, NULL, 20000));
	first_line_is("MESSAGE sip:dora@example.test SIP/2.0");
	assert_string_equal(header("CSeq", 0), "2 MESSAGE");
	assert_string_equal(header("P-Preferred-Identity", 0), "<sip:caz@example.test>");
	hop_sends(answer("200 OK"));
}

/* Two messages of bob's wait for the KMS while bob goes and carol comes. */
static void another_configuration(void **state)
{
	struct problem problem;
	struct user *alice;

	(void)state;
	alice = user_named(&stage.mikeyd, "a");
	client_writes("MESSAGE", "bob@example.test", "carol@example.test");
	client_writes("MESSAGE", "alice@example.test", "carol@example.test");
	kms_gets(2);
	if (reloads("users = (\n"
		    "{ name = \"c\"; identity = \"carol@example.test\"; psk = \"logon:mikey:c\";\n"
		    "  psk-id = \"c\"; },\n"
		    "{ name = \"a\"; identity = \"alice@example.test\"; psk = \"logon:mikey:a\";\n"
		    "  psk-id = \"a\"; policy = { form = \"authenticated\"; }; } );\n", &problem))
		fail_msg("%s", problem.words);
	assert_null(user_named(&stage.mikeyd, "b"));
	assert_non_null(user_named(&stage.mikeyd, "c"));
	assert_ptr_equal(user_named(&stage.mikeyd, "a"), alice);
	kms_answers();
	hop_gets();
	first_line_is("MESSAGE sip:carol@example.test SIP/2.0");
	kms_answers();
	hop_gets();
	/* by the rules in force when it came */
	assert_int_equal(kernel.form_seen, MIKEY_FORM_AUTH_ENVELOPED);
	client_writes("MESSAGE", "alice@example.test", "carol@example.test");
	hop_gets();
	assert_int_equal(kernel.form_seen, MIKEY_FORM_AUTHENTICATED);
	client_writes("MESSAGE", "bob@example.test", "carol@example.test");
	client_gets();
	first_line_is("SIP/2.0 403 Forbidden");
	/* and back: what was bob's is there still */
	if (reloads(USERS, &problem))
		fail_msg("%s", problem.words);
	client_writes("MESSAGE", "bob@example.test", "carol@example.test");
	assert_non_null(user_named(&stage.mikeyd, "b"));
	hop_gets();
}

static void bad_configuration(void **state)
{
	const struct config *before = stage.mikeyd.config;
	struct problem problem;

	(void)state;
	assert_int_equal(reloads("users = (\n{ name = \"a\"; colour = 1; } );", &problem),
			 -EINVAL);
	assert_non_null(strstr(problem.words, "there is no setting \"colour\""));
	assert_int_equal(reload_now(&stage.mikeyd, "/nowhere", &problem), -ENOENT);
	/* what is a user's does not stand at top level */
	assert_int_equal(reloads(USERS "client-users = \"root\"; group = \"x@y.test\";\n",
				 &problem), -EINVAL);
	assert_ptr_equal(stage.mikeyd.config, before);
	assert_non_null(user_named(&stage.mikeyd, "b"));
	client_writes("MESSAGE", "bob@example.test", "carol@example.test");
	kms_gets(1);
}

static bool is_reloaded(void *arg)
{
	return stage.mikeyd.config != arg;
}

static void hang_up(void **state)
{
	const struct config *before = stage.mikeyd.config;
	char path[STAGE_FILE_SIZE];
	struct problem problem;

	(void)state;
	stage_file(path, USERS);
	assert_int_equal(reload_open(&stage.mikeyd, path, true, &problem), 0);
	raise(SIGHUP);
	assert_true(loop_until(is_reloaded, (void *)before, 10000));
	reload_close();
	unlink(path);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, begin, stage_teardown)
	const struct CMUnitTest tests[] = {
		EACH(each_sends_with_their_own),
		EACH(forged_from),
		EACH(nobody_here),
		EACH(opened_for_the_addressee),
		EACH(each_of_a_group),
		EACH(token_is_of_its_user),
		EACH(waits_for_its_user),
		EACH(another_configuration),
		EACH(bad_configuration),
		EACH(hang_up),
	};

	return cmocka_run_group_tests(tests, loop_open, loop_close);
}
