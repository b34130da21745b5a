// SPDX-License-Identifier: GPL-2.0-or-later
/* Somebody at a socket; see asker.h. */
#include "tests/unit/helper/asker.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/unit/helper/loop.h"

int asker_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
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
	line->closed = !got || (got < 0 && errno == ECONNRESET);
	return line->closed || memchr(line->text, '\n', line->len);
}

json_t *asker_hears(int fd)
{
	static struct line line;
	json_t *answer;

	line = (struct line){ .fd = fd };
	if (!loop_until(line_arrives, &line, 5000) || line.closed)
		return NULL;
	assert_ptr_equal(memchr(line.text, '\n', line.len), line.text + line.len - 1);
	answer = json_loadb(line.text, line.len, 0, NULL);
	assert_non_null(answer);
	return answer;
}

void asker_says(int fd, const char *request)
{
	char line[2048];
	int len = snprintf(line, sizeof(line), "%s\n", request);

	assert_int_equal(send(fd, line, len, MSG_NOSIGNAL), len);
}

json_t *asker_asks(int fd, const char *request)
{
	json_t *answer;

	asker_says(fd, request);
	answer = asker_hears(fd);
	if (!answer)
		fail_msg("no answer to %s", request);
	return answer;
}

bool asker_is_quiet(int fd)
{
	char byte;

	loop_for(60);
	return recv(fd, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

const char *message_text(json_t *answer, const char *key)
{
	return json_string_value(json_object_get(json_object_get(answer, "message"), key));
}

json_int_t message_number(json_t *answer, const char *key)
{
	return json_integer_value(json_object_get(json_object_get(answer, "message"), key));
}

void asker_fails_with(int fd, const char *request, const char *error)
{
	json_t *answer = asker_asks(fd, request);

	assert_false(json_boolean_value(json_object_get(answer, "ok")));
	assert_string_equal(json_string_value(json_object_get(answer, "error")), error);
	json_decref(answer);
}
