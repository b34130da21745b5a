// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the subcommands of mikey-kms share; see commands.h.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "helper/kms/commands.h"
#include "helper/lib/log.h"

static void explain(const struct kms_command *self)
{
	printf("Usage: mikey-kms %s %s\n\n"
	       "Options of every command:\n"
	       "  --config FILE     configuration (" KMS_CONFIG_DEFAULT_FILE ")\n"
	       "  --store FILE      the store, instead of the configuration's\n"
	       "  --store-key FILE  its key, instead of the configuration's\n"
	       "  --json            print JSON, where something is listed\n"
	       "  --help            this text\n",
	       self->name, self->usage);
}

static const struct option common_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "store", required_argument, NULL, 's' },
	{ "store-key", required_argument, NULL, 'k' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
};

int kms_next_option(const struct kms_command *self, int argc, char **argv,
		    const struct option *options, struct kms_common *common,
		    enum kms_exit *exit_status)
{
	struct option all[ARRAY_SIZE(common_options) + KMS_OWN_OPTIONS_MAX + 1] = { 0 };
	size_t num = ARRAY_SIZE(common_options);
	int opt;

	memcpy(all, common_options, sizeof(common_options));
	for (; options && options->name; options++)
		all[num++] = *options;
	while ((opt = getopt_long(argc, argv, "", all, NULL)) != -1) {
		switch (opt) {
		case 'c':
			common->config_file = optarg;
			break;
		case 's':
			common->store = optarg;
			break;
		case 'k':
			common->store_key = optarg;
			break;
		case 'j':
			common->json = true;
			break;
		case 'h':
			explain(self);
			*exit_status = KMS_EXIT_DONE;
			return -2;
		case '?':
			fprintf(stderr, "Try mikey-kms %s --help\n", self->name);
			*exit_status = KMS_EXIT_USAGE;
			return -2;
		default:
			return opt;
		}
	}
	return -1;
}

enum kms_exit kms_misused(const struct kms_command *self, const char *format,
			  ...)
{
	va_list args;

	fprintf(stderr, "mikey-kms %s: ", self->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nTry mikey-kms %s --help\n", self->name);
	return KMS_EXIT_USAGE;
}

enum kms_exit kms_failed(const struct problem *problem)
{
	fprintf(stderr, "mikey-kms: %s\n", problem->words);
	return KMS_EXIT_FAILED;
}

static int replace(char **value, const char *with, struct problem *problem)
{
	char *copy;

	if (!with)
		return 0;
	copy = strdup(with);
	if (!copy)
		return problem_set(problem, -ENOMEM, "no memory");
	free(*value);
	*value = copy;
	return 0;
}

int kms_open_config(struct kms_opened *o, const struct kms_common *common,
		    struct problem *problem)
{
	const char *file = common->config_file;
	int ret;

	memset(o, 0, sizeof(*o));
	/* Both named on the command line: the configuration may not exist yet. */
	if (!file && !(common->store && common->store_key))
		file = KMS_CONFIG_DEFAULT_FILE;
	ret = kms_config_read(&o->config, file, problem);
	if (ret)
		return ret;
	o->configured = file;
	ret = replace(&o->config.store, common->store, problem);
	if (!ret)
		ret = replace(&o->config.store_key, common->store_key, problem);
	log_setup("mikey-kms", o->config.log_level);
	return ret;
}

int kms_open_store(struct kms_opened *o, const struct kms_common *common,
		   struct problem *problem)
{
	int ret = kms_open_config(o, common, problem);

	if (ret)
		return ret;
	o->seal = kms_seal_from_file(o->config.store_key, problem);
	if (!o->seal)
		return problem->error;
	o->database = kms_database_open(o->config.store, o->seal, problem);
	return o->database ? 0 : problem->error;
}

void kms_close(struct kms_opened *o)
{
	kms_database_close(o->database);
	kms_seal_free(o->seal);
	kms_config_free(&o->config);
}

int kms_uid_argument(struct uid *uid, const char *text, struct problem *problem)
{
	if (strchr(text, '?'))
		return problem_set(problem, -EINVAL,
				   "%s: ? is a wildcard; in a name it is written %%3F",
				   text);
	if (!uid_from_text(uid, text))
		return 0;
	return problem_set(problem, -EINVAL,
			   "%s is not a UID: write user@domain", text);
}

/* Length of the UTF-8 character at @p, or 0 if there is none (RFC 3629). */
static u32 utf8_len(const u8 *p, u32 left)
{
	static const struct {
		u8 mask, lead, len;
		u32 least;
	} forms[] = {
		{ 0x80, 0x00, 1, 0 },
		{ 0xe0, 0xc0, 2, 0x80 },
		{ 0xf0, 0xe0, 3, 0x800 },
		{ 0xf8, 0xf0, 4, 0x10000 },
	};
	u32 i, n, c;

	for (i = 0; i < ARRAY_SIZE(forms); i++)
		if ((p[0] & forms[i].mask) == forms[i].lead)
			break;
	if (i == ARRAY_SIZE(forms) || forms[i].len > left)
		return 0;
	c = p[0] & (u8)~forms[i].mask;
	for (n = 1; n < forms[i].len; n++) {
		if ((p[n] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[n] & 0x3f);
	}
	if (c < forms[i].least || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	return forms[i].len;
}

void kms_json_string(FILE *f, struct mikey_blob b)
{
	u32 at, n;

	fputc('"', f);
	for (at = 0; at < b.len; at += n) {
		n = utf8_len(b.p + at, b.len - at);
		if (n == 1 && (b.p[at] == '"' || b.p[at] == '\\'))
			fprintf(f, "\\%c", b.p[at]);
		else if (!n || b.p[at] < 0x20 || b.p[at] == 0x7f)
			fprintf(f, "\\u%04x", b.p[at]);
		else
			fwrite(b.p + at, n, 1, f);
		n = n ? n : 1;
	}
	fputc('"', f);
}

void kms_print_time(FILE *f, s64 t)
{
	time_t when = t;
	char text[32];
	struct tm tm;

	if (!t || !gmtime_r(&when, &tm) ||
	    !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%SZ", &tm))
		fputc('-', f);
	else
		fputs(text, f);
}
