// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The floor: an empty netlink round trip with the cryptography of one message
 * in it, and nothing else (kmod/).
 */
#include <stdlib.h>

#include "bench.h"
#include "kmod/mikey_bench.h"

struct floor {
	struct stage *stage;
	struct nlc nl;
	struct request request;
	u8 *room;
};

static void *floor_open(const struct contestant *c, struct stage *stage)
{
	struct floor *f = calloc(1, sizeof(*f));

	(void)c;
	if (!f)
		bench_die("no memory");
	f->stage = stage;
	f->room = malloc(CLIENT_ROOM);
	if (!f->room || nlc_open(&f->nl, MIKEY_BENCH_GENL_NAME, MIKEY_BENCH_GENL_VERSION))
		bench_die("mikey_bench.ko is not loaded");
	return f;
}

/* What a message of the product's of that length has where. */
static struct mikey_bench_message lengths(struct floor *f, u32 body)
{
	struct lane *l = &f->stage->lane;
	struct mikey_blob entity = body_entity(body);
	struct mikey_bench_message m = { .body = body };
	struct request transfer, cms;
	struct mikey_msg msg;
	struct mikey_diag d;
	struct nlc_reply r;

	if (nlc_call(&l->mime, body_protect_msg(&l->mime, l->send, BOB, entity), &r))
		bench_die("PROTECT: %s", r.words);
	transfer = client_bytes((u8 *)nlmsg_hdr(r.msg), nlmsg_hdr(r.msg)->nlmsg_len,
				MIKEY_MIME_A_TRANSFER);
	cms = client_bytes((u8 *)nlmsg_hdr(r.msg), nlmsg_hdr(r.msg)->nlmsg_len,
			   MIKEY_MIME_A_CMS);
	nlc_free(&r);
	if (mikey_msg_parse(&msg, transfer.p, transfer.len, MIKEY_EXT_PROOF_OF_ORIGIN_DEFAULT, &d))
		bench_die("TRANSFER_INIT: %s", d.why);
	m.object = cms.len;
	m.initiator_data = msg.ticket.initiator_data.len - msg.v.mac.len;
	m.covered = transfer.len - msg.ticket.initiator_data.len - 2 - msg.v.mac.len +
		    msg.idr_i.data.len + msg.idr_r.data.len;
	request_free(&transfer);
	request_free(&cms);
	free((u8 *)entity.p);
	return m;
}

static void floor_ready(void *worker, enum bench_op op, u32 body, u32 num)
{
	struct floor *f = worker;
	struct mikey_bench_message m = { 0 };
	struct nl_msg *msg;

	(void)num;
	msg = nlc_msg_room(&f->nl, body ? MIKEY_BENCH_CMD_FLOOR : MIKEY_BENCH_CMD_NOTHING, 4096);
	if (body) {
		m = lengths(f, body);
		m.open = op == BENCH_UNPROTECT;
		nla_put(msg, MIKEY_BENCH_A_MESSAGE, sizeof(m), &m);
	}
	request_free(&f->request);
	f->request = request_of(&f->nl, msg, false);
}

static void floor_run(void *worker, u32 i)
{
	struct floor *f = worker;

	(void)i;
	client_call(&f->nl, &f->request, f->room);
}

static void floor_close(void *worker)
{
	struct floor *f = worker;

	request_free(&f->request);
	nlc_close(&f->nl);
	free(f->room);
	free(f);
}

const struct contestant contestant_floor = {
	.name = "floor",
	.open = floor_open,
	.ready = floor_ready,
	.run = floor_run,
	.close = floor_close,
};
