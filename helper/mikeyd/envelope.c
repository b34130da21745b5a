// SPDX-License-Identifier: GPL-2.0-or-later
/* Received messages on their way to the client, and the copies of each. */
#include "helper/mikeyd/envelope.h"

#include <errno.h>
#include <openssl/sha.h>
#include <string.h>

#include "helper/lib/netlink.h"
#include "helper/mikeyd/counters.h"
#include "helper/mikeyd/entity.h"
#include "helper/mikeyd/inbox_sip.h"
#include "helper/mikeyd/listserver.h"
#include "helper/mikeyd/proxy.h"
#include "helper/mikeyd/record.h"
#include "helper/mikeyd/verdict.h"
#include "helper/mikeyd/verified.h"

/* What is said where nobody took a message, or where that is not known. */
#define NOT_TAKEN 480

struct copy {
	struct le le;
	struct envelope *envelope;
	struct server *server;
	struct route route;
	enum {
		COPY_WAITS,
		COPY_ECHO,		/* same contact as another: not sent */
		COPY_SENT,
		COPY_DONE,
	} state;
	uint16_t code;			/* the contact's answer, 0 = none */
};

static void copy_destroy(void *data)
{
	struct copy *copy = data;

	list_unlink(&copy->le);
	mem_deref(copy->server);
}

static void envelope_destroy(void *data)
{
	struct envelope *envelope = data;

	inbox_release(envelope->user ? envelope->user->inbox : NULL, &envelope->place);
	list_unlink(&envelope->le);
	list_flush(&envelope->copies);
	genl_client_close(envelope->client);
	bytes_wipe(&envelope->transfer);
	bytes_wipe(&envelope->cms);
	bytes_wipe(&envelope->opened.entity);
	mem_deref(envelope->headers);
	mem_deref(envelope->line);
	mem_deref((void *)envelope->rules);
	mem_deref(envelope->user);
}

static void make_key(struct envelope_key *key, const struct bytes *transfer,
		     const struct bytes *cms)
{
	struct {
		uint8_t transfer[SHA256_DIGEST_LENGTH], cms[SHA256_DIGEST_LENGTH];
	} both;

	SHA256(transfer->data, transfer->len, both.transfer);
	SHA256(cms->data, cms->len, both.cms);
	SHA256((const uint8_t *)&both, sizeof(both), key->digest);
}

static struct copy *copy_add(struct envelope *envelope, struct server *server,
			     const struct route *route)
{
	struct copy *copy = mem_zalloc(sizeof(*copy), copy_destroy);

	if (!copy)
		return NULL;
	copy->envelope = envelope;
	copy->server = mem_ref(server);
	copy->route = *route;
	list_append(&envelope->copies, &copy->le, copy);
	return copy;
}

struct envelope *envelope_new(struct user *user, struct list *list, struct server *server,
			      const struct route *route, struct bytes *transfer,
			      struct bytes *cms)
{
	struct envelope *envelope = mem_zalloc(sizeof(*envelope), envelope_destroy);

	if (!envelope || !copy_add(envelope, server, route)) {
		mem_deref(envelope);
		bytes_wipe(transfer);
		bytes_wipe(cms);
		return NULL;
	}
	envelope->user = mem_ref(user);
	envelope->rules = mem_ref((void *)user->rules);
	envelope->transfer = *transfer;
	envelope->cms = *cms;
	make_key(&envelope->key, transfer, cms);
	list_append(list, &envelope->le, envelope);
	return envelope;
}

struct envelope *envelope_find(const struct list *list, const struct bytes *transfer,
			       const struct bytes *cms)
{
	struct envelope_key key;
	struct le *le;

	make_key(&key, transfer, cms);
	LIST_FOREACH(list, le) {
		struct envelope *envelope = le->data;

		if (!memcmp(&envelope->key, &key, sizeof(key)))
			return envelope;
	}
	return NULL;
}

void envelope_refuse(struct envelope *envelope, const struct problem *problem)
{
	struct verdict verdict = verdict_incoming(problem);
	struct le *le;

	counter_more(COUNTER_REFUSED, DIRECTION_INCOMING, verdict_class(problem));
	LIST_FOREACH(&envelope->copies, le) {
		struct copy *copy = le->data;

		proxy_refuse(envelope->user->mikeyd, copy->server, verdict.code, verdict.reason,
			     verdict.retry, problem->words);
	}
	mem_deref(envelope);
}

static void answer_as_before(struct server *server, uint16_t code)
{
	if (!code)
		code = NOT_TAKEN;
	server_respond(server, code, code == NOT_TAKEN ? "Temporarily Unavailable" :
		       code / 100 == 2 ? "OK" : "As Before", NULL);
}

void envelope_repeat(struct envelope *envelope, uint16_t code)
{
	struct le *le;

	counter_more(COUNTER_REPLAYS, code ? REPLAY_AS_BEFORE : REPLAY_UNCONFIRMED, 0);
	log_event(INFO, "replay", log_text("txn", envelope_txn(envelope)),
		  log_text("sender", envelope->sender.text),
		  log_number("status", code ?: NOT_TAKEN),
		  log_text("reason", code ? "it came before, and is answered as it was then" :
			   "it came before, and nobody confirmed its delivery"));
	LIST_FOREACH(&envelope->copies, le) {
		struct copy *copy = le->data;

		answer_as_before(copy->server, code);
	}
	mem_deref(envelope);
}

void envelope_answer(struct envelope *envelope, struct verdict verdict, const char *words,
		     const char *headers)
{
	struct le *le;

	record_answer(envelope->user->record, &envelope->sender, &envelope->mac, verdict.code);
	LIST_FOREACH(&envelope->copies, le) {
		struct copy *copy = le->data;

		if (headers)
			server_respond(copy->server, verdict.code, verdict.reason, headers);
		else
			proxy_refuse(envelope->user->mikeyd, copy->server, verdict.code,
				     verdict.reason, verdict.retry, words);
	}
	mem_deref(envelope);
}

const char *envelope_txn(const struct envelope *envelope)
{
	const struct copy *first = list_ledata(list_head(&envelope->copies));

	return first->server->txn;
}

const struct sip_msg *envelope_message(const struct envelope *envelope)
{
	const struct copy *first = list_ledata(list_head(&envelope->copies));

	return first->server->msg;
}

const struct route *envelope_route(const struct envelope *envelope)
{
	const struct copy *first = list_ledata(list_head(&envelope->copies));

	return &first->route;
}

static bool same_way(const struct copy *copy, const struct route *route)
{
	if (copy->route.inbox || route->inbox)
		return copy->route.inbox && route->inbox;
	return copy->route.to.tp == route->to.tp &&
		sa_cmp(&copy->route.to.peer, &route->to.peer, SA_ALL);
}

/* Copies for a contact that got its copy are answered as that one was. */
static void answer_echoes(struct envelope *envelope, const struct copy *copy)
{
	struct le *le;

	LIST_FOREACH(&envelope->copies, le) {
		struct copy *other = le->data;

		if (other->state != COPY_ECHO || !same_way(other, &copy->route))
			continue;
		answer_as_before(other->server, copy->code);
		other->state = COPY_DONE;
	}
}

/* A copy got its answer, or none; the envelope goes with the last one. */
static void delivered(uint16_t code, void *arg)
{
	struct copy *copy = arg;
	struct envelope *envelope = copy->envelope;
	struct le *le;

	/* nobody took it: who sends it again must not be told it was delivered */
	record_answer(envelope->user->record, &envelope->sender, &envelope->mac,
		      code ?: NOT_TAKEN);
	copy->state = COPY_DONE;
	copy->code = code;
	server_event(copy->server, DEBUG, "delivered", log_number("status", code));
	answer_echoes(envelope, copy);
	LIST_FOREACH(&envelope->copies, le)
		if (((struct copy *)le->data)->state != COPY_DONE)
			return;
	mem_deref(envelope);
}

/* The inbox, or its program, has it, or nobody has. */
static void kept(uint16_t code, void *arg)
{
	struct copy *copy = arg;
	struct server *server = mem_ref(copy->server);

	/* what is remembered of it must not be less than what is said */
	delivered(code, copy);
	answer_as_before(server, code);
	mem_deref(server);
}

static void keep_copy(struct copy *copy)
{
	const struct envelope *envelope = copy->envelope;
	struct inbox_message message;

	copy->state = COPY_SENT;
	if (inbox_message_opened(&message, copy->server->msg, &envelope->opened,
				 &envelope->original, &envelope->mac, envelope->headers,
				 &envelope->body)) {
		kept(NOT_TAKEN, copy);
		return;
	}
	memcpy(message.txn, copy->server->txn, sizeof(message.txn));
	inbox_give(envelope->user->inbox, &message, kept, copy);
}

/* What a copy claims is its own: only the protected parts are the same. */
static void send_copy(struct copy *copy)
{
	const struct envelope *envelope = copy->envelope;
	const struct sip_msg *msg = copy->server->msg;
	char *from = verified_from(msg, &envelope->opened, &envelope->original);
	char *identity = verified_identity(msg, &envelope->opened, &envelope->original);
	struct sip_content content = { .body = envelope->body };
	struct sip_pass pass = {
		.content = &content,
		.headers = envelope->line,
		.from = from,
		.identity = identity,
	};

	copy->state = COPY_SENT;
	pl_set_str(&content.headers, envelope->headers);
	proxy_forward(envelope->user->mikeyd, copy->server, &copy->route, &pass, delivered, copy);
	mem_deref(from);
	mem_deref(identity);
}

static void pass_copy(struct copy *copy)
{
	if (copy->route.inbox)
		keep_copy(copy);
	else
		send_copy(copy);
}

/* The copy that goes to this contact, if there is one. */
static struct copy *copy_find(const struct envelope *envelope, const struct route *route)
{
	struct le *le;

	LIST_FOREACH(&envelope->copies, le)
		if (same_way(le->data, route))
			return le->data;
	return NULL;
}

int envelope_reserve(struct envelope *envelope, const struct route *route,
		     struct problem *problem)
{
	if (!route->inbox || envelope->place.reserved)
		return 0;
	/* what is inside is shorter than what it is in */
	return inbox_reserve(envelope->user->inbox, &envelope->place, envelope->cms.len,
			     problem);
}

void envelope_join(struct envelope *envelope, struct server *server,
		   const struct route *route)
{
	const struct copy *same = copy_find(envelope, route);
	struct copy *copy;

	if (same && same->state == COPY_DONE) {
		answer_as_before(server, same->code);
		return;
	}
	copy = copy_add(envelope, server, route);
	if (!copy)
		return;
	server_event(server, DEBUG, "copy", log_text("of", envelope_txn(envelope)));
	if (same)
		copy->state = COPY_ECHO;
	else if (envelope->line)
		pass_copy(copy);
}

/* Is this a list server by which the user may be addressed? Then it is believed. */
static bool is_list_service(const struct config_user *config, const struct uid *uid)
{
	for (unsigned int i = 0; i < config->n_list_services; i++)
		if (uid_equal(&config->list_services[i], uid))
			return true;
	return false;
}

void envelope_deliver(struct envelope *envelope, struct mime_opened *opened)
{
	struct problem problem;
	struct le *le;

	envelope->opened = *opened;
	if (envelope->list) {
		listserver_opened(envelope);
		return;
	}
	if (!is_list_service(envelope->user->config, &opened->initiator) ||
	    !sender_read(&envelope->original, &opened->entity))
		envelope->original.uid.len = 0;
	if (entity_split(&envelope->opened.entity, &envelope->headers, &envelope->body)) {
		problem_set(&problem, -EBADMSG, "what was protected is no MIME entity");
		envelope_refuse(envelope, &problem);
		return;
	}
	envelope->line = verified_line(opened, &envelope->original);
	if (!envelope->line) {
		problem_set(&problem, -ENOMEM, "no memory");
		envelope_refuse(envelope, &problem);
		return;
	}
	/* the last one may end at once and take the envelope along */
	mem_ref(envelope);
	LIST_FOREACH(&envelope->copies, le) {
		struct copy *copy = le->data;

		if (copy->state == COPY_WAITS)
			pass_copy(copy);
	}
	mem_deref(envelope);
}
