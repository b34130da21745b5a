// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A URI-list service (RFC 5365): everything goes on as it came but for the list
 * itself, in whose place each recipient gets the history.
 */
#include "helper/mikeyd/listserver.h"

#include <errno.h>

#include "helper/mikeyd/history.h"
#include "helper/mikeyd/incoming.h"
#include "helper/mikeyd/listbody.h"
#include "helper/mikeyd/mailing.h"
#include "helper/mikeyd/proxy.h"
#include "helper/mikeyd/recipients.h"
#include "helper/mikeyd/sealing.h"
#include "helper/mikeyd/sipmsg.h"
#include "helper/mikeyd/verdict.h"

#define OPTION_TAG "recipient-list-message"

enum {
	BODY_SHOWN,	/* with the history */
	BODY_HIDDEN,	/* without it, if it is protected for others */
};

struct posting {
	struct user *user;
	struct mikeyd *mikeyd;		/* the user's */
	const struct config *rules;	/* of the user when it came, the list's too; counted */
	uint32_t profile, form;
	const struct list_server *list;
	struct server *server;
	struct route route;
	struct recipients recipients;
	struct bytes history;
	struct uid *responders;		/* of the history's ticket */
	unsigned int n_responders;
};

static void posting_destroy(void *data)
{
	struct posting *posting = data;

	recipients_free(&posting->recipients);
	bytes_wipe(&posting->history);
	mem_deref(posting->responders);
	mem_deref(posting->server);
	mem_deref((void *)posting->rules);
	mem_deref(posting->user);
}

static void refuse(struct posting *posting, const struct problem *problem)
{
	struct verdict verdict;

	if (problem->error == -EACCES) {
		proxy_refuse(posting->mikeyd, posting->server, 403, "Forbidden", false,
			     problem->words);
	} else if (!mailing_refuse_body(posting->mikeyd, posting->server, problem)) {
		verdict = verdict_list(problem);
		proxy_refuse(posting->mikeyd, posting->server, verdict.code, verdict.reason,
			     verdict.retry, problem->words);
	}
}

/* ---- who may send to whom */

/* There is no key to know the sender by: what the message claims has to do. */
static int check_sender(const struct posting *posting, struct problem *problem)
{
	const struct list_server *list = posting->list;
	const struct sip_msg *msg = posting->server->msg;
	struct uid sender;

	if (!sipmsg_is_one(&msg->from.params) ||
	    uid_from_uri(&sender, msg->from.auri.p, msg->from.auri.l) ||
	    !list_server_matches(list->senders, list->n_senders, &sender))
		return problem_set(problem, -EACCES, "From is no sender of this list service");
	return 0;
}

static int check_recipients(const struct posting *posting, struct problem *problem)
{
	const struct list_server *list = posting->list;

	for (unsigned int i = 0; i < posting->recipients.count; i++) {
		const struct uid *uid = &posting->recipients.all[i].uid;

		if (!list_server_matches(list->recipients, list->n_recipients, uid))
			return problem_set(problem, -EACCES,
					   "this list service does not send to %s", uid->text);
	}
	return 0;
}

static int prepare(struct posting *posting, struct problem *problem)
{
	const struct sip_msg *msg = posting->server->msg;

	if (!sipmsg_requires(msg, OPTION_TAG))
		return problem_set(problem, -EBADMSG, "a list service wants Require: " OPTION_TAG);
	if (check_sender(posting, problem) ||
	    list_body_read_list(&posting->recipients, msg, problem) ||
	    check_recipients(posting, problem))
		return problem->error;
	if (posting->list->history == LIST_HISTORY_NONE ||
	    (posting->list->history == LIST_HISTORY_PROTECT &&
	     posting->recipients.hidden == posting->recipients.count))
		return 0;
	if (history_build(&posting->history, &posting->recipients))
		return problem_set(problem, -ENOMEM, "no memory");
	return 0;
}

/* ---- sending */

static void told(const struct circular_report *report, void *arg)
{
	struct posting *posting = arg;
	struct list_answer answer;

	listserver_answer(&answer, report, posting->server->txn);
	server_respond(posting->server, answer.code, answer.reason, answer.headers);
	mem_deref(posting);
}

static int take_body(struct posting *posting, struct circular *circular, unsigned int which,
		     const struct bytes *history)
{
	char *headers;
	struct mbuf *body;
	int err = list_body_expand(posting->server->msg, history, &headers, &body);

	if (!err)
		circular_body(circular, which, headers, body);
	return err;
}

static int fill(struct posting *posting, struct circular *circular)
{
	const struct recipients *recipients = &posting->recipients;
	bool sealed = posting->list->history == LIST_HISTORY_PROTECT;
	const struct bytes none = { 0 };
	int err;

	err = take_body(posting, circular, BODY_SHOWN, &posting->history);
	if (sealed && recipients->hidden)
		err = err ?: take_body(posting, circular, BODY_HIDDEN, &none);
	for (unsigned int i = 0; i < recipients->count && !err; i++) {
		const struct recipient *recipient = &recipients->all[i];
		char uri[RECIPIENT_URI_SIZE];

		recipient_request_uri(uri, recipient);
		err = circular_add(circular, uri, sealed && recipient->hidden ?
				   BODY_HIDDEN : BODY_SHOWN);
	}
	return err;
}

static void send_all(struct posting *posting)
{
	struct circular *circular;
	struct problem problem;

	circular = listserver_circular(posting->mikeyd, posting->list, posting->server->msg,
				       &posting->route, NULL);
	problem.error = circular ? fill(posting, circular) : -ENOMEM;
	if (!problem.error) {
		circular_send(circular, told, posting);
		return;
	}
	mem_deref(circular);
	problem_set(&problem, problem.error, "the message cannot be copied");
	refuse(posting, &problem);
	mem_deref(posting);
}

/* ---- the history, protected */

static void sealed(const struct problem *problem, const struct bytes *transfer,
		   const struct bytes *cms, void *arg)
{
	struct posting *posting = arg;
	struct verdict verdict;
	struct problem none;

	bytes_wipe(&posting->history);
	if (!problem && history_wrap(&posting->history, transfer, cms,
				     posting->form)) {
		problem_set(&none, -ENOMEM, "no memory");
		problem = &none;
	}
	if (!problem) {
		send_all(posting);
		return;
	}
	verdict = verdict_list(problem);
	proxy_refuse(posting->mikeyd, posting->server, verdict.code, verdict.reason,
		     verdict.retry, problem->words);
	mem_deref(posting);
}

/*
 * For those whom it names, and no others: a ticket tells each of them whom it is
 * for, and so who got a copy in secret.
 */
static int seal_history(struct posting *posting, struct problem *problem)
{
	const struct recipients *recipients = &posting->recipients;
	bool immediate = posting->profile == MIKEY_PROFILE_IMMEDIATE;
	const struct uid *address = list_server_address(posting->list);
	struct sealing sealing = {
		.initiator = *address,
		.recipient = *address,
		.list_service = !immediate,
		.entity = &posting->history,
		.txn = posting->server->txn,
	};

	posting->responders = mem_zalloc((recipients->count + 1) * sizeof(*posting->responders),
					 NULL);
	if (!posting->responders)
		return problem_set(problem, -ENOMEM, "no memory");
	if (immediate)
		posting->responders[posting->n_responders++] = *address;
	for (unsigned int i = 0; i < recipients->count; i++)
		if (!recipients->all[i].hidden && !uid_equal(&recipients->all[i].uid, address))
			posting->responders[posting->n_responders++] = recipients->all[i].uid;
	if (posting->n_responders > MIKEY_TICKET_RESPONDERS_MAX)
		return problem_set(problem, -E2BIG,
				   "a ticket is for at most %u, the list service among them",
				   MIKEY_TICKET_RESPONDERS_MAX);
	sealing.responders = posting->responders;
	sealing.n_responders = posting->n_responders;
	sealing_start(posting->user, &sealing, sealed, posting);
	return 0;
}

void listserver_uris(struct user *user, struct server *server, const struct route *route,
		     const struct list_server *list)
{
	struct posting *posting = mem_zalloc(sizeof(*posting), posting_destroy);
	struct problem problem;

	if (!posting) {
		proxy_refuse(user->mikeyd, server, 503, "Service Unavailable", true, "no memory");
		return;
	}
	posting->user = mem_ref(user);
	posting->mikeyd = user->mikeyd;
	posting->rules = mem_ref((void *)user->rules);
	posting->profile = user->config->profile;
	posting->form = user->config->form;
	posting->list = list;
	posting->server = mem_ref(server);
	posting->route = *route;
	if (prepare(posting, &problem)) {
		refuse(posting, &problem);
		mem_deref(posting);
	} else if (!incoming_acceptable(user, server)) {
		mem_deref(posting);
	} else if (!posting->history.len || list->history != LIST_HISTORY_PROTECT) {
		send_all(posting);
	} else if (seal_history(posting, &problem)) {
		refuse(posting, &problem);
		mem_deref(posting);
	}
}
