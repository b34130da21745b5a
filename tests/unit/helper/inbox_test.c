// SPDX-License-Identifier: GPL-2.0-or-later
/* mikeyd as the client of a user who has none. */
#include "tests/unit/helper/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "helper/mikeyd/inbox.h"
#include "helper/mikeyd/record.h"

#define MULTIPART(cms) \
	"Content-Type: multipart/mixed;boundary=b\r\n\r\n" \
	"--b\r\nContent-Type: application/mikey\r\nContent-Transfer-Encoding: base64\r\n\r\n" \
	"VFJBTlNGRVI=\r\n--b\r\nContent-Type: application/pkcs7-mime; name=smime.p7m\r\n" \
	"Content-Transfer-Encoding: binary\r\n\r\n" cms "\r\n--b--\r\n"
/* "Content-Type: text/plain" and a body, turned round as the double does */
#define ENTITY(ydob) ydob "\n\r\n\rnialp/txet :epyT-tnetnoC"
#define HELLO ENTITY("olleh")

static char dir[64], socket_path[96];

/* A message for bob; without a token, since there is no client that registered. */
static const char *message(const char *branch, const char *rest)
{
	static char text[8192];

	snprintf(text, sizeof(text), "MESSAGE sip:bob@example.test SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:$H;branch=z9hG4bK%s;rport\r\n"
		 "From: <sip:alice@example.test>;tag=f\r\nTo: <sip:bob@example.test>\r\n"
		 "Call-ID: %s\r\nCSeq: 1 MESSAGE\r\n%s", branch, branch, rest);
	return text;
}

static const char *settings(const char *inbox, const char *more)
{
	static char text[1024];

	snprintf(text, sizeof(text), "inbox = { socket = \"%s\"; %s };\n%s", socket_path, inbox,
		 more);
	return text;
}

static void open_with(const char *inbox, const char *more)
{
	kernel_reset();
	stage_open(settings(inbox, more));
}

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/mikeyd-inbox-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(socket_path, sizeof(socket_path), "%s/socket", dir);
	return 0;
}

static int close_stage(void **state)
{
	char command[96];

	(void)state;
	stage_close();
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

static bool exchange_waits(void *arg)
{
	(void)arg;
	return kms_waiting() > 0;
}

/* A message arrives and is opened. */
static void arrives(const char *branch, const char *rest)
{
	hop_sends(message(branch, rest));
	if (!loop_until(exchange_waits, NULL, 1000))
		fail_msg("the KMS was not asked");
	kms_answers();
}

static void answered(const char *line)
{
	hop_gets();
	first_line_is(line);
}

/* ---- somebody at the socket */

static int asker(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, socket_path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

struct line {
	int fd;
	size_t len;
	bool closed;
	char text[1024 * 1024];
};

static bool line_arrives(void *arg)
{
	struct line *line = arg;
	ssize_t got = recv(line->fd, line->text + line->len, sizeof(line->text) - line->len, 0);

	if (got > 0)
		line->len += got;
	line->closed = !got;
	return line->closed || memchr(line->text, '\n', line->len);
}

static json_t *heard(int fd)
{
	static struct line line;
	json_t *answer;

	line = (struct line){ .fd = fd };
	if (!loop_until(line_arrives, &line, 2000) || line.closed)
		return NULL;
	assert_ptr_equal(memchr(line.text, '\n', line.len), line.text + line.len - 1);
	answer = json_loadb(line.text, line.len, 0, NULL);
	assert_non_null(answer);
	return answer;
}

static void says(int fd, const char *request)
{
	char line[2048];
	int len = snprintf(line, sizeof(line), "%s\n", request);

	assert_int_equal(send(fd, line, len, MSG_NOSIGNAL), len);
}

static json_t *asks(int fd, const char *request)
{
	json_t *answer;

	says(fd, request);
	answer = heard(fd);
	if (!answer)
		fail_msg("no answer to %s", request);
	return answer;
}

static bool quiet(int fd)
{
	char byte;

	loop_for(60);
	return recv(fd, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

static const char *text_of(json_t *answer, const char *key)
{
	return json_string_value(json_object_get(json_object_get(answer, "message"), key));
}

static json_int_t number_of(json_t *answer, const char *key)
{
	return json_integer_value(json_object_get(json_object_get(answer, "message"), key));
}

static void fails_with(int fd, const char *request, const char *error)
{
	json_t *answer = asks(fd, request);

	assert_false(json_boolean_value(json_object_get(answer, "ok")));
	assert_string_equal(json_string_value(json_object_get(answer, "error")), error);
	json_decref(answer);
}

/* ---- the tests */

static void kept_and_taken(void **state)
{
	json_t *answer, *messages;
	char take[64];
	int fd;

	(void)state;
	open_with("", "");
	arrives("1", MULTIPART(HELLO));
	answered("SIP/2.0 200 OK");
	fd = asker();
	answer = asks(fd, "{\"command\":\"list\"}");
	messages = json_object_get(answer, "messages");
	assert_int_equal(json_array_size(messages), 1);
	assert_null(json_object_get(json_array_get(messages, 0), "body"));
	assert_null(json_object_get(json_array_get(messages, 0), "headers"));
	json_decref(answer);

	answer = asks(fd, "{\"command\":\"next\",\"lend\":true}");
	assert_string_equal(text_of(answer, "sender"), "alice@example.test");
	assert_string_equal(text_of(answer, "claimed"), "alice@example.test");
	assert_string_equal(text_of(answer, "proved"), "body");
	assert_string_equal(text_of(answer, "form"), "auth-enveloped");
	assert_string_equal(text_of(answer, "content_type"), "text/plain");
	assert_string_equal(text_of(answer, "headers"), "Content-Type: text/plain\r\n");
	assert_string_equal(text_of(answer, "body"), "hello");
	assert_int_equal(number_of(answer, "sent"), 1700000000);
	assert_int_equal(number_of(answer, "length"), 5);
	snprintf(take, sizeof(take), "{\"command\":\"take\",\"id\":%lld}",
		 (long long)number_of(answer, "id"));
	json_decref(answer);
	answer = asks(fd, take);
	assert_true(json_boolean_value(json_object_get(answer, "ok")));
	json_decref(answer);
	fails_with(fd, take, "ENOENT");
	fails_with(fd, "{\"command\":\"next\"}", "ENOENT");
	close(fd);
}

static void repeats_are_known(void **state)
{
	json_t *answer;
	int fd;

	(void)state;
	open_with("", "");
	kernel.mac = 7;
	arrives("1", MULTIPART(HELLO));
	answered("SIP/2.0 200 OK");
	kernel.unprotect = FAULT(-EALREADY, 1);
	arrives("2", MULTIPART(HELLO));
	answered("SIP/2.0 200 OK");
	fd = asker();
	answer = asks(fd, "{\"command\":\"list\"}");
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
		open_with(when[always], "");
		client_sends("REGISTER sip:example.test SIP/2.0\r\n" VIA("$C", "r")
			     FROM_TO("bob@example.test", "bob@example.test", "r", "REGISTER")
			     "Contact: <sip:bob@127.0.0.1:$C>\r\n\r\n");
		hop_gets();
		hop_sends(answer("200 OK"));
		client_gets();
		arrives("1", MULTIPART(HELLO));
		if (always) {
			answered("SIP/2.0 200 OK");
		} else {
			client_gets();
			first_line_is("MESSAGE sip:bob@example.test SIP/2.0");
			client_sends(answer("200 OK"));
			answered("SIP/2.0 200 OK");
			/* then it leaves */
			kernel.gone = stage.client_port;
			arrives("2", MULTIPART(HELLO));
			answered("SIP/2.0 200 OK");
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
	open_with("messages = 2;", "");
	arrives("1", MULTIPART(HELLO));
	answered("SIP/2.0 200 OK");
	/* the second place is taken while its message is being opened */
	hop_sends(message("2", MULTIPART(HELLO)));
	assert_true(loop_until(exchange_waits, NULL, 1000));
	hop_sends(message("3", MULTIPART(ENTITY("owt"))));
	answered("SIP/2.0 480 Temporarily Unavailable");
	assert_string_equal(header("Retry-After", 0), "30");
	assert_int_equal(kernel.resolves, 2);
	kms_fails(-EHOSTUNREACH, "away");
	answered("SIP/2.0 503 Service Unavailable");
	/* and free again when that failed */
	arrives("4", MULTIPART(ENTITY("owt")));
	answered("SIP/2.0 200 OK");
	hop_sends(message("5", MULTIPART(ENTITY("eerht"))));
	answered("SIP/2.0 480 Temporarily Unavailable");
	assert_int_equal(kernel.unprotects, 2);
	fd = asker();
	json_decref(asks(fd, "{\"command\":\"next\"}"));
	close(fd);
}

static void too_large_for_it(void **state)
{
	static char rest[8192];

	(void)state;
	open_with("kilobytes = 1;", "");
	snprintf(rest, sizeof(rest), MULTIPART("%01200d"), 0);
	hop_sends(message("1", rest));
	answered("SIP/2.0 480 Temporarily Unavailable");
	assert_int_equal(kernel.resolves, 0);
	arrives("2", MULTIPART(HELLO));
	answered("SIP/2.0 200 OK");
}

static void waiting(void **state)
{
	json_t *answer;
	int first, second;

	(void)state;
	open_with("", "");
	first = asker();
	second = asker();
	says(first, "{\"command\":\"next\",\"wait\":true,\"lend\":true}");
	assert_true(quiet(first));
	says(second, "{\"command\":\"next\",\"wait\":true,\"lend\":true}");
	assert_true(quiet(second));
	arrives("1", MULTIPART(HELLO));
	answered("SIP/2.0 200 OK");
	answer = heard(first);
	assert_string_equal(text_of(answer, "body"), "hello");
	json_decref(answer);
	/* one message for one of them, for as long as that one lives */
	assert_true(quiet(second));
	fails_with(first, "{\"command\":\"show\",\"id\":1}", "ENOENT");
	close(first);
	answer = heard(second);
	assert_string_equal(text_of(answer, "body"), "hello");
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
	open_with("", "");
	arrives("1", MULTIPART(HELLO));
	answered("SIP/2.0 200 OK");
	stalled = asker();
	/* until mikeyd reads no more of it */
	for (int i = 0; i < 200000 && sent < 50; i++) {
		if (send(stalled, ask, sizeof(ask), MSG_NOSIGNAL) < 0) {
			loop_for(2);
			sent++;
		}
		ask[sizeof(ask) - 1] = '\n';
	}
	assert_int_equal(sent, 50);
	other = asker();
	answer = asks(other, "{\"command\":\"next\"}");
	assert_string_equal(text_of(answer, "body"), "hello");
	json_decref(answer);
	arrives("2", MULTIPART(HELLO));
	answered("SIP/2.0 200 OK");
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
	open_with("", "");
	fd = asker();
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		fails_with(fd, bad[i], "EINVAL");
	/* a line without an end */
	memset(flood, '[', sizeof(flood));
	assert_true(send(fd, flood, sizeof(flood), MSG_NOSIGNAL) > 0);
	assert_null(heard(fd));
	close(fd);
	/* more of them than there may be */
	for (int i = 0; i < 20; i++) {
		many[i] = asker();
		loop_for(5);
	}
	assert_null(heard(many[19]));
	fails_with(many[0], "{}", "EINVAL");
	for (int i = 0; i < 20; i++)
		close(many[i]);
	loop_for(20);
	fd = asker();
	fails_with(fd, "{}", "EINVAL");
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
	open_with("", "");
	fd = asker();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char rest[1024];

		snprintf(rest, sizeof(rest), MULTIPART("%s"), cases[i].turned);
		snprintf(branch, sizeof(branch), "%zu", i);
		arrives(branch, rest);
		answered("SIP/2.0 200 OK");
		answer = asks(fd, next);
		if (cases[i].text)
			assert_string_equal(text_of(answer, "body"), cases[i].text);
		else
			assert_null(text_of(answer, "body"));
		if (cases[i].base64)
			assert_string_equal(text_of(answer, "body_base64"), cases[i].base64);
		snprintf(next, sizeof(next), "{\"command\":\"next\",\"after\":%lld}",
			 (long long)number_of(answer, "id"));
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
	open_with("", "list-service = [\"team@example.test\"];\n");
	snprintf(rest, sizeof(rest), MULTIPART("%s"), turned);
	/* whom anybody else names is nobody */
	arrives("1", rest);
	answered("SIP/2.0 200 OK");
	kernel.initiator = "team@example.test";
	arrives("2", rest);
	answered("SIP/2.0 200 OK");
	fd = asker();
	answer = asks(fd, "{\"command\":\"next\"}");
	assert_null(text_of(answer, "original"));
	snprintf(rest, sizeof(rest), "{\"command\":\"next\",\"after\":%lld}",
		 (long long)number_of(answer, "id"));
	json_decref(answer);
	answer = asks(fd, rest);
	assert_string_equal(text_of(answer, "sender"), "team@example.test");
	assert_string_equal(text_of(answer, "original"), "carol@example.test");
	assert_string_equal(text_of(answer, "original_proved"), "body");
	json_decref(answer);
	close(fd);
}

static void hostile_names(void **state)
{
	json_t *answer;
	int fd;

	(void)state;
	open_with("", "");
	kernel.initiator = "e\r\nvil\x1b\xff>@example.test";
	arrives("1", MULTIPART(HELLO));
	answered("SIP/2.0 200 OK");
	fd = asker();
	answer = asks(fd, "{\"command\":\"next\"}");
	assert_string_equal(text_of(answer, "sender"), "e%0D%0Avil%1B%FF%3E@example.test");
	json_decref(answer);
	close(fd);
}

static void unprotected(void **state)
{
	json_t *answer;
	int fd;

	(void)state;
	open_with("messages = 1;", "unprotected = \"mark\";\n");
	hop_sends(message("1", "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi"));
	answered("SIP/2.0 200 OK");
	fd = asker();
	answer = asks(fd, "{\"command\":\"next\"}");
	assert_true(json_is_null(json_object_get(json_object_get(answer, "message"), "sender")));
	assert_true(json_is_null(json_object_get(json_object_get(answer, "message"), "sent")));
	assert_string_equal(text_of(answer, "claimed"), "alice@example.test");
	assert_string_equal(text_of(answer, "proved"), "none");
	assert_string_equal(text_of(answer, "recipient"), "bob@example.test");
	assert_string_equal(text_of(answer, "body"), "hi");
	json_decref(answer);
	close(fd);
	hop_sends(message("2", "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi"));
	answered("SIP/2.0 480 Temporarily Unavailable");
}

static void unprotected_refused(void **state)
{
	(void)state;
	open_with("", "");
	hop_sends(message("1", "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi"));
	answered("SIP/2.0 488 Not Acceptable Here");
	/* other methods are still for a client */
	hop_sends("OPTIONS sip:bob@example.test SIP/2.0\r\n" VIA("$H", "2")
		  FROM_TO("a@example.test", "bob@example.test", "2", "OPTIONS") "\r\n");
	answered("SIP/2.0 480 No Client Is Registered");
	/* and other users' messages for nobody here */
	hop_sends("MESSAGE sip:eve@example.test SIP/2.0\r\n" VIA("$H", "3")
		  FROM_TO("a@example.test", "eve@example.test", "3", "MESSAGE") "\r\n");
	answered("SIP/2.0 404 Not Found");
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
	snprintf(inbox, sizeof(inbox), "directory = \"%s/messages\";", dir);
	open_with(inbox, "");
	kernel.mac = 7;
	arrives("1", MULTIPART(HELLO));
	answered("SIP/2.0 200 OK");
	snprintf(path, sizeof(path), "%s/messages/inbox.db", dir);
	assert_int_equal(stat(path, &found), 0);
	assert_int_equal(found.st_mode & 07777, 0600);
	stage_restart(settings(inbox, ""));
	fd = asker();
	answer = asks(fd, "{\"command\":\"next\"}");
	assert_string_equal(text_of(answer, "body"), "hello");
	id = number_of(answer, "id");
	json_decref(answer);
	close(fd);
	kernel.mac = 8;
	arrives("2", MULTIPART(ENTITY("owt")));
	answered("SIP/2.0 200 OK");
	fd = asker();
	snprintf(path, sizeof(path), "{\"command\":\"next\",\"after\":%lld}", (long long)id);
	answer = asks(fd, path);
	assert_string_equal(text_of(answer, "body"), "two");
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
	snprintf(inbox, sizeof(inbox), "directory = \"%s/messages\";", dir);
	open_with(inbox, "");
	uid_from_text(&message.sender, "alice@example.test");
	assert_int_equal(record_begin(stage.user->record, &message.sender, &message.mac,
				      message.sent, &code, &problem), 0);
	assert_int_equal(inbox_store_add(inbox_store(stage.user->inbox), &message, &problem), 0);
	stage_restart(settings(inbox, ""));
	kernel.mac = 7;
	kernel.unprotect = FAULT(-EALREADY, 1);
	arrives("2", MULTIPART(HELLO));
	answered("SIP/2.0 200 OK");
	assert_int_equal(inbox_store_use(inbox_store(stage.user->inbox)).messages, 1);
}

/* ---- a program */

static void make_program(const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/program", dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "#!/bin/sh\n%s\n", text);
	assert_int_equal(fchmod(fileno(file), 0700), 0);
	fclose(file);
}

static void open_with_program(const char *text, const char *more)
{
	char inbox[512];

	make_program(text);
	snprintf(inbox, sizeof(inbox), "program = [\"%s/program\", \"$(touch /tmp/oops)\"]; %s",
		 dir, more);
	open_with(inbox, "");
}

static const char *file_text(const char *name)
{
	static char text[4096];
	char path[128];
	size_t len;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "r");
	assert_non_null(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	fclose(file);
	return text;
}

static void program_takes(void **state)
{
	char text[512];
	const char *out;

	(void)state;
	snprintf(text, sizeof(text),
		 "cat > %s/body; env > %s/env; ls /proc/self/fd > %s/fds; "
		 "printf '%%s' \"$*\" > %s/args",
		 dir, dir, dir, dir);
	open_with_program(text, "");
	setenv("SECRET", "s", 1);
	kernel.initiator = "e\r\nvil$(x)\x1b@example.test";
	arrives("1", MULTIPART(HELLO));
	answered("SIP/2.0 200 OK");
	assert_string_equal(file_text("body"), "hello");
	/* as it was given, and no shell looked at it */
	assert_string_equal(file_text("args"), "$(touch /tmp/oops)");
	/* ls has its own one besides */
	assert_string_equal(file_text("fds"), "0\n1\n2\n3\n");
	out = file_text("env");
	assert_non_null(strstr(out, "MIKEY_SENDER=e%0D%0Avil%24(x)%1B@example.test\n") ?:
			strstr(out, "MIKEY_SENDER=e%0D%0Avil$(x)%1B@example.test\n"));
	assert_non_null(strstr(out, "MIKEY_PROVED=body\n"));
	assert_non_null(strstr(out, "MIKEY_FORM=auth-enveloped\n"));
	assert_non_null(strstr(out, "MIKEY_SENT=2023-11-14T22:13:20Z\n"));
	assert_non_null(strstr(out, "MIKEY_CONTENT_TYPE=text/plain\n"));
	assert_non_null(strstr(out, "MIKEY_LENGTH=5\n"));
	assert_null(strstr(out, "SECRET"));
	unsetenv("SECRET");
	assert_int_equal(inbox_store_use(inbox_store(stage.user->inbox)).messages, 0);
}

/* Is it gone, or at least nothing but a line in a table? */
static bool has_ended(void *arg)
{
	char path[64], state = 'Z';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/stat", (char *)arg);
	file = fopen(path, "r");
	if (!file)
		return true;
	if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = 'Z';
	fclose(file);
	return state == 'Z';
}

static void program_fails(void **state)
{
	static const char * const ways[] = { "exit 1", "kill -SEGV $$" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		open_with_program(ways[i], "");
		arrives("1", MULTIPART(HELLO));
		answered("SIP/2.0 480 Temporarily Unavailable");
		if (i + 1 < ARRAY_SIZE(ways))
			stage_close();
	}
}

/* What it started goes with it. */
static void program_hangs(void **state)
{
	char text[256], pid[32];

	(void)state;
	snprintf(text, sizeof(text), "sleep 600 & printf %%s $! > %s/pid; wait", dir);
	open_with_program(text, "program-time = 2;");
	arrives("1", MULTIPART(HELLO));
	loop_for(1500);
	answered("SIP/2.0 480 Temporarily Unavailable");
	snprintf(pid, sizeof(pid), "%s", file_text("pid"));
	assert_true(atoi(pid) > 1);
	assert_true(loop_until(has_ended, pid, 5000));
}

static void program_fails_and_it_is_kept(void **state)
{
	json_t *answer;
	int fd;

	(void)state;
	open_with_program("exit 1", "keep-failed = true;");
	arrives("1", MULTIPART(HELLO));
	answered("SIP/2.0 200 OK");
	fd = asker();
	answer = asks(fd, "{\"command\":\"next\"}");
	assert_string_equal(text_of(answer, "body"), "hello");
	json_decref(answer);
	close(fd);
}

static void program_is_missing(void **state)
{
	(void)state;
	open_with("program = \"/nowhere/at all\";", "");
	arrives("1", MULTIPART(HELLO));
	answered("SIP/2.0 480 Temporarily Unavailable");
}

static bool is_there(void *arg)
{
	return !access(arg, F_OK);
}

static void programs_at_the_same_time(void **state)
{
	char text[256], started[96], go[96];
	int fd;

	(void)state;
	snprintf(started, sizeof(started), "%s/started", dir);
	snprintf(go, sizeof(go), "%s/go", dir);
	snprintf(text, sizeof(text), "touch %s; while ! test -e %s; do sleep 0.1; done", started,
		 go);
	open_with_program(text, "programs = 1;");
	arrives("1", MULTIPART(HELLO));
	assert_true(loop_until(is_there, started, 5000));
	/* refused unopened */
	hop_sends(message("2", MULTIPART(ENTITY("owt"))));
	answered("SIP/2.0 480 Temporarily Unavailable");
	assert_string_equal(header("Retry-After", 0), "30");
	assert_int_equal(kernel.resolves, 1);
	/* nothing for those who ask */
	fd = asker();
	fails_with(fd, "{\"command\":\"next\",\"wait\":true}", "EOPNOTSUPP");
	close(fd);
	assert_int_equal(creat(go, 0600) >= 0, 1);
	answered("SIP/2.0 200 OK");
	arrives("3", MULTIPART(ENTITY("owt")));
	answered("SIP/2.0 200 OK");
}

/* mikeyd ends while one runs, which goes with it. */
static void program_at_the_end(void **state)
{
	char text[384], started[96];
	pid_t pid;

	(void)state;
	snprintf(started, sizeof(started), "%s/started", dir);
	snprintf(text, sizeof(text), "echo $$ > %s.; mv %s. %s; sleep 600", started, started,
		 started);
	open_with_program(text, "");
	arrives("1", MULTIPART(HELLO));
	assert_true(loop_until(is_there, started, 5000));
	pid = atoi(file_text("started"));
	assert_int_equal(kill(pid, 0), 0);
	stage_restart(settings("", ""));
	assert_int_equal(kill(pid, 0), -1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_dir, close_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(kept_and_taken),
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
		TEST(program_takes),
		TEST(program_fails),
		TEST(program_hangs),
		TEST(program_fails_and_it_is_kept),
		TEST(program_is_missing),
		TEST(programs_at_the_same_time),
		TEST(program_at_the_end),
	};

	return cmocka_run_group_tests_name("mikeyd inbox", tests, loop_open, loop_close);
}
