// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Family "mikey_ticket": what ADMIT refuses: TRANSFER_INITs in which only keys
 * tell what is wrong, and answers that no KMS should give although their MAC is
 * right. Each row bends one field of a good one.
 */
#include <kselftest_harness.h>

#include "way.h"

FIXTURE(admit)
{
	struct way way;
};

FIXTURE_SETUP(admit)
{
	term_session();
	ASSERT_EQ(0, way_open(&self->way));
}

FIXTURE_TEARDOWN(admit)
{
	way_close(&self->way);
}

/* --- a wrong message behind the KMS's back ------------------------------- */

BEND(wrong_v, w->x.wrong_v = true)

BEND(other_mpk, w->x.mpk_i[0] ^= 1)

static void other_spi(struct way *w)
{
	static const u8 spi[8] = { 1 };

	w->x.spi = (struct mikey_blob){ spi, sizeof(spi) };
}

static const struct way_row unmasked[] = {
	{ "V and Vi wrong alike", wrong_v, 0, 0, -EKEYREJECTED,
	  "MAC does not verify" },
	{ "V with another key", other_mpk, 0, 0, -EKEYREJECTED,
	  "MAC does not verify" },
	{ "SPI of no key", other_spi, 0, 0, -EKEYREJECTED, "SPI" },
};

TEST_F(admit, what_only_keys_tell)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(unmasked); i++) {
		way_plan(&self->way);
		unmasked[i].bend(&self->way);
		ASSERT_EQ(0, way_ask(&self->way));
		way_answer(&self->way);
		EXPECT_TRUE(way_refused(&self->way, &unmasked[i]));
	}
	EXPECT_EQ(self->way.tickets, term_stat(&self->way.bob, MIKEY_TICKET_S_TICKETS));
}

/* --- answers that a KMS must not give ------------------------------------ */

BEND(other_kms, w->a.idr_kms = peer_uri("https://kms.test"))

BEND(csb_id, w->a.csb_id ^= 1)
BEND(answer_prf, w->a.prf = MIKEY_PRF_MIKEY_1)
BEND(answer_alg, w->a.auth_alg = MIKEY_AUTH_HMAC_SHA_1_160)
BEND(answer_unsigned, w->a.auth_alg = MIKEY_AUTH_NULL)
BEND(answer_type, w->a.type = MIKEY_DT_TRANSFER_INIT)

static void answer_of_request(struct way *w)
{
	w->a.type = MIKEY_DT_REQUEST_RESP;
	w->a.ticket = &w->ticket;
	w->a.idr_r.present = false;
	w->a.randr_kms_len = 0;
}

BEND(no_v, w->a.mac = false)
BEND(no_kemac, w->a.kemac = false)
BEND(kemac_null, w->a.encr_alg = MIKEY_ENCR_NULL)
BEND(kemac_128, w->a.encr_alg = MIKEY_ENCR_AES_CM_128)
BEND(kemac_kw, w->a.encr_alg = MIKEY_ENCR_AES_KW_128)
BEND(no_idr_r, w->a.idr_r.present = false)
BEND(idr_r_uri, w->a.idr_r.type = MIKEY_ID_URI)
BEND(no_randr_kms, w->a.randr_kms_len = 0)
BEND(short_randr_kms, w->a.randr_kms_len = 31)

static void answer_t_counter(struct way *w)
{
	w->a.t = (struct mikey_ts){ true, MIKEY_TS_COUNTER, 1 };
}

BEND(other_request, w->a.behind[w->a.behind_len - 1] ^= 1)

BEND(keys_request, w->a.mk = w->a.mk_initial)

static void one_mpk(struct way *w)
{
	w->a.keys[1] = w->a.keys[2];
	w->a.num_keys = 2;
	w->a.fork_from = NULL;
}

static void three_mpks(struct way *w)
{
	w->a.keys[3] = w->a.keys[2];
	w->a.keys[2] = w->a.keys[1];
	w->a.num_keys = 4;
}

BEND(no_traffic_key, w->a.num_keys = 2)
BEND(no_keys, w->a.num_keys = 0; w->a.fork_from = NULL)

static void two_traffic_keys(struct way *w)
{
	w->a.keys[3] = w->a.keys[2];
	w->a.num_keys = 4;
}

static void traffic_first(struct way *w)
{
	struct peer_key k = w->a.keys[0];

	w->a.keys[0] = w->a.keys[2];
	w->a.keys[2] = k;
}

BEND(tgk, w->a.keys[2].type = MIKEY_KEY_TGK)
BEND(tek, w->a.keys[2].type = MIKEY_KEY_TEK)
BEND(gtgk_salt, w->a.keys[2].type = MIKEY_KEY_GTGK_SALT)
BEND(short_traffic, w->a.keys[2].key_len = 16)
BEND(empty_traffic, w->a.keys[2].key_len = 0)
BEND(long_traffic, w->a.keys[2].key_len = 33)
BEND(short_mpk, w->a.keys[0].key_len = 31)
BEND(no_key_spi, w->a.keys[2].spi_len = 0)
BEND(long_key_spi, w->a.keys[2].spi_len = 9)
BEND(longest_key_spi, w->a.keys[2].spi_len = 255)

/* KV of the last key NULL instead of SPI */
static void drop_spi(struct peer_msg *plain, void *arg)
{
	u32 last = plain->len - (4 + 32 + 1 + 8);

	(void)arg;
	plain->p[last + 1] &= 0xf0;
	plain->len -= 9;
}

BEND(kv_null, w->a.bend_plain = drop_spi)

static void cut_plain(struct peer_msg *plain, void *arg)
{
	(void)arg;
	plain->len--;
}

BEND(plain_cut, w->a.bend_plain = cut_plain)

static void add_plain(struct peer_msg *plain, void *arg)
{
	(void)arg;
	peer_splice(plain, plain->len, 0, "", 1);
}

BEND(plain_long, w->a.bend_plain = add_plain)

static void huge_plain(struct peer_msg *plain, void *arg)
{
	static const u8 zeros[2000];

	(void)arg;
	peer_splice(plain, plain->len, 0, zeros, sizeof(zeros));
}

BEND(plain_huge, w->a.bend_plain = huge_plain)

static void odd_key_data(struct peer_msg *plain, void *arg)
{
	(void)arg;
	plain->p[0] = 5;
}

BEND(plain_chain, w->a.bend_plain = odd_key_data)

static const struct way_row answers[] = {
	{ "other KMS", other_kms, 0, 0, -EKEYREJECTED, "another KMS" },
	{ "CSB ID", csb_id, 0, 0, -EKEYREJECTED, "answers another" },
	{ "PRF", answer_prf, 0, 0, -EKEYREJECTED, "answers another" },
	{ "MAC of another suite", answer_alg, 0, 0, -EKEYREJECTED, "MAC" },
	{ "MAC NULL", answer_unsigned, 0, 0, -EKEYREJECTED, "MAC" },
	{ "TRANSFER_INIT", answer_type, 0, 0, -EPROTONOSUPPORT, "map" },
	{ "REQUEST_RESP", answer_of_request, 0, 0, -EBADMSG, "not an answer" },
	{ "no V", no_v, 0, 0, -EBADMSG, "verification payload" },
	{ "no KEMAC", no_kemac, 0, 0, -EBADMSG, "KEMAC" },
	{ "KEMAC NULL", kemac_null, 0, 0, -EBADMSG, "KEMAC" },
	{ "KEMAC AES-CM-128", kemac_128, 0, 0, -EBADMSG, "KEMAC" },
	{ "KEMAC AES-KW", kemac_kw, 0, 0, -EBADMSG, "KEMAC" },
	{ "no IDRr", no_idr_r, 0, 0, -EBADMSG, "name the responder" },
	{ "IDRr a URI", idr_r_uri, 0, 0, -EBADMSG, "name the responder" },
	{ "no RANDRkms", no_randr_kms, 0, 0, -EBADMSG, "RANDRkms" },
	{ "RANDRkms of 31 bytes", short_randr_kms, 0, 0, -EBADMSG, "RANDRkms" },
	{ "T a counter", answer_t_counter, 0, 0, -EBADMSG, "UTC" },
	{ "of another RESOLVE_INIT", other_request, 0, 0, -EKEYREJECTED,
	  "MAC does not verify" },
	{ "keys of the RESOLVE_INIT", keys_request, 0, 0, -EKEYREJECTED,
	  "MAC does not verify" },
	{ "one MPK", one_mpk, 0, 0, -EBADMSG, "keys of this profile" },
	{ "three MPKs", three_mpks, 0, 0, -EBADMSG, "keys of this profile" },
	{ "no traffic key", no_traffic_key, 0, 0, -EBADMSG,
	  "keys of this profile" },
	{ "no keys", no_keys, 0, 0, -EBADMSG, "" },
	{ "two traffic keys", two_traffic_keys, 0, 0, -EBADMSG,
	  "keys of this profile" },
	{ "traffic key first", traffic_first, 0, 0, -EBADMSG, "type" },
	{ "TGK", tgk, 0, 0, -EBADMSG, "type" },
	{ "TEK", tek, 0, 0, -EBADMSG, "type" },
	{ "GTGK with salt", gtgk_salt, 0, 0, -EBADMSG, "" },
	{ "traffic key of 16 bytes", short_traffic, 0, 0, -EBADMSG, "length" },
	{ "traffic key of 0 bytes", empty_traffic, 0, 0, -EBADMSG, "length" },
	{ "traffic key of 33 bytes", long_traffic, 0, 0, -EBADMSG, "length" },
	{ "MPK of 31 bytes", short_mpk, 0, 0, -EBADMSG, "length" },
	{ "no SPI", no_key_spi, 0, 0, -EBADMSG, "SPI" },
	{ "SPI of 9 bytes", long_key_spi, 0, 0, -EBADMSG, "SPI" },
	{ "SPI of 255 bytes", longest_key_spi, 0, 0, -EBADMSG, "SPI" },
	{ "KV NULL", kv_null, 0, 0, -EBADMSG, "SPI" },
	{ "plain text cut", plain_cut, 0, 0, -EBADMSG, "" },
	{ "plain text longer", plain_long, 0, 0, -EBADMSG, "" },
	{ "plain text huge", plain_huge, 0, 0, -EBADMSG, "too long" },
	{ "not key data", plain_chain, 0, 0, -EBADMSG, "" },
};

/* All on one exchange, which the true answer still closes. */
TEST_F(admit, answers)
{
	struct way *w = &self->way;
	u32 i;

	ASSERT_EQ(0, way_ask(w));
	for (i = 0; i < ARRAY_SIZE(answers); i++) {
		ASSERT_EQ(0, way_plan_answer(w));
		answers[i].bend(w);
		way_answer(w);
		/* one that was accepted has taken the exchange along */
		if (!w->r.err)
			ASSERT_EQ(0, way_ask(w));
		EXPECT_TRUE(way_refused(w, &answers[i]));
	}
	EXPECT_EQ(w->tickets, term_stat(&w->bob, MIKEY_TICKET_S_TICKETS));
	ASSERT_EQ(0, way_plan_answer(w));
	way_answer(w);
	EXPECT_EQ(0, w->r.err) TH_LOG("%s", w->r.words);
}

/* An answer to one RESOLVE_INIT is none to another one. */
TEST_F(admit, answer_of_another_exchange)
{
	static struct peer_msg first;
	u32 id;

	ASSERT_EQ(0, way_ask(&self->way));
	peer_answer_write(&self->way.a, &first);
	id = self->way.ex.id;
	ASSERT_EQ(0, way_ask(&self->way));
	EXPECT_EQ(-EKEYREJECTED, term_answer(&self->way.bob, MIKEY_TICKET_CMD_ADMIT,
					     self->way.ex.id, &first, NULL));
	EXPECT_EQ(0, term_answer(&self->way.bob, MIKEY_TICKET_CMD_ADMIT, id,
				 &first, NULL));
}

/* A RESOLVE exchange is not closed by GRANT, nor the other way round. */
TEST_F(admit, wrong_command)
{
	ASSERT_EQ(0, way_ask(&self->way));
	peer_answer_write(&self->way.a, &self->way.msg);
	EXPECT_EQ(-ESRCH, term_answer(&self->way.bob, MIKEY_TICKET_CMD_GRANT,
				      self->way.ex.id, &self->way.msg, NULL));
	EXPECT_EQ(0, term_answer(&self->way.bob, MIKEY_TICKET_CMD_ADMIT,
				 self->way.ex.id, &self->way.msg, NULL));
}

TEST_F(admit, error_messages)
{
	u64 errors = term_stat(&self->way.bob, MIKEY_TICKET_S_KMS_ERRORS);
	struct way_row row = { .what = "Error" };
	u8 auth;

	/* a hint: nothing is given up because of it */
	ASSERT_EQ(0, way_ask(&self->way));
	peer_error_plan(&self->way.a, MIKEY_ERR_INVALID_TICKET);
	self->way.a.mac = false;
	way_answer(&self->way);
	row.err = -ECOMM;
	row.words = "error 14: ticket type not supported";
	EXPECT_TRUE(way_refused(&self->way, &row));

	/* a forged MAC is worse than none */
	self->way.a.mac = true;
	auth = self->way.a.mk.auth[0];
	self->way.a.mk.auth[0] ^= 1;
	way_answer(&self->way);
	row.err = -EKEYREJECTED;
	row.words = "MAC";
	EXPECT_TRUE(way_refused(&self->way, &row));
	self->way.a.mk.auth[0] = auth;

	/* so is one with the keys of an answer */
	ASSERT_EQ(0, peer_resolve_plan(&self->way.a, &self->way.ticket, &self->way.bob.psk,
				       self->way.ex.msg, self->way.ex.len, true));
	self->way.a.type = MIKEY_DT_ERROR;
	self->way.a.err = (struct mikey_err){ true, MIKEY_ERR_AUTH_FAILURE };
	way_answer(&self->way);
	EXPECT_TRUE(way_refused(&self->way, &row));

	/* the true one ends the exchange */
	peer_error_plan(&self->way.a, MIKEY_ERR_AUTH_FAILURE);
	way_answer(&self->way);
	row.err = -EREMOTEIO;
	row.words = "error 0: authentication failure";
	EXPECT_TRUE(way_refused(&self->way, &row));
	EXPECT_EQ(-ESRCH, term_answer(&self->way.bob, MIKEY_TICKET_CMD_ADMIT,
				      self->way.ex.id, &self->way.msg, NULL));
	EXPECT_EQ(errors + 2, term_stat(&self->way.bob, MIKEY_TICKET_S_KMS_ERRORS));
}

/* An unknown error number, and an Error without ERR, must not confuse it. */
TEST_F(admit, strange_error_messages)
{
	struct way_row row = { "strange Error", NULL, 0, 0, -ECOMM, "KMS" };
	static const u8 numbers[] = { 13, 16, 255 };
	u32 i;

	ASSERT_EQ(0, way_ask(&self->way));
	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		peer_error_plan(&self->way.a, numbers[i]);
		self->way.a.mac = false;
		way_answer(&self->way);
		EXPECT_TRUE(way_refused(&self->way, &row));
	}
	self->way.a.err.present = false;
	way_answer(&self->way);
	EXPECT_TRUE(way_refused(&self->way, &row));
	self->way.a.auth_alg = MIKEY_AUTH_NULL;
	self->way.a.mac = true;
	way_answer(&self->way);
	EXPECT_TRUE(way_refused(&self->way, &row));
}

TEST_HARNESS_MAIN
