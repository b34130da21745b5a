// SPDX-License-Identifier: GPL-2.0-or-later
/* What the user sends: to whom, in whose name, and protected or not. */
#include "helper/mikeyd/outgoing.h"

#include <errno.h>

#include "helper/lib/rules.h"
#include "helper/mikeyd/counters.h"
#include "helper/mikeyd/entity.h"
#include "helper/mikeyd/immediate.h"
#include "helper/mikeyd/mailing.h"
#include "helper/mikeyd/multipart.h"
#include "helper/mikeyd/proxy.h"
#include "helper/mikeyd/queue.h"
#include "helper/mikeyd/sealing.h"
#include "helper/mikeyd/verdict.h"

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
	sealing_start(user, &sealing, single_sealed, single);
}

/* ---- any message */

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
