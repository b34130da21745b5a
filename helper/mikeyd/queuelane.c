// SPDX-License-Identifier: GPL-2.0-or-later
/* Who waits for one recipient, and whose turn it is. */
#include "helper/mikeyd/queuelane.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helper/mikeyd/counters.h"
#include "helper/mikeyd/proxy.h"
#include "helper/mikeyd/queuebundle.h"
#include "helper/mikeyd/queueflight.h"
#include "helper/mikeyd/queuetext.h"

/* So many attempts of one user are made at once; others look again soon. */
#define FLIGHTS_MAX 16
#define CROWDED_MS 200
/* The pause after a failure: doubled each time, the second half of it by chance. */
#define PAUSE_MS 2000
#define PAUSE_MOST_MS 300000
#define RETRY_AFTER_MOST 3600

static void parcel_destroy(void *data)
{
	struct parcel *parcel = data;

	tmr_cancel(&parcel->patience);
	list_unlink(&parcel->le);
	mem_deref(parcel->server);
	mem_deref(parcel->bundle);
	sipmsg_wipe(parcel->body.body);
}

static void lane_destroy(void *data)
{
	struct lane *lane = data;

	tmr_cancel(&lane->timer);
	list_unlink(&lane->le);
	list_flush(&lane->parcels);
	if (lane->flight)
		lane->flight->lane = NULL;
}

struct lane *lane_find(const struct queue *queue, const struct uid *recipient)
{
	struct le *le;

	LIST_FOREACH(&queue->lanes, le) {
		struct lane *lane = le->data;

		if (uid_equal(&lane->recipient, recipient))
			return lane;
	}
	return NULL;
}

struct lane *lane_of(struct queue *queue, const struct uid *recipient)
{
	struct lane *lane = lane_find(queue, recipient);

	if (lane)
		return lane;
	lane = mem_zalloc(sizeof(*lane), lane_destroy);
	if (!lane)
		return NULL;
	lane->queue = queue;
	lane->recipient = *recipient;
	tmr_init(&lane->timer);
	list_append(&queue->lanes, &lane->le, lane);
	return lane;
}

struct parcel *lane_parcel(struct lane *lane)
{
	struct parcel *parcel = mem_zalloc(sizeof(*parcel), parcel_destroy);

	if (!parcel)
		return NULL;
	parcel->lane = lane;
	tmr_init(&parcel->patience);
	return parcel;
}

bool lane_flies(const struct lane *lane, int64_t id)
{
	return lane->flight && lane->flight->item.id == id;
}

/* ---- when the next attempt is made */

static void go(void *arg)
{
	lane_go(arg);
}

void lane_go_next(struct lane *lane)
{
	tmr_start(&lane->timer, 0, go, lane);
}

void lane_go_soon(struct lane *lane)
{
	tmr_start(&lane->timer, rand_u32() % QUEUE_SPREAD_MS, go, lane);
}

void lane_pause(struct lane *lane, unsigned int retry_after)
{
	uint64_t pause = PAUSE_MS;

	for (unsigned int i = 0; i < lane->failures && pause < PAUSE_MOST_MS; i++)
		pause *= 2;
	if (pause > PAUSE_MOST_MS)
		pause = PAUSE_MOST_MS;
	pause = pause / 2 + rand_u32() % (pause / 2);
	if (retry_after > RETRY_AFTER_MOST)
		retry_after = RETRY_AFTER_MOST;
	if (pause < (uint64_t)retry_after * 1000)
		pause = (uint64_t)retry_after * 1000;
	lane->failures++;
	log_event(DEBUG, "queue-pause", log_text("recipient", lane->recipient.text),
		  log_number("ms", pause));
	tmr_start(&lane->timer, pause, go, lane);
}

/* ---- putting parcels down */

struct queue_limits queue_limits_of(const struct queue *queue)
{
	const struct config_user *config = queue->user->config;

	return (struct queue_limits){
		.messages = config->queue_messages,
		.recipient = config->queue_recipient,
		.bytes = (uint64_t)config->queue_kilobytes * 1024,
	};
}

static int put(struct parcel *parcel, struct queue_item *item, struct problem *problem)
{
	struct queue *queue = parcel->lane->queue;
	const struct sip_msg *msg = parcel->server->msg;
	struct queue_limits limits = queue_limits_of(queue);

	item->lifetime = queue_text_lifetime(msg, queue->user->config->queue_age,
					     parcel->valid_until);
	if (item->lifetime <= 0)
		return problem_set(problem, -ESTALE, "its time is over");
	if (queue_text_write(item, msg, &parcel->route, &parcel->body, NULL))
		return problem_set(problem, -ENOMEM, "no memory");
	item->sender = parcel->sender;
	item->recipient = parcel->lane->recipient;
	return queue_store_put(queue->store, &limits, item, parcel->server->key, problem);
}

/* Put it down, or say why that cannot be. */
static int keep(struct parcel *parcel, bool flying, bool unsure, uint16_t code,
		const char *why, struct problem *problem)
{
	struct queue_item item = {
		.flying = flying,
		.unsure = unsure,
		.code = code,
		.words = strdup(why),
	};
	int err = put(parcel, &item, problem);

	if (!err) {
		parcel->id = item.id;
		server_event(parcel->server, DEBUG, "queue-put", log_number("id", item.id),
			     log_text("recipient", parcel->lane->recipient.text));
		parcel->begun = flying;
	}
	queue_item_wipe(&item);
	return err;
}

void lane_put(struct parcel *parcel, bool begun, const char *why)
{
	struct problem problem;

	/* without it the message goes its way still, but cannot wait */
	if (keep(parcel, begun, false, 0, why, &problem))
		server_event(parcel->server, DEBUG, "queue-not-kept",
			     log_text("recipient", parcel->lane->recipient.text),
			     log_text("reason", problem.words));
}

bool lane_accept(struct parcel *parcel, bool unsure, uint16_t code, const char *why)
{
	struct lane *lane = parcel->lane;
	struct mikeyd *mikeyd = lane->queue->mikeyd;
	bool flies = lane->flight && lane->flight->parcel == parcel;
	struct problem problem;

	if (!parcel->id && keep(parcel, flies, unsure, code, why, &problem)) {
		server_event(parcel->server, WARNING, "queue-not-kept",
			     log_text("recipient", lane->recipient.text),
			     log_text("reason", problem.words));
		problem_prefix(&problem, "%s, and the message cannot wait: ", why);
		/* one that is under way may get its answer still */
		if (!flies)
			proxy_refuse(mikeyd, parcel->server, 503, "Service Unavailable", true,
				     problem.words);
		return false;
	}
	counter_more(COUNTER_QUEUE_ACCEPTED, 0, 0);
	lane->rows = true;
	if (flies) {
		lane->flight->parcel = NULL;
		lane->flight->item.id = parcel->id;
		lane->flight->item.doubt = -1;
		queue_text_name(&lane->flight->item, parcel->server->txn);
	}
	problem_set(&problem, 0, "it will be sent later: %s", why);
	proxy_refuse(mikeyd, parcel->server, 202, "Accepted", false, problem.words);
	bundle_release(parcel);
	return true;
}

/* All parcels of a lane become rows; one that is under way may stay one. */
void lane_accept_all(struct lane *lane, const char *why)
{
	struct le *le = list_head(&lane->parcels);

	while (le) {
		struct parcel *parcel = le->data;
		bool flies = lane->flight && lane->flight->parcel == parcel;

		le = le->next;
		if (lane_accept(parcel, flies, 0, why) || !flies)
			mem_deref(parcel);
	}
}

/* ---- rows, and whose turn it is */

/* The disk fails, or the file: what that concerns is tried again. */
void lane_failed(const struct queue_item *item, const struct problem *problem)
{
	char txn[TXN_SIZE] = "";

	if (item)
		queue_text_txn(txn, item);
	log_event(ERROR, "queue-error", item ? log_text("txn", txn) : log_none(),
		  log_text("reason", problem->words));
}

static bool is_over(const struct queue_item *item)
{
	return item->settled && item->age >= item->lifetime;
}

void lane_end_row(struct lane *lane, const struct queue_item *item, bool delivered,
		  uint16_t code, const char *words)
{
	struct problem problem;
	char txn[TXN_SIZE];

	counter_more(COUNTER_QUEUE_ENDED, delivered ? QUEUE_ENDED_DELIVERED :
		     is_over(item) ? QUEUE_ENDED_EXPIRED : QUEUE_ENDED_FAILED, 0);
	if (queue_store_end(lane->queue->store, item->id, delivered, code, words, &problem))
		lane_failed(item, &problem);
	queue_text_txn(txn, item);
	log_fields(delivered ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING,
		   delivered ? "queue-delivered" : "queue-failed", (const struct log_field[]){
		log_text("txn", txn),
		log_number("id", item->id),
		log_text("recipient", lane->recipient.text),
		code ? log_number("status", code) : log_none(),
		delivered ? log_none() : log_text("reason", words),
		{ 0 }
	});
}

/* The first row of a lane; false if there is none to send. */
static bool first_row(struct lane *lane, struct queue_item *item)
{
	struct problem problem;
	int err;

	for (;;) {
		err = queue_store_first(lane->queue->store, &lane->recipient, item, &problem);
		if (err || !is_over(item))
			break;
		lane_end_row(lane, item, false, item->code, "it expired");
		queue_item_wipe(item);
	}
	if (!err && !bundle_holds(lane->queue, item->id))
		return true;
	if (!err) {		/* who holds it back lets the lane go on */
		queue_item_wipe(item);
		return false;
	}
	if (err == -ENOENT) {
		lane->rows = false;
		mem_deref(lane);
	} else {
		lane_failed(NULL, &problem);
		lane_pause(lane, 0);
	}
	return false;
}

/* The next step of a lane that has none under way. */
void lane_go(struct lane *lane)
{
	struct parcel *parcel = list_ledata(list_head(&lane->parcels));
	struct queue_item item;

	if (lane->flight)
		return;
	if (parcel && !lane->rows)
		flight_of_parcel(lane, parcel);
	else if (lane->queue->flights >= FLIGHTS_MAX)
		tmr_start(&lane->timer, CROWDED_MS, go, lane);
	else if (first_row(lane, &item))
		flight_of_row(lane, &item);
}
