// SPDX-License-Identifier: GPL-2.0-or-later
/* Who waits for one recipient, and the attempts. */
#include "helper/mikeyd/queuelane.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helper/mikeyd/counters.h"
#include "helper/mikeyd/proxy.h"
#include "helper/mikeyd/queuebundle.h"
#include "helper/mikeyd/queuefate.h"
#include "helper/mikeyd/queuetext.h"

/* So many attempts of one user are made at once; others look again soon. */
#define FLIGHTS_MAX 16
#define CROWDED_MS 200
/* The pause after a failure: doubled each time, the second half of it by chance. */
#define PAUSE_MS 2000
#define PAUSE_MOST_MS 300000
#define RETRY_AFTER_MOST 3600

/* An attempt, of a parcel or of a row. */
struct flight {
	struct lane *lane;		/* NULL: the queue was closed meanwhile */
	struct parcel *parcel;		/* NULL: of a row */
	struct queue_item item;		/* without texts */
};

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

static void flight_destroy(void *data)
{
	struct flight *flight = data;

	if (flight->lane) {
		flight->lane->flight = NULL;
		flight->lane->queue->flights--;
	}
	queue_item_wipe(&flight->item);
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

static struct flight *flight_new(struct lane *lane)
{
	struct flight *flight = mem_zalloc(sizeof(*flight), flight_destroy);

	if (!flight)
		return NULL;
	flight->lane = lane;
	lane->flight = flight;
	lane->queue->flights++;
	return flight;
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

static void pause_lane(struct lane *lane, unsigned int retry_after)
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

/* ---- attempts */

static unsigned int retry_after(const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sipmsg_find(msg, "Retry-After");

	return hdr ? pl_u32(&hdr->val) : 0;
}

static const char *words_of(int err, const struct sip_msg *msg, char *text, size_t size)
{
	if (err == -ETIMEDOUT)
		return "there was no answer";
	if (err)
		re_snprintf(text, size, "the next SIP hop cannot be reached: %s",
			    strerror(-err));
	else
		re_snprintf(text, size, "the answer was %u %r", msg->scode, &msg->reason);
	return text;
}

/* The disk fails, or the file: what that concerns is tried again. */
static void failed(const struct queue_item *item, const struct problem *problem)
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
		failed(item, &problem);
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

static enum queue_fate decide(struct queue_item *item, int err, uint16_t code)
{
	enum queue_fate fate;

	if (err)
		return err == -EMSGSIZE ? QUEUE_FAILED : QUEUE_AGAIN;
	fate = queue_fate(code, item->unsure);
	if (fate != QUEUE_DOUBT)
		item->doubt = -1;
	else if (item->doubt < 0)
		item->doubt = item->age;
	else if (item->age - item->doubt > QUEUE_DOUBT_SECONDS)
		fate = QUEUE_FAILED;
	return fate;
}

/* An attempt of a row ended; the next step is the timer's. */
static void row_ended(struct lane *lane, struct queue_item *item, int err,
		      const struct sip_msg *msg)
{
	struct queue *queue = lane->queue;
	uint16_t code = err ? 0 : msg->scode;
	enum queue_fate fate = decide(item, err, code);
	const char *words;
	struct problem problem;
	char text[160];

	lane->unanswered = err;
	if (err)
		queue->hop_away = true;
	if (code == 401 || code == 407)
		queue_store_set_challenged(queue->store, true);
	switch (fate) {
	case QUEUE_DELIVERED:
	case QUEUE_FAILED:
		words = code == 401 || code == 407 ?
			"the next SIP hop wants credentials, which only the client has" :
			words_of(err, msg, text, sizeof(text));
		lane_end_row(lane, item, fate == QUEUE_DELIVERED, code, words);
		lane->failures = 0;
		lane_go_next(lane);
		break;
	default:
		item->unsure |= queue_may_have_arrived(err, code);
		item->code = code;
		free(item->words);
		item->words = strdup(words_of(err, msg, text, sizeof(text)));
		if (queue_store_again(queue->store, item, &problem))
			failed(item, &problem);
		pause_lane(lane, err ? 0 : retry_after(msg));
	}
}

/*
 * The client has its answer. Told first and forgotten then: who is killed between
 * the two sends it once more, and the recipient's record knows it.
 */
static void forget(struct parcel *parcel, uint16_t code)
{
	struct queue_store *store = parcel->lane->queue->store;
	struct problem problem;
	int err = 0;

	if (parcel->id && code / 100 == 2)
		err = queue_store_end(store, parcel->id, true, code, "", &problem);
	else if (parcel->id)
		err = queue_store_withdraw(store, parcel->id, parcel->server->key, &problem);
	if (err)
		server_event(parcel->server, ERROR, "queue-error",
			     log_text("reason", problem.words));
}

/* The first attempt failed; may it wait for another one? */
static bool failed_once(struct parcel *parcel, int err, uint16_t code, const char *why)
{
	struct queue_item item = {
		.id = parcel->id,
		.unsure = queue_may_have_arrived(err, code),
		.doubt = -1,
		.code = code,
		.words = (char *)why,
	};
	struct problem problem;

	if (parcel->id && queue_store_again(parcel->lane->queue->store, &item, &problem))
		server_event(parcel->server, ERROR, "queue-error",
			     log_text("reason", problem.words));
	return lane_accept(parcel, item.unsure, code, why);
}

/* An attempt of a parcel ended. */
static void parcel_ended(struct parcel *parcel, int err, const struct sip_msg *msg)
{
	struct lane *lane = parcel->lane;
	struct queue *queue = lane->queue;
	struct mikeyd *mikeyd = queue->mikeyd;
	uint16_t code = err ? 0 : msg->scode;
	char text[160];

	if (!queue_is_away(err, code)) {
		if (code == 401 || code == 407 || code / 100 == 2)
			queue_store_set_challenged(queue->store, code / 100 == 4);
		if (code / 100 != 2)
			bundle_drop(parcel);
		if (err)
			proxy_refuse(mikeyd, parcel->server, 513, "Message Too Large", false,
				     "too large for the way it has to go");
		else
			proxy_relay(mikeyd, parcel->server, 0, msg, NULL);
		forget(parcel, code);
		bundle_release(parcel);
		mem_deref(parcel);
		lane_go_next(lane);
		return;
	}
	lane->unanswered = err;
	if (err)
		queue->hop_away = true;
	if (failed_once(parcel, err, code, words_of(err, msg, text, sizeof(text)))) {
		mem_deref(parcel);
		lane_accept_all(lane, "others wait for the same recipient");
		pause_lane(lane, err ? 0 : retry_after(msg));
	} else if (err == -ECANCELED) {
		list_flush(&lane->parcels);
	} else {
		mem_deref(parcel);
		lane_go_next(lane);
	}
}

static void flight_ended(struct flight *flight, int err, const struct sip_msg *msg)
{
	struct lane *lane = flight->lane;
	struct parcel *parcel = flight->parcel;
	struct queue_item item = flight->item;

	memset(&flight->item, 0, sizeof(flight->item));
	mem_deref(flight);
	if (!lane)	/* what is on the disk is sent again when it is opened again */
		log_event(DEBUG, "queue-late-answer", log_number("id", item.id));
	else if (parcel)
		parcel_ended(parcel, err, msg);
	else if (err != -ECANCELED)	/* else it goes on at the next start */
		row_ended(lane, &item, err, msg);
	queue_item_wipe(&item);
}

static void got_answer(int err, const struct sip_msg *msg, void *arg)
{
	if (err || msg->scode >= 200)
		flight_ended(arg, err, msg);
}

/* Send what was written, and hear from it once. */
static void take_off(struct flight *flight, const struct flow *to, const char *branch,
		     struct mbuf *mb, int err)
{
	static const struct pl method = PL("MESSAGE");
	struct mikeyd *mikeyd = flight->lane->queue->mikeyd;

	if (!err)
		err = client_send(mikeyd->transactions, to, branch, &method, mb, got_answer,
				  flight);
	sipmsg_wipe(mb);
	if (err)
		flight_ended(flight, err, NULL);
}

static void fly_parcel(struct lane *lane, struct parcel *parcel)
{
	struct mikeyd *mikeyd = lane->queue->mikeyd;
	struct flight *flight = flight_new(lane);
	struct route route = parcel->route;
	char branch[BRANCH_SIZE];
	struct sip_content content;
	struct sip_pass pass = {
		.msg = parcel->server->msg,
		.received_via = parcel->server->via,
		.content = &content,
	};
	struct mbuf *mb = NULL;
	struct problem problem;
	int err;

	if (!flight) {
		proxy_refuse(mikeyd, parcel->server, 503, "Service Unavailable", true, "no memory");
		mem_deref(parcel);
		lane_go_next(lane);
		return;
	}
	flight->parcel = parcel;
	if (parcel->id && !parcel->begun &&
	    queue_store_begin(lane->queue->store, parcel->id, &problem))
		server_event(parcel->server, ERROR, "queue-error",
			     log_text("reason", problem.words));
	pl_set_str(&content.headers, parcel->body.headers);
	pl_set_mbuf(&content.body, parcel->body.body);
	route_branch(branch, &parcel->server->flow, parcel->server->msg);
	err = route_write(mikeyd, &route, &pass, branch, &mb);
	server_forwarded(parcel->server, &route.to, branch);
	take_off(flight, &route.to, branch, mb, err);
}

static void fly_row(struct lane *lane, struct queue_item *item)
{
	struct flight *flight = flight_new(lane);
	struct problem problem;
	char branch[BRANCH_SIZE], txn[TXN_SIZE], as[TXN_SIZE];
	struct mbuf *mb = NULL;
	struct route route;
	int err;

	if (!flight)
		problem_set(&problem, -ENOMEM, "no memory");
	if (!flight || queue_store_begin(lane->queue->store, item->id, &problem)) {
		failed(item, &problem);
		mem_deref(flight);
		queue_item_wipe(item);
		pause_lane(lane, 0);
		return;
	}
	err = queue_text_attempt(lane->queue->user, item, &route, branch, &mb, as);
	queue_text_txn(txn, item);
	log_event(DEBUG, "queue-attempt", log_text("txn", txn), log_number("id", item->id),
		  log_number("attempt", item->attempts + 1), log_text("as", as));
	counter_more(COUNTER_QUEUE_ATTEMPTS, 0, 0);
	flight->item = *item;
	take_off(flight, &route.to, branch, mb, err);
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
		failed(NULL, &problem);
		pause_lane(lane, 0);
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
		fly_parcel(lane, parcel);
	else if (lane->queue->flights >= FLIGHTS_MAX)
		tmr_start(&lane->timer, CROWDED_MS, go, lane);
	else if (first_row(lane, &item))
		fly_row(lane, &item);
}
