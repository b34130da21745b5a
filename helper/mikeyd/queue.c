// SPDX-License-Identifier: GPL-2.0-or-later
/* The queue as the rest of mikeyd sees it, and what is done from time to time. */
#include "helper/mikeyd/queue.h"

#include <errno.h>
#include <stdlib.h>

#include "helper/lib/log.h"
#include "helper/mikeyd/proxy.h"
#include "helper/mikeyd/queuebundle.h"
#include "helper/mikeyd/queuelane.h"
#include "helper/mikeyd/queuetext.h"
#include "helper/mikeyd/state.h"

/* The client gives up after 32 s (Timer F); it is told before that. */
#define PATIENCE_MS 25000
#define SWEEP_MS 2000
/* Looked for what expired each so many sweeps. */
#define SWEEPS_EXPIRY 15
/* By then a machine without a clock of its own has asked for the time. */
#define SETTLE_MS 120000

/* Let those try whom this concerns. */
static void wake(struct queue *queue, bool all)
{
	struct le *le;

	LIST_FOREACH(&queue->lanes, le) {
		struct lane *lane = le->data;

		if (lane->rows && !lane->flight && (all || lane->unanswered) &&
		    tmr_get_expire(&lane->timer) > QUEUE_SPREAD_MS)
			lane_go_soon(lane);
	}
}

void queue_hop_alive(struct mikeyd *mikeyd)
{
	struct le *le;

	LIST_FOREACH(&mikeyd->users, le) {
		struct queue *queue = ((struct user *)le->data)->queue;

		if (!queue || !queue->hop_away)
			continue;
		queue->hop_away = false;
		wake(queue, false);
	}
}

void queue_kms(struct user *user, bool alive)
{
	struct queue *queue = user->queue;

	if (!queue)
		return;
	/* the recipients' is often the same one */
	if (alive && queue->kms_away)
		wake(queue, true);
	queue->kms_away = !alive;
}

void queue_waiting(const struct user *user, uint64_t *messages, uint64_t *bytes)
{
	struct problem problem;

	if (!user->queue ||
	    queue_store_count(user->queue->store, messages, bytes, &problem)) {
		*messages = 0;
		*bytes = 0;
	}
}

static const char others[] = "others wait for the same recipient";

static void impatient(void *arg)
{
	struct parcel *parcel = arg;
	struct lane *lane = parcel->lane;

	lane_accept_all(lane, "there is no answer yet");
}

void lane_send(struct lane *lane, struct parcel *parcel)
{
	if (lane->rows) {
		lane_accept(parcel, false, 0, others);
		mem_deref(parcel);
		return;
	}
	list_append(&lane->parcels, &parcel->le, parcel);
	tmr_start(&parcel->patience, PATIENCE_MS, impatient, parcel);
	if (!lane->flight && !tmr_isrunning(&lane->timer))
		lane_go(lane);
}

bool queue_repeats(struct user *user, struct server *server)
{
	if (!user->queue || !queue_store_has(user->queue->store, server->key))
		return false;
	proxy_refuse(user->mikeyd, server, 202, "Accepted", false,
		     "it came before, and is taken care of");
	return true;
}

bool queue_takes(const struct user *user, const struct sip_msg *msg)
{
	return user->queue && user->config->queue && queue_text_may_wait(msg) &&
		!queue_store_challenged(user->queue->store);
}

void queue_send(struct user *user, const struct queue_wish *wish)
{
	struct lane *lane = lane_of(user->queue, wish->recipient);
	struct parcel *parcel = lane ? lane_parcel(lane) : NULL;
	bool first;

	if (!parcel) {
		sipmsg_wipe(wish->body->body);
		proxy_refuse(user->mikeyd, wish->server, 503, "Service Unavailable", true,
			     "no memory");
		return;
	}
	parcel->server = mem_ref(wish->server);
	parcel->route = *wish->route;
	parcel->sender = *wish->sender;
	parcel->body = *wish->body;
	parcel->valid_until = wish->valid_until;
	first = !lane->rows && list_isempty(&lane->parcels);
	lane_put(parcel, first, first ? "it was being sent" : others);
	lane_send(lane, parcel);
}

static void expire(struct queue *queue)
{
	struct queue_item item;
	struct problem problem;
	struct lane *lane;

	while (!queue_store_expired(queue->store, &item, &problem)) {
		lane = lane_of(queue, &item.recipient);
		/* what is under way, or has a client that waits, ends with its answer */
		if (!lane || lane_flies(lane, item.id) || !list_isempty(&lane->parcels) ||
		    bundle_holds(queue, item.id)) {
			queue_item_wipe(&item);
			break;
		}
		lane_end_row(lane, &item, false, item.code, "it expired");
		queue_item_wipe(&item);
		if (!lane->flight)
			lane_go_next(lane);
	}
}

static void sweep(void *arg)
{
	struct queue *queue = arg;
	struct problem problem;

	tmr_start(&queue->sweep, SWEEP_MS, sweep, queue);
	if (!queue->settled && tmr_jiffies() - queue->opened > SETTLE_MS) {
		queue->settled = !queue_store_settle(queue->store, &problem);
		if (!queue->settled)
			log_event(ERROR, "queue-error", log_text("reason", problem.words));
	}
	if (queue_store_poked(queue->store))
		wake(queue, true);
	if (!(queue->sweeps++ % SWEEPS_EXPIRY))
		expire(queue);
}

static void found(const struct uid *recipient, void *arg)
{
	struct lane *lane = lane_of(arg, recipient);

	if (!lane)
		return;
	lane->rows = true;
	lane_go_soon(lane);
}

static int load(struct queue *queue, struct problem *problem)
{
	uint64_t messages, bytes;
	int err = queue_store_count(queue->store, &messages, &bytes, problem);

	err = err ?: queue_store_recipients(queue->store, found, queue, problem);
	if (!err && messages)
		log_event(INFO, "queue-waiting", log_number("messages", messages));
	return err;
}

int queue_open(struct user *user, struct problem *problem)
{
	struct queue *queue = calloc(1, sizeof(*queue));
	char dir[STATE_PATH_MAX];
	int err;

	if (!queue)
		return problem_set(problem, -ENOMEM, "no memory");
	user->queue = queue;
	queue->user = user;
	queue->mikeyd = user->mikeyd;
	queue->opened = tmr_jiffies();
	tmr_init(&queue->sweep);
	err = state_of_user(dir, user->rules, user->config, problem);
	err = err ?: queue_store_open(&queue->store, dir,
				      user->config->queue && !user->mikeyd->only_check, problem);
	/* what waited when it was turned off is sent still */
	if (err == -ENOENT || (!err && user->mikeyd->only_check)) {
		queue_close(user);
		return 0;
	}
	err = err ?: load(queue, problem);
	if (err)
		queue_close(user);
	else
		tmr_start(&queue->sweep, SWEEP_MS, sweep, queue);
	return err;
}

void queue_close(struct user *user)
{
	struct queue *queue = user->queue;

	if (!queue)
		return;
	user->queue = NULL;
	tmr_cancel(&queue->sweep);
	list_flush(&queue->lanes);
	list_flush(&queue->bundles);
	queue_store_close(queue->store);
	free(queue);
}
