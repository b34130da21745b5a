// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The product: PROTECT and UNPROTECT of mikey_mime.ko. Each message to be
 * opened has a ticket of its own, as profile immediate has it.
 */
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define NUM_MAX 256

struct product {
	struct stage *stage;
	struct nlc nl;
	struct request requests[NUM_MAX];
	u32 num;
	u8 *room;
	u32 next;		/* ticket to send with */
};

static void *product_open(const struct contestant *c, struct stage *stage)
{
	struct product *p = calloc(1, sizeof(*p));

	(void)c;
	if (!p)
		bench_die("no memory");
	p->stage = stage;
	p->room = malloc(CLIENT_ROOM);
	if (!p->room || nlc_open(&p->nl, MIKEY_MIME_GENL_NAME, MIKEY_MIME_GENL_VERSION))
		bench_die("mikey_mime.ko is not loaded");
	return p;
}

static void forget(struct product *p)
{
	while (p->num)
		request_free(&p->requests[--p->num]);
}

/* Any of the live tickets; a step that is prime to their number visits all. */
static struct request protect_request(struct product *p, struct mikey_blob body)
{
	u32 i = p->next;

	p->next = (p->next + 7919) % p->stage->num;
	return request_of(&p->nl, body_protect_msg(&p->nl, p->stage->tickets[i],
						   stage_recipient(i), body), true);
}

static struct request unprotect_request(struct product *p, struct mikey_blob body)
{
	struct stage *s = p->stage;
	struct request r = request_of(&p->nl, body_protect_msg(&p->nl, s->tickets[0], BOB, body),
				      true);
	u32 len = client_call(&p->nl, &r, p->room);
	struct request transfer = client_bytes(p->room, len, MIKEY_MIME_A_TRANSFER);
	struct request cms = client_bytes(p->room, len, MIKEY_MIME_A_CMS);
	struct peer_msg *msg = malloc(sizeof(*msg));
	key_serial_t ticket;

	request_free(&r);
	if (!msg)
		bench_die("no memory");
	msg->len = transfer.len;
	memcpy(msg->p, transfer.p, transfer.len);
	ticket = term_admit(&s->lane.bob, &s->lane.ticket, msg);
	free(msg);
	if (ticket < 0)
		bench_die("no ticket for Bob: %s", strerror(-ticket));
	r = request_of(&p->nl, body_unprotect_msg(&p->nl, ticket,
						  (struct mikey_blob){ transfer.p, transfer.len },
						  (struct mikey_blob){ cms.p, cms.len }), true);
	request_free(&transfer);
	request_free(&cms);
	return r;
}

static void product_ready(void *worker, enum bench_op op, u32 len, u32 num)
{
	struct mikey_blob body = body_entity(len);
	struct product *p = worker;

	if (num > NUM_MAX)
		bench_die("a batch has at most %d operations", NUM_MAX);
	forget(p);
	for (; p->num < num; p->num++)
		p->requests[p->num] = op == BENCH_PROTECT ? protect_request(p, body) :
							    unprotect_request(p, body);
	free((u8 *)body.p);
}

static void product_run(void *worker, u32 i)
{
	struct product *p = worker;

	client_call(&p->nl, &p->requests[i], p->room);
}

static void product_close(void *worker)
{
	struct product *p = worker;

	forget(p);
	nlc_close(&p->nl);
	free(p->room);
	free(p);
}

const struct contestant contestant_product = {
	.name = "product",
	.open = product_open,
	.ready = product_ready,
	.run = product_run,
	.close = product_close,
};
