// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules for peers, and what they come to. */
#include "helper/lib/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helper/lib/setting_group.h"

#define RULES_MAX 256

static const char * const send_names[] = {
	[OUTGOING_PROTECT] = "protect",
	[OUTGOING_PASS] = "pass",
};

/* The strictest first. */
static const char * const receive_names[] = {
	[UNPROTECTED_REFUSE] = "refuse",
	[UNPROTECTED_REFUSE_TYPE] = "refuse-415",
	[UNPROTECTED_MARK] = "mark",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint32_t value_of(const char * const *names, size_t count, const char *name)
{
	for (size_t i = 1; i < count; i++)
		if (!strcmp(names[i], name))
			return i;
	return 0;
}

uint32_t rules_send_value(const char *name)
{
	return value_of(send_names, COUNT(send_names), name);
}

uint32_t rules_receive_value(const char *name)
{
	return value_of(receive_names, COUNT(receive_names), name);
}

const char *rules_send_name(uint32_t value)
{
	return value < COUNT(send_names) ? send_names[value] : NULL;
}

const char *rules_receive_name(uint32_t value)
{
	return value < COUNT(receive_names) ? receive_names[value] : NULL;
}

static int check_rule(void *item, struct problem *problem)
{
	const struct policy_rule *rule = item;

	if (!rule->send && !rule->receive)
		return problem_set(problem, -EINVAL, "it lacks send or receive");
	return 0;
}

#define FIELD(name_, take_, member_, ...) \
	{ .name = name_, .take = take_, .offset = offsetof(struct policy_rule, member_), \
	  __VA_ARGS__ }

static const struct setting fields[] = {
	FIELD("peer", take_patterns, peers, .needed = true, .words = "\"?@example.test\""),
	FIELD("send", take_word, send, .value = rules_send_value,
	      .words = "\"protect\" or \"pass\""),
	FIELD("receive", take_word, receive, .value = rules_receive_value,
	      .words = "\"refuse\", \"refuse-415\" or \"mark\""),
};

static const struct setting_group group = {
	.fields = fields,
	.n_fields = COUNT(fields),
	.size = sizeof(struct policy_rule),
	.most = RULES_MAX,
	.check = check_rule,
};

/*
 * Does the first pattern fit whatever the second one fits? It does if it fits
 * its text, in which a '?' can only be met by another one.
 */
static bool covers(const struct policy_rule *first, const struct uid *pattern)
{
	for (unsigned int i = 0; i < first->n_peers; i++)
		if (uid_matches(&first->peers[i], pattern))
			return true;
	return false;
}

/* A peer of a rule for whom an earlier one has decided everything; or NULL. */
static const struct uid *left_nothing(const struct policy_rule *first,
				      const struct policy_rule *rule)
{
	if ((rule->send && !first->send) || (rule->receive && !first->receive))
		return NULL;
	for (unsigned int i = 0; i < rule->n_peers; i++)
		if (covers(first, &rule->peers[i]))
			return &rule->peers[i];
	return NULL;
}

static unsigned int line_of(const config_setting_t *given, unsigned int n)
{
	return config_setting_source_line(config_setting_get_elem(given, n));
}

int take_rules(void *into, const config_setting_t *given,
	       const struct setting *setting, struct problem *problem)
{
	struct setting_array *array = (struct setting_array *)((char *)into + setting->offset);
	const struct policy_rule *rules;

	/* those of all users, in whose place a user has others */
	rules_free(array->items, array->count);
	array->items = NULL;	/* not as a whole: its padding is another setting */
	array->count = 0;
	if (take_group_list(array, given, &group, problem))
		return problem->error;
	rules = array->items;
	for (unsigned int i = 1; i < array->count; i++)
		for (unsigned int j = 0; j < i; j++) {
			const struct uid *peer = left_nothing(&rules[j], &rules[i]);

			if (peer)
				return problem_set(problem, -EINVAL,
						   "line %u: %s: the rule in line %u comes first",
						   line_of(given, i), peer->text,
						   line_of(given, j));
		}
	return 0;
}

void rules_free(struct policy_rule *rules, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		free(rules[i].peers);
	free(rules);
}

static bool fits(const struct policy_rule *rule, const struct uid *peer)
{
	for (unsigned int i = 0; peer && i < rule->n_peers; i++)
		if (uid_matches(&rule->peers[i], peer))
			return true;
	return false;
}

uint32_t rules_send(const struct config_user *config, const struct uid *peer)
{
	for (unsigned int i = 0; i < config->n_rules; i++)
		if (config->rules[i].send && fits(&config->rules[i], peer))
			return config->rules[i].send;
	return peer && config_must_protect(config, peer) ? OUTGOING_PROTECT : config->outgoing;
}

uint32_t rules_receive(const struct config_user *config, const struct uid *peer)
{
	for (unsigned int i = 0; i < config->n_rules; i++)
		if (config->rules[i].receive && fits(&config->rules[i], peer))
			return config->rules[i].receive;
	return peer && config_must_protect(config, peer) ? UNPROTECTED_REFUSE :
		config->unprotected;
}

uint32_t rules_stricter(uint32_t one, uint32_t other)
{
	return one < other ? one : other;
}

uint32_t rules_receive_strictest(const struct config_user *config)
{
	uint32_t strictest = config->n_must_protect ? UNPROTECTED_REFUSE : config->unprotected;

	for (unsigned int i = 0; i < config->n_rules; i++)
		if (config->rules[i].receive)
			strictest = rules_stricter(strictest, config->rules[i].receive);
	return strictest;
}

bool rules_all_pass(const struct config_user *config)
{
	for (unsigned int i = 0; i < config->n_rules; i++)
		if (config->rules[i].send == OUTGOING_PROTECT)
			return false;
	return !config->n_must_protect && config->outgoing == OUTGOING_PASS;
}
