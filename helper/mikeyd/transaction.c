// SPDX-License-Identifier: GPL-2.0-or-later
/* The tables of transactions. */
#include "helper/mikeyd/transaction.h"

#include <errno.h>

/* The buckets; a power of two. */
#define BUCKETS 4096

static void transactions_destroy(void *data)
{
	struct transactions *transactions = data;

	hash_flush(transactions->servers);
	hash_flush(transactions->clients);
	mem_deref(transactions->servers);
	mem_deref(transactions->clients);
	mem_deref(transactions->deadlines);
}

int transactions_alloc(struct transactions **out, struct transport *transport)
{
	struct transactions *transactions = mem_zalloc(sizeof(*transactions),
						       transactions_destroy);

	if (!transactions)
		return -ENOMEM;
	transactions->transport = transport;
	if (deadlines_alloc(&transactions->deadlines) ||
	    hash_alloc(&transactions->servers, BUCKETS) ||
	    hash_alloc(&transactions->clients, BUCKETS)) {
		mem_deref(transactions);
		return -ENOMEM;
	}
	*out = transactions;
	return 0;
}

void transactions_stop(struct transactions *transactions)
{
	if (transactions)
		client_stop(transactions);
}
