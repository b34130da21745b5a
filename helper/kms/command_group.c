// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * group add, list, del, member-add, member-del, server-add, server-del.
 */
#include <stdlib.h>

#include "helper/kms/commands.h"

#define MEMBERS_MAX 256		/* on one command line */

struct add {
	struct uid psi;
	bool has_psi;
	struct kms_member members[MEMBERS_MAX];
	size_t num_members;
};

static int take_option(struct add *add, int opt, struct problem *problem)
{
	struct kms_member *member;

	if (opt == 'p') {
		add->has_psi = true;
		return kms_uid_argument(&add->psi, optarg, problem);
	}
	if (add->num_members == MEMBERS_MAX)
		return problem_set(problem, -E2BIG,
				   "at most %d members at once (member-add adds more)",
				   MEMBERS_MAX);
	member = &add->members[add->num_members++];
	member->role = opt == 'l' ? KMS_PSI_SERVER : KMS_PSI_MEMBER;
	return kms_uid_argument(&member->uid, optarg, problem);
}

enum kms_exit kms_run_group_add(const struct kms_command *self, int argc,
				char **argv)
{
	static const struct option options[] = {
		{ "psi", required_argument, NULL, 'p' },
		{ "member", required_argument, NULL, 'm' },
		{ "server", required_argument, NULL, 'l' },
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
	if (!kms_no_more(self, argc, argv, 0, &status))
		return status;
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

/* @role: of the array that is being written; with KMS_PSI_ROLES none is */
struct list {
	bool json;
	bool any_group;
	bool any_member;
	enum kms_psi_role role;
};

static const struct {
	const char *json, *text;
} role_words[KMS_PSI_ROLES] = {
	[KMS_PSI_MEMBER] = { "members", "" },
	[KMS_PSI_SERVER] = { "servers", "  (list server)" },
};

/* Arrays up to that of @role; behind the last one the group is complete. */
static void json_arrays(struct list *list, enum kms_psi_role role)
{
	while (list->role < role) {
		list->role++;
		if (list->role < KMS_PSI_ROLES)
			printf("], \"%s\": [", role_words[list->role].json);
		list->any_member = false;
	}
}

static void print_json(struct list *list, struct mikey_blob psi,
		       enum kms_psi_role role, struct mikey_blob uid)
{
	if (uid.len) {
		json_arrays(list, role);
		fputs(list->any_member ? ", " : "", stdout);
		kms_json_string(stdout, uid);
		list->any_member = true;
		return;
	}
	if (list->any_group)
		json_arrays(list, KMS_PSI_ROLES);
	printf("%s\n {\"psi\": ", list->any_group ? "]}," : "");
	kms_json_string(stdout, psi);
	printf(", \"%s\": [", role_words[0].json);
	list->role = 0;
	list->any_group = true;
	list->any_member = false;
}

static void print_group(struct mikey_blob psi, enum kms_psi_role role,
			struct mikey_blob uid, void *arg)
{
	struct list *list = arg;

	if (list->json)
		print_json(list, psi, role, uid);
	else if (uid.len)
		printf("\t%.*s%s\n", (int)uid.len, (const char *)uid.p,
		       role_words[role].text);
	else
		printf("%.*s\n", (int)psi.len, (const char *)psi.p);
}

enum kms_exit kms_run_group_list(const struct kms_command *self, int argc,
				 char **argv)
{
	struct kms_common common = { 0 };
	struct problem problem = { 0 };
	struct kms_opened o = { 0 };
	struct list list = { 0 };
	enum kms_exit status;

	if (!kms_no_arguments(self, argc, argv, &common, &status))
		return status;
	list.json = common.json;
	status = KMS_EXIT_DONE;
	if (kms_open_store(&o, &common, &problem)) {
		status = kms_failed(&problem);
	} else {
		if (list.json)
			putchar('[');
		if (kms_group_each(o.database, print_group, &list, &problem))
			status = kms_failed(&problem);
		if (list.json && list.any_group)
			json_arrays(&list, KMS_PSI_ROLES);
		if (list.json)
			puts(list.any_group ? "]}\n]" : "\n]");
	}
	kms_close(&o);
	return status;
}

/* A command about a PSI and, unless @role is KMS_PSI_ROLES, a UID. */
static enum kms_exit run(const struct kms_command *self, int argc, char **argv,
			 enum kms_psi_role role,
			 int (*act)(struct kms_database *d,
				    const struct uid *psi,
				    const struct kms_member *member,
				    struct problem *problem))
{
	struct kms_member member = { .role = role };
	bool two = role < KMS_PSI_ROLES;
	struct kms_common common = { 0 };
	struct problem problem = { 0 };
	struct kms_opened o = { 0 };
	enum kms_exit status;
	struct uid psi;

	if (kms_next_option(self, argc, argv, NULL, &common,
			    &status) == -2)
		return status;
	if (optind + 1 + two != argc)
		return kms_misused(self, two ? "give a PSI and a UID" :
				   "give one PSI");
	if (kms_uid_argument(&psi, argv[optind], &problem) ||
	    (two && kms_uid_argument(&member.uid, argv[optind + 1], &problem)))
		return kms_misused(self, "%s", problem.words);
	status = KMS_EXIT_DONE;
	if (kms_open_store(&o, &common, &problem) ||
	    act(o.database, &psi, &member, &problem))
		status = kms_failed(&problem);
	kms_close(&o);
	return status;
}

static int del(struct kms_database *d, const struct uid *psi,
	       const struct kms_member *member, struct problem *problem)
{
	(void)member;
	return kms_group_del(d, psi, problem);
}

enum kms_exit kms_run_group_del(const struct kms_command *self, int argc,
				char **argv)
{
	return run(self, argc, argv, KMS_PSI_ROLES, del);
}

enum kms_exit kms_run_member_add(const struct kms_command *self, int argc,
				 char **argv)
{
	return run(self, argc, argv, KMS_PSI_MEMBER, kms_member_add);
}

enum kms_exit kms_run_member_del(const struct kms_command *self, int argc,
				 char **argv)
{
	return run(self, argc, argv, KMS_PSI_MEMBER, kms_member_del);
}

enum kms_exit kms_run_server_add(const struct kms_command *self, int argc,
				 char **argv)
{
	return run(self, argc, argv, KMS_PSI_SERVER, kms_member_add);
}

enum kms_exit kms_run_server_del(const struct kms_command *self, int argc,
				 char **argv)
{
	return run(self, argc, argv, KMS_PSI_SERVER, kms_member_del);
}
