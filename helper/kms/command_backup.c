// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * backup, restore.
 */
#include <time.h>

#include "helper/kms/backup.h"
#include "helper/kms/commands.h"

static bool one_file(const struct kms_command *self, int argc, char **argv,
		     struct kms_common *common, enum kms_exit *status)
{
	if (kms_next_option(self, argc, argv, NULL, common, status) == -2)
		return false;
	if (optind + 1 == argc)
		return true;
	*status = kms_misused(self, "give one file");
	return false;
}

enum kms_exit kms_run_backup(const struct kms_command *self, int argc, char **argv)
{
	struct kms_common common = { 0 };
	struct problem problem = { 0 };
	struct kms_opened o = { 0 };
	enum kms_exit status;
	s64 rows = 0;

	if (!one_file(self, argc, argv, &common, &status))
		return status;
	status = KMS_EXIT_DONE;
	if (!kms_open_store(&o, &common, &problem))
		rows = kms_backup_write(o.database, argv[optind], &problem);
	if (problem.error)
		status = kms_failed(&problem);
	else
		printf("%lld rows\n", (long long)rows);
	kms_close(&o);
	return status;
}

enum kms_exit kms_run_restore(const struct kms_command *self, int argc, char **argv)
{
	struct kms_common common = { 0 };
	struct problem problem = { 0 };
	struct kms_opened o = { 0 };
	s64 now = time(NULL), wait = 0;
	enum kms_exit status;
	s64 rows = 0;

	if (!one_file(self, argc, argv, &common, &status))
		return status;
	status = KMS_EXIT_DONE;
	if (!kms_open_config(&o, &common, &problem)) {
		o.seal = kms_seal_from_file(o.config.store_key, &problem);
		wait = o.config.policy.skew + 1;
		if (o.seal)
			rows = kms_backup_restore(o.config.store, o.seal, argv[optind], now,
						  now + wait, &problem);
	}
	if (problem.error)
		status = kms_failed(&problem);
	else
		printf("%lld rows; requests are answered again in %lld seconds\n",
		       (long long)rows, (long long)wait);
	kms_close(&o);
	return status;
}
