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

/* The command that runs, for the audit trail. */
static struct {
	const struct kms_command *self;
	int argc;
	char **argv;
	bool failed;
	struct problem problem;
} current;

static void explain(const struct kms_command *self)
{
	printf("Usage: mikey-kms %s %s\n\n"
	       "Options of every command:\n"
	       "  --config FILE     configuration (" KMS_CONFIG_DEFAULT_FILE ")\n"
	       "  --store STORE     the store, a file or postgresql://..., instead of the configuration's\n"
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

	current.self = self;
	current.argc = argc;
	current.argv = argv;
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

bool kms_no_more(const struct kms_command *self, int argc, char **argv, int num,
		 enum kms_exit *exit_status)
{
	if (optind + num >= argc)
		return true;
	*exit_status = kms_misused(self, "\"%s\" is one argument too many",
				   argv[optind + num]);
	return false;
}

bool kms_no_arguments(const struct kms_command *self, int argc, char **argv,
		      struct kms_common *common, enum kms_exit *exit_status)
{
	return kms_next_option(self, argc, argv, NULL, common, exit_status) != -2 &&
	       kms_no_more(self, argc, argv, 0, exit_status);
}

enum kms_exit kms_failed(const struct problem *problem)
{
	fprintf(stderr, "mikey-kms: %s\n", problem->words);
	current.failed = true;
	current.problem = *problem;
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

int kms_open_config_with(struct kms_opened *o, const struct kms_common *common,
			 struct kms_faults *faults, struct problem *problem)
{
	const char *file = common->config_file;
	int ret;

	memset(o, 0, sizeof(*o));
	/* Both named on the command line: the configuration may not exist yet. */
	if (!file && !(common->store && common->store_key))
		file = KMS_CONFIG_DEFAULT_FILE;
	ret = kms_config_check(&o->config, file, faults, problem);
	if (ret)
		return ret;
	o->configured = file;
	o->config_file = file;
	ret = replace(&o->config.store, common->store, problem);
	if (!ret)
		ret = replace(&o->config.store_key, common->store_key, problem);
	log_setup("mikey-kms", o->config.log_level);
	return ret;
}

int kms_open_config(struct kms_opened *o, const struct kms_common *common,
		    struct problem *problem)
{
	struct kms_faults *faults = malloc(sizeof(*faults));
	int ret;

	memset(o, 0, sizeof(*o));
	if (!faults)
		return problem_set(problem, -ENOMEM, "no memory");
	ret = kms_open_config_with(o, common, faults, problem);
	free(faults);
	return ret;
}

char *kms_config_audit_path(const struct kms_config *config)
{
	char *path;

	if (config->audit)
		return strcmp(config->audit, KMS_CONFIG_NO_AUDIT) ?
		       strdup(config->audit) : NULL;
	if (strstr(config->store, "://"))
		return strdup(KMS_CONFIG_DEFAULT_AUDIT);
	return asprintf(&path, "%s.audit", config->store) < 0 ? NULL : path;
}

struct kms_audit *kms_config_audit(const struct kms_config *config,
				   struct problem *problem)
{
	struct kms_audit_settings settings = {
		.segment_max = config->audit_segment * 1024,
		.sync = config->audit_sync,
	};
	struct kms_audit *audit;
	char *path = kms_config_audit_path(config);

	problem->error = 0;
	if (!path)
		return NULL;
	settings.directory = path;
	audit = kms_audit_open(&settings, problem);
	if (!audit && !config->audit)
		problem_prefix(problem, "audit (by default; else a folder, or \"none\"): ");
	free(path);
	return audit;
}

/* Commands that only look. All others, also those to come, are put down. */
static bool only_looks(const char *name)
{
	static const char *const lookers[] = {
		"serve",		/* puts down its own */
		"check-config", "user list", "user show", "group list",
		"policy", "policy show", "policy test", "tpk list", "tpk show",
		"peer list",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lookers); i++)
		if (!strcmp(lookers[i], name))
			return true;
	return false;
}

int kms_open_audit(struct kms_opened *o, struct problem *problem)
{
	if (!current.self || only_looks(current.self->name))
		return 0;
	o->audit = kms_config_audit(&o->config, problem);
	if (!o->audit)
		return problem->error;
	return kms_record_command(o->audit, current.self->name, current.argc,
				  current.argv, problem);
}

int kms_open_store(struct kms_opened *o, const struct kms_common *common,
		   struct problem *problem)
{
	int ret = kms_open_config(o, common, problem);

	if (!ret)
		ret = kms_open_audit(o, problem);
	return ret ? ret : kms_attach_store(o, problem);
}

int kms_attach_store(struct kms_opened *o, struct problem *problem)
{
	o->seal = kms_seal_from_file(o->config.store_key, problem);
	if (!o->seal)
		return problem->error;
	o->database = kms_database_open(o->config.store, o->seal, problem);
	return o->database ? 0 : problem->error;
}

void kms_close(struct kms_opened *o)
{
	struct problem problem;

	/* What was done cannot be undone for this, but it was announced. */
	if (o->audit && kms_record_outcome(o->audit, current.self->name,
					   current.failed ? current.problem.words : NULL,
					   &problem))
		fprintf(stderr, "mikey-kms: %s\n", problem.words);
	kms_audit_close(o->audit);
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
