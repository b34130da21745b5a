// SPDX-License-Identifier: GPL-2.0-or-later
/* Looking through keyrings. */
#include "helper/mikeyctl/keys.h"

#include <errno.h>
#include <keyutils.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helper/lib/keyring.h"

bool keys_serial(const char *text, int32_t *serial)
{
	char *end;
	long number;

	/* strtol() would take a sign and leading white space */
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	number = strtol(text, &end, 10);
	if (errno || *end || number <= 0 || number > INT32_MAX)
		return false;
	*serial = number;
	return true;
}

bool keys_ring(const char *text, int32_t *ring)
{
	if (!strcmp(text, "user"))
		*ring = KEY_SPEC_USER_KEYRING;
	else if (!strcmp(text, "session"))
		*ring = KEY_SPEC_SESSION_KEYRING;
	else
		return keys_serial(text, ring);
	return true;
}

void keys_reach(int32_t ring)
{
	if (ring != KEY_SPEC_SESSION_KEYRING)
		keyctl_link(ring, KEY_SPEC_PROCESS_KEYRING);
}

/* Does text begin with one of the types and the separator of describe? */
static bool is_type(const char *text, const char * const *types)
{
	size_t len = strcspn(text, ";");

	for (; *types; types++)
		if (len == strlen(*types) && !strncmp(text, *types, len))
			return true;
	return false;
}

void keys_put(struct key *key)
{
	free(key->type);
	free(key->description);
}

static bool fill(struct key *key, int32_t serial, const char *text)
{
	const char *description = keyring_description(text);

	*key = (struct key) {
		.serial = serial,
		.type = strndup(text, strcspn(text, ";")),
		.description = strdup(description ? description : ""),
	};
	if (key->type && key->description)
		return true;
	keys_put(key);
	return false;
}

struct walk {
	struct key_list *list;
	const char * const *types;
	bool no_memory;
};

static int each(key_serial_t parent, key_serial_t serial, char *text, int len, void *arg)
{
	struct walk *walk = arg;
	struct key_list *list = walk->list;
	struct key *keys;

	(void)parent;
	if (!text || len <= 0 || walk->no_memory || !is_type(text, walk->types))
		return 0;
	keys = realloc(list->keys, (list->count + 1) * sizeof(*keys));
	if (keys)
		list->keys = keys;
	walk->no_memory = !keys || !fill(&keys[list->count], serial, text);
	list->count += !walk->no_memory;
	return !walk->no_memory;
}

static int by_serial(const void *a, const void *b)
{
	const struct key *x = a, *y = b;

	return (x->serial > y->serial) - (x->serial < y->serial);
}

/* A key can be linked into several keyrings. */
static void sort_once(struct key_list *list)
{
	size_t kept = 0;

	if (!list->count)
		return;
	qsort(list->keys, list->count, sizeof(*list->keys), by_serial);
	for (size_t i = 1; i < list->count; i++) {
		if (list->keys[i].serial == list->keys[kept].serial)
			keys_put(&list->keys[i]);
		else
			list->keys[++kept] = list->keys[i];
	}
	list->count = kept + 1;
}

/* What no system call tells: the time a key has left. */
static void add_timeouts(struct key_list *list)
{
	FILE *file = fopen("/proc/keys", "re");
	struct key wanted, *key;
	char line[4600], timeout[16];
	unsigned int serial;

	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		/* serial flags usage timeout ... */
		if (sscanf(line, "%x %*s %*s %15s", &serial, timeout) != 2)
			continue;
		wanted.serial = serial;
		key = list->count ? bsearch(&wanted, list->keys, list->count,
					    sizeof(*key), by_serial) : NULL;
		if (key)
			memcpy(key->timeout, timeout, sizeof(timeout));
	}
	fclose(file);
}

int keys_list(struct key_list *list, int32_t ring, const char * const *types,
	      struct problem *problem)
{
	struct walk walk = { .list = list, .types = types };
	char *text = NULL;

	*list = (struct key_list) { 0 };
	if (keyctl_describe_alloc(ring, &text) < 0)
		return problem_set(problem, -errno, "the keyring: %s",
				   keyring_key_problem(errno));
	if (strncmp(text, "keyring;", 8)) {
		free(text);
		return problem_set(problem, -ENOTDIR, "key %d is not a keyring", ring);
	}
	free(text);
	recursive_key_scan(ring, each, &walk);
	if (walk.no_memory) {
		keys_free(list);
		return problem_set(problem, -ENOMEM, "no memory");
	}
	sort_once(list);
	add_timeouts(list);
	return 0;
}

void keys_free(struct key_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		keys_put(&list->keys[i]);
	free(list->keys);
	*list = (struct key_list) { 0 };
}

int keys_get(struct key *key, int32_t serial, const char * const *types,
	     struct problem *problem)
{
	char *text = NULL;
	int err = 0;

	if (keyctl_describe_alloc(serial, &text) < 0)
		return problem_set(problem, -errno, "key %d: %s", serial,
				   keyring_key_problem(errno));
	if (!is_type(text, types))
		err = problem_set(problem, -EOPNOTSUPP,
				  "key %d is of type \"%.*s\", not \"%s\"", serial,
				  (int)strcspn(text, ";"), text, types[0]);
	else if (!fill(key, serial, text))
		err = problem_set(problem, -ENOMEM, "no memory");
	free(text);
	return err;
}
