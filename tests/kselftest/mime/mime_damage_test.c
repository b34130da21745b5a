// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Family "mikey_mime": damaged and forged messages. Every truncation and every
 * single flipped bit of a TRANSFER_INIT and of each CMS form is refused with
 * the error that belongs to it, and the genuine message opens afterwards,
 * once.
 */
#include <kselftest_harness.h>

#include <stdlib.h>
#include <time.h>

#include "body.h"

#define HELLO "Content-Type: text/plain\r\n\r\nhello"
#define FRESH_SECONDS 20

struct scene {
	struct lane lane;
	struct letter letter;
	key_serial_t receive;
	time_t admitted;
	struct nlc_reply r;
	u32 alg;
};

FIXTURE(damage)
{
	struct scene sc;
};

FIXTURE_SETUP(damage)
{
	struct scene *sc = &self->sc;

	ASSERT_EQ(0, lane_open(&sc->lane));
}

FIXTURE_TEARDOWN(damage)
{
	struct scene *sc = &self->sc;

	nlc_free(&sc->r);
	lane_close(&sc->lane);
}

static void admit(struct __test_metadata *_metadata, struct scene *sc)
{
	sc->receive = letter_admit(&sc->letter, &sc->lane);
	ASSERT_LT(0, sc->receive);
	sc->admitted = time(NULL);
}

/* A ticket for one message lives for a minute, which is short on a slow kernel. */
static void refresh(struct __test_metadata *_metadata, struct scene *sc)
{
	if (time(NULL) - sc->admitted >= FRESH_SECONDS)
		admit(_metadata, sc);
}

static void prepare(struct __test_metadata *_metadata, struct scene *sc, u32 form,
		    enum letter_proof proof, void (*bend)(struct edit_buf *object))
{
	const struct cms_plan plan = { .form = form, .alg = sc->alg, .bend = bend };

	letter_make(&sc->letter, &sc->lane, &plan, proof, HELLO, 0);
	admit(_metadata, sc);
}

static int try(struct scene *sc)
{
	nlc_free(&sc->r);
	return letter_open(&sc->letter, &sc->lane.mime, sc->receive, &sc->r);
}

/* The genuine message still opens, and then it is over. */
static void finish(struct __test_metadata *_metadata, struct scene *sc)
{
	int err;

	EXPECT_EQ(0, try(sc))
		TH_LOG("%s", sc->r.words);
	EXPECT_TRUE(body_is(body_attr(&sc->r, MIKEY_MIME_A_ENTITY), HELLO));
	err = try(sc);
	EXPECT_TRUE(err == -EPERM || err == -EKEYEXPIRED || err == -ENOKEY)
		TH_LOG("a second time: %d %s", err, sc->r.words);
	admit(_metadata, sc);
	EXPECT_EQ(-EALREADY, try(sc));
}

TEST_F_TIMEOUT(damage, transfer, 200)
{
	struct scene *sc = &self->sc;
	u32 len;

	prepare(_metadata, sc, MIKEY_FORM_AUTH_ENVELOPED, PROOF_HASH, NULL);
	len = sc->letter.transfer.len;
	for (u32 cut = 0; cut < len; cut++) {
		sc->letter.transfer.len = len;
		refresh(_metadata, sc);
		sc->letter.transfer.len = cut;
		ASSERT_EQ(-EKEYREJECTED, try(sc))
			TH_LOG("cut to %u: %s", cut, sc->r.words);
	}
	sc->letter.transfer.len = len;
	for (u32 bit = 0; bit < 8 * len; bit++) {
		refresh(_metadata, sc);
		sc->letter.transfer.p[bit / 8] ^= 1 << bit % 8;
		ASSERT_EQ(-EKEYREJECTED, try(sc))
			TH_LOG("bit %u: %s", bit, sc->r.words);
		ASSERT_NE(0, strlen(sc->r.words));
		sc->letter.transfer.p[bit / 8] ^= 1 << bit % 8;
	}
	finish(_metadata, sc);
}

/*
 * A damaged object is malformed or of an unknown kind, which is said first;
 * what is left fails the check of which it is the business.
 */
static void damage_cms(struct __test_metadata *_metadata, struct scene *sc, u32 form,
		       enum letter_proof proof, int err)
{
	u32 len, odd = 0;

	prepare(_metadata, sc, form, proof, NULL);
	len = sc->letter.cms.len;
	for (sc->letter.cms.len = 0; sc->letter.cms.len < len; sc->letter.cms.len++) {
		refresh(_metadata, sc);
		ASSERT_EQ(-EBADMSG, try(sc))
			TH_LOG("cut to %u: %s", sc->letter.cms.len, sc->r.words);
		ASSERT_NE(0, strlen(sc->r.words));
	}
	for (u32 bit = 0; bit < 8 * len; bit++) {
		int got;

		refresh(_metadata, sc);
		sc->letter.cms.p[bit / 8] ^= 1 << bit % 8;
		got = try(sc);
		ASSERT_TRUE(got == -EBADMSG || got == -EPROTONOSUPPORT || got == err)
			TH_LOG("bit %u: %d %s", bit, got, sc->r.words);
		ASSERT_NE(0, strlen(sc->r.words));
		odd += got == err && (strstr(sc->r.words, "does not verify") ||
				      strstr(sc->r.words, "proof of origin"));
		sc->letter.cms.p[bit / 8] ^= 1 << bit % 8;
	}
	/* wrapped key, content and MAC alone are more than a hundred bytes */
	EXPECT_LT(8 * 80, odd);
	finish(_metadata, sc);
}

TEST_F_TIMEOUT(damage, auth_enveloped, 120)
{
	struct scene *sc = &self->sc;

	damage_cms(_metadata, sc, MIKEY_FORM_AUTH_ENVELOPED, PROOF_NONE, -EBADMSG);
}

TEST_F_TIMEOUT(damage, auth_enveloped_with_proof, 120)
{
	struct scene *sc = &self->sc;

	damage_cms(_metadata, sc, MIKEY_FORM_AUTH_ENVELOPED, PROOF_HASH, -EKEYREJECTED);
}

TEST_F_TIMEOUT(damage, authenticated, 120)
{
	struct scene *sc = &self->sc;

	damage_cms(_metadata, sc, MIKEY_FORM_AUTHENTICATED, PROOF_NONE, -EBADMSG);
}

TEST_F_TIMEOUT(damage, auth_enveloped_ccm, 120)
{
	struct scene *sc = &self->sc;

	sc->alg = MIKEY_CONTENT_AES_CCM;
	damage_cms(_metadata, sc, MIKEY_FORM_AUTH_ENVELOPED, PROOF_NONE, -EBADMSG);
}

TEST_F_TIMEOUT(damage, authenticated_enveloped, 120)
{
	struct scene *sc = &self->sc;

	damage_cms(_metadata, sc, MIKEY_FORM_AUTHENTICATED_ENVELOPED, PROOF_NONE, -EBADMSG);
}

TEST_F_TIMEOUT(damage, authenticated_with_proof, 120)
{
	struct scene *sc = &self->sc;

	damage_cms(_metadata, sc, MIKEY_FORM_AUTHENTICATED, PROOF_HASH, -EKEYREJECTED);
}

/* Refused in these words; the genuine object is not even tried. */
static void refuse(struct __test_metadata *_metadata, struct scene *sc, int err,
		   const char *words)
{
	EXPECT_EQ(err, try(sc));
	EXPECT_NE(NULL, strstr(sc->r.words, words))
		TH_LOG("\"%s\" does not say \"%s\"", sc->r.words, words);
	EXPECT_EQ(MIKEY_MIME_A_CMS, sc->r.blamed);
}

/*
 * An outsider takes the attributes of a genuine object for the content of one
 * without: HMAC over the same bytes, so the MAC fits. (The tag is a SET's as
 * the MAC has it; eContent may be anything.)
 */
TEST_F(damage, attributes_passed_off_as_content)
{
	struct scene *sc = &self->sc;
	struct mikey_blob attrs, mac;
	u8 set[256];

	prepare(_metadata, sc, MIKEY_FORM_AUTHENTICATED, PROOF_NONE, NULL);
	attrs = edit_find(letter_cms(&sc->letter), "0.1.0.5");
	ASSERT_GT(sizeof(set), attrs.len);
	memcpy(set, attrs.p, attrs.len);
	set[0] = 0x31;
	{
		static struct edit_buf with;

		edit(&with, letter_cms(&sc->letter), "0.1.0.4.1.0", EDIT_VALUE,
		     (struct mikey_blob){ set, attrs.len });
		sc->letter.cms = with;
	}
	mac = edit_find(letter_cms(&sc->letter), "0.1.0.6");
	EXPECT_EQ(34, mac.len);
	cms_bend(&sc->letter.cms, "0.1.0.5", EDIT_REMOVE, "");
	refuse(_metadata, sc, -EBADMSG, "without authenticated attributes");
	cms_bend(&sc->letter.cms, "0.1.0.3", EDIT_REMOVE, "");
	refuse(_metadata, sc, -EBADMSG, "without a digest");
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
	struct scene *sc = &self->sc;
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
		prepare(_metadata, sc, MIKEY_FORM_AUTHENTICATED, PROOF_HASH, rows[i].bend);
		EXPECT_EQ(rows[i].err, try(sc))
			TH_LOG("row %zu: %s", i, sc->r.words);
		EXPECT_NE(NULL, strstr(sc->r.words, rows[i].words));
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
	struct scene *sc = &self->sc;
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
		prepare(_metadata, sc, MIKEY_FORM_AUTH_ENVELOPED, PROOF_HASH, rows[i].bend);
		refuse(_metadata, sc, -EBADMSG, rows[i].words);
	}
}

/* Keys of another session: a KEK identifier that is not its own */
TEST_F(damage, wrong_kek_id)
{
	struct scene *sc = &self->sc;

	prepare(_metadata, sc, MIKEY_FORM_AUTHENTICATED, PROOF_NONE, NULL);
	cms_bend(&sc->letter.cms, "0.1.0.1.0.1.0", EDIT_VALUE, "0011223344556677");
	refuse(_metadata, sc, -EBADMSG, "not one of this TRANSFER_INIT");

	prepare(_metadata, sc, MIKEY_FORM_AUTHENTICATED_ENVELOPED, PROOF_NONE, NULL);
	cms_bend(&sc->letter.cms, "0.1.0.4.1.0.0.1.0.1.0", EDIT_VALUE, "0011223344556677");
	refuse(_metadata, sc, -EBADMSG, "not one of this TRANSFER_INIT");
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
	struct scene *sc = &self->sc;

	prepare(_metadata, sc, MIKEY_FORM_AUTH_ENVELOPED, PROOF_HASH, icv_of_12);
	EXPECT_EQ(0, try(sc))
		TH_LOG("%s", sc->r.words);
	EXPECT_TRUE(body_is(body_attr(&sc->r, MIKEY_MIME_A_ENTITY), HELLO));
}

TEST_HARNESS_MAIN
