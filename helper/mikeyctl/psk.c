// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pre-shared keys. They become kernel keys of type "logon", which has no way
 * to be read; a "user" key would have one.
 */
#include <errno.h>
#include <keyutils.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "helper/lib/keyring.h"
#include "helper/mikeyctl/command.h"
#include "helper/mikeyctl/keys.h"
#include "helper/mikeyctl/output.h"
#include "helper/mikeyctl/psk.h"
#include "helper/mikeyctl/secret.h"

#define PREFIX "mikey:"

static const char * const psk_types[] = { "logon", "trusted", "encrypted", NULL };

struct load {
	const char *description, *file;
	enum secret_form form;
	bool force, quiet;
	int32_t ring;
	int64_t timeout;
};

bool psk_describe(char description[PSK_DESCRIPTION_MAX + 1], const char *id)
{
	const size_t size = PSK_DESCRIPTION_MAX + 1;

	return id && *id && (size_t)snprintf(description, size, PREFIX "%s", id) < size;
}

bool psk_is_plain(const char *description)
{
	if (strlen(description) > PSK_DESCRIPTION_MAX)
		return false;
	for (; *description; description++)
		if ((unsigned char)*description <= ' ' || *description == 0x7f)
			return false;
	return true;
}

void psk_hide_process(void)
{
	const struct rlimit none = { 0 };

	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &none);
}

static int32_t add_key_of(const struct secret *secret, const struct load *load)
{
	return add_key("logon", load->description, secret->data, secret->len, load->ring);
}

/*
 * The timeout, also of 0: loading again replaces that of the key there was. One that
 * is guarded lost it with its bytes, and can have no other: then it makes way.
 */
static int set_timeout(const struct secret *secret, const struct load *load, int32_t *serial)
{
	if (!keyctl_set_timeout(*serial, load->timeout))
		return 0;
	if (errno != EACCES)
		return -errno;
	if (!load->timeout)
		return 0;
	if (keyctl_unlink(*serial, load->ring))
		return -errno;
	*serial = add_key_of(secret, load);
	return *serial < 0 || keyctl_set_timeout(*serial, load->timeout) ? -errno : 0;
}

/* Not possible where that has been done before. */
static int guard(int32_t serial, struct problem *problem)
{
	int err = keyring_guard(serial, problem);

	return err == -EACCES ? 0 : err;
}

static int add_psk(struct secret *secret, const struct load *load, int32_t *serial,
		   struct problem *problem)
{
	size_t len = secret->len;
	int err, late = 0;

	keys_reach(load->ring);
	*serial = add_key_of(secret, load);
	err = *serial < 0 ? -errno : 0;
	if (!err)
		late = set_timeout(secret, load, serial);
	secret_close(secret);
	if (err == -ENODEV)
		return problem_set(problem, err, "this kernel has no keys of type \"logon\"");
	if (err < 0)
		return problem_set(problem, err, "cannot add the key to the keyring: %s",
				   keyring_key_problem(err));
	if (late)
		err = problem_set(problem, late,
				  "cannot set the timeout of key %d: %s; it was revoked",
				  *serial, keyring_key_problem(late));
	else
		err = guard(*serial, problem);
	if (err) {
		keyctl_revoke(*serial);
		return err;
	}
	if (load->quiet)
		return 0;
	if (len != 16 && len != 20 && len != 32)
		fprintf(stderr,
			"mikeyctl: warning: the key has %zu bytes; the suites have keys of 16, 20 or 32\n",
			len);
	fprintf(stderr, "mikeyctl: PSK logon:%s (%zu bytes) is in the kernel\n",
		load->description, len);
	return 0;
}

static int load_key(const struct load *load)
{
	struct secret secret = { 0 };
	struct problem problem;
	int32_t serial = 0;
	int err;

	psk_hide_process();
	err = secret_open(&secret, &problem);
	if (!err)
		err = secret_take(&secret, load->file, load->force, load->form, &problem);
	if (!err)
		err = add_psk(&secret, load, &serial, &problem);
	secret_close(&secret);
	if (err < 0)
		return command_failed(&problem);
	printf("%d\n", serial);
	return EXIT_DONE;
}

int psk_refuse_argument(const struct command *command, int argc, char **argv)
{
	for (int i = optind; i < argc; i++)
		OPENSSL_cleanse(argv[i], strlen(argv[i]));
	return command_usage(command,
			     "a key on the command line can be read by every user (ps): give it on standard input or in a file (--from); if this was the key, take another one");
}

static int run_load(const struct command *command, int argc, char **argv)
{
	static const struct option options[] = {
		OPTION_HELP, OPTION_KEYRING,
		{ "id", required_argument, NULL, 'i' },
		{ "desc", required_argument, NULL, 'd' },
		{ "from", required_argument, NULL, 'f' },
		{ "hex", no_argument, NULL, 'x' },
		{ "base64", no_argument, NULL, 'b' },
		{ "raw", no_argument, NULL, 'r' },
		{ "timeout", required_argument, NULL, 't' },
		{ "force", no_argument, NULL, 'F' },
		{ "quiet", no_argument, NULL, 'q' },
		/* else it would be taken for a short --keyring */
		{ "key", required_argument, NULL, 'K' },
		{ 0 }
	};
	struct load load = { .file = "-", .ring = KEY_SPEC_USER_KEYRING };
	char description[PSK_DESCRIPTION_MAX + 1];
	int option, forms = 0, code = -1;
	const char *id = NULL;

	while ((option = command_option(command, argc, argv, options, &code)) != -1) {
		switch (option) {
		case 'i':
			id = optarg;
			break;
		case 'd':
			load.description = optarg;
			break;
		case 'f':
			load.file = optarg;
			break;
		case 'x':
		case 'b':
		case 'r':
			load.form = secret_form(option);
			forms++;
			break;
		case 'k':
			if (!keys_ring(optarg, &load.ring))
				return command_usage(command,
						     "--keyring is user, session or a serial number");
			break;
		case 't':
			if (!command_read_seconds(optarg, &load.timeout))
				return command_usage(command,
						     "--timeout is a number of seconds, or of minutes, hours, days: 30m, 12h, 7d");
			break;
		case 'F':
			load.force = true;
			break;
		case 'q':
			load.quiet = true;
			break;
		case 'K':
			OPENSSL_cleanse(optarg, strlen(optarg));
			return psk_refuse_argument(command, argc, argv);
		}
	}
	if (code >= 0)
		return code;
	if (optind < argc)
		return psk_refuse_argument(command, argc, argv);
	if (forms > 1)
		return command_usage(command, "--hex, --base64 and --raw exclude each other");
	if (!load.description) {
		if (!id || !*id)
			return command_usage(command,
					     "--id is missing: the name under which the KMS knows the key");
		if (!psk_describe(description, id))
			return command_usage(command, "--id is too long");
		load.description = description;
	}
	if (!psk_is_plain(load.description))
		return command_usage(command,
				     "a key's name has no spaces and no control characters, and at most %d bytes",
				     PSK_DESCRIPTION_MAX);
	if (strcspn(load.description, ":") == 0 || !strchr(load.description, ':'))
		return command_usage(command,
				     "--desc of a \"logon\" key is PREFIX:NAME, for instance mikey:alice");
	return load_key(&load);
}

const struct command psk_load = {
	.words = "psk load",
	.summary = "put a pre-shared key into the kernel",
	.help =
"usage: mikeyctl psk load --id ID [--from FILE] [--base64 | --raw] [...]\n"
"\n"
"Reads a key of 16 to 64 bytes and adds it as a kernel key of type \"logon\",\n"
"which no program can read. Prints its serial number. A key of the same name\n"
"is replaced and keeps its number.\n"
"\n"
"  --id ID            the name under which the KMS knows the key (IDRpsk)\n"
"  --desc TEXT        description of the key, PREFIX:NAME (mikey:ID)\n"
"  --from FILE        where to read it; - is standard input (-)\n"
"  --hex              hexadecimal digits, white space between them (default)\n"
"  --base64           base64\n"
"  --raw              the bytes themselves\n"
"  --keyring KEYRING  user, session, or a serial number (user)\n"
"  --timeout SECONDS  forget the key after this time; also 30m, 12h, 7d\n"
"  --force            take a file to which other users have access\n"
"  --quiet            print the serial number only\n"
"\n"
"The key is never taken from the command line or the environment.\n",
	.run = run_load,
};

static void print_key(const struct key *key)
{
	printf("%-11d %-10s %-8s ", key->serial, key->type, key->timeout[0] ? key->timeout : "?");
	output_text(stdout, key->description, strlen(key->description));
	putchar('\n');
}

static void json_key(struct json *json, const struct key *key)
{
	json_object(json, NULL);
	json_number(json, "serial", key->serial);
	json_string(json, "type", key->type);
	json_string(json, "description", key->description);
	json_string(json, "timeout", key->timeout[0] ? key->timeout : NULL);
	json_object_end(json);
}

static bool is_wanted(const struct key *key, bool all)
{
	return all || !strcmp(key->type, "encrypted") ||
	       !strncmp(key->description, PREFIX, strlen(PREFIX));
}

static void print_list(const struct key_list *list, bool all, bool as_json)
{
	struct json json = { .file = stdout };
	bool any = false;

	if (as_json)
		json_array(&json, NULL);
	for (size_t i = 0; i < list->count; i++) {
		if (!is_wanted(&list->keys[i], all))
			continue;
		if (as_json) {
			json_key(&json, &list->keys[i]);
			continue;
		}
		if (!any)
			printf("%-11s %-10s %-8s %s\n", "SERIAL", "TYPE", "TIMEOUT", "DESCRIPTION");
		print_key(&list->keys[i]);
		any = true;
	}
	if (as_json)
		json_array_end(&json);
	else if (!any)
		fprintf(stderr, "mikeyctl: no PSK here (mikeyctl psk load adds one)\n");
}

static int run_list(const struct command *command, int argc, char **argv)
{
	static const struct option options[] = {
		OPTION_HELP, OPTION_JSON, OPTION_KEYRING,
		{ "all", no_argument, NULL, 'a' },
		{ 0 }
	};
	bool all = false, as_json = false;
	int32_t ring = KEY_SPEC_USER_KEYRING;
	struct problem problem;
	struct key_list list;
	int option, code = -1;

	while ((option = command_option(command, argc, argv, options, &code)) != -1) {
		if (option == 'a')
			all = true;
		else if (option == 'j')
			as_json = true;
		else if (option == 'k' && !keys_ring(optarg, &ring))
			return command_usage(command,
					     "--keyring is user, session or a serial number");
	}
	if (code >= 0)
		return code;
	if (optind < argc)
		return command_usage(command, "takes no arguments");
	keys_reach(ring);
	if (keys_list(&list, ring, psk_types, &problem) < 0)
		return command_failed(&problem);
	print_list(&list, all, as_json);
	keys_free(&list);
	return EXIT_DONE;
}

const struct command psk_list = {
	.words = "psk list",
	.summary = "list the pre-shared keys in a keyring",
	.help =
"usage: mikeyctl psk list [--all] [--keyring KEYRING] [--json]\n"
"\n"
"Lists \"logon\" and \"trusted\" keys named mikey:..., and \"encrypted\" keys.\n"
"\n"
"  --all              all \"logon\" and \"trusted\" keys\n"
"  --keyring KEYRING  user, session, or a serial number (user)\n"
"  --json             as JSON\n",
	.run = run_list,
};

/* SERIAL, TYPE:DESCRIPTION, or the ID that `psk load` was given */
static int find(const char *name, int32_t *serial, struct problem *problem)
{
	char text[PSK_DESCRIPTION_MAX + 16];
	struct key key;
	int err;

	if (keys_serial(name, serial)) {
		err = keys_get(&key, *serial, psk_types, problem);
		if (!err)
			keys_put(&key);
		return err;
	}
	if (!strncmp(name, "logon:", 6) || !strncmp(name, "trusted:", 8) ||
	    !strncmp(name, "encrypted:", 10))
		return keyring_find_psk(name, serial, problem);
	if ((size_t)snprintf(text, sizeof(text), "logon:" PREFIX "%s", name) >= sizeof(text))
		return problem_set(problem, -ENOKEY, "there is no such key");
	return keyring_find_psk(text, serial, problem);
}

static int run_revoke(const struct command *command, int argc, char **argv)
{
	static const struct option options[] = { OPTION_HELP, OPTION_KEYRING, { 0 } };
	int32_t serial, ring = KEY_SPEC_USER_KEYRING;
	struct problem problem;
	int option, code = -1;

	while ((option = command_option(command, argc, argv, options, &code)) != -1)
		if (option == 'k' && !keys_ring(optarg, &ring))
			return command_usage(command,
					     "--keyring is user, session or a serial number");
	if (code >= 0)
		return code;
	if (argc - optind != 1)
		return command_usage(command, "name one key: its serial number or its ID");
	keys_reach(ring);
	if (find(argv[optind], &serial, &problem) < 0)
		return command_failed(&problem);
	if (keyctl_revoke(serial)) {
		problem_set(&problem, -errno, "key %d: %s", serial, keyring_key_problem(errno));
		return command_failed(&problem);
	}
	/* wiped it is; without the link a new one can take its place at once */
	keyctl_unlink(serial, ring);
	return EXIT_DONE;
}

const struct command psk_revoke = {
	.words = "psk revoke",
	.summary = "wipe a pre-shared key",
	.help =
"usage: mikeyctl psk revoke [--keyring KEYRING] SERIAL | ID | TYPE:DESCRIPTION\n"
"\n"
"Revokes the key, which wipes it, and takes it out of its keyring. Tickets made\n"
"with it stay; ticket revoke ends those.\n"
"\n"
"  --keyring KEYRING  where it is linked: user, session, or a serial number (user)\n",
	.run = run_revoke,
};
