// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Protecting what the user sends.
 *
 * Messages for the same recipients that find no ticket wait together for one
 * exchange with the KMS.
 */
#include "helper/mikeyd/outgoing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "helper/lib/log.h"
#include "helper/lib/mime.h"
#include "helper/lib/rules.h"
#include "helper/mikeyd/counters.h"
#include "helper/mikeyd/entity.h"
#include "helper/mikeyd/immediate.h"
#include "helper/mikeyd/kms.h"
#include "helper/mikeyd/mailing.h"
#include "helper/mikeyd/multipart.h"
#include "helper/mikeyd/proxy.h"
#include "helper/mikeyd/psk.h"
#include "helper/mikeyd/queue.h"
#include "helper/mikeyd/tickets.h"
#include "helper/mikeyd/verdict.h"

/* The client gives up after 32 s (Timer F); it is told before that. */
#define PATIENCE_MS 25000

struct outgoing {
	struct list askings;
	unsigned int waiting;
};

/* A MIME entity on its way under a ticket. */
struct letter {
	struct le le;
	struct user *user;
	const struct config *rules;	/* in force when it came */
	const struct config_user *config;
	struct sealing sealing;
	sealed_h *handler;
	void *arg;
	uint64_t since;
	bool retried;
};

/* An exchange with the KMS and who waits for its ticket. */
struct asking {
	struct le le;
	struct user *user;
	const struct config *rules;	/* its letters' */
	const struct config_user *config;
	struct uid initiator;
	struct uid *responders;
	unsigned int n_responders;
	uint32_t exchange;
	char txn[TXN_SIZE];		/* of its first letter */
	bool self;			/* the KMS is away: tickets are made here */
	struct list letters;
};

/* A message for one recipient. */
struct single {
	struct user *user;
	uint32_t form;
	struct server *server;
	struct route route;
	struct uid initiator, recipient;
	int64_t valid_until;		/* its ticket */
	struct bytes entity;
};

static void ask(struct letter *letter);
static void begin(struct asking *asking);

static void letter_destroy(void *data)
{
	struct letter *letter = data;

	if (letter->le.list)
		letter->user->outgoing->waiting--;
	list_unlink(&letter->le);
	mem_deref((void *)letter->rules);
	mem_deref(letter->user);
}

static void asking_destroy(void *data)
{
	struct asking *asking = data;

	list_unlink(&asking->le);
	list_flush(&asking->letters);
	mem_deref(asking->responders);
	mem_deref((void *)asking->rules);
	mem_deref(asking->user);
}

int outgoing_open(struct user *user, struct problem *problem)
{
	user->outgoing = calloc(1, sizeof(*user->outgoing));
	return user->outgoing ? 0 : problem_set(problem, -ENOMEM, "no memory");
}

/* The end of a letter that could not be protected. */
static void give_up(struct letter *letter, const struct problem *problem)
{
	letter->handler(problem, NULL, NULL, letter->arg);
	mem_deref(letter);
}

/* Is this ticket no good any more, though another one would be? */
static bool is_stale(int error)
{
	return error == -ENOKEY || error == -EKEYEXPIRED || error == -EKEYREVOKED ||
		error == -EPERM || error == -EACCES;
}

static void protect(struct letter *letter, int32_t ticket, int64_t valid_until)
{
	struct user *user = letter->user;
	struct mime_wish wish = {
		.ticket = ticket,
		.recipient = &letter->sealing.recipient,
		.list_service = letter->sealing.list_service,
		.form = letter->config->form,
		.content = letter->config->content,
		.no_proof = !letter->config->proof,
	};
	struct bytes transfer, cms;
	struct problem problem;
	int err;

	err = mime_protect(user->mikeyd->mime_client, &wish, letter->sealing.entity, &transfer,
			   &cms, &problem);
	if (is_stale(err) && !letter->retried) {
		log_event(INFO, "ticket-stale", log_text("txn", letter->sealing.txn),
			  log_number("ticket", ticket), log_text("reason", problem.words));
		letter->retried = true;
		tickets_drop(user->tickets, ticket);
		ask(letter);
	} else if (err) {
		give_up(letter, &problem);
	} else {
		counter_more(COUNTER_PROTECTED, 0, 0);
		log_event(DEBUG, "protected", log_text("txn", letter->sealing.txn),
			  log_number("ticket", ticket),
			  log_text("recipient", letter->sealing.recipient.text),
			  log_number("bytes", letter->sealing.entity->len));
		if (letter->sealing.valid_until)
			*letter->sealing.valid_until = valid_until;
		letter->handler(NULL, &transfer, &cms, letter->arg);
		bytes_wipe(&transfer);
		bytes_wipe(&cms);
		mem_deref(letter);
	}
}

static void all_give_up(struct asking *asking, const struct problem *problem)
{
	struct le *le;

	while ((le = list_head(&asking->letters)))
		give_up(le->data, problem);
	mem_deref(asking);
}

void outgoing_close(struct user *user)
{
	struct problem problem;
	struct le *le;

	if (!user->outgoing)
		return;
	problem_set(&problem, -ETIMEDOUT, "mikeyd is ending");
	while ((le = list_head(&user->outgoing->askings)))
		all_give_up(le->data, &problem);
	free(user->outgoing);
	user->outgoing = NULL;
}

/* Take a letter out of the line; the caller has it. */
static struct letter *next_letter(struct asking *asking)
{
	struct letter *letter = list_ledata(list_head(&asking->letters));

	if (letter) {
		list_unlink(&letter->le);
		asking->user->outgoing->waiting--;
	}
	return letter;
}

static void use(struct asking *asking, int32_t ticket, struct ticket_policy *policy)
{
	struct user *user = asking->user;
	bool reusable = policy->reusable && asking->config->reuse;
	int64_t valid_until = policy->valid_until;
	struct letter *letter;

	if (reusable && !asking->self) {
		tickets_add(user->tickets, ticket, MIKEY_ROLE_INITIATOR, policy);
		while ((letter = next_letter(asking)))
			protect(letter, ticket, valid_until);
	} else {
		ticket_policy_free(policy);
		do {
			letter = next_letter(asking);
			if (letter)
				protect(letter, ticket, valid_until);
		} while (letter && reusable);
		tickets_drop(user->tickets, ticket);
	}
	if (list_isempty(&asking->letters))
		mem_deref(asking);
	else
		begin(asking);	/* a ticket of their own for the others */
}

/*
 * The KMS is away. Where the configuration lets messages wait with tickets that are
 * made here, they need not be refused. Such a ticket is for those who wait now: the
 * next message asks the KMS again.
 */
static bool make_do(struct asking *asking, const struct problem *failure)
{
	const struct config_user *config = asking->config;

	if (failure->error != -EHOSTUNREACH || !config->queue ||
	    config->queue_ticket != QUEUE_TICKET_SELF)
		return false;
	log_event(INFO, "ticket-by-self", log_text("txn", asking->txn),
		  log_text("reason", failure->words));
	asking->self = true;
	begin(asking);
	return true;
}

static void answered(const struct bytes *answer, const struct problem *failure, void *arg)
{
	struct asking *asking = arg;
	struct user *user = asking->user;
	struct ticket_policy policy;
	struct problem problem;
	int32_t ticket;
	int err;

	queue_kms(user, answer || failure->error != -EHOSTUNREACH);
	if (!answer) {
		if (!make_do(asking, failure))
			all_give_up(asking, failure);
		return;
	}
	do {
		err = ticket_close(user->mikeyd->ticket_client, MIKEY_TICKET_CMD_GRANT,
				   asking->exchange, answer, &ticket, &policy, &problem);
	} while (err == -EDQUOT && user_make_room(user));
	if (err) {
		/* what we asked for was allowed, so this is the KMS's doing */
		if (err == -EPROTONOSUPPORT)
			problem.error = -EBADMSG;
		problem_prefix(&problem, "the KMS's ticket: ");
		all_give_up(asking, &problem);
		return;
	}
	log_event(DEBUG, "ticket", log_text("txn", asking->txn), log_number("ticket", ticket),
		  log_text("recipient", asking->responders[0].text),
		  log_number("others", asking->n_responders - 1));
	use(asking, ticket, &policy);
}

/* The ticket that a message waits for is made here (mode 3). */
static void mint(struct asking *asking, const struct ticket_wish *wish)
{
	struct user *user = asking->user;
	struct ticket_policy policy;
	struct problem problem;
	int32_t ticket;
	int err;

	do {
		err = ticket_mint(user->mikeyd->ticket_client, wish, &ticket, &policy, &problem);
	} while ((err == -EDQUOT && user_make_room(user)) ||
		 (err && psk_renew(user, err)));
	if (err)
		all_give_up(asking, &problem);
	else
		use(asking, ticket, &policy);
}

/* Start an exchange with the KMS; whoever waits is told if that fails. */
static void request(struct asking *asking, const struct ticket_wish *wish)
{
	struct user *user = asking->user;
	struct problem problem;
	struct bytes message;
	int err;

	do {
		err = ticket_request(user->mikeyd->ticket_client, wish, &asking->exchange,
				     &message, &problem);
	} while (err && psk_renew(user, err));
	if (!err) {
		err = kms_post(user->kms, KMS_TICKET_REQUEST, &message, asking->txn, answered,
			       asking, &problem);
		bytes_wipe(&message);
	}
	if (err)
		all_give_up(asking, &problem);
}

/* Get a ticket for those who wait. */
static void begin(struct asking *asking)
{
	const struct config_user *config = asking->config;
	struct ticket_wish wish = {
		.party = &asking->user->party,
		.initiator = asking->initiator,
		.responders = asking->responders,
		.n_responders = asking->n_responders,
		.profile = config->profile,
		.valid_until = time(NULL) + config->ticket_lifetime,
		.rekey = config->rekey,
		.reusable = config->reuse,
		.cacheable = config->cacheable,
	};

	if (config->maker == MAKER_SELF || asking->self)
		mint(asking, &wish);
	else
		request(asking, &wish);
}

static bool is_for(const struct asking *asking, const struct config *rules,
		   const struct sealing *sealing)
{
	return asking->rules == rules && uid_equal(&asking->initiator, &sealing->initiator) &&
		uid_same(asking->responders, asking->n_responders, sealing->responders,
			 sealing->n_responders);
}

static struct asking *asking_new(const struct letter *letter)
{
	const struct sealing *sealing = &letter->sealing;
	struct asking *asking = mem_zalloc(sizeof(*asking), asking_destroy);
	size_t size = sealing->n_responders * sizeof(*asking->responders);

	if (!asking)
		return NULL;
	asking->user = mem_ref(letter->user);
	asking->rules = mem_ref((void *)letter->rules);
	asking->config = letter->config;
	snprintf(asking->txn, sizeof(asking->txn), "%s", sealing->txn);
	asking->initiator = sealing->initiator;
	asking->responders = mem_alloc(size, NULL);
	if (!asking->responders)
		return mem_deref(asking);
	memcpy(asking->responders, sealing->responders, size);
	asking->n_responders = sealing->n_responders;
	list_append(&letter->user->outgoing->askings, &asking->le, asking);
	return asking;
}

/* Wait with others for a ticket, or be the first to. */
static void ask(struct letter *letter)
{
	struct outgoing *outgoing = letter->user->outgoing;
	struct problem problem;
	struct asking *asking;
	struct le *le;

	if (outgoing->waiting >= letter->config->max_waiting ||
	    tmr_jiffies() - letter->since > PATIENCE_MS) {
		problem_set(&problem, -ETIMEDOUT, outgoing->waiting ?
			    "too many messages wait for the KMS" : "the KMS took too long");
		give_up(letter, &problem);
		return;
	}
	LIST_FOREACH(&outgoing->askings, le) {
		asking = le->data;
		if (!is_for(asking, letter->rules, &letter->sealing))
			continue;
		list_append(&asking->letters, &letter->le, letter);
		outgoing->waiting++;
		log_event(DEBUG, "waits-for-ticket", log_text("txn", letter->sealing.txn),
			  log_text("with", asking->txn));
		return;
	}
	asking = asking_new(letter);
	if (!asking) {
		problem_set(&problem, -ENOMEM, "no memory");
		give_up(letter, &problem);
		return;
	}
	list_append(&asking->letters, &letter->le, letter);
	outgoing->waiting++;
	begin(asking);
}

void outgoing_seal(struct user *user, const struct sealing *sealing, sealed_h *handler,
		   void *arg)
{
	struct letter *letter = mem_zalloc(sizeof(*letter), letter_destroy);
	struct problem problem;
	int32_t ticket;

	if (!letter) {
		problem_set(&problem, -ENOMEM, "no memory");
		handler(&problem, NULL, NULL, arg);
		return;
	}
	letter->user = mem_ref(user);
	letter->rules = mem_ref((void *)user->rules);
	letter->config = user->config;
	letter->sealing = *sealing;
	letter->handler = handler;
	letter->arg = arg;
	letter->since = tmr_jiffies();
	ticket = tickets_find(user->tickets, user->config, &sealing->initiator,
			      sealing->responders, sealing->n_responders);
	if (ticket)
		protect(letter, ticket, tickets_valid_until(user->tickets, ticket));
	else
		ask(letter);
}

/* ---- messages for one recipient */

static void single_destroy(void *data)
{
	struct single *single = data;

	mem_deref(single->server);
	mem_deref(single->user);
	bytes_wipe(&single->entity);
}

/* Put TRANSFER_INIT and CMS in place of the body, and send. */
static void single_sealed(const struct problem *problem, const struct bytes *transfer,
			  const struct bytes *cms, void *arg)
{
	struct single *single = arg;
	struct multipart multipart;
	struct sip_content content;
	struct sip_pass pass = { .content = &content };
	struct problem none;

	if (!problem && multipart_build(&multipart, transfer, cms,
					single->form, NULL)) {
		problem_set(&none, -ENOMEM, "no memory");
		problem = &none;
	}
	if (problem) {
		outgoing_refuse(single->user->mikeyd, single->server, problem);
	} else if (!single->route.strict && queue_takes(single->user, single->server->msg)) {
		queue_send(single->user, &(struct queue_wish){
			.server = single->server,
			.route = &single->route,
			.sender = &single->initiator,
			.recipient = &single->recipient,
			.body = &multipart,
			.valid_until = single->valid_until,
		});
	} else {
		pl_set_str(&content.headers, multipart.headers);
		pl_set_mbuf(&content.body, multipart.body);
		proxy_forward(single->user->mikeyd, single->server, &single->route, &pass, NULL,
			      NULL);
		mem_deref(multipart.body);
	}
	mem_deref(single);
}

static void single_message(struct user *user, struct server *server,
			   const struct route *route, const struct uid *initiator,
			   const struct uid *recipient)
{
	struct single *single = mem_zalloc(sizeof(*single), single_destroy);
	struct sealing sealing;

	if (!single || entity_build(&single->entity, server->msg)) {
		mem_deref(single);
		proxy_refuse(user->mikeyd, server, 503, "Service Unavailable", true, "no memory");
		return;
	}
	single->user = mem_ref(user);
	single->form = user->config->form;
	single->server = mem_ref(server);
	single->route = *route;
	single->initiator = *initiator;
	single->recipient = *recipient;
	sealing = (struct sealing){
		.initiator = *initiator,
		.recipient = *recipient,
		.responders = &single->recipient,
		.n_responders = 1,
		.entity = &single->entity,
		.txn = single->server->txn,
		.valid_until = &single->valid_until,
	};
	outgoing_seal(user, &sealing, single_sealed, single);
}

/* ---- */

void outgoing_refuse(struct mikeyd *mikeyd, struct server *server,
		     const struct problem *problem)
{
	struct verdict verdict = verdict_outgoing(problem);

	counter_more(COUNTER_REFUSED, DIRECTION_OUTGOING, verdict_class(problem));
	proxy_refuse(mikeyd, server, verdict.code, verdict.reason, verdict.retry,
		     problem->words);
}

/*
 * Who sends, and to whom. Who has an anonymous From (RFC 3323) says it in
 * P-Preferred-Identity, or is the first of the identities. In a dialog the
 * Request-URI is the other side's contact, and To still its address of record.
 */
static bool address(struct user *user, struct server *server, struct uid *initiator,
		    struct uid *recipient)
{
	struct mikeyd *mikeyd = user->mikeyd;
	const struct sip_msg *msg = server->msg;
	const struct pl *to = pl_isset(&msg->to.tag) ? &msg->to.auri : &msg->ruri;
	const struct uid *preferred = immediate_preferred(user, msg);

	if (immediate_privacy(msg, "critical") && immediate_wants_privacy(msg)) {
		/* RFC 3323 section 5 */
		proxy_refuse(mikeyd, server, 500, "Privacy Not Possible", false,
			     "what is protected names its sender to whoever gets it");
		return false;
	}
	if (immediate_is_anonymous(msg)) {
		*initiator = preferred ? *preferred : user->config->identities[0];
	} else if (uid_from_uri(initiator, msg->from.auri.p, msg->from.auri.l) ||
		   !config_identity(user->config, initiator)) {
		proxy_refuse(mikeyd, server, 403, "Forbidden", false,
			     "From is no identity of this user");
		return false;
	}
	switch (uid_from_uri(recipient, to->p, to->l)) {
	case 0:
		break;
	case -EPROTONOSUPPORT:
		proxy_refuse(mikeyd, server, 416, "Unsupported URI Scheme", false,
			     "only sip: and sips: URIs name a recipient that a ticket can be for");
		return false;
	default:
		proxy_refuse(mikeyd, server, 484, "Address Incomplete", false,
			     "the URI does not name a user@domain");
		return false;
	}
	if (!uid_is_own(recipient)) {
		proxy_refuse(mikeyd, server, 484, "Address Incomplete", false,
			     "the URI names no single user");
		return false;
	}
	return true;
}

static bool may_pass_to(const struct config_user *config, const struct pl *uri)
{
	struct uid peer;

	return rules_send(config, uid_from_uri(&peer, uri->p, uri->l) ? NULL : &peer) ==
		OUTGOING_PASS;
}

/* Unprotected only if that is the rule for everybody whom it names. */
static bool may_pass(const struct user *user, const struct sip_msg *msg)
{
	return may_pass_to(user->config, &msg->ruri) &&
		may_pass_to(user->config, &msg->to.auri) && mailing_may_pass(user, msg);
}

void outgoing_message(struct user *user, struct server *server, struct route *route)
{
	struct uid initiator, recipient;

	if (may_pass(user, server->msg)) {
		counter_more(COUNTER_PLAIN, DIRECTION_OUTGOING, PLAIN_PASSED);
		proxy_forward(user->mikeyd, server, route, NULL, NULL, NULL);
		return;
	}
	if (!address(user, server, &initiator, &recipient) || queue_repeats(user, server))
		return;
	if (mailing_wanted(server->msg))
		mailing_message(user, server, route, &initiator, &recipient);
	else
		single_message(user, server, route, &initiator, &recipient);
}
