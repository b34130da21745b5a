// SPDX-License-Identifier: GPL-2.0
/*
 * Self tests against tests/vectors, run when a debug build is loaded: the
 * PRF, every derivation, and the exchanges: our messages byte for byte, the
 * KMS's opened, and each of their bits flipped and refused.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "derive.h"
#include "exchange.h"
#include "limits.h"
#include "mint.h"
#include "prf.h"
#include "request.h"
#include "resolve.h"
#include "selftest.h"
#include "ticket.h"
#include "transfer.h"
#include "vectors.h"

#define FAIL(fmt, ...) \
	({ pr_err("self test failed: " fmt "\n", ##__VA_ARGS__); -ENODATA; })

#define OUT_MAX 128

static struct mikey_blob blob(struct vector_bytes v)
{
	return (struct mikey_blob){ v.p, v.len };
}

static bool same(const u8 *p, u32 len, struct vector_bytes v)
{
	return len == v.len && !memcmp(p, v.p, len);
}

static int test_prf(void)
{
	u8 out[OUT_MAX];
	u32 i;

	for (i = 0; i < ARRAY_SIZE(vector_prf); i++) {
		const struct vector_prf *v = &vector_prf[i];

		if (mikey_prf(v->prf, blob(v->inkey), blob(v->label), out,
			      v->outkey.len) ||
		    !same(out, v->outkey.len, v->outkey))
			return FAIL("PRF %u", i);
	}
	return 0;
}

static int derived(const struct mikey_suite *suite, struct vector_bytes inkey,
		   const struct mikey_label *l, struct vector_bytes want)
{
	u8 out[OUT_MAX];

	if (!want.len)
		return 0;
	if (mikey_prf(suite->prf, blob(inkey),
		      (struct mikey_blob){ l->buf, l->len }, out, want.len))
		return -EIO;
	return same(out, want.len, want) ? 0 : -EIO;
}

static int three(const struct mikey_suite *suite, struct vector_bytes inkey,
		 u32 csb_id, bool response, struct vector_bytes randr_i,
		 struct vector_bytes randr_r,
		 const struct vector_message_keys *want)
{
	const struct {
		enum mikey_label_constant c;
		struct vector_bytes want;
	} rows[] = {
		{ MIKEY_LC_ENCR, want->encr },
		{ MIKEY_LC_AUTH, want->auth },
		{ MIKEY_LC_SALT, want->salt },
	};
	struct mikey_label l;
	int err = 0;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows) && !err; i++) {
		mikey_label_message(&l, rows[i].c, csb_id, response,
				    blob(randr_i), blob(randr_r));
		err = derived(suite, inkey, &l, rows[i].want);
	}
	return err;
}

static int test_message_keys(const struct vector_exchange *v,
			     const struct mikey_suite *suite)
{
	const struct vector_bytes none = {};

	if (three(suite, v->inputs.psk_i, v->csb[0], false, v->inputs.randr_i,
		  none, &v->derived.request_init) ||
	    three(suite, v->inputs.psk_i, v->csb[0], true, v->inputs.randr_i,
		  none, &v->derived.request_resp))
		return FAIL("%s: keys of the Ticket Request exchange", v->name);
	if (three(suite, v->derived.mpki, v->csb[1], false,
		  v->inputs.transfer_randr_i, none, &v->derived.transfer_init))
		return FAIL("%s: keys of TRANSFER_INIT", v->name);
	if (three(suite, v->inputs.psk_r, v->csb[2], false, none,
		  v->inputs.randr_r, &v->derived.resolve_init) ||
	    three(suite, v->inputs.psk_r, v->csb[2], true, none,
		  v->inputs.randr_r, &v->derived.resolve_resp))
		return FAIL("%s: keys of the Ticket Resolve exchange", v->name);
	return 0;
}

static int test_ticket_keys(const struct vector_exchange *v,
			    const struct mikey_suite *suite)
{
	struct mikey_blob rand = blob(v->inputs.ticket_rand);
	const struct {
		enum mikey_label_constant c;
		struct vector_bytes inkey, want;
		bool mpk;
	} rows[] = {
		{ MIKEY_LC_ENCR, v->inputs.tpk, v->derived.ticket.encr },
		{ MIKEY_LC_AUTH, v->inputs.tpk, v->derived.ticket.auth },
		{ MIKEY_LC_SALT, v->inputs.tpk, v->derived.ticket.salt },
		{ MIKEY_LC_MPK_I, v->inputs.mpk, v->derived.mpki, true },
		{ MIKEY_LC_MPK_R, v->inputs.mpk, v->derived.mpkr, true },
	};
	struct mikey_label l;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].mpk)
			mikey_label_mpk(&l, rows[i].c, rand);
		else
			mikey_label_ticket(&l, rows[i].c, rand);
		if (derived(suite, rows[i].inkey, &l, rows[i].want))
			return FAIL("%s: keys of the ticket, row %u", v->name, i);
	}

	mikey_label_vr(&l);
	if (derived(suite, v->derived.mpkr, &l, v->derived.vr_auth))
		return FAIL("%s: key of Vr", v->name);
	if (mikey_label_fork(&l, MIKEY_LC_FORK_MPK, blob(v->inputs.id_r),
			     blob(v->inputs.randr_kms)) ||
	    derived(suite, v->derived.mpkr, &l, v->derived.mpkr_forked))
		return FAIL("%s: forked MPKr", v->name);
	if (mikey_label_fork(&l, MIKEY_LC_FORK_TGK, blob(v->inputs.id_r),
			     blob(v->inputs.randr_kms)) ||
	    derived(suite, v->inputs.traffic_key, &l, v->derived.tgk_forked))
		return FAIL("%s: forked TGK", v->name);
	return 0;
}

#define ALL_KEKS (MIKEY_KEK_TEK | MIKEY_KEK_AUTH | MIKEY_KEK_ENCR)

static bool same_keks(const struct mikey_session *s,
		      const struct vector_exchange *v)
{
	u32 len = s->suite->key_len;

	return same(s->kek_tek, len, v->derived.kek.tek) &&
	       same(s->kek_auth, len, v->derived.kek.auth) &&
	       same(s->kek_encr, len, v->derived.kek.encr);
}

static int test_session_keys(const struct vector_exchange *v,
			     const struct mikey_suite *suite)
{
	struct mikey_session s = {
		.suite = suite,
		.cs_id = v->cs_id,
		.randr_i_len = v->inputs.transfer_randr_i.len,
	};

	memcpy(s.randr_i, v->inputs.transfer_randr_i.p, s.randr_i_len);
	if (mikey_prf_prepare(&s.traffic, suite->prf, v->inputs.traffic_key.p,
			      v->inputs.traffic_key.len) ||
	    mikey_derive_keks(&s, ALL_KEKS) || !same_keks(&s, v))
		return FAIL("%s: keys of the crypto session", v->name);
	return 0;
}

/* What the test needs besides the vectors, all of it on the heap. */
struct run {
	const struct vector_exchange *v;
	const struct mikey_suite *suite;
	const struct mikey_profile *profile;
	struct mikey_msg request, transfer, resolve, resp;
	struct mikey_hmac psk;
	struct mikey_why why;
	struct mikey_blob responders[VECTOR_RESPONDERS_MAX];
	s64 now;
	u8 buf[2048];
};

static int parse(struct mikey_msg *m, struct vector_bytes v)
{
	struct mikey_diag d;

	return mikey_msg_parse(m, v.p, v.len, mikey_ext_type(), &d);
}

typedef struct mikey_ticket *(*finish_fn)(const struct mikey_exchange *ex,
					  struct mikey_blob msg, s64 now,
					  struct mikey_why *why);

/* Each bit of an answer counts, and so does each byte of its length. */
static int test_damage(struct run *r, const struct mikey_exchange *ex,
		       finish_fn finish, struct vector_bytes answer)
{
	struct mikey_blob msg = { r->buf, answer.len };
	struct mikey_ticket *t;
	u32 i;

	if (answer.len > sizeof(r->buf))
		return -ENODATA;
	memcpy(r->buf, answer.p, answer.len);
	for (i = 0; i < 8 * answer.len; i++) {
		r->buf[i / 8] ^= 1 << i % 8;
		t = finish(ex, msg, r->now, &r->why);
		if (!IS_ERR(t)) {
			mikey_ticket_free(t);
			return FAIL("%s: bit %u of an answer", r->v->name, i);
		}
		r->buf[i / 8] ^= 1 << i % 8;
	}
	for (msg.len = 0; msg.len < answer.len; msg.len++) {
		t = finish(ex, msg, r->now, &r->why);
		if (!IS_ERR(t)) {
			mikey_ticket_free(t);
			return FAIL("%s: an answer cut to %u", r->v->name, msg.len);
		}
	}
	return 0;
}

static int test_transfer(struct run *r, struct mikey_ticket *t,
			 struct mikey_session *s, struct vector_bytes want)
{
	int len;

	if (parse(&r->transfer, want))
		return FAIL("%s: TRANSFER_INIT cannot be read", r->v->name);
	*s = (struct mikey_session){
		.suite = r->suite,
		.profile = r->profile,
		.csb_id = r->v->csb[1],
		.cs_id = r->v->cs_id,
		.t = r->transfer.t,
		.spi_len = t->spi_len,
		.randr_i_len = r->v->inputs.transfer_randr_i.len,
	};
	memcpy(s->spi, t->spi, t->spi_len);
	memcpy(s->randr_i, r->v->inputs.transfer_randr_i.p, s->randr_i_len);
	if (mikey_derive_transfer(t->secrets, s) ||
	    mikey_derive_keks(s, ALL_KEKS) || !same_keks(s, r->v))
		return FAIL("%s: keys of an outbound session", r->v->name);
	len = mikey_transfer_write(t, s, blob(r->v->recipient), true,
				   r->transfer.ext.data, r->buf,
				   mikey_transfer_size(t, r->v->recipient.len),
				   NULL);
	if (len < 0 || !same(r->buf, len, want))
		return FAIL("%s: TRANSFER_INIT (%d)", r->v->name, len);
	return 0;
}

/* A ticket without J serves one message, and then has no key that is a key. */
static int test_transfers(struct run *r, struct mikey_ticket *t)
{
	bool more = (t->flags & MIKEY_FLAG_J) &&
		    r->v->messages.transfer_init_proof.len;
	struct mikey_session *s = kmalloc(sizeof(*s), GFP_KERNEL);
	int err;

	if (!s)
		return -ENOMEM;
	err = test_transfer(r, t, s, r->v->messages.transfer_init);
	if (more)
		err = err ?: test_transfer(r, t, s, r->v->messages.transfer_init_proof);
	kfree_sensitive(s);
	return err;
}

static int test_granted(struct run *r, const struct mikey_exchange *ex)
{
	struct mikey_ticket *t;
	int err;

	t = mikey_request_finish(ex, blob(r->v->messages.request_resp), r->now,
				 &r->why);
	if (IS_ERR(t))
		return FAIL("%s: REQUEST_RESP: %s", r->v->name, r->why.words);
	/* spending a ticket is for one that is a key */
	err = t->flags & MIKEY_FLAG_J ? test_transfers(r, t) : 0;
	mikey_ticket_free(t);
	return err;
}

/* What the vector's ticket was wished to be. */
static void wish_of(struct run *r, const struct mikey_policy *p,
		    struct mikey_wish *w)
{
	u32 i;

	*w = (struct mikey_wish){
		.profile = r->profile,
		.suite = r->suite,
		.psk_id = blob(r->v->inputs.psk_i_id),
		.kms = blob(r->v->inputs.id_kms),
		.initiator = blob(r->v->inputs.id_i),
		.responders = r->responders,
		.num_responders = r->v->num_responders,
		.from = mikey_ts_to_unix(&p->tr_s),
		.until = mikey_ts_to_unix(&p->tr_e),
		.reusable = p->flags & MIKEY_FLAG_J,
		.cacheable = !(p->flags & MIKEY_FLAG_E),
		.rekey = mikey_policy_rekey(p),
	};
	for (i = 0; i < r->v->num_responders; i++)
		r->responders[i] = blob(r->v->responders[i]);
}

/* A ticket made here, byte for byte, and the message that carries it. */
static int test_minted(struct run *r)
{
	struct mikey_ticket_data td;
	struct mikey_minted keys = {};
	struct mikey_ticket *t;
	struct mikey_wish w;
	struct mikey_diag d;
	int err;

	if (parse(&r->transfer, r->v->messages.transfer_init) ||
	    mikey_ticket_data_parse(&td, &r->transfer.ticket, &d))
		return FAIL("%s: the ticket cannot be read", r->v->name);
	wish_of(r, &r->transfer.ticket.policy, &w);
	w.thdr = td.thdr;
	w.t = mikey_ts_to_unix(&td.t);
	memcpy(w.rand, r->v->inputs.ticket_rand.p, r->suite->rand_len);
	memcpy(keys.mpk, r->v->inputs.mpk.p, r->suite->key_len);
	memcpy(keys.traffic, r->v->inputs.traffic_key.p, r->suite->key_len);
	memcpy(keys.spi, r->v->inputs.spi.p, sizeof(keys.spi));
	err = mikey_prf_prepare(&r->psk, r->suite->prf, r->v->inputs.psk_i.p,
				r->v->inputs.psk_i.len);
	if (err)
		return err;
	t = mikey_mint(&w, &r->psk, &keys, w.from, &r->why);
	if (IS_ERR(t))
		return FAIL("%s: no ticket: %s", r->v->name, r->why.words);
	if (!mikey_blob_eq((struct mikey_blob){ t->wire, t->wire_len },
			   r->transfer.ticket.from_type))
		err = FAIL("%s: the ticket", r->v->name);
	else if (t->flags & MIKEY_FLAG_J)
		err = test_transfers(r, t);
	mikey_ticket_free(t);
	return err;
}

static int test_request(struct run *r)
{
	struct mikey_exchange *ex;
	struct mikey_wish w;
	int err;

	if (parse(&r->request, r->v->messages.request_init))
		return FAIL("%s: REQUEST_INIT cannot be read", r->v->name);
	wish_of(r, &r->request.tp.policy, &w);
	w.t = mikey_ts_to_unix(&r->request.t);
	w.csb_id = r->v->csb[0];
	memcpy(w.rand, r->v->inputs.randr_i.p, r->suite->rand_len);
	r->now = w.from;

	ex = mikey_exchange_new();
	if (!ex)
		return -ENOMEM;
	ex->profile = r->profile;
	ex->suite = r->suite;
	err = mikey_prf_prepare(&r->psk, r->suite->prf, r->v->inputs.psk_i.p,
				r->v->inputs.psk_i.len);
	err = err ?: mikey_request_begin(ex, &w, &r->psk, &r->why);
	if (err || !same(ex->initial, ex->initial_len, r->v->messages.request_init))
		err = FAIL("%s: REQUEST_INIT (%d)", r->v->name, err);
	err = err ?: test_granted(r, ex);
	err = err ?: test_damage(r, ex, mikey_request_finish,
				 r->v->messages.request_resp);
	mikey_exchange_put(ex);
	return err;
}

static int test_resolve(struct run *r)
{
	struct mikey_blob recipient = blob(r->v->recipient);
	struct mikey_inquiry q = {
		.suite = r->suite,
		.psk_id = blob(r->v->inputs.psk_r_id),
		.kms = blob(r->v->inputs.id_kms),
		.identity = blob(r->v->inputs.id_r),
		/* the user's group, or a list service that the ticket omits */
		.groups = { &recipient, 1 },
		.services = { &recipient, 1 },
		.transfer = blob(r->v->messages.transfer_init),
		.csb_id = r->v->csb[2],
	};
	struct mikey_exchange *ex;
	struct mikey_ticket *t;
	int err;

	if (parse(&r->resolve, r->v->messages.resolve_init))
		return FAIL("%s: RESOLVE_INIT cannot be read", r->v->name);
	q.t = mikey_ts_to_unix(&r->resolve.t);
	r->now = q.t;
	memcpy(q.rand, r->v->inputs.randr_r.p, r->suite->rand_len);

	ex = mikey_exchange_new();
	if (!ex)
		return -ENOMEM;
	ex->resolve = true;
	ex->suite = r->suite;
	err = mikey_prf_prepare(&r->psk, r->suite->prf, r->v->inputs.psk_r.p,
				r->v->inputs.psk_r.len);
	err = err ?: mikey_resolve_read(ex, &q, r->now, &r->transfer, &r->why);
	err = err ?: mikey_resolve_begin(ex, &q, &r->psk, &r->transfer,
					 &r->why);
	if (err || !same(ex->initial, ex->initial_len, r->v->messages.resolve_init)) {
		err = FAIL("%s: RESOLVE_INIT (%d)", r->v->name, err);
		goto out;
	}
	t = mikey_resolve_finish(ex, blob(r->v->messages.resolve_resp), r->now,
				 &r->why);
	if (IS_ERR(t)) {
		err = FAIL("%s: RESOLVE_RESP: %s", r->v->name, r->why.words);
		goto out;
	}
	mikey_ticket_free(t);
	err = test_damage(r, ex, mikey_resolve_finish,
			  r->v->messages.resolve_resp);
out:
	mikey_exchange_put(ex);
	return err;
}

/* Are these messages that we write? Times are sent as NTP-UTC-32 only. */
static bool can_write(const struct vector_exchange *v)
{
	return v->ticket_type == MIKEY_TICKET_TYPE_3GPP_BASE &&
	       v->times.transfer_init.type == MIKEY_TS_NTP_UTC_32 &&
	       v->times.resolve_init.type == MIKEY_TS_NTP_UTC_32 &&
	       !v->messages.zk_resolve_init.len;
}

/*
 * Are the vectors' messages ones that the parameters allow? Which suites are
 * allowed is asked where a caller names one, so all can be tested here.
 */
static bool can_run(const struct run *r)
{
	return mikey_profile_allowed(r->profile->id) &&
	       mikey_prot_type() == MIKEY_PROT_PSK_MIME_DEFAULT &&
	       mikey_ext_type() == MIKEY_EXT_PROOF_OF_ORIGIN_DEFAULT;
}

static int test_exchange(const struct vector_exchange *v)
{
	const struct mikey_suite *suite = mikey_suite_by_name(v->suite);
	struct run *r;
	int err;

	if (!suite)
		return FAIL("%s: suite %s", v->name, v->suite);
	err = v->mode == MIKEY_MODE_KMS ? test_message_keys(v, suite) : 0;
	err = err ?: test_ticket_keys(v, suite);
	err = err ?: test_session_keys(v, suite);
	if (err || !can_write(v))
		return err;

	r = kzalloc(sizeof(*r), GFP_KERNEL);
	if (!r)
		return -ENOMEM;
	r->v = v;
	r->suite = suite;
	r->profile = mikey_profile_by_name(v->profile);
	if (!r->profile)
		err = FAIL("%s: profile %s", v->name, v->profile);
	else if (can_run(r))
		err = (v->mode == MIKEY_MODE_KMS ? test_request(r) :
						   test_minted(r)) ?:
		      test_resolve(r);
	kfree(r);
	return err;
}

int mikey_selftest(void)
{
	int err;
	u32 i;

	err = test_prf();
	for (i = 0; i < ARRAY_SIZE(vector_exchange) && !err; i++)
		err = test_exchange(&vector_exchange[i]);
	for (i = 0; i < ARRAY_SIZE(vector_variant) && !err; i++)
		err = test_exchange(&vector_variant[i]);
	if (!err)
		pr_info("self tests: %zu PRF vectors and %zu exchanges pass\n",
			ARRAY_SIZE(vector_prf), ARRAY_SIZE(vector_exchange) +
			ARRAY_SIZE(vector_variant));
	return err;
}
