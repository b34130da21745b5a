// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Family "mikey_mime": objects that somebody made on purpose. What only a key
 * can tell is one answer, whatever it was: the words, the errno and the
 * attribute are the same for a wrong key, MAC, digest, content-type or padding.
 */
#include <kselftest_harness.h>

#include <stdlib.h>

#include "body.h"

#define HELLO "Content-Type: text/plain\r\n\r\nhello"
#define ONE_ANSWER "the CMS object does not verify"

struct scene {
	struct lane lane;
	struct letter letter;
	key_serial_t receive;
	struct nlc_reply r;
};

FIXTURE(forgery)
{
	struct scene sc;
};

FIXTURE_SETUP(forgery)
{
	struct scene *sc = &self->sc;

	ASSERT_EQ(0, lane_open(&sc->lane));
}

FIXTURE_TEARDOWN(forgery)
{
	struct scene *sc = &self->sc;

	nlc_free(&sc->r);
	lane_close(&sc->lane);
}

/* The letter is refused so, with the CMS object at fault; 0 for not at all. */
static void expect(struct __test_metadata *_metadata, struct scene *sc, int err, const char *words)
{
	sc->receive = letter_admit(&sc->letter, &sc->lane);
	ASSERT_LT(0, sc->receive);
	nlc_free(&sc->r);
	EXPECT_EQ(err, letter_open(&sc->letter, &sc->lane.mime, sc->receive, &sc->r));
	EXPECT_NE(NULL, strstr(sc->r.words, words))
		TH_LOG("\"%s\" does not say \"%s\"", sc->r.words, words);
	if (err) {
		EXPECT_EQ(MIKEY_MIME_A_CMS, sc->r.blamed);
		EXPECT_EQ(NULL, sc->r.attr[MIKEY_MIME_A_ENTITY]);
	}
}

static void refuse(struct __test_metadata *_metadata, struct scene *sc,
		   const struct cms_plan *plan, int err, const char *words)
{
	letter_make(&sc->letter, &sc->lane, plan, PROOF_NONE, HELLO, 0);
	expect(_metadata, sc, err, words);
	if (err == -EBADMSG && !strcmp(words, ONE_ANSWER))
		EXPECT_STREQ(ONE_ANSWER, sc->r.words);
}

/* Each KEK where another one of the session belongs (TS 33.328 Annex D) */
TEST_F(forgery, swapped_keks)
{
	struct scene *sc = &self->sc;
	static const struct cms_plan plans[] = {
		{ .form = MIKEY_FORM_AUTH_ENVELOPED, .swapped = true },
		{ .form = MIKEY_FORM_AUTH_ENVELOPED, .alg = MIKEY_CONTENT_AES_CCM,
		  .swapped = true },
		{ .form = MIKEY_FORM_AUTHENTICATED, .swapped = true },
		{ .form = MIKEY_FORM_AUTHENTICATED_ENVELOPED, .swapped = true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(plans); i++)
		refuse(_metadata, sc, &plans[i], -EBADMSG, ONE_ANSWER);
}

/*
 * RFC 5652 6.3: a padding of 1 to 16 octets that all say how many they are.
 * One who has the keys makes it, and the MAC fits.
 */
TEST_F(forgery, cbc_padding)
{
	struct scene *sc = &self->sc;
	const u32 over = strlen(HELLO) % 16, need = 16 - over;
	u8 octets[32];
	struct mikey_blob padding = { octets, need };
	const struct cms_plan plan = {
		.form = MIKEY_FORM_AUTHENTICATED_ENVELOPED,
		.padding = &padding,
	};

	/* the right one, and a whole block more of it */
	memset(octets, need, sizeof(octets));
	refuse(_metadata, sc, &plan, 0, "");
	EXPECT_TRUE(body_is(body_attr(&sc->r, MIKEY_MIME_A_ENTITY), HELLO));

	memset(octets, 0, sizeof(octets));
	refuse(_metadata, sc, &plan, -EBADMSG, ONE_ANSWER);
	memset(octets, 17, sizeof(octets));
	refuse(_metadata, sc, &plan, -EBADMSG, ONE_ANSWER);
	memset(octets, 0xff, sizeof(octets));
	refuse(_metadata, sc, &plan, -EBADMSG, ONE_ANSWER);
	memset(octets, need, sizeof(octets));
	for (u32 i = 0; i + 1 < need; i++) {
		octets[i] ^= 0x80;
		refuse(_metadata, sc, &plan, -EBADMSG, ONE_ANSWER);
		octets[i] ^= 0x80;
	}
	/* one octet too many is said: what is in front of it says otherwise */
	octets[need - 1] = need + 1;
	refuse(_metadata, sc, &plan, -EBADMSG, ONE_ANSWER);
}

/* A body of nothing is none. */
TEST_F(forgery, nothing_but_padding)
{
	struct scene *sc = &self->sc;
	static const u8 octets[16] = {
		16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
	};
	const struct mikey_blob padding = { octets, sizeof(octets) };
	const struct cms_plan plan = {
		.form = MIKEY_FORM_AUTHENTICATED_ENVELOPED,
		.padding = &padding,
	};

	letter_make(&sc->letter, &sc->lane, &plan, PROOF_NONE, "", 0);
	expect(_metadata, sc, -EBADMSG, ONE_ANSWER);
}

/* RFC 5652 11.1: content-type equals eContentType, for both contents. */
static void says_data(struct edit_buf *object)
{
	cms_bend(object, "0.1.0.5.0.1.0", EDIT_VALUE, "2a864886f70d010701");
}

static void says_enveloped(struct edit_buf *object)
{
	cms_bend(object, "0.1.0.5.0.1.0", EDIT_VALUE, "2a864886f70d010703");
}

static void wrong_digest(struct edit_buf *object)
{
	cms_bend(object, "0.1.0.5.2.1.0", EDIT_VALUE,
		 "0000000000000000000000000000000000000000000000000000000000000000");
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

static void other_wrap(struct edit_buf *object)
{
	cms_bend(object, "0.1.0.1.0.2.0", EDIT_VALUE, "608648016503040105");
}

static void other_inner_wrap(struct edit_buf *object)
{
	cms_bend(object, "0.1.0.4.1.0.0.1.0.2.0", EDIT_VALUE, "608648016503040105");
}

static void other_inner_cipher(struct edit_buf *object)
{
	cms_bend(object, "0.1.0.4.1.0.0.2.1.0", EDIT_VALUE, "608648016503040102");
}

static void indefinite_inside(struct edit_buf *object)
{
	cms_bend(object, "0.1.0.4.1.0.0", EDIT_INDEFINITE, "");
}

TEST_F(forgery, insiders_object)
{
	struct scene *sc = &self->sc;
	static const struct {
		u32 form;
		void (*bend)(struct edit_buf *object);
		int err;
		const char *words;
	} rows[] = {
		{ MIKEY_FORM_AUTHENTICATED, says_enveloped, -EBADMSG, ONE_ANSWER },
		{ MIKEY_FORM_AUTHENTICATED, wrong_digest, -EBADMSG, ONE_ANSWER },
		{ MIKEY_FORM_AUTHENTICATED, other_wrap, -EBADMSG, "ticket's suite" },
		{ MIKEY_FORM_AUTHENTICATED_ENVELOPED, says_data, -EBADMSG, ONE_ANSWER },
		{ MIKEY_FORM_AUTHENTICATED_ENVELOPED, wrong_digest, -EBADMSG, ONE_ANSWER },
		{ MIKEY_FORM_AUTHENTICATED_ENVELOPED, unknown_attribute, 0, "" },
		{ MIKEY_FORM_AUTHENTICATED_ENVELOPED, absent_null, 0, "" },
		{ MIKEY_FORM_AUTHENTICATED_ENVELOPED, other_wrap, -EBADMSG, "ticket's suite" },
		{ MIKEY_FORM_AUTHENTICATED_ENVELOPED, other_inner_wrap, -EBADMSG,
		  "differ in length" },
		{ MIKEY_FORM_AUTHENTICATED_ENVELOPED, other_inner_cipher, -EBADMSG,
		  "differ in length" },
		{ MIKEY_FORM_AUTHENTICATED_ENVELOPED, indefinite_inside, -EBADMSG,
		  "indefinite lengths (BER) are not accepted" },
		{ MIKEY_FORM_AUTH_ENVELOPED, other_wrap, -EBADMSG, "differ in length" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct cms_plan plan = { .form = rows[i].form, .bend = rows[i].bend };

		refuse(_metadata, sc, &plan, rows[i].err, rows[i].words);
	}
}

/*
 * An outsider takes the EnvelopedData out of its AuthenticatedData and sends
 * that alone, or calls a genuine object's content another type.
 */
TEST_F(forgery, outsiders_object)
{
	struct scene *sc = &self->sc;
	const struct cms_plan plan = { .form = MIKEY_FORM_AUTHENTICATED_ENVELOPED };
	static const u8 oid[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 3 };
	static struct edit_buf alone, typed;
	struct mikey_blob data;

	letter_make(&sc->letter, &sc->lane, &plan, PROOF_NONE, HELLO, 0);
	data = edit_find(letter_cms(&sc->letter), "0.1.0.4.1.0.0");
	edit(&alone, letter_cms(&sc->letter), "0.1.0", EDIT_REPLACE, data);
	edit(&typed, (struct mikey_blob){ alone.p, alone.len }, "0.0", EDIT_VALUE,
	     (struct mikey_blob){ oid, sizeof(oid) });
	sc->letter.cms = typed;
	expect(_metadata, sc, -EPROTONOSUPPORT, "EnvelopedData without AuthenticatedData");

	/* without digestAlgorithm, whose absence would mean that there are no attributes */
	letter_make(&sc->letter, &sc->lane, &plan, PROOF_NONE, HELLO, 0);
	cms_bend(&sc->letter.cms, "0.1.0.3", EDIT_REMOVE, "");
	expect(_metadata, sc, -EBADMSG, "without a digest");

	/* the encrypted bytes as a body in the clear */
	letter_make(&sc->letter, &sc->lane, &plan, PROOF_NONE, HELLO, 0);
	cms_bend(&sc->letter.cms, "0.1.0.4.0", EDIT_VALUE, "2a864886f70d010701");
	expect(_metadata, sc, -EBADMSG, ONE_ANSWER);

	/* the attributes as content of an object without, under the same MAC */
	letter_make(&sc->letter, &sc->lane, &plan, PROOF_NONE, HELLO, 0);
	{
		struct mikey_blob attrs = edit_find(letter_cms(&sc->letter), "0.1.0.5");
		u8 set[256];

		ASSERT_GT(sizeof(set), attrs.len);
		memcpy(set, attrs.p, attrs.len);
		set[0] = 0x31;
		edit(&alone, letter_cms(&sc->letter), "0.1.0.4.1.0", EDIT_VALUE,
		     (struct mikey_blob){ set, attrs.len });
		sc->letter.cms = alone;
	}
	cms_bend(&sc->letter.cms, "0.1.0.4.0", EDIT_VALUE, "2a864886f70d010701");
	cms_bend(&sc->letter.cms, "0.1.0.5", EDIT_REMOVE, "");
	expect(_metadata, sc, -EBADMSG, "without authenticated attributes");
}

/* Which forms are good enough is the recipient's to say: no way down. */
TEST_F(forgery, downgrade)
{
	struct scene *sc = &self->sc;
	static const u32 forms[] = {
		MIKEY_FORM_AUTH_ENVELOPED, MIKEY_FORM_AUTHENTICATED,
		MIKEY_FORM_AUTHENTICATED_ENVELOPED,
	};

	for (size_t i = 0; i < ARRAY_SIZE(forms) * ARRAY_SIZE(forms); i++) {
		u32 sent = forms[i % ARRAY_SIZE(forms)], wanted = forms[i / ARRAY_SIZE(forms)];
		const struct cms_plan plan = { .form = sent };
		struct nl_msg *m;

		letter_make(&sc->letter, &sc->lane, &plan, PROOF_HASH, HELLO, 0);
		sc->receive = letter_admit(&sc->letter, &sc->lane);
		ASSERT_LT(0, sc->receive);
		m = body_unprotect_msg(&sc->lane.mime, sc->receive, letter_transfer(&sc->letter),
				       letter_cms(&sc->letter));
		nla_put_u32(m, MIKEY_MIME_A_FORMS, 1 << wanted);
		nlc_free(&sc->r);
		EXPECT_EQ(sent == wanted ? 0 : -EPROTONOSUPPORT,
			  nlc_call(&sc->lane.mime, m, &sc->r));
		if (sent != wanted)
			EXPECT_NE(NULL, strstr(sc->r.words, "form is not allowed"));
	}
}

TEST_HARNESS_MAIN
