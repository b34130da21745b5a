// SPDX-License-Identifier: GPL-2.0-or-later
/* A ring of answers, by the digest of the TRANSFER_INIT. */
#include "helper/mikeyd/answers.h"

#include <openssl/sha.h>
#include <string.h>

void answer_key(struct answer_key *key, const struct bytes *transfer)
{
	SHA256(transfer->data, transfer->len, key->digest);
}

void answers_add(struct answers *answers, const struct answer_key *key, uint16_t code)
{
	answers->ring[answers->next].key = *key;
	answers->ring[answers->next].code = code;
	answers->next = (answers->next + 1) % ANSWERS_MAX;
}

uint16_t answers_find(const struct answers *answers, const struct answer_key *key)
{
	for (unsigned int i = 0; i < ANSWERS_MAX; i++)
		if (answers->ring[i].code && !memcmp(&answers->ring[i].key, key, sizeof(*key)))
			return answers->ring[i].code;
	return 0;
}
