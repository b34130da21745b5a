// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tickets made by their initiator (mode 3: D0, L1, the initiator's PSK as
 * TPK). The KMS sees them first when somebody resolves them, so everything
 * that else is decided at the request is decided then.
 */
#include "tests/unit/kms/support.h"

static struct message msg;
static struct granted made;
static struct resolved resolved;

static void ask(struct house *h, const struct mint *m)
{
	struct resolve_request r;

	mint_write(m, &made);
	resolve_init(&r, h, &made);
	resolve_write(&r, &msg);
	assert_int_equal(house_handle(h, KMS_TICKET_RESOLVE, message_blob(&msg)), 0);
	if (h->answer.error_no < 0)
		resolved_read(&resolved, &r, &msg, &h->answer);
}

/* Resolved, and the keys are those that the initiator put into it. */
static void resolves(struct house *h, const struct mint *m)
{
	u32 traffic, len = m->suite->key_len;

	ask(h, m);
	if (h->answer.error_no >= 0)
		fail_msg("refused: %s", h->answer.why);
	traffic = m->profile->forked ? 2 : 1;
	assert_int_equal(resolved.num_keys, traffic + 1);
	assert_bytes(resolved.keys[0].key.p, resolved.keys[0].key.len,
		     kms_blob(made.keys.mpk, len));
	assert_int_equal(resolved.keys[traffic].type, m->profile->traffic_key);
	assert_bytes(resolved.keys[traffic].key.p, resolved.keys[traffic].key.len,
		     kms_blob(made.keys.traffic, len));
	assert_bytes(resolved.keys[traffic].spi.p, resolved.keys[traffic].spi.len,
		     kms_blob(made.keys.spi, MIKEY_SPI_LEN));
	assert_int_equal(resolved.m.idr_r.present, m->profile->forked);
	assert_int_equal(resolved.m.randr_kms.present, m->profile->forked);
}

/* All that one may not have is refused alike; only the log says why. */
static void refused(struct house *h, const struct mint *m, const char *why)
{
	const struct kms_psk *bob = &h->mem.users[1].psk;

	ask(h, m);
	assert_error(h, MIKEY_ERR_AUTH_FAILURE, true,
		     kms_blob(bob->key, bob->key_len), &msg);
	assert_string_equal(h->answer.why, why);
}

static void refused_openly(struct house *h, const struct mint *m,
			   enum mikey_err_no no)
{
	const struct kms_psk *bob = &h->mem.users[1].psk;

	ask(h, m);
	assert_error(h, no, true, kms_blob(bob->key, bob->key_len), &msg);
}

/* RFC 6043 4.1.1, mode 3, in each profile. */
static void resolved_keys(void **state)
{
	struct house *h = *state;
	struct mint m;

	mint_init(&m, h);
	resolves(h, &m);
	assert_int_equal(h->answer.deed.tpk_len, strlen("alice-psk"));
	assert_memory_equal(h->answer.deed.tpk, "alice-psk", h->answer.deed.tpk_len);
	mint_init(&m, h);
	m.profile = mikey_profile_by_id(MIKEY_PROFILE_ID_ANNEX_I);
	m.head.flags = mikey_profile_flags(m.profile, MIKEY_MODE_INITIATOR) |
		       MIKEY_FLAG_E;
	resolves(h, &m);
}

/* One suite for PSKs, ticket and messages; mixtures are refused. */
static void suites(void **state)
{
	static const enum mikey_suite_id ids[] = {
		MIKEY_SUITE_ID_256, MIKEY_SUITE_ID_128, MIKEY_SUITE_ID_TS_128,
	};
	struct house *h = *state;
	struct mint m;
	size_t i, k;

	h->policy.terms.suites |= 1U << MIKEY_SUITE_ID_128 |
			    1U << MIKEY_SUITE_ID_TS_128;
	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		for (k = 0; k < ARRAY_SIZE(ids); k++) {
			h->mem.num_users = 0;
			mem_user_add(&h->mem, "alice-psk", ALICE, ids[i]);
			mem_user_add(&h->mem, "bob-psk", BOB, ids[k]);
			mint_init(&m, h);
			if (i == k)
				resolves(h, &m);
			else
				refused_openly(h, &m, MIKEY_ERR_INVALID_TICKET);
		}
	}

	/* a ticket of another suite than the PSK's under the PSK's bytes */
	h->mem.num_users = 0;
	mem_user_add(&h->mem, "alice-psk", ALICE, MIKEY_SUITE_ID_256);
	mem_user_add(&h->mem, "bob-psk", BOB, MIKEY_SUITE_ID_TS_128);
	mint_init(&m, h);
	m.suite = mikey_suite_by_id(MIKEY_SUITE_ID_TS_128);
	m.rand_len = m.suite->rand_len;
	refused(h, &m, "the ticket's suite is not that of its PSK");
	h->mem.users[0].psk.suite = MIKEY_SUITE_ID_TS_128;
	h->mem.users[0].psk.key_len = 8;
	m.key.len = 8;
	refused(h, &m, "the ticket's TPK is shorter than its keys");
}

/* Mallory knows a PSK of this KMS; only the check of IDRi tells Alice's. */
static void from_alice_by_mallory(void **state)
{
	struct house *h = *state;
	struct mem_user *mallory;
	struct mint m;

	mallory = mem_user_add(&h->mem, "mallory-psk", MALLORY,
			       MIKEY_SUITE_ID_256);
	mint_init(&m, h);
	m.kid = mallory->psk_id;
	m.key = kms_blob(mallory->psk.key, 32);
	refused(h, &m, "IDRi is not a UID of the owner of the ticket's PSK");
	m.idr_i = MALLORY;
	resolves(h, &m);
	/* under Alice's name for the key, but Mallory's key */
	m.kid = "alice-psk";
	m.idr_i = ALICE;
	refused(h, &m, "the ticket's MAC does not verify");
	/* Alice's other UIDs are hers, too */
	h->mem.users[0].uids[1] = "alice@work.example.test";
	mint_init(&m, h);
	m.idr_i = "alice@work.example.test";
	resolves(h, &m);
}

/* D, and nothing else, says where the TPK is sought (RFC 6043 6.10). */
static void tpk_or_psk(void **state)
{
	struct house *h = *state;
	struct mem_user *twin;
	struct mint m;
	u16 kms_made;

	/* D1, protected with a PSK and naming it */
	mint_init(&m, h);
	kms_made = mikey_profile_flags(m.profile, MIKEY_MODE_KMS);
	m.head.flags = kms_made;
	refused(h, &m, "the ticket's TPK is not known");
	/* D0, protected with a TPK and naming it */
	mint_init(&m, h);
	m.kid = "tpk-1";
	m.key = kms_blob(h->mem.tpk.key, 32);
	refused(h, &m, "the ticket's TPK is not known");

	/* a PSK that has the name of a TPK: each opens its own kind only */
	twin = mem_user_add(&h->mem, "tpk-1", MALLORY, MIKEY_SUITE_ID_256);
	m.idr_i = MALLORY;
	refused(h, &m, "the ticket's MAC does not verify");
	m.key = kms_blob(twin->psk.key, 32);
	resolves(h, &m);
	m.head.flags = kms_made;
	refused(h, &m, "the ticket's MAC does not verify");
	m.key = kms_blob(h->mem.tpk.key, 32);
	resolves(h, &m);
}

/* D0 with L0, or with K1 (only a KMS that made a ticket can have changed it). */
static void flags(void **state)
{
	struct house *h = *state;
	struct mint m;

	mint_init(&m, h);
	m.head.flags |= MIKEY_FLAG_K;
	refused_openly(h, &m, MIKEY_ERR_INVALID_TPPAR);
	mint_init(&m, h);
	m.head.flags &= ~MIKEY_FLAG_L;
	refused_openly(h, &m, MIKEY_ERR_INVALID_TPPAR);
	mint_init(&m, h);
	m.head.flags |= MIKEY_FLAG_D;
	refused_openly(h, &m, MIKEY_ERR_INVALID_TPPAR);
	mint_init(&m, h);
	m.head.flags |= MIKEY_FLAG_F;
	refused_openly(h, &m, MIKEY_ERR_INVALID_TPPAR);
}

/* What the policy switches off is said; it is no secret. */
static void switched_off(void **state)
{
	struct house *h = *state;
	struct mint m;

	mint_init(&m, h);
	h->policy.terms.modes = 1U << MIKEY_MODE_KMS;
	refused_openly(h, &m, MIKEY_ERR_INVALID_TICKET);
	h->policy.terms.modes |= 1U << MIKEY_MODE_INITIATOR;
	h->policy.terms.profiles = 1U << MIKEY_PROFILE_ID_ANNEX_I;
	refused_openly(h, &m, MIKEY_ERR_INVALID_TICKET);
	h->policy.terms.profiles |= 1U << MIKEY_PROFILE_ID_IMMEDIATE;
	resolves(h, &m);
}

static void forms(void **state)
{
	struct house *h = *state;
	struct mint m;

	mint_init(&m, h);
	m.head.ticket_type = 3;
	refused_openly(h, &m, MIKEY_ERR_INVALID_TICKET);
	mint_init(&m, h);
	m.head.ticket_type = 0;
	m.head.subtype = 0;
	refused_openly(h, &m, MIKEY_ERR_INVALID_TICKET);
	mint_init(&m, h);
	m.head.ticket_type = MIKEY_TICKET_TYPE_MIKEY_BASE;
	resolves(h, &m);
	/* TS 33.328 6.2.3.4.2: THDR starts with six bytes that name the KMS */
	mint_init(&m, h);
	m.thdr_len = 5;
	refused_openly(h, &m, MIKEY_ERR_INVALID_TICKET);
	m.thdr_len = KMS_ID_LEN + 10;
	resolves(h, &m);
	/* RFC 6043 12.1 */
	mint_init(&m, h);
	m.rand_len = 31;
	refused_openly(h, &m, MIKEY_ERR_INVALID_TICKET);
	m.rand_len = 0;
	refused_openly(h, &m, MIKEY_ERR_INVALID_TICKET);
	/* a counter tells no age */
	mint_init(&m, h);
	m.made = (struct mikey_ts) { .type = MIKEY_TS_COUNTER, .value = 7 };
	refused_openly(h, &m, MIKEY_ERR_INVALID_TICKET);
	mint_init(&m, h);
	m.app = "MSRP";
	refused_openly(h, &m, MIKEY_ERR_INVALID_TPPAR);
	mint_init(&m, h);
	m.idr_i = "?@example.test";
	refused_openly(h, &m, MIKEY_ERR_INVALID_TPPAR);
	mint_init(&m, h);
	m.idr_kms = "https://elsewhere.example.test";
	refused(h, &m, "the ticket is another KMS's");
}

/* Rules, wildcards and the number of recipients, as if it were asked for now. */
static void recipients_now(void **state)
{
	static struct kms_rule to_carol[] = {
		{ .from = ALICE, .to = "carol@example.test" },
		{ .from = BOB, .to = BOB },
	};
	struct house *h = *state;
	struct mint m;

	mint_init(&m, h);
	m.to[0] = "?@example.test";
	resolves(h, &m);
	m.to[0] = "?@?";
	refused(h, &m, "a recipient with a wildcard that is not allowed");
	h->policy.terms.wildcards = KMS_WILDCARDS_ANY;
	resolves(h, &m);
	h->policy.terms.wildcards = KMS_WILDCARDS_NONE;
	m.to[0] = "?@example.test";
	refused(h, &m, "a recipient with a wildcard that is not allowed");

	mint_init(&m, h);
	m.to[1] = "carol@example.test";
	resolves(h, &m);
	h->policy.terms.max_responders = 1;
	refused(h, &m, "more recipients than a ticket may have");
	h->policy.terms.max_responders = 2;
	/* Bob alone may; that Alice may not is what counts */
	house_rules(h, to_carol, ARRAY_SIZE(to_carol));
	refused(h, &m, "no rule lets this user ask for this recipient");
	h->policy.num_rules = 0;
	mint_init(&m, h);
	m.to[0] = "carol@example.test";
	refused(h, &m, "the ticket is not for this user");
}

/* A message that is not answered with K1 is answered with a refusal. */
static void reuse_and_caching(void **state)
{
	struct house *h = *state;
	struct mint m;

	mint_init(&m, h);
	h->policy.terms.reuse = false;
	refused(h, &m, "the ticket may be reused, which is not allowed");
	m.head.flags &= ~MIKEY_FLAG_J;
	resolves(h, &m);

	h->policy.terms.reuse = true;
	mint_init(&m, h);
	m.profile = mikey_profile_by_id(MIKEY_PROFILE_ID_ANNEX_I);
	m.head.flags = mikey_profile_flags(m.profile, MIKEY_MODE_INITIATOR) |
		       MIKEY_FLAG_J;
	refused(h, &m, "the ticket need not be resolved each time, which is not allowed");
	h->policy.terms.cacheable = true;
	resolves(h, &m);
	m.head.flags &= ~MIKEY_FLAG_J;
	refused(h, &m, "the ticket need not be resolved each time, which is not allowed");
}

static void trr(void **state)
{
	struct house *h = *state;
	struct mint m;

	mint_init(&m, h);
	m.rekey = 600;
	resolves(h, &m);
	m.rekey = 0;
	refused_openly(h, &m, MIKEY_ERR_INVALID_TPPAR);
	h->policy.terms.rekey = 600;
	m.rekey = 600;
	resolves(h, &m);
	m.rekey = 601;
	refused(h, &m, "the rekeying interval (TRr) is too long");
	m.rekey = -1;
	refused(h, &m, "the rekeying interval (TRr) is too long");
}

static void validity_now(void **state)
{
	struct house *h = *state;
	s64 most = h->policy.terms.max_lifetime, skew = h->policy.skew;
	struct mint m;

	mint_init(&m, h);
	m.end = NOW + most;
	resolves(h, &m);
	m.end = NOW + most + 1;
	refused(h, &m, "the ticket is valid for longer than is allowed");
	mint_init(&m, h);
	m.start = NOW - skew;
	resolves(h, &m);
	m.start = NOW - skew - 1;
	refused(h, &m, "the ticket's validity period is dated back");
	/* a clock that is ahead, and one that is wrong */
	mint_init(&m, h);
	m.start = NOW + skew;
	mikey_ts_from_unix(&m.made, NOW + skew);
	resolves(h, &m);
	m.start++;
	mikey_ts_from_unix(&m.made, NOW + skew + 1);
	refused(h, &m, "the ticket was made later than now");
	/* dated back, it is over sooner */
	mint_init(&m, h);
	m.start = NOW - most;
	mikey_ts_from_unix(&m.made, NOW - most);
	m.end = NOW;
	resolves(h, &m);
	m.end = NOW + 1;
	refused(h, &m, "the ticket is valid for longer than is allowed");
	/* over */
	mint_init(&m, h);
	h->world.now = NOW + 3600;
	resolves(h, &m);
	h->world.now = NOW + 3601;
	refused(h, &m, "the ticket's validity period is over");
	/* a PSK is not used past its lifetime (TS 33.220) */
	mint_init(&m, h);
	h->mem.users[0].psk.expires = h->world.now;
	refused(h, &m, "the ticket's PSK has expired");
}

/* Kept until the last ticket that it could protect is over, for nothing else. */
static void superseded_psk(void **state)
{
	struct house *h = *state;
	s64 skew = h->policy.skew;
	struct mem_user *now_alices;
	struct request r;
	struct mint m;

	mint_init(&m, h);
	h->mem.users[0].psk.superseded = NOW + 10;
	h->mem.users[0].psk.keep_until = NOW + 4000;
	now_alices = mem_user_add(&h->mem, "alice-2", ALICE, MIKEY_SUITE_ID_256);
	now_alices->psk.user = 0;
	h->world.now = NOW + 100;
	resolves(h, &m);
	m.start = NOW + 10 + skew;
	mikey_ts_from_unix(&m.made, NOW + 10 + skew);
	resolves(h, &m);
	mikey_ts_from_unix(&m.made, NOW + 10 + skew + 1);
	refused(h, &m, "the ticket was made after its PSK was superseded");
	/* the new one from the start */
	mikey_ts_from_unix(&m.made, NOW + 100);
	m.kid = now_alices->psk_id;
	m.key = kms_blob(now_alices->psk.key, 32);
	resolves(h, &m);

	/* the old one authenticates nobody: as if it were not there */
	request_init(&r, h);
	request_write(&r, &msg);
	house_handle(h, KMS_TICKET_REQUEST, message_blob(&msg));
	assert_error(h, MIKEY_ERR_AUTH_FAILURE, false, r.psk, &msg);
	assert_string_equal(h->answer.why, "the PSK was superseded by another one");

	mint_init(&m, h);
	m.end = h->world.now + 7200;
	h->world.now = NOW + 4001;
	refused(h, &m, "the ticket's PSK was superseded too long ago");
}

/* Removed with the user, PSK and UIDs open nothing any more. */
static void initiator_removed(void **state)
{
	struct house *h = *state;
	struct mint m;

	mint_init(&m, h);
	resolves(h, &m);
	h->mem.users[0].psk_id = "nobody's";
	refused(h, &m, "the ticket's TPK is not known");
	h->mem.users[0].psk_id = "alice-psk";
	h->mem.users[0].uids[0] = "somebody@example.test";
	refused(h, &m, "IDRi is not a UID of the owner of the ticket's PSK");
}

/* Every bit of such a ticket, re-signed by who resolves it. */
static void every_bit(void **state)
{
	struct house *h = *state;
	struct resolve_request good, r;
	struct mint m;
	u32 at, bit;

	mint_init(&m, h);
	mint_write(&m, &made);
	resolve_init(&good, h, &made);
	for (at = 0; at < good.ticket_len; at++) {
		for (bit = 1; bit < 0x100; bit <<= 1) {
			h->mem.num_replay = 0;
			r = good;
			r.ticket[at] ^= bit;
			resolve_write(&r, &msg);
			house_handle(h, KMS_TICKET_RESOLVE, message_blob(&msg));
			if (h->answer.error_no < 0)
				fail_msg("bit %02x of byte %u is not covered",
					 bit, at);
		}
	}
}

/* The answers, V included, are the same whatever one may not have. */
static void alike(void **state)
{
	struct house *h = *state;
	struct resolve_request first = { 0 }, r;
	struct mint m;
	u8 answer[128];
	size_t len = 0;
	int i;

	for (i = 0; i < 6; i++) {
		h->mem.num_replay = 0;
		house_again(h);
		mint_init(&m, h);
		switch (i) {
		case 0:
			m.to[0] = "carol@example.test";
			break;
		case 1:
			m.kid = "nobody-xx";
			break;
		case 2:
			m.idr_i = "mallo@example.test";
			break;
		case 3:
			m.to[0] = "?@?";
			break;
		case 4:
			m.end = NOW + h->policy.terms.max_lifetime + 1;
			break;
		case 5:
			m.kid = "tpk-1";
			break;
		}
		mint_write(&m, &made);
		resolve_init(&r, h, &made);
		if (i) {
			r.csb_id = first.csb_id;
			memcpy(r.randr, first.randr, sizeof(r.randr));
		} else {
			first = r;
		}
		resolve_write(&r, &msg);
		house_handle(h, KMS_TICKET_RESOLVE, message_blob(&msg));
		assert_error(h, MIKEY_ERR_AUTH_FAILURE, true, r.psk, &msg);
		if (i) {
			assert_bytes(h->answer.buf, h->answer.len,
				     kms_blob(answer, len));
			continue;
		}
		len = h->answer.len;
		assert_true(len <= sizeof(answer));
		memcpy(answer, h->answer.buf, len);
	}
}

/* A store that fails says so, whichever call it is. */
static void failing_store(void **state)
{
	struct house *h = *state;
	struct resolve_request r;
	struct mint m;
	int after, ret = 0, calls = 0;

	for (after = 1; after < 16; after++) {
		mint_init(&m, h);
		mint_write(&m, &made);
		resolve_init(&r, h, &made);
		resolve_write(&r, &msg);
		h->mem.fail_after = after;
		ret = house_handle(h, KMS_TICKET_RESOLVE, message_blob(&msg));
		h->mem.fail_after = 0;
		if (!ret && h->answer.error_no < 0)
			break;
		assert_int_equal(ret, -EAGAIN);
		assert_int_equal(h->answer.len, 0);
		calls++;
	}
	/* PSK, replay, UIDs, the ticket's PSK, its owner's UIDs, UIDs to match */
	assert_int_equal(calls, 6);
}

#define IN_HOUSE(test) \
	cmocka_unit_test_setup_teardown(test, house_setup, house_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_HOUSE(resolved_keys),
		IN_HOUSE(suites),
		IN_HOUSE(from_alice_by_mallory),
		IN_HOUSE(tpk_or_psk),
		IN_HOUSE(flags),
		IN_HOUSE(switched_off),
		IN_HOUSE(forms),
		IN_HOUSE(recipients_now),
		IN_HOUSE(reuse_and_caching),
		IN_HOUSE(trr),
		IN_HOUSE(validity_now),
		IN_HOUSE(superseded_psk),
		IN_HOUSE(initiator_removed),
		IN_HOUSE(every_bit),
		IN_HOUSE(alike),
		IN_HOUSE(failing_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
