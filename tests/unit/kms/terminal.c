// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a terminal writes and reads; see support.h.
 */
#include "tests/unit/kms/support.h"

struct kms_crypto *crypto(void)
{
	static struct kms_crypto *c;

	if (!c)
		c = kms_crypto_new();
	assert_non_null(c);
	return c;
}

struct mikey_ts ntp32(s64 unix_seconds)
{
	struct mikey_ts t;

	mikey_ts_from_unix(&t, unix_seconds);
	return t;
}

void put_rekey(struct mikey_builder *b, s64 seconds)
{
	struct mikey_ts t = {
		.type = MIKEY_TS_NTP_UTC_32, .value = (u64)seconds << 32,
	};

	if (seconds >= 0)
		mikey_put_tr(b, MIKEY_TR_REKEY, &t);
}

void request_init(struct request *r, const struct house *h)
{
	const struct mem_user *alice = &h->mem.users[0];

	memset(r, 0, sizeof(*r));
	r->psk_id = alice->psk_id;
	r->psk = kms_blob(alice->psk.key, alice->psk.key_len);
	r->suite = mikey_suite_by_id(alice->psk.suite);
	r->profile = mikey_profile_by_id(MIKEY_PROFILE_ID_IMMEDIATE);
	fresh((u8 *)&r->csb_id, sizeof(r->csb_id));
	r->t = ntp32(h->world.now);
	r->idr_i = ALICE;
	r->idr_kms = KMS_URL;
	r->randr_len = r->suite->rand_len;
	fresh(r->randr, r->randr_len);
	r->head = (struct mikey_policy) {
		.ticket_type = MIKEY_TICKET_TYPE_3GPP_BASE,
		.subtype = MIKEY_TICKET_SUBTYPE,
		.version = MIKEY_TICKET_VERSION,
		.prf = r->suite->prf,
		.flags = mikey_profile_flags(r->profile, MIKEY_MODE_KMS) |
			 MIKEY_FLAG_J,
	};
	r->tp_idr_kms = KMS_URL;
	r->tp_idr_i = ALICE;
	r->start = h->world.now;
	r->end = h->world.now + 3600;
	r->rekey = -1;
	r->app = MIKEY_APP_PSK_MIME;
	r->to[0] = BOB;
}

static void put_tp(const struct request *r, struct mikey_builder *b)
{
	struct mikey_ts start = ntp32(r->start), end = ntp32(r->end);
	u8 zeros[MIKEY_KEY_MAX] = { 0 }, plain[64];
	struct mikey_builder keys;
	struct mikey_frame frame;
	u32 i;

	mikey_open_policy(b, &frame, MIKEY_PL_TP, &r->head);
	mikey_put_idr(b, MIKEY_IDR_KMS, MIKEY_ID_URI, str(r->tp_idr_kms));
	mikey_put_idr(b, MIKEY_IDR_I, MIKEY_ID_NAI, str(r->tp_idr_i));
	mikey_put_tr(b, MIKEY_TR_START, &start);
	mikey_put_tr(b, MIKEY_TR_END, &end);
	put_rekey(b, r->rekey);
	if (!r->no_kemac) {
		mikey_build_begin(&keys, plain, sizeof(plain));
		mikey_put_key_data(&keys, r->profile->traffic_key,
				   kms_blob(zeros, r->suite->key_len),
				   kms_blob(zeros, MIKEY_SPI_LEN));
		mikey_put_kemac(b, MIKEY_ENCR_NULL,
				kms_blob(plain, mikey_build_end(&keys)));
	}
	if (r->app)
		mikey_put_idr(b, MIKEY_IDR_APP, MIKEY_ID_BYTES, str(r->app));
	for (i = 0; r->to[i]; i++)
		mikey_put_idr(b, MIKEY_IDR_R, MIKEY_ID_NAI, str(r->to[i]));
	mikey_close_policy(b, &frame);
}

/* V over the message so far and two identities. */
static void sign_initial(struct mikey_builder *b, struct message *msg,
			 const struct mikey_suite *suite, struct mikey_blob psk,
			 u32 csb_id, struct mikey_blob randr_i,
			 struct mikey_blob randr_r, const char *who,
			 const char *kms)
{
	u32 at = mikey_put_v(b, suite->auth_alg, suite->mac_len);
	struct mikey_cover cover = {
		.num = 3,
		.seg = { kms_blob(msg->buf, at), str(who), str(kms) },
	};
	u8 auth[MIKEY_MAC_MAX], mac[MIKEY_MAC_MAX];
	struct mikey_label label;
	int len = mikey_build_end(b);

	assert_true(len > 0);
	msg->len = len;
	mikey_label_message(&label, MIKEY_LC_AUTH, csb_id, false, randr_i,
			    randr_r);
	assert_int_equal(kms_prf(crypto(), suite->prf, psk,
				 kms_blob(label.buf, label.len), auth,
				 suite->mac_len), 0);
	assert_int_equal(kms_mac(crypto(), suite->auth_alg,
				 kms_blob(auth, suite->mac_len), &cover, mac),
			 suite->mac_len);
	memcpy(msg->buf + at, mac, suite->mac_len);
}

void request_write(const struct request *r, struct message *msg)
{
	struct mikey_blob randr = kms_blob(r->randr, r->randr_len);
	struct mikey_builder b;

	mikey_build_begin(&b, msg->buf, sizeof(msg->buf));
	if (r->crypto_session)
		mikey_put_hdr_cs(&b, MIKEY_DT_REQUEST_INIT_PSK, true,
				 r->suite->prf, r->csb_id, 1, 242, str("spispisp"));
	else
		mikey_put_hdr(&b, MIKEY_DT_REQUEST_INIT_PSK, true,
			      r->suite->prf, r->csb_id);
	mikey_put_t(&b, &r->t);
	mikey_put_randr(&b, MIKEY_RANDR_I, randr);
	if (r->other_rand)
		mikey_put_randr(&b, MIKEY_RANDR_R, randr);
	mikey_put_idr(&b, MIKEY_IDR_I, MIKEY_ID_NAI, str(r->idr_i));
	mikey_put_idr(&b, MIKEY_IDR_KMS, MIKEY_ID_URI, str(r->idr_kms));
	put_tp(r, &b);
	mikey_put_idr(&b, MIKEY_IDR_PSK, MIKEY_ID_BYTES, str(r->psk_id));
	sign_initial(&b, msg, r->suite, r->psk, r->csb_id, randr,
		     (struct mikey_blob) { 0 }, r->idr_i, r->idr_kms);
}

/* V and KEMAC of a response under its PSK. Returns the decrypted key data. */
static void open_response(const struct mikey_suite *suite,
			  struct mikey_blob psk, struct mikey_blob randr_i,
			  struct mikey_blob randr_r, const struct mikey_msg *m,
			  struct mikey_blob request, u8 *plain)
{
	struct mikey_msg like = *m;
	struct kms_message_keys keys;
	struct mikey_cover cover;
	u8 iv[16];

	like.randr_i.data = randr_i;
	like.randr_r.data = randr_r;
	assert_int_equal(kms_keys_of_message(crypto(), suite, psk, &like, true,
					     &keys), 0);
	mikey_cover_message(&cover, m, request, (struct mikey_blob) { 0 });
	assert_int_equal(kms_mac_verify(crypto(), suite->auth_alg,
					kms_blob(keys.auth, suite->mac_len),
					&cover, m->v.mac), 0);
	assert_int_equal(m->kemac.encr_alg, suite->encr_alg);
	assert_int_equal(m->kemac.mac_alg, MIKEY_AUTH_NULL);
	memcpy(plain, m->kemac.encr_data.p, m->kemac.encr_data.len);
	mikey_aes_cm_iv(iv, keys.salt, m->hdr.csb_id, m->t.value);
	assert_int_equal(kms_aes_cm(crypto(), suite->encr_alg, keys.encr, iv,
				    plain, m->kemac.encr_data.len), 0);
}

static void parse_answer(struct mikey_msg *m, struct message *msg,
			 const struct kms_answer *a, enum mikey_data_type type,
			 u32 csb_id)
{
	struct mikey_diag diag;

	assert_int_equal(a->error_no, -1);
	msg->len = a->len;
	memcpy(msg->buf, a->buf, a->len);
	assert_int_equal(mikey_msg_parse(m, msg->buf, msg->len,
					 MIKEY_EXT_PROOF_OF_ORIGIN_DEFAULT,
					 &diag), 0);
	assert_int_equal(m->hdr.data_type, type);
	assert_int_equal(m->hdr.csb_id, csb_id);
	assert_false(m->hdr.v);
	assert_int_equal(m->hdr.num_cs, 0);
	assert_int_equal(m->hdr.map_type, MIKEY_MAP_EMPTY);
	assert_int_equal(m->t.type, MIKEY_TS_NTP_UTC_32);
	assert_true(m->idr_kms.present);
}

void granted_read(struct granted *g, const struct request *r,
		  const struct message *request, const struct kms_answer *a)
{
	struct mikey_key_data keys[3];
	struct mikey_diag diag;
	u8 plain[512];
	u32 traffic;

	memset(g, 0, sizeof(*g));
	parse_answer(&g->m, &g->msg, a, MIKEY_DT_REQUEST_RESP, r->csb_id);
	open_response(r->suite, r->psk, kms_blob(r->randr, r->randr_len),
		      (struct mikey_blob) { 0 }, &g->m, message_blob(request),
		      plain);
	assert_int_equal(mikey_key_data_parse(kms_blob(plain,
						       g->m.kemac.encr_data.len),
					      keys, 3, &g->num_keys, &diag), 0);
	traffic = g->num_keys - 1;
	assert_int_equal(g->num_keys, r->profile->forked ? 3 : 2);
	assert_int_equal(keys[0].type, MIKEY_KEY_MPK);
	assert_int_equal(keys[traffic].type, r->profile->traffic_key);
	memcpy(g->keys.mpk, keys[0].key.p, r->suite->key_len);
	if (r->profile->forked)
		memcpy(g->mpk_r, keys[1].key.p, r->suite->key_len);
	memcpy(g->keys.traffic, keys[traffic].key.p, r->suite->key_len);
	memcpy(g->keys.spi, keys[traffic].spi.p, MIKEY_SPI_LEN);
}

/* Vi (any MAC will do for the KMS) and Vr under MPKr. */
static void put_initiator_data(struct resolve_request *r,
			       const struct granted *g)
{
	const struct mikey_suite *suite = r->suite;
	u8 vi[MIKEY_MAC_MAX], auth[MIKEY_MAC_MAX], mac[MIKEY_MAC_MAX];
	struct mikey_label label;
	struct mikey_cover cover = { .num = 1 };
	u8 *p = r->initiator_data;

	fresh(vi, sizeof(vi));
	*p++ = MIKEY_PL_V;
	*p++ = MIKEY_PL_V;
	*p++ = suite->auth_alg;
	memcpy(p, vi, suite->mac_len);
	p += suite->mac_len;
	*p++ = MIKEY_PL_LAST;
	*p++ = suite->auth_alg;
	cover.seg[0] = kms_blob(r->initiator_data, p - r->initiator_data);
	mikey_label_vr(&label);
	assert_int_equal(kms_prf(crypto(), suite->prf,
				 kms_blob(g->mpk_r, suite->key_len),
				 kms_blob(label.buf, label.len), auth,
				 suite->mac_len), 0);
	kms_mac(crypto(), suite->auth_alg, kms_blob(auth, suite->mac_len),
		&cover, mac);
	memcpy(p, mac, suite->mac_len);
	p += suite->mac_len;
	/* the first byte names the first payload, which is Vi */
	r->initiator_data_len = p - r->initiator_data;
}

void resolve_init(struct resolve_request *r, const struct house *h,
		  const struct granted *g)
{
	const struct mem_user *bob = &h->mem.users[1];

	memset(r, 0, sizeof(*r));
	r->psk_id = bob->psk_id;
	r->psk = kms_blob(bob->psk.key, bob->psk.key_len);
	r->suite = mikey_suite_by_id(bob->psk.suite);
	fresh((u8 *)&r->csb_id, sizeof(r->csb_id));
	r->t = ntp32(h->world.now);
	r->idr_r = BOB;
	r->idr_kms = KMS_URL;
	r->randr_len = r->suite->rand_len;
	fresh(r->randr, r->randr_len);
	r->ticket_len = g->m.ticket.from_type.len;
	assert_true(r->ticket_len <= sizeof(r->ticket));
	memcpy(r->ticket, g->m.ticket.from_type.p, r->ticket_len);
	if (g->num_keys == 3)
		put_initiator_data(r, g);
}

void resolve_write(const struct resolve_request *r, struct message *msg)
{
	struct mikey_blob randr = kms_blob(r->randr, r->randr_len);
	struct mikey_builder b;

	mikey_build_begin(&b, msg->buf, sizeof(msg->buf));
	mikey_put_hdr(&b, MIKEY_DT_RESOLVE_INIT_PSK, true, r->suite->prf,
		      r->csb_id);
	mikey_put_t(&b, &r->t);
	mikey_put_randr(&b, MIKEY_RANDR_R, randr);
	mikey_put_idr(&b, MIKEY_IDR_R, MIKEY_ID_NAI, str(r->idr_r));
	mikey_put_idr(&b, MIKEY_IDR_KMS, MIKEY_ID_URI, str(r->idr_kms));
	mikey_put_ticket(&b, kms_blob(r->ticket, r->ticket_len));
	mikey_put_opaque16(&b, kms_blob(r->initiator_data,
					r->initiator_data_len));
	mikey_put_idr(&b, MIKEY_IDR_PSK, MIKEY_ID_BYTES, str(r->psk_id));
	sign_initial(&b, msg, r->suite, r->psk, r->csb_id,
		     (struct mikey_blob) { 0 }, randr, r->idr_r, r->idr_kms);
}

void resolved_read(struct resolved *out, const struct resolve_request *r,
		   const struct message *request, const struct kms_answer *a)
{
	struct mikey_diag diag;

	memset(out, 0, sizeof(*out));
	parse_answer(&out->m, &out->msg, a, MIKEY_DT_RESOLVE_RESP, r->csb_id);
	open_response(r->suite, r->psk, (struct mikey_blob) { 0 },
		      kms_blob(r->randr, r->randr_len), &out->m,
		      message_blob(request), out->plain);
	assert_int_equal(mikey_key_data_parse(kms_blob(out->plain,
						       out->m.kemac.encr_data.len),
					      out->keys, 3, &out->num_keys,
					      &diag), 0);
}

void assert_error(const struct house *h, enum mikey_err_no no, bool authentic,
		  struct mikey_blob psk, const struct message *request)
{
	const struct kms_answer *a = &h->answer;
	const struct mikey_suite *suite;
	struct mikey_msg m, in;
	struct kms_message_keys keys;
	struct mikey_cover cover;
	struct mikey_diag diag;

	if (a->error_no != (int)no)
		fail_msg("got %s (%s), wanted %s", a->error_no < 0 ? "an answer" :
			 kms_error_name(a->error_no), a->why ? a->why : "",
			 kms_error_name(no));
	assert_non_null(a->why);
	assert_int_equal(mikey_msg_parse(&m, a->buf, a->len,
					 MIKEY_EXT_PROOF_OF_ORIGIN_DEFAULT,
					 &diag), 0);
	assert_int_equal(m.hdr.data_type, MIKEY_DT_ERROR);
	assert_true(m.err.present);
	assert_int_equal(m.err.error_no, no);
	assert_false(m.hdr.v);
	assert_int_equal(a->authentic, authentic);
	assert_int_equal(m.v.present, authentic);
	if (!authentic)
		return;
	assert_int_equal(mikey_msg_parse(&in, request->buf, request->len,
					 MIKEY_EXT_PROOF_OF_ORIGIN_DEFAULT,
					 &diag), 0);
	assert_int_equal(m.hdr.csb_id, in.hdr.csb_id);
	suite = mikey_suite_by_id(psk.len == 32 ? MIKEY_SUITE_ID_256 :
				  in.hdr.prf == MIKEY_PRF_MIKEY_1 ?
				  MIKEY_SUITE_ID_128 : MIKEY_SUITE_ID_TS_128);
	assert_int_equal(m.hdr.prf, suite->prf);
	assert_int_equal(m.v.auth_alg, suite->auth_alg);
	assert_int_equal(kms_keys_of_message(crypto(), suite, psk, &in, false,
					     &keys), 0);
	mikey_cover_message(&cover, &m, (struct mikey_blob) { 0 },
			    (struct mikey_blob) { 0 });
	assert_int_equal(kms_mac_verify(crypto(), m.v.auth_alg,
					kms_blob(keys.auth, suite->mac_len), &cover,
					m.v.mac), 0);
}
