// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of transactions. */
#include "helper/mikeyd/txn.h"

#include <openssl/sha.h>
#include <string.h>

#include "helper/lib/libre.h"

void txn_of(char txn[TXN_SIZE], const struct sip_msg *msg)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	char *text;

	txn[0] = '\0';
	if (re_sdprintf(&text, "%r\n%r\n%u", &msg->callid, &msg->from.tag, msg->cseq.num))
		return;
	SHA256((const uint8_t *)text, strlen(text), digest);
	mem_deref(text);
	re_snprintf(txn, TXN_SIZE, "%w", digest, (size_t)(TXN_SIZE / 2));
}
