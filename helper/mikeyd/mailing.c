// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * MESSAGEs for lists of recipients.
 *
 * A mailing first seals all its sheets, each with a ticket for those who get
 * it, and only then sends any: the KMS's refusal of one recipient leaves nothing
 * half done. What goes through the service is sent before what goes apart,
 * because the service can refuse and the client may then try again.
 */
#include "helper/mikeyd/mailing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "helper/lib/rules.h"
#include "helper/mikeyd/branch.h"
#include "helper/mikeyd/listbody.h"
#include "helper/mikeyd/multipart.h"
#include "helper/mikeyd/outgoing.h"
#include "helper/mikeyd/proxy.h"
#include "helper/mikeyd/queue.h"
#include "helper/mikeyd/sealing.h"

#define OPTION_TAG "recipient-list-message"

/* The client gives up after 32 s (Timer F); it is answered before that. */
#define PATIENCE_MS 25000

/* One MESSAGE: the service's, or that of somebody whom the others must not see. */
struct sheet {
	struct mailing *mailing;
	const struct recipient *recipient;	/* NULL: the service's */
	struct multipart multipart;
	int64_t valid_until;			/* its ticket */
};

struct mailing {
	struct user *user;
	struct mikeyd *mikeyd;		/* the user's */
	uint32_t profile, form;		/* in force when it came */
	struct server *server;
	struct route route;
	struct uid initiator, service;
	struct list_body body;
	struct uid *responders;		/* of the service's sheet */
	unsigned int n_responders;	/* none: there is no such sheet */
	struct sheet *sheets;
	unsigned int n_sheets;
	unsigned int waiting;		/* first for seals, then for answers */
	uint64_t since;
	struct tmr patience;
	bool answered, late;
	unsigned int delivered;
	char words[256];		/* whom it did not reach */
};

static void mailing_destroy(void *data)
{
	struct mailing *mailing = data;

	tmr_cancel(&mailing->patience);
	for (unsigned int i = 0; i < mailing->n_sheets; i++)
		sipmsg_wipe(mailing->sheets[i].multipart.body);
	mem_deref(mailing->sheets);
	mem_deref(mailing->responders);
	list_body_wipe(&mailing->body);
	mem_deref(mailing->server);
	mem_deref(mailing->user);
}

bool mailing_wanted(const struct sip_msg *msg)
{
	return sipmsg_requires(msg, OPTION_TAG) || list_body_has(msg);
}

bool mailing_may_pass(const struct user *user, const struct sip_msg *msg)
{
	struct problem problem;
	struct list_body body;
	bool may = true;

	if (!mailing_wanted(msg))
		return true;
	if (list_body_read(&body, msg, &problem))
		return rules_all_pass(user->config);
	for (unsigned int i = 0; i < body.recipients.count && may; i++)
		may = rules_send(user->config, &body.recipients.all[i].uid) == OUTGOING_PASS;
	list_body_wipe(&body);
	return may;
}

bool mailing_refuse_body(struct mikeyd *mikeyd, struct server *server,
			 const struct problem *problem)
{
	static const struct {
		int error;
		uint16_t code;
		const char *reason;
	} answers[] = {
		{ -EBADMSG, 400, "Bad Request" },
		{ -EPROTONOSUPPORT, 400, "Bad Request" },
		{ -E2BIG, 413, "Request Entity Too Large" },
	};

	if (problem->error == -EOPNOTSUPP) {
		server_event(server, INFO, "own-answer", log_number("status", 415),
			     log_text("reason", problem->words));
		server_respond(server, 415, "Unsupported Media Type",
			       "Accept: multipart/mixed, application/resource-lists+xml\r\n");
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
		if (answers[i].error == problem->error) {
			proxy_refuse(mikeyd, server, answers[i].code, answers[i].reason, false,
				     problem->words);
			return true;
		}
	return false;
}

/* What is wrong with the message, or with its list. */
static void refuse_body(struct mailing *mailing, const struct problem *problem)
{
	mailing->answered = true;
	if (!mailing_refuse_body(mailing->mikeyd, mailing->server, problem))
		outgoing_refuse(mailing->mikeyd, mailing->server, problem);
}

/* ---- sending */

/* How it ended, once that is known well enough. */
static void conclude(struct mailing *mailing)
{
	bool some = mailing->n_responders || mailing->delivered;

	if (mailing->answered || (mailing->waiting && !(mailing->late && some)))
		return;
	mailing->answered = true;
	if (some)
		proxy_refuse(mailing->mikeyd, mailing->server, 202, "Accepted", false,
			     *mailing->words ? mailing->words : NULL);
	else if (*mailing->words)
		proxy_refuse(mailing->mikeyd, mailing->server, 480, "Temporarily Unavailable",
			     false, mailing->words);
	else	/* nobody answered: the client's own timer ran out as well */
		proxy_relay(mailing->mikeyd, mailing->server, -ETIMEDOUT, NULL, NULL);
}

static void run_late(void *arg)
{
	struct mailing *mailing = arg;

	mailing->late = true;
	conclude(mailing);
}

static int send_sheet(struct sheet *sheet, const struct sip_readdress *readdress,
		      const char *branch, client_response_h *handler)
{
	struct mailing *mailing = sheet->mailing;
	struct mikeyd *mikeyd = mailing->mikeyd;
	const struct sip_msg *msg = mailing->server->msg;
	struct sip_content content;
	struct sip_pass pass = {
		.msg = msg,
		.received_via = mailing->server->via,
		.content = &content,
		.readdress = readdress,
	};
	struct route route = mailing->route;
	struct mbuf *mb = NULL;
	int err;

	pl_set_str(&content.headers, sheet->multipart.headers);
	pl_set_mbuf(&content.body, sheet->multipart.body);
	err = route_write(mikeyd, &route, &pass, branch, &mb);
	server_forwarded(mailing->server, &route.to, branch);
	err = err ?: client_send(mikeyd->transactions, &route.to, branch, &msg->met, mb, handler,
				 sheet);
	sipmsg_wipe(mb);
	if (!err)
		mem_ref(mailing);
	return err;
}

static void apart_ended(struct sheet *sheet, int err, const struct sip_msg *msg)
{
	struct mailing *mailing = sheet->mailing;
	size_t at = strlen(mailing->words);

	mailing->waiting--;
	if (!err && msg->scode < 300) {
		mailing->delivered++;
		return;
	}
	server_event(mailing->server, INFO, "apart-failed",
		     log_text("recipient", sheet->recipient->uid.text),
		     err ? log_text("reason", strerror(-err)) : log_number("status", msg->scode));
	if (err == -ETIMEDOUT)
		return;
	snprintf(mailing->words + at, sizeof(mailing->words) - at, "%s%s (%u)",
		 at ? ", " : "not delivered to ", sheet->recipient->uid.text,
		 err ? 503 : msg->scode);
}

static void apart_answered(int err, const struct sip_msg *msg, void *arg)
{
	struct sheet *sheet = arg;
	struct mailing *mailing = sheet->mailing;

	if (!err && msg->scode < 200)
		return;
	apart_ended(sheet, err, msg);
	conclude(mailing);
	mem_deref(mailing);
}

/* To whom, instead of the service. */
struct apart {
	char uri[RECIPIENT_URI_SIZE], call_id[33];
	struct sip_readdress readdress;
};

static void address_apart(struct apart *apart, const struct sheet *sheet)
{
	recipient_request_uri(apart->uri, sheet->recipient);
	rand_str(apart->call_id, sizeof(apart->call_id));
	apart->readdress = (struct sip_readdress){
		.uri = apart->uri,
		.call_id = apart->call_id,
		.not_required = OPTION_TAG,
	};
}

static void send_apart(struct sheet *sheet)
{
	char branch[BRANCH_SIZE];
	struct apart apart;
	int err;

	address_apart(&apart, sheet);
	branch_any(branch);
	err = send_sheet(sheet, &apart.readdress, branch, apart_answered);
	if (err)
		apart_ended(sheet, err, NULL);
}

/* All that do not go through the service. */
static void send_all_apart(struct mailing *mailing)
{
	unsigned int first = mailing->n_responders ? 1 : 0;
	uint64_t passed = tmr_jiffies() - mailing->since;

	tmr_start(&mailing->patience, passed < PATIENCE_MS ? PATIENCE_MS - passed : 0, run_late,
		  mailing);
	mailing->waiting = mailing->n_sheets - first;
	for (unsigned int i = first; i < mailing->n_sheets; i++)
		send_apart(&mailing->sheets[i]);
	conclude(mailing);
}

static void service_answered(int err, const struct sip_msg *msg, void *arg)
{
	struct mailing *mailing = ((struct sheet *)arg)->mailing;

	if (!err && msg->scode < 200)
		return;
	if (!err && msg->scode < 300 && mailing->n_sheets > 1) {
		send_all_apart(mailing);
	} else {
		mailing->answered = true;
		proxy_relay(mailing->mikeyd, mailing->server, err, msg, NULL);
	}
	mem_deref(mailing);
}

static void send_to_service(struct sheet *sheet)
{
	struct mailing *mailing = sheet->mailing;
	char branch[BRANCH_SIZE];
	int err;

	branch_write(branch, &mailing->server->flow, mailing->server->msg);
	err = send_sheet(sheet, NULL, branch, service_answered);
	if (!err)
		return;
	mailing->answered = true;
	if (err == -EMSGSIZE)
		proxy_refuse(mailing->mikeyd, mailing->server, 513, "Message Too Large", false,
			     "too large for the way it has to go");
	else
		proxy_relay(mailing->mikeyd, mailing->server, err, NULL, NULL);
}

/* Hand all of them to the queue; false if it has no room, or does not take them. */
static bool queue_all(struct mailing *mailing)
{
	unsigned int count = mailing->n_sheets;
	struct queue_list list = {
		.server = mailing->server,
		.route = &mailing->route,
		.sender = &mailing->initiator,
		.count = count,
		.through_service = mailing->n_responders,
	};
	struct queue_sheet *sheets;
	struct apart *aparts;
	bool taken = false;

	if (mailing->route.strict || !queue_takes(mailing->user, mailing->server->msg))
		return false;
	sheets = mem_zalloc(count * sizeof(*sheets), NULL);
	aparts = mem_zalloc(count * sizeof(*aparts), NULL);
	for (unsigned int i = 0; i < count && sheets && aparts; i++) {
		struct sheet *sheet = &mailing->sheets[i];

		sheets[i] = (struct queue_sheet){
			.recipient = &mailing->service,
			.body = &sheet->multipart,
			.valid_until = sheet->valid_until,
		};
		if (!sheet->recipient)
			continue;
		address_apart(&aparts[i], sheet);
		sheets[i].recipient = &sheet->recipient->uid;
		sheets[i].readdress = &aparts[i].readdress;
	}
	list.sheets = sheets;
	if (sheets && aparts)
		taken = queue_send_list(mailing->user, &list);
	mem_deref(sheets);
	mem_deref(aparts);
	return taken;
}

static void send_all(struct mailing *mailing)
{
	if (queue_all(mailing))
		mailing->answered = true;
	else if (mailing->n_responders)
		send_to_service(&mailing->sheets[0]);
	else
		send_all_apart(mailing);
}

/* ---- sealing */

static void sealed(const struct problem *problem, const struct bytes *transfer,
		   const struct bytes *cms, void *arg)
{
	struct sheet *sheet = arg;
	struct mailing *mailing = sheet->mailing;
	struct multipart_open open = {
		.part = {
			.p = (char *)mailing->body.list.data,
			.l = mailing->body.list.len,
		},
		.first = mailing->body.list_first,
	};
	struct problem told;

	mailing->waiting--;
	if (!problem && multipart_build(&sheet->multipart, transfer, cms,
					mailing->form,
					sheet->recipient ? NULL : &open)) {
		problem_set(&told, -ENOMEM, "no memory");
		problem = &told;
	}
	if (problem && !mailing->answered) {
		told = *problem;
		problem_prefix(&told, "for %s: ", sheet->recipient ?
			       sheet->recipient->uid.text : "those on the list");
		mailing->answered = true;
		outgoing_refuse(mailing->mikeyd, mailing->server, &told);
	}
	if (!mailing->waiting && !mailing->answered)
		send_all(mailing);
	mem_deref(mailing);
}

static void seal(struct sheet *sheet)
{
	struct mailing *mailing = sheet->mailing;
	const struct recipient *recipient = sheet->recipient;
	bool immediate = mailing->profile == MIKEY_PROFILE_IMMEDIATE;
	struct sealing sealing = {
		.initiator = mailing->initiator,
		.recipient = recipient ? recipient->uid : mailing->service,
		.responders = recipient ? &recipient->uid : mailing->responders,
		.n_responders = recipient ? 1 : mailing->n_responders,
		.list_service = !recipient && !immediate,
		.entity = &mailing->body.entity,
		.valid_until = &sheet->valid_until,
		.txn = mailing->server->txn,
	};

	mem_ref(mailing);
	sealing_start(mailing->user, &sealing, sealed, sheet);
}

/*
 * Whom the ticket for the list is for. In profile immediate the service is
 * named too, since it is the IDRr of TRANSFER_INIT.
 */
static int list_responders(struct mailing *mailing, struct problem *problem)
{
	const struct recipients *recipients = &mailing->body.recipients;
	bool immediate = mailing->profile == MIKEY_PROFILE_IMMEDIATE;
	unsigned int shown = recipients->count - recipients->hidden;

	if (!shown)
		return 0;
	mailing->responders = mem_zalloc((shown + 1) * sizeof(*mailing->responders), NULL);
	if (!mailing->responders)
		return problem_set(problem, -ENOMEM, "no memory");
	if (immediate)
		mailing->responders[mailing->n_responders++] = mailing->service;
	for (unsigned int i = 0; i < recipients->count; i++) {
		const struct recipient *recipient = &recipients->all[i];

		if (!recipient->hidden &&
		    !(immediate && uid_equal(&recipient->uid, &mailing->service)))
			mailing->responders[mailing->n_responders++] = recipient->uid;
	}
	if (mailing->n_responders > MIKEY_TICKET_RESPONDERS_MAX)
		return problem_set(problem, -E2BIG,
				   "a ticket is for at most %u, the list service among them",
				   MIKEY_TICKET_RESPONDERS_MAX);
	return 0;
}

static int make_sheets(struct mailing *mailing, struct problem *problem)
{
	const struct recipients *recipients = &mailing->body.recipients;

	if (recipients->hidden > MAILING_APART_MAX)
		return problem_set(problem, -E2BIG,
				   "%u recipients want a message of their own; %u can have one",
				   recipients->hidden, MAILING_APART_MAX);
	if (list_responders(mailing, problem))
		return problem->error;
	mailing->sheets = mem_zalloc((recipients->hidden + 1) * sizeof(*mailing->sheets), NULL);
	if (!mailing->sheets)
		return problem_set(problem, -ENOMEM, "no memory");
	if (mailing->n_responders)
		mailing->sheets[mailing->n_sheets++].mailing = mailing;
	for (unsigned int i = 0; i < recipients->count; i++) {
		struct sheet *sheet = &mailing->sheets[mailing->n_sheets];

		if (!recipients->all[i].hidden)
			continue;
		sheet->mailing = mailing;
		sheet->recipient = &recipients->all[i];
		mailing->n_sheets++;
	}
	return 0;
}

static int prepare(struct mailing *mailing, struct problem *problem)
{
	const struct sip_msg *msg = mailing->server->msg;

	if (!sipmsg_requires(msg, OPTION_TAG))
		return problem_set(problem, -EBADMSG,
				   "a list of recipients wants Require: " OPTION_TAG);
	return list_body_read(&mailing->body, msg, problem) ?: make_sheets(mailing, problem);
}

void mailing_message(struct user *user, struct server *server, const struct route *route,
		     const struct uid *initiator, const struct uid *service)
{
	struct mailing *mailing = mem_zalloc(sizeof(*mailing), mailing_destroy);
	struct problem problem;

	if (!mailing) {
		proxy_refuse(user->mikeyd, server, 503, "Service Unavailable", true, "no memory");
		return;
	}
	mailing->user = mem_ref(user);
	mailing->mikeyd = user->mikeyd;
	mailing->profile = user->config->profile;
	mailing->form = user->config->form;
	mailing->server = mem_ref(server);
	mailing->route = *route;
	mailing->initiator = *initiator;
	mailing->service = *service;
	mailing->since = tmr_jiffies();
	tmr_init(&mailing->patience);
	if (prepare(mailing, &problem)) {
		refuse_body(mailing, &problem);
	} else {
		mailing->waiting = mailing->n_sheets;
		for (unsigned int i = 0; i < mailing->n_sheets && !mailing->answered; i++)
			seal(&mailing->sheets[i]);
	}
	mem_deref(mailing);
}
