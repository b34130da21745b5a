// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Authenticated Ticket Requests: what is granted as asked, what is changed
 * (and says so with K), what is refused, and when.
 */
#include "tests/unit/kms/support.h"

static struct message msg;
static struct granted granted;

static void ask(struct house *h, const struct request *r)
{
	request_write(r, &msg);
	assert_int_equal(house_handle(h, KMS_TICKET_REQUEST, message_blob(&msg)), 0);
}

/* Granted: returns the policy, checked for what never differs. */
static const struct mikey_policy *grant(struct house *h, const struct request *r)
{
	const struct mikey_policy *p;

	ask(h, r);
	if (h->answer.error_no >= 0)
		fail_msg("refused: %s", h->answer.why);
	granted_read(&granted, r, &msg, &h->answer);
	p = &granted.m.ticket.policy;
	assert_int_equal(p->ticket_type, r->head.ticket_type);
	assert_int_equal(p->subtype, 1);
	assert_int_equal(p->version, 1);
	assert_int_equal(p->prf, r->head.prf);
	assert_false(p->kemac.present);
	assert_int_equal(granted.m.ticket.initiator_data.len, 0);
	assert_int_equal(p->num_app, 1);
	return p;
}

static void refuse(struct house *h, const struct request *r,
		   enum mikey_err_no no)
{
	ask(h, r);
	assert_error(h, no, true, r->psk, &msg);
}

static bool changed(const struct mikey_policy *p)
{
	return p->flags & MIKEY_FLAG_K;
}

static void as_asked(void **state)
{
	struct house *h = *state;
	const struct mikey_policy *p;
	struct mikey_policy_iter it;
	struct mikey_id id;
	struct request r;

	request_init(&r, h);
	r.to[1] = "carol@example.test";
	r.to[2] = TEAM;
	p = grant(h, &r);
	assert_int_equal(p->flags, r.head.flags);
	assert_true(mikey_blob_eq(p->idr_kms.data, str(KMS_URL)));
	assert_true(mikey_blob_eq(p->idr_i.data, str(ALICE)));
	assert_int_equal(mikey_ts_to_unix(&p->tr_s), r.start);
	assert_int_equal(mikey_ts_to_unix(&p->tr_e), r.end);
	assert_false(p->tr_r.present);
	assert_int_equal(p->num_responders, 3);
	mikey_policy_walk(&it, p, MIKEY_IDR_R);
	assert_true(mikey_policy_next(&it, p, &id));
	assert_true(mikey_blob_eq(id.data, str(BOB)));
	assert_true(mikey_policy_next(&it, p, &id));
	assert_true(mikey_policy_next(&it, p, &id));
	assert_true(mikey_blob_eq(id.data, str(TEAM)));
	assert_string_equal(h->answer.who, "alice-psk");
}

/* Two tickets share no key, SPI or RAND. */
static void fresh_keys(void **state)
{
	static struct granted first;
	struct house *h = *state;
	struct request r;

	request_init(&r, h);
	grant(h, &r);
	first = granted;
	request_init(&r, h);
	grant(h, &r);
	assert_memory_not_equal(first.keys.mpk, granted.keys.mpk, 32);
	assert_memory_not_equal(first.mpk_r, granted.mpk_r, 32);
	assert_memory_not_equal(first.keys.traffic, granted.keys.traffic, 32);
	assert_memory_not_equal(first.keys.spi, granted.keys.spi, MIKEY_SPI_LEN);
	assert_memory_not_equal(granted.keys.mpk, granted.mpk_r, 32);
}

static void lifetime(void **state)
{
	struct house *h = *state;
	const struct mikey_policy *p;
	struct request r;

	request_init(&r, h);
	r.end = NOW + h->policy.terms.max_lifetime;
	assert_false(changed(grant(h, &r)));
	request_init(&r, h);
	r.end = NOW + h->policy.terms.max_lifetime + 1;
	p = grant(h, &r);
	assert_true(changed(p));
	assert_int_equal(mikey_ts_to_unix(&p->tr_e), NOW + h->policy.terms.max_lifetime);

	/* dated back by more than the skew */
	request_init(&r, h);
	r.start = NOW - h->policy.skew;
	assert_false(changed(grant(h, &r)));
	request_init(&r, h);
	r.start = NOW - h->policy.skew - 1;
	p = grant(h, &r);
	assert_true(changed(p));
	assert_int_equal(mikey_ts_to_unix(&p->tr_s), NOW);

	/* over, or beginning after the longest ends */
	request_init(&r, h);
	r.start = NOW - 100;
	r.end = NOW;
	refuse(h, &r, MIKEY_ERR_INVALID_TPPAR);
	request_init(&r, h);
	r.start = NOW + h->policy.terms.max_lifetime;
	r.end = r.start + 100;
	refuse(h, &r, MIKEY_ERR_INVALID_TPPAR);
}

static void reuse(void **state)
{
	struct house *h = *state;
	const struct mikey_policy *p;
	struct request r;

	h->policy.terms.reuse = false;
	request_init(&r, h);
	p = grant(h, &r);
	assert_true(changed(p));
	assert_false(p->flags & MIKEY_FLAG_J);
	request_init(&r, h);
	r.head.flags &= ~MIKEY_FLAG_J;
	assert_false(changed(grant(h, &r)));
	h->policy.terms.reuse = true;
	request_init(&r, h);
	r.head.flags &= ~MIKEY_FLAG_J;
	p = grant(h, &r);
	assert_false(changed(p));
	assert_false(p->flags & MIKEY_FLAG_J);
}

/* The granted IDRi is the authenticated one, whatever TP asked for. */
static void initiator(void **state)
{
	struct house *h = *state;
	const struct mikey_policy *p;
	struct request r;

	request_init(&r, h);
	r.tp_idr_i = "mallory@example.test";
	p = grant(h, &r);
	assert_true(changed(p));
	assert_true(mikey_blob_eq(p->idr_i.data, str(ALICE)));

	request_init(&r, h);
	r.idr_i = BOB;
	r.tp_idr_i = BOB;
	refuse(h, &r, MIKEY_ERR_AUTH_FAILURE);

	h->mem.users[0].uids[1] = "alice@work.example.test";
	request_init(&r, h);
	r.idr_i = "alice@work.example.test";
	r.tp_idr_i = r.idr_i;
	p = grant(h, &r);
	assert_false(changed(p));
	assert_true(mikey_blob_eq(p->idr_i.data, str(r.idr_i)));
}

static void application(void **state)
{
	struct house *h = *state;
	struct request r;

	request_init(&r, h);
	r.app = NULL;
	assert_true(changed(grant(h, &r)));
	request_init(&r, h);
	r.app = "MSRP";
	refuse(h, &r, MIKEY_ERR_INVALID_TPPAR);
}

/* K is the KMS's own and ignored in a request (RFC 6043 6.10). */
static void flag_k_of_request(void **state)
{
	struct house *h = *state;
	struct request r;

	request_init(&r, h);
	r.head.flags |= MIKEY_FLAG_K;
	assert_false(changed(grant(h, &r)));
}

static void unsupported(void **state)
{
	struct house *h = *state;
	struct request r;

	request_init(&r, h);
	r.head.flags = (r.head.flags & ~MIKEY_FLAG_D) | MIKEY_FLAG_L;
	refuse(h, &r, MIKEY_ERR_INVALID_TPPAR);
	request_init(&r, h);
	r.head.ticket_type = 3;
	refuse(h, &r, MIKEY_ERR_INVALID_TICKET);
	request_init(&r, h);
	r.head.version = 2;
	refuse(h, &r, MIKEY_ERR_INVALID_TICKET);
	request_init(&r, h);
	r.head.prf = MIKEY_PRF_MIKEY_1;
	refuse(h, &r, MIKEY_ERR_INVALID_TICKET);
	request_init(&r, h);
	r.head.flags |= MIKEY_FLAG_F;
	refuse(h, &r, MIKEY_ERR_INVALID_TPPAR);
	request_init(&r, h);
	r.no_kemac = true;
	refuse(h, &r, MIKEY_ERR_INVALID_TPPAR);
	request_init(&r, h);
	r.profile = mikey_profile_by_id(MIKEY_PROFILE_ID_ANNEX_I);
	refuse(h, &r, MIKEY_ERR_INVALID_TPPAR);
	request_init(&r, h);
	r.head.ticket_type = MIKEY_TICKET_TYPE_MIKEY_BASE;
	grant(h, &r);
	/* TS 33.328 D.4's 0/0 is "reserved" */
	request_init(&r, h);
	r.head.subtype = 0;
	r.head.version = 0;
	refuse(h, &r, MIKEY_ERR_INVALID_TICKET);
}

/* Each dependence between the flags (RFC 6043 6.10), and each profile's own. */
static void flags(void **state)
{
	static const u16 wrong[] = {
		MIKEY_FLAG_D, MIKEY_FLAG_E, MIKEY_FLAG_F, MIKEY_FLAG_G,
		MIKEY_FLAG_H, MIKEY_FLAG_I, MIKEY_FLAG_L, MIKEY_FLAG_M,
		MIKEY_FLAG_N, MIKEY_FLAG_O,
	};
	struct house *h = *state;
	struct request r;
	u32 id;
	size_t i;

	for (id = MIKEY_PROFILE_ID_IMMEDIATE; id <= MIKEY_PROFILE_ID_ANNEX_I; id++) {
		for (i = 0; i < ARRAY_SIZE(wrong); i++) {
			request_init(&r, h);
			r.profile = mikey_profile_by_id(id);
			r.head.flags = (mikey_profile_flags(r.profile, MIKEY_MODE_KMS) |
					MIKEY_FLAG_E) ^ wrong[i];
			/* annex-i leaves E free */
			if (id == MIKEY_PROFILE_ID_ANNEX_I && wrong[i] == MIKEY_FLAG_E)
				continue;
			refuse(h, &r, MIKEY_ERR_INVALID_TPPAR);
		}
	}
}

/* TRr (RFC 6043 6.10): kept, shortened (and K1), never lengthened. */
static void rekeying(void **state)
{
	struct house *h = *state;
	const struct mikey_policy *p;
	struct request r;

	request_init(&r, h);
	r.rekey = 900;
	p = grant(h, &r);
	assert_false(changed(p));
	assert_true(p->tr_r.present);
	assert_int_equal(p->tr_r.type, MIKEY_TS_NTP_UTC_32);
	assert_int_equal(mikey_policy_rekey(p), 900);
	request_init(&r, h);
	r.rekey = 0;
	refuse(h, &r, MIKEY_ERR_INVALID_TPPAR);

	h->policy.terms.rekey = 600;
	request_init(&r, h);
	r.rekey = 900;
	p = grant(h, &r);
	assert_true(changed(p));
	assert_int_equal(mikey_policy_rekey(p), 600);
	request_init(&r, h);
	r.rekey = 300;
	p = grant(h, &r);
	assert_false(changed(p));
	assert_int_equal(mikey_policy_rekey(p), 300);
	request_init(&r, h);
	p = grant(h, &r);
	assert_true(changed(p));
	assert_int_equal(mikey_policy_rekey(p), 600);
}

/* What the policy does not have on is no secret. */
static void switched_off(void **state)
{
	struct house *h = *state;
	struct request r;

	h->policy.terms.profiles = 1U << MIKEY_PROFILE_ID_ANNEX_I;
	request_init(&r, h);
	refuse(h, &r, MIKEY_ERR_INVALID_TICKET);
	h->policy.terms.profiles |= 1U << MIKEY_PROFILE_ID_IMMEDIATE;
	h->policy.terms.modes = 1U << MIKEY_MODE_INITIATOR;
	request_init(&r, h);
	refuse(h, &r, MIKEY_ERR_INVALID_TICKET);
	h->policy.terms.modes |= 1U << MIKEY_MODE_KMS;
	request_init(&r, h);
	grant(h, &r);
}

static void other_kms(void **state)
{
	struct house *h = *state;
	struct request r;

	request_init(&r, h);
	r.idr_kms = "https://elsewhere.example.test";
	refuse(h, &r, MIKEY_ERR_INVALID_ID);
	request_init(&r, h);
	r.tp_idr_kms = "https://elsewhere.example.test";
	refuse(h, &r, MIKEY_ERR_INVALID_ID);
}

static bool may_have(struct house *h, const char *to)
{
	struct request r;

	request_init(&r, h);
	r.to[1] = to;
	ask(h, &r);
	if (h->answer.error_no >= 0)
		assert_error(h, MIKEY_ERR_AUTH_FAILURE, true, r.psk, &msg);
	return h->answer.error_no < 0;
}

static void wildcards(void **state)
{
	static const struct {
		const char *to;
		bool none, user, any;
	} cases[] = {
		{ "carol@example.test", true, true, true },
		{ "?@example.test", false, true, true },
		{ "sales-?@example.test", false, true, true },
		{ "?@?", false, false, true },
		{ "carol@?", false, false, true },
		{ "carol@?.test", false, false, true },
		{ "?", false, false, true },
		{ "carol?example.test", false, false, true },
		{ "?@x@?", false, false, true },
	};
	struct house *h = *state;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		h->policy.terms.wildcards = KMS_WILDCARDS_NONE;
		assert_int_equal(may_have(h, cases[i].to), cases[i].none);
		h->policy.terms.wildcards = KMS_WILDCARDS_USER;
		assert_int_equal(may_have(h, cases[i].to), cases[i].user);
		h->policy.terms.wildcards = KMS_WILDCARDS_ANY;
		assert_int_equal(may_have(h, cases[i].to), cases[i].any);
	}
}

static void rules(void **state)
{
	static struct kms_rule own_domain[] = {
		{ .from = "?@example.test", .to = "?@example.test" },
		{ .from = BOB, .to = "?@partner.test" },
	};
	static struct kms_rule narrow[] = {
		{ .from = ALICE, .to = "b?@example.test" },
	};
	struct house *h = *state;

	house_rules(h, own_domain, ARRAY_SIZE(own_domain));
	assert_true(may_have(h, "carol@example.test"));
	assert_true(may_have(h, "?@example.test"));
	assert_true(may_have(h, "c?l@example.test"));
	assert_false(may_have(h, "carol@partner.test"));
	assert_false(may_have(h, "?@partner.test"));

	house_rules(h, narrow, ARRAY_SIZE(narrow));
	assert_true(may_have(h, "bert@example.test"));
	assert_true(may_have(h, "be?@example.test"));
	/* a wildcard that reaches beyond the rule */
	assert_false(may_have(h, "?@example.test"));
	assert_false(may_have(h, "carol@example.test"));
	h->policy.num_rules = 0;
}

static void pattern_covers(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool covers;
	} cases[] = {
		{ "a@b", "a@b", true }, { "a@b", "a@c", false },
		{ "?@b", "a@b", true }, { "?@b", "?@b", true },
		{ "a?@b", "?@b", false }, { "?", "?@?", true },
		{ "?a?", "xaay", true }, { "?a?", "x?y", false },
		{ "a", "", false }, { "", "", true }, { "??", "", true },
		{ "?ab", "aab", true }, { "?@b", "a@b.c", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(kms_pattern_covers(str(cases[i].pattern),
						    str(cases[i].name)),
				 cases[i].covers);
}

static void many_recipients(void **state)
{
	static char names[101][32];
	struct house *h = *state;
	struct request r;
	u32 i;

	request_init(&r, h);
	for (i = 0; i < 100; i++) {
		snprintf(names[i], sizeof(names[i]), "user%u@example.test", i);
		r.to[i] = names[i];
	}
	assert_int_equal(grant(h, &r)->num_responders, 100);
	request_init(&r, h);
	for (i = 0; i < 101; i++)
		r.to[i] = i < 100 ? names[i] : BOB;
	refuse(h, &r, MIKEY_ERR_INVALID_TPPAR);
}

static void short_rand(void **state)
{
	struct house *h = *state;
	struct request r;

	request_init(&r, h);
	r.randr_len = 31;
	refuse(h, &r, MIKEY_ERR_UNSPECIFIED);
	request_init(&r, h);
	r.randr_len = 0;
	refuse(h, &r, MIKEY_ERR_UNSPECIFIED);
}

/* RFC 6043 4.2.1.1: #CS is 0 and the map empty. */
static void crypto_session(void **state)
{
	struct house *h = *state;
	struct request r;

	request_init(&r, h);
	r.crypto_session = true;
	request_write(&r, &msg);
	assert_int_equal(house_handle(h, KMS_TICKET_REQUEST, message_blob(&msg)), 0);
	assert_error(h, MIKEY_ERR_AUTH_FAILURE, false, r.psk, &msg);
}

/* RFC 6043 4.2.1.4: not expected, so skipped, and no key is made with it. */
static void rand_of_another_role(void **state)
{
	struct house *h = *state;
	struct request r;

	request_init(&r, h);
	r.other_rand = true;
	grant(h, &r);
}

static void window(void **state)
{
	static const struct {
		s64 off;
		bool good;
	} cases[] = {
		{ 60, true }, { 61, false }, { -60, true }, { -61, false },
		{ -86400 * 365, false },
	};
	struct house *h = *state;
	struct request r;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		request_init(&r, h);
		mikey_ts_from_unix(&r.t, NOW + cases[i].off);
		if (cases[i].good)
			grant(h, &r);
		else
			refuse(h, &r, MIKEY_ERR_INVALID_TS);
	}
	/* the other types: NTP-UTC is told, NTP is not */
	request_init(&r, h);
	r.t.type = MIKEY_TS_NTP_UTC;
	r.t.value |= 0x80000000;
	grant(h, &r);
	request_init(&r, h);
	r.t.type = MIKEY_TS_NTP;
	refuse(h, &r, MIKEY_ERR_INVALID_TS);
	request_init(&r, h);
	r.t.type = MIKEY_TS_COUNTER;
	r.t.value = 7;
	grant(h, &r);
	/* left-padded to 64 bits (RFC 3830 6.6), so never more than 32 */
	request_init(&r, h);
	r.t.type = MIKEY_TS_COUNTER;
	r.t.value = UINT32_MAX;
	grant(h, &r);
}

/* A counter must grow (RFC 3830 5.4), for each PSK by itself. */
static void counters(void **state)
{
	static const struct {
		u32 value;
		bool good;
	} cases[] = {
		{ 5, true }, { 5, false }, { 4, false }, { 0, false },
		{ 6, true }, { 100, true }, { 99, false }, { 101, true },
	};
	struct house *h = *state;
	struct request r;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		request_init(&r, h);
		r.t = (struct mikey_ts) {
			.type = MIKEY_TS_COUNTER, .value = cases[i].value,
		};
		if (cases[i].good)
			grant(h, &r);
		else
			refuse(h, &r, MIKEY_ERR_INVALID_TS);
	}
	/* the answer's T is a time, as in all that is sent */
	assert_int_equal(granted.m.t.type, MIKEY_TS_NTP_UTC_32);
	request_init(&r, h);
	r.psk_id = "bob-psk";
	r.psk = kms_blob(h->mem.users[1].psk.key, 32);
	r.idr_i = BOB;
	r.tp_idr_i = BOB;
	r.t = (struct mikey_ts) { .type = MIKEY_TS_COUNTER, .value = 1 };
	grant(h, &r);
}

/* An Error has V under the faulty message's auth_key (RFC 6043 5.4). */
static void error_time(void **state)
{
	struct house *h = *state;
	struct mikey_diag diag;
	struct mikey_msg m;
	struct request r;

	request_init(&r, h);
	h->world.now = NOW + 7;
	r.tp_idr_kms = "https://elsewhere.example.test";
	refuse(h, &r, MIKEY_ERR_INVALID_ID);
	assert_int_equal(mikey_msg_parse(&m, h->answer.buf, h->answer.len,
					 MIKEY_EXT_PROOF_OF_ORIGIN_DEFAULT,
					 &diag), 0);
	assert_int_equal(m.hdr.csb_id, r.csb_id);
	assert_int_equal(m.hdr.prf, r.suite->prf);
	assert_int_equal(m.t.type, MIKEY_TS_NTP_UTC_32);
	assert_int_equal(mikey_ts_to_unix(&m.t), NOW + 7);
}

/* What would give the answer the same keys is a repeat, whatever else it is. */
static void repeats(void **state)
{
	struct house *h = *state;
	struct request r;

	request_init(&r, h);
	grant(h, &r);
	ask(h, &r);
	assert_error(h, MIKEY_ERR_INVALID_TS, true, r.psk, &msg);
	mikey_ts_from_unix(&r.t, NOW + 1);
	refuse(h, &r, MIKEY_ERR_INVALID_TS);
	r.to[0] = "carol@example.test";
	refuse(h, &r, MIKEY_ERR_INVALID_TS);
	r.csb_id ^= 1;
	grant(h, &r);
	/* a refused request counts, too: its Error tells no more the next time */
	request_init(&r, h);
	r.idr_kms = "https://elsewhere.example.test";
	refuse(h, &r, MIKEY_ERR_INVALID_ID);
	refuse(h, &r, MIKEY_ERR_INVALID_TS);
}

/* T of answers never goes back, whatever the clock does. */
static void clock_back(void **state)
{
	struct house *h = *state;
	struct request r;

	request_init(&r, h);
	grant(h, &r);
	assert_int_equal(mikey_ts_to_unix(&granted.m.t), NOW);
	h->world.now = NOW - 30;
	request_init(&r, h);
	grant(h, &r);
	assert_int_equal(mikey_ts_to_unix(&granted.m.t), NOW);
	h->world.now = NOW + 5;
	request_init(&r, h);
	grant(h, &r);
	assert_int_equal(mikey_ts_to_unix(&granted.m.t), NOW + 5);
}

/* Two suites that look alike until KEMAC: the PSK's own decides. */
static void suite_of_psk(void **state)
{
	struct house *h = *state;
	struct request r;

	h->policy.terms.suites |= 1U << MIKEY_SUITE_ID_TS_128;
	h->mem.users[0].psk.suite = MIKEY_SUITE_ID_TS_128;
	h->mem.users[0].psk.key_len = 16;
	request_init(&r, h);
	grant(h, &r);
	assert_int_equal(granted.m.kemac.encr_alg, MIKEY_ENCR_AES_CM_128);
}

#define IN_HOUSE(test) \
	cmocka_unit_test_setup_teardown(test, house_setup, house_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_HOUSE(as_asked),
		IN_HOUSE(fresh_keys),
		IN_HOUSE(lifetime),
		IN_HOUSE(reuse),
		IN_HOUSE(initiator),
		IN_HOUSE(application),
		IN_HOUSE(flag_k_of_request),
		IN_HOUSE(unsupported),
		IN_HOUSE(flags),
		IN_HOUSE(rekeying),
		IN_HOUSE(switched_off),
		IN_HOUSE(other_kms),
		IN_HOUSE(wildcards),
		IN_HOUSE(rules),
		IN_HOUSE(pattern_covers),
		IN_HOUSE(many_recipients),
		IN_HOUSE(short_rand),
		IN_HOUSE(crypto_session),
		IN_HOUSE(rand_of_another_role),
		IN_HOUSE(window),
		IN_HOUSE(counters),
		IN_HOUSE(error_time),
		IN_HOUSE(repeats),
		IN_HOUSE(clock_back),
		IN_HOUSE(suite_of_psk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
