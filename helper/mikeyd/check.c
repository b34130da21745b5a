// SPDX-License-Identifier: GPL-2.0-or-later
/* What is tried at start, and what --check tries beyond that. */
#include "helper/mikeyd/check.h"

#include <errno.h>
#include <time.h>

#include "helper/lib/keyring.h"
#include "helper/lib/mime.h"
#include "helper/mikeyd/kms.h"
#include "helper/mikeyd/user.h"

/* The version of both netlink contracts that this program was written for. */
#define API_VERSION 1

static int check_age(const char *module, uint32_t version, const char *release,
		     struct problem *problem)
{
	if (version == API_VERSION)
		return 0;
	return problem_set(problem, -EPROTO,
			   "%s %s speaks version %u of its interface, mikeyd version %u: install both from one release",
			   module, release, version, API_VERSION);
}

static int check_user(const struct config_user *config, const struct ticket_caps *ticket,
		      const struct mime_caps *mime, struct problem *problem)
{
	uint32_t content = mime_content_of(config->form, config->content);

	if (!(ticket->profiles & 1u << config->profile))
		return problem_set(problem, -EPROTONOSUPPORT,
				   "mikey_ticket.ko does not allow profile %s",
				   ticket_profile_name(config->profile));
	if (!(ticket->suites & 1u << config->suite))
		return problem_set(problem, -EPROTONOSUPPORT,
				   "mikey_ticket.ko does not allow suite %s",
				   ticket_suite_name(config->suite));
	if (!(mime->forms & 1u << config->form))
		return problem_set(problem, -EPROTONOSUPPORT,
				   "mikey_mime.ko does not allow form %s",
				   mime_form_name(config->form));
	if (content && !(mime->content_algs & 1u << content))
		return problem_set(problem, -EPROTONOSUPPORT,
				   "mikey_mime.ko does not allow content %s",
				   mime_content_name(content));
	return 0;
}

int check_modules(struct mikeyd *mikeyd, const struct config *config, struct problem *problem)
{
	struct ticket_caps ticket;
	struct mime_caps mime;

	if (ticket_caps(mikeyd->ticket_client, &ticket, problem) ||
	    mime_caps(mikeyd->mime_client, &mime, problem) ||
	    check_age("mikey_ticket.ko", ticket.api_version, ticket.module_version, problem) ||
	    check_age("mikey_mime.ko", mime.api_version, mime.module_version, problem))
		return problem->error;
	for (unsigned int i = 0; i < config->n_users; i++)
		if (check_user(&config->users[i], &ticket, &mime, problem))
			return *config->users[i].name ?
				problem_prefix(problem, "user %s: ", config->users[i].name) :
				problem->error;
	return 0;
}

struct trial {
	struct mikeyd *mikeyd;
	uint32_t exchange;
	struct problem *problem;
};

static void answered(const struct bytes *answer, const struct problem *failure, void *arg)
{
	struct trial *trial = arg;
	struct problem ignored;
	int32_t ticket;

	re_cancel();
	if (!answer)
		*trial->problem = *failure;
	else if (!ticket_close(trial->mikeyd->ticket_client, MIKEY_TICKET_CMD_GRANT,
			       trial->exchange, answer, &ticket, NULL, trial->problem))
		keyring_drop(ticket, &ignored);
}

static int check_kms_of(struct user *user, struct problem *problem)
{
	const struct config_user *config = user->config;
	struct mikeyd *mikeyd = user->mikeyd;
	struct trial trial = { .mikeyd = mikeyd, .problem = problem };
	struct ticket_wish wish = {
		.party = &user->party,
		.initiator = config->identities[0],
		.responders = config->identities,
		.n_responders = 1,
		.profile = config->profile,
		.valid_until = time(NULL) + 60,
	};
	struct bytes message;
	int err;

	err = ticket_request(mikeyd->ticket_client, &wish, &trial.exchange, &message, problem);
	if (err)
		return err;
	problem->error = 0;
	err = kms_post(user->kms, KMS_TICKET_REQUEST, &message, "check", answered, &trial, problem);
	bytes_wipe(&message);
	if (!err)
		re_main(NULL);
	return problem->error;
}

int check_kms(struct mikeyd *mikeyd, struct problem *problem)
{
	struct le *le;

	LIST_FOREACH(&mikeyd->users, le) {
		struct user *user = le->data;

		if (check_kms_of(user, problem))
			return *user->config->name ?
				problem_prefix(problem, "user %s: ", user->config->name) :
				problem->error;
	}
	return 0;
}
