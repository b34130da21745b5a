// SPDX-License-Identifier: GPL-2.0-or-later
/* Another configuration, while mikeyd runs. */
#include "helper/mikeyd/reload.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "helper/lib/keyring.h"
#include "helper/lib/log.h"
#include "helper/mikeyd/check.h"
#include "helper/mikeyd/counters.h"
#include "helper/mikeyd/incoming.h"
#include "helper/mikeyd/kms.h"
#include "helper/mikeyd/owner.h"
#include "helper/mikeyd/queue.h"
#include "helper/mikeyd/record.h"
#include "helper/mikeyd/siptls.h"
#include "helper/mikeyd/standing.h"
#include "helper/mikeyd/user.h"

/* What a user of the new configuration will be. */
struct successor {
	const struct config_user *config;
	struct user *user;		/* there already, or a new one */
	bool is_new;
	int32_t psk;
};

struct change {
	struct config *rules;
	struct owner *owner;
	struct siptls *tls;
	struct successor *all;		/* rules->n_users */
};

static bool same_endpoints(const struct endpoint *one, unsigned int n_one,
			   const struct endpoint *other, unsigned int n_other)
{
	if (n_one != n_other)
		return false;
	for (unsigned int i = 0; i < n_one; i++)
		if (one[i].transport != other[i].transport ||
		    memcmp(&one[i].address, &other[i].address, sizeof(one[i].address)))
			return false;
	return true;
}

static bool same_text(const char *one, const char *other)
{
	return one == other || (one && other && !strcmp(one, other));
}

static bool same_inbox(const struct config_inbox *one, const struct config_inbox *other)
{
	return one->when == other->when && one->messages == other->messages &&
		one->kilobytes == other->kilobytes && !one->program == !other->program &&
		same_text(one->directory, other->directory) &&
		same_text(one->socket, other->socket) &&
		(!one->program || same_text(one->program[0], other->program[0]));
}

static void tell_kept(const char *setting)
{
	log_event(WARNING, "setting-stays", log_text("setting", setting),
		  log_text("reason", "a change takes a restart"));
}

/* What the sockets and files that are open already cannot follow. */
static int keep_what_stays(struct mikeyd *mikeyd, struct config *rules,
			   struct problem *problem)
{
	const struct config *old = mikeyd->config;

	if (!same_endpoints(old->inside, old->n_inside, rules->inside, rules->n_inside))
		tell_kept("listen");
	if (!same_endpoints(old->outside, old->n_outside, rules->outside, rules->n_outside))
		tell_kept("listen-outside");
	if (!same_text(old->control_socket, rules->control_socket))
		tell_kept("control-socket");
	if (same_text(old->state_dir, rules->state_dir))
		return 0;
	tell_kept("state-dir");
	free(rules->state_dir);
	rules->state_dir = old->state_dir ? strdup(old->state_dir) : NULL;
	if (old->state_dir && !rules->state_dir)
		return problem_set(problem, -ENOMEM, "no memory");
	return 0;
}

static int check_next_hop(const struct mikeyd *mikeyd, const struct config *rules,
			  struct problem *problem)
{
	struct flow hop;

	flow_to(&hop, SIDE_OUTSIDE, &rules->next_hop);
	if (hop.tp == SIP_TRANSP_TLS && !transport_local(mikeyd->transport, &hop))
		return problem_set(problem, -EAFNOSUPPORT,
				   "next-hop over TLS: listen-outside has no tls: address of its family yet, which takes a restart");
	for (hop.tp = SIP_TRANSP_UDP; hop.tp <= SIP_TRANSP_TLS; hop.tp++)
		if (transport_local(mikeyd->transport, &hop))
			return 0;
	return problem_set(problem, -EAFNOSUPPORT,
			   "listen-outside has no address of the next hop's family");
}

/* One who was taken out before has all that was theirs still open. */
static struct user *find_user(const struct mikeyd *mikeyd, const char *name)
{
	struct user *user = user_named(mikeyd, name);
	struct le *le;

	if (user)
		return user;
	LIST_FOREACH(&mikeyd->retired, le) {
		user = le->data;
		if (!strcmp(user->config->name, name))
			return user;
	}
	return NULL;
}

static int prepare_user(struct mikeyd *mikeyd, struct change *change,
			struct successor *successor, struct problem *problem)
{
	const struct config_user *config = successor->config;

	if (keyring_find_psk(config->psk, &successor->psk, problem))
		return *config->name ? problem_prefix(problem, "user %s: ", config->name) :
			problem->error;
	successor->user = find_user(mikeyd, config->name);
	successor->is_new = !successor->user;
	if (!successor->is_new)
		return 0;
	if (user_open(&successor->user, mikeyd, change->rules, config, problem)) {
		successor->user = NULL;
		return problem->error;
	}
	return queue_open(successor->user, problem);
}

static int prepare(struct mikeyd *mikeyd, struct change *change, struct problem *problem)
{
	struct config *rules = change->rules;
	int err;

	change->all = calloc(rules->n_users, sizeof(*change->all));
	if (!change->all)
		return problem_set(problem, -ENOMEM, "no memory");
	err = keep_what_stays(mikeyd, rules, problem);
	err = err ?: check_next_hop(mikeyd, rules, problem);
	err = err ?: siptls_open(&change->tls, rules, problem);
	err = err ?: check_modules(mikeyd, rules, problem);
	err = err ?: owner_open(&change->owner, rules, mikeyd->transport, problem);
	for (unsigned int i = 0; i < rules->n_users && !err; i++) {
		change->all[i].config = &rules->users[i];
		err = prepare_user(mikeyd, change, &change->all[i], problem);
	}
	return err;
}

static void undo(struct change *change)
{
	for (unsigned int i = 0; change->all && i < change->rules->n_users; i++)
		if (change->all[i].is_new)
			mem_deref(change->all[i].user);
	owner_close(change->owner);
	mem_deref(change->tls);
	mem_deref(change->rules);
}

/* A user goes on by the new rules; without memory by the old ones, which stay. */
static void follow(struct successor *successor, const struct config *rules)
{
	struct user *user = successor->user;
	const struct config_user *config = successor->config;

	if (!same_inbox(&user->config->inbox, &config->inbox))
		tell_kept("inbox");
	if (!incoming_use(user, config)) {
		log_event(ERROR, "user-stays", log_text("user", config->identities[0].text),
			  log_text("reason", "no memory"));
		return;
	}
	record_use(user->record, config);
	kms_use(user->kms, config);
	user->party.psk = successor->psk;
	user->party.psk_id = config->psk_id;
	user->party.kms = config->kms_id;
	user->party.suite = config->suite;
	if (config->has_client && !user->client_known) {
		flow_to(&user->client, SIDE_INSIDE, &config->client);
		user->client_known = true;
	}
	user->config = config;
	mem_deref((void *)user->rules);
	user->rules = mem_ref((void *)rules);
}

/* From here on nothing can fail. */
static void commit(struct mikeyd *mikeyd, struct change *change)
{
	struct config *rules = change->rules;
	struct le *le;

	while ((le = list_head(&mikeyd->users))) {
		list_unlink(le);
		list_append(&mikeyd->retired, le, le->data);
	}
	for (unsigned int i = 0; i < rules->n_users; i++) {
		struct user *user = change->all[i].user;

		if (!change->all[i].is_new)
			follow(&change->all[i], rules);
		list_unlink(&user->le);
		list_append(&mikeyd->users, &user->le, user);
	}
	owner_close(mikeyd->owner);
	mikeyd->owner = change->owner;
	flow_to(&mikeyd->next_hop, SIDE_OUTSIDE, &rules->next_hop);
	transport_use_tls(mikeyd->transport, change->tls);
	mem_deref(change->tls);
	standing_use(mikeyd->standing, &mikeyd->next_hop, rules->keep_alive);
	mem_deref((void *)mikeyd->config);
	mikeyd->config = rules;
}

int reload_now(struct mikeyd *mikeyd, const char *file, struct problem *problem)
{
	struct change change = { 0 };
	int err = rules_load(&change.rules, file, problem);

	if (err)
		return err;
	err = prepare(mikeyd, &change, problem);
	if (err)
		undo(&change);
	else
		commit(mikeyd, &change);
	free(change.all);
	return err;
}

/* ---- SIGHUP */

static struct {
	int fd;
	struct mikeyd *mikeyd;
	const char *file;
	bool verbose;
} hangup = { .fd = -1 };

static void caught(int number)
{
	const uint64_t one = 1;
	int before = errno;

	(void)number;
	if (write(hangup.fd, &one, sizeof(one)) < 0)
		errno = before;		/* it is counted already */
}

static void hung_up(int flags, void *arg)
{
	struct problem problem;
	uint64_t count;

	(void)flags;
	(void)arg;
	if (read(hangup.fd, &count, sizeof(count)) != sizeof(count))
		return;
	if (reload_now(hangup.mikeyd, hangup.file, &problem)) {
		counter_more(COUNTER_RELOADS, RELOAD_FAILED, 0);
		log_event(ERROR, "not-reloaded", log_text("reason", problem.words));
		return;
	}
	counter_more(COUNTER_RELOADS, RELOAD_DONE, 0);
	if (!hangup.verbose)
		log_setup("mikeyd", hangup.mikeyd->config->log_level);
	log_event(INFO, "reloaded", log_text("file", hangup.file),
		  log_number("users", hangup.mikeyd->config->n_users));
}

int reload_open(struct mikeyd *mikeyd, const char *file, bool verbose,
		struct problem *problem)
{
	const struct sigaction action = { .sa_handler = caught, .sa_flags = SA_RESTART };

	hangup.mikeyd = mikeyd;
	hangup.file = file;
	hangup.verbose = verbose;
	hangup.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (hangup.fd < 0 || fd_listen(hangup.fd, FD_READ, hung_up, NULL) ||
	    sigaction(SIGHUP, &action, NULL))
		return problem_set(problem, -errno, "SIGHUP cannot be heard: %s", strerror(errno));
	return 0;
}

void reload_close(void)
{
	if (hangup.fd < 0)
		return;
	signal(SIGHUP, SIG_IGN);
	fd_close(hangup.fd);
	close(hangup.fd);
	hangup.fd = -1;
}
