// SPDX-License-Identifier: GPL-2.0-or-later
/* Lists of recipients in the queue. */
#include "helper/mikeyd/queuebundle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helper/mikeyd/counters.h"
#include "helper/mikeyd/proxy.h"
#include "helper/mikeyd/queue.h"
#include "helper/mikeyd/queuetext.h"

static const char others[] = "others wait for the same recipient";

/* Rows that are held back, while a parcel's first attempt is under way. */
struct bundle {
	struct le le;			/* of the queue's */
	struct queue *queue;
	struct tmr timer;		/* to release it */
	unsigned int count;
	struct held {
		int64_t id;
		struct uid recipient;
	} *held;
};

static void bundle_destroy(void *data)
{
	struct bundle *bundle = data;

	tmr_cancel(&bundle->timer);
	list_unlink(&bundle->le);
	free(bundle->held);
}

static struct bundle *bundle_new(struct queue *queue, unsigned int count)
{
	struct bundle *bundle = mem_zalloc(sizeof(*bundle), bundle_destroy);

	if (!bundle)
		return NULL;
	bundle->queue = queue;
	tmr_init(&bundle->timer);
	bundle->held = calloc(count ?: 1, sizeof(*bundle->held));
	if (!bundle->held)
		return mem_deref(bundle);
	list_append(&queue->bundles, &bundle->le, bundle);
	return bundle;
}

bool bundle_holds(const struct queue *queue, int64_t id)
{
	struct le *le;

	LIST_FOREACH(&queue->bundles, le) {
		const struct bundle *bundle = le->data;

		for (unsigned int i = 0; i < bundle->count; i++)
			if (bundle->held[i].id == id)
				return true;
	}
	return false;
}

/* What was put down for a recipient is a row from now on. */
static void becomes_row(struct queue *queue, const struct uid *recipient)
{
	struct lane *lane = lane_of(queue, recipient);

	counter_more(COUNTER_QUEUE_ACCEPTED, 0, 0);
	if (!lane) {
		log_event(ERROR, "queue-error", log_text("recipient", recipient->text),
			  log_text("reason", "no memory: it is sent after the next start"));
		return;
	}
	lane->rows = true;
	lane_accept_all(lane, others);
	if (!lane->flight && !tmr_isrunning(&lane->timer))
		lane_go_next(lane);
}

static void release(void *arg)
{
	struct bundle *bundle = arg;

	/* from now on none of them is held */
	list_unlink(&bundle->le);
	for (unsigned int i = 0; i < bundle->count; i++)
		becomes_row(bundle->queue, &bundle->held[i].recipient);
	mem_deref(bundle);
}

void bundle_release(struct parcel *parcel)
{
	struct bundle *bundle = parcel->bundle;

	parcel->bundle = NULL;
	/* the lanes of some may be at work right now: from the event loop */
	if (bundle)
		tmr_start(&bundle->timer, 0, release, bundle);
}

int bundle_withdraw(struct parcel *parcel, struct problem *problem)
{
	struct queue_store *store = parcel->lane->queue->store;
	struct bundle *bundle = parcel->bundle;
	unsigned int held = bundle ? bundle->count : 0;
	int64_t *ids;
	int err;

	if (!parcel->id)	/* then neither are those that it holds back */
		return 0;
	ids = calloc(held + 1, sizeof(*ids));
	if (!ids)
		return problem_set(problem, -ENOMEM, "no memory");
	ids[0] = parcel->id;
	for (unsigned int i = 0; i < held; i++)
		ids[i + 1] = bundle->held[i].id;
	err = queue_store_withdraw(store, ids, held + 1, parcel->server->key, problem);
	free(ids);
	if (!err)
		parcel->bundle = mem_deref(bundle);
	return err;
}

/* ---- putting them down */

static bool is_busy(const struct lane *lane)
{
	return lane->rows || !list_isempty(&lane->parcels);
}

static int fill(struct queue_item *item, const struct user *user,
		const struct queue_list *list, const struct queue_sheet *sheet,
		struct problem *problem)
{
	const struct sip_msg *msg = list->server->msg;

	item->lifetime = queue_text_lifetime(msg, user->config->queue_age, sheet->valid_until);
	if (item->lifetime <= 0)
		return problem_set(problem, -ESTALE, "its time is over");
	if (queue_text_write(item, msg, list->route, sheet->body, sheet->readdress))
		return problem_set(problem, -ENOMEM, "no memory");
	item->words = strdup("it was being sent");
	item->sender = *list->sender;
	item->recipient = *sheet->recipient;
	return 0;
}

/* All of them or none. */
static int put_all(struct queue *queue, const struct queue_list *list, struct queue_item *items,
		   struct problem *problem)
{
	struct queue_limits limits = queue_limits_of(queue);
	int err = 0;

	for (unsigned int i = 0; i < list->count && !err; i++)
		err = fill(&items[i], queue->user, list, &list->sheets[i], problem);
	return err ?: queue_store_put_all(queue->store, &limits, items, list->count,
					  list->server->key, problem);
}

static void hold(struct bundle *bundle, const struct queue_item *items, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		bundle->held[bundle->count++] = (struct held){
			.id = items[i].id,
			.recipient = items[i].recipient,
		};
}

/* The list is the service's to take or refuse, and its answer the client's. */
static void send_to_service(struct lane *lane, struct parcel *parcel,
			    const struct queue_list *list, const struct queue_item *item)
{
	parcel->id = item->id;
	parcel->begun = item->flying;
	parcel->server = mem_ref(list->server);
	parcel->route = *list->route;
	parcel->sender = *list->sender;
	parcel->body = *list->sheets[0].body;
	list->sheets[0].body->body = NULL;
	parcel->valid_until = list->sheets[0].valid_until;
	lane_send(lane, parcel);
}

/* Nothing goes through a service: there is nobody who could refuse it. */
static void send_apart(struct queue *queue, const struct queue_list *list, struct bundle *bundle)
{
	proxy_refuse(queue->mikeyd, list->server, 202, "Accepted", false,
		     "everybody gets a message apart");
	release(bundle);
}

/* Without room they go their way still, unless somebody is to get others first. */
static bool not_kept(struct queue *queue, const struct queue_list *list,
		     struct problem *problem)
{
	bool busy = false;

	for (unsigned int i = 0; i < list->count && !busy; i++) {
		const struct lane *lane = lane_find(queue, list->sheets[i].recipient);

		busy = lane && is_busy(lane);
	}
	if (!busy) {
		server_event(list->server, DEBUG, "queue-not-kept",
			     log_text("reason", problem->words));
		return false;
	}
	problem_prefix(problem, "%s, and the message cannot wait: ", others);
	proxy_refuse(queue->mikeyd, list->server, 503, "Service Unavailable", true,
		     problem->words);
	return true;
}

bool queue_send_list(struct user *user, const struct queue_list *list)
{
	struct queue *queue = user->queue;
	unsigned int through = list->through_service ? 1 : 0;
	struct queue_item *items = calloc(list->count, sizeof(*items));
	struct bundle *bundle = bundle_new(queue, list->count);
	struct lane *lane = through ? lane_of(queue, list->sheets[0].recipient) : NULL;
	struct parcel *parcel = lane ? lane_parcel(lane) : NULL;
	struct problem problem;
	int err = 0;

	if (!items || !bundle || (through && !parcel))
		err = problem_set(&problem, -ENOMEM, "no memory");
	else if (through)
		items[0].flying = !is_busy(lane);
	err = err ?: put_all(queue, list, items, &problem);
	if (!err)
		hold(bundle, items + through, list->count - through);
	if (err) {
		mem_deref(parcel);
		mem_deref(bundle);
		if (lane && !is_busy(lane))
			lane_go_next(lane);	/* which ends it */
	} else if (through) {
		parcel->bundle = bundle;
		send_to_service(lane, parcel, list, &items[0]);
	} else {
		send_apart(queue, list, bundle);
	}
	for (unsigned int i = 0; items && i < list->count; i++)
		queue_item_wipe(&items[i]);
	free(items);
	return !err || not_kept(queue, list, &problem);
}
