// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * import users, import groups: the files that export writes, or made elsewhere.
 *
 * A file is read twice: first all of it is checked without the store, so that
 * a fault of form changes nothing; then it goes in, BATCH rows in each
 * transaction. What is there already just so is passed over: an import that was
 * interrupted is run again.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "helper/kms/commands.h"
#include "helper/kms/crypto.h"
#include "helper/kms/progress.h"
#include "helper/kms/rows.h"

#define BATCH 1000

/* Everything of one import. */
struct import {
	struct kms_rows rows;
	struct kms_opened o;
	FILE *psk_out;
	const char *psk_out_path;
	s64 now;
	size_t added, there;
	struct kms_progress progress;
	struct uid uids[KMS_USER_UIDS_MAX];
	struct kms_user_spec spec;
	struct kms_user_spec waiting[KMS_IMPORT_MAX];
	struct {
		size_t line;
		bool make;		/* the PSK was made here */
	} about[KMS_IMPORT_MAX];
	size_t num_waiting;
	size_t line;			/* that words are about */
	struct uid psi;
	struct kms_member member;
	bool has_member;
};

enum user_column { USER_UIDS, USER_PSK_ID, USER_SUITE, USER_EXPIRES, USER_PSK };

static const char *const user_columns[] = {
	"uids", "psk_id", "suite", "expires", "psk", NULL,
};

enum group_column { GROUP_PSI, GROUP_ROLE, GROUP_UID };

static const char *const group_columns[] = { "psi", "role", "uid", NULL };

/* Into im->uids: names with blanks between them. */
static int take_uids(struct import *im, struct problem *problem)
{
	char *copy = strdup(im->rows.values[USER_UIDS]), *word, *save;
	size_t num = 0;
	int ret = 0;

	if (!copy)
		return problem_set(problem, -ENOMEM, "no memory");
	for (word = strtok_r(copy, " ", &save); !ret && word;
	     word = strtok_r(NULL, " ", &save)) {
		if (num == KMS_USER_UIDS_MAX)
			ret = problem_set(problem, -E2BIG, "a user has at most %d UIDs",
					  KMS_USER_UIDS_MAX);
		else
			ret = kms_uid_argument(&im->uids[num++], word, problem);
	}
	free(copy);
	if (!ret && !num)
		ret = problem_set(problem, -EINVAL, "a user without UID");
	im->spec.uids = im->uids;
	im->spec.num_uids = num;
	return ret;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int take_psk(struct import *im, struct problem *problem)
{
	const char *hex = im->rows.values[USER_PSK];
	struct kms_psk *psk = &im->spec.psk;
	int i, high, low;

	if (!*hex)
		return im->psk_out_path ? 0 :
		       problem_set(problem, -EINVAL,
				   "a user without PSK: with --psk-out one is made");
	if (strlen(hex) != 2 * (size_t)psk->key_len)
		return problem_set(problem, -EINVAL,
				   "a PSK of this suite has %d hexadecimal digits",
				   2 * psk->key_len);
	for (i = 0; i < psk->key_len; i++) {
		high = digit_of(hex[2 * i]);
		low = digit_of(hex[2 * i + 1]);
		if (high < 0 || low < 0)
			return problem_set(problem, -EINVAL,
					   "the PSK is not in hexadecimal digits");
		psk->key[i] = high << 4 | low;
	}
	return 0;
}

static int take_user(struct import *im, struct problem *problem)
{
	const char *const *v = im->rows.values;
	const struct kms_policy *policy = &im->o.config.policy;
	const struct mikey_suite *suite;
	char *end;
	int ret;

	memset(&im->spec, 0, sizeof(im->spec));
	ret = take_uids(im, problem);
	if (ret)
		return ret;
	suite = mikey_suite_by_name(*v[USER_SUITE] ? v[USER_SUITE] : "256");
	if (!suite)
		return problem_set(problem, -EINVAL, "suite: 256, 128 or ts-128");
	if (im->o.configured && !(policy->terms.suites & 1U << suite->id))
		return problem_set(problem, -EINVAL, "suite %s is not on", suite->name);
	im->spec.psk_id = *v[USER_PSK_ID] ? v[USER_PSK_ID] : im->uids[0].text;
	im->spec.psk.suite = suite->id;
	im->spec.psk.key_len = suite->key_len;
	errno = 0;
	im->spec.psk.expires = strtoll(v[USER_EXPIRES], &end, 10);
	if (errno || *end || im->spec.psk.expires < 0)
		return problem_set(problem, -EINVAL,
				   "expires: seconds since 1970, or 0 for never");
	return take_psk(im, problem);
}

static void print_key(FILE *f, const u8 *key, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		fprintf(f, "%02x", key[i]);
}

static void tell_psk(struct import *im, const struct kms_user_spec *spec)
{
	kms_csv_value(im->psk_out, kms_blob(spec->psk_id, strlen(spec->psk_id)));
	fputc(',', im->psk_out);
	print_key(im->psk_out, spec->psk.key, spec->psk.key_len);
	fputc('\n', im->psk_out);
}

static void forget_users(struct import *im)
{
	struct kms_user_spec *spec;

	while (im->num_waiting) {
		spec = &im->waiting[--im->num_waiting];
		free((char *)spec->psk_id);
		free((struct uid *)spec->uids);
		kms_psk_wipe(&spec->psk);
	}
}

/* Those who wait: how many were added, or an errno. */
static int flush_users(struct import *im, struct problem *problem)
{
	bool added[KMS_IMPORT_MAX] = { 0 };
	size_t i, at;
	int ret, num = 0;

	ret = kms_users_import(im->o.database, im->waiting, im->num_waiting, im->now,
			       added, &at, problem);
	if (ret)
		im->line = im->about[at].line;
	for (i = 0; !ret && i < im->num_waiting; i++) {
		num += added[i];
		if (added[i] && im->about[i].make)
			tell_psk(im, &im->waiting[i]);
	}
	forget_users(im);
	return ret ? ret : num;
}

/* What comes twice is added once, and then it is there. */
static bool waits(const struct import *im, const char *psk_id)
{
	size_t i;

	for (i = 0; i < im->num_waiting; i++)
		if (!strcmp(im->waiting[i].psk_id, psk_id))
			return true;
	return false;
}

static int add_user(struct import *im, struct problem *problem)
{
	struct kms_user_spec *spec;
	struct kms_psk *psk = &im->spec.psk;
	bool make = !*im->rows.values[USER_PSK];
	int num = 0;

	if (make && RAND_priv_bytes(psk->key, psk->key_len) != 1)
		return problem_set(problem, -EIO, "no randomness for a PSK");
	if (im->num_waiting == KMS_IMPORT_MAX || waits(im, im->spec.psk_id))
		num = flush_users(im, problem);
	if (num < 0)
		return num;
	spec = &im->waiting[im->num_waiting];
	*spec = im->spec;
	spec->psk_id = strdup(im->spec.psk_id);
	spec->uids = malloc(spec->num_uids * sizeof(*spec->uids));
	im->about[im->num_waiting].line = im->rows.line;
	im->about[im->num_waiting++].make = make;
	kms_psk_wipe(psk);
	if (!spec->psk_id || !spec->uids)
		return problem_set(problem, -ENOMEM, "no memory");
	memcpy((struct uid *)spec->uids, im->uids, spec->num_uids * sizeof(*spec->uids));
	return num;
}

static int take_group(struct import *im, struct problem *problem)
{
	const char *const *v = im->rows.values;
	int role, ret;

	ret = kms_uid_argument(&im->psi, v[GROUP_PSI], problem);
	if (ret)
		return ret;
	im->has_member = *v[GROUP_UID];
	if (!im->has_member)
		return 0;
	for (role = 0; role < KMS_PSI_ROLES; role++)
		if (!strcmp(*v[GROUP_ROLE] ? v[GROUP_ROLE] : "member",
			    kms_psi_tables[role]))
			break;
	if (role == KMS_PSI_ROLES)
		return problem_set(problem, -EINVAL, "role: member or server");
	im->member.role = role;
	return kms_uid_argument(&im->member.uid, v[GROUP_UID], problem);
}

static int add_group_row(struct import *im, struct problem *problem)
{
	return kms_member_import(im->o.database, &im->psi,
				 im->has_member ? &im->member : NULL, problem);
}

/* What is imported. */
struct subject {
	const char *name;
	const char *const *columns;
	int (*take)(struct import *im, struct problem *problem);
	/* How many were added by it; what waits is added by flush. */
	int (*add)(struct import *im, struct problem *problem);
	int (*flush)(struct import *im, struct problem *problem);
};

static const struct subject users = {
	.name = "users", .columns = user_columns, .take = take_user, .add = add_user,
	.flush = flush_users,
};

static const struct subject groups = {
	.name = "members", .columns = group_columns, .take = take_group,
	.add = add_group_row,
};

/* Words without a line get one. */
static int at_line(const struct import *im, struct problem *problem)
{
	return problem_prefix(problem, "%s:%zu: ", im->rows.path, im->line);
}

/* The whole file, without the store: how many rows there are. */
static int check(struct import *im, const struct subject *subject, size_t *num,
		 struct problem *problem)
{
	int ret;

	for (*num = 0; (ret = kms_rows_next(&im->rows, problem)) > 0; ++*num) {
		im->line = im->rows.line;
		ret = subject->take(im, problem);
		kms_psk_wipe(&im->spec.psk);
		if (ret)
			return at_line(im, problem);
	}
	return ret;
}

/* PSKs that were made must be on the disk before their users are. */
static int flush_psks(struct import *im, struct problem *problem)
{
	if (!im->psk_out || (!fflush(im->psk_out) && !fsync(fileno(im->psk_out))))
		return 0;
	return problem_set(problem, -EIO, "%s: %s", im->psk_out_path, strerror(errno));
}

/* One transaction. 1: there is more; 0: that was all. */
static int batch(struct import *im, const struct subject *subject, struct problem *problem)
{
	size_t num, added = 0;
	int ret, more = 1;

	ret = kms_database_begin(im->o.database, problem);
	if (ret)
		return ret;
	for (num = 0; !ret && num < BATCH; num++) {
		more = kms_rows_next(&im->rows, problem);
		if (more <= 0) {
			ret = more;
			break;
		}
		im->line = im->rows.line;
		ret = subject->take(im, problem);
		if (!ret)
			ret = subject->add(im, problem);
		if (ret < 0) {
			at_line(im, problem);
			break;
		}
		added += ret;
		ret = 0;
	}
	if (!ret && subject->flush) {
		ret = subject->flush(im, problem);
		if (ret < 0)
			at_line(im, problem);
		added += ret > 0 ? ret : 0;
		ret = ret < 0 ? ret : 0;
	}
	forget_users(im);
	if (!ret)
		ret = flush_psks(im, problem);
	ret = kms_database_end(im->o.database, ret, problem);
	if (ret)
		return ret;
	im->added += added;
	im->there += num - added;
	kms_progress_tell(&im->progress, im->added + im->there);
	return more;
}

static int open_psk_out(struct import *im, struct problem *problem)
{
	int fd;

	if (!im->psk_out_path)
		return 0;
	fd = open(im->psk_out_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return problem_set(problem, -errno, "%s: %s", im->psk_out_path,
				   errno == EEXIST ?
				   "exists already and is not overwritten" :
				   strerror(errno));
	im->psk_out = fdopen(fd, "w");
	if (!im->psk_out)
		return problem_set(problem, -ENOMEM, "no memory");
	fputs("psk_id,psk\n", im->psk_out);
	return 0;
}

static int import(struct import *im, const struct subject *subject,
		  struct problem *problem)
{
	size_t num;
	int ret;

	ret = check(im, subject, &num, problem);
	if (!ret)
		ret = kms_rows_again(&im->rows, problem);
	if (!ret)
		ret = open_psk_out(im, problem);
	if (ret)
		return ret;
	kms_progress_begin(&im->progress, subject->name, num);
	while ((ret = batch(im, subject, problem)) > 0)
		;
	kms_progress_end(&im->progress);
	return ret;
}

static enum kms_exit run_import(const struct kms_command *self, int argc, char **argv,
				const struct subject *subject)
{
	static const struct option options[] = {
		{ "psk-out", required_argument, NULL, 'O' },
		{ 0 }
	};
	struct import *im = calloc(1, sizeof(*im));
	struct kms_common common = { 0 };
	struct problem problem = { 0 };
	enum kms_exit status = KMS_EXIT_DONE;
	const char *psk_out = NULL;
	int opt;

	while ((opt = kms_next_option(self, argc, argv,
				      subject == &users ? options : NULL, &common,
				      &status)) >= 0)
		psk_out = optarg;
	if (opt == -2 || !im) {
		free(im);
		return im ? status : KMS_EXIT_FAILED;
	}
	if (optind + 1 != argc) {
		free(im);
		return kms_misused(self, "give one file");
	}
	im->psk_out_path = psk_out;
	im->now = time(NULL);
	if (kms_open_store(&im->o, &common, &problem) ||
	    kms_rows_open(&im->rows, argv[optind], subject->columns, &problem) ||
	    import(im, subject, &problem))
		status = kms_failed(&problem);
	if (status == KMS_EXIT_DONE || im->added)
		printf("%zu %s added, %zu were there\n", im->added, subject->name,
		       im->there);
	kms_rows_close(&im->rows);
	if (im->psk_out && fclose(im->psk_out))
		status = KMS_EXIT_FAILED;
	kms_close(&im->o);
	OPENSSL_cleanse(im, sizeof(*im));
	free(im);
	return status;
}

enum kms_exit kms_run_import_users(const struct kms_command *self, int argc,
				   char **argv)
{
	return run_import(self, argc, argv, &users);
}

enum kms_exit kms_run_import_groups(const struct kms_command *self, int argc,
				    char **argv)
{
	return run_import(self, argc, argv, &groups);
}
