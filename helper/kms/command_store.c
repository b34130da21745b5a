// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * init, replay: the store as a whole.
 */
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "helper/kms/commands.h"

/*
 * root makes the store for the user that the service runs as: whoever owns
 * the folder. The key stays root's and that user's group may read it.
 */
static int hand_over(const struct kms_config *config, struct problem *problem)
{
	char *copy = strdup(config->store);
	struct stat st;
	int ret = 0;

	if (!copy)
		return problem_set(problem, -ENOMEM, "no memory");
	if (geteuid() || !strncmp(config->store_key, "credential:", 11) ||
	    sql_is_url(config->store) ||
	    stat(dirname(copy), &st) || !st.st_uid)
		goto out;
	if (chown(config->store, st.st_uid, st.st_gid) ||
	    chown(config->store_key, 0, st.st_gid) ||
	    chmod(config->store_key, 0640))
		ret = problem_set(problem, -errno,
				  "%s and %s cannot be given to the folder's owner: %s",
				  config->store, config->store_key, strerror(errno));
out:
	free(copy);
	return ret;
}

static int init(const struct kms_config *config, const char *token,
		struct problem *problem)
{
	struct kms_database *d = NULL;
	struct kms_seal *seal;
	bool make_key;
	int ret;

	if (!sql_is_url(config->store) && !access(config->store, F_OK))
		return problem_set(problem, -EEXIST,
				   "%s: exists already and is not overwritten",
				   config->store);
	/* a credential is there already */
	make_key = strncmp(config->store_key, "credential:", 11);
	ret = make_key ? kms_seal_key_create(config->store_key, token, problem) : 0;
	if (ret)
		return ret;
	seal = kms_seal_from_file(config->store_key, problem);
	ret = seal ? kms_database_create(config->store, seal, problem) :
		     problem->error;
	if (!ret) {
		d = kms_database_open(config->store, seal, problem);
		ret = d ? kms_tpk_rotate(d, time(NULL), problem) :
			  problem->error;
	}
	kms_database_close(d);
	kms_seal_free(seal);
	if (!ret) {
		ret = hand_over(config, problem);
		if (ret && !sql_is_url(config->store))
			unlink(config->store);
	}
	/* The key alone is of no use and would be in the way of a second try. */
	if (ret && make_key)
		unlink(config->store_key);
	return ret;
}

enum kms_exit kms_run_init(const struct kms_command *self, int argc,
			   char **argv)
{
	static const struct option options[] = {
		{ "token", required_argument, NULL, 't' },
		{ 0 }
	};
	const char *token = NULL;
	struct kms_common common = { 0 };
	struct problem problem = { 0 };
	struct kms_opened o = { 0 };
	enum kms_exit status;
	int opt;

	while ((opt = kms_next_option(self, argc, argv, options, &common,
				      &status)) >= 0)
		token = optarg;
	if (opt == -2)
		return status;
	if (!kms_no_more(self, argc, argv, 0, &status))
		return status;
	/* The first thing done with a new installation needs no configuration. */
	if (!common.config_file && access(KMS_CONFIG_DEFAULT_FILE, F_OK)) {
		if (!common.store)
			common.store = KMS_CONFIG_DEFAULT_STORE;
		if (!common.store_key)
			common.store_key = KMS_CONFIG_DEFAULT_KEY;
	}
	status = KMS_EXIT_DONE;
	if (kms_open_config(&o, &common, &problem) ||
	    kms_open_audit(&o, &problem) || init(&o.config, token, &problem))
		status = kms_failed(&problem);
	else
		printf("made the store %s and its key %s\n",
		       sql_name(o.config.store), o.config.store_key);
	kms_close(&o);
	return status;
}

enum kms_exit kms_run_replay_reset(const struct kms_command *self, int argc,
				   char **argv)
{
	struct kms_common common = { 0 };
	struct problem problem = { 0 };
	struct kms_opened o = { 0 };
	enum kms_exit status;
	s64 now = time(NULL);

	if (!kms_no_arguments(self, argc, argv, &common, &status))
		return status;
	status = KMS_EXIT_DONE;
	/* What was answered before may be dated up to the skew ahead of now. */
	if (kms_open_store(&o, &common, &problem) ||
	    kms_replay_reset(o.database, now, now + o.config.policy.skew + 1,
			     &problem))
		status = kms_failed(&problem);
	else
		printf("requests are answered again in %lld seconds\n",
		       (long long)o.config.policy.skew + 1);
	kms_close(&o);
	return status;
}
