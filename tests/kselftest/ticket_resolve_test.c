// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Family "mikey_ticket": what RESOLVE refuses without asking the KMS. Each row
 * bends one field of a good TRANSFER_INIT; MACs are right for what it became.
 */
#include <kselftest_harness.h>

#include <time.h>

#include "way.h"

FIXTURE(resolve)
{
	struct way way;
};

FIXTURE_SETUP(resolve)
{
	term_session();
	ASSERT_EQ(0, way_open(&self->way));
}

FIXTURE_TEARDOWN(resolve)
{
	way_close(&self->way);
}

static bool resolve_row(struct way *w, const struct way_row *row)
{
	way_plan(w);
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
	{ "flags +" #set " -" #clear, NULL, set, clear, -EACCES, say }

static const struct way_row flags[] = {
	FLAG(0, MIKEY_FLAG_D, "flags"),
	FLAG(0, MIKEY_FLAG_E, "flags"),
	FLAG(MIKEY_FLAG_F, 0, "flags"),
	FLAG(MIKEY_FLAG_G, 0, "flags"),
	FLAG(MIKEY_FLAG_F | MIKEY_FLAG_G, 0, "flags"),
	FLAG(0, MIKEY_FLAG_H, "flags"),
	FLAG(MIKEY_FLAG_L, 0, "flags"),
	FLAG(MIKEY_FLAG_M, 0, "flags"),
	FLAG(MIKEY_FLAG_M | MIKEY_FLAG_F, 0, "flags"),
	FLAG(0, MIKEY_FLAG_N, "flags"),
	FLAG(0, MIKEY_FLAG_O, "flags"),
	{ "no flags", no_initiator_data, 0, 0xfff, -EACCES, "flags" },
	FLAG(0xfff, 0, "flags"),
};

TEST_F(resolve, flags)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(flags); i++)
		EXPECT_TRUE(resolve_row(&self->way, &flags[i]));
	/* J and K are free */
	way_plan(&self->way);
	self->way.ticket.policy.head.flags ^= MIKEY_FLAG_J | MIKEY_FLAG_K;
	way_write(&self->way);
	EXPECT_EQ(0, term_resolve(&self->way.bob, &self->way.transfer, &self->way.ex,
				  NULL));
}

/* --- the ticket's other fields ------------------------------------------- */

BEND(other_type, w->ticket.policy.head.ticket_type = 3)
BEND(reserved_type, w->ticket.policy.head.ticket_type = 0)
BEND(other_subtype, w->ticket.policy.head.subtype = 0)
BEND(other_version, w->ticket.policy.head.version = 2)
BEND(other_prf, w->ticket.policy.head.prf = MIKEY_PRF_MIKEY_1)
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
	{ "ticket type", other_type, 0, 0, -EPROTONOSUPPORT, "ticket type" },
	{ "ticket type 0", reserved_type, 0, 0, -EPROTONOSUPPORT,
	  "ticket type" },
	{ "subtype", other_subtype, 0, 0, -EPROTONOSUPPORT, "ticket type" },
	{ "version", other_version, 0, 0, -EPROTONOSUPPORT, "ticket type" },
	{ "PRF of another suite", other_prf, 0, 0, -EPROTONOSUPPORT, "PRF" },
	{ "PRF unknown", unknown_prf, 0, 0, -EPROTONOSUPPORT, "PRF" },
	{ "no IDRkms", no_kms, 0, 0, -EACCES, "KMS" },
	{ "IDRkms no URI", kms_not_a_uri, 0, 0, -EACCES, "KMS" },
	{ "no IDRi", no_initiator, 0, 0, -EACCES, "initiator" },
	{ "IDRi with ?", initiator_with_wildcard, 0, 0, -EACCES, "initiator" },
	{ "IDRi with space", initiator_with_space, 0, 0, -EACCES, "initiator" },
	{ "IDRi with newline", initiator_with_newline, 0, 0, -EACCES,
	  "initiator" },
	{ "IDRi empty", initiator_empty, 0, 0, -EACCES, "initiator" },
	{ "IDRi long", initiator_too_long, 0, 0, -EACCES, "initiator" },
	{ "no TRs", no_start, 0, 0, -EACCES, "validity period" },
	{ "no TRe", no_end, 0, 0, -EACCES, "validity period" },
	{ "TRe = TRs", end_before_start, 0, 0, -EACCES, "validity period" },
	{ "TRe a counter", end_a_counter, 0, 0, -EACCES, "validity period" },
	{ "TRe past", ended, 0, 0, -EACCES, "validity period is over" },
	{ "TRs to come", not_begun, 0, 0, -EACCES, "not valid yet" },
	{ "IDRapp", other_app, 0, 0, -EACCES, "PSK/MIME" },
	{ "IDRapp type", app_of_other_type, 0, 0, -EACCES, "PSK/MIME" },
	{ "no IDRr", no_responder, 0, 0, -EBADMSG, "responder" },
	{ "IDRr long", responder_too_long, 0, 0, -EACCES, "responder" },
	{ "IDRr a URI", responder_a_uri, 0, 0, -EACCES, "responder" },
	{ "many IDRr", too_many_responders, 0, 0, -EACCES, "responder" },
	{ "KEMAC in policy", keys_in_policy, 0, 0, -EACCES, "KEMAC" },
};

TEST_F(resolve, ticket)
{
	u32 i;

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

BEND(hdr_other_prf, w->x.prf = MIKEY_PRF_MIKEY_1)

static void v_other_alg(struct way *w)
{
	w->x.auth_alg = MIKEY_AUTH_HMAC_SHA_1_160;
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

BEND(short_rand, w->x.randr_i_len = 31)
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
	{ "PRF", hdr_other_prf, 0, 0, -EPROTONOSUPPORT, "suite" },
	{ "V's algorithm", v_other_alg, 0, 0, -EPROTONOSUPPORT, "suite" },
	{ "V NULL", v_null, 0, 0, -EPROTONOSUPPORT, "suite" },
	{ "Prot type", prot_type, 0, 0, -EPROTONOSUPPORT, "PSK/MIME" },
	{ "no SPI", no_spi, 0, 0, -EBADMSG, "SPI" },
	{ "SPI of 9 bytes", long_spi, 0, 0, -EBADMSG, "SPI" },
	{ "IDRr Carol", addressed_to_carol, 0, 0, -EKEYREJECTED,
	  "addressed to somebody else" },
	{ "ticket for Carol", ticket_for_carol, 0, 0, -EACCES,
	  "not for this user" },
	{ "IDRr a URI", addressed_by_uri, 0, 0, -EBADMSG, "name" },
	{ "no IDRr", no_addressee, 0, 0, -EBADMSG, "name" },
	{ "no IDRi", no_sender, 0, 0, -EBADMSG, "name" },
	{ "IDRi Carol", sender_carol, 0, 0, -EKEYREJECTED,
	  "ticket's initiator" },
	{ "IDRi a URI", sender_by_uri, 0, 0, -EBADMSG, "name" },
	{ "KEMAC", with_keys, 0, 0, -EACCES, "keys of its own" },
	{ "RANDRi of 31 bytes", short_rand, 0, 0, -EBADMSG, "random" },
	{ "no RANDRi", no_rand, 0, 0, -EBADMSG, "random" },
	{ "T in the future", t_future, 0, 0, -EKEYREJECTED, "future" },
	{ "T before TRs", t_before_start, 0, 0, -EKEYREJECTED,
	  "validity period" },
	{ "T after TRe", t_after_end, 0, 0, -EKEYREJECTED, "validity period" },
	{ "T a counter", t_counter, 0, 0, -EKEYREJECTED, "UTC" },
	{ "T not UTC", t_local_time, 0, 0, -EKEYREJECTED, "UTC" },
	{ "no Initiator Data", no_initiator_data, 0, 0, -EBADMSG,
	  "no initiator data" },
	{ "Initiator Data of one V", garbage_initiator_data, 0, 0, -EBADMSG,
	  "" },
	{ "Vi not V", wrong_vi, 0, 0, -EKEYREJECTED, "not for this message" },
	{ "Vi NULL", vi_null, 0, 0, -EKEYREJECTED, "not for this message" },
	{ "Vr NULL", vr_null, 0, 0, -EKEYREJECTED, "not for this message" },
	{ "two crypto sessions", x_two_sessions, 0, 0, -EPROTONOSUPPORT,
	  "one crypto session" },
	{ "no crypto session", x_no_session, 0, 0, -EPROTONOSUPPORT,
	  "one crypto session" },
	{ "Empty map", x_empty_map, 0, 0, -EPROTONOSUPPORT, "map" },
	{ "SRTP-ID map", x_srtp_map, 0, 0, -EPROTONOSUPPORT, "map" },
	{ "S1", x_s_bit, 0, 0, -EPROTONOSUPPORT, "crypto session" },
	{ "#P 1", x_one_policy, 0, 0, -EPROTONOSUPPORT, "crypto session" },
	{ "session data", x_session_data, 0, 0, -EPROTONOSUPPORT,
	  "crypto session" },
	{ "TRANSFER_RESP", x_other_data_type, 0, 0, -EPROTONOSUPPORT,
	  "data type" },
	{ "MIKEY version 2", x_other_mikey_version, 0, 0, -EPROTONOSUPPORT,
	  "version" },
};

TEST_F(resolve, transfer)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(transfers); i++)
		EXPECT_TRUE(resolve_row(&self->way, &transfers[i]));
	/* a clock a little ahead, V1, a long RANDRi: all fine */
	way_plan(&self->way);
	self->way.x.t = peer_time(time(NULL) + 30);
	self->way.x.v = true;
	self->way.x.randr_i_len = 255;
	way_write(&self->way);
	EXPECT_LT(0, term_admit(&self->way.bob, &self->way.ticket, &self->way.transfer));
}

/* The bounds are inside. */
TEST_F(resolve, first_second_of_the_ticket)
{
	struct way *w = &self->way;

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

	for (i = 0; i < ARRAY_SIZE(flags); i++)
		resolve_row(&self->way, &flags[i]);
	EXPECT_EQ(pending, term_stat(&self->way.bob, MIKEY_TICKET_S_EXCHANGES));
	EXPECT_EQ(bad + ARRAY_SIZE(flags),
		  term_stat(&self->way.bob, MIKEY_TICKET_S_BAD_POLICY));
}

TEST_HARNESS_MAIN
