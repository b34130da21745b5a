// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Family "mikey_mime": every CMS form (TS 33.328 Annex D) with every suite and
 * profile, both ways between the module and OpenSSL. Suites other than 256
 * need the modules loaded anew, from MIKEY_MODULES; skipped without it.
 */
#include <kselftest_harness.h>

#include <stdlib.h>

#include "../ticket/module.h"
#include "body.h"

#define HELLO "Content-Type: text/plain\r\n\r\nhello"
#define LIST "list@example.test"

struct scene {
	struct lane lane;
	struct letter letter;
	struct peer_opened opened;
	struct peer_msg transfer;
	struct nlc_reply r;
	struct nlc_reply r2;
	bool forked;
	u32 key_len;
	bool skip;
};

FIXTURE(forms)
{
	struct scene sc;
};

FIXTURE_VARIANT(forms) { struct peer_kind kind; };

FIXTURE_VARIANT_ADD(forms, immediate_256) { KIND(IMMEDIATE, 256) };
FIXTURE_VARIANT_ADD(forms, immediate_128) { KIND(IMMEDIATE, 128) };
FIXTURE_VARIANT_ADD(forms, immediate_ts_128) { KIND(IMMEDIATE, TS_128) };
FIXTURE_VARIANT_ADD(forms, annex_i_256) { KIND(ANNEX_I, 256) };
FIXTURE_VARIANT_ADD(forms, annex_i_128) { KIND(ANNEX_I, 128) };
FIXTURE_VARIANT_ADD(forms, annex_i_ts_128) { KIND(ANNEX_I, TS_128) };

static const struct form {
	u32 form;
	u32 alg;
} forms[] = {
	{ MIKEY_FORM_AUTH_ENVELOPED, MIKEY_CONTENT_AES_GCM },
	{ MIKEY_FORM_AUTH_ENVELOPED, MIKEY_CONTENT_AES_CCM },
	{ MIKEY_FORM_AUTHENTICATED, 0 },
	{ MIKEY_FORM_AUTHENTICATED_ENVELOPED, MIKEY_CONTENT_AES_CBC },
};

FIXTURE_SETUP(forms)
{
	struct scene *sc = &self->sc;

	sc->skip = !getenv("MIKEY_MODULES") && variant->kind.suite != MIKEY_SUITE_256;
	if (sc->skip)
		return;			/* and each test skips itself */
	if (variant->kind.suite != MIKEY_SUITE_256)
		ASSERT_EQ(0, module_reload("suites=14"));
	sc->forked = mikey_profile_by_id(variant->kind.profile)->forked;
	sc->key_len = mikey_suite_by_id(variant->kind.suite)->key_len;
	ASSERT_EQ(0, lane_open_kind(&sc->lane, variant->kind));
}

FIXTURE_TEARDOWN(forms)
{
	struct scene *sc = &self->sc;

	if (sc->skip)
		return;
	nlc_free(&sc->r);
	nlc_free(&sc->r2);
	lane_close(&sc->lane);
	if (variant->kind.suite != MIKEY_SUITE_256)
		module_reload("");
}

static void protect(struct __test_metadata *_metadata, struct scene *sc,
		    const struct form *f, struct mikey_blob entity)
{
	struct nl_msg *m = body_protect_msg(&sc->lane.mime, sc->lane.send, BOB, entity);
	struct mikey_blob transfer;

	nla_put_u32(m, MIKEY_MIME_A_FORM, f->form);
	if (f->alg)
		nla_put_u32(m, MIKEY_MIME_A_CONTENT_ALG, f->alg);
	ASSERT_EQ(0, nlc_call(&sc->lane.mime, m, &sc->r))
		TH_LOG("form %u, %u bytes: %s", f->form, entity.len, sc->r.words);
	transfer = body_attr(&sc->r, MIKEY_MIME_A_TRANSFER);
	sc->transfer.len = transfer.len;
	memcpy(sc->transfer.p, transfer.p, transfer.len);
	ASSERT_EQ(0, peer_transfer_open(&sc->opened, &sc->lane.ticket, sc->transfer.p,
					sc->transfer.len));
	/* Annex K: only where key forking proves the initiator */
	EXPECT_EQ(sc->forked, sc->opened.msg.ext.present);
}

static void unprotect(struct __test_metadata *_metadata, struct scene *sc,
		      const struct form *f, struct mikey_blob cms, struct mikey_blob entity)
{
	key_serial_t receive = term_admit(&sc->lane.bob, &sc->lane.ticket, &sc->transfer);
	struct mikey_blob back;
	struct nl_msg *m;

	ASSERT_LT(0, receive);
	m = body_unprotect_msg(&sc->lane.mime, receive,
			       (struct mikey_blob){ sc->transfer.p, sc->transfer.len }, cms);
	ASSERT_EQ(0, nlc_call(&sc->lane.mime, m, &sc->r2))
		TH_LOG("form %u, %u bytes: %s", f->form, entity.len, sc->r2.words);
	back = body_join(&sc->r2, MIKEY_MIME_A_ENTITY);
	EXPECT_TRUE(mikey_blob_eq(back, entity));
	free((void *)back.p);
	EXPECT_EQ(f->form, nlc_u32(sc->r2.attr[MIKEY_MIME_A_FORM]));
	EXPECT_EQ(sc->forked ? MIKEY_PROVED_BODY : MIKEY_PROVED_RECIPIENT,
		  nlc_u32(sc->r2.attr[MIKEY_MIME_A_PROVED]));
}

/* Around a cipher's block, a datagram, and 64 KiB in one attribute or two */
static const u32 sizes[] = { 1, 15, 16, 17, 1300, 65535, 65536, 262144 };

TEST_F_TIMEOUT(forms, round_trips, 120)
{
	struct scene *sc = &self->sc;

	if (sc->skip)
		SKIP(return, "MIKEY_MODULES is not set");
	for (size_t i = 0; i < ARRAY_SIZE(forms) * ARRAY_SIZE(sizes); i++) {
		const struct form *f = &forms[i % ARRAY_SIZE(forms)];
		struct mikey_blob entity = body_entity(sizes[i / ARRAY_SIZE(forms)]), cms;
		struct cms_keys keys = { &sc->opened.keks, sc->key_len, { NULL, 0 } };

		protect(_metadata, sc, f, entity);
		keys.id = sc->opened.msg.hdr.cs.spi;
		cms = body_join(&sc->r, MIKEY_MIME_A_CMS);
		EXPECT_TRUE(cms_opens(cms, f->form, f->alg, &keys, entity))
			TH_LOG("form %u, algorithm %u, %u bytes", f->form, f->alg, entity.len);
		unprotect(_metadata, sc, f, cms, entity);
		nlc_free(&sc->r);
		nlc_free(&sc->r2);
		free((void *)entity.p);
		free((void *)cms.p);
	}
}

/* A letter made to a plan, admitted and opened. Return: UNPROTECT's error. */
static int deliver(struct scene *sc, const struct cms_plan *plan, enum letter_proof proof)
{
	key_serial_t receive;

	letter_make(&sc->letter, &sc->lane, plan, proof, HELLO, 0);
	receive = letter_admit(&sc->letter, &sc->lane);
	if (receive < 0)
		return receive;
	nlc_free(&sc->r);
	return letter_open(&sc->letter, &sc->lane.mime, receive, &sc->r);
}

TEST_F(forms, letters_of_the_other_side)
{
	struct scene *sc = &self->sc;

	if (sc->skip)
		SKIP(return, "MIKEY_MODULES is not set");
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		const struct cms_plan plan = { .form = forms[i].form, .alg = forms[i].alg };

		EXPECT_EQ(0, deliver(sc, &plan, PROOF_HASH))
			TH_LOG("form %u: %s", plan.form, sc->r.words);
		EXPECT_TRUE(body_is(body_attr(&sc->r, MIKEY_MIME_A_ENTITY), HELLO));
	}
}

/* RFC 5084 3.1: nonces of 7 to 13 octets; ICVs of 12, 14 and 16 are accepted. */
TEST_F(forms, ccm_nonces_and_icvs)
{
	struct scene *sc = &self->sc;

	if (sc->skip)
		SKIP(return, "MIKEY_MODULES is not set");
	for (u32 nonce = 7; nonce <= 13; nonce++) {
		for (u32 icv = 8; icv <= 16; icv += 2) {
			const struct cms_plan plan = {
				.form = MIKEY_FORM_AUTH_ENVELOPED, .alg = MIKEY_CONTENT_AES_CCM,
				.nonce_len = nonce, .icv_len = icv,
			};

			EXPECT_EQ(icv < 12 ? -EBADMSG : 0, deliver(sc, &plan, PROOF_NONE))
				TH_LOG("nonce %u, ICV %u: %s", nonce, icv, sc->r.words);
			if (icv >= 12)
				EXPECT_TRUE(body_is(body_attr(&sc->r, MIKEY_MIME_A_ENTITY), HELLO));
		}
	}
}

/*
 * Proof of origin (Annex K). With I0 it is ignored whatever it says; with I1 a
 * copy of the MAC, which is the outer one, is no more than nothing.
 */
TEST_F(forms, proof_of_origin)
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

	if (sc->skip)
		SKIP(return, "MIKEY_MODULES is not set");
	for (size_t i = 0; i < ARRAY_SIZE(rows) * ARRAY_SIZE(forms); i++) {
		const struct form *f = &forms[i % ARRAY_SIZE(forms)];
		const struct cms_plan plan = { .form = f->form, .alg = f->alg };
		size_t row = i / ARRAY_SIZE(forms);

		EXPECT_EQ(sc->forked ? rows[row].err : 0, deliver(sc, &plan, rows[row].proof))
			TH_LOG("form %u, row %zu: %s", f->form, row, sc->r.words);
		EXPECT_EQ(sc->forked ? rows[row].proved : MIKEY_PROVED_RECIPIENT,
			  nlc_u32(sc->r.attr[MIKEY_MIME_A_PROVED]));
	}
}

/* Good objects of key sizes that are not those of the ticket's suite */
TEST_F(forms, another_suites_keys)
{
	struct scene *sc = &self->sc;
	struct cms_keys keys;
	key_serial_t receive;

	if (sc->skip)
		SKIP(return, "MIKEY_MODULES is not set");
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		const struct cms_plan plan = { .form = forms[i].form, .alg = forms[i].alg };

		letter_make(&sc->letter, &sc->lane, &plan, PROOF_NONE, HELLO, 0);
		receive = letter_admit(&sc->letter, &sc->lane);
		ASSERT_LT(0, receive);
		keys = letter_keys(&sc->letter);
		keys.len = 48 - keys.len;
		cms_make(&sc->letter.cms, &plan, &keys,
			 (struct mikey_blob){ (const u8 *)HELLO, strlen(HELLO) });
		nlc_free(&sc->r);
		EXPECT_EQ(-EBADMSG, letter_open(&sc->letter, &sc->lane.mime, receive, &sc->r));
		EXPECT_NE(NULL, strstr(sc->r.words, "not those of the ticket's suite"))
			TH_LOG("form %u: %s", plan.form, sc->r.words);
	}
}

static int protect_for(struct scene *sc, const char *recipient, bool list)
{
	struct nl_msg *m = body_protect_msg(&sc->lane.mime, sc->lane.send, recipient,
					    (struct mikey_blob){ (const u8 *)HELLO,
								 strlen(HELLO) });

	if (list)
		nla_put_flag(m, MIKEY_MIME_A_LIST_SERVICE);
	nlc_free(&sc->r);
	return nlc_call(&sc->lane.mime, m, &sc->r);
}

/* Annex F.3: annex-i's ticket names the members, immediate's the service too. */
TEST_F(forms, list_service)
{
	struct scene *sc = &self->sc;
	struct mikey_blob transfer;
	struct mikey_diag d;
	struct mikey_msg m;

	if (sc->skip)
		SKIP(return, "MIKEY_MODULES is not set");
	EXPECT_EQ(-EADDRNOTAVAIL, protect_for(sc, LIST, false));
	EXPECT_EQ(sc->forked ? -EADDRNOTAVAIL : 0, protect_for(sc, LIST, true))
		TH_LOG("%s", sc->r.words);
	if (!sc->forked) {
		transfer = body_attr(&sc->r, MIKEY_MIME_A_TRANSFER);
		ASSERT_EQ(0, mikey_msg_parse(&m, transfer.p, transfer.len, 0, &d));
		EXPECT_TRUE(body_is(m.idr_r.data, LIST));
	}
	EXPECT_EQ(0, protect_for(sc, BOB, true));
	EXPECT_EQ(-EINVAL, protect_for(sc, "list?@example.test", true));
	EXPECT_EQ(MIKEY_MIME_A_RECIPIENT, sc->r.blamed);
	EXPECT_EQ(-EINVAL, protect_for(sc, "list\r\n@example.test", true));
	EXPECT_EQ(-EINVAL, protect_for(sc, "list\x7f@example.test", true));
}

/* A ticket that is kept opens any number of messages, each of them once. */
TEST_F(forms, kept_ticket)
{
	struct scene *sc = &self->sc;
	static struct letter letter[3];
	const struct cms_plan plan = { .form = MIKEY_FORM_AUTH_ENVELOPED };
	key_serial_t receive, other;

	if (sc->skip)
		SKIP(return, "MIKEY_MODULES is not set");
	if (sc->forked)
		return;			/* E1 always (RFC 6043 6.10) */
	sc->lane.alice.cacheable = true;
	ASSERT_LT(0, term_grant(&sc->lane.alice, BOB, &sc->lane.ticket));
	for (int i = 0; i < 3; i++)
		letter_make(&letter[i], &sc->lane, &plan, PROOF_NONE, HELLO, 0);
	receive = letter_admit(&letter[0], &sc->lane);
	ASSERT_LT(0, receive);

	EXPECT_EQ(0, letter_open(&letter[0], &sc->lane.mime, receive, NULL));
	EXPECT_EQ(-EALREADY, letter_open(&letter[0], &sc->lane.mime, receive, NULL));
	/* a damaged copy does not stand in the way of the genuine one */
	letter[1].cms.p[letter[1].cms.len - 1] ^= 1;
	EXPECT_EQ(-EBADMSG, letter_open(&letter[1], &sc->lane.mime, receive, NULL));
	letter[1].cms.p[letter[1].cms.len - 1] ^= 1;
	EXPECT_EQ(0, letter_open(&letter[1], &sc->lane.mime, receive, NULL));
	EXPECT_EQ(-EALREADY, letter_open(&letter[1], &sc->lane.mime, receive, NULL));
	EXPECT_EQ(-EALREADY, letter_open(&letter[0], &sc->lane.mime, receive, NULL));

	/* nor does another ticket help a replay */
	other = letter_admit(&letter[1], &sc->lane);
	ASSERT_LT(0, other);
	EXPECT_EQ(-EALREADY, letter_open(&letter[1], &sc->lane.mime, other, NULL));
	EXPECT_EQ(0, letter_open(&letter[2], &sc->lane.mime, other, NULL));
}

TEST_HARNESS_MAIN
