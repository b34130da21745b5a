// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rules that kernel and KMS share: suites and profiles, the flags, what a
 * Ticket Policy must look like, wildcards, and NTP's two eras.
 */
#include <time.h>

#include "support.h"

static void suites_and_profiles(void **state)
{
	static const char * const suites[] = { "256", "128", "ts-128" };
	static const char * const profiles[] = { "immediate", "annex-i" };
	static const u32 modes[] = { MIKEY_MODE_KMS, MIKEY_MODE_INITIATOR };
	const struct mikey_profile *p;
	const struct mikey_suite *s;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(suites); i++) {
		s = mikey_suite_by_name(suites[i]);
		assert_non_null(s);
		assert_int_equal(s->id, i + 1);
		assert_ptr_equal(mikey_suite_by_id(i + 1), s);
		/* RFC 6043 12.1: no key below 128 bits, no shorter RAND */
		assert_true(s->key_len >= MIKEY_KEY_MIN);
		assert_true(s->key_len <= MIKEY_KEY_MAX);
		assert_true(s->rand_len >= s->key_len);
		assert_true(s->mac_len <= MIKEY_MAC_MAX);
	}
	s = mikey_suite_by_name("256");
	assert_int_equal(s->prf, MIKEY_PRF_HMAC_SHA_256);
	assert_int_equal(s->encr_alg, MIKEY_ENCR_AES_CM_256);
	assert_int_equal(s->auth_alg, MIKEY_AUTH_HMAC_SHA_256_256);
	assert_int_equal(s->key_len, 32);
	assert_int_equal(s->mac_len, 32);
	s = mikey_suite_by_name("128");
	assert_int_equal(s->prf, MIKEY_PRF_MIKEY_1);
	assert_int_equal(s->encr_alg, MIKEY_ENCR_AES_CM_128);
	assert_int_equal(s->auth_alg, MIKEY_AUTH_HMAC_SHA_1_160);
	assert_int_equal(s->key_len, 16);
	assert_int_equal(s->mac_len, 20);
	s = mikey_suite_by_name("ts-128");
	assert_int_equal(s->prf, MIKEY_PRF_HMAC_SHA_256);
	assert_int_equal(s->encr_alg, MIKEY_ENCR_AES_CM_128);
	assert_int_equal(s->auth_alg, MIKEY_AUTH_HMAC_SHA_256_256);
	assert_int_equal(s->key_len, 16);
	assert_int_equal(s->mac_len, 32);
	assert_null(mikey_suite_by_id(0));
	assert_null(mikey_suite_by_id(4));
	assert_null(mikey_suite_by_name(""));
	assert_null(mikey_suite_by_name("25"));

	for (u32 i = 0; i < ARRAY_SIZE(profiles); i++) {
		p = mikey_profile_by_name(profiles[i]);
		assert_non_null(p);
		assert_int_equal(p->id, i + 1);
		assert_ptr_equal(mikey_profile_by_id(i + 1), p);
		assert_int_equal(p->flags_set & p->flags_clear, 0);
		assert_null(mikey_profile_of(p->flags_set));
		for (u32 m = 0; m < ARRAY_SIZE(modes); m++) {
			u16 flags = mikey_profile_flags(p, modes[m]);

			assert_ptr_equal(mikey_profile_of(flags), p);
			assert_int_equal(mikey_mode_of(flags), modes[m]);
		}
	}
	assert_int_equal(mikey_profile_by_id(1)->traffic_key, MIKEY_KEY_GTGK);
	assert_true(mikey_profile_by_id(1)->forked);
	assert_int_equal(mikey_profile_by_id(2)->traffic_key, MIKEY_KEY_TGK);
	assert_false(mikey_profile_by_id(2)->forked);
	assert_null(mikey_profile_by_id(0));
	assert_null(mikey_profile_by_id(3));
	assert_null(mikey_profile_by_name("annex"));
}

static u16 flags_of(const char *letters)
{
	static const char order[] = "DEFGHIJKLMNO";
	u16 flags = 0;

	for (; *letters; letters++)
		flags |= 1 << (11 - (strchr(order, *letters) - order));
	return flags;
}

/* The names of the flags stand for the bits that the payload has. */
static void flag_bits(void **state)
{
	(void)state;
	assert_int_equal(flags_of("D"), MIKEY_FLAG_D);
	assert_int_equal(flags_of("EFG"),
			 MIKEY_FLAG_E | MIKEY_FLAG_F | MIKEY_FLAG_G);
	assert_int_equal(flags_of("HIJ"),
			 MIKEY_FLAG_H | MIKEY_FLAG_I | MIKEY_FLAG_J);
	assert_int_equal(flags_of("KLM"),
			 MIKEY_FLAG_K | MIKEY_FLAG_L | MIKEY_FLAG_M);
	assert_int_equal(flags_of("NO"), MIKEY_FLAG_N | MIKEY_FLAG_O);
	assert_int_equal(flags_of("DEFGHIJKLMNO"), 0xfff);
}

/* All 4096 combinations against the rules as logic (RFC 6043 6.10). */
static void flags_depend_on_each_other(void **state)
{
	u32 good = 0;

	(void)state;
	for (u16 f = 0; f < 0x1000; f++) {
		bool d = f & MIKEY_FLAG_D, e = f & MIKEY_FLAG_E;
		bool ff = f & MIKEY_FLAG_F, g = f & MIKEY_FLAG_G;
		bool h = f & MIKEY_FLAG_H, i = f & MIKEY_FLAG_I;
		bool k = f & MIKEY_FLAG_K, l = f & MIKEY_FLAG_L;
		bool m = f & MIKEY_FLAG_M;
		/* NOT G implies H and NOT H implies G say the same. */
		bool want = (d || l) && (!g || ff) && (g || h) && (!i || e) &&
			    (!k || d) && (!m || ff);
		struct mikey_diag diag = { 0 };

		assert_int_equal(mikey_flags_check(f, &diag),
				 want ? 0 : -EBADMSG);
		assert_int_equal(!diag.why, want);
		good += want;
	}
	assert_true(good > 0 && good < 0x1000);
}

static void each_flag_rule_says_so(void **state)
{
	static const struct {
		const char *flags;
		const char *why;
	} cases[] = {
		{ "H", "(D0)" },
		{ "DGH", "(G1)" },
		{ "D", "(G0)" },
		{ "DHI", "(I1)" },
		{ "HKL", "(K1)" },
		{ "DHM", "(M1)" },
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mikey_diag d = { 0 };

		assert_int_equal(mikey_flags_check(flags_of(cases[i].flags),
						   &d), -EBADMSG);
		if (!strstr(d.why, cases[i].why))
			fail_msg("%s: %s", cases[i].flags, d.why);
	}
}

static void profiles_by_flags(void **state)
{
	static const struct {
		const char *flags;
		const char *profile;
	} cases[] = {
		{ "DEHINO", "immediate" },
		{ "DEHIJKNO", "immediate" },
		{ "DEHNO", "annex-i" },
		{ "DHNO", "annex-i" },
		{ "DHJKNO", "annex-i" },
		{ "EHILNO", "immediate" },
		{ "EHIJLNO", "immediate" },
		{ "EHLNO", "annex-i" },
		{ "HJLNO", "annex-i" },
		{ "EHIKLNO", NULL },
		{ "EHINO", NULL },
		{ "HILNO", NULL },
		{ "DHINO", NULL },
		{ "DEFHINO", NULL },
		{ "DEFGHINO", NULL },
		{ "DEINO", NULL },
		{ "DEHILNO", NULL },
		{ "DEFHIMNO", NULL },
		{ "DEHIO", NULL },
		{ "DEHIN", NULL },
		{ "DEFHNO", NULL },
		{ "", NULL },
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct mikey_profile *p =
			mikey_profile_of(flags_of(cases[i].flags));

		if (!p != !cases[i].profile ||
		    (p && strcmp(p->name, cases[i].profile)))
			fail_msg("%s", cases[i].flags);
	}
}

/* A good policy of `immediate` whose parts a test can exchange. */
struct wish {
	struct mikey_policy p;
	u8 kemac[128];
	u8 tp_data[2048];
};

struct identity {
	u8 role;
	u8 type;
	const char *name;
};

static void put_identities(struct wish *w, const struct identity *ids, u32 num)
{
	struct mikey_builder b;
	u32 n = 1;

	mikey_build_begin(&b, w->tp_data + 1, sizeof(w->tp_data) - 1);
	w->tp_data[0] = num ? MIKEY_PL_IDR : MIKEY_PL_LAST;
	w->p.num_app = 0;
	w->p.num_responders = 0;
	for (u32 i = 0; i < num; i++) {
		if (ids[i].role == MIKEY_IDR_APP && !w->p.num_app++)
			w->p.first_app = n;
		if (ids[i].role == MIKEY_IDR_R && !w->p.num_responders++)
			w->p.first_responder = n;
		mikey_put_idr(&b, ids[i].role, ids[i].type, str(ids[i].name));
		n = 1 + mikey_build_end(&b);
	}
	w->p.tp_data = (struct mikey_blob){ w->tp_data, n };
}

static void put_wanted_key(struct wish *w, u8 type, u32 len)
{
	static const u8 zeros[64];
	struct mikey_builder b;

	mikey_build_begin(&b, w->kemac, sizeof(w->kemac));
	mikey_put_key_data(&b, type, (struct mikey_blob){ zeros, len },
			   (struct mikey_blob){ zeros, 8 });
	w->p.kemac.present = true;
	w->p.kemac.encr_data = (struct mikey_blob){ w->kemac,
						    mikey_build_end(&b) };
}

static struct mikey_ts at(u32 seconds)
{
	return (struct mikey_ts){ .present = true, .type = MIKEY_TS_NTP_UTC_32,
				  .value = (u64)seconds << 32 };
}

static struct mikey_id id_of(u8 type, const char *name)
{
	return (struct mikey_id){ .present = true, .type = type,
				  .data = str(name) };
}

static void make_wish(struct wish *w, bool requested)
{
	static const struct identity ids[] = {
		{ MIKEY_IDR_APP, MIKEY_ID_BYTES, "PSK/MIME" },
		{ MIKEY_IDR_R, MIKEY_ID_NAI, "bob@example.test" },
		{ MIKEY_IDR_R, MIKEY_ID_NAI, "?@friends.example.test" },
	};

	memset(w, 0, sizeof(*w));
	w->p.ticket_type = MIKEY_TICKET_TYPE_3GPP_BASE;
	w->p.subtype = 1;
	w->p.version = 1;
	w->p.prf = MIKEY_PRF_HMAC_SHA_256;
	w->p.flags = flags_of("DEHIJNO");
	w->p.idr_kms = id_of(MIKEY_ID_URI, "https://kms.example.test");
	w->p.idr_i = id_of(MIKEY_ID_NAI, "alice@example.test");
	w->p.tr_s = at(0xee000000);
	w->p.tr_e = at(0xee001000);
	put_identities(w, ids, ARRAY_SIZE(ids));
	if (requested)
		put_wanted_key(w, MIKEY_KEY_GTGK, 32);
}

static void assert_check(const struct wish *w, bool requested, int err,
			 const char *why)
{
	struct mikey_diag d = { 0 };
	int got;

	got = mikey_policy_check(&w->p, mikey_profile_by_name("immediate"),
				 mikey_suite_by_name("256"), requested, &d);
	if (got != err || (err && !strstr(d.why, why)))
		fail_msg("%d (%s), not %d (%s)", got, d.why ? d.why : "", err,
			 err ? why : "");
}

static void good_policies(void **state)
{
	static const struct identity no_app[] = {
		{ MIKEY_IDR_R, MIKEY_ID_NAI, "b@x" },
	};
	static const struct identity second_app[] = {
		{ MIKEY_IDR_APP, MIKEY_ID_BYTES, "TLS" },
		{ MIKEY_IDR_APP, MIKEY_ID_BYTES, "PSK/MIME" },
		{ MIKEY_IDR_R, MIKEY_ID_NAI, "b@x" },
	};
	struct wish w;

	(void)state;
	make_wish(&w, true);
	assert_check(&w, true, 0, NULL);
	make_wish(&w, false);
	assert_check(&w, false, 0, NULL);
	w.p.flags |= MIKEY_FLAG_K;
	assert_check(&w, false, 0, NULL);
	w.p.ticket_type = MIKEY_TICKET_TYPE_MIKEY_BASE;
	assert_check(&w, false, 0, NULL);
	assert_int_equal(mikey_policy_rekey(&w.p), 0);
	w.p.tr_r = at(3600);
	assert_check(&w, false, 0, NULL);
	assert_int_equal(mikey_policy_rekey(&w.p), 3600);
	w.p.tr_r = at(0xffffffff);
	assert_check(&w, false, 0, NULL);
	assert_true(mikey_policy_rekey(&w.p) == 0xffffffff);
	put_identities(&w, no_app, 1);
	assert_check(&w, false, 0, NULL);
	put_identities(&w, second_app, 3);
	assert_check(&w, false, 0, NULL);
	/* across the end of NTP's first era */
	w.p.tr_s = at(0xffffff00);
	w.p.tr_e = at(0x00000100);
	assert_check(&w, false, 0, NULL);
	w.p.tr_s.type = MIKEY_TS_NTP_UTC;
	assert_check(&w, false, 0, NULL);
	/* half a second */
	w.p.tr_s = at(0xee000000);
	w.p.tr_e = (struct mikey_ts){ true, MIKEY_TS_NTP_UTC,
				      0xee00000080000000ULL };
	assert_check(&w, false, 0, NULL);
}

/* A good wish @w, changed, must be refused with these words. */
#define REFUSED(change, requested, err, why) \
	do { \
		bool is_requested = (requested); \
		\
		make_wish(&w, is_requested); \
		change; \
		assert_check(&w, is_requested, err, why); \
	} while (0)

static void policies_with_one_fault(void **state)
{
	static char long_name[MIKEY_UID_MAX + 2];
	struct identity ids[] = {
		{ MIKEY_IDR_R, MIKEY_ID_NAI, "b@x" },
		{ MIKEY_IDR_R, MIKEY_ID_NAI, "c@x" },
	};
	static const struct identity wrong_apps[] = {
		{ MIKEY_IDR_APP, MIKEY_ID_BYTES, "PSK/MIM" },
		{ MIKEY_IDR_APP, MIKEY_ID_NAI, "PSK/MIME" },
		{ MIKEY_IDR_APP, MIKEY_ID_BYTES, "psk/mime" },
		{ MIKEY_IDR_APP, MIKEY_ID_BYTES, "PSK/MIMEx" },
		{ MIKEY_IDR_R, MIKEY_ID_NAI, "b@x" },
	};
	struct wish w;

	(void)state;
	memset(long_name, 'x', MIKEY_UID_MAX + 1);

	REFUSED(w.p.ticket_type = 0, false, -EPROTONOSUPPORT, "ticket type");
	REFUSED(w.p.ticket_type = 3, false, -EPROTONOSUPPORT, "ticket type");
	REFUSED(w.p.subtype = 0, false, -EPROTONOSUPPORT, "ticket type");
	REFUSED(w.p.version = 2, true, -EPROTONOSUPPORT, "ticket type");
	REFUSED(w.p.prf = MIKEY_PRF_MIKEY_1, false, -EPROTONOSUPPORT, "PRF");
	REFUSED(w.p.prf = 2, true, -EPROTONOSUPPORT, "PRF");
	REFUSED(w.p.flags &= ~MIKEY_FLAG_E, false, -EBADMSG, "(I1)");
	REFUSED(w.p.flags &= ~MIKEY_FLAG_I, false, -EBADMSG, "profile");
	REFUSED(w.p.flags |= MIKEY_FLAG_F, false, -EBADMSG, "profile");
	REFUSED(w.p.flags |= MIKEY_FLAG_L, false, -EBADMSG, "profile");
	REFUSED(w.p.flags &= ~MIKEY_FLAG_N, false, -EBADMSG, "profile");
	REFUSED(w.p.flags &= ~MIKEY_FLAG_O, false, -EBADMSG, "profile");
	REFUSED(w.p.flags |= MIKEY_FLAG_K, true, -EBADMSG, "(K)");

	REFUSED(w.p.idr_kms.present = false, false, -EBADMSG, "IDRkms");
	REFUSED(w.p.idr_kms.type = MIKEY_ID_NAI, false, -EBADMSG, "IDRkms");
	REFUSED(w.p.idr_kms.data.len = 0, false, -EBADMSG, "IDRkms");
	REFUSED(w.p.idr_i.present = false, false, -EBADMSG, "IDRi");
	REFUSED(w.p.idr_i.type = MIKEY_ID_URI, false, -EBADMSG, "IDRi");
	REFUSED(w.p.idr_i.data.len = 0, false, -EBADMSG, "IDRi");
	REFUSED(w.p.idr_i.data = str("al?ce@x"), false, -EBADMSG, "IDRi");
	REFUSED(w.p.idr_i.data = str(long_name), false, -EBADMSG, "IDRi");
	REFUSED(w.p.idr_i.data = str("a\r\nb@x"), false, -EBADMSG, "IDRi");
	REFUSED(w.p.idr_i.data = str("a\177b@x"), false, -EBADMSG, "IDRi");

	REFUSED(w.p.tr_s.present = false, false, -EBADMSG, "TRs");
	REFUSED(w.p.tr_e.present = false, false, -EBADMSG, "TRs");
	REFUSED(w.p.tr_s.type = MIKEY_TS_COUNTER, false, -EBADMSG, "TRs");
	REFUSED(w.p.tr_s.type = MIKEY_TS_NTP, false, -EBADMSG, "TRs");
	REFUSED(w.p.tr_e.type = MIKEY_TS_COUNTER, false, -EBADMSG, "TRs");
	REFUSED(w.p.tr_e = w.p.tr_s, false, -EBADMSG, "TRs");
	REFUSED(w.p.tr_e = at(0xedffffff), false, -EBADMSG, "TRs");
	REFUSED(w.p.tr_r = at(1); w.p.tr_r.type = MIKEY_TS_NTP_UTC, false,
		-EBADMSG, "TRr");
	REFUSED(w.p.tr_r = at(1); w.p.tr_r.type = MIKEY_TS_COUNTER, false,
		-EBADMSG, "TRr");
	REFUSED(w.p.tr_r = at(0), false, -EBADMSG, "TRr");

	REFUSED(put_identities(&w, wrong_apps, ARRAY_SIZE(wrong_apps)), false,
		-EBADMSG, "IDRapp");
	REFUSED(put_identities(&w, ids, 0), false, -EBADMSG, "IDRr");
	ids[1].name = "";
	REFUSED(put_identities(&w, ids, 2), false, -EBADMSG, "IDRr");
	ids[1].name = long_name;
	REFUSED(put_identities(&w, ids, 2), false, -EBADMSG, "IDRr");
	ids[1].name = "b\n@x";
	REFUSED(put_identities(&w, ids, 2), false, -EBADMSG, "IDRr");
	ids[1].name = "c@x";
	ids[1].type = MIKEY_ID_URI;
	REFUSED(put_identities(&w, ids, 2), false, -EBADMSG, "IDRr");
	ids[1].type = MIKEY_ID_NAI;
	long_name[MIKEY_UID_MAX] = '\0';
	ids[1].name = long_name;
	REFUSED(put_identities(&w, ids, 2), false, 0, NULL);

	REFUSED(w.p.kemac.present = true, false, -EBADMSG, "granted");
	REFUSED(w.p.kemac.present = false, true, -EBADMSG, "which key");
	REFUSED(w.p.kemac.encr_alg = 3, true, -EBADMSG, "algorithm");
	REFUSED(w.p.kemac.mac_alg = 2, true, -EBADMSG, "algorithm");
	REFUSED(put_wanted_key(&w, MIKEY_KEY_TGK, 32), true, -EBADMSG,
		"wanted key");
	REFUSED(put_wanted_key(&w, MIKEY_KEY_GTGK, 16), true, -EBADMSG,
		"wanted key");
	REFUSED(put_wanted_key(&w, MIKEY_KEY_GTGK, 33), true, -EBADMSG,
		"wanted key");
	REFUSED(w.p.kemac.encr_data.len--, true, -EBADMSG, "runs past");
	REFUSED(w.p.kemac.encr_data.len = 0, true, -EBADMSG, "runs past");
	REFUSED(w.kemac[1] = MIKEY_KEY_GTGK << 4 | MIKEY_KV_NULL;
		w.p.kemac.encr_data.len -= 9, true, -EBADMSG, "wanted key");
}

/* Asking for two keys is refused as a policy, not as a lack of room. */
static void two_wanted_keys(void **state)
{
	struct mikey_builder b;
	struct wish w;

	(void)state;
	make_wish(&w, true);
	mikey_build_begin(&b, w.kemac, sizeof(w.kemac));
	for (u32 i = 0; i < 2; i++)
		mikey_put_key_data(&b, MIKEY_KEY_GTGK,
				   (struct mikey_blob){ (u8[32]){ 0 }, 32 },
				   NONE);
	w.p.kemac.encr_data.len = mikey_build_end(&b);
	assert_check(&w, true, -EBADMSG, "too many keys");
}

static void wildcards(void **state)
{
	static const struct {
		const char *pattern;
		const char *uid;
		bool match;
	} cases[] = {
		{ "bob@x", "bob@x", true },
		{ "bob@x", "bob@y", false },
		{ "bob@x", "bob@xx", false },
		{ "bob@xx", "bob@x", false },
		{ "bob@x", "Bob@x", false },
		{ "?", "bob@x", true },
		{ "??", "bob@x", true },
		{ "?@?", "bob@x", true },
		{ "?@?", "bob", false },
		{ "?@x", "bob@x", true },
		{ "?@x", "@x", true },
		{ "?@x", "bob@xy", false },
		{ "?@x", "a@x@x", true },
		{ "bob@?", "bob@", true },
		{ "bob@?", "bob@a.b", true },
		{ "bob@?", "bo@a", false },
		{ "b?b@x", "bb@x", true },
		{ "b?b@x", "bxxb@x", true },
		{ "b?b@x", "bbbb@x", true },
		{ "b?b@x", "b@x", false },
		{ "?b?", "b", true },
		{ "?b?", "a", false },
		{ "a?b?c", "abc", true },
		{ "a?b?c", "axxbyybzzc", true },
		{ "a?b?c", "axxbyycd", false },
		{ "?ab", "aab", true },
		{ "?aab", "aaab", true },
		{ "?aba?", "ababab", true },
		{ "?.example.test", "bob@a.example.test", true },
		{ "?.example.test", "bob@example.test", false },
		{ "", "bob@x", false },
		{ "", "", false },
		{ "?", "", false },
		{ "bob@x?", "bob@x", true },
		{ "bob@x??", "bob@x", true },
		/* '?' is no character of a user's own UID */
		{ "b?b@x", "b?b@x", false },
		{ "?", "b?b@x", false },
		{ "?", "?", false },
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		if (mikey_uid_match(str(cases[i].pattern), str(cases[i].uid)) !=
		    cases[i].match)
			fail_msg("%s, %s", cases[i].pattern, cases[i].uid);
	}
}

/* Simple and slow: match[i][j] says whether prefixes of these lengths match. */
static bool match_slowly(const char *pattern, const char *uid)
{
	bool match[16][16] = { { false } };
	size_t n = strlen(pattern), m = strlen(uid);

	match[0][0] = true;
	for (size_t i = 1; i <= n; i++) {
		for (size_t j = 0; j <= m; j++) {
			if (pattern[i - 1] == '?')
				match[i][j] = match[i - 1][j] ||
					      (j && match[i][j - 1]);
			else
				match[i][j] = j && match[i - 1][j - 1] &&
					      pattern[i - 1] == uid[j - 1];
		}
	}
	return match[n][m];
}

/* The @code-th word over @letters, shortest first. */
static void word(u32 code, u32 base, const char *letters, char *out)
{
	for (; code; code = (code - 1) / base)
		*out++ = letters[(code - 1) % base];
	*out = '\0';
}

/* Every short pattern over {a, b, ?} and every short UID over {a, b}. */
static void wildcards_exhaustively(void **state)
{
	char pattern[16], uid[16];

	(void)state;
	for (u32 p = 0; p < 3280; p++) {
		word(p, 3, "ab?", pattern);
		for (u32 u = 1; u < 511; u++) {
			word(u, 2, "ab", uid);
			if (mikey_uid_match(str(pattern), str(uid)) !=
			    match_slowly(pattern, uid))
				fail_msg("%s, %s", pattern, uid);
		}
	}
}

/* The patterns that backtracking matchers choke on. */
static void wildcards_at_their_worst(void **state)
{
	char pattern[MIKEY_UID_MAX + 2], uid[MIKEY_UID_MAX + 2];
	struct timespec from, to;

	(void)state;
	memset(uid, 'a', sizeof(uid));
	for (u32 i = 0; i < MIKEY_UID_MAX; i++)
		pattern[i] = i % 2 ? 'a' : '?';
	pattern[MIKEY_UID_MAX - 1] = 'b';
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (u32 i = 0; i < 1000; i++)
		assert_false(mikey_uid_match((struct mikey_blob){
				(u8 *)pattern, MIKEY_UID_MAX },
				(struct mikey_blob){ (u8 *)uid,
						     MIKEY_UID_MAX }));
	clock_gettime(CLOCK_MONOTONIC, &to);
	assert_true(to.tv_sec - from.tv_sec < 20);

	/* nothing longer is even looked at */
	pattern[0] = '?';
	assert_true(mikey_uid_match((struct mikey_blob){ (u8 *)pattern, 1 },
				    (struct mikey_blob){ (u8 *)uid, 255 }));
	assert_false(mikey_uid_match((struct mikey_blob){ (u8 *)pattern, 1 },
				     (struct mikey_blob){ (u8 *)uid, 256 }));
	assert_false(mikey_uid_match((struct mikey_blob){ (u8 *)uid, 256 },
				     (struct mikey_blob){ (u8 *)uid, 255 }));
}

static void policy_names(void **state)
{
	static const struct identity ids[] = {
		{ MIKEY_IDR_APP, MIKEY_ID_NAI, "app@x" },
		{ MIKEY_IDR_R, MIKEY_ID_NAI, "bob@x" },
		{ MIKEY_IDR_R, MIKEY_ID_URI, "carol@x" },
		{ MIKEY_IDR_R, MIKEY_ID_NAI, "?@friends.x" },
	};
	struct wish w;

	(void)state;
	make_wish(&w, false);
	put_identities(&w, ids, ARRAY_SIZE(ids));
	assert_true(mikey_policy_names(&w.p, str("bob@x")));
	assert_true(mikey_policy_names(&w.p, str("dave@friends.x")));
	assert_false(mikey_policy_names(&w.p, str("carol@x")));
	assert_false(mikey_policy_names(&w.p, str("app@x")));
	assert_false(mikey_policy_names(&w.p, str("alice@example.test")));
	assert_false(mikey_policy_names(&w.p, NONE));
}

/* RFC 4330 section 3, at the seconds where something changes. */
static void eras(void **state)
{
	static const struct {
		u32 ntp;
		s64 unix_seconds;
	} cases[] = {
		{ 0x80000000, -61505152 },	/* 1968-01-20T03:14:08Z */
		{ 0x80000001, -61505151 },
		{ 2208988799u, -1 },
		{ 2208988800u, 0 },
		{ 0xee000000, 1783988608 },	/* 2026-07-14T00:23:28Z */
		{ 0xffffffff, 2085978495 },	/* 2036-02-07T06:28:15Z */
		{ 0x00000000, 2085978496 },
		{ 0x7fffffff, 4233462143 },	/* 2104-02-26T09:42:23Z */
	};
	struct mikey_ts t;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		t = at(cases[i].ntp);
		assert_true(mikey_ts_to_unix(&t) == cases[i].unix_seconds);
		t.value |= 0xffffffff;		/* a fraction does not count */
		assert_true(mikey_ts_to_unix(&t) == cases[i].unix_seconds);
		memset(&t, 0xff, sizeof(t));
		mikey_ts_from_unix(&t, cases[i].unix_seconds);
		assert_true(t.present);
		assert_int_equal(t.type, MIKEY_TS_NTP_UTC_32);
		assert_int_equal(t.value, (u64)cases[i].ntp << 32);
	}
	/* What lies outside becomes the nearest that can be said. */
	mikey_ts_from_unix(&t, -61505153);
	assert_int_equal(t.value, 0x80000000ULL << 32);
	mikey_ts_from_unix(&t, INT64_MIN);
	assert_int_equal(t.value, 0x80000000ULL << 32);
	mikey_ts_from_unix(&t, 4233462144);
	assert_int_equal(t.value, 0x7fffffffULL << 32);
	mikey_ts_from_unix(&t, INT64_MAX);
	assert_int_equal(t.value, 0x7fffffffULL << 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(suites_and_profiles),
		cmocka_unit_test(flag_bits),
		cmocka_unit_test(flags_depend_on_each_other),
		cmocka_unit_test(each_flag_rule_says_so),
		cmocka_unit_test(profiles_by_flags),
		cmocka_unit_test(good_policies),
		cmocka_unit_test(policies_with_one_fault),
		cmocka_unit_test(two_wanted_keys),
		cmocka_unit_test(wildcards),
		cmocka_unit_test(wildcards_exhaustively),
		cmocka_unit_test(wildcards_at_their_worst),
		cmocka_unit_test(policy_names),
		cmocka_unit_test(eras),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
