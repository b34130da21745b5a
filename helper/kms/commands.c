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

static void help(const struct kms_command *self)
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

int kms_next_option(const struct kms_command *self, int argc, char **argv,
		    const struct option *options, struct kms_common *common,
		    enum kms_exit *exit_status)
{
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
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
			help(self);
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
	if (!uid_from_text(uid, text))
		return 0;
	return problem_set(problem, -EINVAL,
			   "%s is not a UID: write user@domain", text);
}

void kms_json_string(FILE *f, struct mikey_blob b)
{
	u32 i;

	fputc('"', f);
	for (i = 0; i < b.len; i++) {
		if (b.p[i] == '"' || b.p[i] == '\\')
			fprintf(f, "\\%c", b.p[i]);
		else if (b.p[i] < 0x20 || b.p[i] > 0x7e)
			fprintf(f, "\\u%04x", b.p[i]);
		else
			fputc(b.p[i], f);
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
