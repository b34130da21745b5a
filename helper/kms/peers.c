// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The file of peers; see peers.h.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper/kms/peers.h"
#include "helper/kms/setting.h"
#include "helper/kms/textfile.h"

static void free_list(const char *const *list, size_t num)
{
	size_t i;

	for (i = 0; i < num; i++)
		free((char *)list[i]);
	free((char **)list);
}

void kms_peer_entry_free(struct kms_peer_entry *entry)
{
	free((char *)entry->peer.name);
	free_list(entry->peer.identities, entry->peer.num_identities);
	free_list(entry->peer.domains, entry->peer.num_domains);
	free(entry->tls_name);
	free(entry->ca);
	free(entry->crl);
	free(entry->address);
	memset(entry, 0, sizeof(*entry));
}

void kms_peers_free(struct kms_peers *peers)
{
	size_t i;

	for (i = 0; i < peers->num; i++)
		kms_peer_entry_free(&peers->entries[i]);
	free(peers->entries);
	free(peers->list);
	memset(peers, 0, sizeof(*peers));
}

static bool share(const char *const *a, size_t num_a, const char *const *b,
		  size_t num_b, const char **what)
{
	size_t i, k;

	for (i = 0; i < num_a; i++) {
		for (k = 0; k < num_b; k++) {
			if (!strcmp(a[i], b[k])) {
				*what = a[i];
				return true;
			}
		}
	}
	return false;
}

/* A domain or a host in lower case: nothing that would have to be folded. */
static bool is_domain(const char *text)
{
	size_t i;

	for (i = 0; text[i]; i++)
		if (!islower((unsigned char)text[i]) &&
		    !isdigit((unsigned char)text[i]) && !strchr(".-_[]:", text[i]))
			return false;
	return i && i < MIKEY_UID_MAX;
}

static int check_entry(const struct kms_peer_entry *e, struct problem *problem)
{
	const struct kms_peer *p = &e->peer;
	const char *port = e->address ? strrchr(e->address, ':') : NULL;
	size_t i;

	if (!p->name || !*p->name || strlen(p->name) > KMS_PEER_NAME_MAX ||
	    strpbrk(p->name, "\"\\\n\t "))
		return problem_set(problem, -EINVAL,
				   "a peer has a name of 1 to %d characters without blanks",
				   KMS_PEER_NAME_MAX);
	if (!p->num_identities || !p->num_domains || !e->tls_name || !e->ca)
		return problem_set(problem, -EINVAL,
				   "peer \"%s\" lacks identity, domains, tls-name or ca",
				   p->name);
	for (i = 0; i < p->num_identities; i++)
		if ((strncasecmp(p->identities[i], "http://", 7) &&
		     strncasecmp(p->identities[i], "https://", 8)) ||
		    strlen(p->identities[i]) > MIKEY_UID_MAX)
			return problem_set(problem, -EINVAL,
					   "\"%s\": write base URLs, such as https://kms.example.test",
					   p->identities[i]);
	for (i = 0; i < p->num_domains; i++)
		if (!is_domain(p->domains[i]))
			return problem_set(problem, -EINVAL,
					   "\"%s\": write a domain in lower case, without wildcards",
					   p->domains[i]);
	if (!is_domain(e->tls_name))
		return problem_set(problem, -EINVAL,
				   "\"%s\": write the name in the peer's certificates, in lower case",
				   e->tls_name);
	if (e->address && (!port || port == e->address || !atoi(port + 1)))
		return problem_set(problem, -EINVAL,
				   "\"%s\": write HOST:PORT, such as 192.0.2.7:8490",
				   e->address);
	if (e->ca[0] != '/' || (e->crl && e->crl[0] != '/'))
		return problem_set(problem, -EINVAL,
				   "\"%s\": write the whole path of a PEM file",
				   e->ca[0] != '/' ? e->ca : e->crl);
	return 0;
}

int kms_peers_add(struct kms_peers *peers, struct kms_peer_entry *entry,
		  struct problem *problem)
{
	struct kms_peer_entry *entries;
	const struct kms_peer **list;
	const struct kms_peer *p;
	const char *what;
	size_t i;
	int ret = check_entry(entry, problem);

	if (ret)
		return ret;
	for (i = 0; i < peers->num; i++) {
		p = &peers->entries[i].peer;
		what = p->name;
		if (!strcmp(p->name, entry->peer.name) ||
		    share(p->identities, p->num_identities, entry->peer.identities,
			  entry->peer.num_identities, &what) ||
		    share(p->domains, p->num_domains, entry->peer.domains,
			  entry->peer.num_domains, &what))
			return problem_set(problem, -EEXIST,
					   "\"%s\" is peer %s's already", what,
					   p->name);
	}
	if (peers->num == KMS_PEERS_MAX)
		return problem_set(problem, -E2BIG, "there are %d peers already",
				   KMS_PEERS_MAX);
	entries = reallocarray(peers->entries, peers->num + 1, sizeof(*entries));
	if (entries)
		peers->entries = entries;
	list = reallocarray(peers->list, peers->num + 1, sizeof(*list));
	if (list)
		peers->list = list;
	if (!entries || !list)
		return setting_no_memory(problem);
	entry->peer.asked = entry->address;
	entries[peers->num++] = *entry;
	memset(entry, 0, sizeof(*entry));
	/* the entries may have moved */
	for (i = 0; i < peers->num; i++)
		list[i] = &entries[i].peer;
	return 0;
}

int kms_peers_remove(struct kms_peers *peers, const char *name)
{
	size_t i;

	for (i = 0; i < peers->num; i++) {
		if (strcmp(peers->entries[i].peer.name, name))
			continue;
		kms_peer_entry_free(&peers->entries[i]);
		memmove(&peers->entries[i], &peers->entries[i + 1],
			(--peers->num - i) * sizeof(*peers->entries));
		return 0;
	}
	return -ENOENT;
}

static int take_list(const config_setting_t *given, const char *const **list,
		     size_t *num)
{
	int len = setting_list_length(given), i;
	char **texts = len ? calloc(len, sizeof(*texts)) : NULL;

	if (!texts)
		return len ? -ENOMEM : -EINVAL;
	*list = (const char *const *)texts;
	for (i = 0; i < len; i++) {
		texts[i] = strdup(setting_list_text(given, i));
		if (!texts[i])
			return -ENOMEM;
		++*num;
	}
	return 0;
}

static int take_text(const config_setting_t *given, char **text)
{
	const char *value = config_setting_get_string(given);

	if (!value || !*value || *text)
		return -EINVAL;
	*text = strdup(value);
	return *text ? 0 : -ENOMEM;
}

static int take_member(const config_setting_t *given,
		       struct kms_peer_entry *e)
{
	const struct {
		const char *name;
		char **text;
		const char *const **list;
		size_t *num;
	} members[] = {
		{ "name", (char **)&e->peer.name, NULL, NULL },
		{ "tls-name", &e->tls_name, NULL, NULL },
		{ "ca", &e->ca, NULL, NULL },
		{ "crl", &e->crl, NULL, NULL },
		{ "address", &e->address, NULL, NULL },
		{ "identity", NULL, &e->peer.identities, &e->peer.num_identities },
		{ "domains", NULL, &e->peer.domains, &e->peer.num_domains },
	};
	const char *name = config_setting_name(given);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(members); i++) {
		if (strcmp(members[i].name, name))
			continue;
		return members[i].text ? take_text(given, members[i].text) :
		       *members[i].num ? -EINVAL :
		       take_list(given, members[i].list, members[i].num);
	}
	return -ENOENT;
}

static int take_peer(struct kms_peers *peers, const config_setting_t *group,
		     const char *file, struct problem *problem)
{
	struct kms_peer_entry e = { 0 };
	const config_setting_t *given;
	int i, ret = 0, line = config_setting_source_line(group);

	if (!config_setting_is_group(group))
		return problem_set(problem, -EINVAL, "%s:%d: write { ... }", file,
				   line);
	for (i = 0; !ret && i < config_setting_length(group); i++) {
		given = config_setting_get_elem(group, i);
		ret = take_member(given, &e);
		if (ret)
			problem_set(problem, ret, "%s:%d: %s: %s", file,
				    config_setting_source_line(given),
				    config_setting_name(given),
				    ret == -ENOENT ? "a peer has no such setting" :
				    ret == -EINVAL ? "write a text, or a list of texts" :
				    "no memory");
	}
	if (!ret) {
		ret = kms_peers_add(peers, &e, problem);
		if (ret)
			problem_prefix(problem, "%s:%d: ", file, line);
	}
	kms_peer_entry_free(&e);
	return ret;
}

static int take_all(struct kms_peers *peers, const config_t *parsed,
		    const char *file, struct problem *problem)
{
	const config_setting_t *root = config_root_setting(parsed), *list;
	int i, ret = 0;

	if (!config_setting_length(root))
		return 0;
	list = config_setting_get_member(root, "peers");
	if (!list || !config_setting_is_list(list) ||
	    config_setting_length(root) != 1)
		return problem_set(problem, -EINVAL,
				   "%s:1: write peers = ( { ... }, ... ); and nothing else",
				   file);
	for (i = 0; !ret && i < config_setting_length(list); i++)
		ret = take_peer(peers, config_setting_get_elem(list, i), file,
				problem);
	return ret;
}

int kms_peers_read(struct kms_peers *peers, const char *file,
		   struct problem *problem)
{
	char *text = NULL;
	config_t parsed;
	int ret;

	memset(peers, 0, sizeof(*peers));
	ret = kms_text_read(file, &text, problem);
	if (ret)
		return ret == -ENOENT ? 0 : ret;
	config_init(&parsed);
	if (config_read_string(&parsed, text))
		ret = take_all(peers, &parsed, file, problem);
	else
		ret = problem_set(problem, -EINVAL, "%s:%d: %s", file,
				  config_error_line(&parsed),
				  config_error_text(&parsed));
	config_destroy(&parsed);
	kms_text_wipe(text);
	return ret;
}

static void put_text(config_setting_t *group, const char *name,
		     const char *value)
{
	config_setting_set_string(config_setting_add(group, name,
						     CONFIG_TYPE_STRING), value);
}

static void put_list(config_setting_t *group, const char *name,
		     const char *const *texts, size_t num)
{
	config_setting_t *list = config_setting_add(group, name,
						    CONFIG_TYPE_ARRAY);
	size_t i;

	for (i = 0; i < num; i++)
		config_setting_set_string_elem(list, -1, texts[i]);
}

static void put_all(config_t *config, const struct kms_peers *peers)
{
	config_setting_t *list, *group;
	const struct kms_peer_entry *e;
	size_t i;

	list = config_setting_add(config_root_setting(config), "peers",
				  CONFIG_TYPE_LIST);
	for (i = 0; i < peers->num; i++) {
		e = &peers->entries[i];
		group = config_setting_add(list, NULL, CONFIG_TYPE_GROUP);
		put_text(group, "name", e->peer.name);
		put_list(group, "identity", e->peer.identities,
			 e->peer.num_identities);
		put_list(group, "domains", e->peer.domains, e->peer.num_domains);
		put_text(group, "tls-name", e->tls_name);
		put_text(group, "ca", e->ca);
		if (e->crl)
			put_text(group, "crl", e->crl);
		if (e->address)
			put_text(group, "address", e->address);
	}
}

int kms_peers_write(const struct kms_peers *peers, const char *file,
		    struct problem *problem)
{
	char *beside = NULL;
	config_t config;
	FILE *f = NULL;
	int fd = -1, ret = 0;

	if (asprintf(&beside, "%s.XXXXXX", file) < 0)
		return setting_no_memory(problem);
	config_init(&config);
	put_all(&config, peers);
	fd = mkstemp(beside);
	if (fd >= 0)
		f = fdopen(fd, "w");
	if (f) {
		config_write(&config, f);
		if (fflush(f) || fchmod(fd, 0644) || fsync(fd) ||
		    rename(beside, file))
			ret = -errno;
		fclose(f);
	} else {
		ret = -errno;
	}
	if (ret) {
		problem_set(problem, ret, "%s: %s", file, strerror(-ret));
		if (fd >= 0)
			unlink(beside);
	}
	config_destroy(&config);
	free(beside);
	return ret;
}
