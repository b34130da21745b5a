// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * user add, rekey, list, show, del.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "helper/kms/commands.h"
#include "helper/kms/crypto.h"
#include "helper/kms/keyfile.h"
#include "helper/kms/rule.h"

struct add {
	struct uid uids[KMS_USER_UIDS_MAX];
	size_t num_uids;
	const char *psk_id;
	const char *psk_in;
	const char *psk_out;
	const char *suite;
	s64 expires;
	bool drop_old;
};

static int take_option(struct add *add, int opt, struct problem *problem)
{
	char *end;

	switch (opt) {
	case 'u':
		if (add->num_uids == KMS_USER_UIDS_MAX)
			return problem_set(problem, -E2BIG,
					   "a user has at most %d UIDs",
					   KMS_USER_UIDS_MAX);
		return kms_uid_argument(&add->uids[add->num_uids++], optarg,
					problem);
	case 'i':
		add->psk_id = optarg;
		return 0;
	case 'I':
		add->psk_in = optarg;
		return 0;
	case 'O':
		add->psk_out = optarg;
		return 0;
	case 'S':
		add->suite = optarg;
		return 0;
	case 'D':
		add->drop_old = true;
		return 0;
	default:
		errno = 0;
		add->expires = strtoll(optarg, &end, 10);
		if (errno || *end || add->expires < 1)
			return problem_set(problem, -EINVAL,
					   "--expires: a number of seconds from 1");
		add->expires += time(NULL);
		return 0;
	}
}

/* @policy: NULL if there is no configuration to say what is on. */
static int find_key(const struct add *add, const struct kms_policy *policy,
		    struct kms_psk *psk, struct problem *problem)
{
	const struct mikey_suite *suite = mikey_suite_by_name(add->suite);
	size_t len;
	int ret;

	if (!suite)
		return problem_set(problem, -EINVAL,
				   "--suite: 256, 128 or ts-128");
	if (policy && !(policy->terms.suites & 1U << suite->id))
		return problem_set(problem, -EINVAL,
				   "suite %s is not on: policy = { suites = [\"%s\"]; };",
				   suite->name, suite->name);
	psk->suite = suite->id;
	psk->expires = add->expires;
	psk->key_len = suite->key_len;
	if (!add->psk_in)
		return RAND_priv_bytes(psk->key, psk->key_len) == 1 ? 0 :
		       problem_set(problem, -EIO, "no randomness for a PSK");
	ret = kms_keyfile_read(add->psk_in, psk->key, sizeof(psk->key), &len,
			       problem);
	if (!ret)
		psk->key_len = len;
	return ret;
}

static int store_new(struct kms_opened *o, const struct add *add,
		     const struct kms_psk *psk, struct problem *problem)
{
	struct kms_user_spec spec = {
		.uids = add->uids,
		.num_uids = add->num_uids,
		.psk_id = add->psk_id ? add->psk_id : add->uids[0].text,
		.psk = *psk,
	};
	int ret = kms_user_add(o->database, &spec, time(NULL), problem);

	kms_psk_wipe(&spec.psk);
	return ret;
}

/*
 * The old PSK opens what was made until now, by a clock that may be ahead,
 * and was valid for as long as a ticket may be.
 */
static int store_again(struct kms_opened *o, const struct add *add,
		       const struct kms_psk *psk, struct problem *problem)
{
	const struct kms_policy *policy = &o->config.policy;
	s64 now = time(NULL);
	struct kms_rekey_spec spec = {
		.psk_id = add->psk_id,
		.psk = *psk,
		.keep_until = now + policy->skew + kms_policy_widest(policy).max_lifetime,
		.drop_old = add->drop_old,
	};
	int ret = kms_user_rekey(o->database, &add->uids[0], &spec, now,
				 problem);

	kms_psk_wipe(&spec.psk);
	return ret;
}

typedef int (store_fn)(struct kms_opened *o, const struct add *add,
		       const struct kms_psk *psk, struct problem *problem);

/* The PSK goes out first: a user whose PSK nobody has is of no use. */
static int put_psk(struct kms_opened *o, const struct add *add,
		   store_fn *store, struct problem *problem)
{
	bool to_file = !add->psk_in && add->psk_out;
	struct kms_psk psk = { 0 };
	int ret;

	ret = find_key(add, o->configured ? &o->config.policy : NULL, &psk,
		       problem);
	if (!ret && to_file)
		ret = kms_keyfile_write(add->psk_out, psk.key, psk.key_len,
					problem);
	if (!ret) {
		ret = store(o, add, &psk, problem);
		if (ret && to_file && strcmp(add->psk_out, "-"))
			unlink(add->psk_out);
	}
	if (!ret && !add->psk_in && !to_file)
		ret = kms_keyfile_write("-", psk.key, psk.key_len, problem);
	kms_psk_wipe(&psk);
	return ret;
}

/* Of both commands; each refuses what belongs to the other. */
static const struct option psk_options[] = {
	{ "uid", required_argument, NULL, 'u' },
	{ "psk-id", required_argument, NULL, 'i' },
	{ "psk-in", required_argument, NULL, 'I' },
	{ "psk-out", required_argument, NULL, 'O' },
	{ "suite", required_argument, NULL, 'S' },
	{ "expires", required_argument, NULL, 'E' },
	{ "drop-old", no_argument, NULL, 'D' },
	{ 0 }
};

/* Options up to the arguments. False when the command is to end. */
static bool take_all(const struct kms_command *self, int argc, char **argv,
		     struct kms_common *common, struct add *add,
		     enum kms_exit *status)
{
	struct problem problem = { 0 };
	int opt;

	while ((opt = kms_next_option(self, argc, argv, psk_options,
				      common, status)) >= 0) {
		if (take_option(add, opt, &problem)) {
			*status = kms_misused(self, "%s", problem.words);
			return false;
		}
	}
	if (opt == -2)
		return false;
	if (!add->psk_in || !add->psk_out)
		return true;
	*status = kms_misused(self, "--psk-in and --psk-out exclude each other");
	return false;
}

static enum kms_exit put(const struct kms_common *common, const struct add *add,
			 store_fn *store)
{
	enum kms_exit status = KMS_EXIT_DONE;
	struct problem problem = { 0 };
	struct kms_opened o = { 0 };

	if (kms_open_store(&o, common, &problem) ||
	    put_psk(&o, add, store, &problem))
		status = kms_failed(&problem);
	kms_close(&o);
	return status;
}

enum kms_exit kms_run_user_add(const struct kms_command *self, int argc,
			       char **argv)
{
	struct add add = { .suite = "256" };
	struct kms_common common = { 0 };
	enum kms_exit status;

	if (!take_all(self, argc, argv, &common, &add, &status))
		return status;
	if (!kms_no_more(self, argc, argv, 0, &status))
		return status;
	if (!add.num_uids)
		return kms_misused(self, "--uid is missing");
	if (add.drop_old)
		return kms_misused(self, "a new user has no old PSK to drop");
	return put(&common, &add, store_new);
}

enum kms_exit kms_run_user_rekey(const struct kms_command *self, int argc,
				 char **argv)
{
	struct add add = { .suite = "256" };
	struct kms_common common = { 0 };
	struct problem problem = { 0 };
	enum kms_exit status;

	if (!take_all(self, argc, argv, &common, &add, &status))
		return status;
	if (optind + 1 != argc || add.num_uids)
		return kms_misused(self, "give one UID, without --uid");
	if (kms_uid_argument(&add.uids[0], argv[optind], &problem))
		return kms_misused(self, "%s", problem.words);
	if (!add.psk_id)
		return kms_misused(self, "--psk-id is missing: the new PSK has an id of its own");
	return put(&common, &add, store_again);
}

struct list {
	bool json;
	bool any;
};

static const char *suite_name(u32 id)
{
	const struct mikey_suite *suite = mikey_suite_by_id(id);

	return suite ? suite->name : "?";
}

static void print_user(const struct kms_user_row *row, void *arg)
{
	struct list *list = arg;
	u32 i;

	if (list->json) {
		printf("%s\n {\"uids\": [", list->any ? "," : "");
		for (i = 0; i < row->num_uids; i++) {
			fputs(i ? ", " : "", stdout);
			kms_json_string(stdout, kms_blob(row->uids[i].data,
							 row->uids[i].len));
		}
		fputs("], \"psk_id\": ", stdout);
		kms_json_string(stdout, row->psk_id);
		printf(", \"suite\": \"%s\", \"created\": %lld, \"expires\": %lld",
		       suite_name(row->suite), (long long)row->created,
		       (long long)row->expires);
		printf(", \"superseded\": %lld, \"keep_until\": %lld}",
		       (long long)row->superseded, (long long)row->keep_until);
	} else {
		for (i = 0; i < row->num_uids; i++)
			printf("%s%.*s", i ? ", " : "", row->uids[i].len,
			       (const char *)row->uids[i].data);
		printf("  psk %.*s  suite %s  added ", (int)row->psk_id.len,
		       (const char *)row->psk_id.p, suite_name(row->suite));
		kms_print_time(stdout, row->created);
		if (row->expires) {
			fputs("  expires ", stdout);
			kms_print_time(stdout, row->expires);
		}
		if (row->superseded) {
			fputs("  superseded ", stdout);
			kms_print_time(stdout, row->superseded);
			fputs("  kept until ", stdout);
			kms_print_time(stdout, row->keep_until);
		}
		putchar('\n');
	}
	list->any = true;
}

static enum kms_exit show(const struct kms_common *common, const struct uid *uid)
{
	struct list list = { .json = common->json };
	enum kms_exit status = KMS_EXIT_DONE;
	struct problem problem = { 0 };
	struct kms_opened o = { 0 };

	if (kms_open_store(&o, common, &problem)) {
		status = kms_failed(&problem);
	} else {
		if (list.json)
			putchar('[');
		if (kms_user_each(o.database, uid, print_user, &list, &problem))
			status = kms_failed(&problem);
		if (list.json)
			puts("\n]");
	}
	kms_close(&o);
	return status;
}

enum kms_exit kms_run_user_list(const struct kms_command *self, int argc,
				char **argv)
{
	struct kms_common common = { 0 };
	enum kms_exit status;

	if (!kms_no_arguments(self, argc, argv, &common, &status))
		return status;
	return show(&common, NULL);
}

/* One UID as the only argument: false when the command is to end. */
static bool uid_argument(const struct kms_command *self, int argc, char **argv,
			 struct kms_common *common, struct uid *uid,
			 enum kms_exit *status)
{
	struct problem problem = { 0 };

	if (kms_next_option(self, argc, argv, NULL, common,
			    status) == -2)
		return false;
	if (optind + 1 != argc) {
		*status = kms_misused(self, "give one UID");
		return false;
	}
	if (kms_uid_argument(uid, argv[optind], &problem)) {
		*status = kms_misused(self, "%s", problem.words);
		return false;
	}
	return true;
}

enum kms_exit kms_run_user_show(const struct kms_command *self, int argc,
				char **argv)
{
	struct kms_common common = { 0 };
	enum kms_exit status;
	struct uid uid;

	if (!uid_argument(self, argc, argv, &common, &uid, &status))
		return status;
	return show(&common, &uid);
}

enum kms_exit kms_run_user_del(const struct kms_command *self, int argc,
			       char **argv)
{
	struct kms_common common = { 0 };
	struct problem problem = { 0 };
	struct kms_opened o = { 0 };
	enum kms_exit status;
	struct uid uid;

	if (!uid_argument(self, argc, argv, &common, &uid, &status))
		return status;
	status = KMS_EXIT_DONE;
	if (kms_open_store(&o, &common, &problem) ||
	    kms_user_del(o.database, &uid, &problem))
		status = kms_failed(&problem);
	kms_close(&o);
	return status;
}
