// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sealed pre-shared keys: files that are of no use without the TPM, or without
 * the master key, that they were sealed with. The kernel opens them itself, in
 * keys of its types "trusted" and "encrypted", so that no program sees the PSK
 * again once it was sealed.
 */
#include <errno.h>
#include <fcntl.h>
#include <keyutils.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helper/lib/keyring.h"
#include "helper/mikeyctl/command.h"
#include "helper/mikeyctl/keys.h"
#include "helper/mikeyctl/output.h"
#include "helper/mikeyctl/psk.h"
#include "helper/mikeyctl/secret.h"

/* An "encrypted" key has at least that many bytes. */
#define ENCRYPTED_MIN 20

/* The kernel takes sealed keys of 512 bytes, and texts of twice that and more. */
#define BLOB_MAX 4096
#define COMMAND_MAX (2 * BLOB_MAX + 64)

/* Where the text of seal's command lies in the page of the secret. */
#define TEXT_AT 2048
#define MASTER_MAX 255

struct seal {
	const char *file, *to, *master;
	enum secret_form form;
	bool force;
};

/*
 * "new default trusted:NAME 32 HEX", in the locked page behind the key. Its
 * length.
 */
static size_t write_order(struct secret *secret, const char *master)
{
	static const char digits[] = "0123456789abcdef";
	char *text = (char *)secret->data + TEXT_AT;
	size_t len = sprintf(text, "new default %s %zu ", master, secret->len);

	for (size_t i = 0; i < secret->len; i++) {
		text[len++] = digits[secret->data[i] >> 4];
		text[len++] = digits[secret->data[i] & 15];
	}
	return len;
}

static int no_master(const char *master, struct problem *problem)
{
	return problem_set(problem, -ENOKEY,
			   "the master key %s is in no keyring here, or the kernel has none of its type",
			   master);
}

static int make_sealed(struct secret *secret, const char *master, char **blob,
		       struct problem *problem)
{
	size_t len = write_order(secret, master);
	key_serial_t serial;
	int err;

	serial = add_key("encrypted", "mikeyctl:sealing", secret->data + TEXT_AT, len,
			 KEY_SPEC_PROCESS_KEYRING);
	err = serial < 0 ? -errno : 0;
	secret_close(secret);
	if (err == -ENODEV)
		return problem_set(problem, err, "this kernel has no keys of type \"encrypted\"");
	if (err == -EINVAL)
		return problem_set(problem, err,
				   "this kernel does not seal a key that it is given (CONFIG_USER_DECRYPTED_DATA): seal it with the TPM, as docs/sealed-psk.md tells");
	if (err)
		return problem_set(problem, err, "cannot seal the key: %s",
				   keyring_key_problem(err));
	/* the master key is sought only now */
	err = keyctl_read_alloc(serial, (void **)blob);
	if (err < 0 && (errno == ENOKEY || errno == EOPNOTSUPP))
		err = no_master(master, problem);
	else if (err < 0)
		err = problem_set(problem, -errno, "cannot read the sealed key: %s",
				  keyring_key_problem(errno));
	keyctl_revoke(serial);
	return err;
}

static int write_file(const char *path, const char *blob, size_t len, struct problem *problem)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int err = 0;

	if (fd < 0)
		return problem_set(problem, -errno, "%s: %s", path, strerror(errno));
	if (write(fd, blob, len) != (ssize_t)len || write(fd, "\n", 1) != 1 || fsync(fd))
		err = problem_set(problem, -EIO, "%s: cannot write it", path);
	close(fd);
	if (err)
		unlink(path);
	return err;
}

static int seal_key(const struct seal *seal)
{
	struct secret secret = { 0 };
	struct problem problem;
	char *blob = NULL;
	int err;

	psk_hide_process();
	keys_reach(KEY_SPEC_USER_KEYRING);
	err = secret_open(&secret, &problem);
	if (!err)
		err = secret_take(&secret, seal->file, seal->force, seal->form, &problem);
	if (err >= 0 && secret.len < ENCRYPTED_MIN)
		err = problem_set(&problem, -EINVAL,
				  "the key has %zu bytes: the kernel seals none under %d",
				  secret.len, ENCRYPTED_MIN);
	if (err >= 0)
		err = make_sealed(&secret, seal->master, &blob, &problem);
	secret_close(&secret);
	if (err >= 0)
		err = write_file(seal->to, blob, strlen(blob), &problem);
	free(blob);
	return err < 0 ? command_failed(&problem) : EXIT_DONE;
}

static int run_seal(const struct command *command, int argc, char **argv)
{
	static const struct option options[] = {
		OPTION_HELP,
		{ "from", required_argument, NULL, 'f' },
		{ "to", required_argument, NULL, 't' },
		{ "master", required_argument, NULL, 'm' },
		{ "hex", no_argument, NULL, 'x' },
		{ "base64", no_argument, NULL, 'b' },
		{ "raw", no_argument, NULL, 'r' },
		{ "force", no_argument, NULL, 'F' },
		{ 0 }
	};
	struct seal seal = { .file = "-" };
	int option, forms = 0, code = -1;

	while ((option = command_option(command, argc, argv, options, &code)) != -1) {
		switch (option) {
		case 'f':
			seal.file = optarg;
			break;
		case 't':
			seal.to = optarg;
			break;
		case 'm':
			seal.master = optarg;
			break;
		case 'x':
		case 'b':
		case 'r':
			seal.form = secret_form(option);
			forms++;
			break;
		case 'F':
			seal.force = true;
			break;
		}
	}
	if (code >= 0)
		return code;
	if (optind < argc)
		return psk_refuse_argument(command, argc, argv);
	if (forms > 1)
		return command_usage(command, "--hex, --base64 and --raw exclude each other");
	if (!seal.to)
		return command_usage(command, "--to is missing: the file for the sealed key");
	if (!seal.master || strncmp(seal.master, "trusted:", 8) || !seal.master[8] ||
	    strlen(seal.master) > MASTER_MAX || strpbrk(seal.master, " \t\n"))
		return command_usage(command, "--master is trusted:NAME, a key that a TPM holds");
	return seal_key(&seal);
}

const struct command psk_seal = {
	.words = "psk seal",
	.summary = "seal a pre-shared key with a master key that a TPM holds",
	.help =
"usage: mikeyctl psk seal --master trusted:NAME --to FILE [--from FILE] [...]\n"
"\n"
"Reads a key of 20 to 64 bytes, has the kernel encrypt it with a trusted key in\n"
"the user's keyrings, and writes what comes of it to a new file, for psk unseal.\n"
"The key itself does not stay in the kernel. Needs a kernel with trusted keys\n"
"and CONFIG_USER_DECRYPTED_DATA.\n"
"\n"
"  --master TYPE:NAME  the trusted key\n"
"  --to FILE           the sealed key; it must not exist yet\n"
"  --from FILE         where to read the key; - is standard input (-)\n"
"  --hex               hexadecimal digits, white space between them (default)\n"
"  --base64            base64\n"
"  --raw               the bytes themselves\n"
"  --force             take a file to which other users have access\n",
	.run = run_seal,
};

struct unseal {
	const char *description, *file, *parent;
	bool quiet, psk;
	int32_t ring;
};

static int read_blob(const char *file, uint8_t *blob, size_t *len, struct problem *problem)
{
	int fd = strcmp(file, "-") ? open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY) :
				     fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	ssize_t got = 1;

	if (fd < 0)
		return problem_set(problem, -errno, "%s: %s", file, strerror(errno));
	for (*len = 0; got > 0 && *len <= BLOB_MAX; *len += got) {
		got = read(fd, blob + *len, BLOB_MAX + 1 - *len);
		if (got < 0)
			break;
	}
	close(fd);
	if (got < 0)
		return problem_set(problem, -errno, "%s: %s", file, strerror(errno));
	if (!*len || *len > BLOB_MAX)
		return problem_set(problem, -EINVAL,
				   "%s: this is no sealed key: it has 1 to %d bytes", file,
				   BLOB_MAX);
	return 0;
}

/* What `keyctl pipe` gives of keys of both types is text, one line. */
static size_t text_len(const uint8_t *blob, size_t len)
{
	while (len && (blob[len - 1] == '\n' || blob[len - 1] == '\r'))
		len--;
	for (size_t i = 0; i < len; i++)
		if (blob[i] < ' ' || blob[i] > '~')
			return 0;
	return len;
}

static bool begins(const uint8_t *blob, size_t len, const char *word)
{
	return len > strlen(word) && !memcmp(blob, word, strlen(word));
}

/* The kernel's order for what a file has; the type of key that it makes. */
static const char *write_load(char *order, const uint8_t *blob, size_t len, const char *parent)
{
	size_t text = text_len(blob, len), at;

	if (begins(blob, text, "default ") || begins(blob, text, "enc32 ")) {
		sprintf(order, "load %.*s", (int)text, (const char *)blob);
		return "encrypted";
	}
	at = sprintf(order, "load ");
	if (text)
		at += sprintf(order + at, "%.*s", (int)text, (const char *)blob);
	else
		for (size_t i = 0; i < len; i++)
			at += sprintf(order + at, "%02x", blob[i]);
	if (parent)
		sprintf(order + at, " keyhandle=%s", parent);
	return "trusted";
}

static const char *unseal_words(const char *type, int err)
{
	bool trusted = !strcmp(type, "trusted");

	switch (err) {
	case ENODEV:
		return trusted ? "this kernel has no keys of type \"trusted\", or no TPM" :
				 "this kernel has no keys of type \"encrypted\"";
	case ENOKEY:
	case EOPNOTSUPP:
		return "its master key is in no keyring here, or the kernel has none of its type";
	case EPERM:
		return "the TPM does not open it: another one sealed it, or under another key";
	case EINVAL:
		return trusted ? "the TPM or the kernel cannot read it (is --parent missing?)" :
				 "it is damaged, or was sealed with another master key";
	}
	return keyring_key_problem(err);
}

static int unseal_key(const struct unseal *unseal)
{
	char order[COMMAND_MAX + 1];
	uint8_t blob[BLOB_MAX + 1];
	struct problem problem;
	const char *type;
	size_t len = 0;
	int32_t serial;

	if (read_blob(unseal->file, blob, &len, &problem) < 0)
		return command_failed(&problem);
	type = write_load(order, blob, len, unseal->parent);
	keys_reach(unseal->ring);
	keys_reach(KEY_SPEC_USER_KEYRING);
	serial = add_key(type, unseal->description, order, strlen(order), unseal->ring);
	if (serial < 0) {
		problem_set(&problem, -errno, "%s: %s", unseal->file, unseal_words(type, errno));
		return command_failed(&problem);
	}
	if (unseal->psk && keyring_guard(serial, &problem)) {
		keyctl_revoke(serial);
		return command_failed(&problem);
	}
	if (!unseal->quiet)
		fprintf(stderr, "mikeyctl: %s:%s is in the kernel\n", type, unseal->description);
	printf("%d\n", serial);
	return EXIT_DONE;
}

static bool is_handle(const char *text)
{
	return !strncmp(text, "0x", 2) && text[2] && strlen(text) <= 10 &&
	       !text[2 + strspn(text + 2, "0123456789abcdefABCDEF")];
}

static int run_unseal(const struct command *command, int argc, char **argv)
{
	static const struct option options[] = {
		OPTION_HELP, OPTION_KEYRING,
		{ "id", required_argument, NULL, 'i' },
		{ "desc", required_argument, NULL, 'd' },
		{ "from", required_argument, NULL, 'f' },
		{ "parent", required_argument, NULL, 'p' },
		{ "quiet", no_argument, NULL, 'q' },
		{ 0 }
	};
	struct unseal unseal = { .file = "-", .ring = KEY_SPEC_USER_KEYRING };
	char description[PSK_DESCRIPTION_MAX + 1];
	int option, code = -1;
	const char *id = NULL;

	while ((option = command_option(command, argc, argv, options, &code)) != -1) {
		switch (option) {
		case 'i':
			id = optarg;
			break;
		case 'd':
			unseal.description = optarg;
			break;
		case 'f':
			unseal.file = optarg;
			break;
		case 'p':
			if (!is_handle(optarg))
				return command_usage(command,
						     "--parent is a handle of the TPM: 0x81000001");
			unseal.parent = optarg;
			break;
		case 'k':
			if (!keys_ring(optarg, &unseal.ring))
				return command_usage(command,
						     "--keyring is user, session or a serial number");
			break;
		case 'q':
			unseal.quiet = true;
			break;
		}
	}
	if (code >= 0)
		return code;
	if (optind < argc)
		return command_usage(command, "takes no arguments");
	if (!unseal.description) {
		if (!psk_describe(description, id))
			return command_usage(command,
					     "--id is missing or too long: the name under which the KMS knows the key");
		unseal.description = description;
		unseal.psk = true;
	}
	if (!psk_is_plain(unseal.description))
		return command_usage(command,
				     "a key's name has no spaces and no control characters, and at most %d bytes",
				     PSK_DESCRIPTION_MAX);
	return unseal_key(&unseal);
}

const struct command psk_unseal = {
	.words = "psk unseal",
	.summary = "have the kernel open a sealed pre-shared key",
	.help =
"usage: mikeyctl psk unseal --id ID [--from FILE] [--parent HANDLE] [...]\n"
"\n"
"Makes a kernel key of what was sealed before. The kernel and the TPM open it;\n"
"this program does not see the key. Prints its serial number. FILE is what\n"
"`psk seal` or `keyctl pipe` wrote of an encrypted or a trusted key, or a TPM's\n"
"sealed object: its private and its public area, one after the other. The key\n"
"is of type \"encrypted\" or \"trusted\" accordingly.\n"
"\n"
"  --id ID            the name under which the KMS knows the key (IDRpsk)\n"
"  --desc TEXT        description of the key (mikey:ID); for a master key, too\n"
"  --from FILE        the sealed key; - is standard input (-)\n"
"  --parent HANDLE    handle of the TPM's key that it is sealed under, 0x81000001\n"
"  --keyring KEYRING  user, session, or a serial number (user)\n"
"  --quiet            print the serial number only\n",
	.run = run_unseal,
};
