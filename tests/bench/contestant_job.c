// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The job in one process, with its keys in three places. That it is the same
 * job is shown before it is timed: what it makes the modules' own ticket opens,
 * and it opens what they make.
 */
#include <stdlib.h>

#include "bench.h"
#include "job.h"

struct worker {
	struct stage *stage;
	struct job *job;
	enum bench_op op;
	struct mikey_blob body;
	struct request transfer;
	struct request cms;
};

static void *worker_open(const struct contestant *c, struct stage *stage)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (!w)
		bench_die("no memory");
	w->stage = stage;
	w->job = job_open(c->data, &stage->lane.ticket);
	return w;
}

static struct mikey_blob blob(const struct request *r)
{
	return (struct mikey_blob){ r->p, r->len };
}

static void forget(struct worker *w)
{
	request_free(&w->transfer);
	request_free(&w->cms);
	free((u8 *)w->body.p);
}

/* A message of the modules' */
static void foreign(struct worker *w)
{
	struct lane *l = &w->stage->lane;
	struct nlc_reply r;

	if (nlc_call(&l->mime, body_protect_msg(&l->mime, l->send, BOB, w->body), &r))
		bench_die("PROTECT: %s", r.words);
	w->transfer = client_bytes((u8 *)nlmsg_hdr(r.msg), nlmsg_hdr(r.msg)->nlmsg_len,
				   MIKEY_MIME_A_TRANSFER);
	w->cms = client_bytes((u8 *)nlmsg_hdr(r.msg), nlmsg_hdr(r.msg)->nlmsg_len,
			      MIKEY_MIME_A_CMS);
	nlc_free(&r);
}

/* The modules take a message of ours. */
static void taken(struct worker *w, struct mikey_blob transfer, struct mikey_blob cms)
{
	struct lane *l = &w->stage->lane;
	struct peer_msg *msg = malloc(sizeof(*msg));
	key_serial_t ticket;
	struct nlc_reply r;

	if (!msg)
		bench_die("no memory");
	msg->len = transfer.len;
	memcpy(msg->p, transfer.p, transfer.len);
	ticket = term_admit(&l->bob, &l->ticket, msg);
	free(msg);
	if (ticket < 0)
		bench_die("ADMIT of the job's TRANSFER_INIT: %s", strerror(-ticket));
	if (nlc_call(&l->mime, body_unprotect_msg(&l->mime, ticket, transfer, cms), &r))
		bench_die("UNPROTECT of the job's message: %s", r.words);
	nlc_free(&r);
}

static void worker_ready(void *worker, enum bench_op op, u32 body, u32 num)
{
	struct mikey_blob transfer, cms, plain;
	struct worker *w = worker;

	(void)num;
	forget(w);
	w->op = op;
	w->body = body_entity(body);
	foreign(w);
	if (!job_unprotect(w->job, blob(&w->transfer), blob(&w->cms), &plain) ||
	    !mikey_blob_eq(plain, w->body))
		bench_die("the job does not open the modules' message");
	job_protect(w->job, BOB, w->body, &transfer, &cms);
	taken(w, transfer, cms);
}

static void worker_run(void *worker, u32 i)
{
	struct mikey_blob transfer, cms, plain;
	struct worker *w = worker;

	(void)i;
	if (w->op == BENCH_PROTECT)
		job_protect(w->job, BOB, w->body, &transfer, &cms);
	else if (!job_unprotect(w->job, blob(&w->transfer), blob(&w->cms), &plain))
		bench_die("a good message does not open");
}

static void worker_close(void *worker)
{
	struct worker *w = worker;

	forget(w);
	job_close(w->job);
	free(w);
}

#define JOB(keyed) {			\
	.name = #keyed,			\
	.open = worker_open,		\
	.ready = worker_ready,		\
	.run = worker_run,		\
	.close = worker_close,		\
	.data = &keyed_##keyed,		\
}

const struct contestant contestant_openssl = JOB(openssl);
const struct contestant contestant_softhsm = JOB(softhsm);
const struct contestant contestant_afalg = JOB(afalg);
