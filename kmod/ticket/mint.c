// SPDX-License-Identifier: GPL-2.0
/*
 * Tickets that the initiator makes: D0, L1, in the format of the MIKEY base
 * ticket with the PSK as the key that protects it (RFC 6043 4.1.1 mode 3,
 * Appendix A). The KMS opens it when a responder asks, finds the PSK by the
 * IDRpsk in Ticket Data and applies its policy then.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "derive.h"
#include "grant.h"
#include "kemac.h"
#include "mint.h"
#include "netlink.h"
#include "psk.h"
#include "stats.h"

/* All of a TICKET but identities and THDR, generously. */
#define TICKET_ROOM 512

/* What a TRANSFER_INIT must have left beside it. */
#define TRANSFER_ROOM 2048

/* CSB ID in the IV of Ticket Data (A.1) */
#define TICKET_CSB_ID 0xffffffff

/* A TICKET from "next payload" on, and the places in it. */
struct draft {
	u8 *buf;
	u32 len;
	u32 keys_at;
	u32 keys_len;
	struct mikey_ts t;
};

/* MPK || traffic key, each with an SPI: that of an MPK is zeros. */
static int write_keys(const struct mikey_wish *w,
		      const struct mikey_minted *keys, u8 *buf, u32 size)
{
	static const u8 no_spi[MIKEY_SPI_LEN];
	u32 len = w->suite->key_len;
	struct mikey_builder b;

	mikey_build_begin(&b, buf, size);
	mikey_put_key_data(&b, MIKEY_KEY_MPK,
			   (struct mikey_blob){ keys->mpk, len },
			   (struct mikey_blob){ no_spi, sizeof(no_spi) });
	mikey_put_key_data(&b, w->profile->traffic_key,
			   (struct mikey_blob){ keys->traffic, len },
			   (struct mikey_blob){ keys->spi, sizeof(keys->spi) });
	return mikey_build_end(&b);
}

/* Ticket Data = THDR, T, RAND, KEMAC, IDRpsk, V (A.1); the keys in the clear */
static int write_ticket(const struct mikey_wish *w,
			const struct mikey_minted *keys, u32 size,
			struct draft *d)
{
	const struct mikey_suite *suite = w->suite;
	struct mikey_builder b;
	struct mikey_frame frame;
	u8 plain[128];
	int len;

	len = write_keys(w, keys, plain, sizeof(plain));
	if (len < 0)
		goto out;
	d->keys_len = len;
	mikey_ts_from_unix(&d->t, w->t);
	mikey_build_begin(&b, d->buf, size);
	mikey_wish_put_policy(w, &b, MIKEY_PL_TICKET);
	mikey_open_ticket_data(&b, &frame);
	mikey_put_thdr(&b, w->thdr);
	mikey_put_t(&b, &d->t);
	mikey_put_rand(&b, (struct mikey_blob){ w->rand, suite->rand_len });
	d->keys_at = mikey_put_kemac(&b, suite->encr_alg,
				     (struct mikey_blob){ plain, len });
	mikey_put_idr(&b, MIKEY_IDR_PSK, MIKEY_ID_BYTES, w->psk_id);
	mikey_put_v(&b, suite->auth_alg, suite->mac_len);
	mikey_close_ticket_data(&b, &frame);
	len = mikey_build_end(&b);
	d->len = max(len, 0);
out:
	memzero_explicit(plain, sizeof(plain));
	return min(len, 0);
}

/* Encrypt the keys, then the MAC over all of it (A.1, A.2.1). */
static int seal(const struct mikey_wish *w, const struct mikey_hmac *psk,
		const struct mikey_ticket_payload *payload, struct draft *d)
{
	struct mikey_blob rand = { w->rand, w->suite->rand_len };
	const struct mikey_suite *suite = w->suite;
	struct mikey_ticket_data td;
	struct mikey_encr_key encr;
	struct mikey_cover cover;
	u8 auth[MIKEY_MAC_MAX];
	struct mikey_diag diag;
	int err;

	err = mikey_derive_ticket(suite, psk, rand, auth, &encr);
	err = err ?: mikey_aes_cm(&encr, suite->key_len, TICKET_CSB_ID,
				  d->t.value, d->buf + d->keys_at,
				  d->keys_len);
	err = err ?: mikey_ticket_data_parse(&td, payload, &diag);
	if (err)
		goto out;
	mikey_cover_ticket(&cover, payload, &td);
	/* offsets of Ticket Data count from Ticket Type */
	err = mikey_mac_sum(suite->auth_alg, auth, suite->mac_len, &cover,
			    d->buf + 1 + td.v.mac_offset);
out:
	memzero_explicit(auth, sizeof(auth));
	memzero_explicit(&encr, sizeof(encr));
	return err;
}

/* Read as its responder and its KMS will read it: one set of rules. */
static int check_draft(const struct mikey_wish *w, const struct draft *d,
		       struct mikey_ticket_payload *payload,
		       struct mikey_why *why)
{
	struct mikey_diag diag = {};
	int err;

	err = mikey_ticket_parse(payload,
				 (struct mikey_blob){ d->buf + 1, d->len - 1 },
				 &diag);
	err = err ?: mikey_policy_check(&payload->policy, w->profile, w->suite,
					false, &diag);
	if (err)
		return mikey_refuse(why, -EINVAL, MIKEY_TICKET_S_UNSPEC,
				    MIKEY_TICKET_A_UNSPEC, diag.why);
	return 0;
}

static struct mikey_ticket *make_ticket(const struct mikey_wish *w,
					const struct mikey_ticket_payload *payload,
					const struct mikey_minted *minted,
					const struct mikey_hmac *psk, s64 now)
{
	struct mikey_keys keys = { .spi_len = sizeof(minted->spi) };
	u8 digest[32];
	struct mikey_ticket_spec spec = {
		.role = MIKEY_ROLE_INITIATOR,
		.profile = w->profile,
		.suite = w->suite,
		.payload = payload,
		.expires = S64_MAX,
		.now = now,
		.psk = digest,
		.keys = &keys,
	};
	struct mikey_ticket *t;
	int err;

	err = mikey_psk_digest(psk, digest);
	err = err ?: mikey_derive_mpks(w->suite, minted->mpk,
				(struct mikey_blob){ w->rand, w->suite->rand_len },
				&keys);
	if (err)
		return ERR_PTR(err);
	memcpy(keys.traffic, minted->traffic, sizeof(keys.traffic));
	memcpy(keys.spi, minted->spi, sizeof(minted->spi));
	t = mikey_ticket_new(&spec);
	memzero_explicit(&keys, sizeof(keys));
	return t;
}

struct mikey_ticket *mikey_mint(const struct mikey_wish *w,
				const struct mikey_hmac *psk,
				const struct mikey_minted *keys, s64 now,
				struct mikey_why *why)
{
	struct mikey_ticket_payload payload;
	struct mikey_ticket *t = NULL;
	struct draft d = {};
	u32 size;
	int err;

	size = min_t(u32, mikey_wish_room(w, TICKET_ROOM),
		     MIKEY_MSG_MAX - TRANSFER_ROOM);
	d.buf = kvmalloc(size, GFP_KERNEL_ACCOUNT);
	if (!d.buf)
		return ERR_PTR(-ENOMEM);
	err = write_ticket(w, keys, size, &d);
	if (err) {
		mikey_refuse(why, err, MIKEY_TICKET_S_UNSPEC,
			     MIKEY_TICKET_A_RESPONDER,
			     "the responders do not fit into one message");
		goto out;
	}
	err = check_draft(w, &d, &payload, why);
	err = err ?: seal(w, psk, &payload, &d);
	if (!err)
		t = make_ticket(w, &payload, keys, psk, now);
out:
	/* the keys stood there in the clear */
	kvfree_sensitive(d.buf, size);
	return err ? ERR_PTR(err) : t;
}

static int mint(struct genl_info *info, const struct mikey_wish *w,
		struct mikey_why *why)
{
	struct mikey_minted keys;
	struct mikey_hmac psk = {};
	struct mikey_ticket *t;
	struct key *key, *ring;
	int err;

	key = mikey_psk_get(nla_get_s32(info->attrs[MIKEY_TICKET_A_PSK]),
			    w->suite, &psk, why);
	if (IS_ERR(key))
		return PTR_ERR(key);
	ring = mikey_grant_ring(info, why);
	err = PTR_ERR_OR_ZERO(ring);
	if (err)
		goto put_psk;

	get_random_bytes(&keys, sizeof(keys));
	t = mikey_mint(w, &psk, &keys, ktime_get_real_seconds(), why);
	memzero_explicit(&keys, sizeof(keys));
	err = IS_ERR(t) ? PTR_ERR(t) : mikey_grant_link(info, t, ring, why);
	if (!err)
		mikey_count(MIKEY_TICKET_S_MINTS);
	key_put(ring);
put_psk:
	memzero_explicit(&psk, sizeof(psk));
	key_put(key);
	return err;
}

int mikey_mint_doit(struct sk_buff *skb, struct genl_info *info)
{
	static const u16 need[] = {
		MIKEY_TICKET_A_PSK, MIKEY_TICKET_A_PSK_ID, MIKEY_TICKET_A_KMS,
		MIKEY_TICKET_A_INITIATOR, MIKEY_TICKET_A_RESPONDER,
		MIKEY_TICKET_A_VALID_UNTIL,
	};
	static const u8 no_kms[MIKEY_TICKET_THDR_MIN];
	struct nlattr *thdr = info->attrs[MIKEY_TICKET_A_THDR];
	struct mikey_why why = {};
	struct mikey_wish w = {};
	int err;

	err = mikey_netlink_enter(skb, info, need, ARRAY_SIZE(need), &why);
	err = err ?: mikey_wish_begin(&w, info, &why);
	if (!err) {
		w.thdr = thdr ? mikey_attr_blob(thdr) :
				(struct mikey_blob){ no_kms, sizeof(no_kms) };
		err = mint(info, &w, &why);
	}
	mikey_wish_end(&w);
	return mikey_answer_refusal(info, &why, err);
}
