// SPDX-License-Identifier: GPL-2.0-or-later
/* The user's keyrings. */
#include "helper/lib/keyring.h"

#include <errno.h>
#include <keyutils.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *keyring_key_problem(int error)
{
	switch (error < 0 ? -error : error) {
	case ENOKEY:
		return "there is no such key";
	case EKEYEXPIRED:
		return "the key has expired";
	case EKEYREVOKED:
		return "the key was revoked";
	case EKEYREJECTED:
		return "the key is negative";
	case EACCES:
		return "the key's permissions refuse";
	case EDQUOT:
		return "the user's quota of keys is used up (see /proc/key-users)";
	default:
		return strerror(error < 0 ? -error : error);
	}
}

int keyring_join(struct problem *problem)
{
	if (!keyctl_link(KEY_SPEC_USER_KEYRING, KEY_SPEC_SESSION_KEYRING))
		return 0;
	/* a session keyring of somebody else, or one revoked at logout */
	if ((errno == EACCES || errno == EKEYREVOKED || errno == ENOKEY) &&
	    keyctl_join_session_keyring(NULL) >= 0 &&
	    !keyctl_link(KEY_SPEC_USER_KEYRING, KEY_SPEC_SESSION_KEYRING))
		return 0;
	return problem_set(problem, -errno, "cannot link the user keyring into the session: %s",
			   keyring_key_problem(errno));
}

/* Keys that programs cannot read, or read sealed only */
static const char * const psk_types[] = { "logon", "trusted", "encrypted" };

static bool is_psk_type(const char *text, size_t len)
{
	for (size_t i = 0; i < sizeof(psk_types) / sizeof(*psk_types); i++)
		if (strlen(psk_types[i]) == len && !strncmp(text, psk_types[i], len))
			return true;
	return false;
}

static int check_type(const char *name, int32_t serial, struct problem *problem)
{
	char *text = NULL;
	int err = 0;

	if (keyctl_describe_alloc(serial, &text) < 0)
		return problem_set(problem, -errno, "PSK %s: %s", name,
				   keyring_key_problem(errno));
	if (!is_psk_type(text, strcspn(text, ";")))
		err = problem_set(problem, -EOPNOTSUPP,
				  "PSK %s is a key of type \"%.*s\": only \"logon\", \"trusted\" and \"encrypted\" keys stay in the kernel (mikeyctl psk load makes one)",
				  name, (int)strcspn(text, ";"), text);
	free(text);
	return err;
}

const char *keyring_description(const char *text)
{
	for (int i = 0; i < 4 && text; i++) {
		text = strchr(text, ';');
		if (text)
			text++;
	}
	return text;
}

struct wanted {
	const char *type, *description;
	int32_t serial;
};

static int is_wanted(key_serial_t parent, key_serial_t serial, char *text, int len, void *arg)
{
	struct wanted *wanted = arg;
	size_t type = strlen(wanted->type);
	const char *description;

	(void)parent;
	if (wanted->serial || !text || len <= 0 || strcspn(text, ";") != type ||
	    strncmp(text, wanted->type, type))
		return 0;
	description = keyring_description(text);
	if (description && !strcmp(description, wanted->description))
		wanted->serial = serial;
	return 0;
}

/* A guarded key is not found by searching. Serial or -1. */
static int32_t look_for(key_serial_t ring, const char *type, const char *description)
{
	struct wanted wanted = { .type = type, .description = description };

	recursive_key_scan(ring, is_wanted, &wanted);
	return wanted.serial ? wanted.serial : -1;
}

static int32_t find(key_serial_t ring, const char *type, const char *description)
{
	long key = keyctl_search(ring, type, description, 0);
	int32_t guarded;

	if (key >= 0 || errno != EACCES)
		return key;
	guarded = look_for(ring, type, description);
	errno = EACCES;
	return guarded;
}

int keyring_guard(int32_t serial, struct problem *problem)
{
	if (!keyctl_setperm(serial, KEY_POS_VIEW | KEY_POS_WRITE | KEY_POS_LINK |
			    KEY_USR_VIEW | KEY_USR_WRITE | KEY_USR_LINK))
		return 0;
	return problem_set(problem, -errno,
			   "cannot keep the rest of the kernel from key %d: %s", serial,
			   keyring_key_problem(errno));
}

int keyring_find_psk(const char *name, int32_t *serial, struct problem *problem)
{
	const char *colon = strchr(name, ':');
	char type[32], *end;
	long number, key;

	errno = 0;
	number = strtol(name, &end, 0);
	if (!errno && end != name && !*end && number > 0 && number <= INT32_MAX) {
		*serial = number;
		return check_type(name, *serial, problem);
	}
	if (!colon || colon == name || !colon[1] || (size_t)(colon - name) >= sizeof(type))
		return problem_set(problem, -EINVAL,
				   "PSK \"%s\": write a key's serial number, or its type and description (logon:mikey:NAME)",
				   name);
	snprintf(type, sizeof(type), "%.*s", (int)(colon - name), name);
	if (!is_psk_type(type, strlen(type)))
		return problem_set(problem, -EOPNOTSUPP,
				   "PSK \"%s\": the type is \"logon\", \"trusted\" or \"encrypted\", keys of other types can be read by programs",
				   name);
	key = find(KEY_SPEC_SESSION_KEYRING, type, colon + 1);
	if (key < 0 && (errno == ENOKEY || errno == EACCES))
		key = find(KEY_SPEC_USER_KEYRING, type, colon + 1);
	if (key < 0)
		return problem_set(problem, -errno, "PSK %s: %s%s", name,
				   keyring_key_problem(errno),
				   errno == ENOKEY ? " (load it with mikeyctl psk load)" : "");
	*serial = key;
	return 0;
}

static bool describe(int32_t serial, struct keyring_key *key)
{
	const char *description;
	char *text = NULL;
	bool known = false;

	if (keyctl_describe_alloc(serial, &text) < 0)
		return false;
	description = keyring_description(text);
	if (description && strcspn(text, ";") < sizeof(key->type) &&
	    strlen(description) < sizeof(key->description)) {
		key->serial = serial;
		snprintf(key->type, sizeof(key->type), "%.*s", (int)strcspn(text, ";"), text);
		strcpy(key->description, description);
		known = true;
	}
	free(text);
	return known;
}

int keyring_each(const char *type, int (*each)(const struct keyring_key *key, void *arg),
		 void *arg, struct problem *problem)
{
	struct keyring_key key;
	void *list = NULL;
	int size, err = 0;

	size = keyctl_read_alloc(KEY_SPEC_USER_KEYRING, &list);
	if (size < 0)
		return problem_set(problem, -errno, "the user keyring: %s",
				   keyring_key_problem(errno));
	for (size_t i = 0; i + 1 <= (size_t)size / sizeof(key_serial_t) && !err; i++)
		if (describe(((key_serial_t *)list)[i], &key) && !strcmp(key.type, type))
			err = each(&key, arg);
	free(list);
	return err;
}

int keyring_drop(int32_t serial, struct problem *problem)
{
	bool unlinked = !keyctl_unlink(serial, KEY_SPEC_USER_KEYRING);

	if (!keyctl_invalidate(serial) || unlinked)
		return 0;
	return problem_set(problem, -errno, "key %d: %s", serial, keyring_key_problem(errno));
}
