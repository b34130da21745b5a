// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rekey-store.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "helper/kms/commands.h"
#include "helper/kms/rekey.h"

/* The key may be there from an attempt before: it is the one to use then. */
static struct kms_seal *new_seal(const char *path, const char *token,
				 struct problem *problem)
{
	struct stat st;

	/* Killed before a key was written into the new file: nothing is lost. */
	if (!stat(path, &st) && S_ISREG(st.st_mode) && !st.st_size)
		unlink(path);
	if (access(path, F_OK) && kms_seal_key_create(path, token, problem))
		return NULL;
	return kms_seal_from_file(path, problem);
}

/* Killed behind the end of the transaction: there is nothing to do any more. */
static bool is_done(const struct kms_opened *o, const struct kms_seal *seal)
{
	struct problem ignored = { 0 };
	struct kms_database *d = kms_database_open(o->config.store, seal, &ignored);

	kms_database_close(d);
	return d;
}

enum kms_exit kms_run_rekey_store(const struct kms_command *self, int argc,
				  char **argv)
{
	static const struct option options[] = {
		{ "new-key", required_argument, NULL, 'n' },
		{ "token", required_argument, NULL, 't' },
		{ 0 }
	};
	const char *path = NULL, *token = NULL;
	struct kms_common common = { 0 };
	struct problem problem = { 0 };
	struct kms_seal *seal = NULL;
	struct kms_opened o = { 0 };
	enum kms_exit status;
	s64 rows = -1;
	int opt;

	while ((opt = kms_next_option(self, argc, argv, options, &common,
				      &status)) >= 0) {
		if (opt == 'n')
			path = optarg;
		else
			token = optarg;
	}
	if (opt == -2)
		return status;
	if (optind != argc || !path)
		return kms_misused(self, "give --new-key FILE and no other argument");
	status = KMS_EXIT_DONE;
	if (!kms_open_config(&o, &common, &problem))
		seal = new_seal(path, token, &problem);
	if (seal && is_done(&o, seal)) {
		rows = 0;
	} else if (seal) {
		o.seal = kms_seal_from_file(o.config.store_key, &problem);
		if (o.seal)
			o.database = kms_database_open(o.config.store, o.seal, &problem);
		if (o.database)
			rows = kms_rekey(o.database, seal, &problem);
	}
	if (rows < 0)
		status = kms_failed(&problem);
	else
		printf("%lld rows; from now on: store-key = \"%s\"\n", (long long)rows,
		       path);
	kms_seal_free(seal);
	kms_close(&o);
	return status;
}
