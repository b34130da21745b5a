// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Family "mikey_mime": what must work, and every refusal that does not need a
 * damaged message. Keys and messages cross between the module and OpenSSL.
 */
#include <kselftest_harness.h>

#include <fcntl.h>
#include <stdlib.h>
#include <time.h>

#include "body.h"

#define HELLO "Content-Type: text/plain\r\n\r\nhello"

struct scene {
	struct lane lane;
	struct letter letter;
	struct peer_opened opened;
	struct nlc_reply r;
	struct nlc_reply r2;
};

FIXTURE(mime)
{
	struct scene sc;
};

FIXTURE_SETUP(mime)
{
	struct scene *sc = &self->sc;

	ASSERT_EQ(0, lane_open(&sc->lane));
}

FIXTURE_TEARDOWN(mime)
{
	struct scene *sc = &self->sc;

	nlc_free(&sc->r);
	nlc_free(&sc->r2);
	lane_close(&sc->lane);
}

static struct mikey_blob text(const char *t)
{
	return (struct mikey_blob){ (const u8 *)t, strlen(t) };
}

/* The last call was refused with this error, in words that contain these. */
static void expect_refused(struct __test_metadata *_metadata, struct scene *sc, int err,
			   const char *words)
{
	EXPECT_EQ(err, sc->r.err);
	EXPECT_NE(NULL, strstr(sc->r.words, words))
		TH_LOG("\"%s\" does not say \"%s\"", sc->r.words, words);
}

/* PROTECT, check against OpenSSL, ADMIT, UNPROTECT, compare */
static void round_trip(struct __test_metadata *_metadata, struct scene *sc,
		       u32 form, u32 len)
{
	struct mikey_blob entity = body_entity(len), cms, back, transfer;
	struct nl_msg *m;
	struct cms_keys keys;
	struct peer_msg *copy;
	key_serial_t receive;
	s64 before = time(NULL), sent;

	m = body_protect_msg(&sc->lane.mime, sc->lane.send, BOB, entity);
	nla_put_u32(m, MIKEY_MIME_A_FORM, form);
	ASSERT_EQ(0, nlc_call(&sc->lane.mime, m, &sc->r))
		TH_LOG("%u bytes: %s", len, sc->r.words);
	transfer = body_attr(&sc->r, MIKEY_MIME_A_TRANSFER);
	cms = body_join(&sc->r, MIKEY_MIME_A_CMS);
	EXPECT_GE(len + MIKEY_MIME_CMS_OVERHEAD, cms.len);

	/* as the recipient's software would, without our code */
	ASSERT_EQ(0, peer_transfer_open(&sc->opened, &sc->lane.ticket, transfer.p,
					transfer.len));
	keys = (struct cms_keys){
		.keks = &sc->opened.keks,
		.len = 32,
		.id = sc->opened.msg.hdr.cs.spi,
	};
	EXPECT_TRUE(cms_opens(cms, form, 0, &keys, entity));

	copy = malloc(sizeof(*copy));
	copy->len = transfer.len;
	memcpy(copy->p, transfer.p, transfer.len);
	receive = term_admit(&sc->lane.bob, &sc->lane.ticket, copy);
	ASSERT_LT(0, receive);
	m = body_unprotect_msg(&sc->lane.mime, receive, transfer, cms);
	ASSERT_EQ(0, nlc_call(&sc->lane.mime, m, &sc->r2))
		TH_LOG("%u bytes: %s", len, sc->r2.words);
	back = body_join(&sc->r2, MIKEY_MIME_A_ENTITY);
	EXPECT_TRUE(mikey_blob_eq(back, entity));
	EXPECT_TRUE(body_is(body_attr(&sc->r2, MIKEY_MIME_A_INITIATOR), ALICE));
	EXPECT_TRUE(body_is(body_attr(&sc->r2, MIKEY_MIME_A_RECIPIENT), BOB));
	EXPECT_EQ(MIKEY_PROVED_BODY, nlc_u32(sc->r2.attr[MIKEY_MIME_A_PROVED]));
	EXPECT_EQ(form, nlc_u32(sc->r2.attr[MIKEY_MIME_A_FORM]));
	sent = nlc_s64(sc->r2.attr[MIKEY_MIME_A_SENT]);
	EXPECT_LE(before, sent);
	EXPECT_GE(time(NULL), sent);

	free(copy);
	free((void *)entity.p);
	free((void *)cms.p);
	free((void *)back.p);
	nlc_free(&sc->r);
	nlc_free(&sc->r2);
}

/* Around the ends of pages, segments and 64 KiB, and both limits */
static const u32 sizes[] = {
	1, 2, 64, 100, 127, 128, 255, 256, 1300, 4095, 4096, 4097, 64999, 65000, 65001,
	65530, 65531, 65532, 65533, 65534, 65535, 65536, 130000, 130001, 262143, 262144, 270336,
};

TEST_F_TIMEOUT(mime, round_trip_auth_enveloped, 120)
{
	struct scene *sc = &self->sc;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		round_trip(_metadata, sc, MIKEY_FORM_AUTH_ENVELOPED, sizes[i]);
}

TEST_F_TIMEOUT(mime, round_trip_authenticated, 120)
{
	struct scene *sc = &self->sc;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		round_trip(_metadata, sc, MIKEY_FORM_AUTHENTICATED, sizes[i]);
}

/* The form and algorithm that are meant when nothing is said */
TEST_F(mime, defaults)
{
	struct scene *sc = &self->sc;
	struct mikey_blob cms;

	ASSERT_EQ(0, nlc_call(&sc->lane.mime,
			      body_protect_msg(&sc->lane.mime, sc->lane.send, BOB,
					       text(HELLO)), &sc->r));
	cms = body_attr(&sc->r, MIKEY_MIME_A_CMS);
	/* ContentInfo, OID 1.2.840.113549.1.9.16.1.23 */
	EXPECT_EQ(0, memcmp(cms.p + 3, "\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17", 13));
}

/* Content key, nonce and crypto session are new each time. */
TEST_F(mime, fresh_each_time)
{
	struct scene *sc = &self->sc;
	struct mikey_blob a, b;

	ASSERT_EQ(0, nlc_call(&sc->lane.mime,
			      body_protect_msg(&sc->lane.mime, sc->lane.send, BOB,
					       text(HELLO)), &sc->r));
	ASSERT_EQ(0, nlc_call(&sc->lane.mime,
			      body_protect_msg(&sc->lane.mime, sc->lane.send, BOB,
					       text(HELLO)), &sc->r2));
	a = body_attr(&sc->r, MIKEY_MIME_A_CMS);
	b = body_attr(&sc->r2, MIKEY_MIME_A_CMS);
	EXPECT_FALSE(mikey_blob_eq(edit_find(a, "0.1.0.1.0.3"), edit_find(b, "0.1.0.1.0.3")));
	EXPECT_FALSE(mikey_blob_eq(edit_find(a, "0.1.0.2.1.1.0"),
				   edit_find(b, "0.1.0.2.1.1.0")));
	EXPECT_FALSE(mikey_blob_eq(edit_find(a, "0.1.0.2.2"), edit_find(b, "0.1.0.2.2")));
	EXPECT_FALSE(mikey_blob_eq(body_attr(&sc->r, MIKEY_MIME_A_TRANSFER),
				   body_attr(&sc->r2, MIKEY_MIME_A_TRANSFER)));
}

TEST_F(mime, letters_of_the_other_side)
{
	struct scene *sc = &self->sc;
	static const u32 forms[] = { MIKEY_FORM_AUTH_ENVELOPED, MIKEY_FORM_AUTHENTICATED };

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		key_serial_t receive;

		letter_write(&sc->letter, &sc->lane, forms[i], PROOF_HASH, HELLO, 0, NULL);
		receive = letter_admit(&sc->letter, &sc->lane);
		ASSERT_LT(0, receive);
		ASSERT_EQ(0, letter_open(&sc->letter, &sc->lane.mime, receive, &sc->r))
			TH_LOG("form %u: %s", forms[i], sc->r.words);
		EXPECT_TRUE(body_is(body_attr(&sc->r, MIKEY_MIME_A_ENTITY), HELLO));
		EXPECT_EQ(MIKEY_PROVED_BODY, nlc_u32(sc->r.attr[MIKEY_MIME_A_PROVED]));
		nlc_free(&sc->r);
	}
}

TEST_F(mime, proof_of_origin)
{
	struct scene *sc = &self->sc;
	static const struct {
		enum letter_proof proof;
		int err;
		u32 proved;
	} rows[] = {
		{ PROOF_HASH, 0, MIKEY_PROVED_BODY },
		{ PROOF_NONE, 0, MIKEY_PROVED_INITIATOR },
		{ PROOF_MAC, 0, MIKEY_PROVED_INITIATOR },
		{ PROOF_WRONG, -EKEYREJECTED, 0 },
		{ PROOF_SHORT, -EKEYREJECTED, 0 },
	};
	static const u32 forms[] = { MIKEY_FORM_AUTH_ENVELOPED, MIKEY_FORM_AUTHENTICATED };

	for (size_t i = 0; i < ARRAY_SIZE(rows) * ARRAY_SIZE(forms); i++) {
		size_t row = i % ARRAY_SIZE(rows);
		key_serial_t receive;

		letter_write(&sc->letter, &sc->lane, forms[i / ARRAY_SIZE(rows)],
			     rows[row].proof, HELLO, 0, NULL);
		receive = letter_admit(&sc->letter, &sc->lane);
		ASSERT_LT(0, receive);
		EXPECT_EQ(rows[row].err, letter_open(&sc->letter, &sc->lane.mime, receive,
						     &sc->r))
			TH_LOG("row %zu: %s", row, sc->r.words);
		EXPECT_EQ(rows[row].proved, nlc_u32(sc->r.attr[MIKEY_MIME_A_PROVED]));
		if (rows[row].err)
			EXPECT_NE(NULL, strstr(sc->r.words, "proof of origin"));
		nlc_free(&sc->r);
	}
}

TEST_F(mime, no_proof_when_told_so)
{
	struct scene *sc = &self->sc;
	struct nl_msg *m = body_protect_msg(&sc->lane.mime, sc->lane.send, BOB, text(HELLO));
	struct mikey_blob transfer;

	nla_put_flag(m, MIKEY_MIME_A_NO_PROOF);
	ASSERT_EQ(0, nlc_call(&sc->lane.mime, m, &sc->r));
	transfer = body_attr(&sc->r, MIKEY_MIME_A_TRANSFER);
	ASSERT_EQ(0, peer_transfer_open(&sc->opened, &sc->lane.ticket, transfer.p,
					transfer.len));
	EXPECT_FALSE(sc->opened.msg.ext.present);
}

/* A ticket without J sends one message. */
TEST_F(mime, single_use)
{
	struct scene *sc = &self->sc;
	key_serial_t send;
	int err;

	sc->lane.alice.reusable = false;
	send = term_grant(&sc->lane.alice, BOB, &sc->lane.ticket);
	ASSERT_LT(0, send);
	/* what is refused does not count */
	nlc_call(&sc->lane.mime, body_protect_msg(&sc->lane.mime, send, BOB, text("")),
		 &sc->r);
	EXPECT_EQ(-EINVAL, sc->r.err);
	nlc_free(&sc->r);
	nlc_call(&sc->lane.mime, body_protect_msg(&sc->lane.mime, send, CAROL, text(HELLO)),
		 &sc->r);
	EXPECT_EQ(-EADDRNOTAVAIL, sc->r.err);
	nlc_free(&sc->r);
	ASSERT_EQ(0, nlc_call(&sc->lane.mime,
			      body_protect_msg(&sc->lane.mime, send, BOB, text(HELLO)),
			      &sc->r))
		TH_LOG("%s", sc->r.words);
	nlc_free(&sc->r);
	err = nlc_call(&sc->lane.mime,
		       body_protect_msg(&sc->lane.mime, send, BOB, text(HELLO)), &sc->r);
	EXPECT_TRUE(err == -EPERM || err == -EKEYEXPIRED)
		TH_LOG("%d %s", err, sc->r.words);
}

/* What is wrong with a PROTECT, one thing at a time */
TEST_F(mime, protect_refusals)
{
	struct scene *sc = &self->sc;
	static u8 long_uid[256];
	struct nlc *c = &sc->lane.mime;
	struct mikey_blob entity;
	key_serial_t other;
	struct nl_msg *m;

	m = nlc_msg(c, MIKEY_MIME_CMD_PROTECT);
	nlc_call(c, m, &sc->r);
	expect_refused(_metadata, sc, -EINVAL, "ticket is missing");
	EXPECT_EQ(MIKEY_MIME_A_TICKET, sc->r.missing);
	nlc_free(&sc->r);

	m = nlc_msg(c, MIKEY_MIME_CMD_PROTECT);
	nla_put_s32(m, MIKEY_MIME_A_TICKET, sc->lane.send);
	nlc_call(c, m, &sc->r);
	expect_refused(_metadata, sc, -EINVAL, "recipient is missing");
	EXPECT_EQ(MIKEY_MIME_A_RECIPIENT, sc->r.missing);
	nlc_free(&sc->r);

	nlc_call(c, body_protect_msg(c, sc->lane.send, BOB, text("")), &sc->r);
	expect_refused(_metadata, sc, -EINVAL, "entity is missing");
	EXPECT_EQ(MIKEY_MIME_A_ENTITY, sc->r.missing);
	nlc_free(&sc->r);

	m = body_protect_msg(c, sc->lane.send, BOB, text(""));
	nla_put(m, MIKEY_MIME_A_ENTITY, 0, "");
	nla_put(m, MIKEY_MIME_A_ENTITY, 0, "");
	nlc_call(c, m, &sc->r);
	expect_refused(_metadata, sc, -EINVAL, "entity is empty");
	EXPECT_EQ(MIKEY_MIME_A_ENTITY, sc->r.blamed);
	nlc_free(&sc->r);

	nlc_call(c, body_protect_msg(c, sc->lane.send, "", text(HELLO)), &sc->r);
	expect_refused(_metadata, sc, -EINVAL, "1 to 255");
	EXPECT_EQ(MIKEY_MIME_A_RECIPIENT, sc->r.blamed);
	nlc_free(&sc->r);

	m = nlc_msg(c, MIKEY_MIME_CMD_PROTECT);
	nla_put_s32(m, MIKEY_MIME_A_TICKET, sc->lane.send);
	nla_put(m, MIKEY_MIME_A_RECIPIENT, sizeof(long_uid), long_uid);
	body_put(m, MIKEY_MIME_A_ENTITY, text(HELLO));
	nlc_call(c, m, &sc->r);
	expect_refused(_metadata, sc, -EINVAL, "1 to 255");
	nlc_free(&sc->r);

	entity = body_entity(270337);
	nlc_call(c, body_protect_msg(c, sc->lane.send, BOB, entity), &sc->r);
	expect_refused(_metadata, sc, -EMSGSIZE, "max_entity");
	EXPECT_EQ(MIKEY_MIME_A_ENTITY, sc->r.blamed);
	nlc_free(&sc->r);
	free((void *)entity.p);

	nlc_call(c, body_protect_msg(c, sc->lane.send, CAROL, text(HELLO)), &sc->r);
	expect_refused(_metadata, sc, -EADDRNOTAVAIL, "does not name this recipient");
	nlc_free(&sc->r);

	nlc_call(c, body_protect_msg(c, 0x7ffffff0, BOB, text(HELLO)), &sc->r);
	expect_refused(_metadata, sc, -ENOKEY, "");
	EXPECT_NE(0, strlen(sc->r.words));
	nlc_free(&sc->r);

	other = term_logon_bare("other", sc->lane.alice.psk.key, 32, KEY_SPEC_SESSION_KEYRING);
	nlc_call(c, body_protect_msg(c, other, BOB, text(HELLO)), &sc->r);
	expect_refused(_metadata, sc, -EOPNOTSUPP, "");
	EXPECT_NE(0, strlen(sc->r.words));
}

TEST_F(mime, forms_and_algorithms_of_protect)
{
	struct scene *sc = &self->sc;
	static const struct {
		u32 form;
		u32 alg;
		int err;
		const char *words;
		int blamed;
	} rows[] = {
		{ MIKEY_FORM_AUTH_ENVELOPED, MIKEY_CONTENT_AES_GCM, 0, "", 0 },
		{ MIKEY_FORM_AUTHENTICATED, 0, 0, "", 0 },
		{ 0, 0, -EPROTONOSUPPORT, "form is not known", MIKEY_MIME_A_FORM },
		{ 33, 0, -EPROTONOSUPPORT, "form is not known", MIKEY_MIME_A_FORM },
		{ 0xffffffff, 0, -EPROTONOSUPPORT, "form is not known", MIKEY_MIME_A_FORM },
		{ MIKEY_FORM_AUTH_ENVELOPED, MIKEY_CONTENT_AES_CCM, 0, "", 0 },
		{ MIKEY_FORM_AUTHENTICATED_ENVELOPED, 0, 0, "", 0 },
		{ MIKEY_FORM_AUTHENTICATED_ENVELOPED, MIKEY_CONTENT_AES_CBC, 0, "", 0 },
		{ MIKEY_FORM_AUTH_ENVELOPED, MIKEY_CONTENT_AES_CBC, -EPROTONOSUPPORT,
		  "no such content algorithm", MIKEY_MIME_A_CONTENT_ALG },
		{ MIKEY_FORM_AUTHENTICATED_ENVELOPED, MIKEY_CONTENT_AES_GCM, -EPROTONOSUPPORT,
		  "no such content algorithm", MIKEY_MIME_A_CONTENT_ALG },
		{ MIKEY_FORM_AUTH_ENVELOPED, 77, -EPROTONOSUPPORT,
		  "no such content algorithm", MIKEY_MIME_A_CONTENT_ALG },
		{ MIKEY_FORM_AUTHENTICATED, MIKEY_CONTENT_AES_GCM, -EPROTONOSUPPORT,
		  "encrypts nothing", MIKEY_MIME_A_CONTENT_ALG },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct nl_msg *m = body_protect_msg(&sc->lane.mime, sc->lane.send, BOB,
						    text(HELLO));

		nla_put_u32(m, MIKEY_MIME_A_FORM, rows[i].form);
		if (rows[i].alg)
			nla_put_u32(m, MIKEY_MIME_A_CONTENT_ALG, rows[i].alg);
		nlc_call(&sc->lane.mime, m, &sc->r);
		expect_refused(_metadata, sc, rows[i].err, rows[i].words);
		EXPECT_EQ(rows[i].blamed, sc->r.blamed);
		nlc_free(&sc->r);
	}
}

/* Netlink's own rules: lengths of numbers, attributes that do not belong */
TEST_F(mime, malformed_attributes)
{
	struct scene *sc = &self->sc;
	struct nlc *c = &sc->lane.mime;
	struct nl_msg *m;

	m = nlc_msg(c, MIKEY_MIME_CMD_PROTECT);
	nla_put_u16(m, MIKEY_MIME_A_TICKET, 1);
	nlc_call(c, m, &sc->r);
	EXPECT_GT(0, sc->r.err);
	EXPECT_EQ(MIKEY_MIME_A_TICKET, sc->r.blamed);
	nlc_free(&sc->r);

	m = body_protect_msg(c, sc->lane.send, BOB, text(HELLO));
	nla_put_u64(m, MIKEY_MIME_A_FORM, 1);
	nlc_call(c, m, &sc->r);
	EXPECT_GT(0, sc->r.err);
	EXPECT_EQ(MIKEY_MIME_A_FORM, sc->r.blamed);
	nlc_free(&sc->r);

	m = body_protect_msg(c, sc->lane.send, BOB, text(HELLO));
	nla_put_u32(m, MIKEY_MIME_A_NO_PROOF, 1);
	nlc_call(c, m, &sc->r);
	EXPECT_GT(0, sc->r.err);
	nlc_free(&sc->r);

	/* of the other command */
	m = body_protect_msg(c, sc->lane.send, BOB, text(HELLO));
	nla_put_u32(m, MIKEY_MIME_A_FORMS, ~0);
	nlc_call(c, m, &sc->r);
	EXPECT_EQ(-EINVAL, sc->r.err);
	EXPECT_EQ(MIKEY_MIME_A_FORMS, sc->r.blamed);
	nlc_free(&sc->r);

	/* of nobody */
	m = body_protect_msg(c, sc->lane.send, BOB, text(HELLO));
	nla_put_u32(m, MIKEY_MIME_A_MAX + 1, 0);
	nlc_call(c, m, &sc->r);
	EXPECT_EQ(-EINVAL, sc->r.err);
	nlc_free(&sc->r);

	/* left over behind the attributes */
	m = body_protect_msg(c, sc->lane.send, BOB, text(HELLO));
	nlmsg_append(m, "\1\0\0\0", 4, 0);
	nlc_call(c, m, &sc->r);
	EXPECT_EQ(-EINVAL, sc->r.err);
	nlc_free(&sc->r);

	/* an answer only, and no such command */
	m = nlc_msg(c, MIKEY_MIME_CMD_CAPS);
	nla_put_u32(m, MIKEY_MIME_A_MAX_ENTITY, 1);
	nlc_call(c, m, &sc->r);
	EXPECT_EQ(-EINVAL, sc->r.err);
	nlc_free(&sc->r);
	nlc_call(c, nlc_msg(c, MIKEY_MIME_CMD_MAX + 1), &sc->r);
	EXPECT_EQ(-EOPNOTSUPP, sc->r.err);
}

TEST_F(mime, unprotect_refusals)
{
	struct scene *sc = &self->sc;
	struct nlc *c = &sc->lane.mime;
	struct mikey_blob much;
	key_serial_t receive;
	struct nl_msg *m;

	letter_write(&sc->letter, &sc->lane, MIKEY_FORM_AUTH_ENVELOPED, PROOF_HASH, HELLO,
		     0, NULL);
	receive = letter_admit(&sc->letter, &sc->lane);
	ASSERT_LT(0, receive);

	nlc_call(c, nlc_msg(c, MIKEY_MIME_CMD_UNPROTECT), &sc->r);
	expect_refused(_metadata, sc, -EINVAL, "ticket is missing");
	EXPECT_EQ(MIKEY_MIME_A_TICKET, sc->r.missing);
	nlc_free(&sc->r);

	m = nlc_msg(c, MIKEY_MIME_CMD_UNPROTECT);
	nla_put_s32(m, MIKEY_MIME_A_TICKET, receive);
	nlc_call(c, m, &sc->r);
	expect_refused(_metadata, sc, -EINVAL, "TRANSFER_INIT is missing");
	EXPECT_EQ(MIKEY_MIME_A_TRANSFER, sc->r.missing);
	nlc_free(&sc->r);

	m = nlc_msg(c, MIKEY_MIME_CMD_UNPROTECT);
	nla_put_s32(m, MIKEY_MIME_A_TICKET, receive);
	nla_put(m, MIKEY_MIME_A_TRANSFER, 1, "x");
	nlc_call(c, m, &sc->r);
	expect_refused(_metadata, sc, -EINVAL, "CMS object is missing");
	EXPECT_EQ(MIKEY_MIME_A_CMS, sc->r.missing);
	nlc_free(&sc->r);

	much = body_entity(270336 + MIKEY_MIME_CMS_OVERHEAD + 1);
	nlc_call(c, body_unprotect_msg(c, receive, letter_transfer(&sc->letter), much),
		 &sc->r);
	expect_refused(_metadata, sc, -EMSGSIZE, "max_entity");
	EXPECT_EQ(MIKEY_MIME_A_CMS, sc->r.blamed);
	nlc_free(&sc->r);

	much.len--;
	nlc_call(c, body_unprotect_msg(c, receive, letter_transfer(&sc->letter), much),
		 &sc->r);
	expect_refused(_metadata, sc, -EBADMSG, "not a CMS object");
	nlc_free(&sc->r);

	much.len = MIKEY_MSG_MAX + 1;
	nlc_call(c, body_unprotect_msg(c, receive, much, letter_cms(&sc->letter)), &sc->r);
	expect_refused(_metadata, sc, -EMSGSIZE, "TRANSFER_INIT is too long");
	EXPECT_EQ(MIKEY_MIME_A_TRANSFER, sc->r.blamed);
	nlc_free(&sc->r);
	free((void *)much.p);

	nlc_call(c, body_unprotect_msg(c, receive, text(""), letter_cms(&sc->letter)),
		 &sc->r);
	expect_refused(_metadata, sc, -EKEYREJECTED, "");
	nlc_free(&sc->r);
	nlc_call(c, body_unprotect_msg(c, receive, letter_transfer(&sc->letter), text("")),
		 &sc->r);
	expect_refused(_metadata, sc, -EBADMSG, "");
	nlc_free(&sc->r);

	/* tickets of the other role, both ways */
	nlc_call(c, body_unprotect_msg(c, sc->lane.send, letter_transfer(&sc->letter),
				       letter_cms(&sc->letter)), &sc->r);
	expect_refused(_metadata, sc, -EPERM, "send");
	nlc_free(&sc->r);
	nlc_call(c, body_protect_msg(c, receive, BOB, text(HELLO)), &sc->r);
	expect_refused(_metadata, sc, -EPERM, "received");
	nlc_free(&sc->r);

	/* and nothing of all that did any harm */
	EXPECT_EQ(0, letter_open(&sc->letter, c, receive, &sc->r));
	EXPECT_TRUE(body_is(body_attr(&sc->r, MIKEY_MIME_A_ENTITY), HELLO));
}

/* A ticket opens the message for which it was resolved and no other. */
TEST_F(mime, another_letter)
{
	struct scene *sc = &self->sc;
	static struct letter other;
	key_serial_t receive;

	letter_write(&sc->letter, &sc->lane, MIKEY_FORM_AUTH_ENVELOPED, PROOF_HASH, HELLO,
		     0, NULL);
	letter_write(&other, &sc->lane, MIKEY_FORM_AUTH_ENVELOPED, PROOF_HASH, "other", 0,
		     NULL);
	receive = letter_admit(&sc->letter, &sc->lane);
	ASSERT_LT(0, receive);
	EXPECT_EQ(-EKEYREJECTED, letter_open(&other, &sc->lane.mime, receive, NULL));
	/* its own TRANSFER_INIT with the other's body */
	nlc_call(&sc->lane.mime,
		 body_unprotect_msg(&sc->lane.mime, receive,
				    letter_transfer(&sc->letter), letter_cms(&other)),
		 &sc->r);
	expect_refused(_metadata, sc, -EKEYREJECTED, "proof of origin");
	nlc_free(&sc->r);
	EXPECT_EQ(0, letter_open(&sc->letter, &sc->lane.mime, receive, NULL));
}

/* The form that the caller insists on: no downgrade to authenticated. */
TEST_F(mime, forms_mask)
{
	struct scene *sc = &self->sc;
	struct nlc *c = &sc->lane.mime;
	key_serial_t receive;
	struct nl_msg *m;

	letter_write(&sc->letter, &sc->lane, MIKEY_FORM_AUTHENTICATED, PROOF_NONE, HELLO, 0,
		     NULL);
	receive = letter_admit(&sc->letter, &sc->lane);
	ASSERT_LT(0, receive);
	m = body_unprotect_msg(c, receive, letter_transfer(&sc->letter),
			       letter_cms(&sc->letter));
	nla_put_u32(m, MIKEY_MIME_A_FORMS, 1 << MIKEY_FORM_AUTH_ENVELOPED);
	nlc_call(c, m, &sc->r);
	expect_refused(_metadata, sc, -EPROTONOSUPPORT, "not allowed");
	EXPECT_EQ(MIKEY_MIME_A_CMS, sc->r.blamed);
	nlc_free(&sc->r);

	m = body_unprotect_msg(c, receive, letter_transfer(&sc->letter),
			       letter_cms(&sc->letter));
	nla_put_u32(m, MIKEY_MIME_A_FORMS, 1 << MIKEY_FORM_AUTHENTICATED);
	EXPECT_EQ(0, nlc_call(c, m, &sc->r));
}

TEST_F(mime, caps_and_stats)
{
	struct scene *sc = &self->sc;
	struct nlc *c = &sc->lane.mime;
	u64 protected, opened, sent_bytes, opened_bytes, entries;
	key_serial_t receive;

	ASSERT_EQ(0, nlc_call(c, nlc_msg(c, MIKEY_MIME_CMD_CAPS), &sc->r));
	EXPECT_EQ(MIKEY_MIME_GENL_VERSION, nlc_u32(sc->r.attr[MIKEY_MIME_A_API_VERSION]));
	EXPECT_EQ(1 << MIKEY_FORM_AUTH_ENVELOPED | 1 << MIKEY_FORM_AUTHENTICATED |
		  1 << MIKEY_FORM_AUTHENTICATED_ENVELOPED,
		  nlc_u32(sc->r.attr[MIKEY_MIME_A_FORMS]));
	EXPECT_EQ(1 << MIKEY_CONTENT_AES_GCM | 1 << MIKEY_CONTENT_AES_CCM |
		  1 << MIKEY_CONTENT_AES_CBC,
		  nlc_u32(sc->r.attr[MIKEY_MIME_A_CONTENT_ALGS]));
	EXPECT_EQ(270336, nlc_u32(sc->r.attr[MIKEY_MIME_A_MAX_ENTITY]));
	ASSERT_NE(NULL, sc->r.attr[MIKEY_MIME_A_MODULE_VERSION]);
	EXPECT_LT(1, nla_len(sc->r.attr[MIKEY_MIME_A_MODULE_VERSION]));
	nlc_free(&sc->r);

	protected = body_stat(c, MIKEY_MIME_S_PROTECTED);
	sent_bytes = body_stat(c, MIKEY_MIME_S_BYTES_PROTECTED);
	ASSERT_EQ(0, nlc_call(c, body_protect_msg(c, sc->lane.send, BOB, text(HELLO)),
			      &sc->r));
	EXPECT_EQ(protected + 1, body_stat(c, MIKEY_MIME_S_PROTECTED));
	EXPECT_EQ(sent_bytes + strlen(HELLO), body_stat(c, MIKEY_MIME_S_BYTES_PROTECTED));

	opened = body_stat(c, MIKEY_MIME_S_OPENED);
	opened_bytes = body_stat(c, MIKEY_MIME_S_BYTES_OPENED);
	entries = body_stat(c, MIKEY_MIME_S_REPLAY_ENTRIES);
	letter_write(&sc->letter, &sc->lane, MIKEY_FORM_AUTH_ENVELOPED, PROOF_NONE, HELLO, 0,
		     NULL);
	receive = letter_admit(&sc->letter, &sc->lane);

	/* refusals are counted where they belong */
	{
		u64 bad_cms = body_stat(c, MIKEY_MIME_S_BAD_CMS);
		u64 bad_transfer = body_stat(c, MIKEY_MIME_S_BAD_TRANSFER);

		sc->letter.cms.p[sc->letter.cms.len - 1] ^= 1;
		EXPECT_EQ(-EBADMSG, letter_open(&sc->letter, c, receive, NULL));
		sc->letter.cms.p[sc->letter.cms.len - 1] ^= 1;
		EXPECT_EQ(bad_cms + 1, body_stat(c, MIKEY_MIME_S_BAD_CMS));
		sc->letter.transfer.len--;
		EXPECT_EQ(-EKEYREJECTED, letter_open(&sc->letter, c, receive, NULL));
		sc->letter.transfer.len++;
		EXPECT_EQ(bad_transfer + 1, body_stat(c, MIKEY_MIME_S_BAD_TRANSFER));
	}
	ASSERT_EQ(0, letter_open(&sc->letter, c, receive, NULL));
	EXPECT_EQ(opened + 1, body_stat(c, MIKEY_MIME_S_OPENED));
	EXPECT_EQ(opened_bytes + strlen(HELLO), body_stat(c, MIKEY_MIME_S_BYTES_OPENED));
	EXPECT_EQ(entries + 1, body_stat(c, MIKEY_MIME_S_REPLAY_ENTRIES));
}

/* Another user's process cannot use the ticket, by serial or by socket. */
struct stranger {
	key_serial_t send;
	struct nlc *inherited;
};

static int own_socket(void *arg)
{
	struct stranger *s = arg;
	struct nlc_reply r;
	struct nlc c;

	if (nlc_open(&c, MIKEY_MIME_GENL_NAME, MIKEY_MIME_GENL_VERSION))
		return 1;
	return nlc_call(&c, body_protect_msg(&c, s->send, BOB, text(HELLO)), &r) == -EACCES &&
	       *r.words ? 0 : 2;
}

static int inherited_socket(void *arg)
{
	struct stranger *s = arg;
	struct nlc_reply r;

	return nlc_call(s->inherited,
			body_protect_msg(s->inherited, s->send, BOB, text(HELLO)),
			&r) == -EPERM && strstr(r.words, "another user") ? 0 : 2;
}

TEST_F(mime, strangers)
{
	struct scene *sc = &self->sc;
	struct stranger s = { sc->lane.send, &sc->lane.mime };

	EXPECT_EQ(0, term_as_user(1234, own_socket, &s));
	EXPECT_EQ(0, term_as_user(1234, inherited_socket, &s));
}

/* A revoked ticket sends and opens nothing any more. */
TEST_F(mime, revoked)
{
	struct scene *sc = &self->sc;
	key_serial_t receive;

	letter_write(&sc->letter, &sc->lane, MIKEY_FORM_AUTH_ENVELOPED, PROOF_NONE, HELLO, 0,
		     NULL);
	receive = letter_admit(&sc->letter, &sc->lane);
	ASSERT_LT(0, receive);
	ASSERT_EQ(0, keyctl_revoke(receive));
	EXPECT_EQ(-EKEYREVOKED, letter_open(&sc->letter, &sc->lane.mime, receive, NULL));
	ASSERT_EQ(0, keyctl_revoke(sc->lane.send));
	nlc_call(&sc->lane.mime,
		 body_protect_msg(&sc->lane.mime, sc->lane.send, BOB, text(HELLO)),
		 &sc->r);
	EXPECT_EQ(-EKEYREVOKED, sc->r.err);
}

TEST_HARNESS_MAIN
