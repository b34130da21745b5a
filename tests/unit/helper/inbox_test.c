// SPDX-License-Identifier: GPL-2.0-or-later
/* mikeyd as the client of a user who has none. */
#include "tests/unit/helper/asker.h"
#include "tests/unit/helper/inbox_stage.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "helper/mikeyd/inbox.h"
#include "helper/mikeyd/record.h"

/* ---- the tests */

static void kept_and_taken(void **state)
{
	json_t *answer, *messages;
	char take[64];
	int fd;

	(void)state;
	inbox_stage_open("", "");
	inbox_arrives("1", MULTIPART(HELLO));
	inbox_answered("SIP/2.0 200 OK");
	fd = asker_at(inbox_socket);
	answer = asker_asks(fd, "{\"command\":\"list\"}");
	messages = json_object_get(answer, "messages");
	assert_int_equal(json_array_size(messages), 1);
	assert_null(json_object_get(json_array_get(messages, 0), "body"));
	assert_null(json_object_get(json_array_get(messages, 0), "headers"));
	json_decref(answer);

	answer = asker_asks(fd, "{\"command\":\"next\",\"lend\":true}");
	assert_string_equal(message_text(answer, "sender"), "alice@example.test");
	assert_string_equal(message_text(answer, "claimed"), "alice@example.test");
	assert_string_equal(message_text(answer, "proved"), "body");
	assert_string_equal(message_text(answer, "form"), "auth-enveloped");
	assert_string_equal(message_text(answer, "content_type"), "text/plain");
	assert_string_equal(message_text(answer, "headers"), "Content-Type: text/plain\r\n");
	assert_string_equal(message_text(answer, "body"), "hello");
	assert_int_equal(message_number(answer, "sent"), 1700000000);
	assert_int_equal(message_number(answer, "length"), 5);
	snprintf(take, sizeof(take), "{\"command\":\"take\",\"id\":%lld}",
		 (long long)message_number(answer, "id"));
	json_decref(answer);
	answer = asker_asks(fd, take);
	assert_true(json_boolean_value(json_object_get(answer, "ok")));
	json_decref(answer);
	asker_fails_with(fd, take, "ENOENT");
	asker_fails_with(fd, "{\"command\":\"next\"}", "ENOENT");
	close(fd);
}

/* Who takes a message knows what it requires, or says that they do not (8.2.2.3). */
static void extension_is_required(void **state)
{
	(void)state;
	inbox_stage_open("", "");
	hop_sends(inbox_message("1", "Require: x-a ,x-b\r\nrequire: x-c\r\n" MULTIPART(HELLO)));
	inbox_answered("SIP/2.0 420 Bad Extension");
	assert_string_equal(header("Unsupported", 0), "x-a, x-b, x-c");
	assert_string_equal(header("Unsupported", 1), "");
	assert_int_equal(kms_waiting(), 0);
}

static void repeats_are_known(void **state)
{
	json_t *answer;
	int fd;

	(void)state;
	inbox_stage_open("", "");
	kernel.mac = 7;
	inbox_arrives("1", MULTIPART(HELLO));
	inbox_answered("SIP/2.0 200 OK");
	kernel.unprotect = FAULT(-EALREADY, 1);
	inbox_arrives("2", MULTIPART(HELLO));
	inbox_answered("SIP/2.0 200 OK");
	fd = asker_at(inbox_socket);
	answer = asker_asks(fd, "{\"command\":\"list\"}");
	assert_int_equal(json_array_size(json_object_get(answer, "messages")), 1);
	json_decref(answer);
	close(fd);
}

/* A client that is there gets its messages, unless the settings say "always". */
static void only_without_a_client(void **state)
{
	static const char * const when[] = { "when = \"absent\";", "when = \"always\";" };

	(void)state;
	for (int always = 0; always < 2; always++) {
		inbox_stage_open(when[always], "");
		client_registers("bob");
		inbox_arrives("1", MULTIPART(HELLO));
		if (always) {
			inbox_answered("SIP/2.0 200 OK");
		} else {
			client_gets();
			first_line_is("MESSAGE sip:bob@example.test SIP/2.0");
			client_sends(answer("200 OK"));
			inbox_answered("SIP/2.0 200 OK");
			/* then it leaves */
			kernel.gone = stage.client_port;
			inbox_arrives("2", MULTIPART(HELLO));
			inbox_answered("SIP/2.0 200 OK");
		}
		assert_int_equal(inbox_store_use(inbox_store(stage.user->inbox)).messages, 1);
		if (!always)
			stage_close();
	}
}

/* Who finds no room is told so before the kernel opens anything. */
static void full_before_it_is_opened(void **state)
{
	int fd;

	(void)state;
	inbox_stage_open("messages = 2;", "");
	inbox_arrives("1", MULTIPART(HELLO));
	inbox_answered("SIP/2.0 200 OK");
	/* the second place is taken while its message is being opened */
	hop_sends(inbox_message("2", MULTIPART(HELLO)));
	assert_true(loop_until(inbox_exchange_waits, NULL, 10000));
	hop_sends(inbox_message("3", MULTIPART(ENTITY("owt"))));
	inbox_answered("SIP/2.0 480 Temporarily Unavailable");
	assert_string_equal(header("Retry-After", 0), "30");
	assert_int_equal(kernel.resolves, 2);
	kms_fails(-EHOSTUNREACH, "away");
	inbox_answered("SIP/2.0 503 Service Unavailable");
	/* and free again when that failed */
	inbox_arrives("4", MULTIPART(ENTITY("owt")));
	inbox_answered("SIP/2.0 200 OK");
	hop_sends(inbox_message("5", MULTIPART(ENTITY("eerht"))));
	inbox_answered("SIP/2.0 480 Temporarily Unavailable");
	assert_int_equal(kernel.unprotects, 2);
	fd = asker_at(inbox_socket);
	json_decref(asker_asks(fd, "{\"command\":\"next\"}"));
	close(fd);
}

static void too_large_for_it(void **state)
{
	static char rest[8192];

	(void)state;
	inbox_stage_open("kilobytes = 1;", "");
	snprintf(rest, sizeof(rest), MULTIPART("%01200d"), 0);
	hop_sends(inbox_message("1", rest));
	inbox_answered("SIP/2.0 480 Temporarily Unavailable");
	assert_int_equal(kernel.resolves, 0);
	inbox_arrives("2", MULTIPART(HELLO));
	inbox_answered("SIP/2.0 200 OK");
}

static void waiting(void **state)
{
	json_t *answer;
	int first, second;

	(void)state;
	inbox_stage_open("", "");
	first = asker_at(inbox_socket);
	second = asker_at(inbox_socket);
	asker_says(first, "{\"command\":\"next\",\"wait\":true,\"lend\":true}");
	assert_true(asker_is_quiet(first));
	asker_says(second, "{\"command\":\"next\",\"wait\":true,\"lend\":true}");
	assert_true(asker_is_quiet(second));
	inbox_arrives("1", MULTIPART(HELLO));
	inbox_answered("SIP/2.0 200 OK");
	answer = asker_hears(first);
	assert_string_equal(message_text(answer, "body"), "hello");
	json_decref(answer);
	/* one message for one of them, for as long as that one lives */
	assert_true(asker_is_quiet(second));
	asker_fails_with(first, "{\"command\":\"show\",\"id\":1}", "ENOENT");
	close(first);
	answer = asker_hears(second);
	assert_string_equal(message_text(answer, "body"), "hello");
	json_decref(answer);
	close(second);
	loop_for(20);
	assert_int_equal(inbox_store_use(inbox_store(stage.user->inbox)).messages, 1);
}

/* One who never reads holds up nobody, and no more piles up than its one answer. */
static void a_stalled_asker(void **state)
{
	char ask[] = "{\"command\":\"next\"}";
	json_t *answer;
	int stalled, other, sent = 0;

	(void)state;
	inbox_stage_open("", "");
	inbox_arrives("1", MULTIPART(HELLO));
	inbox_answered("SIP/2.0 200 OK");
	stalled = asker_at(inbox_socket);
	/* until mikeyd reads no more of it */
	for (int i = 0; i < 200000 && sent < 50; i++) {
		if (send(stalled, ask, sizeof(ask), MSG_NOSIGNAL) < 0) {
			loop_for(2);
			sent++;
		}
		ask[sizeof(ask) - 1] = '\n';
	}
	assert_int_equal(sent, 50);
	other = asker_at(inbox_socket);
	answer = asker_asks(other, "{\"command\":\"next\"}");
	assert_string_equal(message_text(answer, "body"), "hello");
	json_decref(answer);
	inbox_arrives("2", MULTIPART(HELLO));
	inbox_answered("SIP/2.0 200 OK");
	close(other);
	close(stalled);
}

static void bad_requests(void **state)
{
	static const char * const bad[] = {
		"", "x", "[]", "{}", "{\"command\":1}", "{\"command\":\"nothing\"}",
		"{\"command\":\"take\",\"id\":\"1\"}",
		"{\"command\":\"list\",\"command\":\"list\"}",
		"\xff\xfe", "{\"command\":\"li\\u0000st\"}",
	};
	char flood[2048];
	int fd, many[20];

	(void)state;
	inbox_stage_open("", "");
	fd = asker_at(inbox_socket);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		asker_fails_with(fd, bad[i], "EINVAL");
	/* a line without an end */
	memset(flood, '[', sizeof(flood));
	assert_true(send(fd, flood, sizeof(flood), MSG_NOSIGNAL) > 0);
	assert_null(asker_hears(fd));
	close(fd);
	/* more of them than there may be */
	for (int i = 0; i < 20; i++) {
		many[i] = asker_at(inbox_socket);
		loop_for(5);
	}
	assert_null(asker_hears(many[19]));
	asker_fails_with(many[0], "{}", "EINVAL");
	for (int i = 0; i < 20; i++)
		close(many[i]);
	loop_for(20);
	fd = asker_at(inbox_socket);
	asker_fails_with(fd, "{}", "EINVAL");
	close(fd);
}

static void bodies_of_all_kinds(void **state)
{
	static const struct {
		const char *turned, *text, *base64;
	} cases[] = {
		{ ENTITY("\xbc\xc3"), "\xc3\xbc", NULL },
		{ ENTITY("\xfc"), NULL, "/A==" },		/* not UTF-8 */
		{ ENTITY("\x1b["), NULL, "Wxs=" },		/* would steer a terminal */
		{ ENTITY("\n\r\t"), "\t\r\n", NULL },
		{ ENTITY(""), "", NULL },
	};
	json_t *answer;
	char next[64] = "{\"command\":\"next\"}", branch[8];
	int fd;

	(void)state;
	inbox_stage_open("", "");
	fd = asker_at(inbox_socket);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char rest[1024];

		snprintf(rest, sizeof(rest), MULTIPART("%s"), cases[i].turned);
		snprintf(branch, sizeof(branch), "%zu", i);
		inbox_arrives(branch, rest);
		inbox_answered("SIP/2.0 200 OK");
		answer = asker_asks(fd, next);
		if (cases[i].text)
			assert_string_equal(message_text(answer, "body"), cases[i].text);
		else
			assert_null(message_text(answer, "body"));
		if (cases[i].base64)
			assert_string_equal(message_text(answer, "body_base64"), cases[i].base64);
		snprintf(next, sizeof(next), "{\"command\":\"next\",\"after\":%lld}",
			 (long long)message_number(answer, "id"));
		json_decref(answer);
	}
	close(fd);
}

/* A list server that is known says who wrote to it. */
static void through_a_list(void **state)
{
	static const char turned[] =
		"iH\n\r\n\rydob=devorp ;>tset.elpmaxe@lorac< :redneS-yekiM-tnetnoC";
	char rest[1024];
	json_t *answer;
	int fd;

	(void)state;
	inbox_stage_open("", "list-service = [\"team@example.test\"];\n");
	snprintf(rest, sizeof(rest), MULTIPART("%s"), turned);
	/* whom anybody else names is nobody */
	inbox_arrives("1", rest);
	inbox_answered("SIP/2.0 200 OK");
	kernel.initiator = "team@example.test";
	inbox_arrives("2", rest);
	inbox_answered("SIP/2.0 200 OK");
	fd = asker_at(inbox_socket);
	answer = asker_asks(fd, "{\"command\":\"next\"}");
	assert_null(message_text(answer, "original"));
	snprintf(rest, sizeof(rest), "{\"command\":\"next\",\"after\":%lld}",
		 (long long)message_number(answer, "id"));
	json_decref(answer);
	answer = asker_asks(fd, rest);
	assert_string_equal(message_text(answer, "sender"), "team@example.test");
	assert_string_equal(message_text(answer, "original"), "carol@example.test");
	assert_string_equal(message_text(answer, "original_proved"), "body");
	json_decref(answer);
	close(fd);
}

static void hostile_names(void **state)
{
	json_t *answer;
	int fd;

	(void)state;
	inbox_stage_open("", "");
	kernel.initiator = "e\r\nvil\x1b\xff>@example.test";
	inbox_arrives("1", MULTIPART(HELLO));
	inbox_answered("SIP/2.0 200 OK");
	fd = asker_at(inbox_socket);
	answer = asker_asks(fd, "{\"command\":\"next\"}");
	assert_string_equal(message_text(answer, "sender"), "e%0D%0Avil%1B%FF%3E@example.test");
	json_decref(answer);
	close(fd);
}

static void unprotected(void **state)
{
	json_t *answer;
	int fd;

	(void)state;
	inbox_stage_open("messages = 1;", "unprotected = \"mark\";\n");
	hop_sends(inbox_message("1", "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi"));
	inbox_answered("SIP/2.0 200 OK");
	fd = asker_at(inbox_socket);
	answer = asker_asks(fd, "{\"command\":\"next\"}");
	assert_true(json_is_null(json_object_get(json_object_get(answer, "message"), "sender")));
	assert_true(json_is_null(json_object_get(json_object_get(answer, "message"), "sent")));
	assert_string_equal(message_text(answer, "claimed"), "alice@example.test");
	assert_string_equal(message_text(answer, "proved"), "none");
	assert_string_equal(message_text(answer, "recipient"), "bob@example.test");
	assert_string_equal(message_text(answer, "body"), "hi");
	json_decref(answer);
	close(fd);
	hop_sends(inbox_message("2", "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi"));
	inbox_answered("SIP/2.0 480 Temporarily Unavailable");
}

static void unprotected_refused(void **state)
{
	(void)state;
	inbox_stage_open("", "");
	hop_sends(inbox_message("1", "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi"));
	inbox_answered("SIP/2.0 488 Not Acceptable Here");
	/* other methods are still for a client */
	hop_sends("OPTIONS sip:bob@example.test SIP/2.0\r\n" VIA("$H", "2")
		  FROM_TO("a@example.test", "bob@example.test", "2", "OPTIONS") "\r\n");
	inbox_answered("SIP/2.0 480 No Client Is Registered");
	/* and other users' messages for nobody here */
	hop_sends("MESSAGE sip:eve@example.test SIP/2.0\r\n" VIA("$H", "3")
		  FROM_TO("a@example.test", "eve@example.test", "3", "MESSAGE") "\r\n");
	inbox_answered("SIP/2.0 404 Not Found");
}

/* ---- a folder */

static void kept_in_a_folder(void **state)
{
	char inbox[128], path[128];
	struct stat found;
	json_t *answer;
	json_int_t id;
	int fd;

	(void)state;
	snprintf(inbox, sizeof(inbox), "directory = \"%s/messages\";", inbox_dir);
	inbox_stage_open(inbox, "");
	kernel.mac = 7;
	inbox_arrives("1", MULTIPART(HELLO));
	inbox_answered("SIP/2.0 200 OK");
	snprintf(path, sizeof(path), "%s/messages/inbox.db", inbox_dir);
	assert_int_equal(stat(path, &found), 0);
	assert_int_equal(found.st_mode & 07777, 0600);
	stage_restart(inbox_settings(inbox, ""));
	fd = asker_at(inbox_socket);
	answer = asker_asks(fd, "{\"command\":\"next\"}");
	assert_string_equal(message_text(answer, "body"), "hello");
	id = message_number(answer, "id");
	json_decref(answer);
	close(fd);
	kernel.mac = 8;
	inbox_arrives("2", MULTIPART(ENTITY("owt")));
	inbox_answered("SIP/2.0 200 OK");
	fd = asker_at(inbox_socket);
	snprintf(path, sizeof(path), "{\"command\":\"next\",\"after\":%lld}", (long long)id);
	answer = asker_asks(fd, path);
	assert_string_equal(message_text(answer, "body"), "two");
	json_decref(answer);
	close(fd);
}

/* It was stored, and mikeyd ended before it put the answer down: the repeat is told. */
static void ended_before_the_answer(void **state)
{
	struct inbox_message message = {
		.received = 1, .sent = 1700000000, .mac = { .data = { 7 }, .len = 32 },
	};
	struct problem problem;
	char inbox[128];
	uint16_t code;

	(void)state;
	snprintf(inbox, sizeof(inbox), "directory = \"%s/messages\";", inbox_dir);
	inbox_stage_open(inbox, "");
	uid_from_text(&message.sender, "alice@example.test");
	assert_int_equal(record_begin(stage.user->record, &message.sender, &message.mac,
				      message.sent, &code, &problem), 0);
	assert_int_equal(inbox_store_add(inbox_store(stage.user->inbox), &message, &problem), 0);
	stage_restart(inbox_settings(inbox, ""));
	kernel.mac = 7;
	kernel.unprotect = FAULT(-EALREADY, 1);
	inbox_arrives("2", MULTIPART(HELLO));
	inbox_answered("SIP/2.0 200 OK");
	assert_int_equal(inbox_store_use(inbox_store(stage.user->inbox)).messages, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, inbox_make_dir, inbox_stage_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(kept_and_taken),
		TEST(extension_is_required),
		TEST(repeats_are_known),
		TEST(only_without_a_client),
		TEST(full_before_it_is_opened),
		TEST(too_large_for_it),
		TEST(waiting),
		TEST(a_stalled_asker),
		TEST(bad_requests),
		TEST(bodies_of_all_kinds),
		TEST(hostile_names),
		TEST(through_a_list),
		TEST(unprotected),
		TEST(unprotected_refused),
		TEST(kept_in_a_folder),
		TEST(ended_before_the_answer),
	};

	return cmocka_run_group_tests_name("mikeyd inbox", tests, loop_open, loop_close);
}
