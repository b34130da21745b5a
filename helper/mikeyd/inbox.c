// SPDX-License-Identifier: GPL-2.0-or-later
/* Taking messages for a user without a SIP client. */
#include "helper/mikeyd/inbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helper/lib/libre.h"
#include "helper/lib/log.h"
#include "helper/mikeyd/counters.h"
#include "helper/mikeyd/inbox_hook.h"

#define TAKEN 200
#define NOT_TAKEN 480

struct inbox {
	const struct config_inbox *config;
	struct inbox_store *store;
	struct inbox_hooks hooks;
	struct list watches;
	unsigned int reserved;		/* messages that are being opened ... */
	uint64_t reserved_bytes;	/* ... and how large they may be */
};

/* A message that a program has, and how to answer it. */
struct run {
	struct inbox *inbox;
	struct inbox_message message;	/* for when the program fails */
	inbox_answer_h *answer;
	void *arg;
};

int inbox_open(struct inbox **out, const struct config_inbox *config, struct problem *problem)
{
	struct inbox *inbox;

	*out = NULL;
	if (config->when == INBOX_NEVER)
		return 0;
	inbox = calloc(1, sizeof(*inbox));
	if (!inbox)
		return problem_set(problem, -ENOMEM, "no memory");
	inbox->config = config;
	if (inbox_store_open(&inbox->store, config->directory, problem)) {
		free(inbox);
		return problem_prefix(problem, "inbox: ");
	}
	if (inbox_store_use(inbox->store).messages)
		log_event(INFO, "inbox-waiting",
			  log_number("messages", inbox_store_use(inbox->store).messages));
	*out = inbox;
	return 0;
}

static void tell(struct inbox *inbox)
{
	struct le *le;

	LIST_FOREACH(&inbox->watches, le) {
		struct inbox_watch *watch = le->data;

		watch->changed(watch->arg);
	}
}

void inbox_close(struct inbox *inbox)
{
	if (!inbox)
		return;
	inbox_hooks_stop(&inbox->hooks);
	list_clear(&inbox->watches);
	if (!inbox->config->directory && inbox_store_use(inbox->store).messages)
		log_event(WARNING, "inbox-lost",
			  log_number("messages", inbox_store_use(inbox->store).messages),
			  log_text("reason", "it was in memory"));
	inbox_store_close(inbox->store);
	free(inbox);
}

enum inbox_when inbox_when(const struct inbox *inbox)
{
	return inbox ? inbox->config->when : INBOX_NEVER;
}

bool inbox_keeps(const struct inbox *inbox)
{
	return !inbox->config->program || inbox->config->keep_failed;
}

struct inbox_store *inbox_store(struct inbox *inbox)
{
	return inbox->store;
}

void inbox_watch(struct inbox *inbox, struct inbox_watch *watch)
{
	list_append(&inbox->watches, &watch->le, watch);
}

/* ---- places */

static int has_room(struct inbox *inbox, size_t size, struct problem *problem)
{
	struct inbox_store_use use = inbox_store_use(inbox->store);
	const struct config_inbox *config = inbox->config;

	if (use.messages + inbox->reserved >= config->messages)
		return problem_set(problem, -EBUSY, "the inbox is full: %u messages",
				   use.messages);
	if (use.bytes + inbox->reserved_bytes + size > config->kilobytes * 1024ULL)
		return problem_set(problem, -EBUSY, "the inbox is full: %llu bytes",
				   (unsigned long long)use.bytes);
	return inbox_store_ready(inbox->store, size, problem);
}

int inbox_reserve(struct inbox *inbox, struct inbox_place *place, size_t size,
		  struct problem *problem)
{
	/* who has a run also has a place until it ends */
	if (inbox->config->program && inbox->reserved >= inbox->config->programs)
		return problem_set(problem, -EBUSY, "%u programs have messages to deal with",
				   inbox->reserved);
	if (inbox_keeps(inbox) && has_room(inbox, size, problem))
		return problem->error;
	inbox->reserved++;
	inbox->reserved_bytes += size;
	place->reserved = true;
	place->size = size;
	return 0;
}

void inbox_release(struct inbox *inbox, struct inbox_place *place)
{
	if (!inbox || !place->reserved)
		return;
	inbox->reserved--;
	inbox->reserved_bytes -= place->size;
	place->reserved = false;
}

/* ---- messages */

static uint16_t keep(struct inbox *inbox, struct inbox_message *message)
{
	struct problem problem;

	if (inbox_store_add(inbox->store, message, &problem)) {
		log_event(ERROR, "inbox-failed", log_text("txn", message->txn),
			  log_text("reason", problem.words));
		return NOT_TAKEN;
	}
	log_event(INFO, "inbox-kept", log_text("txn", message->txn), log_number("id", message->id));
	return TAKEN;
}

/* The answer, and then whoever waits: they may take it at once. */
static void answer(struct inbox *inbox, uint16_t code, bool kept, inbox_answer_h *answered,
		   void *arg)
{
	answered(code, arg);
	if (kept && code == TAKEN)
		tell(inbox);
}

static const char *words_of(int status)
{
	switch (status) {
	case -ETIMEDOUT:
		return "its time was over";
	case -ECHILD:
		return "a signal ended it";
	case -ECANCELED:
		return "mikeyd is ending";
	default:
		return "it did not take the message";
	}
}

static void ran(int status, void *arg)
{
	struct run *run = arg;
	struct inbox *inbox = run->inbox;
	/* where mikeyd is ending, memory keeps nothing */
	bool keeps = status && inbox->config->keep_failed &&
		(status != -ECANCELED || inbox->config->directory);
	uint16_t code = NOT_TAKEN;

	if (!status)
		code = TAKEN;
	else if (keeps)
		code = keep(inbox, &run->message);
	if (status)
		log_event(WARNING, "program-failed", log_text("txn", run->message.txn),
			  log_text("program", inbox->config->program[0]),
			  log_number("status", status), log_text("reason", words_of(status)));
	inbox_message_wipe(&run->message);
	answer(inbox, code, keeps, run->answer, run->arg);
	free(run);
}

static void give_to_program(struct inbox *inbox, struct inbox_message *message,
			    inbox_answer_h *answered, void *arg)
{
	const struct config_inbox *config = inbox->config;
	struct run *run = calloc(1, sizeof(*run));
	struct problem problem;
	int err = run ? 0 : problem_set(&problem, -ENOMEM, "no memory");

	if (!err)
		err = inbox_hook_run(&inbox->hooks, config->program, config->program_time,
				     message, ran, run, &problem);
	if (err) {
		uint16_t code = config->keep_failed ? keep(inbox, message) : NOT_TAKEN;

		log_event(ERROR, "program-failed", log_text("txn", message->txn),
			  log_text("reason", problem.words));
		inbox_message_wipe(message);
		free(run);
		answer(inbox, code, true, answered, arg);
		return;
	}
	*run = (struct run){
		.inbox = inbox,
		.message = *message,
		.answer = answered,
		.arg = arg,
	};
	if (!config->keep_failed)
		inbox_message_wipe(&run->message);
}

void inbox_give(struct inbox *inbox, struct inbox_message *message, inbox_answer_h *answered,
		void *arg)
{
	uint16_t code;

	counter_more(COUNTER_INBOX_RECEIVED, 0, 0);
	if (inbox->config->program) {
		give_to_program(inbox, message, answered, arg);
		return;
	}
	code = keep(inbox, message);
	inbox_message_wipe(message);
	answer(inbox, code, true, answered, arg);
}
