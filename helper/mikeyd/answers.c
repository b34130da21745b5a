// SPDX-License-Identifier: GPL-2.0-or-later
/* A ring of answers, by the digest of what was answered. */
#include "helper/mikeyd/answers.h"

#include <openssl/sha.h>
#include <string.h>

void answer_key(struct answer_key *key, const struct bytes *transfer,
		const struct bytes *cms)
{
	struct {
		uint8_t transfer[SHA256_DIGEST_LENGTH], cms[SHA256_DIGEST_LENGTH];
	} both;

	SHA256(transfer->data, transfer->len, both.transfer);
	SHA256(cms->data, cms->len, both.cms);
	SHA256((const uint8_t *)&both, sizeof(both), key->digest);
}

void answers_add(struct answers *answers, const struct answer_key *key, uint16_t code)
{
	answers->ring[answers->next].key = *key;
	answers->ring[answers->next].code = code;
	answers->next = (answers->next + 1) % ANSWERS_MAX;
}

uint16_t answers_find(const struct answers *answers, const struct answer_key *key)
{
	uint16_t found = 0;

	/* of several contacts, the one that took it is the one that counts */
	for (unsigned int i = 0; i < ANSWERS_MAX && found / 100 != 2; i++)
		if (answers->ring[i].code && !memcmp(&answers->ring[i].key, key, sizeof(*key)))
			found = answers->ring[i].code;
	return found;
}
