// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * group add, list, del, member-add, member-del.
 */
#include <stdlib.h>

#include "helper/kms/commands.h"

#define MEMBERS_MAX 256		/* on one command line */

struct add {
	struct uid psi;
	bool has_psi;
	struct uid members[MEMBERS_MAX];
	size_t num_members;
};

static int take_option(struct add *add, int opt, struct problem *problem)
{
	if (opt == 'p') {
		add->has_psi = true;
		return kms_uid_argument(&add->psi, optarg, problem);
	}
	if (add->num_members == MEMBERS_MAX)
		return problem_set(problem, -E2BIG,
				   "at most %d members at once (member-add adds more)",
				   MEMBERS_MAX);
	return kms_uid_argument(&add->members[add->num_members++], optarg,
				problem);
}

enum kms_exit kms_run_group_add(const struct kms_command *self, int argc,
				char **argv)
{
	static const struct option options[] = {
		{ "psi", required_argument, NULL, 'p' },
		{ "member", required_argument, NULL, 'm' },
		{ 0 }
	};
	struct kms_common common = { 0 };
	struct problem problem = { 0 };
	struct kms_opened o = { 0 };
	struct add add = { 0 };
	enum kms_exit status;
	int opt;

	while ((opt = kms_next_option(self, argc, argv, options, &common,
				      &status)) >= 0)
		if (take_option(&add, opt, &problem))
			return kms_misused(self, "%s", problem.words);
	if (opt == -2)
		return status;
	if (optind != argc)
		return kms_misused(self, "\"%s\" is one argument too many",
				   argv[optind]);
	if (!add.has_psi)
		return kms_misused(self, "--psi is missing");
	status = KMS_EXIT_DONE;
	if (kms_open_store(&o, &common, &problem) ||
	    kms_group_add(o.database, &add.psi, add.members, add.num_members,
			  &problem))
		status = kms_failed(&problem);
	kms_close(&o);
	return status;
}

struct list {
	bool json;
	bool any_group;
	bool any_member;
};

static void print_group(struct mikey_blob psi, struct mikey_blob uid, void *arg)
{
	struct list *list = arg;

	if (!list->json) {
		if (uid.len)
			printf("\t%.*s\n", (int)uid.len, (const char *)uid.p);
		else
			printf("%.*s\n", (int)psi.len, (const char *)psi.p);
		return;
	}
	if (uid.len) {
		fputs(list->any_member ? ", " : "", stdout);
		kms_json_string(stdout, uid);
		list->any_member = true;
		return;
	}
	printf("%s\n {\"psi\": ", list->any_group ? "]}," : "");
	kms_json_string(stdout, psi);
	fputs(", \"members\": [", stdout);
	list->any_group = true;
	list->any_member = false;
}

enum kms_exit kms_run_group_list(const struct kms_command *self, int argc,
				 char **argv)
{
	struct kms_common common = { 0 };
	struct problem problem = { 0 };
	struct kms_opened o = { 0 };
	struct list list = { 0 };
	enum kms_exit status;

	if (kms_next_option(self, argc, argv, NULL, &common,
			    &status) == -2)
		return status;
	if (optind != argc)
		return kms_misused(self, "\"%s\" is one argument too many",
				   argv[optind]);
	list.json = common.json;
	status = KMS_EXIT_DONE;
	if (kms_open_store(&o, &common, &problem)) {
		status = kms_failed(&problem);
	} else {
		if (list.json)
			putchar('[');
		if (kms_group_each(o.database, print_group, &list, &problem))
			status = kms_failed(&problem);
		if (list.json)
			puts(list.any_group ? "]}\n]" : "\n]");
	}
	kms_close(&o);
	return status;
}

/* A command about a PSI and, with @two, a UID. */
static enum kms_exit run(const struct kms_command *self, int argc, char **argv,
			 bool two,
			 int (*act)(struct kms_database *d,
				    const struct uid *psi,
				    const struct uid *uid,
				    struct problem *problem))
{
	struct kms_common common = { 0 };
	struct problem problem = { 0 };
	struct kms_opened o = { 0 };
	struct uid uids[2];
	enum kms_exit status;
	int i;

	if (kms_next_option(self, argc, argv, NULL, &common,
			    &status) == -2)
		return status;
	if (optind + 1 + two != argc)
		return kms_misused(self, two ? "give a PSI and a UID" :
				   "give one PSI");
	for (i = 0; i < 1 + two; i++)
		if (kms_uid_argument(&uids[i], argv[optind + i], &problem))
			return kms_misused(self, "%s", problem.words);
	status = KMS_EXIT_DONE;
	if (kms_open_store(&o, &common, &problem) ||
	    act(o.database, &uids[0], &uids[1], &problem))
		status = kms_failed(&problem);
	kms_close(&o);
	return status;
}

static int del(struct kms_database *d, const struct uid *psi,
	       const struct uid *uid, struct problem *problem)
{
	(void)uid;
	return kms_group_del(d, psi, problem);
}

enum kms_exit kms_run_group_del(const struct kms_command *self, int argc,
				char **argv)
{
	return run(self, argc, argv, false, del);
}

enum kms_exit kms_run_member_add(const struct kms_command *self, int argc,
				 char **argv)
{
	return run(self, argc, argv, true, kms_member_add);
}

enum kms_exit kms_run_member_del(const struct kms_command *self, int argc,
				 char **argv)
{
	return run(self, argc, argv, true, kms_member_del);
}
