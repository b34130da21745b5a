// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading a PSK without leaving copies of it. */
#include "helper/mikeyctl/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper/mikeyctl/terminal.h"

/* Text of the longest key with generous white space. */
#define TEXT_MAX 1024

int secret_open(struct secret *secret, struct problem *problem)
{
	int err;

	secret->len = 0;
	secret->size = sysconf(_SC_PAGESIZE);
	secret->data = mmap(NULL, secret->size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (secret->data == MAP_FAILED) {
		secret->data = NULL;
		return problem_set(problem, -ENOMEM, "no memory");
	}
	if (!mlock(secret->data, secret->size) &&
	    !madvise(secret->data, secret->size, MADV_DONTDUMP) &&
	    !madvise(secret->data, secret->size, MADV_WIPEONFORK))
		return 0;
	err = problem_set(problem, -errno,
			  "cannot lock memory for the key: %s (ulimit -l must allow %zu KiB)",
			  strerror(errno), secret->size / 1024);
	secret_close(secret);
	return err;
}

void secret_close(struct secret *secret)
{
	if (!secret->data)
		return;
	OPENSSL_cleanse(secret->data, secret->size);
	munmap(secret->data, secret->size);
	secret->data = NULL;
	secret->len = 0;
}

/* A key file is its owner's: other users could have read or replaced it. */
static int check_private(int fd, struct problem *problem)
{
	struct stat st;

	if (fstat(fd, &st))
		return problem_set(problem, -errno, "the key file: %s", strerror(errno));
	if (S_ISDIR(st.st_mode))
		return problem_set(problem, -EISDIR, "the key file is a directory");
	if (!S_ISREG(st.st_mode))
		return 0;
	if (st.st_mode & 077)
		return problem_set(problem, -EPERM,
				   "other users have access to the key file (mode %03o): chmod 600 it, or say --force if that is meant",
				   (unsigned int)st.st_mode & 0777);
	if (st.st_uid != geteuid() && st.st_uid)
		return problem_set(problem, -EPERM,
				   "the key file belongs to another user (%u), who can read it: say --force if that is meant",
				   (unsigned int)st.st_uid);
	return 0;
}

int secret_source(const char *file, bool force, struct problem *problem)
{
	int fd, err;

	if (!strcmp(file, "-"))
		fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	else
		fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)	/* not its name: it could be the key, given by mistake */
		return problem_set(problem, -errno, "cannot open the key file: %s",
				   strerror(errno));
	err = force ? 0 : check_private(fd, problem);
	if (err < 0) {
		close(fd);
		return err;
	}
	return fd;
}

static int read_all(struct secret *secret, int fd, bool one_line, struct problem *problem)
{
	ssize_t got;

	do {
		/* one byte over the limit tells too long from just right */
		got = read(fd, secret->data + secret->len, TEXT_MAX + 1 - secret->len);
		if (got < 0)
			return problem_set(problem, -errno, "reading the key: %s",
					   strerror(errno));
		secret->len += got;
		if (secret->len > TEXT_MAX)
			return problem_set(problem, -EFBIG,
					   "this is no key: more than %d bytes", TEXT_MAX);
	} while (got && !(one_line && secret->data[secret->len - 1] == '\n'));
	if (one_line && got)
		secret->len--;	/* Enter is not part of a raw key */
	return 0;
}

int secret_read(struct secret *secret, int fd, struct problem *problem)
{
	struct terminal terminal;
	bool typed = isatty(fd);
	int err;

	secret->len = 0;
	if (typed && terminal_hide(&terminal, fd, "Key (not shown): ") < 0)
		return problem_set(problem, -errno, "cannot turn the terminal's echo off: %s",
				   strerror(errno));
	err = read_all(secret, fd, typed, problem);
	if (typed)
		terminal_show(&terminal);
	return err;
}

static bool is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static void drop_space(struct secret *secret)
{
	size_t kept = 0;

	for (size_t i = 0; i < secret->len; i++)
		if (!is_space(secret->data[i]))
			secret->data[kept++] = secret->data[i];
	secret->len = kept;
}

static int hex(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int foreign(size_t at, const char *what, const char *otherwise, struct problem *problem)
{
	return problem_set(problem, -EINVAL,
			   "the key is not %s: character %zu (white space not counted)%s",
			   what, at + 1, otherwise);
}

static int decode_hex(struct secret *secret, struct problem *problem)
{
	uint8_t *key = secret->data;

	for (size_t i = 0; i < secret->len; i++)
		if (hex(key[i]) < 0)
			return foreign(i, "hexadecimal", "; is it --base64 or --raw?", problem);
	if (secret->len % 2)
		return problem_set(problem, -EINVAL,
				   "the key has half a byte: %zu hexadecimal digits", secret->len);
	secret->len /= 2;
	for (size_t i = 0; i < secret->len; i++)
		key[i] = hex(key[2 * i]) << 4 | hex(key[2 * i + 1]);
	return 0;
}

static bool is_base64(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '+' || c == '/';
}

/*
 * OpenSSL's decoder is lenient and takes padding for zeros; what it made is
 * therefore encoded again and compared. All of it stays in the locked page:
 * text, key and the second text are at most 1024 + 768 + 1025 bytes.
 */
static int decode_base64(struct secret *secret, struct problem *problem)
{
	uint8_t *text = secret->data, *key = text + TEXT_MAX, *again = key + TEXT_MAX;
	size_t padding = 0;

	while (padding < 2 && padding < secret->len && text[secret->len - padding - 1] == '=')
		padding++;
	for (size_t i = 0; i < secret->len - padding; i++)
		if (!is_base64(text[i]))
			return foreign(i, "base64", "", problem);
	if (secret->len % 4)
		return problem_set(problem, -EINVAL,
				   "the key is not base64: %zu characters are no multiple of 4",
				   secret->len);
	if (EVP_DecodeBlock(key, text, secret->len) < 0)
		return problem_set(problem, -EINVAL, "the key is not base64");
	EVP_EncodeBlock(again, key, secret->len / 4 * 3 - padding);
	if (CRYPTO_memcmp(again, text, secret->len))
		return problem_set(problem, -EINVAL,
				   "the key is not base64: bits after its end are not zero");
	secret->len = secret->len / 4 * 3 - padding;
	memmove(text, key, secret->len);
	return 0;
}

int secret_decode(struct secret *secret, enum secret_form form, struct problem *problem)
{
	int err = 0;

	if (form != SECRET_RAW)
		drop_space(secret);
	if (form == SECRET_HEX)
		err = decode_hex(secret, problem);
	else if (form == SECRET_BASE64)
		err = decode_base64(secret, problem);
	if (err < 0)
		return err;
	if (secret->len < SECRET_MIN || secret->len > SECRET_MAX)
		return problem_set(problem, -EINVAL, "the key has %zu bytes: %d to %d are possible",
				   secret->len, SECRET_MIN, SECRET_MAX);
	return 0;
}

int secret_take(struct secret *secret, const char *file, bool force, enum secret_form form,
		struct problem *problem)
{
	int fd = secret_source(file, force, problem), err;

	if (fd < 0)
		return fd;
	err = secret_read(secret, fd, problem);
	close(fd);
	return err < 0 ? err : secret_decode(secret, form, problem);
}

enum secret_form secret_form(int option)
{
	return option == 'x' ? SECRET_HEX : option == 'b' ? SECRET_BASE64 : SECRET_RAW;
}
