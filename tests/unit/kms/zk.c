// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two KMSs (TS 33.328 B.2.3): ALICE's issues the ticket, BOB's has it resolved
 * there. The vectors byte for byte, then each clause broken on either side.
 */
#include "tests/unit/kms/support.h"

#include "helper/kms/zk.h"

#define NTP_EPOCH 2208988800LL
#define OTHER_URL "https://kms.other.test"
#define THIRD "https://kms.thirdly.test" /* as long as KMS_URL */
#define BOB_THERE "bob@other.test"
#define BOB_TOO "robert@other.test"

static const char *const here[] = { KMS_URL }, *const there[] = { OTHER_URL };
static const char *const our_domains[] = { "example.test" };
static const char *const their_domains[] = { "elsewhere.test", "other.test" };

/* How each knows the other. */
static const struct kms_peer issuer = {
	.name = "issuer", .identities = here, .num_identities = 1,
	.domains = our_domains, .num_domains = 1, .asked = true,
};

static const struct kms_peer resolver = {
	.name = "resolver", .identities = there, .num_identities = 1,
	.domains = their_domains, .num_domains = 2,
};

static const struct kms_peer *const issuers[] = { &issuer };

/* A pair: KMS_I with ALICE, KMS_R with BOB_THERE; a ticket and its resolve. */
struct pair {
	struct house *i, *r;
	struct request request;
	struct message asked, msg;
	struct granted granted;
	struct resolve_request resolve;
};

static void resolver_house(struct house *h)
{
	h->policy.identities = there;
	h->policy.peers = issuers;
	h->policy.num_peers = 1;
	h->mem.users[1].uids[0] = BOB_THERE;
	house_again(h);
}

static struct pair *pair_of(enum mikey_profile_id profile, const char *to)
{
	struct pair *p = calloc(1, sizeof(*p));
	void *state;

	assert_non_null(p);
	house_setup(&state);
	p->i = state;
	house_setup(&state);
	p->r = state;
	resolver_house(p->r);
	request_init(&p->request, p->i);
	p->request.profile = mikey_profile_by_id(profile);
	p->request.head.flags = MIKEY_FLAG_J |
		mikey_profile_flags(p->request.profile, MIKEY_MODE_KMS);
	p->request.to[0] = to;
	request_write(&p->request, &p->asked);
	house_handle(p->i, KMS_TICKET_REQUEST, message_blob(&p->asked));
	granted_read(&p->granted, &p->request, &p->asked, &p->i->answer);
	resolve_init(&p->resolve, p->r, &p->granted);
	p->resolve.idr_r = BOB_THERE;
	p->resolve.idr_kms = OTHER_URL;
	return p;
}

static void part(struct pair *p)
{
	void *i = p->i, *r = p->r;

	kms_pending_free(p->r->answer.pending);
	house_teardown(&i);
	house_teardown(&r);
	free(p);
}

/* The user comes; KMS_R wants to ask. */
static struct kms_pending *wait_at(struct pair *p)
{
	resolve_write(&p->resolve, &p->msg);
	if (kms_handle(p->r->kms, &p->r->mem.store, KMS_TICKET_RESOLVE,
		       p->msg.buf, p->msg.len, &p->r->answer) != KMS_WAITS)
		fail_msg("KMS_R does not ask: %s", p->r->answer.why);
	return p->r->answer.pending;
}

static int ask(struct pair *p, struct mikey_blob msg)
{
	return kms_handle_peer(p->i->kms, &p->i->mem.store, &resolver, msg.p,
			       msg.len, &p->i->answer);
}

/* All the way; the user's view of it. */
static void go(struct pair *p, struct resolved *out)
{
	struct kms_pending *pending = wait_at(p);

	assert_ptr_equal(kms_pending_peer(pending), &issuer);
	assert_int_equal(ask(p, kms_pending_message(pending)), 0);
	if (p->i->answer.error_no >= 0)
		fail_msg("KMS_I: %s", p->i->answer.why);
	assert_int_equal(kms_pending_finish(pending, p->i->answer.buf,
					    p->i->answer.len), 0);
	if (p->r->answer.error_no >= 0)
		fail_msg("KMS_R: %s", p->r->answer.why);
	resolved_read(out, &p->resolve, &p->msg, &p->r->answer);
}

static void assert_keys(const struct pair *p, const struct resolved *out)
{
	const struct granted *g = &p->granted;
	u32 last = out->num_keys - 1;

	assert_int_equal(out->num_keys, g->num_keys);
	assert_bytes(out->keys[0].key.p, out->keys[0].key.len,
		     kms_blob(g->keys.mpk, 32));
	assert_bytes(out->keys[last].key.p, out->keys[last].key.len,
		     kms_blob(g->keys.traffic, 32));
	assert_bytes(out->keys[last].spi.p, out->keys[last].spi.len,
		     kms_blob(g->keys.spi, MIKEY_SPI_LEN));
	assert_true(mikey_blob_eq(out->m.idr_kms.data, str(OTHER_URL)));
}

static void immediate(void **state)
{
	struct pair *p = pair_of(MIKEY_PROFILE_ID_IMMEDIATE, BOB_THERE);
	u8 forked[MIKEY_KEY_MAX];
	struct mikey_label label;
	struct resolved out;

	(void)state;
	go(p, &out);
	assert_keys(p, &out);
	assert_true(mikey_blob_eq(out.m.idr_r.data, str(BOB_THERE)));
	mikey_label_fork(&label, MIKEY_LC_FORK_MPK, out.m.idr_r.data,
			 out.m.randr_kms.data);
	kms_prf(crypto(), 1, kms_blob(p->granted.mpk_r, 32),
		kms_blob(label.buf, label.len), forked, 32);
	assert_bytes(out.keys[1].key.p, out.keys[1].key.len,
		     kms_blob(forked, 32));
	assert_string_equal(p->i->answer.who, "peer:resolver");
	part(p);
}

static void annex_i(void **state)
{
	struct pair *p = pair_of(MIKEY_PROFILE_ID_ANNEX_I, "?@other.test");
	struct resolved out;

	(void)state;
	go(p, &out);
	assert_keys(p, &out);
	assert_false(out.m.idr_r.present);
	part(p);
}

/* Mode 3: the ticket is under ALICE's PSK, which only KMS_I has. */
static void minted(void **state)
{
	struct pair *p = pair_of(MIKEY_PROFILE_ID_IMMEDIATE, BOB_THERE);
	struct resolved out;
	struct mint m;

	(void)state;
	mint_init(&m, p->i);
	m.to[0] = BOB_THERE;
	mint_write(&m, &p->granted);
	resolve_init(&p->resolve, p->r, &p->granted);
	p->resolve.idr_r = BOB_THERE;
	p->resolve.idr_kms = OTHER_URL;
	go(p, &out);
	assert_keys(p, &out);
	part(p);
}

/* KMS_I's group has a member of the other domain. */
static void group(void **state)
{
	struct pair *p = pair_of(MIKEY_PROFILE_ID_IMMEDIATE, TEAM);
	struct resolved out;

	(void)state;
	p->i->mem.psi = TEAM;
	p->i->mem.members[0] = BOB_THERE;
	go(p, &out);
	assert_keys(p, &out);
	assert_true(mikey_blob_eq(out.m.idr_r.data, str(BOB_THERE)));
	part(p);
}

/* The ticket is for another of BOB's names than the one that he asks under. */
static void other_name(void **state)
{
	struct pair *p = pair_of(MIKEY_PROFILE_ID_IMMEDIATE, BOB_TOO);
	struct resolved out;

	(void)state;
	p->r->mem.users[1].uids[1] = BOB_TOO;
	go(p, &out);
	assert_true(mikey_blob_eq(out.m.idr_r.data, str(BOB_TOO)));
	part(p);
}

/* --- the vectors --- */

static struct mikey_blob csb_of(const struct vector_exchange *e)
{
	return blob(e->inputs.zk_csb_id);
}

static s64 unix_time(struct vector_time t)
{
	struct mikey_ts ts = { .type = t.type, .value = t.value };

	return mikey_ts_to_unix(&ts);
}

static void vector_user(struct house *h, const struct vector_exchange *e)
{
	static char uid[64], id[64];

	snprintf(uid, sizeof(uid), "%.*s", (int)e->inputs.id_r.len,
		 (const char *)e->inputs.id_r.p);
	snprintf(id, sizeof(id), "%.*s", (int)e->inputs.psk_r_id.len,
		 (const char *)e->inputs.psk_r_id.p);
	h->mem.users[1].uids[0] = uid;
	h->mem.users[1].psk_id = id;
	memcpy(h->mem.users[1].psk.key, e->inputs.psk_r.p, e->inputs.psk_r.len);
}

/* KMS_I: zk_resolve_init in, zk_resolve_resp out. */
static void vector_issuer(void **state)
{
	const struct vector_exchange *e = vector_exchange_immediate_256_mode1_zk;
	static const struct kms_peer peer = {
		.name = "r", .domains = our_domains, .num_domains = 1,
	};
	struct house *h;
	void *s;

	(void)state;
	house_setup(&s);
	h = s;
	world_init(&h->world, unix_time(e->times.resolve_resp));
	house_again(h);
	memcpy(h->mem.tpk.key, e->inputs.tpk.p, e->inputs.tpk.len);
	h->mem.tpk.key_len = e->inputs.tpk.len;
	h->world.random[KMS_RANDOM_RANDR_KMS] = blob(e->inputs.randr_kms);
	assert_int_equal(kms_handle_peer(h->kms, &h->mem.store, &peer,
					 e->messages.zk_resolve_init.p,
					 e->messages.zk_resolve_init.len,
					 &h->answer), 0);
	if (h->answer.error_no >= 0)
		fail_msg("%s", h->answer.why);
	assert_bytes(h->answer.buf, h->answer.len,
		     blob(e->messages.zk_resolve_resp));
	house_teardown(&s);
}

/*
 * KMS_R: resolve_init in, zk_resolve_init out; zk_resolve_resp in,
 * resolve_resp out. In the vectors both KMSs have one IDRkms, so the user's is
 * known under it and the ticket's is changed to the peer's and back.
 */
static void vector_resolver(void **state)
{
	const struct vector_exchange *e = vector_exchange_immediate_256_mode1_zk;
	static const char *const ours[] = { OTHER_URL };
	struct resolve_request r = { 0 };
	struct kms_pending *pending;
	struct message msg;
	struct mikey_msg in;
	struct mikey_diag d;
	struct resolved out;
	struct house *h;
	void *s;

	(void)state;
	house_setup(&s);
	h = s;
	h->policy.identities = ours;
	h->policy.peers = issuers;
	h->policy.num_peers = 1;
	world_init(&h->world, unix_time(e->times.resolve_init));
	house_again(h);
	vector_user(h, e);
	h->world.random[KMS_RANDOM_ZK_CSB_ID] = csb_of(e);
	h->world.random[KMS_RANDOM_ZK_RANDR] = blob(e->inputs.zk_randr_r);
	/* The vector's RESOLVE_INIT but for IDRkms. */
	assert_int_equal(mikey_msg_parse(&in, e->messages.resolve_init.p,
					 e->messages.resolve_init.len,
					 MIKEY_EXT_PROOF_OF_ORIGIN_DEFAULT, &d), 0);
	r.psk_id = h->mem.users[1].psk_id;
	r.psk = blob(e->inputs.psk_r);
	r.suite = mikey_suite_by_id(MIKEY_SUITE_ID_256);
	r.csb_id = in.hdr.csb_id;
	r.t = in.t;
	r.idr_r = h->mem.users[1].uids[0];
	r.idr_kms = OTHER_URL;
	r.randr_len = in.randr_r.data.len;
	memcpy(r.randr, in.randr_r.data.p, r.randr_len);
	r.ticket_len = in.ticket.from_type.len;
	memcpy(r.ticket, in.ticket.from_type.p, r.ticket_len);
	r.initiator_data_len = in.ticket.initiator_data.len;
	memcpy(r.initiator_data, in.ticket.initiator_data.p,
	       r.initiator_data_len);
	resolve_write(&r, &msg);
	assert_int_equal(kms_handle(h->kms, &h->mem.store, KMS_TICKET_RESOLVE,
				    msg.buf, msg.len, &h->answer), KMS_WAITS);
	pending = h->answer.pending;
	assert_bytes(kms_pending_message(pending).p,
		     kms_pending_message(pending).len,
		     blob(e->messages.zk_resolve_init));
	assert_int_equal(kms_pending_finish(pending,
					    e->messages.zk_resolve_resp.p,
					    e->messages.zk_resolve_resp.len), 0);
	resolved_read(&out, &r, &msg, &h->answer);
	assert_bytes(out.keys[0].key.p, 32, blob(e->derived.mpki));
	assert_bytes(out.keys[1].key.p, 32, blob(e->derived.mpkr_forked));
	assert_bytes(out.keys[2].key.p, 32, blob(e->inputs.traffic_key));
	assert_bytes(out.m.randr_kms.data.p, out.m.randr_kms.data.len,
		     blob(e->inputs.randr_kms));
	kms_pending_free(pending);
	house_teardown(&s);
}

/* --- what KMS_R does not ask for --- */

static void assert_not_asked(struct pair *p, const char *why)
{
	resolve_write(&p->resolve, &p->msg);
	assert_int_equal(kms_handle(p->r->kms, &p->r->mem.store,
				    KMS_TICKET_RESOLVE, p->msg.buf, p->msg.len,
				    &p->r->answer), 0);
	assert_error(p->r, MIKEY_ERR_AUTH_FAILURE, true, p->resolve.psk, &p->msg);
	assert_string_equal(p->r->answer.why, why);
	part(p);
}

static void not_asked(void **state)
{
	static const char *const mallorys[] = { "mallory.test" };
	struct kms_peer other = issuer, mute = issuer;
	const struct kms_peer *others[] = { &other }, *mutes[] = { &mute };
	struct pair *p;

	(void)state;
	/* A ticket "from Alice" by a KMS that does not speak for her. */
	other.domains = mallorys;
	p = pair_of(MIKEY_PROFILE_ID_IMMEDIATE, BOB_THERE);
	p->r->policy.peers = others;
	assert_not_asked(p, "IDRi is not of a domain that the issuing KMS speaks for");
	mute.asked = false;
	p = pair_of(MIKEY_PROFILE_ID_IMMEDIATE, BOB_THERE);
	p->r->policy.peers = mutes;
	assert_not_asked(p, "the issuing KMS is a peer that is never asked");
	/* IDRkms is nobody's: nothing says where that might be. */
	p = pair_of(MIKEY_PROFILE_ID_IMMEDIATE, BOB_THERE);
	p->r->policy.num_peers = 0;
	assert_not_asked(p, "the ticket's MAC does not verify");
	p = pair_of(MIKEY_PROFILE_ID_IMMEDIATE, BOB_THERE);
	p->r->world.now += 8000;
	p->resolve.t = ntp32(p->r->world.now);
	assert_not_asked(p, "the ticket's validity period is over");
}

/* Without the user's MAC nobody is asked. */
static void stranger(void **state)
{
	struct pair *p = pair_of(MIKEY_PROFILE_ID_IMMEDIATE, BOB_THERE);

	(void)state;
	resolve_write(&p->resolve, &p->msg);
	p->msg.buf[p->msg.len - 1] ^= 1;
	assert_int_equal(kms_handle(p->r->kms, &p->r->mem.store,
				    KMS_TICKET_RESOLVE, p->msg.buf, p->msg.len,
				    &p->r->answer), 0);
	assert_error(p->r, MIKEY_ERR_AUTH_FAILURE, false, p->resolve.psk, &p->msg);
	part(p);
}

/* --- what KMS_I refuses --- */

struct bent {
	const char *why;
	enum mikey_err_no no;
	const char *idr_r, *idr_kms;
	s64 late;
	u8 v, ts_type, randr_len;
	u32 flip;			/* distance from the ticket's start */
};

static void write_bent(const struct pair *p, const struct bent *bent,
		       struct message *msg)
{
	struct mikey_ts t = ntp32(p->i->world.now + bent->late);
	u8 randr[MIKEY_KEY_MAX] = { 1 };
	struct mikey_builder b;
	u8 ticket[4096];

	if (bent->ts_type) {
		t.type = bent->ts_type;
		t.value = 1;
	}
	memcpy(ticket, p->resolve.ticket, p->resolve.ticket_len);
	if (bent->flip)
		ticket[bent->flip] ^= 1;
	mikey_build_begin(&b, msg->buf, sizeof(msg->buf));
	mikey_put_hdr(&b, MIKEY_DT_RESOLVE_INIT_PSK, true, 1, 77);
	mikey_put_t(&b, &t);
	mikey_put_randr(&b, MIKEY_RANDR_R,
			kms_blob(randr, bent->randr_len ? bent->randr_len : 32));
	mikey_put_idr(&b, MIKEY_IDR_R, MIKEY_ID_NAI, str(bent->idr_r));
	mikey_put_idr(&b, MIKEY_IDR_KMS, MIKEY_ID_URI,
		      str(bent->idr_kms ? bent->idr_kms : KMS_URL));
	mikey_put_ticket(&b, kms_blob(ticket, p->resolve.ticket_len));
	mikey_put_opaque16(&b, kms_blob(p->resolve.initiator_data,
					p->resolve.initiator_data_len));
	mikey_put_v(&b, bent->v, bent->v ? 32 : 0);
	msg->len = mikey_build_end(&b);
}

static void refused_by_issuer(void **state)
{
	static const struct bent rows[] = {
		{ "IDRr is not of a domain that the peer speaks for",
		  MIKEY_ERR_AUTH_FAILURE, .idr_r = BOB },
		{ "IDRr is not of a domain that the peer speaks for",
		  MIKEY_ERR_AUTH_FAILURE, .idr_r = "?@other.test" },
		{ "IDRr is not of a domain that the peer speaks for",
		  MIKEY_ERR_AUTH_FAILURE, .idr_r = "@other.test" },
		{ "IDRr is not of a domain that the peer speaks for",
		  MIKEY_ERR_AUTH_FAILURE, .idr_r = "bob@sub.other.test" },
		{ "the ticket is not for this user", MIKEY_ERR_AUTH_FAILURE,
		  .idr_r = "carol@other.test" },
		{ "IDRkms is not an identity of this KMS", MIKEY_ERR_INVALID_ID,
		  .idr_r = BOB_THERE, .idr_kms = OTHER_URL },
		{ "the time is outside the window", MIKEY_ERR_INVALID_TS,
		  .idr_r = BOB_THERE, .late = 3600 },
		{ "the time is outside the window", MIKEY_ERR_INVALID_TS,
		  .idr_r = BOB_THERE, .late = -3600 },
		{ "a type of timestamp that is not accepted",
		  MIKEY_ERR_INVALID_TS, .idr_r = BOB_THERE, .ts_type = MIKEY_TS_COUNTER },
		{ "between KMSs V is NULL", MIKEY_ERR_INVALID_MAC, .idr_r = BOB_THERE,
		  .v = MIKEY_AUTH_HMAC_SHA_256_256 },
		{ "the RAND is shorter than the keys", MIKEY_ERR_UNSPECIFIED,
		  .idr_r = BOB_THERE, .randr_len = 16 },
		{ "the ticket's MAC does not verify", MIKEY_ERR_AUTH_FAILURE,
		  .idr_r = BOB_THERE, .flip = 220 },
	};
	struct message msg;
	struct pair *p;
	u32 i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		p = pair_of(MIKEY_PROFILE_ID_IMMEDIATE, BOB_THERE);
		write_bent(p, &rows[i], &msg);
		assert_int_equal(ask(p, message_blob(&msg)), 0);
		if (p->i->answer.error_no != (int)rows[i].no ||
		    strcmp(p->i->answer.why, rows[i].why))
			fail_msg("row %u: %d %s", i, p->i->answer.error_no,
				 p->i->answer.why);
		/* HDR, T, ERR and no V: there is no key for one */
		assert_int_equal(p->i->answer.len, 10 + 6 + 4);
		part(p);
	}
}

/* A message is answered once; a REQUEST_INIT has no place here at all. */
static void replayed(void **state)
{
	struct pair *p = pair_of(MIKEY_PROFILE_ID_IMMEDIATE, BOB_THERE);
	struct bent good = { .idr_r = BOB_THERE };
	struct message msg;

	(void)state;
	write_bent(p, &good, &msg);
	ask(p, message_blob(&msg));
	assert_int_equal(p->i->answer.error_no, -1);
	ask(p, message_blob(&msg));
	assert_int_equal(p->i->answer.error_no, MIKEY_ERR_INVALID_TS);
	ask(p, message_blob(&p->asked));
	assert_int_equal(p->i->answer.error_no, MIKEY_ERR_INVALID_DT);
	part(p);
}

/* A ticket of a third KMS goes no further (one hop), nor does one of theirs. */
static void one_hop(void **state)
{
	struct pair *p = pair_of(MIKEY_PROFILE_ID_IMMEDIATE, BOB_THERE);
	static const char *const thirds[] = { THIRD };
	struct kms_peer third = issuer;
	const struct kms_peer *peers[] = { &third };
	struct bent bent = { .idr_r = BOB_THERE };
	struct message msg;
	void *at;

	(void)state;
	third.identities = thirds;
	p->i->policy.peers = peers;
	p->i->policy.num_peers = 1;
	/* IDRkms of the ticket, in its TP Data: "https://kms.example.test" */
	at = memmem(p->resolve.ticket, p->resolve.ticket_len, KMS_URL,
		    strlen(KMS_URL));
	assert_non_null(at);
	memcpy(at, THIRD, strlen(THIRD));
	write_bent(p, &bent, &msg);
	assert_int_equal(ask(p, message_blob(&msg)), 0);
	assert_int_equal(p->i->answer.error_no, MIKEY_ERR_AUTH_FAILURE);
	assert_null(p->i->answer.pending);
	part(p);
}

/* --- what KMS_R does not take from a peer --- */

struct lie {
	const char *why;
	u32 csb;			/* added */
	enum mikey_data_type type;
	s64 late;
	const char *idr_kms, *idr_r;
	u8 prf, ts_type, v, encr, randr_len, traffic, keys, key_len, spi_len;
};

static void write_lie(const struct kms_pending *pending, const struct lie *lie,
		      struct message *msg)
{
	struct mikey_ts t = ntp32(NOW + lie->late);
	u8 key[MIKEY_KEY_MAX] = { 7 }, spi[8] = { 0 }, plain[512];
	u32 len = lie->key_len ? lie->key_len : 32, i;
	struct mikey_builder b, k;

	if (lie->ts_type)
		t.type = lie->ts_type;
	mikey_build_begin(&k, plain, sizeof(plain));
	for (i = 0; i < (lie->keys ? lie->keys : 2); i++)
		mikey_put_key_data(&k, MIKEY_KEY_MPK, kms_blob(key, len),
				   kms_blob(spi, 8));
	mikey_put_key_data(&k, lie->traffic ? lie->traffic : MIKEY_KEY_GTGK,
			   kms_blob(key, 32),
			   kms_blob(spi, lie->spi_len ? lie->spi_len : 8));
	mikey_build_begin(&b, msg->buf, sizeof(msg->buf));
	mikey_put_hdr(&b, lie->type ? lie->type : MIKEY_DT_RESOLVE_RESP, false,
		      lie->prf ? 0 : 1, pending->csb_id + lie->csb);
	mikey_put_t(&b, &t);
	mikey_put_idr(&b, MIKEY_IDR_KMS, MIKEY_ID_URI,
		      str(lie->idr_kms ? lie->idr_kms : KMS_URL));
	mikey_put_kemac(&b, lie->encr, kms_blob(plain, mikey_build_end(&k)));
	mikey_put_idr(&b, MIKEY_IDR_R, MIKEY_ID_NAI,
		      str(lie->idr_r ? lie->idr_r : BOB_THERE));
	mikey_put_randr(&b, MIKEY_RANDR_KMS,
			kms_blob(key, lie->randr_len ? lie->randr_len : 32));
	mikey_put_v(&b, lie->v, lie->v ? 32 : 0);
	msg->len = mikey_build_end(&b);
}

static void lies(void **state)
{
	static const struct lie rows[] = {
		{ NULL },
		{ "the peer's answer is to something else (CSB ID)", .csb = 1 },
		{ "the peer's answer has another PRF", .prf = 1 },
		{ "the peer's answer is not a RESOLVE_RESP",
		  .type = MIKEY_DT_REQUEST_RESP },
		{ "the time of the peer's answer is outside the window",
		  .late = 600 },
		{ "the time of the peer's answer is outside the window",
		  .late = -600 },
		{ "the time of the peer's answer is not in UTC",
		  .ts_type = MIKEY_TS_NTP },
		{ "the peer's answer is another KMS's (IDRkms)",
		  .idr_kms = OTHER_URL },
		{ "the peer's answer is for another user (IDRr)",
		  .idr_r = "carol@other.test" },
		{ "V of the peer's answer is not NULL",
		  .v = MIKEY_AUTH_HMAC_SHA_256_256 },
		{ "the KEMAC of the peer's answer is not NULL",
		  .encr = MIKEY_ENCR_AES_CM_256 },
		{ "the peer's answer has no RANDRkms, or a short one",
		  .randr_len = 31 },
		{ "a key of the peer's answer is not of the profile's type",
		  .traffic = MIKEY_KEY_MPK },
		{ "the peer's answer does not carry the keys of the profile",
		  .keys = 1 },
		{ "the peer's answer does not carry the keys of the profile",
		  .keys = 3 },
		{ "a key of the peer's answer is not of the suite's length",
		  .key_len = 16 },
		{ "a key of the peer's answer has no SPI of 8 bytes",
		  .spi_len = 4 },
	};
	struct kms_pending *pending;
	struct message msg;
	struct pair *p;
	u32 i, at;
	int ret;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		p = pair_of(MIKEY_PROFILE_ID_IMMEDIATE, BOB_THERE);
		pending = wait_at(p);
		write_lie(pending, &rows[i], &msg);
		ret = kms_pending_finish(pending, msg.buf, msg.len);
		if (!rows[i].why) {
			assert_int_equal(ret, 0);
		} else if (ret != -EAGAIN ||
			   strcmp(p->r->answer.why, rows[i].why)) {
			fail_msg("row %u: %d %s", i, ret, p->r->answer.why);
		} else {
			/* nothing of it is left in what might be sent */
			for (at = 0; at < sizeof(p->r->answer.buf); at++)
				assert_int_equal(p->r->answer.buf[at], 0);
		}
		part(p);
	}
	/* cut off anywhere */
	p = pair_of(MIKEY_PROFILE_ID_IMMEDIATE, BOB_THERE);
	pending = wait_at(p);
	assert_int_equal(kms_pending_finish(pending, msg.buf, 0), -EAGAIN);
	part(p);
}

/* A refusal of the ticket is the user's to know; other Errors are between us. */
static void refusals_passed_on(void **state)
{
	static const struct {
		enum mikey_err_no no;
		int ret;
	} rows[] = {
		{ MIKEY_ERR_AUTH_FAILURE, 0 }, { MIKEY_ERR_INVALID_TICKET, 0 },
		{ MIKEY_ERR_INVALID_TPPAR, 0 }, { MIKEY_ERR_INVALID_TS, -EAGAIN },
		{ MIKEY_ERR_INVALID_ID, -EAGAIN }, { MIKEY_ERR_UNSPECIFIED, -EAGAIN },
	};
	struct kms_pending *pending;
	struct mikey_builder b;
	struct message msg;
	struct mikey_ts t;
	struct pair *p;
	u32 i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		p = pair_of(MIKEY_PROFILE_ID_IMMEDIATE, BOB_THERE);
		pending = wait_at(p);
		t = ntp32(NOW);
		mikey_build_begin(&b, msg.buf, sizeof(msg.buf));
		mikey_put_hdr(&b, MIKEY_DT_ERROR, false, 1, pending->csb_id);
		mikey_put_t(&b, &t);
		mikey_put_err(&b, rows[i].no);
		msg.len = mikey_build_end(&b);
		assert_int_equal(kms_pending_finish(pending, msg.buf, msg.len),
				 rows[i].ret);
		if (!rows[i].ret)
			assert_error(p->r, rows[i].no, true, p->resolve.psk,
				     &p->msg);
		part(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vector_issuer),
		cmocka_unit_test(vector_resolver),
		cmocka_unit_test(immediate),
		cmocka_unit_test(annex_i),
		cmocka_unit_test(minted),
		cmocka_unit_test(group),
		cmocka_unit_test(other_name),
		cmocka_unit_test(not_asked),
		cmocka_unit_test(stranger),
		cmocka_unit_test(refused_by_issuer),
		cmocka_unit_test(replayed),
		cmocka_unit_test(one_hop),
		cmocka_unit_test(lies),
		cmocka_unit_test(refusals_passed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
