// SPDX-License-Identifier: GPL-2.0-or-later
/* The users behind one mikeyd. */
#include "helper/mikeyd/user.h"

#include <errno.h>
#include <string.h>

#include "helper/mikeyd/inbox_user.h"
#include "helper/mikeyd/incoming.h"
#include "helper/mikeyd/kms.h"
#include "helper/mikeyd/owner.h"
#include "helper/mikeyd/psk.h"
#include "helper/mikeyd/queue.h"
#include "helper/mikeyd/record.h"
#include "helper/mikeyd/sealing.h"
#include "helper/mikeyd/state.h"
#include "helper/mikeyd/tickets.h"

static void rules_destroy(void *data)
{
	config_free(data);
}

int rules_load(struct config **out, const char *file, struct problem *problem)
{
	struct config *rules = mem_zalloc(sizeof(*rules), rules_destroy);
	int err;

	if (!rules)
		return problem_set(problem, -ENOMEM, "no memory");
	err = config_load(rules, file, problem);
	if (err)
		mem_deref(rules);
	else
		*out = rules;
	return err;
}

static void user_destroy(void *data)
{
	struct user *user = data;

	list_unlink(&user->le);
	kms_close(user->kms);
	inbox_user_close(user);
	sealing_close(user);
	incoming_close(user);
	queue_close(user);
	tickets_close(user->tickets);
	record_close(user->record);
	mem_deref((void *)user->rules);
	mem_deref((void *)user->first);
}

int user_open(struct user **out, struct mikeyd *mikeyd, const struct config *rules,
	      const struct config_user *config, struct problem *problem)
{
	struct user *user = mem_zalloc(sizeof(*user), user_destroy);
	char dir[STATE_PATH_MAX];
	int err;

	if (!user)
		return problem_set(problem, -ENOMEM, "no memory");
	user->mikeyd = mikeyd;
	user->config = config;
	user->rules = mem_ref((void *)rules);
	user->first = mem_ref((void *)rules);
	user->client_known = config->has_client;
	if (config->has_client)
		flow_to(&user->client, SIDE_INSIDE, &config->client);
	err = psk_open(user, problem);
	err = err ?: tickets_open(&user->tickets, user, problem);
	err = err ?: state_of_user(dir, rules, config, problem);
	err = err ?: record_open(&user->record, dir, config, mikeyd->only_check, problem);
	err = err ?: kms_open(&user->kms, config, problem);
	err = err ?: sealing_open(user, problem);
	err = err ?: incoming_open(user, problem);
	err = err ?: inbox_user_open(user, problem);
	if (err) {
		if (*config->name)
			problem_prefix(problem, "user %s: ", config->name);
		mem_deref(user);
	} else {
		*out = user;
	}
	return err;
}

int users_open(struct mikeyd *mikeyd, struct problem *problem)
{
	const struct config *config = mikeyd->config;
	struct user *user;

	for (unsigned int i = 0; i < config->n_users; i++) {
		if (user_open(&user, mikeyd, config, &config->users[i], problem)) {
			users_close(mikeyd);
			return problem->error;
		}
		list_append(&mikeyd->users, &user->le, user);
	}
	return 0;
}

int users_go_on(struct mikeyd *mikeyd, struct problem *problem)
{
	struct le *le;

	LIST_FOREACH(&mikeyd->users, le)
		if (queue_open(le->data, problem))
			return problem->error;
	return 0;
}

static void stop_all(const struct list *users)
{
	struct le *le;

	LIST_FOREACH(users, le) {
		struct user *user = le->data;

		/* it would call those who are refused here */
		kms_close(user->kms);
		user->kms = NULL;
		inbox_user_close(user);
		/* what a list server sends out came in before */
		sealing_close(user);
		incoming_close(user);
		queue_close(user);
	}
}

void users_stop(struct mikeyd *mikeyd)
{
	stop_all(&mikeyd->users);
	stop_all(&mikeyd->retired);
}

void users_close(struct mikeyd *mikeyd)
{
	list_flush(&mikeyd->users);
	list_flush(&mikeyd->retired);
}

struct user *user_named(const struct mikeyd *mikeyd, const char *name)
{
	struct le *le;

	LIST_FOREACH(&mikeyd->users, le) {
		struct user *user = le->data;

		if (!strcmp(user->config->name, name))
			return user;
	}
	return NULL;
}

struct user *user_only(const struct mikeyd *mikeyd)
{
	struct le *le = list_head(&mikeyd->users);

	return le && !le->next ? le->data : NULL;
}

static bool has_group(const struct config_user *config, const struct uid *uid)
{
	for (unsigned int i = 0; i < config->n_groups; i++)
		if (uid_equal(&config->groups[i], uid))
			return true;
	return false;
}

bool user_is_addressed(const struct user *user, const struct uid *uid)
{
	return config_identity(user->config, uid) || has_group(user->config, uid);
}

struct user *user_of_identity(const struct mikeyd *mikeyd, const struct uid *uid)
{
	struct le *le;

	LIST_FOREACH(&mikeyd->users, le) {
		struct user *user = le->data;

		if (config_identity(user->config, uid))
			return user;
	}
	return NULL;
}

struct user *user_of_uri(const struct mikeyd *mikeyd, const struct pl *uri)
{
	struct user *user;
	struct uid uid;
	struct le *le;

	if (uid_from_uri(&uid, uri->p, uri->l))
		return NULL;
	user = user_of_identity(mikeyd, &uid);
	if (user)
		return user;
	LIST_FOREACH(&mikeyd->users, le) {
		user = le->data;
		if (has_group(user->config, &uid))
			return user;
	}
	return NULL;
}

bool user_may_be(const struct user *user, const struct flow *client)
{
	const struct mikeyd *mikeyd = user->mikeyd;
	const struct sa *local = transport_local(mikeyd->transport, client);

	for (unsigned int i = 0; local && i < user->config->n_clients; i++)
		if (network_contains(&user->config->clients[i], &client->peer.u.sa))
			return owner_allows(mikeyd->owner, user->config, client, local);
	return false;
}

/* The quota is the kernel uid's, and so all users': one's own go first. */
bool user_make_room(struct user *user)
{
	struct le *le;

	if (tickets_drop_oldest(user->tickets))
		return true;
	LIST_FOREACH(&user->mikeyd->users, le) {
		struct user *other = le->data;

		if (tickets_drop_oldest(other->tickets))
			return true;
	}
	return false;
}
