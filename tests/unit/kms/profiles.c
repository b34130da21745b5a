// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each profile in each suite, from the request to the resolve; what is
 * particular to annex-i (TS 33.328 I.4); and that suites do not mix.
 */
#include "tests/unit/kms/support.h"

static struct message msg;
static struct granted granted;
static struct resolved resolved;

static const enum mikey_suite_id suites[] = {
	MIKEY_SUITE_ID_256, MIKEY_SUITE_ID_128, MIKEY_SUITE_ID_TS_128,
};

static void set_suites(struct house *h, enum mikey_suite_id alice,
		       enum mikey_suite_id bob)
{
	h->mem.num_users = 0;
	mem_user_add(&h->mem, "alice-psk", ALICE, alice);
	mem_user_add(&h->mem, "bob-psk", BOB, bob);
}

static void all_suites_on(struct house *h)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(suites); i++)
		h->policy.terms.suites |= 1U << suites[i];
}

static void as_annex_i(struct request *r, u16 more)
{
	r->profile = mikey_profile_by_id(MIKEY_PROFILE_ID_ANNEX_I);
	r->head.flags = mikey_profile_flags(r->profile, MIKEY_MODE_KMS) | more;
}

static const struct mikey_policy *grant(struct house *h, const struct request *r)
{
	request_write(r, &msg);
	assert_int_equal(house_handle(h, KMS_TICKET_REQUEST, message_blob(&msg)), 0);
	if (h->answer.error_no >= 0)
		fail_msg("refused: %s", h->answer.why);
	granted_read(&granted, r, &msg, &h->answer);
	return &granted.m.ticket.policy;
}

static void ask(struct house *h, const struct resolve_request *r)
{
	resolve_write(r, &msg);
	assert_int_equal(house_handle(h, KMS_TICKET_RESOLVE, message_blob(&msg)), 0);
}

static void resolve(struct house *h, const struct resolve_request *r)
{
	ask(h, r);
	if (h->answer.error_no >= 0)
		fail_msg("refused: %s", h->answer.why);
	resolved_read(&resolved, r, &msg, &h->answer);
}

static void refuse(struct house *h, const struct resolve_request *r,
		   enum mikey_err_no no)
{
	ask(h, r);
	assert_error(h, no, true, r->psk, &msg);
}

static void round_trip(struct house *h, const struct request *r)
{
	struct resolve_request re;
	u32 traffic, len = r->suite->key_len;

	grant(h, r);
	assert_int_equal(granted.m.kemac.encr_alg, r->suite->encr_alg);
	resolve_init(&re, h, &granted);
	resolve(h, &re);
	traffic = r->profile->forked ? 2 : 1;
	assert_int_equal(resolved.num_keys, traffic + 1);
	assert_bytes(resolved.keys[0].key.p, resolved.keys[0].key.len,
		     kms_blob(granted.keys.mpk, len));
	assert_bytes(resolved.keys[traffic].key.p, resolved.keys[traffic].key.len,
		     kms_blob(granted.keys.traffic, len));
	assert_int_equal(resolved.keys[traffic].type, r->profile->traffic_key);
	/* IDRr and RANDRkms modify forked keys; where none are, neither is */
	assert_int_equal(resolved.m.idr_r.present, r->profile->forked);
	assert_int_equal(resolved.m.randr_kms.present, r->profile->forked);
}

static void each_in_each(void **state)
{
	struct house *h = *state;
	struct request r;
	size_t i;

	all_suites_on(h);
	for (i = 0; i < ARRAY_SIZE(suites); i++) {
		set_suites(h, suites[i], suites[i]);
		request_init(&r, h);
		round_trip(h, &r);
		request_init(&r, h);
		as_annex_i(&r, MIKEY_FLAG_E | MIKEY_FLAG_J);
		round_trip(h, &r);
	}
}

/* A PSK of a suite that the policy does not have on is as good as none. */
static void suite_off(void **state)
{
	struct house *h = *state;
	struct request r;

	h->policy.terms.suites |= 1U << MIKEY_SUITE_ID_128;
	set_suites(h, MIKEY_SUITE_ID_TS_128, MIKEY_SUITE_ID_256);
	request_init(&r, h);
	request_write(&r, &msg);
	house_handle(h, KMS_TICKET_REQUEST, message_blob(&msg));
	assert_error(h, MIKEY_ERR_AUTH_FAILURE, false, r.psk, &msg);
	h->policy.terms.suites |= 1U << MIKEY_SUITE_ID_TS_128;
	grant(h, &r);
	/* a row whose key is not as long as the suite's keys (under 128 bits) */
	h->mem.users[0].psk.key_len = 15;
	request_init(&r, h);
	request_write(&r, &msg);
	house_handle(h, KMS_TICKET_REQUEST, message_blob(&msg));
	assert_error(h, MIKEY_ERR_AUTH_FAILURE, false, r.psk, &msg);
	assert_string_equal(h->answer.why, "the PSK is not as long as its suite's keys");
}

/* PRF of one suite with V of another; a TP whose PRF is not the message's. */
static void mixed_requests(void **state)
{
	static const struct mikey_suite sha1_mac = {
		.prf = MIKEY_PRF_HMAC_SHA_256,
		.encr_alg = MIKEY_ENCR_AES_CM_128,
		.auth_alg = MIKEY_AUTH_HMAC_SHA_1_160,
		.key_len = 16, .mac_len = 20, .rand_len = 16,
	};
	struct house *h = *state;
	struct mikey_suite null_mac;
	struct request r;

	all_suites_on(h);
	set_suites(h, MIKEY_SUITE_ID_TS_128, MIKEY_SUITE_ID_TS_128);
	request_init(&r, h);
	r.suite = &sha1_mac;
	request_write(&r, &msg);
	house_handle(h, KMS_TICKET_REQUEST, message_blob(&msg));
	assert_error(h, MIKEY_ERR_INVALID_MAC, false, r.psk, &msg);
	/* the suite of another PSK, whole */
	request_init(&r, h);
	r.suite = mikey_suite_by_id(MIKEY_SUITE_ID_128);
	request_write(&r, &msg);
	house_handle(h, KMS_TICKET_REQUEST, message_blob(&msg));
	assert_error(h, MIKEY_ERR_AUTH_FAILURE, false, r.psk, &msg);
	request_init(&r, h);
	r.head.prf = MIKEY_PRF_MIKEY_1;
	request_write(&r, &msg);
	house_handle(h, KMS_TICKET_REQUEST, message_blob(&msg));
	assert_error(h, MIKEY_ERR_INVALID_TICKET, true, r.psk, &msg);
	/* a wish for a key of another suite's length */
	request_init(&r, h);
	null_mac = *r.suite;
	null_mac.key_len = 32;
	r.suite = &null_mac;
	request_write(&r, &msg);
	house_handle(h, KMS_TICKET_REQUEST, message_blob(&msg));
	assert_error(h, MIKEY_ERR_INVALID_TPPAR, true, r.psk, &msg);
}

/* A RAND shorter than the suite's longest key (RFC 6043 12.1). */
static void short_rand(void **state)
{
	struct house *h = *state;
	struct request r;
	size_t i;

	all_suites_on(h);
	for (i = 0; i < ARRAY_SIZE(suites); i++) {
		set_suites(h, suites[i], suites[i]);
		request_init(&r, h);
		r.randr_len = r.suite->rand_len - 1;
		request_write(&r, &msg);
		house_handle(h, KMS_TICKET_REQUEST, message_blob(&msg));
		assert_error(h, MIKEY_ERR_UNSPECIFIED, true, r.psk, &msg);
	}
}

/* A ticket of one suite, resolved with a PSK of another. */
static void mixed_tickets(void **state)
{
	struct house *h = *state;
	struct resolve_request re;
	struct request r;
	size_t i, k;

	all_suites_on(h);
	for (i = 0; i < ARRAY_SIZE(suites); i++) {
		for (k = 0; k < ARRAY_SIZE(suites); k++) {
			if (i == k)
				continue;
			h->mem.num_replay = 0;
			set_suites(h, suites[i], suites[k]);
			request_init(&r, h);
			grant(h, &r);
			resolve_init(&re, h, &granted);
			refuse(h, &re, MIKEY_ERR_INVALID_TICKET);
		}
	}
}

/* E0 only where it is granted and the ticket may be reused; K1 if not. */
static void caching(void **state)
{
	struct house *h = *state;
	const struct mikey_policy *p;
	struct request r;

	request_init(&r, h);
	as_annex_i(&r, MIKEY_FLAG_J);
	p = grant(h, &r);
	assert_int_equal(p->flags, r.head.flags | MIKEY_FLAG_E | MIKEY_FLAG_K);

	h->policy.terms.cacheable = true;
	request_init(&r, h);
	as_annex_i(&r, MIKEY_FLAG_J);
	p = grant(h, &r);
	assert_int_equal(p->flags, r.head.flags);
	request_init(&r, h);
	as_annex_i(&r, 0);
	p = grant(h, &r);
	assert_int_equal(p->flags, r.head.flags | MIKEY_FLAG_E | MIKEY_FLAG_K);
	/* asked for E1, it stays so */
	request_init(&r, h);
	as_annex_i(&r, MIKEY_FLAG_E | MIKEY_FLAG_J);
	p = grant(h, &r);
	assert_int_equal(p->flags, r.head.flags);

	h->policy.terms.reuse = false;
	request_init(&r, h);
	as_annex_i(&r, MIKEY_FLAG_J);
	p = grant(h, &r);
	assert_int_equal(p->flags, (r.head.flags & ~MIKEY_FLAG_J) |
			 MIKEY_FLAG_E | MIKEY_FLAG_K);
}

/* Key forking needs the resolve (RFC 6043 6.10): E0 is not for immediate. */
static void no_caching_with_forking(void **state)
{
	struct house *h = *state;
	struct request r;

	h->policy.terms.cacheable = true;
	request_init(&r, h);
	r.head.flags &= ~MIKEY_FLAG_E;
	request_write(&r, &msg);
	house_handle(h, KMS_TICKET_REQUEST, message_blob(&msg));
	assert_error(h, MIKEY_ERR_INVALID_TPPAR, true, r.psk, &msg);
}

/* The traffic key is the profile's, also in the wish. */
static void wrong_traffic_key(void **state)
{
	struct house *h = *state;
	struct request r;

	request_init(&r, h);
	as_annex_i(&r, MIKEY_FLAG_E);
	r.profile = mikey_profile_by_id(MIKEY_PROFILE_ID_IMMEDIATE);
	request_write(&r, &msg);
	house_handle(h, KMS_TICKET_REQUEST, message_blob(&msg));
	assert_error(h, MIKEY_ERR_INVALID_TPPAR, true, r.psk, &msg);
}

/* What lies outside TRANSFER_INIT's MAC is refused where it proves nothing. */
static void initiator_data_without_forking(void **state)
{
	struct house *h = *state;
	struct resolve_request re;
	struct request r;

	request_init(&r, h);
	as_annex_i(&r, MIKEY_FLAG_E);
	grant(h, &r);
	resolve_init(&re, h, &granted);
	re.initiator_data[0] = MIKEY_PL_LAST;
	re.initiator_data_len = 1;
	refuse(h, &re, MIKEY_ERR_INVALID_TICKET);
}

/*
 * A PSI is the list server's identity in annex-i (TS 33.328 F.3.1), and a
 * group whose members the KMS knows in immediate. Neither for the other.
 */
static void psi(void **state)
{
	struct house *h = *state;
	struct resolve_request re;
	struct mem_user *server;
	struct request r;

	server = mem_user_add(&h->mem, "list-psk", "list@example.test",
			      MIKEY_SUITE_ID_256);
	h->mem.psi = TEAM;
	h->mem.members[0] = BOB;
	h->mem.server = "list@example.test";

	request_init(&r, h);
	as_annex_i(&r, MIKEY_FLAG_E);
	r.to[0] = TEAM;
	grant(h, &r);
	resolve_init(&re, h, &granted);
	refuse(h, &re, MIKEY_ERR_AUTH_FAILURE);
	resolve_init(&re, h, &granted);
	re.psk_id = server->psk_id;
	re.psk = kms_blob(server->psk.key, 32);
	re.idr_r = "list@example.test";
	resolve(h, &re);

	/* or it has the PSI as a UID of its own */
	h->mem.psi = NULL;
	server->uids[1] = TEAM;
	resolve_init(&re, h, &granted);
	re.psk_id = server->psk_id;
	re.psk = kms_blob(server->psk.key, 32);
	re.idr_r = TEAM;
	resolve(h, &re);
}

#define IN_HOUSE(test) \
	cmocka_unit_test_setup_teardown(test, house_setup, house_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_HOUSE(each_in_each),
		IN_HOUSE(suite_off),
		IN_HOUSE(mixed_requests),
		IN_HOUSE(short_rand),
		IN_HOUSE(mixed_tickets),
		IN_HOUSE(caching),
		IN_HOUSE(no_caching_with_forking),
		IN_HOUSE(wrong_traffic_key),
		IN_HOUSE(initiator_data_without_forking),
		IN_HOUSE(psi),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
