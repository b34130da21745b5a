// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Family "mikey_mime": damaged and forged messages. Every truncation and every
 * single flipped bit of a TRANSFER_INIT and of both CMS forms is refused with
 * the error that belongs to it, and the genuine message opens afterwards,
 * once.
 */
#include <kselftest_harness.h>

#include <stdlib.h>

#include "body.h"

#define HELLO "Content-Type: text/plain\r\n\r\nhello"

FIXTURE(damage)
{
	struct lane lane;
	struct letter letter;
	key_serial_t receive;
	struct nlc_reply r;
};

FIXTURE_SETUP(damage)
{
	ASSERT_EQ(0, lane_open(&self->lane));
}

FIXTURE_TEARDOWN(damage)
{
	nlc_free(&self->r);
	lane_close(&self->lane);
}

static void prepare(struct __test_metadata *_metadata, FIXTURE_DATA(damage) *self, u32 form,
		    enum letter_proof proof, void (*bend)(struct edit_buf *object))
{
	letter_write(&self->letter, &self->lane, form, proof, HELLO, 0, bend);
	self->receive = letter_admit(&self->letter, &self->lane);
	ASSERT_LT(0, self->receive);
}

static int try(FIXTURE_DATA(damage) *self)
{
	nlc_free(&self->r);
	return letter_open(&self->letter, &self->lane.mime, self->receive, &self->r);
}

/* The genuine message still opens, and then it is over. */
static void finish(struct __test_metadata *_metadata, FIXTURE_DATA(damage) *self)
{
	int err;

	EXPECT_EQ(0, try(self))
		TH_LOG("%s", self->r.words);
	EXPECT_TRUE(body_is(body_attr(&self->r, MIKEY_MIME_A_ENTITY), HELLO));
	err = try(self);
	EXPECT_TRUE(err == -EPERM || err == -ENOKEY)
		TH_LOG("a second time: %d %s", err, self->r.words);
	self->receive = letter_admit(&self->letter, &self->lane);
	ASSERT_LT(0, self->receive);
	EXPECT_EQ(-EALREADY, try(self));
}

TEST_F_TIMEOUT(damage, transfer, 200)
{
	u32 len;

	prepare(_metadata, self, MIKEY_FORM_AUTH_ENVELOPED, PROOF_HASH, NULL);
	len = self->letter.transfer.len;
	for (self->letter.transfer.len = 0; self->letter.transfer.len < len;
	     self->letter.transfer.len++)
		ASSERT_EQ(-EKEYREJECTED, try(self))
			TH_LOG("cut to %u: %s", self->letter.transfer.len, self->r.words);
	for (u32 bit = 0; bit < 8 * len; bit++) {
		self->letter.transfer.p[bit / 8] ^= 1 << bit % 8;
		ASSERT_EQ(-EKEYREJECTED, try(self))
			TH_LOG("bit %u: %s", bit, self->r.words);
		ASSERT_NE(0, strlen(self->r.words));
		self->letter.transfer.p[bit / 8] ^= 1 << bit % 8;
	}
	finish(_metadata, self);
}

/*
 * A damaged object is malformed or of an unknown kind, which is said first;
 * what is left fails the check of which it is the business.
 */
static void damage_cms(struct __test_metadata *_metadata, FIXTURE_DATA(damage) *self, u32 form,
		       enum letter_proof proof, int err)
{
	u32 len, odd = 0;

	prepare(_metadata, self, form, proof, NULL);
	len = self->letter.cms.len;
	for (self->letter.cms.len = 0; self->letter.cms.len < len; self->letter.cms.len++) {
		ASSERT_EQ(-EBADMSG, try(self))
			TH_LOG("cut to %u: %s", self->letter.cms.len, self->r.words);
		ASSERT_NE(0, strlen(self->r.words));
	}
	for (u32 bit = 0; bit < 8 * len; bit++) {
		int got;

		self->letter.cms.p[bit / 8] ^= 1 << bit % 8;
		got = try(self);
		ASSERT_TRUE(got == -EBADMSG || got == -EPROTONOSUPPORT || got == err)
			TH_LOG("bit %u: %d %s", bit, got, self->r.words);
		ASSERT_NE(0, strlen(self->r.words));
		odd += got == err && (strstr(self->r.words, "does not verify") ||
				      strstr(self->r.words, "proof of origin"));
		self->letter.cms.p[bit / 8] ^= 1 << bit % 8;
	}
	/* wrapped key, content and MAC alone are more than a hundred bytes */
	EXPECT_LT(8 * 80, odd);
	finish(_metadata, self);
}

TEST_F_TIMEOUT(damage, auth_enveloped, 120)
{
	damage_cms(_metadata, self, MIKEY_FORM_AUTH_ENVELOPED, PROOF_NONE, -EBADMSG);
}

TEST_F_TIMEOUT(damage, auth_enveloped_with_proof, 120)
{
	damage_cms(_metadata, self, MIKEY_FORM_AUTH_ENVELOPED, PROOF_HASH, -EKEYREJECTED);
}

TEST_F_TIMEOUT(damage, authenticated, 120)
{
	damage_cms(_metadata, self, MIKEY_FORM_AUTHENTICATED, PROOF_NONE, -EBADMSG);
}

TEST_F_TIMEOUT(damage, authenticated_with_proof, 120)
{
	damage_cms(_metadata, self, MIKEY_FORM_AUTHENTICATED, PROOF_HASH, -EKEYREJECTED);
}

/* Refused in these words; the genuine object is not even tried. */
static void refuse(struct __test_metadata *_metadata, FIXTURE_DATA(damage) *self, int err,
		   const char *words)
{
	EXPECT_EQ(err, try(self));
	EXPECT_NE(NULL, strstr(self->r.words, words))
		TH_LOG("\"%s\" does not say \"%s\"", self->r.words, words);
	EXPECT_EQ(MIKEY_MIME_A_CMS, self->r.blamed);
}

/*
 * An outsider takes the attributes of a genuine object for the content of one
 * without: HMAC over the same bytes, so the MAC fits. (The tag is a SET's as
 * the MAC has it; eContent may be anything.)
 */
TEST_F(damage, attributes_passed_off_as_content)
{
	struct mikey_blob attrs, mac;
	u8 set[256];

	prepare(_metadata, self, MIKEY_FORM_AUTHENTICATED, PROOF_NONE, NULL);
	attrs = edit_find(letter_cms(&self->letter), "0.1.0.5");
	ASSERT_GT(sizeof(set), attrs.len);
	memcpy(set, attrs.p, attrs.len);
	set[0] = 0x31;
	{
		static struct edit_buf with;

		edit(&with, letter_cms(&self->letter), "0.1.0.4.1.0", EDIT_VALUE,
		     (struct mikey_blob){ set, attrs.len });
		self->letter.cms = with;
	}
	mac = edit_find(letter_cms(&self->letter), "0.1.0.6");
	EXPECT_EQ(34, mac.len);
	cms_bend(&self->letter.cms, "0.1.0.5", EDIT_REMOVE, "");
	refuse(_metadata, self, -EBADMSG, "without authenticated attributes");
	cms_bend(&self->letter.cms, "0.1.0.3", EDIT_REMOVE, "");
	refuse(_metadata, self, -EBADMSG, "without a digest");
}

/*
 * Bent by one who has the keys, so that every MAC fits. Refused for what the
 * MAC cannot say.
 */
static void wrong_content_type(struct edit_buf *object)
{
	cms_bend(object, "0.1.0.5.0.1.0", EDIT_VALUE, "2a864886f70d010703");
}

static void wrong_digest(struct edit_buf *object)
{
	cms_bend(object, "0.1.0.5.2.1.0", EDIT_VALUE,
		 "0000000000000000000000000000000000000000000000000000000000000000");
}

static void no_algorithm_protection(struct edit_buf *object)
{
	cms_bend(object, "0.1.0.5.1", EDIT_REMOVE, "");
}

static void unknown_attribute(struct edit_buf *object)
{
	cms_bend(object, "0.1.0.5.0", EDIT_BEFORE, "300806022a0331020500");
}

static void absent_null(struct edit_buf *object)
{
	cms_bend(object, "0.1.0.2.1", EDIT_REMOVE, "");
	cms_bend(object, "0.1.0.5.1.1.0.1.1", EDIT_REMOVE, "");
}

TEST_F(damage, insiders_attributes)
{
	static const struct {
		void (*bend)(struct edit_buf *object);
		int err;
		const char *words;
	} rows[] = {
		{ wrong_content_type, -EBADMSG, "does not verify" },
		{ wrong_digest, -EBADMSG, "does not verify" },
		{ no_algorithm_protection, -EBADMSG, "algorithm protection is missing" },
		{ unknown_attribute, 0, "" },
		{ absent_null, 0, "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		prepare(_metadata, self, MIKEY_FORM_AUTHENTICATED, PROOF_HASH, rows[i].bend);
		EXPECT_EQ(rows[i].err, try(self))
			TH_LOG("row %zu: %s", i, self->r.words);
		EXPECT_NE(NULL, strstr(self->r.words, rows[i].words));
	}
}

/* BER, even with a proof that fits: refused, and in words. */
static void indefinite(struct edit_buf *object)
{
	cms_bend(object, "0", EDIT_INDEFINITE, "");
}

static void indefinite_inside(struct edit_buf *object)
{
	cms_bend(object, "0.1.0.2", EDIT_INDEFINITE, "");
}

static void chunked(struct edit_buf *object)
{
	cms_bend(object, "0.1.0.3", EDIT_CHUNKED, "");
}

static void long_length(struct edit_buf *object)
{
	cms_bend(object, "0.1.0.1", EDIT_LONG_LENGTH, "");
}

TEST_F(damage, ber)
{
	static const struct {
		void (*bend)(struct edit_buf *object);
		const char *words;
	} rows[] = {
		{ indefinite, "indefinite lengths (BER) are not accepted" },
		{ indefinite_inside, "indefinite lengths (BER) are not accepted" },
		{ chunked, "strings in pieces (BER) are not accepted" },
		{ long_length, "not the shortest" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		prepare(_metadata, self, MIKEY_FORM_AUTH_ENVELOPED, PROOF_HASH, rows[i].bend);
		refuse(_metadata, self, -EBADMSG, rows[i].words);
	}
}

/* Keys of another session: a KEK identifier, or a KEK, that is not its own */
TEST_F(damage, wrong_kek)
{
	struct cms_kek kek;
	struct peer_keks keks;

	prepare(_metadata, self, MIKEY_FORM_AUTHENTICATED, PROOF_NONE, NULL);
	cms_bend(&self->letter.cms, "0.1.0.1.0.1.0", EDIT_VALUE, "0011223344556677");
	refuse(_metadata, self, -EBADMSG, "not one of this TRANSFER_INIT");

	/* the TEK where the authentication key belongs */
	keks = self->letter.x.keks;
	memcpy(keks.auth, keks.tek, sizeof(keks.auth));
	kek = body_kek(&keks, self->letter.x.spi, MIKEY_FORM_AUTHENTICATED);
	cms_authenticated(&self->letter.cms, &kek,
			  (struct mikey_blob){ (const u8 *)HELLO, strlen(HELLO) }, NULL);
	refuse(_metadata, self, -EBADMSG, "does not verify");
}

/* An ICV cut to 12 octets and called so: RFC 5084 allows it, GCM as well. */
static void icv_of_12(struct edit_buf *object)
{
	struct mikey_blob icv = edit_find((struct mikey_blob){ object->p, object->len },
					  "0.1.0.3");
	static struct edit_buf out;
	u8 cut[12];

	memcpy(cut, icv.p + 2, sizeof(cut));
	edit(&out, (struct mikey_blob){ object->p, object->len }, "0.1.0.3", EDIT_VALUE,
	     (struct mikey_blob){ cut, sizeof(cut) });
	*object = out;
	cms_bend(object, "0.1.0.2.1.1.1", EDIT_REMOVE, "");
}

TEST_F(damage, short_icv)
{
	prepare(_metadata, self, MIKEY_FORM_AUTH_ENVELOPED, PROOF_HASH, icv_of_12);
	EXPECT_EQ(0, try(self))
		TH_LOG("%s", self->r.words);
	EXPECT_TRUE(body_is(body_attr(&self->r, MIKEY_MIME_A_ENTITY), HELLO));
}

TEST_HARNESS_MAIN
