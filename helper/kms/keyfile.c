// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Keys in files and on standard input; see keyfile.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper/kms/keyfile.h"
#include "helper/kms/token.h"

#define KEY_BYTES_MAX 64
#define LINE_MAX_LEN (2 * KEY_BYTES_MAX + 2)	/* and CR LF */

/* Straight from the descriptor: stdio would keep a copy in its buffer. */
static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t at = 0;
	ssize_t n;

	while (at < size) {
		n = read(fd, buf + at, size - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		at += n;
	}
	return at;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int parse(const char *path, const char *line, size_t n, u8 *key,
		 size_t size, size_t *len, struct problem *problem)
{
	int high, low;
	size_t i;

	while (n && (line[n - 1] == '\n' || line[n - 1] == '\r'))
		n--;
	if (!n || n % 2 || n / 2 > size)
		return problem_set(problem, -EINVAL,
				   "%s: expected up to %zu pairs of hexadecimal digits on one line",
				   path, size);
	for (i = 0; i < n; i += 2) {
		high = digit(line[i]);
		low = digit(line[i + 1]);
		if (high < 0 || low < 0)
			return problem_set(problem, -EINVAL,
					   "%s: character %zu is not a hexadecimal digit",
					   path, high < 0 ? i + 1 : i + 2);
		key[i / 2] = high << 4 | low;
	}
	*len = n / 2;
	return 0;
}

static int open_key(const char *path, struct problem *problem)
{
	struct stat st;
	int fd;

	if (!strcmp(path, "-"))
		return STDIN_FILENO;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return problem_set(problem, -errno, "%s: %s", path,
				   strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_mode & 037) {
		close(fd);
		return problem_set(problem, -EPERM,
				   "%s: others can read or change this key file (chmod 600 it)",
				   path);
	}
	return fd;
}

int kms_keyfile_read(const char *path, u8 *key, size_t size, size_t *len,
		     struct problem *problem)
{
	char line[LINE_MAX_LEN + 1];
	ssize_t n;
	int fd, ret;

	fd = open_key(path, problem);
	if (fd < 0)
		return fd;
	n = read_all(fd, line, sizeof(line));
	if (fd != STDIN_FILENO)
		close(fd);
	if (n < 0)
		ret = problem_set(problem, n, "%s: %s", path, strerror(-n));
	else if (n > LINE_MAX_LEN)
		ret = problem_set(problem, -EINVAL, "%s: too long for a key",
				  path);
	else
		ret = parse(path, line, n, key, size, len, problem);
	OPENSSL_cleanse(line, sizeof(line));
	if (ret)
		OPENSSL_cleanse(key, size);
	return ret;
}

static int write_all(int fd, const char *buf, size_t len)
{
	size_t at = 0;
	ssize_t n;

	while (at < len) {
		n = write(fd, buf + at, len - at);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			at += n;
	}
	return 0;
}

static size_t put_digits(char *text, const u8 *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < len; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	text[2 * len] = '\n';
	return 2 * len + 1;
}

/* A new file with that text, on the disk, or none. */
static int make_file(const char *path, const char *text, size_t len,
		     struct problem *problem)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int ret;

	if (fd < 0)
		return problem_set(problem, -errno, "%s: %s", path, errno == EEXIST ?
				   "exists already and is not overwritten" :
				   strerror(errno));
	ret = write_all(fd, text, len);
	if (!ret && fsync(fd))
		ret = -errno;
	if (close(fd) && !ret)
		ret = -errno;
	if (ret)
		unlink(path);
	return ret ? problem_set(problem, ret, "%s: %s", path, strerror(-ret)) : 0;
}

int kms_keyfile_write(const char *path, const u8 *key, size_t len,
		      struct problem *problem)
{
	char line[LINE_MAX_LEN];
	size_t line_len;
	int ret;

	if (len > KEY_BYTES_MAX)
		return problem_set(problem, -EINVAL, "the key is too long");
	line_len = put_digits(line, key, len);
	if (strcmp(path, "-")) {
		ret = make_file(path, line, line_len, problem);
	} else {
		ret = write_all(STDOUT_FILENO, line, line_len);
		if (ret)
			problem_set(problem, ret, "standard output: %s", strerror(-ret));
	}
	OPENSSL_cleanse(line, sizeof(line));
	return ret;
}

#define WRAPPED_SIZE (KMS_KEYFILE_URI_MAX + 2 * KMS_WRAPPED_MAX + 4)

int kms_keyfile_read_wrapped(const char *path, char *uri, u8 *wrapped, size_t size,
			     size_t *len, struct problem *problem)
{
	char text[WRAPPED_SIZE + 1];
	size_t first;
	ssize_t n;
	int fd, ret;

	if (!strcmp(path, "-"))
		return -ENOMSG;
	fd = open_key(path, problem);
	if (fd < 0)
		return fd;
	n = read_all(fd, text, WRAPPED_SIZE);
	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	first = strcspn(text, "\n");
	if (!kms_token_is_uri(text)) {
		ret = -ENOMSG;
	} else if (first >= KMS_KEYFILE_URI_MAX || text[first] != '\n') {
		ret = problem_set(problem, -EINVAL, "%s: the key is missing behind the URI",
				  path);
	} else {
		memcpy(uri, text, first);
		uri[first] = '\0';
		ret = parse(path, text + first + 1, strlen(text + first + 1), wrapped, size,
			    len, problem);
	}
	OPENSSL_cleanse(text, sizeof(text));
	return ret;
}

int kms_keyfile_write_wrapped(const char *path, const char *uri, const u8 *wrapped,
			      size_t len, struct problem *problem)
{
	char text[WRAPPED_SIZE];
	size_t at;
	int ret;

	if (strlen(uri) >= KMS_KEYFILE_URI_MAX || len > KMS_WRAPPED_MAX)
		return problem_set(problem, -E2BIG, "the token's URI is too long");
	at = sprintf(text, "%s\n", uri);
	at += put_digits(text + at, wrapped, len);
	ret = make_file(path, text, at, problem);
	OPENSSL_cleanse(text, sizeof(text));
	return ret;
}
