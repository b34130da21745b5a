// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * export users, export groups: the files that import reads. Keys only when
 * asked for, and then only into a new file that nobody else can read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "helper/kms/commands.h"
#include "helper/kms/crypto.h"
#include "helper/kms/progress.h"
#include "helper/kms/rows.h"

struct export {
	FILE *f;
	bool json;
	bool with_psks;
	struct kms_opened o;
	struct kms_progress progress;
	size_t num;
	int error;			/* the first one */
};

/* A name in the form that import reads: escaped as in a SIP URI. */
static void put_name(struct export *ex, struct mikey_blob name)
{
	char text[UID_ESCAPED_MAX];
	struct uid uid = { .len = name.len };

	memcpy(uid.text, name.p, name.len);
	uid.text[name.len] = '\0';
	uid_escape(text, &uid);
	if (ex->json)
		kms_json_string(ex->f, kms_blob(text, strlen(text)));
	else
		fputs(text, ex->f);
}

static void put_text(struct export *ex, struct mikey_blob text)
{
	if (ex->json)
		kms_json_string(ex->f, text);
	else
		kms_csv_value(ex->f, text);
}

static void put_psk(struct export *ex, const struct kms_user_row *row)
{
	struct kms_store *s = &ex->o.database->store;
	struct kms_psk psk;
	int i, ret;

	ret = s->ops->psk(s, row->psk_id, &psk);
	fputs(ex->json ? ", \"psk\": \"" : ",", ex->f);
	for (i = 0; !ret && i < psk.key_len; i++)
		fprintf(ex->f, "%02x", psk.key[i]);
	fputs(ex->json ? "\"" : "", ex->f);
	kms_psk_wipe(&psk);
	if (ret && !ex->error)
		ex->error = ret;
}

static void put_user(const struct kms_user_row *row, void *arg)
{
	const struct mikey_suite *suite = mikey_suite_by_id(row->suite);
	struct export *ex = arg;
	u32 i;

	/* superseded ones open old tickets, and are in a backup */
	if (row->superseded)
		return;
	kms_progress_tell(&ex->progress, ++ex->num);
	fputs(ex->json ? "{\"uids\": [" : "", ex->f);
	for (i = 0; i < row->num_uids; i++) {
		fputs(!i ? "" : ex->json ? ", " : " ", ex->f);
		put_name(ex, kms_blob(row->uids[i].data, row->uids[i].len));
	}
	fputs(ex->json ? "], \"psk_id\": " : ",", ex->f);
	put_text(ex, row->psk_id);
	fprintf(ex->f, ex->json ? ", \"suite\": \"%s\", \"expires\": %lld" : ",%s,%lld",
		suite ? suite->name : "", (long long)row->expires);
	if (ex->with_psks)
		put_psk(ex, row);
	fputs(ex->json ? "}\n" : "\n", ex->f);
}

static void put_member(struct mikey_blob psi, enum kms_psi_role role,
		       struct mikey_blob uid, void *arg)
{
	struct export *ex = arg;

	kms_progress_tell(&ex->progress, ++ex->num);
	fputs(ex->json ? "{\"psi\": " : "", ex->f);
	put_name(ex, psi);
	fprintf(ex->f, ex->json ? ", \"role\": \"%s\", \"uid\": " : ",%s,",
		kms_psi_tables[role]);
	if (uid.len)
		put_name(ex, uid);
	else
		fputs(ex->json ? "\"\"" : "", ex->f);
	fputs(ex->json ? "}\n" : "\n", ex->f);
}

static int export_users(struct export *ex, struct problem *problem)
{
	kms_progress_begin(&ex->progress, "users", 0);
	if (!ex->json)
		fprintf(ex->f, "uids,psk_id,suite,expires%s\n", ex->with_psks ? ",psk" : "");
	return kms_user_each(ex->o.database, NULL, put_user, ex, problem);
}

static int export_groups(struct export *ex, struct problem *problem)
{
	kms_progress_begin(&ex->progress, "members", 0);
	if (!ex->json)
		fputs("psi,role,uid\n", ex->f);
	return kms_group_each(ex->o.database, put_member, ex, problem);
}

typedef int (export_fn)(struct export *ex, struct problem *problem);

static int to_file(struct export *ex, const char *out, struct problem *problem)
{
	int fd;

	ex->f = stdout;
	if (!out)
		return 0;
	fd = open(out, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return problem_set(problem, -errno, "%s: %s", out, errno == EEXIST ?
				   "exists already and is not overwritten" :
				   strerror(errno));
	ex->f = fdopen(fd, "w");
	return ex->f ? 0 : problem_set(problem, -ENOMEM, "no memory");
}

/* One view of the store; nothing is left of a file that is not complete. */
static int export(struct export *ex, export_fn *what, const char *out,
		  struct problem *problem)
{
	int ret = to_file(ex, out, problem);

	if (ret)
		return ret;
	ret = sql_begin(ex->o.database->sql, SQL_READ);
	if (ret)
		kms_database_problem(ex->o.database, ret, problem);
	else
		ret = what(ex, problem);
	sql_end(ex->o.database->sql, false);
	kms_progress_end(&ex->progress);
	if (!ret && ex->error)
		ret = problem_set(problem, ex->error,
				  "a PSK was tampered with in the store");
	if (!ret && (fflush(ex->f) || (out && fsync(fileno(ex->f)))))
		ret = problem_set(problem, -EIO, "%s: %s", out ? out : "output",
				  strerror(errno));
	if (out)
		fclose(ex->f);
	if (out && ret)
		unlink(out);
	return ret;
}

static enum kms_exit run(const struct kms_command *self, int argc, char **argv,
			 export_fn *what)
{
	static const struct option options[] = {
		{ "out", required_argument, NULL, 'o' },
		{ "with-psks", no_argument, NULL, 'p' },
		{ 0 }
	};
	struct kms_common common = { 0 };
	struct problem problem = { 0 };
	struct export ex = { 0 };
	const char *out = NULL;
	enum kms_exit status;
	int opt;

	while ((opt = kms_next_option(self, argc, argv, options, &common,
				      &status)) >= 0) {
		if (opt == 'o')
			out = optarg;
		else
			ex.with_psks = true;
	}
	if (opt == -2)
		return status;
	if (!kms_no_more(self, argc, argv, 0, &status))
		return status;
	if (ex.with_psks && !out)
		return kms_misused(self, "--with-psks wants --out FILE, which only you can read");
	ex.json = common.json;
	status = KMS_EXIT_DONE;
	if (kms_open_store(&ex.o, &common, &problem) ||
	    export(&ex, what, out, &problem))
		status = kms_failed(&problem);
	kms_close(&ex.o);
	return status;
}

enum kms_exit kms_run_export_users(const struct kms_command *self, int argc,
				   char **argv)
{
	return run(self, argc, argv, export_users);
}

enum kms_exit kms_run_export_groups(const struct kms_command *self, int argc,
				    char **argv)
{
	return run(self, argc, argv, export_groups);
}
