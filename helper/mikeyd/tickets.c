// SPDX-License-Identifier: GPL-2.0-or-later
/* The index of the keyring's tickets. */
#include "helper/mikeyd/tickets.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "helper/lib/keyring.h"
#include "helper/lib/log.h"

/*
 * The kernel takes a dropped key off the user's quota when its collector gets to
 * it. Without a pause all tickets would be gone before the first one counts.
 */
#define COLLECTOR_NS (50 * 1000 * 1000)

/*
 * Expired keys are unlinked before the kernel's collector comes to them (gc_delay,
 * 300 s as the kernel has it): it does not give back what their links count in the
 * quota of bytes.
 */
#define PRUNE_MOST_SECONDS 100

/* A ticket about to end is not begun with any more. */
#define MARGIN_SECONDS 30

struct entry {
	struct le le;
	int32_t serial;
	uint32_t role;
	struct ticket_policy policy;
};

struct tickets {
	struct user *user;
	struct list list;		/* the oldest first */
	struct tmr timer;		/* until the next that expires */
};

static void entry_destroy(void *data)
{
	struct entry *entry = data;

	list_unlink(&entry->le);
	ticket_policy_free(&entry->policy);
}

static void drop_key(int32_t serial)
{
	struct problem problem;

	if (keyring_drop(serial, &problem))
		log_event(DEBUG, "ticket-not-dropped", log_number("ticket", serial),
			  log_text("reason", problem.words));
}

/* Those whose time is over; the kernel has wiped them. */
static void prune(void *arg)
{
	struct tickets *tickets = arg;
	struct le *le = list_head(&tickets->list);
	int64_t now = time(NULL), next = PRUNE_MOST_SECONDS;	/* the clock may be set */

	while (le) {
		struct entry *entry = le->data;

		le = le->next;
		if (entry->policy.valid_until <= now) {
			drop_key(entry->serial);
			mem_deref(entry);
		} else if (entry->policy.valid_until - now < next) {
			next = entry->policy.valid_until - now;
		}
	}
	if (list_head(&tickets->list))
		tmr_start(&tickets->timer, 1000 * next, prune, tickets);
}

bool tickets_is_kept(const struct ticket_policy *policy)
{
	return policy->reusable && policy->cacheable;
}

void tickets_add(struct tickets *tickets, int32_t serial, uint32_t role,
		 struct ticket_policy *policy)
{
	struct entry *entry = mem_zalloc(sizeof(*entry), entry_destroy);

	if (!entry) {		/* the ticket stays in the keyring */
		ticket_policy_free(policy);
		return;
	}
	entry->serial = serial;
	entry->role = role;
	entry->policy = *policy;
	list_append(&tickets->list, &entry->le, entry);
	if (!tmr_isrunning(&tickets->timer))
		tmr_start(&tickets->timer, 1000, prune, tickets);
}

/* All users' tickets lie in one keyring. */
static bool is_of(const struct user *user, const struct ticket_info *info)
{
	if (info->role == MIKEY_ROLE_INITIATOR)
		return config_identity(user->config, &info->policy.initiator);
	for (unsigned int i = 0; i < info->policy.n_responders; i++)
		if (user_is_addressed(user, &info->policy.responders[i]))
			return true;
	return false;
}

/*
 * One key of the keyring, at start. Any program of the user can have put it there,
 * when it was there, with keys that it knows: so only what came from this PSK counts.
 */
static int load(const struct keyring_key *key, void *arg)
{
	struct tickets *tickets = arg;
	struct problem problem;
	struct ticket_info info;
	int err;

	err = ticket_info(tickets->user->mikeyd->ticket_client, key->serial,
			  tickets->user->party.psk, &info, &problem);
	if (err) {
		log_event(DEBUG, "ticket-unreadable", log_number("ticket", key->serial),
			  log_text("reason", problem.words));
		if (err == -EKEYEXPIRED || err == -EKEYREVOKED)
			drop_key(key->serial);
		return 0;
	}
	if (info.remaining <= MARGIN_SECONDS || !is_of(tickets->user, &info) ||
	    (info.role == MIKEY_ROLE_INITIATOR ? !info.policy.reusable :
	     !tickets_is_kept(&info.policy)))
		ticket_policy_free(&info.policy);
	else
		tickets_add(tickets, key->serial, info.role, &info.policy);
	return 0;
}

int tickets_open(struct tickets **out, struct user *user, struct problem *problem)
{
	struct tickets *tickets = calloc(1, sizeof(*tickets));
	int err;

	*out = tickets;
	if (!tickets)
		return problem_set(problem, -ENOMEM, "no memory");
	tickets->user = user;
	tmr_init(&tickets->timer);
	err = keyring_each(MIKEY_TICKET_KEY_TYPE, load, tickets, problem);
	if (err) {
		tickets_close(tickets);
		*out = NULL;
		return err;
	}
	if (list_count(&tickets->list))
		log_event(INFO, "tickets-found", log_number("tickets", list_count(&tickets->list)));
	return 0;
}

void tickets_close(struct tickets *tickets)
{
	if (!tickets)
		return;
	tmr_cancel(&tickets->timer);
	list_flush(&tickets->list);
	free(tickets);
}

/* Same maker, profile, suite, KMS and initiator as a fresh one would have. */
static bool is_alike(const struct config_user *rules, const struct ticket_policy *policy,
		     const struct uid *initiator)
{
	return policy->profile == rules->profile && policy->suite == rules->suite &&
		ticket_is_minted(policy) == (rules->maker == MAKER_SELF) &&
		uid_equal(&policy->kms, &rules->kms_id) &&
		uid_equal(&policy->initiator, initiator);
}

/*
 * TRr (RFC 6043 6.10) says how often there has to be new keying material: a
 * ticket older than that is not begun with, though it is valid still.
 */
static bool is_fresh(const struct ticket_policy *policy, time_t now)
{
	return policy->valid_from <= now && policy->valid_until > now + MARGIN_SECONDS &&
		(!policy->rekey || policy->valid_from + (time_t)policy->rekey > now);
}

int32_t tickets_find(const struct tickets *tickets, const struct config_user *rules,
		     const struct uid *initiator, const struct uid *responders,
		     unsigned int n_responders)
{
	time_t now = time(NULL);
	struct le *le;

	if (!rules->reuse)
		return 0;
	for (le = list_tail(&tickets->list); le; le = le->prev) {
		struct entry *entry = le->data;
		struct ticket_policy *policy = &entry->policy;

		if (entry->role == MIKEY_ROLE_INITIATOR && policy->reusable &&
		    uid_same(policy->responders, policy->n_responders, responders,
			     n_responders) &&
		    is_fresh(policy, now) &&
		    is_alike(rules, policy, initiator))
			return entry->serial;
	}
	return 0;
}

int64_t tickets_valid_until(const struct tickets *tickets, int32_t serial)
{
	struct le *le;

	LIST_FOREACH(&tickets->list, le) {
		const struct entry *entry = le->data;

		if (entry->serial == serial)
			return entry->policy.valid_until;
	}
	return 0;
}

void tickets_drop(struct tickets *tickets, int32_t serial)
{
	struct le *le;

	LIST_FOREACH(&tickets->list, le) {
		struct entry *entry = le->data;

		if (entry->serial != serial)
			continue;
		mem_deref(entry);
		break;
	}
	drop_key(serial);
}

bool tickets_drop_oldest(struct tickets *tickets)
{
	const struct timespec pause = { .tv_nsec = COLLECTOR_NS };
	struct le *le = list_head(&tickets->list);
	struct entry *entry;

	if (!le)
		return false;
	entry = le->data;
	log_event(INFO, "ticket-dropped", log_number("ticket", entry->serial),
		  log_text("reason", "the quota of keys is used up"));
	tickets_drop(tickets, entry->serial);
	nanosleep(&pause, NULL);
	return true;
}
