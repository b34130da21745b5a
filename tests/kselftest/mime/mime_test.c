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

FIXTURE(mime)
{
	struct lane lane;
	struct letter letter;
	struct peer_opened opened;
	struct nlc_reply r;
	struct nlc_reply r2;
};

FIXTURE_SETUP(mime)
{
	ASSERT_EQ(0, lane_open(&self->lane));
}

FIXTURE_TEARDOWN(mime)
{
	nlc_free(&self->r);
	nlc_free(&self->r2);
	lane_close(&self->lane);
}

static struct mikey_blob text(const char *t)
{
	return (struct mikey_blob){ (const u8 *)t, strlen(t) };
}

/* What a test compares by sight: an error and its words */
#define EXPECT_REFUSED(error, part, reply) do {				\
	EXPECT_EQ(error, (reply)->err);					\
	EXPECT_NE(NULL, strstr((reply)->words, part))			\
		TH_LOG("\"%s\" does not say \"%s\"", (reply)->words, part);	\
} while (0)

/* PROTECT, check against OpenSSL, ADMIT, UNPROTECT, compare */
static void round_trip(struct __test_metadata *_metadata, FIXTURE_DATA(mime) *self,
		       u32 form, u32 len)
{
	struct mikey_blob entity = body_entity(len), cms, back, transfer;
	struct nl_msg *m;
	struct cms_kek kek;
	struct peer_msg *copy;
	key_serial_t receive;
	s64 sent;

	m = body_protect_msg(&self->lane.mime, self->lane.send, BOB, entity);
	nla_put_u32(m, MIKEY_MIME_A_FORM, form);
	ASSERT_EQ(0, nlc_call(&self->lane.mime, m, &self->r))
		TH_LOG("%u bytes: %s", len, self->r.words);
	transfer = body_attr(&self->r, MIKEY_MIME_A_TRANSFER);
	cms = body_join(&self->r, MIKEY_MIME_A_CMS);
	EXPECT_GE(len + MIKEY_MIME_CMS_OVERHEAD, cms.len);

	/* as the recipient's software would, without our code */
	ASSERT_EQ(0, peer_transfer_open(&self->opened, &self->lane.ticket, transfer.p,
					transfer.len));
	kek = body_kek(&self->opened.keks, self->opened.msg.hdr.cs.spi, form);
	EXPECT_TRUE(form == MIKEY_FORM_AUTH_ENVELOPED ?
		    cms_openssl_opens(cms, &kek, entity) :
		    cms_authenticates(cms, &kek, entity));

	copy = malloc(sizeof(*copy));
	copy->len = transfer.len;
	memcpy(copy->p, transfer.p, transfer.len);
	receive = term_admit(&self->lane.bob, &self->lane.ticket, copy);
	ASSERT_LT(0, receive);
	m = body_unprotect_msg(&self->lane.mime, receive, transfer, cms);
	ASSERT_EQ(0, nlc_call(&self->lane.mime, m, &self->r2))
		TH_LOG("%u bytes: %s", len, self->r2.words);
	back = body_join(&self->r2, MIKEY_MIME_A_ENTITY);
	EXPECT_TRUE(mikey_blob_eq(back, entity));
	EXPECT_TRUE(body_is(body_attr(&self->r2, MIKEY_MIME_A_INITIATOR), ALICE));
	EXPECT_TRUE(body_is(body_attr(&self->r2, MIKEY_MIME_A_RECIPIENT), BOB));
	EXPECT_EQ(MIKEY_PROVED_BODY, nlc_u32(self->r2.attr[MIKEY_MIME_A_PROVED]));
	EXPECT_EQ(form, nlc_u32(self->r2.attr[MIKEY_MIME_A_FORM]));
	sent = nlc_s64(self->r2.attr[MIKEY_MIME_A_SENT]);
	EXPECT_GE(1, llabs(sent - time(NULL)));

	free(copy);
	free((void *)entity.p);
	free((void *)cms.p);
	free((void *)back.p);
	nlc_free(&self->r);
	nlc_free(&self->r2);
}

/* Around the ends of pages, segments and 64 KiB, and both limits */
static const u32 sizes[] = {
	1, 2, 64, 100, 127, 128, 255, 256, 1300, 4095, 4096, 4097, 64999, 65000, 65001,
	65530, 65531, 65532, 65533, 65534, 65535, 65536, 130000, 130001, 262143, 262144,
};

TEST_F_TIMEOUT(mime, round_trip_auth_enveloped, 120)
{
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		round_trip(_metadata, self, MIKEY_FORM_AUTH_ENVELOPED, sizes[i]);
}

TEST_F_TIMEOUT(mime, round_trip_authenticated, 120)
{
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		round_trip(_metadata, self, MIKEY_FORM_AUTHENTICATED, sizes[i]);
}

/* The form and algorithm that are meant when nothing is said */
TEST_F(mime, defaults)
{
	struct mikey_blob cms;

	ASSERT_EQ(0, nlc_call(&self->lane.mime,
			      body_protect_msg(&self->lane.mime, self->lane.send, BOB,
					       text(HELLO)), &self->r));
	cms = body_attr(&self->r, MIKEY_MIME_A_CMS);
	/* ContentInfo, OID 1.2.840.113549.1.9.16.1.23 */
	EXPECT_EQ(0, memcmp(cms.p + 3, "\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17", 13));
}

/* Content key, nonce and crypto session are new each time. */
TEST_F(mime, fresh_each_time)
{
	struct mikey_blob a, b;

	ASSERT_EQ(0, nlc_call(&self->lane.mime,
			      body_protect_msg(&self->lane.mime, self->lane.send, BOB,
					       text(HELLO)), &self->r));
	ASSERT_EQ(0, nlc_call(&self->lane.mime,
			      body_protect_msg(&self->lane.mime, self->lane.send, BOB,
					       text(HELLO)), &self->r2));
	a = body_attr(&self->r, MIKEY_MIME_A_CMS);
	b = body_attr(&self->r2, MIKEY_MIME_A_CMS);
	EXPECT_FALSE(mikey_blob_eq(edit_find(a, "0.1.0.1.0.3"), edit_find(b, "0.1.0.1.0.3")));
	EXPECT_FALSE(mikey_blob_eq(edit_find(a, "0.1.0.2.1.1.0"),
				   edit_find(b, "0.1.0.2.1.1.0")));
	EXPECT_FALSE(mikey_blob_eq(edit_find(a, "0.1.0.2.2"), edit_find(b, "0.1.0.2.2")));
	EXPECT_FALSE(mikey_blob_eq(body_attr(&self->r, MIKEY_MIME_A_TRANSFER),
				   body_attr(&self->r2, MIKEY_MIME_A_TRANSFER)));
}

TEST_F(mime, letters_of_the_other_side)
{
	static const u32 forms[] = { MIKEY_FORM_AUTH_ENVELOPED, MIKEY_FORM_AUTHENTICATED };

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		key_serial_t receive;

		letter_write(&self->letter, &self->lane, forms[i], PROOF_HASH, HELLO, 0, NULL);
		receive = letter_admit(&self->letter, &self->lane);
		ASSERT_LT(0, receive);
		ASSERT_EQ(0, letter_open(&self->letter, &self->lane.mime, receive, &self->r))
			TH_LOG("form %u: %s", forms[i], self->r.words);
		EXPECT_TRUE(body_is(body_attr(&self->r, MIKEY_MIME_A_ENTITY), HELLO));
		EXPECT_EQ(MIKEY_PROVED_BODY, nlc_u32(self->r.attr[MIKEY_MIME_A_PROVED]));
		nlc_free(&self->r);
	}
}

TEST_F(mime, proof_of_origin)
{
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

		letter_write(&self->letter, &self->lane, forms[i / ARRAY_SIZE(rows)],
			     rows[row].proof, HELLO, 0, NULL);
		receive = letter_admit(&self->letter, &self->lane);
		ASSERT_LT(0, receive);
		EXPECT_EQ(rows[row].err, letter_open(&self->letter, &self->lane.mime, receive,
						     &self->r))
			TH_LOG("row %zu: %s", row, self->r.words);
		EXPECT_EQ(rows[row].proved, nlc_u32(self->r.attr[MIKEY_MIME_A_PROVED]));
		if (rows[row].err)
			EXPECT_NE(NULL, strstr(self->r.words, "proof of origin"));
		nlc_free(&self->r);
	}
}

TEST_F(mime, no_proof_when_told_so)
{
	struct nl_msg *m = body_protect_msg(&self->lane.mime, self->lane.send, BOB, text(HELLO));
	struct mikey_blob transfer;

	nla_put_flag(m, MIKEY_MIME_A_NO_PROOF);
	ASSERT_EQ(0, nlc_call(&self->lane.mime, m, &self->r));
	transfer = body_attr(&self->r, MIKEY_MIME_A_TRANSFER);
	ASSERT_EQ(0, peer_transfer_open(&self->opened, &self->lane.ticket, transfer.p,
					transfer.len));
	EXPECT_FALSE(self->opened.msg.ext.present);
}

/* A ticket without J sends one message. */
TEST_F(mime, single_use)
{
	key_serial_t send;
	int err;

	self->lane.alice.reusable = false;
	send = term_grant(&self->lane.alice, BOB, &self->lane.ticket);
	ASSERT_LT(0, send);
	/* refused before the ticket is touched */
	nlc_call(&self->lane.mime, body_protect_msg(&self->lane.mime, send, BOB, text("")),
		 &self->r);
	EXPECT_EQ(-EINVAL, self->r.err);
	nlc_free(&self->r);
	ASSERT_EQ(0, nlc_call(&self->lane.mime,
			      body_protect_msg(&self->lane.mime, send, BOB, text(HELLO)),
			      &self->r))
		TH_LOG("%s", self->r.words);
	nlc_free(&self->r);
	err = nlc_call(&self->lane.mime,
		       body_protect_msg(&self->lane.mime, send, BOB, text(HELLO)), &self->r);
	EXPECT_TRUE(err == -EPERM || err == -ENOKEY)
		TH_LOG("%d %s", err, self->r.words);
}

/* What is wrong with a PROTECT, one thing at a time */
TEST_F(mime, protect_refusals)
{
	static u8 long_uid[256];
	struct nlc *c = &self->lane.mime;
	struct mikey_blob entity;
	struct nl_msg *m;

	m = nlc_msg(c, MIKEY_MIME_CMD_PROTECT);
	nlc_call(c, m, &self->r);
	EXPECT_REFUSED(-EINVAL, "ticket is missing", &self->r);
	EXPECT_EQ(MIKEY_MIME_A_TICKET, self->r.missing);
	nlc_free(&self->r);

	m = nlc_msg(c, MIKEY_MIME_CMD_PROTECT);
	nla_put_s32(m, MIKEY_MIME_A_TICKET, self->lane.send);
	nlc_call(c, m, &self->r);
	EXPECT_REFUSED(-EINVAL, "recipient is missing", &self->r);
	EXPECT_EQ(MIKEY_MIME_A_RECIPIENT, self->r.missing);
	nlc_free(&self->r);

	nlc_call(c, body_protect_msg(c, self->lane.send, BOB, text("")), &self->r);
	EXPECT_REFUSED(-EINVAL, "entity is missing", &self->r);
	EXPECT_EQ(MIKEY_MIME_A_ENTITY, self->r.missing);
	nlc_free(&self->r);

	m = body_protect_msg(c, self->lane.send, BOB, text(""));
	nla_put(m, MIKEY_MIME_A_ENTITY, 0, "");
	nla_put(m, MIKEY_MIME_A_ENTITY, 0, "");
	nlc_call(c, m, &self->r);
	EXPECT_REFUSED(-EINVAL, "entity is empty", &self->r);
	EXPECT_EQ(MIKEY_MIME_A_ENTITY, self->r.blamed);
	nlc_free(&self->r);

	nlc_call(c, body_protect_msg(c, self->lane.send, "", text(HELLO)), &self->r);
	EXPECT_REFUSED(-EINVAL, "1 to 255", &self->r);
	EXPECT_EQ(MIKEY_MIME_A_RECIPIENT, self->r.blamed);
	nlc_free(&self->r);

	m = nlc_msg(c, MIKEY_MIME_CMD_PROTECT);
	nla_put_s32(m, MIKEY_MIME_A_TICKET, self->lane.send);
	nla_put(m, MIKEY_MIME_A_RECIPIENT, sizeof(long_uid), long_uid);
	body_put(m, MIKEY_MIME_A_ENTITY, text(HELLO));
	nlc_call(c, m, &self->r);
	EXPECT_REFUSED(-EINVAL, "1 to 255", &self->r);
	nlc_free(&self->r);

	entity = body_entity(262145);
	nlc_call(c, body_protect_msg(c, self->lane.send, BOB, entity), &self->r);
	EXPECT_REFUSED(-EMSGSIZE, "max_entity", &self->r);
	EXPECT_EQ(MIKEY_MIME_A_ENTITY, self->r.blamed);
	nlc_free(&self->r);
	free((void *)entity.p);

	nlc_call(c, body_protect_msg(c, self->lane.send, CAROL, text(HELLO)), &self->r);
	EXPECT_REFUSED(-EADDRNOTAVAIL, "does not name this recipient", &self->r);
	nlc_free(&self->r);

	nlc_call(c, body_protect_msg(c, 0x7ffffff0, BOB, text(HELLO)), &self->r);
	EXPECT_REFUSED(-ENOKEY, "", &self->r);
	EXPECT_NE(0, strlen(self->r.words));
	nlc_free(&self->r);

	nlc_call(c, body_protect_msg(c, self->lane.alice.psk_serial, BOB, text(HELLO)),
		 &self->r);
	EXPECT_REFUSED(-EOPNOTSUPP, "", &self->r);
	EXPECT_NE(0, strlen(self->r.words));
}

TEST_F(mime, forms_and_algorithms_of_protect)
{
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
		{ MIKEY_FORM_AUTH_ENVELOPED, MIKEY_CONTENT_AES_CBC, -EPROTONOSUPPORT,
		  "algorithm is not known", MIKEY_MIME_A_CONTENT_ALG },
		{ MIKEY_FORM_AUTH_ENVELOPED, 77, -EPROTONOSUPPORT,
		  "algorithm is not known", MIKEY_MIME_A_CONTENT_ALG },
		{ MIKEY_FORM_AUTHENTICATED, MIKEY_CONTENT_AES_GCM, -EPROTONOSUPPORT,
		  "encrypts nothing", MIKEY_MIME_A_CONTENT_ALG },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct nl_msg *m = body_protect_msg(&self->lane.mime, self->lane.send, BOB,
						    text(HELLO));

		nla_put_u32(m, MIKEY_MIME_A_FORM, rows[i].form);
		if (rows[i].alg)
			nla_put_u32(m, MIKEY_MIME_A_CONTENT_ALG, rows[i].alg);
		nlc_call(&self->lane.mime, m, &self->r);
		EXPECT_REFUSED(rows[i].err, rows[i].words, &self->r);
		EXPECT_EQ(rows[i].blamed, self->r.blamed);
		nlc_free(&self->r);
	}
}

/* Netlink's own rules: lengths of numbers, attributes that do not belong */
TEST_F(mime, malformed_attributes)
{
	struct nlc *c = &self->lane.mime;
	struct nl_msg *m;

	m = nlc_msg(c, MIKEY_MIME_CMD_PROTECT);
	nla_put_u16(m, MIKEY_MIME_A_TICKET, 1);
	nlc_call(c, m, &self->r);
	EXPECT_GT(0, self->r.err);
	EXPECT_EQ(MIKEY_MIME_A_TICKET, self->r.blamed);
	nlc_free(&self->r);

	m = body_protect_msg(c, self->lane.send, BOB, text(HELLO));
	nla_put_u64(m, MIKEY_MIME_A_FORM, 1);
	nlc_call(c, m, &self->r);
	EXPECT_GT(0, self->r.err);
	EXPECT_EQ(MIKEY_MIME_A_FORM, self->r.blamed);
	nlc_free(&self->r);

	m = body_protect_msg(c, self->lane.send, BOB, text(HELLO));
	nla_put_u32(m, MIKEY_MIME_A_NO_PROOF, 1);
	nlc_call(c, m, &self->r);
	EXPECT_GT(0, self->r.err);
	nlc_free(&self->r);

	/* of the other command */
	m = body_protect_msg(c, self->lane.send, BOB, text(HELLO));
	nla_put_u32(m, MIKEY_MIME_A_FORMS, ~0);
	nlc_call(c, m, &self->r);
	EXPECT_EQ(-EINVAL, self->r.err);
	EXPECT_EQ(MIKEY_MIME_A_FORMS, self->r.blamed);
	nlc_free(&self->r);

	/* of nobody */
	m = body_protect_msg(c, self->lane.send, BOB, text(HELLO));
	nla_put_u32(m, MIKEY_MIME_A_MAX + 1, 0);
	nlc_call(c, m, &self->r);
	EXPECT_EQ(-EINVAL, self->r.err);
	nlc_free(&self->r);

	/* left over behind the attributes */
	m = body_protect_msg(c, self->lane.send, BOB, text(HELLO));
	nlmsg_append(m, "\1\0\0\0", 4, 0);
	nlc_call(c, m, &self->r);
	EXPECT_EQ(-EINVAL, self->r.err);
	nlc_free(&self->r);

	/* an answer only, and no such command */
	m = nlc_msg(c, MIKEY_MIME_CMD_CAPS);
	nla_put_u32(m, MIKEY_MIME_A_MAX_ENTITY, 1);
	nlc_call(c, m, &self->r);
	EXPECT_EQ(-EINVAL, self->r.err);
	nlc_free(&self->r);
	nlc_call(c, nlc_msg(c, MIKEY_MIME_CMD_MAX + 1), &self->r);
	EXPECT_EQ(-EOPNOTSUPP, self->r.err);
}

TEST_F(mime, unprotect_refusals)
{
	struct nlc *c = &self->lane.mime;
	struct mikey_blob much;
	key_serial_t receive;
	struct nl_msg *m;

	letter_write(&self->letter, &self->lane, MIKEY_FORM_AUTH_ENVELOPED, PROOF_HASH, HELLO,
		     0, NULL);
	receive = letter_admit(&self->letter, &self->lane);
	ASSERT_LT(0, receive);

	nlc_call(c, nlc_msg(c, MIKEY_MIME_CMD_UNPROTECT), &self->r);
	EXPECT_REFUSED(-EINVAL, "ticket is missing", &self->r);
	EXPECT_EQ(MIKEY_MIME_A_TICKET, self->r.missing);
	nlc_free(&self->r);

	m = nlc_msg(c, MIKEY_MIME_CMD_UNPROTECT);
	nla_put_s32(m, MIKEY_MIME_A_TICKET, receive);
	nlc_call(c, m, &self->r);
	EXPECT_REFUSED(-EINVAL, "TRANSFER_INIT is missing", &self->r);
	EXPECT_EQ(MIKEY_MIME_A_TRANSFER, self->r.missing);
	nlc_free(&self->r);

	m = nlc_msg(c, MIKEY_MIME_CMD_UNPROTECT);
	nla_put_s32(m, MIKEY_MIME_A_TICKET, receive);
	nla_put(m, MIKEY_MIME_A_TRANSFER, 1, "x");
	nlc_call(c, m, &self->r);
	EXPECT_REFUSED(-EINVAL, "CMS object is missing", &self->r);
	EXPECT_EQ(MIKEY_MIME_A_CMS, self->r.missing);
	nlc_free(&self->r);

	much = body_entity(262144 + MIKEY_MIME_CMS_OVERHEAD + 1);
	nlc_call(c, body_unprotect_msg(c, receive, letter_transfer(&self->letter), much),
		 &self->r);
	EXPECT_REFUSED(-EMSGSIZE, "max_entity", &self->r);
	EXPECT_EQ(MIKEY_MIME_A_CMS, self->r.blamed);
	nlc_free(&self->r);

	much.len--;
	nlc_call(c, body_unprotect_msg(c, receive, letter_transfer(&self->letter), much),
		 &self->r);
	EXPECT_REFUSED(-EBADMSG, "not a CMS object", &self->r);
	nlc_free(&self->r);

	much.len = MIKEY_MSG_MAX + 1;
	nlc_call(c, body_unprotect_msg(c, receive, much, letter_cms(&self->letter)), &self->r);
	EXPECT_REFUSED(-EMSGSIZE, "TRANSFER_INIT is too long", &self->r);
	EXPECT_EQ(MIKEY_MIME_A_TRANSFER, self->r.blamed);
	nlc_free(&self->r);
	free((void *)much.p);

	nlc_call(c, body_unprotect_msg(c, receive, text(""), letter_cms(&self->letter)),
		 &self->r);
	EXPECT_REFUSED(-EKEYREJECTED, "", &self->r);
	nlc_free(&self->r);
	nlc_call(c, body_unprotect_msg(c, receive, letter_transfer(&self->letter), text("")),
		 &self->r);
	EXPECT_REFUSED(-EBADMSG, "", &self->r);
	nlc_free(&self->r);

	/* tickets of the other role, both ways */
	nlc_call(c, body_unprotect_msg(c, self->lane.send, letter_transfer(&self->letter),
				       letter_cms(&self->letter)), &self->r);
	EXPECT_REFUSED(-EPERM, "send", &self->r);
	nlc_free(&self->r);
	nlc_call(c, body_protect_msg(c, receive, BOB, text(HELLO)), &self->r);
	EXPECT_REFUSED(-EPERM, "received", &self->r);
	nlc_free(&self->r);

	/* and nothing of all that did any harm */
	EXPECT_EQ(0, letter_open(&self->letter, c, receive, &self->r));
	EXPECT_TRUE(body_is(body_attr(&self->r, MIKEY_MIME_A_ENTITY), HELLO));
}

/* A ticket opens the message for which it was resolved and no other. */
TEST_F(mime, another_letter)
{
	static struct letter other;
	key_serial_t receive;

	letter_write(&self->letter, &self->lane, MIKEY_FORM_AUTH_ENVELOPED, PROOF_HASH, HELLO,
		     0, NULL);
	letter_write(&other, &self->lane, MIKEY_FORM_AUTH_ENVELOPED, PROOF_HASH, "other", 0,
		     NULL);
	receive = letter_admit(&self->letter, &self->lane);
	ASSERT_LT(0, receive);
	EXPECT_EQ(-EKEYREJECTED, letter_open(&other, &self->lane.mime, receive, NULL));
	/* its own TRANSFER_INIT with the other's body */
	nlc_call(&self->lane.mime,
		 body_unprotect_msg(&self->lane.mime, receive,
				    letter_transfer(&self->letter), letter_cms(&other)),
		 &self->r);
	EXPECT_REFUSED(-EKEYREJECTED, "proof of origin", &self->r);
	nlc_free(&self->r);
	EXPECT_EQ(0, letter_open(&self->letter, &self->lane.mime, receive, NULL));
}

/* The form that the caller insists on: no downgrade to authenticated. */
TEST_F(mime, forms_mask)
{
	struct nlc *c = &self->lane.mime;
	key_serial_t receive;
	struct nl_msg *m;

	letter_write(&self->letter, &self->lane, MIKEY_FORM_AUTHENTICATED, PROOF_NONE, HELLO, 0,
		     NULL);
	receive = letter_admit(&self->letter, &self->lane);
	ASSERT_LT(0, receive);
	m = body_unprotect_msg(c, receive, letter_transfer(&self->letter),
			       letter_cms(&self->letter));
	nla_put_u32(m, MIKEY_MIME_A_FORMS, 1 << MIKEY_FORM_AUTH_ENVELOPED);
	nlc_call(c, m, &self->r);
	EXPECT_REFUSED(-EPROTONOSUPPORT, "not allowed", &self->r);
	EXPECT_EQ(MIKEY_MIME_A_CMS, self->r.blamed);
	nlc_free(&self->r);

	m = body_unprotect_msg(c, receive, letter_transfer(&self->letter),
			       letter_cms(&self->letter));
	nla_put_u32(m, MIKEY_MIME_A_FORMS, 1 << MIKEY_FORM_AUTHENTICATED);
	EXPECT_EQ(0, nlc_call(c, m, &self->r));
}

TEST_F(mime, caps_and_stats)
{
	struct nlc *c = &self->lane.mime;
	u64 protected, opened, sent_bytes, opened_bytes, entries;
	key_serial_t receive;

	ASSERT_EQ(0, nlc_call(c, nlc_msg(c, MIKEY_MIME_CMD_CAPS), &self->r));
	EXPECT_EQ(MIKEY_MIME_GENL_VERSION, nlc_u32(self->r.attr[MIKEY_MIME_A_API_VERSION]));
	EXPECT_NE(0, nlc_u32(self->r.attr[MIKEY_MIME_A_FORMS]) &
		  1 << MIKEY_FORM_AUTH_ENVELOPED);
	EXPECT_NE(0, nlc_u32(self->r.attr[MIKEY_MIME_A_FORMS]) & 1 << MIKEY_FORM_AUTHENTICATED);
	EXPECT_EQ(262144, nlc_u32(self->r.attr[MIKEY_MIME_A_MAX_ENTITY]));
	ASSERT_NE(NULL, self->r.attr[MIKEY_MIME_A_MODULE_VERSION]);
	EXPECT_LT(1, nla_len(self->r.attr[MIKEY_MIME_A_MODULE_VERSION]));
	nlc_free(&self->r);

	protected = body_stat(c, MIKEY_MIME_S_PROTECTED);
	sent_bytes = body_stat(c, MIKEY_MIME_S_BYTES_PROTECTED);
	ASSERT_EQ(0, nlc_call(c, body_protect_msg(c, self->lane.send, BOB, text(HELLO)),
			      &self->r));
	EXPECT_EQ(protected + 1, body_stat(c, MIKEY_MIME_S_PROTECTED));
	EXPECT_EQ(sent_bytes + strlen(HELLO), body_stat(c, MIKEY_MIME_S_BYTES_PROTECTED));

	opened = body_stat(c, MIKEY_MIME_S_OPENED);
	opened_bytes = body_stat(c, MIKEY_MIME_S_BYTES_OPENED);
	entries = body_stat(c, MIKEY_MIME_S_REPLAY_ENTRIES);
	letter_write(&self->letter, &self->lane, MIKEY_FORM_AUTH_ENVELOPED, PROOF_NONE, HELLO, 0,
		     NULL);
	receive = letter_admit(&self->letter, &self->lane);

	/* refusals are counted where they belong */
	{
		u64 bad_cms = body_stat(c, MIKEY_MIME_S_BAD_CMS);
		u64 bad_transfer = body_stat(c, MIKEY_MIME_S_BAD_TRANSFER);

		self->letter.cms.p[self->letter.cms.len - 1] ^= 1;
		EXPECT_EQ(-EBADMSG, letter_open(&self->letter, c, receive, NULL));
		self->letter.cms.p[self->letter.cms.len - 1] ^= 1;
		EXPECT_EQ(bad_cms + 1, body_stat(c, MIKEY_MIME_S_BAD_CMS));
		self->letter.transfer.len--;
		EXPECT_EQ(-EKEYREJECTED, letter_open(&self->letter, c, receive, NULL));
		self->letter.transfer.len++;
		EXPECT_EQ(bad_transfer + 1, body_stat(c, MIKEY_MIME_S_BAD_TRANSFER));
	}
	ASSERT_EQ(0, letter_open(&self->letter, c, receive, NULL));
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
	struct stranger s = { self->lane.send, &self->lane.mime };

	EXPECT_EQ(0, term_as_user(1234, own_socket, &s));
	EXPECT_EQ(0, term_as_user(1234, inherited_socket, &s));
}

/* A revoked ticket sends and opens nothing any more. */
TEST_F(mime, revoked)
{
	key_serial_t receive;

	letter_write(&self->letter, &self->lane, MIKEY_FORM_AUTH_ENVELOPED, PROOF_NONE, HELLO, 0,
		     NULL);
	receive = letter_admit(&self->letter, &self->lane);
	ASSERT_LT(0, receive);
	ASSERT_EQ(0, keyctl_revoke(receive));
	EXPECT_EQ(-EKEYREVOKED, letter_open(&self->letter, &self->lane.mime, receive, NULL));
	ASSERT_EQ(0, keyctl_revoke(self->lane.send));
	nlc_call(&self->lane.mime,
		 body_protect_msg(&self->lane.mime, self->lane.send, BOB, text(HELLO)),
		 &self->r);
	EXPECT_EQ(-EKEYREVOKED, self->r.err);
}

TEST_HARNESS_MAIN
