// SPDX-License-Identifier: GPL-2.0-or-later
/* The attempts to send what waits, and how they end. */
#include "helper/mikeyd/queueflight.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helper/mikeyd/branch.h"
#include "helper/mikeyd/counters.h"
#include "helper/mikeyd/proxy.h"
#include "helper/mikeyd/queuebundle.h"
#include "helper/mikeyd/queuefate.h"
#include "helper/mikeyd/queuetext.h"

static const char others[] = "others wait for the same recipient";

static void flight_destroy(void *data)
{
	struct flight *flight = data;

	if (flight->lane) {
		flight->lane->flight = NULL;
		flight->lane->queue->flights--;
	}
	queue_item_wipe(&flight->item);
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

/* The seconds; a comment may follow, and parameters (RFC 3261 20.33). */
static unsigned int retry_after(const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sipmsg_find(msg, "Retry-After");
	struct pl seconds = PL_INIT;

	if (!hdr)
		return 0;
	for (seconds.p = hdr->val.p; seconds.l < hdr->val.l && seconds.l < 9; seconds.l++)
		if (seconds.p[seconds.l] < '0' || seconds.p[seconds.l] > '9')
			break;
	return pl_u32(&seconds);
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
			lane_failed(item, &problem);
		lane_pause(lane, err ? 0 : retry_after(msg));
	}
}

/*
 * It was taken. The client is told first and the message forgotten then: who is killed
 * between the two sends it once more, and the recipient's record knows it.
 */
static void taken(struct parcel *parcel, const struct sip_msg *msg)
{
	struct queue *queue = parcel->lane->queue;
	struct problem problem;

	proxy_relay(queue->mikeyd, parcel->server, 0, msg, NULL);
	if (parcel->id && queue_store_end(queue->store, parcel->id, true, msg->scode, "",
					  &problem))
		server_event(parcel->server, ERROR, "queue-error",
			     log_text("reason", problem.words));
	bundle_release(parcel);
}

/*
 * It was refused, or is too large for any way. It is forgotten first: a client that was
 * told so is not to find that it was sent later. What cannot be forgotten is sent later,
 * then, and refused once more: false.
 */
static bool refused(struct parcel *parcel, int err, const struct sip_msg *msg)
{
	struct mikeyd *mikeyd = parcel->lane->queue->mikeyd;
	struct problem problem;
	char text[160];

	if (bundle_withdraw(parcel, &problem)) {
		server_event(parcel->server, ERROR, "queue-error",
			     log_text("reason", problem.words));
		lane_accept(parcel, false, err ? 0 : msg->scode,
			    words_of(err, msg, text, sizeof(text)));
		return false;
	}
	if (err)
		proxy_refuse(mikeyd, parcel->server, 513, "Message Too Large", false,
			     "too large for the way it has to go");
	else
		proxy_relay(mikeyd, parcel->server, 0, msg, NULL);
	return true;
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
	uint16_t code = err ? 0 : msg->scode;
	bool over = true;
	char text[160];

	if (!queue_is_away(err, code)) {
		if (code == 401 || code == 407 || code / 100 == 2)
			queue_store_set_challenged(queue->store, code / 100 == 4);
		if (code / 100 == 2)
			taken(parcel, msg);
		else
			over = refused(parcel, err, msg);
		mem_deref(parcel);
		if (over) {
			lane_go_next(lane);
		} else {
			lane_accept_all(lane, others);
			lane_pause(lane, 0);
		}
		return;
	}
	lane->unanswered = err;
	if (err)
		queue->hop_away = true;
	if (failed_once(parcel, err, code, words_of(err, msg, text, sizeof(text)))) {
		mem_deref(parcel);
		lane_accept_all(lane, others);
		lane_pause(lane, err ? 0 : retry_after(msg));
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

void flight_of_parcel(struct lane *lane, struct parcel *parcel)
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
		/* it is on the disk, where nobody may think it refused */
		lane_accept_all(lane, "no memory");
		lane_pause(lane, 0);
		return;
	}
	flight->parcel = parcel;
	if (parcel->id && !parcel->begun &&
	    queue_store_begin(lane->queue->store, parcel->id, &problem))
		server_event(parcel->server, ERROR, "queue-error",
			     log_text("reason", problem.words));
	pl_set_str(&content.headers, parcel->body.headers);
	pl_set_mbuf(&content.body, parcel->body.body);
	branch_write(branch, &parcel->server->flow, parcel->server->msg);
	err = route_write(mikeyd, &route, &pass, branch, &mb);
	server_forwarded(parcel->server, &route.to, branch);
	take_off(flight, &route.to, branch, mb, err);
}

void flight_of_row(struct lane *lane, struct queue_item *item)
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
		lane_failed(item, &problem);
		mem_deref(flight);
		queue_item_wipe(item);
		lane_pause(lane, 0);
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
