// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An HTTP client of few words; see client.h.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <sys/socket.h>
#include <unistd.h>

#include "helper/lib/base64.h"
#include "tests/unit/kms/client.h"

int http_connect(unsigned int port)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct timeval patience = { .tv_sec = 10 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		close(fd);
		return -1;
	}
	return fd;
}

void http_send(int fd, const void *data, size_t len)
{
	const char *p = data;
	ssize_t n;

	while (len && (n = send(fd, p, len, MSG_NOSIGNAL)) > 0) {
		p += n;
		len -= n;
	}
}

/* Length of the whole answer, or 0 while it is not known. */
static size_t whole(struct http_answer *a)
{
	char *end = strstr(a->text, "\r\n\r\n"), *field;

	if (!end)
		return 0;
	field = strcasestr(a->text, "\r\nContent-Length:");
	if (!field || field > end)
		return 0;
	a->body = end + 4;
	a->body_len = strtoul(field + 17, NULL, 10);
	return a->body - a->text + a->body_len;
}

void http_receive(int fd, struct http_answer *a)
{
	size_t len = 0, want = 0;
	ssize_t n;

	a->status = 0;
	a->body = a->text;
	a->body_len = 0;
	a->text[0] = '\0';
	while (!want || len < want) {
		n = recv(fd, a->text + len, sizeof(a->text) - 1 - len, 0);
		if (n <= 0)
			return;
		len += n;
		a->text[len] = '\0';
		want = whole(a);
	}
	if (!strncmp(a->text, "HTTP/1.1 ", 9))
		a->status = strtol(a->text + 9, NULL, 10);
}

void http_request(unsigned int port, const char *method, const char *path,
		  const char *type, const void *body, size_t len,
		  struct http_answer *a)
{
	int fd = http_connect(port);
	char head[512];
	int n;

	a->status = 0;
	if (fd < 0)
		return;
	n = snprintf(head, sizeof(head),
		     "%s %s HTTP/1.1\r\nHost: kms\r\n%s%s%sContent-Length: %zu\r\n\r\n",
		     method, path, type ? "Content-Type: " : "", type ? type : "",
		     type ? "\r\n" : "", len);
	http_send(fd, head, n);
	http_send(fd, body, len);
	http_receive(fd, a);
	close(fd);
}

int mikey_post(unsigned int port, const char *path, const struct message *msg,
	       struct kms_answer *answer)
{
	size_t len = base64_size(msg->len, 0);
	struct http_answer *a = malloc(sizeof(*a));
	char *text = malloc(len + 1);
	struct bytes raw = { 0 };
	int status;

	assert_non_null(a);
	assert_non_null(text);
	base64_write(text, msg->buf, msg->len, 0);
	http_request(port, "POST", path, "application/mikey", text, len, a);
	status = a->status;
	if (status == 200) {
		assert_int_equal(base64_read(&raw, a->body, a->body_len), 0);
		assert_true(raw.len > 13 && raw.len <= sizeof(answer->buf));
		memcpy(answer->buf, raw.data, raw.len);
		answer->len = raw.len;
		/* an Error has HDR, T (32 bits) and then ERR */
		answer->error_no = raw.data[1] == MIKEY_DT_ERROR ?
				   raw.data[17] : -1;
		bytes_wipe(&raw);
	}
	free(text);
	free(a);
	return status;
}
