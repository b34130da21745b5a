// SPDX-License-Identifier: GPL-2.0-or-later
/* Opening what the user receives. */
#include "helper/mikeyd/incoming.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "helper/lib/keyring.h"
#include "helper/lib/log.h"
#include "helper/lib/mime.h"
#include "helper/mikeyd/answers.h"
#include "helper/mikeyd/entity.h"
#include "helper/mikeyd/kms.h"
#include "helper/mikeyd/multipart.h"
#include "helper/mikeyd/proxy.h"
#include "helper/mikeyd/psk.h"
#include "helper/mikeyd/tickets.h"
#include "helper/mikeyd/verdict.h"

struct incoming {
	struct list envelopes;		/* not answered yet */
	unsigned int resolving;
	struct answers answers;
	struct uid *identities;		/* own UIDs, then groups */
	unsigned int n_identities;
};

/*
 * A message that is being opened, or was and is on its way to the client. A
 * forking proxy sends one and the same to each contact of the user, and some of
 * them may lead nowhere any more: all copies that arrive meanwhile share one
 * envelope, which is opened once, and each goes to its own contact.
 */
struct envelope {
	struct le le;
	struct mikeyd *mikeyd;
	struct list copies;
	struct bytes transfer, cms;
	uint32_t exchange;
	struct answer_key key;
	bool resolving;

	/* once opened */
	struct bytes entity;
	struct pl body;			/* points into entity */
	char *headers, *line, *from;
};

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

	list_unlink(&envelope->le);
	if (envelope->resolving)
		envelope->mikeyd->incoming->resolving--;
	list_flush(&envelope->copies);
	bytes_wipe(&envelope->transfer);
	bytes_wipe(&envelope->cms);
	bytes_wipe(&envelope->entity);
	mem_deref(envelope->headers);
	mem_deref(envelope->line);
	mem_deref(envelope->from);
}

int incoming_open(struct mikeyd *mikeyd, struct problem *problem)
{
	const struct config *config = mikeyd->config;
	struct incoming *incoming = calloc(1, sizeof(*incoming));
	unsigned int all = config->n_identities + config->n_groups;

	mikeyd->incoming = incoming;
	if (incoming)
		incoming->identities = calloc(all, sizeof(*incoming->identities));
	if (!incoming || !incoming->identities) {
		incoming_close(mikeyd);
		return problem_set(problem, -ENOMEM, "no memory");
	}
	for (unsigned int i = 0; i < all; i++)
		incoming->identities[i] = i < config->n_identities ?
			config->identities[i] : config->groups[i - config->n_identities];
	incoming->n_identities = all;
	return 0;
}

/* All copies get the same refusal. */
static void refuse(struct envelope *envelope, const struct problem *problem)
{
	struct verdict verdict = verdict_incoming(problem->error);
	struct le *le;

	LIST_FOREACH(&envelope->copies, le) {
		struct copy *copy = le->data;

		proxy_refuse(envelope->mikeyd, copy->server, verdict.code, verdict.reason,
			     verdict.retry, problem->words);
	}
	mem_deref(envelope);
}

void incoming_close(struct mikeyd *mikeyd)
{
	struct problem problem;
	struct le *le;

	if (!mikeyd->incoming)
		return;
	problem_set(&problem, -ETIMEDOUT, "mikeyd is ending");
	while ((le = list_head(&mikeyd->incoming->envelopes)))
		refuse(le->data, &problem);
	free(mikeyd->incoming->identities);
	free(mikeyd->incoming);
	mikeyd->incoming = NULL;
}

static void answer_as_before(struct server *server, uint16_t code)
{
	server_respond(server, code ? code : 200, code && code / 100 != 2 ? "As Before" : "OK",
		       NULL);
}

/* Delivered before: the same answer, and no second delivery. */
static void repeat(struct envelope *envelope)
{
	uint16_t code = answers_find(&envelope->mikeyd->incoming->answers, &envelope->key);
	struct le *le;

	log_info("a message came again: not delivered a second time");
	LIST_FOREACH(&envelope->copies, le) {
		struct copy *copy = le->data;

		answer_as_before(copy->server, code);
	}
	mem_deref(envelope);
}

static bool same_way(const struct copy *copy, const struct route *route)
{
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
		answer_as_before(other->server, copy->code ?: 480);
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
	answers_add(&envelope->mikeyd->incoming->answers, &envelope->key, code ?: 480);
	copy->state = COPY_DONE;
	copy->code = code;
	answer_echoes(envelope, copy);
	LIST_FOREACH(&envelope->copies, le)
		if (((struct copy *)le->data)->state != COPY_DONE)
			return;
	mem_deref(envelope);
}

/*
 * From as the client shows it. Where somebody else was verified, that one takes
 * its place, and what was claimed becomes the display name; the tag stays,
 * since it is the transaction's.
 */
static char *shown_from(const struct sip_msg *msg, const struct mime_opened *opened)
{
	char escaped[UID_ESCAPED_MAX], *from = NULL;
	struct uid claimed;

	if (uid_from_uri(&claimed, msg->from.auri.p, msg->from.auri.l))
		claimed.len = 0;
	claimed.text[claimed.len] = '\0';
	if (uid_equal(&claimed, &opened->initiator))
		return NULL;
	log_warning("From says %.*s, but the sender is %s", (int)msg->from.auri.l,
		    msg->from.auri.p, opened->initiator.text);
	for (size_t i = 0; i < claimed.len; i++)
		if (claimed.text[i] == '"' || claimed.text[i] == '\\')
			claimed.text[i] = '\'';
	uid_escape(escaped, &opened->initiator);
	if (re_sdprintf(&from, "\"claims to be %s\" <sip:%s>%s%r", claimed.len ?
			claimed.text : "somebody else", escaped,
			pl_isset(&msg->from.tag) ? ";tag=" : "", &msg->from.tag))
		return NULL;
	return from;
}

static char *verified_line(const struct mime_opened *opened)
{
	char escaped[UID_ESCAPED_MAX], sent[32] = "", *line = NULL;
	time_t seconds = opened->sent;
	struct tm tm;

	uid_escape(escaped, &opened->initiator);
	if (gmtime_r(&seconds, &tm))
		strftime(sent, sizeof(sent), "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (re_sdprintf(&line, "%s: <%s>; proved=%s; sent=%s; form=%s\r\n", VERIFIED_HEADER,
			escaped, mime_proved_name(opened->proved), sent,
			mime_form_name(opened->form)))
		return NULL;
	return line;
}

static void send_copy(struct copy *copy)
{
	const struct envelope *envelope = copy->envelope;
	struct sip_content content = { .body = envelope->body };
	struct sip_pass pass = {
		.content = &content,
		.headers = envelope->line,
		.from = envelope->from,
	};

	copy->state = COPY_SENT;
	pl_set_str(&content.headers, envelope->headers);
	proxy_forward(envelope->mikeyd, copy->server, &copy->route, &pass, delivered, copy);
}

/* Give it to each contact it came for. */
static void deliver(struct envelope *envelope, const struct mime_opened *opened)
{
	const struct copy *first = list_ledata(list_head(&envelope->copies));
	struct problem problem;
	struct le *le;

	if (entity_split(&envelope->entity, &envelope->headers, &envelope->body)) {
		problem_set(&problem, -EBADMSG, "what was protected is no MIME entity");
		refuse(envelope, &problem);
		return;
	}
	envelope->from = shown_from(first->server->msg, opened);
	envelope->line = verified_line(opened);
	if (!envelope->line) {
		problem_set(&problem, -ENOMEM, "no memory");
		refuse(envelope, &problem);
		return;
	}
	/* the last one may end at once and take the envelope along */
	mem_ref(envelope);
	LIST_FOREACH(&envelope->copies, le) {
		struct copy *copy = le->data;

		if (copy->state == COPY_WAITS)
			send_copy(copy);
	}
	mem_deref(envelope);
}

static void unprotect(struct envelope *envelope, int32_t ticket)
{
	struct mikeyd *mikeyd = envelope->mikeyd;
	struct mime_opened opened;
	struct problem problem, ignored;
	int err;

	err = mime_unprotect(mikeyd->mime_client, ticket, mikeyd->config->accept,
			     &envelope->transfer, &envelope->cms, &opened, &problem);
	/* good for this one message (profile immediate), which was opened or not */
	keyring_drop(ticket, &ignored);
	if (err == -EALREADY) {
		repeat(envelope);
	} else if (err) {
		refuse(envelope, &problem);
	} else {
		envelope->entity = opened.entity;
		deliver(envelope, &opened);
	}
}

static void answered(const struct bytes *answer, const struct problem *failure, void *arg)
{
	struct envelope *envelope = arg;
	struct mikeyd *mikeyd = envelope->mikeyd;
	struct problem problem;
	int32_t ticket;
	int err;

	envelope->resolving = false;
	mikeyd->incoming->resolving--;
	if (!answer) {
		refuse(envelope, failure);
		return;
	}
	do {
		err = ticket_close(mikeyd->ticket_client, MIKEY_TICKET_CMD_ADMIT,
				   envelope->exchange, answer, &ticket, NULL, &problem);
	} while (err == -EDQUOT && tickets_drop_oldest(mikeyd->tickets));
	if (err)
		refuse(envelope, &problem);
	else
		unprotect(envelope, ticket);
}

static void resolve(struct envelope *envelope)
{
	struct mikeyd *mikeyd = envelope->mikeyd;
	struct incoming *incoming = mikeyd->incoming;
	struct problem problem;
	struct bytes message;
	int err;

	do {
		err = ticket_resolve(mikeyd->ticket_client, &mikeyd->party,
				     incoming->identities, incoming->n_identities,
				     &envelope->transfer, &envelope->exchange, &message,
				     &problem);
	} while (err && psk_renew(mikeyd, err));
	if (!err) {
		err = kms_post(mikeyd->kms, KMS_TICKET_RESOLVE, &message, answered, envelope,
			       &problem);
		bytes_wipe(&message);
	}
	if (err) {
		refuse(envelope, &problem);
		return;
	}
	envelope->resolving = true;
	incoming->resolving++;
}

static struct envelope *envelope_find(const struct incoming *incoming,
				      const struct answer_key *key)
{
	struct le *le;

	LIST_FOREACH(&incoming->envelopes, le) {
		struct envelope *envelope = le->data;

		if (!memcmp(&envelope->key, key, sizeof(*key)))
			return envelope;
	}
	return NULL;
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

/* A further copy of a message whose envelope is there. */
static void join(struct envelope *envelope, struct server *server, const struct route *route)
{
	const struct copy *same = copy_find(envelope, route);
	struct copy *copy;

	if (same && same->state == COPY_DONE) {
		answer_as_before(server, same->code ?: 480);
		return;
	}
	copy = copy_add(envelope, server, route);
	if (!copy)
		return;
	if (same)
		copy->state = COPY_ECHO;
	else if (envelope->line)
		send_copy(copy);
}

/* A new envelope with its first copy; takes transfer and cms. */
static struct envelope *envelope_new(struct mikeyd *mikeyd, struct server *server,
				     const struct route *route, const struct answer_key *key,
				     struct bytes *transfer, struct bytes *cms)
{
	struct envelope *envelope = mem_zalloc(sizeof(*envelope), envelope_destroy);

	if (!envelope || !copy_add(envelope, server, route)) {
		mem_deref(envelope);
		bytes_wipe(transfer);
		bytes_wipe(cms);
		return NULL;
	}
	envelope->mikeyd = mikeyd;
	envelope->transfer = *transfer;
	envelope->cms = *cms;
	envelope->key = *key;
	list_append(&mikeyd->incoming->envelopes, &envelope->le, envelope);
	return envelope;
}

/* The first copy of a message begins its opening, the others join it. */
static void protected_message(struct mikeyd *mikeyd, struct server *server,
			      struct route *route, struct bytes *transfer, struct bytes *cms)
{
	struct incoming *incoming = mikeyd->incoming;
	struct envelope *envelope;
	struct answer_key key;

	answer_key(&key, transfer, cms);
	envelope = envelope_find(incoming, &key);
	if (envelope) {
		bytes_wipe(transfer);
		bytes_wipe(cms);
		join(envelope, server, route);
		return;
	}
	if (incoming->resolving < mikeyd->config->max_waiting)
		envelope = envelope_new(mikeyd, server, route, &key, transfer, cms);
	if (envelope) {
		resolve(envelope);
		return;
	}
	bytes_wipe(transfer);
	bytes_wipe(cms);
	proxy_refuse(mikeyd, server, 503, "Service Unavailable", true,
		     "too many messages wait for the KMS");
}

/* Not protected, or not for mikeyd: the configuration says what then. */
static void plain_message(struct mikeyd *mikeyd, struct server *server, struct route *route)
{
	struct sip_pass pass = { .headers = VERIFIED_HEADER ": <>; proved=none\r\n" };
	struct uid from;

	if (mikeyd->config->unprotected == UNPROTECTED_MARK &&
	    (uid_from_uri(&from, server->msg->from.auri.p, server->msg->from.auri.l) ||
	     !config_must_protect(mikeyd->config, &from)))
		proxy_forward(mikeyd, server, route, &pass, NULL, NULL);
	else
		proxy_refuse(mikeyd, server, 488, "Not Acceptable Here", false,
			     "a message that is not protected");
}

void incoming_message(struct mikeyd *mikeyd, struct server *server, struct route *route)
{
	const struct sip_hdr *type = sip_msg_hdr(server->msg, SIP_HDR_CONTENT_TYPE);
	struct pl body = sipmsg_body(server->msg);
	struct bytes transfer = { 0 }, cms = { 0 };
	struct problem problem;

	switch (type ? multipart_parse(&type->val, &body, &transfer, &cms, &problem) :
		MULTIPART_PLAIN) {
	case MULTIPART_PLAIN:
		plain_message(mikeyd, server, route);
		return;
	case MULTIPART_UNKNOWN:
		log_info("incoming 415: %s", problem.words);
		server_respond(server, 415, "Unsupported Media Type",
			       "Accept: multipart/mixed, application/mikey, application/pkcs7-mime\r\n");
		return;
	case MULTIPART_BROKEN:
		proxy_refuse(mikeyd, server, 493, "Undecipherable", false, problem.words);
		return;
	case MULTIPART_PROTECTED:
		protected_message(mikeyd, server, route, &transfer, &cms);
	}
}
