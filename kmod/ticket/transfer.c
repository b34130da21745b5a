// SPDX-License-Identifier: GPL-2.0
/*
 * The Ticket Transfer exchange (RFC 6043 4.2.2), for mikey_mime.ko: the keys
 * of one message come out of a ticket here and nowhere else.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../compat.h"
#include "../wire/builder.h"
#include "derive.h"
#include "inbound.h"
#include "key.h"
#include "limits.h"
#include "transfer.h"

static_assert(MIKEY_KEY_MAX + sizeof(u32) + MIKEY_MORE_MAX <= MIKEY_RAND_MAX);

/* The one crypto session's CS ID (TS 33.328 Annex I). */
#define CS_ID 1

/* TRANSFER_INIT beside its identities, its ticket and two MACs, generously. */
#define TRANSFER_ROOM 256

static const char *death_words(int err)
{
	return err == -EPERM ?
	       "the ticket was for one message, which it has served" :
	       mikey_key_words(err);
}

struct mikey_ticket *mikey_ticket_get(key_serial_t serial, u32 role,
				      struct netlink_ext_ack *extack)
{
	struct mikey_why why = {};
	struct mikey_ticket *t;

	t = mikey_key_ticket(serial, &why);
	if (IS_ERR(t)) {
		mikey_say(extack, 0, why.words);
		return t;
	}
	if (t->role != role) {
		mikey_ticket_put(t);
		return ERR_PTR(mikey_say(extack, -EPERM,
					 role == MIKEY_ROLE_INITIATOR ?
					 "the ticket was received: it cannot send" :
					 "the ticket is one to send with: it cannot open"));
	}
	return t;
}
EXPORT_SYMBOL_NS_GPL(mikey_ticket_get, MIKEY_NS(MIKEY_TICKET));

void mikey_ticket_put(struct mikey_ticket *ticket)
{
	key_put(ticket->key);
}
EXPORT_SYMBOL_NS_GPL(mikey_ticket_put, MIKEY_NS(MIKEY_TICKET));

void mikey_session_wipe(struct mikey_session *s)
{
	memzero_explicit(s->kek_tek, sizeof(s->kek_tek));
	memzero_explicit(s->kek_auth, sizeof(s->kek_auth));
	memzero_explicit(s->kek_encr, sizeof(s->kek_encr));
	memzero_explicit(&s->traffic, sizeof(s->traffic));
	memzero_explicit(s->auth, sizeof(s->auth));
	memzero_explicit(&s->vr, sizeof(s->vr));
}
EXPORT_SYMBOL_NS_GPL(mikey_session_wipe, MIKEY_NS(MIKEY_TICKET));

int mikey_session_keks(struct mikey_session *s, u32 keks)
{
	return mikey_derive_keks(s, keks);
}
EXPORT_SYMBOL_NS_GPL(mikey_session_keks, MIKEY_NS(MIKEY_TICKET));

/* T: now, not before the last one, not outside the validity period. */
static int next_t(struct mikey_ticket *t, s64 *next,
		  struct netlink_ext_ack *extack)
{
	s64 now = ktime_get_real_seconds();
	unsigned long flags;

	if (now < (s64)t->from - mikey_clock_skew())
		return mikey_say(extack, -EACCES, "the ticket is not valid yet");
	spin_lock_irqsave(&t->lock, flags);
	now = max_t(s64, now, max(t->from, t->last_sent));
	now = min_t(s64, now, max(t->from, t->expires));
	t->last_sent = now;
	spin_unlock_irqrestore(&t->lock, flags);
	*next = now;
	return 0;
}

/* All that is random in one draw, which RANDRi has room for. */
static void draw(struct mikey_session *s, u8 *more, u32 num)
{
	u8 *rest = s->randr_i + s->randr_i_len;

	get_random_bytes(s->randr_i, s->randr_i_len + sizeof(s->csb_id) + num);
	memcpy(&s->csb_id, rest, sizeof(s->csb_id));
	memcpy(more, rest + sizeof(s->csb_id), num);
	memzero_explicit(rest, sizeof(s->csb_id) + num);
}

int mikey_transfer_begin(struct mikey_ticket *ticket, struct mikey_session *s,
			 u8 *more, u32 num, struct netlink_ext_ack *extack)
{
	struct mikey_secrets secrets;
	s64 now;
	int err;

	memset(s, 0, sizeof(*s));
	err = next_t(ticket, &now, extack);
	if (err)
		return err;
	err = mikey_ticket_borrow(ticket, &secrets);
	if (err) {
		mikey_say(extack, err, death_words(err));
		goto out;
	}

	s->suite = mikey_ticket_suite(ticket);
	s->profile = mikey_ticket_profile(ticket);
	s->cs_id = CS_ID;
	mikey_ts_from_unix(&s->t, now);
	s->spi_len = ticket->spi_len;
	memcpy(s->spi, ticket->spi, sizeof(s->spi));
	s->randr_i_len = s->suite->rand_len;
	draw(s, more, num);
	err = mikey_derive_transfer(&secrets, s);
out:
	memzero_explicit(&secrets, sizeof(secrets));
	return err;
}
EXPORT_SYMBOL_NS_GPL(mikey_transfer_begin, MIKEY_NS(MIKEY_TICKET));

u32 mikey_transfer_size(const struct mikey_ticket *ticket, u32 recipient_len)
{
	u32 size = TRANSFER_ROOM + ticket->initiator.len + recipient_len +
		   ticket->wire_len + 3 * mikey_ticket_suite(ticket)->mac_len;

	return min_t(u32, size, MIKEY_MSG_MAX);
}
EXPORT_SYMBOL_NS_GPL(mikey_transfer_size, MIKEY_NS(MIKEY_TICKET));

/* Where the message has what its MACs need, and the MACs of Vi and Vr. */
struct places {
	struct mikey_marks marks;
	u32 vi_at;
	u32 vr_at;
};

static void put_initiator_data(struct mikey_builder *b,
			       const struct mikey_session *s,
			       struct places *at)
{
	struct mikey_frame frame;

	at->marks.initiator_at = b->len;
	if (s->profile->forked) {
		mikey_open_initiator_data(b, &frame);
		at->vi_at = mikey_put_v(b, s->suite->auth_alg,
					s->suite->mac_len);
		at->vr_at = mikey_put_v(b, s->suite->auth_alg,
					s->suite->mac_len);
		mikey_close_initiator_data(b, &frame);
	} else {
		mikey_put_opaque16(b, (struct mikey_blob){});
	}
	at->marks.initiator_end = b->len;
}

static int write_transfer(const struct mikey_ticket *t,
			  const struct mikey_session *s,
			  struct mikey_blob recipient, struct mikey_blob proof,
			  struct mikey_builder *b, struct places *at)
{
	mikey_put_hdr_cs(b, MIKEY_DT_TRANSFER_INIT, false, s->suite->prf,
			 s->csb_id, s->cs_id, mikey_prot_type(),
			 (struct mikey_blob){ s->spi, s->spi_len });
	mikey_put_t(b, &s->t);
	mikey_put_randr(b, MIKEY_RANDR_I,
			(struct mikey_blob){ s->randr_i, s->randr_i_len });
	mikey_put_idr(b, MIKEY_IDR_I, MIKEY_ID_NAI,
		      mikey_ticket_bytes(t, t->initiator));
	mikey_put_idr(b, MIKEY_IDR_R, MIKEY_ID_NAI, recipient);
	mikey_put_ticket(b, (struct mikey_blob){ t->wire, t->wire_len });
	put_initiator_data(b, s, at);
	if (proof.len)
		mikey_put_ext(b, mikey_ext_type(), proof);
	at->marks.mac_at = mikey_put_v(b, s->suite->auth_alg, s->suite->mac_len);
	return mikey_build_end(b);
}

/*
 * V leaves the Initiator Data out, Vi repeats it, Vr covers both of the
 * Initiator Data's payloads: so in this order (5.5, 6.10).
 */
static int write_macs(const struct mikey_ticket *t,
		      const struct mikey_session *s, struct mikey_blob recipient,
		      u8 *buf, const struct places *at)
{
	const struct mikey_suite *suite = s->suite;
	u8 *mac = buf + at->marks.mac_at;
	struct mikey_cover cover;
	struct mikey_blob data;
	int err;

	mikey_cover_marked(&cover, buf, &at->marks,
			   mikey_ticket_bytes(t, t->initiator), recipient);
	err = mikey_mac_sum(suite->auth_alg, s->auth, suite->mac_len, &cover, mac);
	if (err || !s->profile->forked)
		return err;

	memcpy(buf + at->vi_at, mac, suite->mac_len);
	/* behind the length, up to the MAC field of Vr */
	data.p = buf + at->marks.initiator_at + 2;
	data.len = buf + at->vr_at - data.p;
	return mikey_hmac_sum(&s->vr, &data, 1, buf + at->vr_at);
}

/*
 * A URI-list service is in the ticket of profile immediate like any other
 * responder; that of annex-i names the members alone.
 */
static bool addresses(const struct mikey_ticket *t, struct mikey_blob recipient,
		      bool list_service)
{
	if (list_service && t->profile_id == MIKEY_PROFILE_ID_ANNEX_I)
		return true;
	return mikey_ticket_names(t, recipient);
}

int mikey_transfer_write(struct mikey_ticket *ticket,
			 const struct mikey_session *s,
			 struct mikey_blob recipient, bool list_service,
			 struct mikey_blob proof, u8 *buf, u32 size,
			 struct netlink_ext_ack *extack)
{
	struct mikey_builder b;
	struct places at = {};
	int len, err;

	if (!addresses(ticket, recipient, list_service))
		return mikey_say(extack, -EADDRNOTAVAIL,
				 "the ticket does not name this recipient");
	mikey_build_begin(&b, buf, size);
	len = write_transfer(ticket, s, recipient, proof, &b, &at);
	if (len < 0)
		return mikey_say(extack, len, "TRANSFER_INIT is too long");
	err = write_macs(ticket, s, recipient, buf, &at);
	if (!err && !(ticket->flags & MIKEY_FLAG_J)) {
		err = mikey_ticket_spend(ticket);
		if (err)
			mikey_say(extack, err, death_words(err));
	}
	return err ?: len;
}
EXPORT_SYMBOL_NS_GPL(mikey_transfer_write, MIKEY_NS(MIKEY_TICKET));

/*
 * Is this the message, or at least the ticket, that the KMS resolved? Neither is
 * a secret.
 */
static int check_binding(struct mikey_ticket *t, const struct mikey_msg *m,
			 struct mikey_why *why)
{
	const struct mikey_received *r = mikey_received(t);
	struct mikey_blob want = { t->wire, t->wire_len };
	struct mikey_blob got = m->ticket.from_type;

	if (!r->kept) {
		want = (struct mikey_blob){ r->transfer, r->transfer_len };
		got = m->raw;
	}
	if (mikey_blob_eq(got, want))
		return 0;
	return mikey_refuse(why, -EKEYREJECTED, MIKEY_TICKET_S_UNSPEC,
			    MIKEY_TICKET_A_UNSPEC,
			    "the message is not the one that was resolved");
}

/*
 * What is left to check of a message that is bound to its ticket. A ticket that
 * is not kept came into being because that message, byte for byte, passed all
 * checks and verified under its MPKi (ADMIT): there is nothing to learn from a
 * second time, only the clock has moved. With a kept one the message is new.
 */
static int verify(struct mikey_ticket *t, const struct mikey_msg *m,
		  const struct mikey_hmac *mpk_i, struct mikey_why *why)
{
	const struct mikey_suite *suite = mikey_ticket_suite(t);
	struct mikey_blob spi = { t->spi, t->spi_len };
	s64 now = ktime_get_real_seconds();
	int err;

	if (!mikey_received(t)->kept)
		return mikey_inbound_times(m, now, why);
	err = mikey_inbound_check(m, mikey_ticket_profile(t), suite, now, why);
	return err ?: mikey_inbound_verify(m, suite, mpk_i, spi, why);
}

static int open_message(struct mikey_ticket *t, const struct mikey_msg *m,
			struct mikey_session *s, struct mikey_why *why)
{
	struct mikey_secrets secrets;
	int err;

	err = mikey_ticket_borrow(t, &secrets);
	if (err) {
		mikey_refuse(why, err, MIKEY_TICKET_S_UNSPEC,
			     MIKEY_TICKET_A_UNSPEC, death_words(err));
		goto out;
	}
	err = check_binding(t, m, why);
	err = err ?: verify(t, m, &secrets.mpk_i, why);
	if (err)
		goto out;
	s->suite = mikey_ticket_suite(t);
	s->profile = mikey_ticket_profile(t);
	s->csb_id = m->hdr.csb_id;
	s->cs_id = m->hdr.cs.cs_id;
	s->t = m->t;
	s->spi_len = t->spi_len;
	memcpy(s->spi, t->spi, sizeof(s->spi));
	s->randr_i_len = m->randr_i.data.len;
	memcpy(s->randr_i, m->randr_i.data.p, s->randr_i_len);
	s->traffic = secrets.traffic;
out:
	memzero_explicit(&secrets, sizeof(secrets));
	return err;
}

static void tell(struct mikey_ticket *t, const struct mikey_msg *m,
		 struct mikey_transfer *info)
{
	const struct mikey_received *r = mikey_received(t);

	*info = (struct mikey_transfer){
		.reader = { r->reader, sizeof(r->reader) },
		.initiator = m->idr_i.data,
		.recipient = m->idr_r.data,
		.vmac = m->v.mac,
		.has_proof = m->ext.present,
		.proof = m->ext.data,
		.forked = mikey_ticket_profile(t)->forked,
		.sent = mikey_ts_to_unix(&m->t),
	};
}

int mikey_transfer_open(struct mikey_ticket *ticket, struct mikey_blob msg,
			struct mikey_session *s, struct mikey_transfer *info,
			struct netlink_ext_ack *extack)
{
	struct mikey_why why = {};
	struct mikey_diag d;
	struct mikey_msg *m;
	int err;

	memset(s, 0, sizeof(*s));
	m = kmalloc(sizeof(*m), GFP_KERNEL);
	if (!m)
		return -ENOMEM;
	err = mikey_msg_parse(m, msg.p, msg.len, mikey_ext_type(), &d);
	if (err)
		err = mikey_refuse(&why, -EBADMSG, MIKEY_TICKET_S_UNSPEC,
				   MIKEY_TICKET_A_UNSPEC, d.why);
	else if (m->hdr.data_type != MIKEY_DT_TRANSFER_INIT)
		err = mikey_refuse(&why, -EBADMSG, MIKEY_TICKET_S_UNSPEC,
				   MIKEY_TICKET_A_UNSPEC,
				   "the message is not a TRANSFER_INIT");
	err = err ?: open_message(ticket, m, s, &why);
	/* here every way not to fit the ticket is one */
	if (err == -EACCES || err == -EPROTONOSUPPORT)
		err = -EKEYREJECTED;
	if (!err)
		tell(ticket, m, info);
	else if (why.words)
		mikey_say(extack, err, why.words);
	kfree(m);
	return err;
}
EXPORT_SYMBOL_NS_GPL(mikey_transfer_open, MIKEY_NS(MIKEY_TICKET));

int mikey_transfer_delivered(struct mikey_ticket *ticket,
			     struct netlink_ext_ack *extack)
{
	int err = 0;

	if (!mikey_received(ticket)->kept)
		err = mikey_ticket_spend(ticket);
	if (err)
		mikey_say(extack, err, death_words(err));
	return err;
}
EXPORT_SYMBOL_NS_GPL(mikey_transfer_delivered, MIKEY_NS(MIKEY_TICKET));
