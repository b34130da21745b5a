// SPDX-License-Identifier: GPL-2.0-or-later
/* mikeyd.conf: what it means, and where each fault is said to be. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "helper/lib/config.h"
#include "helper/lib/lists.h"
#include "helper/lib/log.h"
#include "helper/lib/mime.h"
#include "helper/lib/rules.h"
#include "helper/lib/ticket.h"

static const char least[] =
	"# 1\n"
	"identity = [\"Alice@EXAMPLE.test\", \"sip:al@example.test\"];\n"
	"listen = \"udp:127.0.0.1:5062\";\n"
	"listen-outside = [\"udp:192.0.2.1:5060\", \"tcp:192.0.2.1:5060\"];\n"
	"next-hop = \"sip:192.0.2.9;transport=tcp\";\n"
	"kms = \"https://kms.example.test\";\n"
	"kms-id = \"https://kms.example.test/id\";\n"
	"psk = \"logon:mikey:alice\";\n"
	"psk-id = \"alice\";\n";

static char path[32];

static int load(struct config *config, const char *text, const char *more,
		struct problem *problem)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fputs(more, file);
	fclose(file);
	return config_load(config, path, problem);
}

static void says(const char *more, const char *words)
{
	struct problem problem;
	struct config config;

	assert_int_equal(load(&config, least, more, &problem), -EINVAL);
	if (!strstr(problem.words, words))
		fail_msg("\"%s\" is not in \"%s\"", words, problem.words);
	assert_memory_equal(problem.words, path, strlen(path));
	assert_null(config.users);
}

static void least_and_defaults(void **state)
{
	struct problem problem;
	struct config config;
	struct uid uid;

	(void)state;
	assert_int_equal(load(&config, least, "", &problem), 0);
	assert_int_equal(config.users[0].n_identities, 2);
	assert_string_equal(config.users[0].identities[0].text, "Alice@example.test");
	assert_string_equal(config.users[0].identities[1].text, "al@example.test");
	assert_int_equal(config.n_inside, 1);
	assert_int_equal(config.n_outside, 2);
	assert_int_equal(config.outside[1].transport, ENDPOINT_TCP);
	assert_int_equal(config.next_hop.transport, ENDPOINT_TCP);
	assert_string_equal(config.users[0].kms_url, "https://kms.example.test");
	assert_string_equal(config.users[0].kms_id.text, "https://kms.example.test/id");
	assert_string_equal(config.users[0].psk, "logon:mikey:alice");
	assert_string_equal(config.users[0].psk_id.text, "alice");
	assert_null(config.users[0].kms_ca);
	assert_false(config.users[0].has_client);
	assert_int_equal(config.users[0].n_clients, 2);
	assert_int_equal(config.users[0].n_groups, 0);
	assert_int_equal(config.users[0].profile, MIKEY_PROFILE_IMMEDIATE);
	assert_int_equal(config.users[0].suite, MIKEY_SUITE_256);
	assert_int_equal(config.users[0].form, MIKEY_FORM_AUTH_ENVELOPED);
	assert_int_equal(config.users[0].accept, 1 << MIKEY_FORM_AUTH_ENVELOPED |
			 1 << MIKEY_FORM_AUTHENTICATED | 1 << MIKEY_FORM_AUTHENTICATED_ENVELOPED);
	assert_int_equal(config.users[0].profiles, 1 << MIKEY_PROFILE_IMMEDIATE);
	assert_int_equal(config.users[0].content, 0);
	assert_int_equal(config.users[0].maker, MAKER_KMS);
	assert_true(config.users[0].proof);
	assert_false(config.users[0].cacheable);
	assert_int_equal(config.users[0].rekey, 0);
	assert_int_equal(config.users[0].n_list_services, 0);
	assert_int_equal(config.users[0].n_must_protect, 0);
	assert_null(config.state_dir);
	assert_int_equal(config.users[0].replay_sender, 4096);
	assert_int_equal(config.users[0].replay_total, 65536);
	assert_false(config.users[0].queue);
	assert_int_equal(config.users[0].queue_ticket, QUEUE_TICKET_NONE);
	assert_int_equal(config.users[0].queue_age, 86400);
	assert_int_equal(config.users[0].queue_messages, 1000);
	assert_int_equal(config.users[0].queue_recipient, 100);
	assert_int_equal(config.users[0].queue_kilobytes, 16384);
	assert_int_equal(config.users[0].outgoing, OUTGOING_PROTECT);
	assert_int_equal(config.users[0].unprotected, UNPROTECTED_REFUSE);
	assert_true(config.users[0].reuse);
	assert_int_equal(config.users[0].ticket_lifetime, 86400);
	assert_int_equal(config.users[0].kms_timeout, 10);
	assert_int_equal(config.log_level, LOG_LEVEL_INFO);
	uid_from_text(&uid, "al@example.test");
	assert_true(config_identity(config.users, &uid));
	uid_from_text(&uid, "bob@example.test");
	assert_false(config_identity(config.users, &uid));
	config_free(&config);
}

#define LIST(fields) "list-server = (\n  { " fields " }\n);\n"

static void list_servers(void **state)
{
	struct problem problem;
	struct config config;

	(void)state;
	assert_int_equal(load(&config, least, "list-server = (\n"
			      "{ psi = \"al@example.test\";\n"
			      "members = [\"b@x.test\", \"c@x.test\"]; },\n"
			      "{ uri-list = \"list@x.test\"; senders = \"?@x.test\";\n"
			      "recipients = [\"?@x.test\"]; history = \"none\"; } );\n",
			      &problem), 0);
	assert_int_equal(config.users[0].n_list_servers, 2);
	assert_string_equal(config.users[0].list_servers[0].psi.text, "al@example.test");
	assert_int_equal(config.users[0].list_servers[0].n_members, 2);
	assert_int_equal(config.users[0].list_servers[0].history, LIST_HISTORY_PLAIN);
	assert_string_equal(list_server_address(&config.users[0].list_servers[1])->text,
			    "list@x.test");
	assert_string_equal(config.users[0].list_servers[1].senders[0].text, "?@x.test");
	assert_int_equal(config.users[0].list_servers[1].history, LIST_HISTORY_NONE);
	config_free(&config);
	says("list-server = \"a@b\";\n", ":10: list-server: write a list of 1 to 64 groups");
	says("list-server = ();\n", ":10: list-server: write a list of 1 to 64 groups");
	says("list-server = (\n\"a@b\" );\n", "list-server: line 11: write {");
	says(LIST("psi = \"al@example.test\"; member = \"b@x\";"),
	     "list-server: line 11: there is no \"member\" in it");
	says(LIST("psi = \"al@example.test\";\n members = [\"b\"];"),
	     "list-server: line 12: members: \"b\": write user@domain");
	says(LIST("psi = \"al@example.test\";"), "line 11: a psi has either members or");
	says(LIST("members = \"b@x\";"), "line 11: write either psi or uri-list");
	says(LIST("psi = \"nobody\";"), "line 11: psi: write \"user@domain\"");
	says(LIST("psi = \"al@example.test\"; members = [\"b@x\", \"sip:b@X\"];"),
	     "line 11: b@x is a member twice");
	says(LIST("psi = \"al@example.test\"; members = \"al@example.test\";"),
	     "line 11: al@example.test is a member of itself");
	says(LIST("psi = \"al@example.test\"; members = \"b@x\"; history = \"none\";"),
	     "line 11: recipients and history are a uri-list's");
	says(LIST("uri-list = \"l@x\"; senders = \"?@x\";"),
	     "line 11: a uri-list has senders and recipients");
	says(LIST("uri-list = \"l@x\"; history = \"some\";"),
	     "line 11: history: write \"plain\", \"protect\" or \"none\"");
	says(LIST("psi = \"team@x\"; members = \"b@x\";"),
	     "team@x has to be an identity");
	says(LIST("uri-list = \"l@x\"; senders = \"?@x\"; recipients = \"?@x\";\n"
		  "history = \"protect\";"),
	     "l@x has to be an identity");
	says(LIST("psi = \"al@example.test\"; members = \"b@x\"; },\n"
		  "{ psi = \"al@example.test\"; members = \"b@x\";"),
	     "al@example.test is there twice");
	says(LIST("psi = \"al@example.test\"; members-file = \"/nowhere/at/all\";"),
	     "line 11: /nowhere/at/all: No such file");
	says(LIST("psi = \"al@example.test\"; members-file = \"/etc/passwd\";"),
	     "line 11: /etc/passwd:1: write user@domain");
}

static void table_of_rules(void **state)
{
	struct problem problem;
	struct config config;
	struct uid uid;

	(void)state;
	assert_int_equal(load(&config, least, "policy = { rules = (\n"
			      "{ peer = \"a@x.test\"; send = \"pass\"; },\n"
			      "{ peer = [\"?@X.test\"]; send = \"protect\"; receive = \"mark\"; }\n"
			      "); };\n", &problem), 0);
	uid_from_text(&uid, "a@x.test");
	assert_int_equal(config.users[0].replay_sender, 4096);
	assert_int_equal(rules_send(config.users, &uid), OUTGOING_PASS);
	assert_int_equal(rules_receive(config.users, &uid), UNPROTECTED_MARK);
	uid_from_text(&uid, "b@x.test");
	assert_int_equal(rules_send(config.users, &uid), OUTGOING_PROTECT);
	assert_int_equal(rules_receive(config.users, NULL), UNPROTECTED_REFUSE);
	assert_int_equal(rules_receive_strictest(config.users), UNPROTECTED_REFUSE);
	assert_false(rules_all_pass(config.users));
	config_free(&config);
	assert_int_equal(load(&config, least, "unprotected = \"mark\"; outgoing = \"pass\";"
			      "policy = { rules = ( { peer = \"a@x.test\";"
			      " receive = \"refuse-415\"; } ); };",
			      &problem), 0);
	assert_int_equal(rules_receive_strictest(config.users), UNPROTECTED_REFUSE_TYPE);
	assert_true(rules_all_pass(config.users));
	config_free(&config);
#define RULES(text) "policy = { rules = (\n" text " ); };\n"
	says("policy = { rules = [];};", ":10: rules: write a list of 1 to 256 groups");
	says(RULES("{ send = \"pass\"; }"),
	     ":10: rules: line 11: it lacks peer = \"?@example.test\";");
	says(RULES("{ peer = \"?@x\"; }"), "line 11: it lacks send or receive");
	says(RULES("{ peer = \"x\"; send = \"pass\"; }"),
	     "line 11: peer: \"x\": write user@domain");
	says(RULES("{ peer = \"?@x\";\n send = \"mark\"; }"),
	     "line 12: send: write \"protect\" or \"pass\"");
	says(RULES("{ peer = \"?@x\"; receive = \"pass\"; }"),
	     "line 11: receive: write \"refuse\", \"refuse-415\" or \"mark\"");
	says(RULES("{ peer = \"?@x\"; send = \"pass\"; },\n"
		   "{ peer = [\"a@y\", \"a?@x\"]; send = \"protect\"; }"),
	     "line 12: a?@x: the rule in line 11 comes first");
	/* a rule that still decides something */
	assert_int_equal(load(&config, least, RULES("{ peer = \"?@x\"; send = \"pass\"; },\n"
			      "{ peer = \"a@x\"; send = \"protect\"; receive = \"mark\"; },\n"
			      "{ peer = \"?@?\"; receive = \"mark\"; }"), &problem), 0);
	config_free(&config);
}

static void everything(void **state)
{
	struct problem problem;
	struct config config;

	(void)state;
	assert_int_equal(load(&config, least,
			      "group = [\"team@example.test\"]; clients = [\"10.0.0.0/8\"];\n"
			      "list-service = \"list@example.test\"; state-dir = \"/s\";\n"
			      "client-users = [\"root\", \"65533\"];\n"
			      "client = \"sip:127.0.0.1:5080;transport=tcp\"; kms-ca = \"/ca\";\n"
			      "kms-timeout = 3; retry-after = 7; keep-alive = 11; max-waiting = 9;\n"
			      "policy = {\n"
			      "  suite = \"ts-128\"; profile = \"annex-i\";\n"
			      "  form = \"auth-enveloped\";\n"
			      "  accept-profile = [\"immediate\", \"annex-i\"]; content = \"ccm\";\n"
			      "  accept = [\"authenticated\"]; ticket-lifetime = 60; rekey = 30;\n"
			      "  ticket = \"self\"; cacheable = true; proof = false;\n"
			      "  outgoing = \"pass\"; unprotected = \"mark\";\n"
			      "  must-protect = [\"?@Boss.test\"];\n"
			      "  replay-sender = 5; replay-total = 6;\n"
			      "  queue = true; queue-ticket = \"self\"; queue-age = 60;\n"
			      "  queue-messages = 7; queue-recipient = 8; queue-kilobytes = 9;\n"
			      "};\n"
			      "log-level = \"debug\";\n",
			      &problem), 0);
	assert_string_equal(config.users[0].groups[0].text, "team@example.test");
	assert_int_equal(config.users[0].n_list_services, 1);
	assert_string_equal(config.users[0].list_services[0].text, "list@example.test");
	assert_string_equal(config.state_dir, "/s");
	assert_int_equal(config.users[0].n_clients, 1);
	assert_int_equal(config.users[0].clients[0].prefix, 8);
	assert_int_equal(config.users[0].n_client_users, 2);
	assert_int_equal(config.users[0].client_users[0], 0);
	assert_int_equal(config.users[0].client_users[1], 65533);
	assert_false(config.users[0].any_client_user);
	assert_true(config.users[0].has_client);
	assert_int_equal(config.users[0].client.transport, ENDPOINT_TCP);
	assert_string_equal(config.users[0].kms_ca, "/ca");
	assert_int_equal(config.users[0].kms_timeout, 3);
	assert_int_equal(config.retry_after, 7);
	assert_int_equal(config.keep_alive, 11);
	assert_int_equal(config.users[0].max_waiting, 9);
	assert_int_equal(config.users[0].suite, MIKEY_SUITE_TS_128);
	assert_int_equal(config.users[0].profile, MIKEY_PROFILE_ANNEX_I);
	assert_int_equal(config.users[0].profiles,
			 1 << MIKEY_PROFILE_ANNEX_I | 1 << MIKEY_PROFILE_IMMEDIATE);
	assert_int_equal(config.users[0].form, MIKEY_FORM_AUTH_ENVELOPED);
	assert_int_equal(config.users[0].content, MIKEY_CONTENT_AES_CCM);
	assert_int_equal(config.users[0].accept, 1 << MIKEY_FORM_AUTHENTICATED);
	assert_int_equal(config.users[0].ticket_lifetime, 60);
	assert_int_equal(config.users[0].rekey, 30);
	assert_int_equal(config.users[0].maker, MAKER_SELF);
	assert_true(config.users[0].cacheable);
	assert_true(config.users[0].reuse);
	assert_false(config.users[0].proof);
	assert_int_equal(config.users[0].outgoing, OUTGOING_PASS);
	assert_int_equal(config.users[0].unprotected, UNPROTECTED_MARK);
	assert_int_equal(config.users[0].replay_sender, 5);
	assert_int_equal(config.users[0].replay_total, 6);
	assert_true(config.users[0].queue);
	assert_int_equal(config.users[0].queue_ticket, QUEUE_TICKET_SELF);
	assert_int_equal(config.users[0].queue_age, 60);
	assert_int_equal(config.users[0].queue_messages, 7);
	assert_int_equal(config.users[0].queue_recipient, 8);
	assert_int_equal(config.users[0].queue_kilobytes, 9);
	assert_int_equal(config.log_level, LOG_LEVEL_DEBUG);
	config_free(&config);
}

/* Files from before there was a policy group hold its settings by themselves. */
static void policy_without_its_group(void **state)
{
	struct problem problem;
	struct config config;

	(void)state;
	assert_int_equal(load(&config, least,
			      "form = \"authenticated\"; reuse = false; policy = { };\n"
			      "unprotected = \"mark\";", &problem), 0);
	assert_int_equal(config.users[0].form, MIKEY_FORM_AUTHENTICATED);
	assert_false(config.users[0].reuse);
	assert_int_equal(config.users[0].unprotected, UNPROTECTED_MARK);
	config_free(&config);
	says("reuse = false;\npolicy = { reuse = true; };",
	     ":11: reuse: given twice, in policy and outside");
	says("policy = { kms-timeout = 3; };",
	     ":10: there is no setting \"kms-timeout\" in policy");
	says("policy = { colour = 1; };", ":10: there is no setting \"colour\" in policy");
	says("policy = \"strict\";", ":10: policy: write {");
	says("policy = {\n form = \"rot13\";\n};", ":11: form: write ");
}

static void settings_that_do_not_go_together(void **state)
{
	(void)state;
	says("policy = { profile = \"annex-i\"; form = \"authenticated\"; };",
	     ": policy: profile \"annex-i\" sends the form \"auth-enveloped\" only");
	says("policy = { content = \"ccm\"; form = \"authenticated\"; };", ": policy: content ");
	says("policy = { cacheable = true; };", ": policy: cacheable needs");
	says("policy = { profile = \"annex-i\"; cacheable = true; reuse = false; };",
	     ": policy: cacheable needs");
	says("policy = { rekey = 61; ticket-lifetime = 60; };", ": policy: rekey is longer");
	says("policy = { queue = true; form = \"authenticated\"; };",
	     ": policy: queue does not go with form");
	says("policy = { replay-sender = 6; replay-total = 6; };",
	     ": policy: replay-total is not");
}

/* TS 33.328 6.2.3.4.2: '?' is zero or more characters */
static void peers_to_protect(void **state)
{
	static const struct {
		const char *uid;
		bool fits;
	} cases[] = {
		{ "boss@firm.test", true }, { "anybody@board.test", true },
		{ "@board.test", true }, { "boss@firm.test.evil", false },
		{ "xboss@firm.test", false }, { "a.b@law.test", true },
		{ "a.b@law.tes", false }, { "aXb.c@law.test", true }, { "ab@law.test", false },
	};
	struct problem problem;
	struct config config;
	struct uid uid;

	(void)state;
	assert_int_equal(load(&config, least, "policy = { must-protect = (\n"
			      "\"boss@FIRM.test\", \"?@board.test\", \"a?.?@law.test\"); };",
			      &problem), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		strcpy(uid.text, cases[i].uid);
		uid.len = strlen(uid.text);
		assert_int_equal(config_must_protect(config.users, &uid), cases[i].fits);
	}
	config_free(&config);
	says("must-protect = [\"boss\"];", ":10: must-protect: \"boss\": write user@domain");
}

static void any_user_may_be_the_client(void **state)
{
	struct problem problem;
	struct config config;

	(void)state;
	assert_int_equal(load(&config, least, "client-users = \"*\";\n", &problem), 0);
	assert_true(config.users[0].any_client_user);
	assert_int_equal(config.users[0].n_client_users, 0);
	config_free(&config);
}

/* What stands in a file with several users at its top level. */
static const char common[] =
	"listen = \"udp:127.0.0.1:5062\";\n"
	"listen-outside = \"udp:192.0.2.1:5060\";\n"
	"next-hop = \"sip:192.0.2.9\";\n"
	"kms = \"https://kms.test\"; kms-id = \"https://kms.test\"; client-users = \"root\";\n"
	"policy = { form = \"authenticated\"; unprotected = \"mark\"; };\n";

#define ALICE "  { name = \"alice\"; identity = [\"alice@x.test\"]; psk = \"1\"; psk-id = \"a\";\n"
#define BOB "  { name = \"bob\"; identity = [\"bob@x.test\"]; psk = \"2\"; psk-id = \"b\";\n"

static void several_users(void **state)
{
	const struct config_user *alice, *bob;
	struct problem problem;
	struct config config;

	(void)state;
	if (load(&config, common, "users = (\n" ALICE "group = \"team@x.test\"; },\n" BOB
		 "group = \"team@x.test\"; kms = \"http://other.test\"; client-users = \"*\";\n"
		 "policy = { unprotected = \"refuse\"; }; } );\n", &problem))
		fail_msg("%s", problem.words);
	assert_int_equal(config.n_users, 2);
	alice = config_named(&config, "alice");
	bob = config_named(&config, "bob");
	assert_ptr_equal(alice, &config.users[0]);
	assert_ptr_equal(bob, &config.users[1]);
	assert_null(config_named(&config, "carol"));
	assert_ptr_equal(config_named(&config, NULL), alice);
	assert_string_equal(alice->kms_url, "https://kms.test");
	assert_string_equal(bob->kms_url, "http://other.test");
	assert_string_equal(bob->kms_id.text, "https://kms.test");
	assert_int_equal(alice->n_client_users, 1);
	assert_false(alice->any_client_user);
	assert_true(bob->any_client_user);
	assert_int_equal(bob->form, MIKEY_FORM_AUTHENTICATED);
	assert_int_equal(alice->unprotected, UNPROTECTED_MARK);
	assert_int_equal(bob->unprotected, UNPROTECTED_REFUSE);
	assert_string_equal(bob->psk, "2");
	config_free(&config);
}

static void users_say(const char *users, const char *words)
{
	struct problem problem;
	struct config config;

	assert_int_equal(load(&config, common, users, &problem), -EINVAL);
	if (!strstr(problem.words, words))
		fail_msg("\"%s\" is not in \"%s\"", words, problem.words);
}

static void users_are_kept_apart(void **state)
{
	(void)state;
	users_say("users = ( " ALICE "},\n"
		  "{ name = \"bob\"; psk = \"2\"; psk-id = \"b\";\n"
		  "identity = [\"bob@x.test\", \"alice@X.test\"]; } );",
		  ":9: identity: alice@x.test is user \"alice\"'s");
	users_say("users = ( " ALICE "},\n" ALICE "} );",
		  ":8: name: another user is called \"alice\" too");
	users_say("users = ( " ALICE "},\n" BOB "group = \"alice@x.test\"; } );",
		  ":8: group: alice@x.test is user \"alice\"'s identity");
	users_say("users = ( " ALICE "group = \"bob@x.test\"; },\n" BOB "} );",
		  ":8: identity: bob@x.test is user \"alice\"'s");
	users_say("users = ( { identity = \"a@x.test\"; psk = \"1\"; psk-id = \"a\"; } );",
		  ":6: a line is missing: name = ");
	users_say("users = ( { name = \"../x\"; } );", ":6: name: write a name of letters");
	users_say("users = (\n" ALICE "}, { name = \"b\"; } );",
		  ":8: a line is missing: identity = ");
	users_say("users = ();", ":6: users: write (");
	users_say("users = \"alice\";", ":6: users: write (");
	users_say("users = ( \"alice\" );", ":6: users: each stands in");
	users_say("users = ( " ALICE "listen = \"udp:127.0.0.1:1\"; } );",
		  ":7: there is no setting \"listen\" of a user");
	users_say("psk = \"3\";\nusers = ( " ALICE "} );",
		  ":6: there is no setting \"psk\" at top level of a file with \"users\"");
	users_say("users = ( " ALICE "policy = { rekey = 90000; }; } );",
		  ":6: policy: rekey is longer");
	says("name = \"alice\";", ": name is for a user in \"users\"");
}

static void faults_have_a_line(void **state)
{
	(void)state;
	says("colour = \"blue\";", ":10: there is no setting \"colour\"");
	says("\n\n# x\ncolour = \"blue\";", ":13: ");
	says("form = \"rot13\";", ":10: form: write \"auth-enveloped\", \"authenticated\" or ");
	says("content = \"cbc\";", ":10: content: write \"gcm\" or \"ccm\"");
	says("ticket = \"god\";", ":10: ticket: write \"kms\" or \"self\"");
	says("accept-profile = [\"annex-x\"];", ":10: accept-profile: ");
	says("state-dir = \"here\";", ":10: state-dir: write a path");
	says("form = 3;", ":10: form: ");
	says("accept = [];", ":10: accept: ");
	says("accept = [\"authenticated\", \"x\"];", ":10: accept: ");
	says("accept = (\"authenticated\", 1);", ":10: accept: ");
	says("kms-timeout = 0;", ":10: kms-timeout: write a number from 1 to 25");
	says("kms-timeout = 26;", ":10: kms-timeout: ");
	says("kms-timeout = \"5\";", ":10: kms-timeout: ");
	says("reuse = \"yes\";", ":10: reuse: write true or false");
	says("log-level = \"loud\";", ":10: log-level: ");
	says("client = \"127.0.0.1\";", ":10: client: ");
	says("client = \"sips:127.0.0.1\";", ":10: client: a client over TLS connects itself");
	says("certificate = \"cert.pem\";", ":10: certificate: write a file");
	says("clients = [\"10.0.0.0/33\"];", ":10: clients: \"10.0.0.0/33\"");
	says("client-users = [\"nobody-of-that-name\"];", ":10: client-users: ");
	says("client-users = [\"-1\"];", ":10: client-users: ");
	says("client-users = [\"4294967295\"];", ":10: client-users: ");
	says("client-users = [\"*\", \"root\"];", ":10: client-users: ");
	says("group = [\"team\"];", ":10: group: \"team\": write user@domain");
	says("kms-ca = \"\";", ":10: kms-ca: ");
	says("kms-ca = 1;", ":10: kms-ca: ");
	says("identity = [\"x@y\"];", ":10: ");
	says("kms-ca = \"x", ":10: ");
	says("kms-ca", ":10: ");
}

/* The same settings with one of them changed. */
static void replaced(const char *name, const char *with, const char *words)
{
	char text[2048], *line, *end;
	struct problem problem;
	struct config config;

	strcpy(text, least);
	line = strstr(text, name);
	assert_non_null(line);
	end = strchr(line, '\n');
	memmove(line + strlen(with), end, strlen(end) + 1);
	memcpy(line, with, strlen(with));
	assert_int_equal(load(&config, text, "", &problem), -EINVAL);
	if (!strstr(problem.words, words))
		fail_msg("\"%s\" is not in \"%s\"", words, problem.words);
}

/* TLS, and what it needs besides. */
static void with_tls(void **state)
{
	static const char files[] = "certificate = \"/c\"; private-key = \"/k\";\n";
	struct problem problem;
	struct config config;
	char text[1024];

	(void)state;
	says("certificate = \"/c\";", ":10: certificate: certificate and private-key go together");
	says("private-key = \"/k\";", ":10: private-key: certificate and private-key go together");
	says("next-hop-ca = \"/ca\";", ":10: next-hop-ca: next-hop is not over TLS");
	replaced("listen = ", "listen = \"tls:127.0.0.1:5062\";",
		 ":3: listen: tls: needs the settings certificate and private-key");
	replaced("listen-outside = ", "listen-outside = \"tls:192.0.2.1:5061\";",
		 ":4: listen-outside: tls: needs the settings certificate and private-key");
	replaced("next-hop = ", "next-hop = \"sips:192.0.2.9\";",
		 ":5: next-hop: one over TLS needs a tls: address in listen-outside");
	snprintf(text, sizeof(text), "%s", least);
	memcpy(strstr(text, "tcp:192.0.2.1:5060"), "tls:192.0.2.1:5061", 18);
	memcpy(strstr(text, "transport=tcp"), "transport=tls", 13);
	strcat(text, files);
	assert_int_equal(load(&config, text, "next-hop-ca = \"/ca\";", &problem), 0);
	assert_int_equal(config.outside[1].transport, ENDPOINT_TLS);
	assert_int_equal(config.next_hop.transport, ENDPOINT_TLS);
	assert_string_equal(config.next_hop.host, "192.0.2.9");
	assert_string_equal(config.certificate.path, "/c");
	assert_string_equal(config.private_key.path, "/k");
	assert_int_equal(config.private_key.line, 10);
	assert_string_equal(config.next_hop_ca.path, "/ca");
	assert_int_equal(config.next_hop_ca.line, 11);
	config_free(&config);
}

static void needed_settings(void **state)
{
	static const char * const names[] = {
		"identity", "listen", "listen-outside", "next-hop", "kms", "kms-id", "psk",
		"psk-id",
	};
	char name[32], words[64];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(name, sizeof(name), "%s =", names[i]);
		snprintf(words, sizeof(words), "a line is missing: %s", name);
		replaced(name, "", words);
	}
	replaced("identity =", "identity = [\"nobody\"];", ":2: identity: \"nobody\"");
	replaced("listen =", "listen = \"udp:0.0.0.0:1\";", ":3: listen: \"udp:0.0.0.0:1\"");
	replaced("next-hop =", "next-hop = \"sip:\";", ":5: next-hop: ");
	replaced("kms =", "kms = \"ftp://x\";", ":6: kms: ");
	replaced("psk-id =", "psk-id = \"\";", ":9: psk-id: ");
}

static void files_that_are_none(void **state)
{
	struct problem problem;
	struct config config;

	(void)state;
	assert_int_equal(config_load(&config, "/nonexistent", &problem), -ENOENT);
	assert_non_null(strstr(problem.words, "/nonexistent: No such file"));
	assert_int_equal(config_load(&config, "/tmp", &problem), -EISDIR);
	assert_int_equal(config_load(&config, "/bin/true", &problem), -EINVAL);
	assert_int_equal(config_load(&config, "/dev/zero", &problem), -EFBIG);
	assert_int_equal(config_load(&config, "/dev/null", &problem), -EINVAL);
}

static int make_file(void **state)
{
	int fd;

	(void)state;
	strcpy(path, "/tmp/mikeyd-conf-XXXXXX");
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(least_and_defaults),
		cmocka_unit_test(list_servers),
		cmocka_unit_test(table_of_rules),
		cmocka_unit_test(everything),
		cmocka_unit_test(policy_without_its_group),
		cmocka_unit_test(settings_that_do_not_go_together),
		cmocka_unit_test(peers_to_protect),
		cmocka_unit_test(any_user_may_be_the_client),
		cmocka_unit_test(several_users),
		cmocka_unit_test(users_are_kept_apart),
		cmocka_unit_test(faults_have_a_line),
		cmocka_unit_test(with_tls),
		cmocka_unit_test(needed_settings),
		cmocka_unit_test(files_that_are_none),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
