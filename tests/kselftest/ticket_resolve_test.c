// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Family "mikey_ticket": what RESOLVE refuses without asking the KMS. Each row
 * bends one field of a good TRANSFER_INIT; MACs are right for what it became.
 */
#include <kselftest_harness.h>

#include <time.h>

#include "ticket/module.h"
#include "way.h"

FIXTURE(resolve)
{
	bool able;
	struct way way;
};

FIXTURE_VARIANT(resolve) { struct peer_kind kind; };

FIXTURE_VARIANT_ADD(resolve, immediate_256) { KIND(IMMEDIATE, 256) };
FIXTURE_VARIANT_ADD(resolve, immediate_ts_128) { KIND(IMMEDIATE, TS_128) };
FIXTURE_VARIANT_ADD(resolve, annex_i_128) { KIND(ANNEX_I, 128) };

FIXTURE_SETUP(resolve)
{
	int err = module_allow_suite(variant->kind.suite);

	self->able = !err;
	if (err == -ENOENT)
		return;
	ASSERT_EQ(0, err);
	term_session();
	ASSERT_EQ(0, way_open_kind(&self->way, variant->kind));
}

FIXTURE_TEARDOWN(resolve)
{
	if (!self->able)
		return;
	way_close(&self->way);
	module_allow_default();
}

static bool resolve_row(struct way *w, const struct way_row *row)
{
	way_plan(w);
	if (!way_row_fits(w, row))
		return true;
	way_bend(w, row);
	way_write(w);
	term_resolve(&w->bob, &w->transfer, &w->ex, &w->r);
	return way_refused(w, row);
}

static void no_initiator_data(struct way *w)
{
	static const u8 none[1];
	static const struct mikey_blob empty = { none, 0 };

	w->x.initiator_data = &empty;
}

/* --- the ticket's flags -------------------------------------------------- */

#define FLAG(set, clear, say) \
	{ "flags +" #set " -" #clear, NULL, set, clear, -EACCES, say, 0 }

/* RFC 6043 6.10, and what each profile makes of it. */
static const struct way_row flags[] = {
	/* NOT D implies L */
	FLAG(0, MIKEY_FLAG_D, "(D0) must have L1"),
	/* G implies F, NOT G implies H, NOT H implies G */
	FLAG(MIKEY_FLAG_G, 0, "(G1) needs a response"),
	FLAG(0, MIKEY_FLAG_H, "(G0) RANDRi must be used"),
	/* M implies F */
	FLAG(MIKEY_FLAG_M, 0, "(M1) need a response"),
	/* K implies D */
	FLAG(MIKEY_FLAG_K | MIKEY_FLAG_L, MIKEY_FLAG_D, "only a KMS"),
	/* I implies E */
	{ "flags -E", NULL, 0, MIKEY_FLAG_E, -EACCES, "(I1) needs",
	  MIKEY_PROFILE_IMMEDIATE },
	/* nothing is answered, no keys are brought along, no more is needed */
	FLAG(MIKEY_FLAG_F, 0, "flags"),
	FLAG(MIKEY_FLAG_F | MIKEY_FLAG_G, 0, "flags"),
	FLAG(MIKEY_FLAG_L, 0, "flags"),
	FLAG(MIKEY_FLAG_M | MIKEY_FLAG_F, 0, "flags"),
	FLAG(0, MIKEY_FLAG_N, "flags"),
	FLAG(0, MIKEY_FLAG_O, "flags"),
	{ "no flags", NULL, 0, 0xfff, -EACCES, "(D0) must have L1", 0 },
	FLAG(0xfff, 0, "flags"),
	/* I decides whether there is Initiator Data */
	{ "I0 with Vi and Vr", NULL, 0, MIKEY_FLAG_I, -EBADMSG,
	  "initiator data without key forking", MIKEY_PROFILE_IMMEDIATE },
	{ "I1 without", NULL, MIKEY_FLAG_I, 0, -EBADMSG,
	  "no initiator data", MIKEY_PROFILE_ANNEX_I },
};

/* Flags that are free: J and K; who made the ticket; for annex-i also E. */
static const u16 free_flags[] = {
	MIKEY_FLAG_J, MIKEY_FLAG_K, MIKEY_FLAG_D | MIKEY_FLAG_L,
	MIKEY_FLAG_J | MIKEY_FLAG_D | MIKEY_FLAG_L,
};

TEST_F(resolve, flags)
{
	u32 i;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	for (i = 0; i < ARRAY_SIZE(flags); i++)
		EXPECT_TRUE(resolve_row(&self->way, &flags[i]));
	for (i = 0; i < ARRAY_SIZE(free_flags); i++) {
		way_plan(&self->way);
		self->way.ticket.policy.head.flags ^= free_flags[i];
		way_write(&self->way);
		EXPECT_EQ(0, term_resolve(&self->way.bob, &self->way.transfer,
					  &self->way.ex, NULL));
	}
}

TEST_F(resolve, kept_or_not)
{
	struct way *w = &self->way;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	w->ticket.policy.head.flags &= ~MIKEY_FLAG_E;
	way_write(w);
	EXPECT_EQ(variant->kind.profile == MIKEY_PROFILE_ANNEX_I ? 0 : -EACCES,
		  term_resolve(&w->bob, &w->transfer, &w->ex, NULL));
}

/* --- who a message may be addressed to ----------------------------------- */

static int resolve_via(struct way *w, int attr, const char *uid)
{
	struct nl_msg *m;

	way_write(w);
	m = term_resolve_msg(&w->bob, &w->transfer);
	if (attr)
		nla_put(m, attr, strlen(uid), uid);
	nlc_free(&w->r);
	return nlc_call(&w->bob.nl, m, &w->r);
}

/* RFC 5365: IDRr may be the service, but the ticket is for members. */
TEST_F(resolve, list_service)
{
	static const char list[] = "list@example.test";
	struct way *w = &self->way;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	w->x.idr_r = peer_nai(list);
	EXPECT_EQ(-EKEYREJECTED, resolve_via(w, 0, NULL));
	EXPECT_NE(NULL, strstr(w->r.words, "addressed to somebody else"));
	EXPECT_EQ(-EKEYREJECTED, resolve_via(w, MIKEY_TICKET_A_LIST_SERVICE,
					     "other@example.test"));
	EXPECT_EQ(0, resolve_via(w, MIKEY_TICKET_A_LIST_SERVICE, list))
		TH_LOG("%s", w->r.words);
	/* only a service need not be named (TS 33.328 8.3.1.1.1) */
	EXPECT_EQ(-EKEYREJECTED, resolve_via(w, MIKEY_TICKET_A_GROUP, list));
	EXPECT_NE(NULL, strstr(w->r.words, "nobody whom its ticket names"));

	/* the service is nobody whom a ticket can be for */
	w->ticket.policy.responder[0] = peer_nai(list);
	EXPECT_EQ(-EACCES, resolve_via(w, MIKEY_TICKET_A_LIST_SERVICE, list));
	EXPECT_NE(NULL, strstr(w->r.words, "not for this user"));
	/* which a group is */
	EXPECT_EQ(0, resolve_via(w, MIKEY_TICKET_A_GROUP, list))
		TH_LOG("%s", w->r.words);
	/* a ticket for members and service (the immediate profile's way) */
	w->ticket.policy.responder[1] = peer_nai(BOB);
	w->ticket.policy.num_responders = 2;
	EXPECT_EQ(0, resolve_via(w, MIKEY_TICKET_A_LIST_SERVICE, list))
		TH_LOG("%s", w->r.words);
}

/* V's MAC, by which a message is told from another. */
TEST_F(resolve, mac)
{
	struct way *w = &self->way;
	struct nlattr *mac;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	ASSERT_EQ(0, resolve_via(w, 0, NULL));
	mac = w->r.attr[MIKEY_TICKET_A_MAC];
	ASSERT_NE(NULL, mac);
	EXPECT_EQ(w->ticket.suite->mac_len, nla_len(mac));
	EXPECT_EQ(0, memcmp(w->x.vmac, nla_data(mac), nla_len(mac)));
}

/* --- the ticket's other fields ------------------------------------------- */

BEND(other_type, w->ticket.policy.head.ticket_type = 3)
BEND(reserved_type, w->ticket.policy.head.ticket_type = 0)
BEND(other_subtype, w->ticket.policy.head.subtype = 0)
BEND(other_version, w->ticket.policy.head.version = 2)
BEND(other_prf, w->ticket.policy.head.prf ^= 1)
BEND(unknown_prf, w->ticket.policy.head.prf = 9)
BEND(no_kms, w->ticket.policy.head.idr_kms.present = false)

static void kms_not_a_uri(struct way *w)
{
	w->ticket.policy.head.idr_kms.type = MIKEY_ID_NAI;
}

BEND(no_initiator, w->ticket.policy.head.idr_i.present = false)

static void initiator_with_wildcard(struct way *w)
{
	w->ticket.policy.head.idr_i = peer_nai("al?ce@example.test");
	w->x.idr_i = w->ticket.policy.head.idr_i;
}

static void initiator_with_space(struct way *w)
{
	w->ticket.policy.head.idr_i = peer_nai("alice@example.test x");
	w->x.idr_i = w->ticket.policy.head.idr_i;
}

static void initiator_with_newline(struct way *w)
{
	w->ticket.policy.head.idr_i = peer_nai("alice@example.test\n");
	w->x.idr_i = w->ticket.policy.head.idr_i;
}

static void initiator_empty(struct way *w)
{
	w->ticket.policy.head.idr_i = peer_nai("");
	w->x.idr_i = w->ticket.policy.head.idr_i;
}

static const char *long_uid(u32 len)
{
	static char uid[400];

	memset(uid, 'a', len);
	memcpy(uid + len - 4, "@b.c", 5);
	return uid;
}

static void initiator_too_long(struct way *w)
{
	w->ticket.policy.head.idr_i = peer_nai(long_uid(256));
	w->x.idr_i = w->ticket.policy.head.idr_i;
}

BEND(no_start, w->ticket.policy.head.tr_s.present = false)
BEND(no_end, w->ticket.policy.head.tr_e.present = false)

static void end_before_start(struct way *w)
{
	w->ticket.policy.head.tr_e = w->ticket.policy.head.tr_s;
}

static void end_a_counter(struct way *w)
{
	w->ticket.policy.head.tr_e.type = MIKEY_TS_COUNTER;
}

static void ended(struct way *w)
{
	w->ticket.policy.head.tr_e = peer_time(time(NULL) - 1);
	w->x.t = peer_time(time(NULL) - 2);
}

static void not_begun(struct way *w)
{
	w->ticket.policy.head.tr_s = peer_time(time(NULL) + 120);
}

static void rekey(struct way *w, u8 type, u64 value)
{
	w->ticket.policy.head.tr_r = (struct mikey_ts){ true, type, value };
}

BEND(rekey_never, rekey(w, MIKEY_TS_NTP_UTC_32, 0))
BEND(rekey_utc, rekey(w, MIKEY_TS_NTP_UTC, 60ull << 32))
BEND(rekey_counter, rekey(w, MIKEY_TS_COUNTER, 60))

static void other_app(struct way *w)
{
	w->ticket.policy.app[0] = peer_bytes("SIP/CALL");
}

static void app_of_other_type(struct way *w)
{
	w->ticket.policy.app[0].type = MIKEY_ID_NAI;
}

BEND(no_responder, w->ticket.policy.num_responders = 0)

static void responder_too_long(struct way *w)
{
	w->ticket.policy.responder[1] = peer_nai(long_uid(256));
	w->ticket.policy.num_responders = 2;
}

static void responder_a_uri(struct way *w)
{
	w->ticket.policy.responder[0].type = MIKEY_ID_URI;
}

static void too_many_responders(struct way *w)
{
	u32 i;

	for (i = 0; i < MIKEY_TICKET_RESPONDERS_MAX + 1; i++)
		w->ticket.policy.responder[i] = peer_nai(BOB);
	w->ticket.policy.num_responders = i;
}

static void keys_in_policy(struct way *w)
{
	static const u8 wish[] = {
		0, MIKEY_KEY_GTGK << 4 | MIKEY_KV_NULL, 0, 2, 0, 0,
	};

	w->ticket.policy.head.kemac = (struct mikey_kemac){
		.present = true, .encr_data = { wish, sizeof(wish) },
	};
}

static const struct way_row tickets[] = {
	{ "ticket type", other_type, 0, 0, -EPROTONOSUPPORT, "ticket type", 0 },
	{ "ticket type 0", reserved_type, 0, 0, -EPROTONOSUPPORT,
	  "ticket type", 0 },
	{ "subtype", other_subtype, 0, 0, -EPROTONOSUPPORT, "ticket type", 0 },
	{ "version", other_version, 0, 0, -EPROTONOSUPPORT, "ticket type", 0 },
	{ "PRF of another suite", other_prf, 0, 0, -EPROTONOSUPPORT, "PRF", 0 },
	{ "PRF unknown", unknown_prf, 0, 0, -EPROTONOSUPPORT, "PRF", 0 },
	{ "no IDRkms", no_kms, 0, 0, -EACCES, "KMS", 0 },
	{ "IDRkms no URI", kms_not_a_uri, 0, 0, -EACCES, "KMS", 0 },
	{ "no IDRi", no_initiator, 0, 0, -EACCES, "initiator", 0 },
	{ "IDRi with ?", initiator_with_wildcard, 0, 0, -EACCES, "initiator", 0 },
	{ "IDRi with space", initiator_with_space, 0, 0, -EACCES, "initiator", 0 },
	{ "IDRi with newline", initiator_with_newline, 0, 0, -EACCES,
	  "initiator", 0 },
	{ "IDRi empty", initiator_empty, 0, 0, -EACCES, "initiator", 0 },
	{ "IDRi long", initiator_too_long, 0, 0, -EACCES, "initiator", 0 },
	{ "no TRs", no_start, 0, 0, -EACCES, "validity period", 0 },
	{ "no TRe", no_end, 0, 0, -EACCES, "validity period", 0 },
	{ "TRe = TRs", end_before_start, 0, 0, -EACCES, "validity period", 0 },
	{ "TRe a counter", end_a_counter, 0, 0, -EACCES, "validity period", 0 },
	{ "TRe past", ended, 0, 0, -EACCES, "validity period is over", 0 },
	{ "TRs to come", not_begun, 0, 0, -EACCES, "not valid yet", 0 },
	/* 6.10: TRr is NTP-UTC-32 */
	{ "TRr 0", rekey_never, 0, 0, -EACCES, "rekeying interval", 0 },
	{ "TRr in NTP-UTC", rekey_utc, 0, 0, -EACCES, "rekeying interval", 0 },
	{ "TRr a counter", rekey_counter, 0, 0, -EACCES, "rekeying interval", 0 },
	{ "IDRapp", other_app, 0, 0, -EACCES, "PSK/MIME", 0 },
	{ "IDRapp type", app_of_other_type, 0, 0, -EACCES, "PSK/MIME", 0 },
	{ "no IDRr", no_responder, 0, 0, -EBADMSG, "responder", 0 },
	{ "IDRr long", responder_too_long, 0, 0, -EACCES, "responder", 0 },
	{ "IDRr a URI", responder_a_uri, 0, 0, -EACCES, "responder", 0 },
	{ "many IDRr", too_many_responders, 0, 0, -EACCES, "responder", 0 },
	{ "KEMAC in policy", keys_in_policy, 0, 0, -EACCES, "KEMAC", 0 },
};

TEST_F(resolve, ticket)
{
	u32 i;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	for (i = 0; i < ARRAY_SIZE(tickets); i++)
		EXPECT_TRUE(resolve_row(&self->way, &tickets[i]));
	/* the longest names, no IDRapp at all, times with fractions */
	way_plan(&self->way);
	self->way.ticket.policy.head.idr_i = peer_nai(long_uid(255));
	self->way.x.idr_i = self->way.ticket.policy.head.idr_i;
	self->way.ticket.policy.num_apps = 0;
	self->way.ticket.policy.head.tr_e.type = MIKEY_TS_NTP_UTC;
	way_write(&self->way);
	EXPECT_LT(0, term_admit(&self->way.bob, &self->way.ticket, &self->way.transfer));
}

/* --- TRANSFER_INIT ------------------------------------------------------- */

BEND(hdr_other_prf, w->x.prf ^= 1)

static void v_other_alg(struct way *w)
{
	w->x.auth_alg = MIKEY_AUTH_HMAC_SHA_1_160 +
			MIKEY_AUTH_HMAC_SHA_256_256 - w->x.auth_alg;
}

BEND(v_null, w->x.auth_alg = MIKEY_AUTH_NULL)
BEND(prot_type, w->x.prot_type = 241)
BEND(no_spi, w->x.spi.len = 0)

static void long_spi(struct way *w)
{
	static const u8 spi[9];

	w->x.spi = (struct mikey_blob){ spi, sizeof(spi) };
}

BEND(addressed_to_carol, w->x.idr_r = peer_nai(CAROL))

static void ticket_for_carol(struct way *w)
{
	w->ticket.policy.responder[0] = peer_nai(CAROL);
}

BEND(addressed_by_uri, w->x.idr_r.type = MIKEY_ID_URI)
BEND(no_addressee, w->x.idr_r.present = false)
BEND(no_sender, w->x.idr_i.present = false)
BEND(sender_carol, w->x.idr_i = peer_nai(CAROL))
BEND(sender_by_uri, w->x.idr_i.type = MIKEY_ID_URI)

static void with_keys(struct way *w)
{
	static const u8 any[8];

	w->x.kemac = (struct mikey_kemac){
		.present = true, .encr_alg = MIKEY_ENCR_AES_CM_256,
		.encr_data = { any, sizeof(any) },
	};
}

BEND(short_rand, w->x.randr_i_len = w->ticket.suite->rand_len - 1)
BEND(no_rand, w->x.randr_i_len = 0)

BEND(t_future, w->x.t = peer_time(time(NULL) + 90))

static void t_before_start(struct way *w)
{
	w->x.t = peer_time(time(NULL) - 3700);
}

static void t_after_end(struct way *w)
{
	w->ticket.policy.head.tr_e = peer_time(time(NULL) + 10);
	w->x.t = peer_time(time(NULL) + 20);
}

static void t_counter(struct way *w)
{
	w->x.t = (struct mikey_ts){ true, MIKEY_TS_COUNTER, 1 };
}

BEND(t_local_time, w->x.t.type = MIKEY_TS_NTP)

static void garbage_initiator_data(struct way *w)
{
	static const u8 bytes[] = { MIKEY_PL_V, MIKEY_PL_LAST, 0, 0 };
	static const struct mikey_blob garbage = { bytes, sizeof(bytes) };

	w->x.initiator_data = &garbage;
}

/* Vi and Vr that Alice made, for another of her messages. */
static void data_of_another(struct way *w)
{
	static struct mikey_blob data;
	static struct peer_msg other;

	peer_ticket_write(&w->ticket);
	peer_transfer_write(&w->x, &other);
	data = (struct mikey_blob){ other.p + other.cut_at + 2,
				    other.cut_len - 2 };
	w->x.initiator_data = &data;
	w->x.csb_id++;
}

BEND(wrong_vi, w->x.wrong_vi = true)
BEND(vi_null, w->x.vi_alg = MIKEY_AUTH_NULL)
BEND(vr_null, w->x.vr_alg = MIKEY_AUTH_NULL)

static void two_sessions(struct peer_msg *m, void *arg)
{
	u8 second[] = { 2, 242, 0, 0, 0, 1, 0xaa };

	(void)arg;
	m->p[8] = 2;
	peer_splice(m, 10, 0, second, sizeof(second));
}

static void no_session(struct peer_msg *m, void *arg)
{
	(void)arg;
	m->p[8] = 0;
	peer_splice(m, 10, 14, NULL, 0);
}

static void empty_map(struct peer_msg *m, void *arg)
{
	no_session(m, arg);
	m->p[9] = MIKEY_MAP_EMPTY;
}

static void srtp_map(struct peer_msg *m, void *arg)
{
	(void)arg;
	m->p[9] = MIKEY_MAP_SRTP_ID;
}

static void s_bit(struct peer_msg *m, void *arg)
{
	(void)arg;
	m->p[12] |= 0x80;
}

static void one_policy(struct peer_msg *m, void *arg)
{
	u8 number = 0;

	(void)arg;
	m->p[12] |= 1;
	peer_splice(m, 13, 0, &number, 1);
}

static void session_data(struct peer_msg *m, void *arg)
{
	u8 data = 0xaa;

	(void)arg;
	m->p[14] = 1;
	peer_splice(m, 15, 0, &data, 1);
}

static void other_data_type(struct peer_msg *m, void *arg)
{
	(void)arg;
	m->p[1] = MIKEY_DT_TRANSFER_RESP;
}

static void other_mikey_version(struct peer_msg *m, void *arg)
{
	(void)arg;
	m->p[0] = 2;
}

BEND(x_two_sessions, w->x.bend = two_sessions)
BEND(x_no_session, w->x.bend = no_session)
BEND(x_empty_map, w->x.bend = empty_map)
BEND(x_srtp_map, w->x.bend = srtp_map)
BEND(x_s_bit, w->x.bend = s_bit)
BEND(x_one_policy, w->x.bend = one_policy)
BEND(x_session_data, w->x.bend = session_data)
BEND(x_other_data_type, w->x.bend = other_data_type)
BEND(x_other_mikey_version, w->x.bend = other_mikey_version)

static const struct way_row transfers[] = {
	{ "PRF", hdr_other_prf, 0, 0, -EPROTONOSUPPORT, "suite", 0 },
	{ "V's algorithm", v_other_alg, 0, 0, -EPROTONOSUPPORT, "suite", 0 },
	{ "V NULL", v_null, 0, 0, -EPROTONOSUPPORT, "suite", 0 },
	{ "Prot type", prot_type, 0, 0, -EPROTONOSUPPORT, "PSK/MIME", 0 },
	{ "no SPI", no_spi, 0, 0, -EBADMSG, "SPI", 0 },
	{ "SPI of 9 bytes", long_spi, 0, 0, -EBADMSG, "SPI", 0 },
	{ "IDRr Carol", addressed_to_carol, 0, 0, -EKEYREJECTED,
	  "addressed to somebody else", 0 },
	{ "ticket for Carol", ticket_for_carol, 0, 0, -EACCES,
	  "not for this user", 0 },
	{ "IDRr a URI", addressed_by_uri, 0, 0, -EBADMSG, "name", 0 },
	{ "no IDRr", no_addressee, 0, 0, -EBADMSG, "name", 0 },
	{ "no IDRi", no_sender, 0, 0, -EBADMSG, "name", 0 },
	{ "IDRi Carol", sender_carol, 0, 0, -EKEYREJECTED,
	  "ticket's initiator", 0 },
	{ "IDRi a URI", sender_by_uri, 0, 0, -EBADMSG, "name", 0 },
	{ "KEMAC", with_keys, 0, 0, -EACCES, "keys of its own", 0 },
	{ "RANDRi a byte short", short_rand, 0, 0, -EBADMSG, "random", 0 },
	{ "no RANDRi", no_rand, 0, 0, -EBADMSG, "random", 0 },
	{ "T in the future", t_future, 0, 0, -EKEYREJECTED, "future", 0 },
	{ "T before TRs", t_before_start, 0, 0, -EKEYREJECTED,
	  "validity period", 0 },
	{ "T after TRe", t_after_end, 0, 0, -EKEYREJECTED, "validity period", 0 },
	{ "T a counter", t_counter, 0, 0, -EKEYREJECTED, "UTC", 0 },
	{ "T not UTC", t_local_time, 0, 0, -EKEYREJECTED, "UTC", 0 },
	{ "no Initiator Data", no_initiator_data, 0, 0, -EBADMSG,
	  "no initiator data",
	  MIKEY_PROFILE_IMMEDIATE },
	{ "Initiator Data of one V", garbage_initiator_data, 0, 0, -EBADMSG,
	  "",
	  MIKEY_PROFILE_IMMEDIATE },
	{ "Vi not V", wrong_vi, 0, 0, -EKEYREJECTED, "not for this message",
	  MIKEY_PROFILE_IMMEDIATE },
	{ "Vi NULL", vi_null, 0, 0, -EKEYREJECTED, "not for this message",
	  MIKEY_PROFILE_IMMEDIATE },
	{ "Vr NULL", vr_null, 0, 0, -EKEYREJECTED, "not for this message",
	  MIKEY_PROFILE_IMMEDIATE },
	{ "Initiator Data of another message", data_of_another, 0, 0,
	  -EKEYREJECTED, "not for this message", MIKEY_PROFILE_IMMEDIATE },
	/* outside V, so where nothing is forked nobody would prove it */
	{ "Initiator Data with I0", garbage_initiator_data, 0, 0, -EBADMSG,
	  "initiator data without key forking", MIKEY_PROFILE_ANNEX_I },
	{ "two crypto sessions", x_two_sessions, 0, 0, -EPROTONOSUPPORT,
	  "one crypto session", 0 },
	{ "no crypto session", x_no_session, 0, 0, -EPROTONOSUPPORT,
	  "one crypto session", 0 },
	{ "Empty map", x_empty_map, 0, 0, -EPROTONOSUPPORT, "map", 0 },
	{ "SRTP-ID map", x_srtp_map, 0, 0, -EPROTONOSUPPORT, "map", 0 },
	{ "S1", x_s_bit, 0, 0, -EPROTONOSUPPORT, "crypto session", 0 },
	{ "#P 1", x_one_policy, 0, 0, -EPROTONOSUPPORT, "crypto session", 0 },
	{ "session data", x_session_data, 0, 0, -EPROTONOSUPPORT,
	  "crypto session", 0 },
	{ "TRANSFER_RESP", x_other_data_type, 0, 0, -EPROTONOSUPPORT,
	  "data type", 0 },
	{ "MIKEY version 2", x_other_mikey_version, 0, 0, -EPROTONOSUPPORT,
	  "version", 0 },
};

TEST_F(resolve, transfer)
{
	u32 i;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	for (i = 0; i < ARRAY_SIZE(transfers); i++)
		EXPECT_TRUE(resolve_row(&self->way, &transfers[i]));
	/* a clock a little ahead, V1 (4.2.2.1), a long RANDRi: all fine */
	way_plan(&self->way);
	self->way.x.t = peer_time(time(NULL) + 30);
	self->way.x.v = true;
	self->way.x.randr_i_len = 255;
	way_write(&self->way);
	EXPECT_LT(0, term_admit(&self->way.bob, &self->way.ticket, &self->way.transfer));
}

/* Both kinds of NTP in UTC, whole or with a fraction. */
TEST_F(resolve, t_with_a_fraction)
{
	struct way *w = &self->way;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	w->x.t.type = MIKEY_TS_NTP_UTC;
	w->x.t.value |= 0x80000000;
	w->ticket.policy.head.tr_s.type = MIKEY_TS_NTP_UTC;
	way_write(w);
	EXPECT_LT(0, term_admit(&w->bob, &w->ticket, &w->transfer));
}

/* The bounds are inside. */
TEST_F(resolve, first_second_of_the_ticket)
{
	struct way *w = &self->way;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	w->x.t = w->ticket.policy.head.tr_s;
	way_write(w);
	EXPECT_EQ(0, term_resolve(&w->bob, &w->transfer, &w->ex, NULL));
}

/* Nothing of that has made an exchange. */
TEST_F(resolve, refusals_leave_nothing)
{
	u64 pending = term_stat(&self->way.bob, MIKEY_TICKET_S_EXCHANGES);
	u64 bad = term_stat(&self->way.bob, MIKEY_TICKET_S_BAD_POLICY);
	u32 i;

	if (!self->able)
		SKIP(return, "MIKEY_MODULES is not set");
	for (i = 0; i < ARRAY_SIZE(tickets); i++)
		resolve_row(&self->way, &tickets[i]);
	EXPECT_EQ(pending, term_stat(&self->way.bob, MIKEY_TICKET_S_EXCHANGES));
	/* one of them is no policy, but a message that cannot be read */
	EXPECT_EQ(bad + ARRAY_SIZE(tickets) - 1,
		  term_stat(&self->way.bob, MIKEY_TICKET_S_BAD_POLICY));
}

TEST_HARNESS_MAIN
