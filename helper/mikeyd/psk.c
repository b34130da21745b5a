// SPDX-License-Identifier: GPL-2.0-or-later
/* Finding the pre-shared key. */
#include "helper/mikeyd/psk.h"

#include <errno.h>

#include "helper/lib/keyring.h"
#include "helper/lib/log.h"

int psk_open(struct mikeyd *mikeyd, struct problem *problem)
{
	mikeyd->party.psk_id = mikeyd->config->psk_id;
	mikeyd->party.kms = mikeyd->config->kms_id;
	mikeyd->party.suite = mikeyd->config->suite;
	return keyring_find_psk(mikeyd->config->psk, &mikeyd->party.psk, problem);
}

bool psk_renew(struct mikeyd *mikeyd, int error)
{
	struct problem problem;
	int32_t serial;

	if (error != -ENOKEY && error != -EKEYREVOKED && error != -EKEYEXPIRED)
		return false;
	if (keyring_find_psk(mikeyd->config->psk, &serial, &problem) ||
	    serial == mikeyd->party.psk)
		return false;
	log_info("another PSK %s is there", mikeyd->config->psk);
	mikeyd->party.psk = serial;
	return true;
}
