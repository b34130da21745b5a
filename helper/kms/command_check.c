// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * check-config: everything that is wrong with a configuration, or odd, with
 * its place.
 */
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helper/kms/commands.h"
#include "helper/kms/peer_trust.h"

struct check {
	struct kms_common common;
	bool serve, strict, names;
	struct kms_faults faults;
	struct problem problem;
};

/* A user or a group of this store? 1, 0, or an errno with words. */
static int is_known(struct check *c, struct kms_opened *o, const char *name,
		    bool group)
{
	struct mikey_blob b = { .p = (const u8 *)name, .len = strlen(name) };
	s64 found;
	int ret;

	ret = kms_database_number(o->database, &c->problem, &found, 0, group ?
				  "SELECT 1 FROM psi WHERE psi = ?1" :
				  "SELECT 1 FROM uid WHERE uid = ?1",
				  SQL_VALUES(SQL_BLOB(b)));
	return ret ? ret : found != 0;
}

/* Whose users others speak for cannot be looked up here. */
static bool is_foreign(const struct kms_config *config, const char *name)
{
	const struct kms_policy *policy = &config->policy;
	const char *domain = strrchr(name, '@');
	size_t i, k;

	for (i = 0; domain && i < policy->num_peers; i++)
		for (k = 0; k < policy->peers[i]->num_domains; k++)
			if (!strcmp(policy->peers[i]->domains[k], domain + 1))
				return true;
	for (i = 0; domain && i < config->bsf.num_uid_domains; i++)
		if (!strcmp(config->bsf.uid_domains[i], domain + 1))
			return true;
	return false;
}

static int check_rule(struct check *c, struct kms_opened *o,
		      const struct kms_rule *rule)
{
	bool from = !strchr(rule->from, '?') && !is_foreign(&o->config, rule->from);
	bool to = !strchr(rule->to, '?') && !is_foreign(&o->config, rule->to);
	int user = 1, group = 0, ret = 1;

	if (from)
		ret = is_known(c, o, rule->from, false);
	if (!ret)
		kms_doubt(&c->faults, &rule->place,
			  "allow: from: the store has no user \"%s\"", rule->from);
	if (ret >= 0 && to) {
		user = is_known(c, o, rule->to, false);
		group = user ? user : is_known(c, o, rule->to, true);
	}
	if (to && !user && !group)
		kms_doubt(&c->faults, &rule->place,
			  "allow: to: the store has no user and no group \"%s\"",
			  rule->to);
	if (to && !user && group > 0 && !rule->deny && !rule->terms.groups)
		kms_doubt(&c->faults, &rule->place,
			  "allow: to: \"%s\" is a group, and the rule has groups = false",
			  rule->to);
	return ret < 0 ? ret : user < 0 ? user : group < 0 ? group : 0;
}

/* Who is named in rules without a wildcard, and is not there. */
static int check_names(struct check *c, struct kms_opened *o)
{
	const struct kms_policy *policy = &o->config.policy;
	size_t i;
	int ret;

	ret = kms_attach_store(o, &c->problem);
	for (i = 0; !ret && i < policy->num_rules; i++)
		ret = check_rule(c, o, &policy->rules[i]);
	return ret;
}

/* The folder of the audit trail is there, or can be made. */
static void check_audit(const struct kms_config *config, struct kms_faults *faults)
{
	char *path = kms_config_audit_path(config), *copy, *parent;

	copy = path ? strdup(path) : NULL;
	if (copy && access(path, W_OK | X_OK)) {
		parent = dirname(copy);
		if (!access(path, F_OK))
			kms_fault(faults, NULL,
				  "audit: the folder %s cannot be written to", path);
		else if (access(parent, W_OK | X_OK))
			kms_fault(faults, NULL,
				  "audit: there is no folder %s, and none can be made in %s (%s)%s",
				  path, parent, strerror(errno), config->audit ? "" :
				  ": it is the default; name another, or audit = \"none\";");
	}
	free(copy);
	free(path);
}

static const char *kind_of(const struct kms_fault *fault)
{
	return fault->warning ? "warning" : "error";
}

static void print_json(const struct check *c)
{
	const struct kms_fault *f;
	size_t i;

	putchar('[');
	for (i = 0; i < c->faults.num; i++) {
		f = &c->faults.list[i];
		fputs(i ? ",\n {\"file\": " : "\n {\"file\": ", stdout);
		kms_json_text(stdout, f->file);
		printf(", \"line\": %u, \"column\": %u, \"severity\": \"%s\", \"words\": ",
		       f->line, f->column, kind_of(f));
		kms_json_text(stdout, f->words);
		putchar('}');
	}
	puts(i ? "\n]" : "]");
}

static void print_words(const struct check *c)
{
	const struct kms_faults *faults = &c->faults;
	const struct kms_fault *f;
	char where[300];
	size_t i;

	for (i = 0; i < faults->num; i++) {
		f = &faults->list[i];
		kms_fault_where(f, where, sizeof(where));
		fprintf(stderr, "mikey-kms: %s%s%s\n", where,
			f->warning ? "warning: " : "", f->words);
	}
	if (faults->errors + faults->warnings > faults->num)
		fprintf(stderr, "mikey-kms: and %zu more\n",
			faults->errors + faults->warnings - faults->num);
	if (faults->errors || faults->warnings)
		fprintf(stderr, "mikey-kms: errors: %zu, warnings: %zu\n",
			faults->errors, faults->warnings);
	if (!faults->errors && !(c->strict && faults->warnings))
		puts("the configuration is good");
}

/* What of it cannot be told as a fault of the configuration. */
static int check(struct check *c, struct kms_opened *o)
{
	int ret = kms_open_config_with(o, &c->common, &c->faults, &c->problem);

	if (ret)
		return c->faults.errors ? 0 : ret;
	if (c->serve) {
		kms_config_check_serve(&o->config, &c->faults);
		check_audit(&o->config, &c->faults);
		kms_peer_trust_check_files(&o->config.peers, &c->faults);
	}
	return c->names ? check_names(c, o) : 0;
}

enum kms_exit kms_run_check_config(const struct kms_command *self, int argc,
				   char **argv)
{
	static const struct option options[] = {
		{ "serve", no_argument, NULL, 'S' },
		{ "strict", no_argument, NULL, 'W' },
		{ "with-store", no_argument, NULL, 'N' },
		{ 0 }
	};
	struct check *c = calloc(1, sizeof(*c));
	struct kms_opened o = { 0 };
	enum kms_exit status = KMS_EXIT_FAILED;
	int opt;

	if (!c)
		return status;
	while ((opt = kms_next_option(self, argc, argv, options, &c->common,
				      &status)) >= 0) {
		c->serve |= opt == 'S';
		c->strict |= opt == 'W';
		c->names |= opt == 'N';
	}
	c->names |= !!c->common.store;
	if (opt == -2 || !kms_no_more(self, argc, argv, 0, &status))
		goto out;
	status = KMS_EXIT_DONE;
	if (check(c, &o))
		status = kms_failed(&c->problem);
	if (c->common.json)
		print_json(c);
	else if (status == KMS_EXIT_DONE || c->faults.num)
		print_words(c);
	if (c->faults.errors || (c->strict && c->faults.warnings))
		status = KMS_EXIT_FAILED;
	kms_close(&o);
out:
	free(c);
	return status;
}
