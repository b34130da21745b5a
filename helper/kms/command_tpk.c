// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tpk list, show, rotate, revoke: the keys that tickets are protected with.
 */
#include <errno.h>
#include <time.h>

#include "helper/kms/commands.h"

/* What is printed: all of them, or the one of that name. */
struct list {
	bool json;
	bool any;
	const char *name;
};

static struct mikey_blob name_blob(const char *name)
{
	return (struct mikey_blob){ .p = (const u8 *)name, .len = strlen(name) };
}

static void print_json(const struct kms_tpk_row *row)
{
	fputs("{\"name\": ", stdout);
	kms_json_string(stdout, row->name);
	printf(", \"created\": %lld, \"keep_until\": %lld, \"newest\": %s, \"revoked\": ",
	       (long long)row->created, (long long)row->keep_until,
	       row->newest ? "true" : "false");
	if (row->revoked)
		printf("%lld}", (long long)row->revoked);
	else
		fputs("null}", stdout);
}

static void print_line(const struct kms_tpk_row *row)
{
	printf("%.*s  made ", (int)row->name.len, (const char *)row->name.p);
	kms_print_time(stdout, row->created);
	if (row->revoked) {
		fputs("  revoked ", stdout);
		kms_print_time(stdout, row->revoked);
	} else {
		fputs(row->newest ? "  for new tickets, kept until " :
		      "  kept until ", stdout);
		kms_print_time(stdout, row->keep_until);
	}
	putchar('\n');
}

static void print_tpk(const struct kms_tpk_row *row, void *arg)
{
	struct list *list = arg;

	if (list->name && !mikey_blob_eq(row->name, name_blob(list->name)))
		return;
	if (list->json && !list->name)
		fputs(list->any ? ",\n " : "\n ", stdout);
	if (list->json)
		print_json(row);
	else
		print_line(row);
	list->any = true;
}

/* Options, and @num arguments. Returns false when the command is to end. */
static bool arguments(const struct kms_command *self, int argc, char **argv, int num,
		      struct kms_common *common, enum kms_exit *status)
{
	if (kms_next_option(self, argc, argv, NULL, common, status) == -2)
		return false;
	if (optind + num <= argc)
		return kms_no_more(self, argc, argv, num, status);
	*status = kms_misused(self, "give one TPK");
	return false;
}

enum kms_exit kms_run_tpk_list(const struct kms_command *self, int argc,
			       char **argv)
{
	struct kms_common common = { 0 };
	struct problem problem = { 0 };
	struct kms_opened o = { 0 };
	struct list list = { 0 };
	enum kms_exit status;

	if (!arguments(self, argc, argv, 0, &common, &status))
		return status;
	list.json = common.json;
	status = KMS_EXIT_DONE;
	if (kms_open_store(&o, &common, &problem)) {
		status = kms_failed(&problem);
	} else {
		if (list.json)
			putchar('[');
		if (kms_tpk_each(o.database, print_tpk, &list, &problem))
			status = kms_failed(&problem);
		if (list.json)
			puts("\n]");
	}
	kms_close(&o);
	return status;
}

enum kms_exit kms_run_tpk_show(const struct kms_command *self, int argc,
			       char **argv)
{
	struct kms_common common = { 0 };
	struct problem problem = { 0 };
	struct kms_opened o = { 0 };
	struct list list = { 0 };
	enum kms_exit status;
	int ret;

	if (!arguments(self, argc, argv, 1, &common, &status))
		return status;
	list.json = common.json;
	list.name = argv[optind];
	ret = kms_open_store(&o, &common, &problem);
	if (!ret)
		ret = kms_tpk_each(o.database, print_tpk, &list, &problem);
	if (!ret && !list.any)
		ret = problem_set(&problem, -ENOENT, "there is no TPK %s", list.name);
	if (!ret && list.json)
		putchar('\n');
	status = ret ? kms_failed(&problem) : KMS_EXIT_DONE;
	kms_close(&o);
	return status;
}

enum kms_exit kms_run_tpk_rotate(const struct kms_command *self, int argc,
				 char **argv)
{
	struct kms_common common = { 0 };
	struct problem problem = { 0 };
	struct kms_opened o = { 0 };
	enum kms_exit status;

	if (!arguments(self, argc, argv, 0, &common, &status))
		return status;
	status = KMS_EXIT_DONE;
	if (kms_open_store(&o, &common, &problem) ||
	    kms_tpk_rotate(o.database, time(NULL), &problem))
		status = kms_failed(&problem);
	kms_close(&o);
	return status;
}

enum kms_exit kms_run_tpk_revoke(const struct kms_command *self, int argc,
				 char **argv)
{
	struct kms_common common = { 0 };
	char made[KMS_TPK_NAME_MAX] = "";
	struct problem problem = { 0 };
	struct kms_opened o = { 0 };
	enum kms_exit status;

	if (!arguments(self, argc, argv, 1, &common, &status))
		return status;
	status = KMS_EXIT_DONE;
	if (kms_open_store(&o, &common, &problem) ||
	    kms_tpk_revoke(o.database, name_blob(argv[optind]), time(NULL), made,
			   &problem))
		status = kms_failed(&problem);
	else if (*made)
		printf("new tickets are made with %s\n", made);
	kms_close(&o);
	return status;
}
