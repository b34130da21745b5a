// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * peer add, list, del: the file that "peers" of the configuration names.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "helper/kms/commands.h"
#include "helper/kms/peer_trust.h"

static const struct option add_options[] = {
	{ "name", required_argument, NULL, 'n' },
	{ "identity", required_argument, NULL, 'i' },
	{ "domain", required_argument, NULL, 'd' },
	{ "tls-name", required_argument, NULL, 't' },
	{ "ca", required_argument, NULL, 'a' },
	{ "crl", required_argument, NULL, 'r' },
	{ "address", required_argument, NULL, 'p' },
	{ 0 }
};

static int open_peers(struct kms_opened *o, const struct kms_common *common,
		      struct problem *problem)
{
	int ret = kms_open_config(o, common, problem);

	if (!ret && !o->config.peers_file)
		ret = problem_set(problem, -ENOENT,
				  "the configuration names no file: peers = \"/etc/mikey-mime/mikey-kms.peers\";");
	if (!ret)
		ret = kms_open_audit(o, problem);
	return ret;
}

static int append(const char *const **list, size_t *num, const char *text)
{
	const char **more = reallocarray((void *)*list, *num + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	*list = more;
	more[*num] = strdup(text);
	if (!more[*num])
		return -ENOMEM;
	++*num;
	return 0;
}

static int set(char **to, const char *text)
{
	free(*to);
	*to = strdup(text);
	return *to ? 0 : -ENOMEM;
}

static int take(struct kms_peer_entry *e, int opt, const char *text)
{
	char path[PATH_MAX];

	switch (opt) {
	case 'n':
		return set((char **)&e->peer.name, text);
	case 'i':
		return append(&e->peer.identities, &e->peer.num_identities, text);
	case 'd':
		return append(&e->peer.domains, &e->peer.num_domains, text);
	case 't':
		return set(&e->tls_name, text);
	case 'a':
		/* the server may stand in another folder */
		return set(&e->ca, realpath(text, path) ? path : text);
	case 'r':
		return set(&e->crl, realpath(text, path) ? path : text);
	default:
		return set(&e->address, text);
	}
}

static int add(struct kms_opened *o, struct kms_peer_entry *e,
	       struct problem *problem)
{
	struct kms_peer_trust *trust;
	int ret;

	if (e->ca) {
		trust = kms_peer_trust_read(e, problem);
		if (!trust)
			return problem->error;
		kms_peer_trust_free(trust);
	}
	ret = kms_peers_add(&o->config.peers, e, problem);
	return ret ? ret : kms_peers_write(&o->config.peers,
					   o->config.peers_file, problem);
}

enum kms_exit kms_run_peer_add(const struct kms_command *self, int argc,
			       char **argv)
{
	struct kms_peer_entry e = { 0 };
	struct kms_common common = { 0 };
	struct problem problem = { 0 };
	struct kms_opened o = { 0 };
	enum kms_exit status = KMS_EXIT_DONE;
	int opt, ret = 0;

	while (!ret && (opt = kms_next_option(self, argc, argv, add_options,
					      &common, &status)) >= 0)
		ret = take(&e, opt, optarg);
	if (ret) {
		problem_set(&problem, ret, "no memory");
		status = kms_failed(&problem);
	} else if (opt == -2) {
		;
	} else if (optind != argc || !e.peer.name) {
		status = kms_misused(self, "which peer? --name NAME");
	} else if (open_peers(&o, &common, &problem) ||
		   add(&o, &e, &problem)) {
		status = kms_failed(&problem);
	}
	kms_peer_entry_free(&e);
	kms_close(&o);
	return status;
}

enum kms_exit kms_run_peer_del(const struct kms_command *self, int argc,
			       char **argv)
{
	struct kms_common common = { 0 };
	struct problem problem = { 0 };
	struct kms_opened o = { 0 };
	enum kms_exit status = KMS_EXIT_DONE;
	int ret;

	if (kms_next_option(self, argc, argv, NULL, &common, &status) == -2)
		return status;
	if (optind + 1 != argc)
		return kms_misused(self, "one NAME is needed");
	ret = open_peers(&o, &common, &problem);
	if (!ret && kms_peers_remove(&o.config.peers, argv[optind]))
		ret = problem_set(&problem, -ENOENT, "there is no peer %s",
				  argv[optind]);
	if (!ret)
		ret = kms_peers_write(&o.config.peers, o.config.peers_file,
				      &problem);
	if (ret)
		status = kms_failed(&problem);
	kms_close(&o);
	return status;
}

static void print_texts(const char *name, const char *const *texts, size_t num,
			bool json)
{
	size_t i;

	printf(json ? ", \"%s\": [" : "  %s:", name);
	for (i = 0; i < num; i++) {
		fputs(json && i ? ", " : json ? "" : " ", stdout);
		if (json)
			kms_json_string(stdout, (struct mikey_blob) {
					(const u8 *)texts[i], strlen(texts[i]) });
		else
			fputs(texts[i], stdout);
	}
	fputs(json ? "]" : "\n", stdout);
}

static void print_text(const char *name, const char *text, bool json)
{
	if (!json) {
		printf("  %s: %s\n", name, text ? text : "-");
		return;
	}
	printf(", \"%s\": ", name);
	if (text)
		kms_json_string(stdout, (struct mikey_blob) {
				(const u8 *)text, strlen(text) });
	else
		fputs("null", stdout);
}

static void print_peer(const struct kms_peer_entry *e, bool json)
{
	const struct kms_peer *p = &e->peer;

	if (json) {
		fputs("{ \"name\": ", stdout);
		kms_json_string(stdout, (struct mikey_blob) {
				(const u8 *)p->name, strlen(p->name) });
	} else {
		puts(p->name);
	}
	print_texts("identity", p->identities, p->num_identities, json);
	print_texts("domains", p->domains, p->num_domains, json);
	print_text("tls-name", e->tls_name, json);
	print_text("ca", e->ca, json);
	print_text("crl", e->crl, json);
	print_text("address", e->address, json);
	if (json)
		fputs(" }", stdout);
}

enum kms_exit kms_run_peer_list(const struct kms_command *self, int argc,
				char **argv)
{
	struct kms_common common = { 0 };
	struct problem problem = { 0 };
	struct kms_opened o = { 0 };
	enum kms_exit status = KMS_EXIT_DONE;
	size_t i;

	if (!kms_no_arguments(self, argc, argv, &common, &status))
		return status;
	if (open_peers(&o, &common, &problem)) {
		status = kms_failed(&problem);
	} else {
		if (common.json)
			fputs("[", stdout);
		for (i = 0; i < o.config.peers.num; i++) {
			if (common.json && i)
				fputs(",\n ", stdout);
			print_peer(&o.config.peers.entries[i], common.json);
		}
		if (common.json)
			puts("]");
	}
	kms_close(&o);
	return status;
}
