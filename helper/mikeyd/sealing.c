// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Entities under tickets. Those for the same recipients that find no ticket wait
 * together for one exchange with the KMS.
 */
#include "helper/mikeyd/sealing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "helper/lib/log.h"
#include "helper/lib/mime.h"
#include "helper/mikeyd/counters.h"
#include "helper/mikeyd/kms.h"
#include "helper/mikeyd/psk.h"
#include "helper/mikeyd/queue.h"
#include "helper/mikeyd/tickets.h"

/* The client gives up after 32 s (Timer F); it is told before that. */
#define PATIENCE_MS 25000

struct sealings {
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

static void ask(struct letter *letter);
static void begin(struct asking *asking);

static void letter_destroy(void *data)
{
	struct letter *letter = data;

	if (letter->le.list)
		letter->user->sealings->waiting--;
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

int sealing_open(struct user *user, struct problem *problem)
{
	user->sealings = calloc(1, sizeof(*user->sealings));
	return user->sealings ? 0 : problem_set(problem, -ENOMEM, "no memory");
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

void sealing_close(struct user *user)
{
	struct problem problem;
	struct le *le;

	if (!user->sealings)
		return;
	problem_set(&problem, -ETIMEDOUT, "mikeyd is ending");
	while ((le = list_head(&user->sealings->askings)))
		all_give_up(le->data, &problem);
	free(user->sealings);
	user->sealings = NULL;
}

/* Take a letter out of the line; the caller has it. */
static struct letter *next_letter(struct asking *asking)
{
	struct letter *letter = list_ledata(list_head(&asking->letters));

	if (letter) {
		list_unlink(&letter->le);
		asking->user->sealings->waiting--;
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
	list_append(&letter->user->sealings->askings, &asking->le, asking);
	return asking;
}

/* Wait with others for a ticket, or be the first to. */
static void ask(struct letter *letter)
{
	struct sealings *sealings = letter->user->sealings;
	struct problem problem;
	struct asking *asking;
	struct le *le;

	if (sealings->waiting >= letter->config->max_waiting ||
	    tmr_jiffies() - letter->since > PATIENCE_MS) {
		problem_set(&problem, -ETIMEDOUT, sealings->waiting ?
			    "too many messages wait for the KMS" : "the KMS took too long");
		give_up(letter, &problem);
		return;
	}
	LIST_FOREACH(&sealings->askings, le) {
		asking = le->data;
		if (!is_for(asking, letter->rules, &letter->sealing))
			continue;
		list_append(&asking->letters, &letter->le, letter);
		sealings->waiting++;
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
	sealings->waiting++;
	begin(asking);
}

void sealing_start(struct user *user, const struct sealing *sealing, sealed_h *handler,
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
