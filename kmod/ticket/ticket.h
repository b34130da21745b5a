/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One ticket: its policy, and its keys while they live. It is the payload
 * of a key of type "mikey_ticket" and lives as long as that: whoever holds
 * a reference on the key may use it.
 */
#ifndef MIKEY_TICKET_TICKET_H
#define MIKEY_TICKET_TICKET_H

#include <linux/build_bug.h>
#include <linux/container_of.h>
#include <linux/key.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/uidgid.h>

#include "../../uapi/mikey_ticket.h"
#include "../wire/profile.h"
#include "hmac.h"

/* What a KEMAC brings; on the caller's stack, wiped there. */
struct mikey_keys {
	u8 mpk_i[MIKEY_KEY_MAX];
	u8 mpk_r[MIKEY_KEY_MAX];	/* forked for a responder */
	u8 traffic[MIKEY_KEY_MAX];
	u8 spi[MIKEY_SPI_LEN];		/* of the traffic key; not secret */
	u8 spi_len;
};

/*
 * The ticket's keys in the form in which they are used: inkeys of the PRF,
 * and the key of Vr, which is the same for each message.
 */
struct mikey_secrets {
	struct mikey_hmac mpk_i;
	struct mikey_hmac traffic;
	struct mikey_hmac vr;		/* initiator with key forking only */
};

/* Bytes of a ticket's TICKET, by where they stand in it. */
struct mikey_span {
	u16 at;
	u16 len;
};

/**
 * struct mikey_ticket - payload of a ticket key
 *
 * Thousands may live, so it is small: 92 bytes beside its TICKET. Times are Unix
 * seconds. Of the policy there is where that stands which each message needs;
 * mikey_ticket_policy() reads all of it.
 *
 * @ends: its place in the queue of expiry.c, by @expires
 * @secrets: NULL once wiped
 * @key: whose payload this is; no reference
 * @lock: guards @secrets, @death, @spent and @last_sent; the timer's interrupt
 *	takes it too
 * @last_sent: T of the last TRANSFER_INIT
 * @from: TRs
 * @expires: when the keys die, no later than TRe
 * @runs_out: the same in seconds since boot, as the clock was at the beginning
 * @initiator: IDRi
 * @first_responder: where in @wire the first IDRr stands
 * @flags: of the policy, enum mikey_ticket_flag
 * @role: MIKEY_ROLE_RESPONDER: it is the end of a struct mikey_received
 * @suite_id: see mikey_ticket_suite()
 * @profile_id: see mikey_ticket_profile()
 * @death: why they were wiped: EKEYEXPIRED, EKEYREVOKED, EPERM
 * @spent: the single use is over (no J flag; at a responder one not kept)
 * @psk: part of mikey_psk_digest(), of the PSK that it was made or resolved with
 * @wire: TICKET from Ticket Type to the end of Ticket Data, @wire_len bytes
 */
struct mikey_ticket {
	struct rb_node ends;
	struct mikey_secrets *secrets;
	struct key *key;
	spinlock_t lock;		/* of what @lock says */
	u32 last_sent;
	u32 from;
	u32 expires;
	u32 runs_out;
	struct mikey_span initiator;
	u16 first_responder;
	u16 num_responders;
	u16 wire_len;
	u16 flags : 12;
	u16 role : 4;
	u16 suite_id : 4;
	u16 profile_id : 4;
	u16 spi_len : 8;
	u8 death;
	bool spent;
	u8 spi[MIKEY_SPI_LEN];
	u8 psk[8];
	u8 wire[];
};

/**
 * struct mikey_received - what only a responder's ticket has
 * @digest: SHA-256 of what the ticket is bound to, for the key's name: the
 *	TICKET from Ticket Type to Ticket Data if it is kept, else TRANSFER_INIT
 * @transfer: that TRANSFER_INIT, of a ticket that is not kept
 * @kept: for all messages with its TICKET; counted for @owner
 * @asker: for whom the KMS resolved it
 * @reader: the same without PSK and KMS, either of which a user may change:
 *	SHA-256 of the UID that the KMS knows the responder by
 * @ticket: the ticket itself
 */
struct mikey_received {
	u8 digest[32];
	u8 asker[32];
	u8 reader[32];
	u8 *transfer;
	u32 transfer_len;
	kuid_t owner;
	bool kept;
	struct mikey_ticket ticket;
};

/* NULL of an initiator's. */
static inline struct mikey_received *mikey_received(struct mikey_ticket *t)
{
	return t->role == MIKEY_ROLE_RESPONDER ?
	       container_of(t, struct mikey_received, ticket) : NULL;
}

static inline const struct mikey_suite *mikey_ticket_suite(const struct mikey_ticket *t)
{
	return mikey_suite_by_id(t->suite_id);
}

static inline const struct mikey_profile *mikey_ticket_profile(const struct mikey_ticket *t)
{
	return mikey_profile_by_id(t->profile_id);
}

int mikey_ticket_init(void);
void mikey_ticket_exit(void);

static_assert(MIKEY_MSG_MAX <= U16_MAX);	/* and so all that is in @wire */

struct mikey_blob mikey_ticket_bytes(const struct mikey_ticket *t,
				     struct mikey_span span);

/* Does an IDRr match? */
bool mikey_ticket_names(const struct mikey_ticket *t, struct mikey_blob uid);

/* The whole policy; its blobs lie in @t. Return: 0, as it was read before. */
int mikey_ticket_policy(const struct mikey_ticket *t, struct mikey_policy *p);

/*
 * May a responder keep what it resolved? Only where the policy lets the ticket
 * be reused (J) and does not demand a resolve each time (E) (RFC 6043 6.10).
 */
static inline bool mikey_policy_keeps(const struct mikey_policy *p)
{
	return (p->flags & (MIKEY_FLAG_E | MIKEY_FLAG_J)) == MIKEY_FLAG_J;
}

/**
 * struct mikey_ticket_spec - what mikey_ticket_new() makes a ticket of
 * @payload: copied
 * @expires: as TRe, the latest moment that the keys may live to
 * @kept: already counted; an error leaves that to the caller
 * @now: Unix time, from which the rekeying interval counts
 * @psk: what mikey_psk_digest() says of it
 */
struct mikey_ticket_spec {
	u32 role;
	const struct mikey_profile *profile;
	const struct mikey_suite *suite;
	const struct mikey_ticket_payload *payload;
	s64 expires;
	bool kept;
	s64 now;
	const u8 *psk;
	const struct mikey_keys *keys;
};

/* A ticket that nobody knows yet. Return: it, or ERR_PTR. */
struct mikey_ticket *mikey_ticket_new(const struct mikey_ticket_spec *spec);

/**
 * mikey_ticket_spend() - use up a single use
 *
 * The keys are wiped and the key expires in a second, after which the garbage
 * collector takes it in its time. Who wants the room in the user's quota at
 * once unlinks the key.
 * The caller holds a reference on the key. May sleep.
 * Return: 0, or -EPERM when another task was first.
 */
int mikey_ticket_spend(struct mikey_ticket *t);

/* Start the timer; the ticket now belongs to its key. */
void mikey_ticket_start(struct mikey_ticket *t, struct key *key);

/* Wipe the keys now, for good. Any context. */
void mikey_ticket_wipe(struct mikey_ticket *t, int death);

/* Wipe and free. Not from the timer. */
void mikey_ticket_free(struct mikey_ticket *t);

/* Seconds until the keys die, by whichever clock is sooner. */
s64 mikey_ticket_remaining(const struct mikey_ticket *t);

/* 0, or why the ticket is dead; one found to have expired is dead for good. */
int mikey_ticket_check(struct mikey_ticket *t);

/**
 * mikey_ticket_borrow() - copy the keys out for one operation
 * @copy: wipe it with memzero_explicit() on every way out
 *
 * Return: 0, or why the ticket is dead.
 */
int mikey_ticket_borrow(struct mikey_ticket *t, struct mikey_secrets *copy);

#endif
