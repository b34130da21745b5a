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
#include "helper/mikeyd/kms.h"
#include "helper/mikeyd/multipart.h"
#include "helper/mikeyd/proxy.h"
#include "helper/mikeyd/psk.h"
#include "helper/mikeyd/tickets.h"
#include "helper/mikeyd/verdict.h"

struct incoming {
	struct list envelopes;		/* at the KMS */
	unsigned int count;
	struct answers answers;
	struct uid *identities;		/* own UIDs, then groups */
	unsigned int n_identities;
};

/* A message that is being opened. */
struct envelope {
	struct le le;
	struct mikeyd *mikeyd;
	struct server *server;
	struct route route;
	struct bytes transfer, cms;
	uint32_t exchange;
	struct answer_key key;
};

static void envelope_destroy(void *data)
{
	struct envelope *envelope = data;

	if (envelope->le.list)
		envelope->mikeyd->incoming->count--;
	list_unlink(&envelope->le);
	bytes_wipe(&envelope->transfer);
	bytes_wipe(&envelope->cms);
	mem_deref(envelope->server);
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

void incoming_close(struct mikeyd *mikeyd)
{
	if (!mikeyd->incoming)
		return;
	list_flush(&mikeyd->incoming->envelopes);
	free(mikeyd->incoming->identities);
	free(mikeyd->incoming);
	mikeyd->incoming = NULL;
}

static void refuse(struct envelope *envelope, const struct problem *problem)
{
	struct verdict verdict = verdict_incoming(problem->error);

	proxy_refuse(envelope->mikeyd, envelope->server, verdict.code, verdict.reason,
		     verdict.retry, problem->words);
	mem_deref(envelope);
}

/* Delivered before: the same answer, and no second delivery. */
static void repeat(struct envelope *envelope)
{
	uint16_t code = answers_find(&envelope->mikeyd->incoming->answers, &envelope->key);

	log_info("a message came again: not delivered a second time");
	server_respond(envelope->server, code ? code : 200, code && code / 100 != 2 ?
		       "As Before" : "OK", NULL);
	mem_deref(envelope);
}

static void delivered(uint16_t code, void *arg)
{
	struct envelope *envelope = arg;

	answers_add(&envelope->mikeyd->incoming->answers, &envelope->key, code);
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

static void deliver(struct envelope *envelope, const struct mime_opened *opened)
{
	struct mikeyd *mikeyd = envelope->mikeyd;
	char *headers = NULL, *from, *line;
	struct sip_content content;
	struct sip_pass pass = { .content = &content };
	struct problem problem;

	if (entity_split(&opened->entity, &headers, &content.body)) {
		problem_set(&problem, -EBADMSG, "what was protected is no MIME entity");
		refuse(envelope, &problem);
		return;
	}
	from = shown_from(envelope->server->msg, opened);
	line = verified_line(opened);
	if (!line) {
		problem_set(&problem, -ENOMEM, "no memory");
		refuse(envelope, &problem);
	} else {
		pl_set_str(&content.headers, headers);
		pass.headers = line;
		pass.from = from;
		proxy_forward(mikeyd, envelope->server, &envelope->route, &pass, delivered,
			      envelope);
	}
	mem_deref(headers);
	mem_deref(from);
	mem_deref(line);
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
		deliver(envelope, &opened);
		bytes_wipe(&opened.entity);
	}
}

static void answered(const struct bytes *answer, const struct problem *failure, void *arg)
{
	struct envelope *envelope = arg;
	struct mikeyd *mikeyd = envelope->mikeyd;
	struct problem problem;
	int32_t ticket;
	int err;

	list_unlink(&envelope->le);
	mikeyd->incoming->count--;
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

	if (incoming->count >= mikeyd->config->max_waiting) {
		problem_set(&problem, -ENOBUFS, "too many messages wait for the KMS");
		refuse(envelope, &problem);
		return;
	}
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
	list_append(&incoming->envelopes, &envelope->le, envelope);
	incoming->count++;
}

/* Not protected, or not for mikeyd: the configuration says what then. */
static void plain_message(struct mikeyd *mikeyd, struct server *server, struct route *route)
{
	struct sip_pass pass = { .headers = VERIFIED_HEADER ": <>; proved=none\r\n" };

	if (mikeyd->config->unprotected == UNPROTECTED_MARK)
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
	struct envelope *envelope;
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
		break;
	}
	envelope = mem_zalloc(sizeof(*envelope), envelope_destroy);
	if (!envelope) {
		bytes_wipe(&transfer);
		bytes_wipe(&cms);
		proxy_refuse(mikeyd, server, 503, "Service Unavailable", true, "no memory");
		return;
	}
	envelope->mikeyd = mikeyd;
	envelope->server = mem_ref(server);
	envelope->route = *route;
	envelope->transfer = transfer;
	envelope->cms = cms;
	answer_key(&envelope->key, &transfer);
	resolve(envelope);
}
