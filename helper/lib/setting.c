// SPDX-License-Identifier: GPL-2.0-or-later
/* What the values of settings may be, and where they go. */
#include "helper/lib/setting.h"

#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "helper/lib/log.h"

#define MEMBER(into, setting, type) ((type *)((char *)(into) + (setting)->offset))

int take_string(void *into, const config_setting_t *given,
		const struct setting *setting, struct problem *problem)
{
	const char *text = config_setting_get_string(given);

	if (!text || !*text)
		return problem_set(problem, -EINVAL, "write a text in quotation marks");
	free(*MEMBER(into, setting, char *));
	*MEMBER(into, setting, char *) = strdup(text);
	if (!*MEMBER(into, setting, char *))
		return problem_set(problem, -ENOMEM, "no memory");
	return 0;
}

int take_path(void *into, const config_setting_t *given,
	      const struct setting *setting, struct problem *problem)
{
	const char *path = config_setting_get_string(given);

	if (!path || *path != '/')
		return problem_set(problem, -EINVAL, "write a path that begins with /");
	return take_string(into, given, setting, problem);
}

int take_url(void *into, const config_setting_t *given,
	     const struct setting *setting, struct problem *problem)
{
	const char *url = config_setting_get_string(given);

	if (!url || (strncasecmp(url, "http://", 7) && strncasecmp(url, "https://", 8)))
		return problem_set(problem, -EINVAL, "write %s", setting->words);
	return take_string(into, given, setting, problem);
}

int take_id(void *into, const config_setting_t *given,
	    const struct setting *setting, struct problem *problem)
{
	struct uid *uid = MEMBER(into, setting, struct uid);
	const char *text = config_setting_get_string(given);
	size_t len = text ? strlen(text) : 0;

	if (!len || len > UID_MAX)
		return problem_set(problem, -EINVAL, "write a text of 1 to 255 bytes");
	memcpy(uid->text, text, len + 1);
	uid->len = len;
	return 0;
}

int take_number(void *into, const config_setting_t *given,
		const struct setting *setting, struct problem *problem)
{
	int value = config_setting_get_int(given);

	if (config_setting_type(given) != CONFIG_TYPE_INT || value < 1 || value > setting->most)
		return problem_set(problem, -EINVAL, "write a number from 1 to %d",
				   setting->most);
	*MEMBER(into, setting, unsigned int) = value;
	return 0;
}

int take_bool(void *into, const config_setting_t *given,
	      const struct setting *setting, struct problem *problem)
{
	if (config_setting_type(given) != CONFIG_TYPE_BOOL)
		return problem_set(problem, -EINVAL, "write true or false");
	*MEMBER(into, setting, bool) = config_setting_get_bool(given);
	return 0;
}

int take_word(void *into, const config_setting_t *given,
	      const struct setting *setting, struct problem *problem)
{
	const char *text = config_setting_get_string(given);
	uint32_t value = text ? setting->value(text) : 0;

	if (!value)
		return problem_set(problem, -EINVAL, "write %s", setting->words);
	*MEMBER(into, setting, uint32_t) = value;
	return 0;
}

/* The n-th text of a list, a lone text being a list of one; NULL at the end. */
static const char *list_text(const config_setting_t *given, int n)
{
	if (config_setting_type(given) == CONFIG_TYPE_STRING)
		return n ? NULL : config_setting_get_string(given);
	return config_setting_get_string_elem(given, n);
}

static int list_length(const config_setting_t *given)
{
	int count = 0;

	while (list_text(given, count))
		count++;
	if (!config_setting_is_aggregate(given))
		return count;
	/* a number in the list would end it silently */
	return config_setting_length(given) == count ? count : 0;
}

int take_words(void *into, const config_setting_t *given,
	       const struct setting *setting, struct problem *problem)
{
	int count = list_length(given);
	uint32_t mask = 0;

	for (int i = 0; i < count; i++) {
		uint32_t value = setting->value(list_text(given, i));

		if (!value)
			return problem_set(problem, -EINVAL, "write %s", setting->words);
		mask |= 1u << value;
	}
	if (!mask)
		return problem_set(problem, -EINVAL, "write %s", setting->words);
	*MEMBER(into, setting, uint32_t) = mask;
	return 0;
}

static int take_array(void *into, const config_setting_t *given,
		      const struct setting *setting, size_t size,
		      int (*parse)(void *item, const char *text, struct problem *problem),
		      struct problem *problem)
{
	struct setting_array *array = MEMBER(into, setting, struct setting_array);
	int count = list_length(given);

	if (!count)
		return problem_set(problem, -EINVAL, "write a list of texts: [\"...\", \"...\"]");
	free(array->items);
	array->count = 0;
	array->items = calloc(count, size);
	if (!array->items)
		return problem_set(problem, -ENOMEM, "no memory");
	for (int i = 0; i < count; i++) {
		int err = parse((char *)array->items + i * size, list_text(given, i), problem);

		if (err)
			return err;
		array->count++;
	}
	return 0;
}

static int parse_own(void *item, const char *text, struct problem *problem)
{
	if (uid_from_text(item, text) < 0 || !uid_is_own(item))
		return problem_set(problem, -EINVAL, "\"%s\": write user@domain", text);
	return 0;
}

int take_uids(void *into, const config_setting_t *given,
	      const struct setting *setting, struct problem *problem)
{
	return take_array(into, given, setting, sizeof(struct uid), parse_own, problem);
}

/* Not as a URI is read: there a '?' would begin headers. */
static int parse_pattern(void *item, const char *text, struct problem *problem)
{
	struct uid *uid = item;
	char *at;

	uid->len = strlen(text);
	if (uid->len > UID_MAX || !strchr(text, '@'))
		return problem_set(problem, -EINVAL,
				   "\"%s\": write user@domain, where ? stands for any characters",
				   text);
	memcpy(uid->text, text, uid->len + 1);
	for (at = strrchr(uid->text, '@'); *at; at++)
		*at = tolower((unsigned char)*at);
	return 0;
}

int take_patterns(void *into, const config_setting_t *given,
		  const struct setting *setting, struct problem *problem)
{
	return take_array(into, given, setting, sizeof(struct uid), parse_pattern, problem);
}

static int parse_endpoint(void *item, const char *text, struct problem *problem)
{
	return endpoint_parse(item, text, problem);
}

int take_endpoints(void *into, const config_setting_t *given,
		   const struct setting *setting, struct problem *problem)
{
	return take_array(into, given, setting, sizeof(struct endpoint), parse_endpoint,
			  problem);
}

static int parse_network(void *item, const char *text, struct problem *problem)
{
	return network_parse(item, text, problem);
}

int take_networks(void *into, const config_setting_t *given,
		  const struct setting *setting, struct problem *problem)
{
	return take_array(into, given, setting, sizeof(struct network), parse_network,
			  problem);
}

static int parse_user(void *item, const char *text, struct problem *problem)
{
	const struct passwd *user = getpwnam(text);
	unsigned long number;
	char *end;

	if (user) {
		*(unsigned int *)item = user->pw_uid;
		return 0;
	}
	errno = 0;
	number = strtoul(text, &end, 10);
	if (errno || *end || *text < '0' || *text > '9' || number >= UINT32_MAX)
		return problem_set(problem, -EINVAL, "\"%s\": there is no such user", text);
	*(unsigned int *)item = number;
	return 0;
}

int take_users(void *into, const config_setting_t *given,
	       const struct setting *setting, struct problem *problem)
{
	struct config_user *user = into;
	const char *first = list_text(given, 0);

	user->any_client_user = first && !strcmp(first, "*") && !list_text(given, 1);
	if (user->any_client_user)
		return 0;
	return take_array(into, given, setting, sizeof(unsigned int), parse_user, problem);
}

int take_hop(void *into, const config_setting_t *given,
	     const struct setting *setting, struct problem *problem)
{
	const char *uri = config_setting_get_string(given);

	if (!uri)
		return problem_set(problem, -EINVAL, "write %s", setting->words);
	return endpoint_from_uri(MEMBER(into, setting, struct endpoint), uri, problem);
}

int take_log_level(void *into, const config_setting_t *given,
		   const struct setting *setting, struct problem *problem)
{
	const char *text = config_setting_get_string(given);
	int level = text ? log_level_parse(text) : -1;

	if (level < 0)
		return problem_set(problem, -EINVAL, "write %s", setting->words);
	*MEMBER(into, setting, int) = level;
	return 0;
}
