// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A terminal that makes its tickets itself (mode 3); see support.h.
 */
#include "tests/unit/kms/support.h"

void mint_init(struct mint *m, const struct house *h)
{
	const struct mem_user *alice = &h->mem.users[0];

	memset(m, 0, sizeof(*m));
	m->kid = alice->psk_id;
	m->key = kms_blob(alice->psk.key, alice->psk.key_len);
	m->suite = mikey_suite_by_id(alice->psk.suite);
	m->profile = mikey_profile_by_id(MIKEY_PROFILE_ID_IMMEDIATE);
	m->head = (struct mikey_policy) {
		.ticket_type = MIKEY_TICKET_TYPE_3GPP_BASE,
		.subtype = MIKEY_TICKET_SUBTYPE,
		.version = MIKEY_TICKET_VERSION,
		.prf = m->suite->prf,
		.flags = mikey_profile_flags(m->profile, MIKEY_MODE_INITIATOR) |
			 MIKEY_FLAG_J,
	};
	m->idr_kms = KMS_URL;
	m->idr_i = ALICE;
	m->made = ntp32(h->world.now);
	m->start = h->world.now;
	m->end = h->world.now + 3600;
	m->rekey = -1;
	m->app = MIKEY_APP_PSK_MIME;
	m->to[0] = BOB;
	m->thdr_len = KMS_ID_LEN;
	m->rand_len = m->suite->rand_len;
}

static void put_granted_tp(const struct mint *m, struct mikey_builder *b)
{
	struct mikey_ts start = ntp32(m->start), end = ntp32(m->end);
	u32 i;

	mikey_put_idr(b, MIKEY_IDR_KMS, MIKEY_ID_URI, str(m->idr_kms));
	mikey_put_idr(b, MIKEY_IDR_I, MIKEY_ID_NAI, str(m->idr_i));
	mikey_put_tr(b, MIKEY_TR_START, &start);
	mikey_put_tr(b, MIKEY_TR_END, &end);
	put_rekey(b, m->rekey);
	if (m->app)
		mikey_put_idr(b, MIKEY_IDR_APP, MIKEY_ID_BYTES, str(m->app));
	for (i = 0; m->to[i]; i++)
		mikey_put_idr(b, MIKEY_IDR_R, MIKEY_ID_NAI, str(m->to[i]));
}

/* Ticket Data (RFC 6043 A.1), its MAC still to be written: where. */
static u32 put_minted_data(const struct mint *m, struct mikey_builder *b,
			   const struct kms_message_keys *under,
			   struct mikey_blob rand,
			   const struct kms_ticket_keys *keys)
{
	static const u8 thdr[KMS_ID_LEN + 10];
	struct kms_key_list list;

	assert_true(m->thdr_len <= sizeof(thdr));
	mikey_put_thdr(b, kms_blob(thdr, m->thdr_len));
	mikey_put_t(b, &m->made);
	mikey_put_rand(b, rand);
	assert_int_equal(kms_key_list_write(&list, m->suite, m->profile,
					    keys->mpk, NULL, keys), 0);
	assert_int_equal(kms_kemac_write(crypto(), b, m->suite, under,
					 0xffffffff, m->made.value, &list), 0);
	mikey_put_idr(b, MIKEY_IDR_PSK, MIKEY_ID_BYTES, str(m->kid));
	return mikey_put_v(b, m->suite->auth_alg, m->suite->mac_len);
}

void mint_write(const struct mint *m, struct granted *g)
{
	struct kms_message_keys under;
	struct kms_ticket_keys keys;
	struct kms_mpks mpks;
	struct mikey_builder b;
	struct mikey_frame frame;
	struct mikey_cover cover = { .num = 1 };
	u8 rand[MIKEY_KEY_MAX], *buf = g->msg.buf;
	struct mikey_diag diag;
	u32 start, at;

	memset(g, 0, sizeof(*g));
	fresh(rand, sizeof(rand));
	fresh(keys.mpk, sizeof(keys.mpk));
	fresh(keys.traffic, sizeof(keys.traffic));
	fresh(keys.spi, sizeof(keys.spi));
	assert_int_equal(kms_keys_of_ticket(crypto(), m->suite, m->key,
					    kms_blob(rand, m->rand_len),
					    &under), 0);
	mikey_build_begin(&b, buf, sizeof(g->msg.buf));
	mikey_put_hdr(&b, MIKEY_DT_RESOLVE_INIT_PSK, true, m->suite->prf, 0);
	start = b.len + 1;
	mikey_open_policy(&b, &frame, MIKEY_PL_TICKET, &m->head);
	put_granted_tp(m, &b);
	mikey_close_policy(&b, &frame);
	mikey_open_ticket_data(&b, &frame);
	at = put_minted_data(m, &b, &under, kms_blob(rand, m->rand_len), &keys);
	mikey_close_ticket_data(&b, &frame);
	assert_true(mikey_build_end(&b) > 0);
	cover.seg[0] = kms_blob(buf + start, at - start);
	assert_int_equal(kms_mac(crypto(), m->suite->auth_alg,
				 kms_blob(under.auth, m->suite->mac_len),
				 &cover, buf + at), m->suite->mac_len);
	assert_int_equal(mikey_ticket_parse(&g->m.ticket,
					    kms_blob(buf + start, b.len - start),
					    &diag), 0);
	assert_int_equal(kms_ticket_mpks(crypto(), m->suite, &keys,
					 kms_blob(rand, m->rand_len), &mpks), 0);
	g->keys = keys;
	memcpy(g->keys.mpk, mpks.mpk_i, sizeof(mpks.mpk_i));
	memcpy(g->mpk_r, mpks.mpk_r, sizeof(mpks.mpk_r));
	g->num_keys = m->profile->forked ? 3 : 2;
}
