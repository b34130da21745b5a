// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A group behind one address (TS 33.328 F.3.3): the message was opened; it is
 * looked at who sent it, protected once more, and sent to each member.
 */
#include "helper/mikeyd/listserver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helper/lib/log.h"
#include "helper/mikeyd/envelope.h"
#include "helper/mikeyd/immediate.h"
#include "helper/mikeyd/multipart.h"
#include "helper/mikeyd/proxy.h"
#include "helper/mikeyd/sealing.h"
#include "helper/mikeyd/sender.h"
#include "helper/mikeyd/sipmsg.h"
#include "helper/mikeyd/verdict.h"

struct posting {
	struct user *user;
	uint32_t profile, form;		/* in force when it came */
	const struct list_server *list;
	struct envelope *envelope;
	struct uid *members;		/* at most LIST_MEMBERS_MAX */
	unsigned int n_members;
	struct uid *responders;		/* the members, and in profile immediate the group */
	unsigned int n_responders;
	struct bytes entity;
};

static void posting_destroy(void *data)
{
	struct posting *posting = data;

	free(posting->members);
	mem_deref(posting->responders);
	bytes_wipe(&posting->entity);
	mem_deref(posting->user);
}

static void refuse(struct posting *posting, struct verdict verdict, const char *words)
{
	envelope_answer(posting->envelope, verdict, words, NULL);
	mem_deref(posting);
}

static bool is_member(const struct posting *posting, const struct uid *uid)
{
	for (unsigned int i = 0; i < posting->n_members; i++)
		if (uid_equal(&posting->members[i], uid))
			return true;
	return false;
}

/*
 * The keys tell the sender, and From has to name the same, or nobody: members are
 * shown it. Who may send is who is told so, else the members.
 */
static const char *why_not(const struct posting *posting)
{
	const struct list_server *list = posting->list;
	const struct mime_opened *opened = &posting->envelope->opened;
	const struct sip_msg *msg = envelope_message(posting->envelope);
	const struct uid *sender = &opened->initiator;
	struct uid from;

	if (!immediate_is_anonymous(msg) &&
	    (!sipmsg_is_one(&msg->from.params) ||
	     uid_from_uri(&from, msg->from.auri.p, msg->from.auri.l) ||
	     !uid_equal(&from, sender)))
		return "From is not the sender that the keys tell";
	if (list->n_senders ? !list_server_matches(list->senders, list->n_senders, sender) :
	    !is_member(posting, sender))
		return "the sender may not send to this group";
	return NULL;
}

static void told(const struct circular_report *report, void *arg)
{
	struct posting *posting = arg;
	struct list_answer answer;

	listserver_answer(&answer, report, envelope_txn(posting->envelope));
	envelope_answer(posting->envelope, (struct verdict){ answer.code, answer.reason, false },
			NULL, answer.headers);
	mem_deref(posting);
}

/* Its sender has it already. */
static int fill(const struct posting *posting, struct circular *circular)
{
	char escaped[UID_ESCAPED_MAX], uri[UID_ESCAPED_MAX + 4];
	int err = 0;

	for (unsigned int i = 0; i < posting->n_members && !err; i++) {
		if (uid_equal(&posting->members[i], &posting->envelope->opened.initiator))
			continue;
		uid_escape(escaped, &posting->members[i]);
		re_snprintf(uri, sizeof(uri), "sip:%s", escaped);
		err = circular_add(circular, uri, 0);
	}
	return err;
}

static int send_all(struct posting *posting, struct multipart *multipart)
{
	struct circular *circular;
	char *headers;

	circular = listserver_circular(posting->user->mikeyd, posting->list,
				       envelope_message(posting->envelope),
				       envelope_route(posting->envelope),
				       &posting->envelope->opened.initiator);
	if (!circular || str_dup(&headers, multipart->headers)) {
		mem_deref(circular);
		sipmsg_wipe(multipart->body);
		return -ENOMEM;
	}
	circular_body(circular, 0, headers, multipart->body);
	if (fill(posting, circular)) {
		mem_deref(circular);
		return -ENOMEM;
	}
	circular_send(circular, told, posting);
	return 0;
}

static void sealed(const struct problem *problem, const struct bytes *transfer,
		   const struct bytes *cms, void *arg)
{
	struct posting *posting = arg;
	struct multipart multipart;
	struct problem none;

	bytes_wipe(&posting->entity);
	if (!problem && (multipart_build(&multipart, transfer, cms,
					 posting->form, NULL) ||
			 send_all(posting, &multipart))) {
		problem_set(&none, -ENOMEM, "no memory");
		problem = &none;
	}
	if (problem)
		refuse(posting, verdict_list(problem), problem->words);
}

static int list_responders(struct posting *posting, struct problem *problem)
{
	bool immediate = posting->profile == MIKEY_PROFILE_IMMEDIATE;

	posting->responders = mem_zalloc((posting->n_members + 1) * sizeof(*posting->responders),
					 NULL);
	if (!posting->responders)
		return problem_set(problem, -ENOMEM, "no memory");
	if (immediate)
		posting->responders[posting->n_responders++] = posting->list->psi;
	memcpy(posting->responders + posting->n_responders, posting->members,
	       posting->n_members * sizeof(*posting->members));
	posting->n_responders += posting->n_members;
	if (posting->n_responders > MIKEY_TICKET_RESPONDERS_MAX)
		return problem_set(problem, -E2BIG,
				   "a ticket is for at most %u, the group among them",
				   MIKEY_TICKET_RESPONDERS_MAX);
	return 0;
}

/* The members are told who sent it, unless Privacy says that they must not be. */
static int prepare_entity(struct posting *posting)
{
	struct mime_opened *opened = &posting->envelope->opened;
	const struct sender sender = { .uid = opened->initiator, .proved = opened->proved };

	if (!immediate_wants_privacy(envelope_message(posting->envelope)))
		return sender_write(&posting->entity, &sender, &opened->entity);
	posting->entity = opened->entity;
	opened->entity = (struct bytes){ 0 };
	return 0;
}

/* One ticket for all members, also the sender: so the next one's message has it too. */
static void seal(struct posting *posting)
{
	struct problem problem;
	struct sealing sealing = {
		.initiator = posting->list->psi,
		.recipient = posting->list->psi,
		.list_service = posting->profile != MIKEY_PROFILE_IMMEDIATE,
		.entity = &posting->entity,
		.txn = envelope_txn(posting->envelope),
	};

	if (list_responders(posting, &problem)) {
		refuse(posting, verdict_list(&problem), problem.words);
		return;
	}
	if (prepare_entity(posting)) {
		problem_set(&problem, -ENOMEM, "no memory");
		refuse(posting, verdict_list(&problem), problem.words);
		return;
	}
	sealing.responders = posting->responders;
	sealing.n_responders = posting->n_responders;
	sealing_start(posting->user, &sealing, sealed, posting);
}

void listserver_opened(struct envelope *envelope)
{
	static const struct verdict forbidden = { 403, "Forbidden", false };
	static const struct verdict nobody = { 480, "Temporarily Unavailable", false };
	struct posting *posting = mem_zalloc(sizeof(*posting), posting_destroy);
	const char *why;
	struct problem problem;

	if (!posting) {
		problem_set(&problem, -ENOMEM, "no memory");
		envelope_answer(envelope, verdict_list(&problem), problem.words, NULL);
		return;
	}
	posting->user = mem_ref(envelope->user);
	posting->profile = envelope->user->config->profile;
	posting->form = envelope->user->config->form;
	posting->list = envelope->list;
	posting->envelope = envelope;
	/* its fault, and nobody else's, whatever is wrong with the file */
	if (list_server_members(posting->list, &posting->members, &posting->n_members,
				&problem)) {
		posting->members = NULL;
		log_event(ERROR, "list-broken", log_text("txn", envelope_txn(envelope)),
			  log_text("reason", problem.words));
		problem.error = -EIO;
		refuse(posting, verdict_list(&problem), problem.words);
		return;
	}
	why = why_not(posting);
	if (why)
		refuse(posting, forbidden, why);
	else if (posting->n_members == is_member(posting, &envelope->opened.initiator))
		refuse(posting, nobody, "the group has no member besides the sender");
	else
		seal(posting);
}
