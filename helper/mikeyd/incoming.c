// SPDX-License-Identifier: GPL-2.0-or-later
/* Opening what the user receives. */
#include "helper/mikeyd/incoming.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helper/lib/keyring.h"
#include "helper/lib/lists.h"
#include "helper/lib/mime.h"
#include "helper/lib/netlink.h"
#include "helper/lib/rules.h"
#include "helper/mikeyd/counters.h"
#include "helper/mikeyd/envelope.h"
#include "helper/mikeyd/inbox_sip.h"
#include "helper/mikeyd/kms.h"
#include "helper/mikeyd/multipart.h"
#include "helper/mikeyd/proxy.h"
#include "helper/mikeyd/psk.h"
#include "helper/mikeyd/record.h"
#include "helper/mikeyd/sipaddr.h"
#include "helper/mikeyd/sipmsg.h"
#include "helper/mikeyd/tickets.h"
#include "helper/mikeyd/verdict.h"

static const char accepted_types[] =
	"Accept: multipart/mixed, application/mikey, application/pkcs7-mime\r\n";

/* A sender may have this part of the messages that wait for the KMS. */
#define SHARES 4

struct incoming {
	struct list envelopes;		/* not answered yet */
	unsigned int resolving;
	struct ticket_names names;
	struct uid *identities;		/* own UIDs but those of list servers, then groups */
};

/* What comes for a group that is served here is not the client's. */
static bool is_list(const struct config_user *config, const struct uid *identity)
{
	for (unsigned int i = 0; i < config->n_list_servers; i++)
		if (uid_equal(&config->list_servers[i].psi, identity))
			return true;
	return false;
}

bool incoming_use(struct user *user, const struct config_user *config)
{
	struct incoming *incoming = user->incoming;
	unsigned int all = config->n_identities + config->n_groups, count = 0;
	struct uid *identities = calloc(all, sizeof(*identities));

	if (!identities)
		return false;
	for (unsigned int i = 0; i < config->n_identities; i++)
		if (!is_list(config, &config->identities[i]))
			identities[count++] = config->identities[i];
	for (unsigned int i = 0; i < config->n_groups; i++)
		identities[count++] = config->groups[i];
	free(incoming->identities);
	incoming->identities = identities;
	incoming->names = (struct ticket_names){
		.identities = identities,
		.n_identities = count,
		.list_services = config->list_services,
		.n_list_services = config->n_list_services,
	};
	return true;
}

int incoming_open(struct user *user, struct problem *problem)
{
	user->incoming = calloc(1, sizeof(*user->incoming));
	if (!user->incoming || !incoming_use(user, user->config))
		return problem_set(problem, -ENOMEM, "no memory");
	return 0;
}

void incoming_close(struct user *user)
{
	struct problem problem;
	struct le *le;

	if (!user->incoming)
		return;
	problem_set(&problem, -ETIMEDOUT, "mikeyd is ending");
	while ((le = list_head(&user->incoming->envelopes)))
		envelope_refuse(le->data, &problem);
	free(user->incoming->identities);
	free(user->incoming);
	user->incoming = NULL;
}

/*
 * The message is open. It is put down before anybody sees it: whatever ends
 * mikeyd or the machine from here on, it is not delivered a second time.
 */
static void record_and_deliver(struct envelope *envelope, struct mime_opened *opened)
{
	struct problem problem;
	uint16_t code;
	int err;

	counter_more(COUNTER_OPENED, opened->proved, 0);
	log_event(DEBUG, "opened", log_text("txn", envelope_txn(envelope)),
		  log_text("sender", opened->initiator.text),
		  log_text("proved", mime_proved_name(opened->proved)),
		  log_text("form", mime_form_name(opened->form)),
		  log_number("bytes", opened->entity.len));
	envelope->sender = opened->initiator;
	err = record_begin(envelope->user->record, &opened->initiator, &envelope->mac,
			   opened->sent, &code, &problem);
	if (!err) {
		envelope_deliver(envelope, opened);
		return;
	}
	bytes_wipe(&opened->entity);
	if (err == -EALREADY)
		envelope_repeat(envelope, code);
	else
		envelope_refuse(envelope, &problem);
}

static void unprotect(struct envelope *envelope, int32_t ticket, bool kept)
{
	struct user *user = envelope->user;
	struct mime_opened opened;
	struct problem problem, ignored;
	int err;

	err = mime_unprotect(user->mikeyd->mime_client, ticket, user->config->accept,
			     &envelope->transfer, &envelope->cms, &opened, &problem);
	/* another was good for this one message, which was opened or not */
	if (!kept)
		keyring_drop(ticket, &ignored);
	if (err == -EALREADY)
		envelope_repeat(envelope, record_find(user->record, &envelope->sender,
						      &envelope->mac));
	else if (err)
		envelope_refuse(envelope, &problem);
	else
		record_and_deliver(envelope, &opened);
}

static void answered(const struct bytes *answer, const struct problem *failure, void *arg)
{
	struct envelope *envelope = arg;
	struct user *user = envelope->user;
	struct ticket_policy policy;
	struct problem problem;
	int32_t ticket;
	bool kept;
	int err;

	user->incoming->resolving--;
	if (!answer) {
		envelope_refuse(envelope, failure);
		return;
	}
	do {
		err = ticket_close(envelope->client, MIKEY_TICKET_CMD_ADMIT, envelope->exchange,
				   answer, &ticket, &policy, &problem);
	} while (err == -EDQUOT && user_make_room(user));
	if (err) {
		envelope_refuse(envelope, &problem);
		return;
	}
	kept = tickets_is_kept(&policy);
	if (kept)
		tickets_add(user->tickets, ticket, MIKEY_ROLE_RESPONDER, &policy);
	else
		ticket_policy_free(&policy);
	unprotect(envelope, ticket, kept);
}

/* What a TRANSFER_INIT claims, and whether it is worth asking the KMS about. */
static int look_at(struct envelope *envelope, struct ticket_claim *claim,
		   struct problem *problem)
{
	struct user *user = envelope->user;
	struct ticket_names names = user->incoming->names;
	int err;

	/* nobody gets a group to read what was sent to one user by sending it there */
	if (envelope->list)
		names = (struct ticket_names){
			.identities = &envelope->list->psi,
			.n_identities = 1,
		};
	/* the kernel opens a message once: then it has to be put down */
	err = record_ready(user->record, problem);
	err = err ?: genl_client_open(&envelope->client, MIKEY_TICKET_GENL_NAME, problem);
	if (err)
		return err;
	do {
		err = ticket_resolve(envelope->client, &user->party, &names,
				     &envelope->transfer, claim, problem);
	} while (err && psk_renew(user, err));
	if (err)
		return err;
	if (user->config->profiles >> claim->policy.profile & 1)
		return 0;
	ticket_claim_free(claim);
	return problem_set(problem, -EPROTONOSUPPORT,
			   "accept-profile does not have the message's profile %s",
			   ticket_profile_name(claim->policy.profile));
}

/*
 * May one more message with tickets of this initiator wait for the KMS? Who
 * sends under one name does not take the places of all others.
 */
static bool has_share(const struct user *user, const struct uid *initiator)
{
	unsigned int share = user->config->max_waiting / SHARES ?: 1, waiting = 0;
	struct le *le;

	LIST_FOREACH(&user->incoming->envelopes, le) {
		const struct envelope *envelope = le->data;

		/* looked at, and not opened yet: then it has its line */
		if (envelope->sender.len && !envelope->line)
			waiting += uid_equal(&envelope->sender, initiator);
	}
	return waiting < share;
}

static void resolve(struct envelope *envelope)
{
	struct user *user = envelope->user;
	struct ticket_claim claim;
	struct problem problem;
	int32_t kept = 0;
	int err;

	err = look_at(envelope, &claim, &problem);
	if (!err && !claim.ticket && !has_share(user, &claim.policy.initiator)) {
		ticket_claim_free(&claim);
		err = problem_set(&problem, -ETIMEDOUT,
				  "too many messages of one sender wait for the KMS");
	}
	if (!err) {
		envelope->sender = claim.policy.initiator;
		envelope->mac = claim.mac;
		envelope->exchange = claim.exchange;
		log_event(DEBUG, "claimed", log_text("txn", envelope_txn(envelope)),
			  log_text("sender", envelope->sender.text));
		kept = claim.ticket;
		if (!kept)
			err = kms_post(user->kms, KMS_TICKET_RESOLVE, &claim.message,
				       envelope_txn(envelope), answered, envelope, &problem);
		ticket_claim_free(&claim);
	}
	if (err) {
		envelope_refuse(envelope, &problem);
	} else if (kept) {
		log_event(DEBUG, "ticket-kept", log_text("txn", envelope_txn(envelope)),
			  log_number("ticket", kept));
		unprotect(envelope, kept, true);
	} else {
		user->incoming->resolving++;
	}
}

static void refuse_copy(struct user *user, struct server *server,
			const struct problem *problem)
{
	struct verdict verdict = verdict_incoming(problem);

	counter_more(COUNTER_REFUSED, DIRECTION_INCOMING, verdict_class(problem));
	proxy_refuse(user->mikeyd, server, verdict.code, verdict.reason, verdict.retry,
		     problem->words);
}

/* The first copy of a message begins its opening, the others join it. */
static void protected_message(struct user *user, struct server *server,
			      const struct route *route, const struct list_server *list,
			      struct bytes *transfer, struct bytes *cms)
{
	struct incoming *incoming = user->incoming;
	struct envelope *envelope;
	struct problem problem;
	const char *why;

	envelope = envelope_find(&incoming->envelopes, transfer, cms);
	if (envelope && envelope->list == list) {
		bytes_wipe(transfer);
		bytes_wipe(cms);
		if (envelope_reserve(envelope, route, &problem))
			refuse_copy(user, server, &problem);
		else
			envelope_join(envelope, server, route);
		return;
	}
	if (incoming->resolving < user->config->max_waiting) {
		envelope = envelope_new(user, &incoming->envelopes, server, route, transfer,
					cms);
		if (envelope && envelope_reserve(envelope, route, &problem)) {
			envelope_refuse(envelope, &problem);
			return;
		}
		if (envelope) {
			envelope->list = list;
			resolve(envelope);
			return;
		}
		why = "no memory";
	} else {
		bytes_wipe(transfer);
		bytes_wipe(cms);
		why = "too many messages wait for the KMS";
	}
	proxy_refuse(user->mikeyd, server, 503, "Service Unavailable", true, why);
}

/* What the rules say of an address that the user's client may show. */
static uint32_t rule_for(const struct config_user *config, const struct sip_addr *address)
{
	struct uid uid;

	if (!sipaddr_is_plain(&address->dname, &address->params))
		return rules_receive_strictest(config);
	switch (uid_from_uri(&uid, address->auri.p, address->auri.l)) {
	case 0:
		return rules_receive(config, &uid);
	case -EPROTONOSUPPORT:
	case -EDESTADDRREQ:
		/* a telephone number, or a host without a user */
		return rules_receive(config, NULL);
	default:
		return rules_receive_strictest(config);	/* what others read in it nobody knows */
	}
}

/*
 * Not protected, or not for mikeyd: what is to be done with it. All that a client
 * may take for the sender counts: From, and what proxies assert.
 */
static uint32_t rule_for_plain(const struct config_user *config, const struct sip_msg *msg)
{
	struct sip_addr address = { .dname = msg->from.dname, .auri = msg->from.auri,
				    .params = msg->from.params };
	uint32_t rule = rule_for(config, &address);
	struct le *le;

	LIST_FOREACH(&msg->hdrl, le) {
		const struct sip_hdr *hdr = le->data;

		if (!sipmsg_named(hdr, IDENTITY_HEADER))
			continue;
		rule = rules_stricter(rule, sipaddr_decode(&address, &hdr->val) ?
				      rules_receive_strictest(config) :
				      rule_for(config, &address));
	}
	return rule;
}

/* An unprotected message that is in the inbox, or with its program. */
struct plain {
	struct user *user;
	struct server *server;
	struct inbox_place place;
};

static void plain_destroy(void *data)
{
	struct plain *plain = data;

	inbox_release(plain->user->inbox, &plain->place);
	mem_deref(plain->server);
	mem_deref(plain->user);
}

static void plain_kept(uint16_t code, void *arg)
{
	struct plain *plain = arg;

	server_respond(plain->server, code, code == 200 ? "OK" : "Temporarily Unavailable", NULL);
	mem_deref(plain);
}

static void keep_plain(struct user *user, struct server *server)
{
	struct plain *plain = mem_zalloc(sizeof(*plain), plain_destroy);
	struct inbox_message message = { 0 };
	struct problem problem;
	int err;

	if (!plain) {
		proxy_refuse(user->mikeyd, server, 503, "Service Unavailable", true, "no memory");
		return;
	}
	plain->user = mem_ref(user);
	plain->server = mem_ref(server);
	err = inbox_message_plain(&message, server->msg);
	if (err)
		problem_set(&problem, err, "no memory");
	err = err ?: inbox_reserve(user->inbox, &plain->place, inbox_message_size(&message),
				   &problem);
	if (!err) {
		memcpy(message.txn, server->txn, sizeof(message.txn));
		inbox_give(user->inbox, &message, plain_kept, plain);
		return;
	}
	inbox_message_wipe(&message);
	refuse_copy(user, server, &problem);
	mem_deref(plain);
}

/* What the body is; where it is none that is to be opened, it is answered. */
static enum multipart_kind read_body(struct user *user, struct server *server,
				     struct bytes *transfer, struct bytes *cms)
{
	const struct sip_hdr *type = sip_msg_hdr(server->msg, SIP_HDR_CONTENT_TYPE);
	struct pl body = sipmsg_body(server->msg);
	enum multipart_kind kind = MULTIPART_PLAIN;
	struct problem problem;

	if (type)
		kind = multipart_parse(&type->val, &body, transfer, cms, &problem);
	if (kind == MULTIPART_UNKNOWN || kind == MULTIPART_BROKEN)
		counter_more(COUNTER_REFUSED, DIRECTION_INCOMING, VERDICT_INVALID);
	if (kind == MULTIPART_UNKNOWN) {
		server_event(server, INFO, "own-answer", log_number("status", 415),
			     log_text("reason", problem.words));
		server_respond(server, 415, "Unsupported Media Type", accepted_types);
	} else if (kind == MULTIPART_BROKEN) {
		proxy_refuse(user->mikeyd, server, 493, "Undecipherable", false, problem.words);
	}
	return kind;
}

/* An answer to what is not protected; false: it may be so. */
static bool refuse_plain(struct user *user, struct server *server, uint32_t rule)
{
	counter_more(COUNTER_PLAIN, DIRECTION_INCOMING,
		     rule == UNPROTECTED_MARK ? PLAIN_PASSED : PLAIN_REFUSED);
	if (rule == UNPROTECTED_REFUSE_TYPE)
		server_respond(server, 415, "Unsupported Media Type", accepted_types);
	else if (rule == UNPROTECTED_REFUSE)
		proxy_refuse(user->mikeyd, server, 488, "Not Acceptable Here", false,
			     "a message that is not protected");
	return rule != UNPROTECTED_MARK;
}

void incoming_message(struct user *user, struct server *server, struct route *route)
{
	struct sip_pass pass = { .headers = VERIFIED_HEADER ": <>; proved=none\r\n" };
	struct bytes transfer = { 0 }, cms = { 0 };

	switch (read_body(user, server, &transfer, &cms)) {
	case MULTIPART_PROTECTED:
		protected_message(user, server, route, NULL, &transfer, &cms);
		break;
	case MULTIPART_PLAIN:
		if (refuse_plain(user, server, rule_for_plain(user->config, server->msg)))
			break;
		if (route->inbox)
			keep_plain(user, server);
		else
			proxy_forward(user->mikeyd, server, route, &pass, NULL, NULL);
		break;
	default:
		break;
	}
}

void incoming_for_list(struct user *user, struct server *server, const struct route *route,
		       const struct list_server *list)
{
	struct bytes transfer = { 0 }, cms = { 0 };

	switch (read_body(user, server, &transfer, &cms)) {
	case MULTIPART_PROTECTED:
		protected_message(user, server, route, list, &transfer, &cms);
		break;
	case MULTIPART_PLAIN:
		/* members are told who sent it, which nothing would prove */
		refuse_plain(user, server, UNPROTECTED_REFUSE);
		break;
	default:
		break;
	}
}

bool incoming_acceptable(struct user *user, struct server *server)
{
	struct bytes transfer = { 0 }, cms = { 0 };
	enum multipart_kind kind = read_body(user, server, &transfer, &cms);

	bytes_wipe(&transfer);
	bytes_wipe(&cms);
	if (kind != MULTIPART_PLAIN)
		return kind == MULTIPART_PROTECTED;
	return !refuse_plain(user, server, rule_for_plain(user->config, server->msg));
}
