// SPDX-License-Identifier: GPL-2.0-or-later
/* mikeyctl policy: the modules' part, from a double of them, and mikeyd.conf's. */
#include "tests/unit/mikeyctl/support.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <unistd.h>

#include "helper/lib/mime.h"
#include "helper/lib/netlink.h"
#include "helper/lib/ticket.h"

static const char least[] =
	"identity = \"alice@example.test\"; listen = \"udp:127.0.0.1:5062\";\n"
	"listen-outside = \"udp:192.0.2.1:5060\"; next-hop = \"sip:192.0.2.9\";\n"
	"kms = \"http://kms\"; kms-id = \"http://kms\"; psk = \"logon:x\"; psk-id = \"x\";\n";

static char path[32];
static bool loaded;
static unsigned int suites, forms, contents;

struct genl_client {
	bool mime;
};

int genl_client_open(struct genl_client **client, const char *family, struct problem *problem)
{
	if (!loaded)
		return problem_set(problem, -ENOENT, "there is no %s", family);
	*client = calloc(1, sizeof(**client));
	(*client)->mime = !strcmp(family, MIKEY_MIME_GENL_NAME);
	return 0;
}

void genl_client_close(struct genl_client *client)
{
	free(client);
}

struct nl_msg *genl_message(struct genl_client *client, uint8_t command, size_t room)
{
	(void)client;
	(void)command;
	return nlmsg_alloc_size(NLMSG_HDRLEN + GENL_HDRLEN + room + 64);
}

void genl_message_free(struct nl_msg *message)
{
	nlmsg_free(message);
}

static void put_ticket(struct nl_msg *answer)
{
	nla_put_u32(answer, MIKEY_TICKET_A_API_VERSION, 1);
	nla_put_string(answer, MIKEY_TICKET_A_MODULE_VERSION, "9.8");
	nla_put_u32(answer, MIKEY_TICKET_A_PROFILE, MIKEY_PROFILE_IMMEDIATE);
	nla_put_u32(answer, MIKEY_TICKET_A_PROFILE, MIKEY_PROFILE_ANNEX_I);
	for (unsigned int i = 0; i < 32; i++)
		if (suites >> i & 1)
			nla_put_u32(answer, MIKEY_TICKET_A_SUITE, i);
	nla_put_u8(answer, MIKEY_TICKET_A_PROT_TYPE, 242);
	nla_put_u8(answer, MIKEY_TICKET_A_EXT_TYPE, 241);
	nla_put_u32(answer, MIKEY_TICKET_A_CLOCK_SKEW, 61);
	nla_put_flag(answer, MIKEY_TICKET_A_USER_MASTER);
}

static void put_mime(struct nl_msg *answer)
{
	nla_put_u32(answer, MIKEY_MIME_A_API_VERSION, 1);
	nla_put_string(answer, MIKEY_MIME_A_MODULE_VERSION, "9.8");
	nla_put_u32(answer, MIKEY_MIME_A_FORMS, forms);
	nla_put_u32(answer, MIKEY_MIME_A_CONTENT_ALGS, contents);
	nla_put_u32(answer, MIKEY_MIME_A_MAX_ENTITY, 4711);
}

int genl_request(struct genl_client *client, struct nl_msg *message, struct bytes *reply,
		 struct nlattr **attrs, int max, struct problem *problem)
{
	struct nl_msg *answer = nlmsg_alloc_size(4096);

	(void)message;
	(void)problem;
	genlmsg_put(answer, 0, 0, 1, 0, 0, 0, 1);
	if (client->mime)
		put_mime(answer);
	else
		put_ticket(answer);
	bytes_alloc(reply, nlmsg_hdr(answer)->nlmsg_len);
	memcpy(reply->data, nlmsg_hdr(answer), reply->len);
	nlmsg_free(answer);
	nla_parse(attrs, max, (struct nlattr *)(reply->data + NLMSG_HDRLEN + GENL_HDRLEN),
		  reply->len - NLMSG_HDRLEN - GENL_HDRLEN, NULL);
	return 0;
}

static void write_config(const char *more)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fprintf(file, "%s%s", least, more);
	fclose(file);
}

static void shown(struct outcome *outcome, int code, bool json)
{
	run(outcome, &policy_show, -1, "--config", path, json ? "--json" : NULL, NULL);
	assert_int_equal(outcome->code, code);
}

static void in_words(void **state)
{
	struct outcome o;

	(void)state;
	write_config("");
	shown(&o, EXIT_DONE, false);
	assert_says(o.out, "mikey_ticket 9.8\n  profiles         immediate annex-i\n"
		    "  suites           256 128\n  Prot type        242 (PSK/MIME)\n"
		    "  extension type   241 (proof of origin)\n  clock skew       61 s\n"
		    "  user master keys accepted\n");
	assert_says(o.out, "  forms            auth-enveloped authenticated\n"
		    "  encryption       gcm ccm cbc\n  largest entity   4711 bytes\n");
	assert_says(o.out,
		    "\n  sends            profile immediate, suite 256, form auth-enveloped (gcm), body tied to the sender\n");
	assert_says(o.out, "  tickets          of the KMS (mode 1), for 86400 s, used again\n");
	assert_says(o.out, "  accepts profiles immediate\n");
	/* what the modules do not allow is not accepted */
	assert_says(o.out, "  accepts forms    auth-enveloped authenticated\n");
	assert_says(o.out, "  from the client  protected or refused\n");
	assert_says(o.out, "  unprotected      refused\n");
	assert_string_equal(o.err, "");

	write_config("policy = { profile = \"annex-i\"; suite = \"128\"; content = \"ccm\";\n"
		     "ticket = \"self\"; cacheable = true; rekey = 600; unprotected = \"mark\";\n"
		     "outgoing = \"pass\"; must-protect = [\"boss@?\", \"?@x.test\"]; };\n");
	shown(&o, EXIT_DONE, false);
	assert_says(o.out,
		    "profile annex-i, suite 128, form auth-enveloped (ccm), body not tied to the sender\n");
	assert_says(o.out,
		    "made here (mode 3), for 86400 s, used again, kept by recipients, another one after 600 s\n");
	assert_says(o.out, "  from the client  sent as it is\n");
	assert_says(o.out, "  unprotected      let through, marked\n");
	assert_says(o.out, "  never plain with boss@?\n                   ?@x.test\n");

	write_config("policy = { unprotected = \"refuse-415\"; rules = (\n"
		     "{ peer = [\"a@x.test\", \"?@y.test\"]; send = \"pass\"; receive = \"mark\"; },\n"
		     "{ peer = \"?@z.test\"; receive = \"refuse\"; } ); };\n");
	shown(&o, EXIT_DONE, false);
	assert_says(o.out, "  rule 1           a@x.test, ?@y.test; to them: sent as it is; "
		    "unprotected from them: let through, marked\n"
		    "  rule 2           ?@z.test; unprotected from them: refused\n"
		    "  from the client  protected or refused\n"
		    "  unprotected      refused with 415\n");
	shown(&o, EXIT_DONE, true);
	assert_says(o.out, "\"rules\": [");
	assert_says(o.out, "\"receive\": \"mark\"");
	assert_says(o.out, "\"unprotected\": \"refuse-415\"");
}

static void in_json(void **state)
{
	struct outcome o;

	(void)state;
	write_config("policy = { form = \"authenticated\"; };\n");
	shown(&o, EXIT_DONE, true);
	assert_says(o.out, "\"clock_skew\": 61");
	assert_says(o.out, "\"user_master\": true");
	assert_says(o.out, "\"form\": \"authenticated\"");
	assert_says(o.out, "\"content\": null");
	assert_says(o.out, "\"contents\": [");
	assert_says(o.out, "\"proof\": true");
	assert_says(o.out, "\"ticket\": \"kms\"");
	assert_says(o.out, "\"must_protect\": []");
	assert_says(o.out, "\"replay_sender\": 4096");
}

static void modules_that_forbid(void **state)
{
	struct outcome o;

	(void)state;
	write_config("policy = { suite = \"ts-128\"; form = \"authenticated-enveloped\"; };\n");
	shown(&o, EXIT_DONE, false);
	assert_says(o.err, "mikey_ticket does not allow suite ts-128: mikeyd does not start\n");
	assert_says(o.err, "mikey_mime does not allow form authenticated-enveloped: ");
	assert_null(strstr(o.err, "content"));
	contents = 1 << MIKEY_CONTENT_AES_GCM;
	shown(&o, EXIT_DONE, false);
	assert_says(o.err, "mikey_mime does not allow content cbc: mikeyd does not start\n");
	write_config("policy = { suite = \"ts-128\"; content = \"ccm\"; };\n");
	shown(&o, EXIT_DONE, false);
	assert_says(o.out, "  encryption       gcm\n");
	assert_says(o.err, "mikey_mime does not allow content ccm: mikeyd does not start\n");
	loaded = false;
	shown(&o, EXIT_FAILED, false);
	assert_says(o.err, "there is no mikey_ticket");
	assert_says(o.out, "suite ts-128");
}

static void faults_of_the_file(void **state)
{
	struct outcome o;

	(void)state;
	write_config("policy = { form = \"rot13\"; };\n");
	shown(&o, EXIT_FAILED, false);
	assert_says(o.err, ":4: form: write ");
	assert_says(o.out, "mikey_ticket 9.8\n");
	run(&o, &policy_show, -1, "--config", "/nonexistent", NULL);
	assert_int_equal(o.code, EXIT_FAILED);
	assert_says(o.err, "/nonexistent: No such file");
}

static int make_file(void **state)
{
	int fd;

	(void)state;
	strcpy(path, "/tmp/mikeyctl-policy-XXXXXX");
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static int reset(void **state)
{
	(void)state;
	loaded = true;
	suites = 1 << MIKEY_SUITE_256 | 1 << MIKEY_SUITE_128;
	forms = 1 << MIKEY_FORM_AUTH_ENVELOPED | 1 << MIKEY_FORM_AUTHENTICATED;
	contents = 1 << MIKEY_CONTENT_AES_GCM | 1 << MIKEY_CONTENT_AES_CCM |
		   1 << MIKEY_CONTENT_AES_CBC;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(in_words, reset),
		cmocka_unit_test_setup(in_json, reset),
		cmocka_unit_test_setup(modules_that_forbid, reset),
		cmocka_unit_test_setup(faults_of_the_file, reset),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
