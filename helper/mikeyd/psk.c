// SPDX-License-Identifier: GPL-2.0-or-later
/* Finding the pre-shared key. */
#include "helper/mikeyd/psk.h"

#include <errno.h>

#include "helper/lib/keyring.h"
#include "helper/lib/log.h"

int psk_open(struct user *user, struct problem *problem)
{
	user->party.psk_id = user->config->psk_id;
	user->party.kms = user->config->kms_id;
	user->party.suite = user->config->suite;
	return keyring_find_psk(user->config->psk, &user->party.psk, problem);
}

bool psk_renew(struct user *user, int error)
{
	struct problem problem;
	int32_t serial;

	if (error != -ENOKEY && error != -EKEYREVOKED && error != -EKEYEXPIRED)
		return false;
	if (keyring_find_psk(user->config->psk, &serial, &problem) ||
	    serial == user->party.psk)
		return false;
	log_event(INFO, "psk-renewed", log_text("psk", user->config->psk));
	user->party.psk = serial;
	return true;
}
