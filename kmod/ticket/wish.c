// SPDX-License-Identifier: GPL-2.0
/*
 * What REQUEST and MINT have in common: the ticket that is wanted, out of
 * attributes and into a Ticket Policy (RFC 6043 6.10).
 */
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "clock.h"
#include "key.h"
#include "netlink.h"
#include "wish.h"

/* An IDR's head; T, TRs, TRe, TRr, KEMAC, IDRapp and V fit into any @more. */
#define PER_IDENTITY 8

static int refuse(struct mikey_why *why, enum mikey_ticket_attr attr,
		  const char *words)
{
	return mikey_refuse(why, -EINVAL, MIKEY_TICKET_S_UNSPEC, attr, words);
}

static int take_period(struct mikey_wish *w, struct nlattr **attrs,
		       struct mikey_why *why)
{
	s64 now = ktime_get_real_seconds();

	w->from = now;
	if (attrs[MIKEY_TICKET_A_VALID_FROM])
		w->from = nla_get_s64(attrs[MIKEY_TICKET_A_VALID_FROM]);
	w->until = nla_get_s64(attrs[MIKEY_TICKET_A_VALID_UNTIL]);
	if (w->until <= now)
		return refuse(why, MIKEY_TICKET_A_VALID_UNTIL,
			      "the validity period is already over");
	if (attrs[MIKEY_TICKET_A_REKEY])
		w->rekey = nla_get_u32(attrs[MIKEY_TICKET_A_REKEY]);
	return 0;
}

/* Key forking needs every message resolved (6.10: I implies E). */
static int take_rights(struct mikey_wish *w, struct nlattr **attrs,
		       struct mikey_why *why)
{
	w->reusable = nla_get_flag(attrs[MIKEY_TICKET_A_REUSABLE]);
	w->cacheable = nla_get_flag(attrs[MIKEY_TICKET_A_CACHEABLE]);
	if (w->cacheable && (w->profile->flags_set & MIKEY_FLAG_E))
		return refuse(why, MIKEY_TICKET_A_CACHEABLE,
			      "a ticket of this profile is resolved for each message");
	if (w->cacheable && !w->reusable)
		return refuse(why, MIKEY_TICKET_A_CACHEABLE,
			      "what is not reusable is not worth keeping");
	return 0;
}

static int take_responders(struct mikey_wish *w, struct genl_info *info,
			   struct mikey_why *why)
{
	struct mikey_blob *responders;
	int num;

	num = mikey_attr_blobs(info, MIKEY_TICKET_A_RESPONDER,
			       MIKEY_TICKET_RESPONDERS_MAX, &responders, why);
	if (num < 0)
		return num;
	w->responders = responders;
	w->num_responders = num;
	return 0;
}

int mikey_wish_begin(struct mikey_wish *w, struct genl_info *info,
		     struct mikey_why *why)
{
	struct nlattr **attrs = info->attrs;
	int err;

	memset(w, 0, sizeof(*w));
	w->psk_id = mikey_attr_blob(attrs[MIKEY_TICKET_A_PSK_ID]);
	w->kms = mikey_attr_blob(attrs[MIKEY_TICKET_A_KMS]);
	w->initiator = mikey_attr_blob(attrs[MIKEY_TICKET_A_INITIATOR]);
	if (!mikey_key_uid_ok(w->initiator))
		return refuse(why, MIKEY_TICKET_A_INITIATOR,
			      "the initiator has characters that no UID has");
	w->profile = mikey_netlink_profile(info, why);
	if (!w->profile)
		return -EPROTONOSUPPORT;
	w->suite = mikey_netlink_suite(info, why);
	if (!w->suite)
		return -EPROTONOSUPPORT;
	err = take_period(w, attrs, why);
	err = err ?: take_rights(w, attrs, why);
	if (err)
		return err;
	w->t = mikey_clock_send();
	w->csb_id = get_random_u32();
	get_random_bytes(w->rand, w->suite->rand_len);
	return take_responders(w, info, why);
}

void mikey_wish_end(struct mikey_wish *w)
{
	kfree(w->responders);
	w->responders = NULL;
}

/* KEMAC of TP: one key of zeros that says which type and length is wanted. */
static void put_wanted_key(struct mikey_builder *b, const struct mikey_wish *w)
{
	static const u8 zeros[MIKEY_KEY_MAX + MIKEY_SPI_LEN];
	u8 buf[4 + MIKEY_KEY_MAX + 1 + MIKEY_SPI_LEN];
	struct mikey_builder inner;
	int len;

	mikey_build_begin(&inner, buf, sizeof(buf));
	mikey_put_key_data(&inner, w->profile->traffic_key,
			   (struct mikey_blob){ zeros, w->suite->key_len },
			   (struct mikey_blob){ zeros, MIKEY_SPI_LEN });
	len = mikey_build_end(&inner);
	mikey_put_kemac(b, MIKEY_ENCR_NULL,
			(struct mikey_blob){ buf, len > 0 ? len : 0 });
}

/* TRr is an interval: its seconds stand where a time's would (6.10). */
static void put_rekey(struct mikey_builder *b, u32 seconds)
{
	struct mikey_ts ts = {
		.present = true,
		.type = MIKEY_TS_NTP_UTC_32,
		.value = (u64)seconds << 32,
	};

	mikey_put_tr(b, MIKEY_TR_REKEY, &ts);
}

void mikey_wish_put_policy(const struct mikey_wish *w, struct mikey_builder *b,
			   enum mikey_payload payload)
{
	static const struct mikey_blob app = {
		(const u8 *)MIKEY_APP_PSK_MIME, sizeof(MIKEY_APP_PSK_MIME) - 1
	};
	bool asked = payload == MIKEY_PL_TP;
	struct mikey_policy p = {
		.ticket_type = MIKEY_TICKET_TYPE_3GPP_BASE,
		.subtype = MIKEY_TICKET_SUBTYPE,
		.version = MIKEY_TICKET_VERSION,
		.prf = w->suite->prf,
		.flags = mikey_profile_flags(w->profile, asked ?
					     MIKEY_MODE_KMS :
					     MIKEY_MODE_INITIATOR) |
			 (w->reusable ? MIKEY_FLAG_J : 0) |
			 (w->cacheable ? 0 : MIKEY_FLAG_E),
	};
	struct mikey_frame frame;
	struct mikey_ts ts;
	u32 i;

	mikey_open_policy(b, &frame, payload, &p);
	mikey_put_idr(b, MIKEY_IDR_KMS, MIKEY_ID_URI, w->kms);
	mikey_put_idr(b, MIKEY_IDR_I, MIKEY_ID_NAI, w->initiator);
	mikey_ts_from_unix(&ts, w->from);
	mikey_put_tr(b, MIKEY_TR_START, &ts);
	mikey_ts_from_unix(&ts, w->until);
	mikey_put_tr(b, MIKEY_TR_END, &ts);
	if (w->rekey)
		put_rekey(b, w->rekey);
	if (asked)
		put_wanted_key(b, w);
	mikey_put_idr(b, MIKEY_IDR_APP, MIKEY_ID_BYTES, app);
	for (i = 0; i < w->num_responders; i++)
		mikey_put_idr(b, MIKEY_IDR_R, MIKEY_ID_NAI, w->responders[i]);
	mikey_close_policy(b, &frame);
}

u32 mikey_wish_room(const struct mikey_wish *w, u32 more)
{
	u32 room, i;

	room = more + 2 * (w->kms.len + w->initiator.len) + w->psk_id.len +
	       w->thdr.len;
	for (i = 0; i < w->num_responders; i++)
		room += w->responders[i].len + PER_IDENTITY;
	return min_t(u32, room, MIKEY_MSG_MAX);
}
