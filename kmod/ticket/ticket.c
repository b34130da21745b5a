// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a ticket's keys.
 *
 * The kernel's key garbage collector is not what wipes them: it gets to a
 * revoked or expired key minutes later (gc_delay). They die in .revoke, in
 * .destroy, when a single use is over, or at the hand of the timer of expiry.c.
 * Once dead they stay dead, whatever the clock says later.
 *
 * Root can set that clock back, again and again, and would never see a ticket
 * end. So who wants to use one looks at the clock that nobody sets as well, which
 * gives it no more than the time that was left when it was made.
 *
 * Operations copy the keys out under the ticket's spinlock and work on the
 * copy, so that messages of one ticket run in parallel and a wipe waits for
 * nobody.
 */
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../compat.h"
#include "derive.h"
#include "expiry.h"
#include "kept.h"
#include "piece.h"
#include "stats.h"
#include "ticket.h"

/*
 * A slab cache of its own: tight for its size, closed to copies to userspace, and
 * with nothing in its pages but keys. The kernel would make it one with others of
 * its size, such as that of 6.1's vm_area_struct, and who goes on using one of
 * those when it is freed would find keys there.
 */
static struct kmem_cache *secrets_cache;

int mikey_ticket_init(void)
{
	secrets_cache = kmem_cache_create("mikey_secrets",
					  sizeof(struct mikey_secrets), 0,
					  SLAB_ACCOUNT | SLAB_NO_MERGE,
					  mikey_no_merge);
	if (!secrets_cache)
		return -ENOMEM;
	if (mikey_piece_init()) {
		kmem_cache_destroy(secrets_cache);
		return -ENOMEM;
	}
	mikey_expiry_init();
	return 0;
}

void mikey_ticket_exit(void)
{
	mikey_expiry_exit();
	mikey_piece_exit();
	kmem_cache_destroy(secrets_cache);
}

/*
 * Not key_invalidate(): when the collector takes away the links of a key, it
 * does not give back what they count in the owner's quota of bytes. Who unlinks
 * the key does, and has the minutes until the collector comes (gc_delay).
 */
#define SPENT_SECONDS 1

static void free_secrets(struct mikey_secrets *secrets)
{
	memzero_explicit(secrets, sizeof(*secrets));
	kmem_cache_free(secrets_cache, secrets);
}

void mikey_ticket_wipe(struct mikey_ticket *t, int death)
{
	struct mikey_received *r = mikey_received(t);
	struct mikey_secrets *secrets;
	unsigned long flags;

	spin_lock_irqsave(&t->lock, flags);
	secrets = t->secrets;
	t->secrets = NULL;
	if (secrets)
		t->death = -death;
	spin_unlock_irqrestore(&t->lock, flags);

	if (!secrets)
		return;
	free_secrets(secrets);
	if (r && r->kept)
		mikey_kept_uncount(r->owner);
	mikey_uncount(MIKEY_TICKET_S_TICKETS);
	mikey_count(MIKEY_TICKET_S_WIPES);
}

void mikey_ticket_start(struct mikey_ticket *t, struct key *key)
{
	t->key = key;
	mikey_expiry_add(t);
}

static size_t size_of(u32 role, u32 wire_len)
{
	size_t before = role == MIKEY_ROLE_RESPONDER ?
			offsetof(struct mikey_received, ticket) : 0;

	return before + offsetof(struct mikey_ticket, wire) + wire_len;
}

static struct mikey_ticket *alloc_ticket(u32 role, u32 wire_len)
{
	void *piece = mikey_piece_new(size_of(role, wire_len));
	struct mikey_received *r = piece;
	struct mikey_ticket *t = piece;

	if (!piece)
		return NULL;
	if (role == MIKEY_ROLE_RESPONDER)
		t = &r->ticket;
	t->role = role;
	t->wire_len = wire_len;
	return t;
}

static void free_ticket(struct mikey_ticket *t)
{
	struct mikey_received *r = mikey_received(t);
	size_t size = size_of(t->role, t->wire_len);

	if (!r) {
		mikey_piece_free(t, size);
		return;
	}
	kvfree(r->transfer);
	mikey_piece_free(r, size);
}

void mikey_ticket_free(struct mikey_ticket *t)
{
	mikey_expiry_remove(t);
	mikey_ticket_wipe(t, -EKEYREVOKED);
	free_ticket(t);
}

int mikey_ticket_spend(struct mikey_ticket *t)
{
	unsigned long flags;
	bool first;

	spin_lock_irqsave(&t->lock, flags);
	first = !t->spent;
	t->spent = true;
	spin_unlock_irqrestore(&t->lock, flags);
	if (!first)
		return -EPERM;
	mikey_ticket_wipe(t, -EPERM);
	key_set_timeout(t->key, SPENT_SECONDS);
	return 0;
}

static int why_dead(const struct mikey_ticket *t)
{
	lockdep_assert_held(&t->lock);
	if (t->spent)
		return -EPERM;
	return t->secrets ? 0 : -t->death;
}

s64 mikey_ticket_remaining(const struct mikey_ticket *t)
{
	return min(t->expires - ktime_get_real_seconds(),
		   t->runs_out - ktime_get_boottime_seconds());
}

/* The timer may be late; the clock must not go back on what it said once. */
static void check_clock(struct mikey_ticket *t)
{
	if (mikey_ticket_remaining(t) <= 0)
		mikey_ticket_wipe(t, -EKEYEXPIRED);
}

int mikey_ticket_check(struct mikey_ticket *t)
{
	unsigned long flags;
	int err;

	check_clock(t);
	spin_lock_irqsave(&t->lock, flags);
	err = why_dead(t);
	spin_unlock_irqrestore(&t->lock, flags);
	return err;
}

int mikey_ticket_borrow(struct mikey_ticket *t, struct mikey_secrets *copy)
{
	unsigned long flags;
	int err;

	check_clock(t);
	spin_lock_irqsave(&t->lock, flags);
	err = why_dead(t);
	if (!err)
		*copy = *t->secrets;
	spin_unlock_irqrestore(&t->lock, flags);
	return err;
}

/*
 * 6.10: keys are renewed at least each TRr seconds. Those of a message live
 * shorter anyway; a ticket's traffic key and MPKs are renewed by another
 * ticket, or at the responder by another resolve, so they end then.
 */
static s64 end_of_keys(const struct mikey_ticket_spec *spec,
		       const struct mikey_policy *p, s64 until)
{
	u32 rekey = mikey_policy_rekey(p);
	s64 end = min(spec->expires, until);

	return rekey ? min(end, spec->now + rekey) : end;
}

static int prepare(struct mikey_secrets *s, const struct mikey_ticket_spec *spec)
{
	const struct mikey_suite *suite = spec->suite;
	const struct mikey_keys *keys = spec->keys;
	int err;

	err = mikey_prf_prepare(&s->mpk_i, suite->prf, keys->mpk_i,
				suite->key_len);
	err = err ?: mikey_prf_prepare(&s->traffic, suite->prf, keys->traffic,
				       suite->key_len);
	if (!err && spec->profile->forked && spec->role == MIKEY_ROLE_INITIATOR)
		err = mikey_derive_vr(suite, keys->mpk_r, &s->vr);
	return err;
}

int mikey_ticket_policy(const struct mikey_ticket *t, struct mikey_policy *p)
{
	struct mikey_ticket_payload payload;
	struct mikey_diag d;
	int err;

	err = mikey_ticket_parse(&payload,
				 (struct mikey_blob){ t->wire, t->wire_len }, &d);
	if (!err)
		*p = payload.policy;
	return err;
}

struct mikey_blob mikey_ticket_bytes(const struct mikey_ticket *t,
				     struct mikey_span span)
{
	return (struct mikey_blob){ t->wire + span.at, span.len };
}

static struct mikey_span span_of(const struct mikey_ticket *t,
				 struct mikey_blob bytes)
{
	return (struct mikey_span){ bytes.p - t->wire, bytes.len };
}

bool mikey_ticket_names(const struct mikey_ticket *t, struct mikey_blob uid)
{
	/* the walk ends by their number, before it comes to what follows TP Data */
	const struct mikey_policy p = {
		.tp_data = { t->wire, t->wire_len },
		.first_responder = t->first_responder,
		.num_responders = t->num_responders,
	};

	return mikey_policy_names(&p, uid);
}

/* The nearest that we keep; mikey_ts_to_unix() goes from 1968 to 2104. */
static u32 seconds(s64 time)
{
	return clamp_t(s64, time, 0, U32_MAX);
}

/* Our own copy of the TICKET, and of its policy what each message needs. */
static int copy_payload(struct mikey_ticket *t,
			const struct mikey_ticket_spec *spec)
{
	struct mikey_policy p;
	s64 until, expires;
	int err;

	memcpy(t->wire, spec->payload->from_type.p, t->wire_len);
	err = mikey_ticket_policy(t, &p);
	if (err)
		return err;
	t->flags = p.flags;
	t->initiator = span_of(t, p.idr_i.data);
	t->first_responder = p.tp_data.p - t->wire + p.first_responder;
	t->num_responders = p.num_responders;
	t->from = seconds(mikey_ts_to_unix(&p.tr_s));
	until = mikey_ts_to_unix(&p.tr_e);
	expires = end_of_keys(spec, &p, until);
	t->expires = seconds(expires);
	/* a second is not told from the next before it has begun */
	t->runs_out = seconds(ktime_get_boottime_seconds() + 1 + expires - spec->now);
	return 0;
}

struct mikey_ticket *mikey_ticket_new(const struct mikey_ticket_spec *spec)
{
	struct mikey_received *r;
	struct mikey_ticket *t;
	int err;

	t = alloc_ticket(spec->role, spec->payload->from_type.len);
	if (!t)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&t->lock);
	RB_CLEAR_NODE(&t->ends);
	t->profile_id = spec->profile->id;
	t->suite_id = spec->suite->id;
	t->spi_len = spec->keys->spi_len;
	memcpy(t->spi, spec->keys->spi, sizeof(t->spi));
	memcpy(t->psk, spec->psk, sizeof(t->psk));
	err = copy_payload(t, spec);
	if (err)
		goto out;

	err = -ENOMEM;
	t->secrets = kmem_cache_alloc(secrets_cache, GFP_KERNEL);
	if (!t->secrets)
		goto out;
	memset(t->secrets, 0, sizeof(*t->secrets));
	err = prepare(t->secrets, spec);
	if (err)
		goto free_secrets;
	r = mikey_received(t);
	if (r) {
		r->kept = spec->kept;
		r->owner = current_fsuid();
	}
	mikey_count(MIKEY_TICKET_S_TICKETS);
	return t;

free_secrets:
	free_secrets(t->secrets);
out:
	free_ticket(t);
	return ERR_PTR(err);
}
