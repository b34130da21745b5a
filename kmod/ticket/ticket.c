// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a ticket's keys.
 *
 * The kernel's key garbage collector is not what wipes them: it gets to a
 * revoked or expired key minutes later (gc_delay). They die in .revoke, in
 * .destroy, when a single use is over, or at the hand of a timer on the real
 * time clock, which also fires when that clock is set ahead. It fires in hard
 * interrupt: a busy machine runs softirqs late, and a clock set ahead and back
 * meanwhile would be missed. Once dead they stay dead, whatever the clock
 * says later.
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
#include "kept.h"
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
	return secrets_cache ? 0 : -ENOMEM;
}

void mikey_ticket_exit(void)
{
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
	struct mikey_secrets *secrets;
	unsigned long flags;

	spin_lock_irqsave(&t->lock, flags);
	secrets = t->secrets;
	t->secrets = NULL;
	if (secrets)
		t->death = death;
	spin_unlock_irqrestore(&t->lock, flags);

	if (!secrets)
		return;
	free_secrets(secrets);
	if (t->received && t->received->kept)
		mikey_kept_uncount(t->received->owner);
	mikey_uncount(MIKEY_TICKET_S_TICKETS);
	mikey_count(MIKEY_TICKET_S_WIPES);
}

static enum hrtimer_restart expire(struct hrtimer *timer)
{
	mikey_ticket_wipe(container_of(timer, struct mikey_ticket, timer),
			  -EKEYEXPIRED);
	return HRTIMER_NORESTART;
}

void mikey_ticket_start(struct mikey_ticket *t, struct key *key)
{
	t->key = key;
	hrtimer_start(&t->timer, ktime_set(t->expires, 0),
		      HRTIMER_MODE_ABS);
}

static void free_ticket(struct mikey_ticket *t)
{
	if (t->received)
		kvfree(t->received->transfer);
	kfree(t->received);
	kfree(t);
}

void mikey_ticket_free(struct mikey_ticket *t)
{
	hrtimer_cancel(&t->timer);
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
	return t->secrets ? 0 : t->death;
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
	const struct mikey_policy p = {
		.tp_data = mikey_ticket_bytes(t, t->tp_data),
		.first_responder = t->first_responder,
		.num_responders = t->num_responders,
	};

	return mikey_policy_names(&p, uid);
}

/* Our own copy of the TICKET, and of its policy what each message needs. */
static int copy_payload(struct mikey_ticket *t,
			const struct mikey_ticket_spec *spec)
{
	struct mikey_policy p;
	int err;

	memcpy(t->wire, spec->payload->from_type.p, t->wire_len);
	err = mikey_ticket_policy(t, &p);
	if (err)
		return err;
	t->flags = p.flags;
	t->initiator = span_of(t, p.idr_i.data);
	t->tp_data = span_of(t, p.tp_data);
	t->first_responder = p.first_responder;
	t->num_responders = p.num_responders;
	t->from = mikey_ts_to_unix(&p.tr_s);
	t->until = mikey_ts_to_unix(&p.tr_e);
	t->expires = end_of_keys(spec, &p, t->until);
	/* a second is not told from the next before it has begun */
	t->runs_out = ktime_get_boottime_seconds() + 1 + t->expires - spec->now;
	return 0;
}

static int make_received(struct mikey_ticket *t)
{
	if (t->role != MIKEY_ROLE_RESPONDER)
		return 0;
	t->received = kzalloc(sizeof(*t->received), GFP_KERNEL_ACCOUNT);
	return t->received ? 0 : -ENOMEM;
}

struct mikey_ticket *mikey_ticket_new(const struct mikey_ticket_spec *spec)
{
	u32 wire_len = spec->payload->from_type.len;
	struct mikey_ticket *t;
	int err;

	t = kzalloc(struct_size(t, wire, wire_len), GFP_KERNEL_ACCOUNT);
	if (!t)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&t->lock);
	hrtimer_setup(&t->timer, expire, CLOCK_REALTIME, HRTIMER_MODE_ABS);
	t->role = spec->role;
	t->profile = spec->profile;
	t->suite = spec->suite;
	t->wire_len = wire_len;
	t->spi_len = spec->keys->spi_len;
	memcpy(t->spi, spec->keys->spi, sizeof(t->spi));
	memcpy(t->psk, spec->psk, sizeof(t->psk));
	err = copy_payload(t, spec);
	err = err ?: make_received(t);
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
	if (t->received) {
		t->received->kept = spec->kept;
		t->received->owner = current_fsuid();
	}
	mikey_count(MIKEY_TICKET_S_TICKETS);
	return t;

free_secrets:
	free_secrets(t->secrets);
out:
	free_ticket(t);
	return ERR_PTR(err);
}
