// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Authenticated Ticket Resolves: whose ticket it is, which keys come back,
 * and that all tickets one may not have are refused alike.
 */
#include <openssl/crypto.h>

#include "tests/unit/kms/support.h"

static struct message msg;
static struct granted granted;
static struct resolved resolved;

/* A ticket of ALICE's for one recipient. */
static void ticket_for(struct house *h, const char *to)
{
	struct request r;

	request_init(&r, h);
	r.to[0] = to;
	request_write(&r, &msg);
	assert_int_equal(house_handle(h, KMS_TICKET_REQUEST, message_blob(&msg)), 0);
	granted_read(&granted, &r, &msg, &h->answer);
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

/* The keys that Alice has, and MPKr' for this identity. */
static void assert_keys_for(const char *uid)
{
	struct kms_crypto *c = kms_crypto_new();
	struct mikey_label label;
	u8 forked[32];

	assert_true(mikey_blob_eq(resolved.m.idr_r.data, str(uid)));
	assert_true(resolved.m.randr_kms.present);
	assert_int_equal(resolved.m.randr_kms.data.len, 32);
	assert_int_equal(mikey_label_fork(&label, MIKEY_LC_FORK_MPK, str(uid),
					  resolved.m.randr_kms.data), 0);
	assert_int_equal(kms_prf(c, MIKEY_PRF_HMAC_SHA_256,
				 kms_blob(granted.mpk_r, 32),
				 kms_blob(label.buf, label.len), forked, 32), 0);
	assert_int_equal(resolved.num_keys, 3);
	assert_int_equal(resolved.keys[0].type, MIKEY_KEY_MPK);
	assert_bytes(resolved.keys[0].key.p, resolved.keys[0].key.len,
		     kms_blob(granted.keys.mpk, 32));
	assert_int_equal(resolved.keys[1].type, MIKEY_KEY_MPK);
	assert_bytes(resolved.keys[1].key.p, resolved.keys[1].key.len,
		     kms_blob(forked, 32));
	assert_int_equal(resolved.keys[2].type, MIKEY_KEY_GTGK);
	assert_bytes(resolved.keys[2].key.p, resolved.keys[2].key.len,
		     kms_blob(granted.keys.traffic, 32));
	assert_bytes(resolved.keys[2].spi.p, resolved.keys[2].spi.len,
		     kms_blob(granted.keys.spi, MIKEY_SPI_LEN));
	kms_crypto_free(c);
}

static void by_name(void **state)
{
	struct house *h = *state;
	struct resolve_request r;

	ticket_for(h, BOB);
	resolve_init(&r, h, &granted);
	resolve(h, &r);
	assert_keys_for(BOB);
}

static void by_wildcard(void **state)
{
	struct house *h = *state;
	struct resolve_request r;

	ticket_for(h, "?@example.test");
	resolve_init(&r, h, &granted);
	resolve(h, &r);
	assert_keys_for(BOB);
}

/* Asked under one identity, matched by another: that is the answer's. */
static void by_other_uid(void **state)
{
	struct house *h = *state;
	struct resolve_request r;

	h->mem.users[1].uids[1] = "robert@example.test";
	ticket_for(h, "robert@example.test");
	resolve_init(&r, h, &granted);
	resolve(h, &r);
	assert_keys_for("robert@example.test");

	/* where both match, the one asked under */
	ticket_for(h, "?@example.test");
	resolve_init(&r, h, &granted);
	r.idr_r = "robert@example.test";
	resolve(h, &r);
	assert_keys_for("robert@example.test");
}

static void by_group(void **state)
{
	struct house *h = *state;
	struct resolve_request r;

	h->mem.psi = TEAM;
	h->mem.members[0] = BOB;
	ticket_for(h, TEAM);
	resolve_init(&r, h, &granted);
	resolve(h, &r);
	assert_keys_for(BOB);

	h->mem.members[0] = "robert@example.test";
	resolve_init(&r, h, &granted);
	refuse(h, &r, MIKEY_ERR_AUTH_FAILURE);
	h->mem.users[1].uids[1] = "robert@example.test";
	resolve_init(&r, h, &granted);
	resolve(h, &r);
	assert_keys_for("robert@example.test");
	h->mem.psi = "other@example.test";
	resolve_init(&r, h, &granted);
	refuse(h, &r, MIKEY_ERR_AUTH_FAILURE);
}

/* Each answer has a RANDRkms of its own, so MPKr' is never the same. */
static void fresh_modifier(void **state)
{
	struct house *h = *state;
	struct resolve_request r;
	u8 first[32];

	ticket_for(h, BOB);
	resolve_init(&r, h, &granted);
	resolve(h, &r);
	memcpy(first, resolved.m.randr_kms.data.p, 32);
	resolve_init(&r, h, &granted);
	resolve(h, &r);
	assert_memory_not_equal(first, resolved.m.randr_kms.data.p, 32);
}

static void foreign_uid(void **state)
{
	struct house *h = *state;
	struct resolve_request r;

	ticket_for(h, ALICE);
	resolve_init(&r, h, &granted);
	r.idr_r = ALICE;
	refuse(h, &r, MIKEY_ERR_AUTH_FAILURE);
}

/*
 * The tickets one may not have. All are asked for with the same CSB ID and
 * RAND, so that the whole answer, V included, must be the same.
 */
static void forbidden_alike(void **state)
{
	static const char *const reasons[] = {
		"the ticket is not for this user",
		"the ticket's TPK is not known",
		"the ticket's MAC does not verify",
		"Vr of the Initiator Data does not verify",
		"the ticket's validity period is over",
	};
	struct house *h = *state;
	struct resolve_request first = { 0 }, r;
	u8 answer[128];
	size_t len = 0, i;
	u32 at;

	for (i = 0; i < ARRAY_SIZE(reasons); i++) {
		h->world.now = NOW;
		h->mem.num_replay = 0;
		house_again(h);
		ticket_for(h, i ? BOB : "carol@example.test");
		h->world.now = NOW + 4000 * (i == 4);
		resolve_init(&r, h, &granted);
		if (!i)
			first = r;
		r.csb_id = first.csb_id;
		memcpy(r.randr, first.randr, sizeof(r.randr));
		switch (i) {
		case 1:		/* the name stands before V */
			at = r.ticket_len - 32 - 2 - 1;
			assert_int_equal(r.ticket[at], '1');
			r.ticket[at] = '2';
			break;
		case 2:
			r.ticket[r.ticket_len - 1] ^= 1;
			break;
		case 3:
			r.initiator_data[r.initiator_data_len - 1] ^= 1;
			break;
		}
		refuse(h, &r, MIKEY_ERR_AUTH_FAILURE);
		assert_string_equal(h->answer.why, reasons[i]);
		if (!i) {
			len = h->answer.len;
			assert_true(len <= sizeof(answer));
			memcpy(answer, h->answer.buf, len);
		} else if (i < 4) {	/* T differs when it is over */
			assert_bytes(h->answer.buf, h->answer.len,
				     kms_blob(answer, len));
		}
	}
}

static void validity(void **state)
{
	struct house *h = *state;
	struct resolve_request r;

	ticket_for(h, BOB);
	h->world.now = NOW + 3600;
	resolve_init(&r, h, &granted);
	resolve(h, &r);
	h->world.now = NOW + 3601;
	resolve_init(&r, h, &granted);
	refuse(h, &r, MIKEY_ERR_AUTH_FAILURE);
}

/* With the answer to a ticket that never was one. */
static void revoked_tpk(void **state)
{
	struct house *h = *state;
	struct resolve_request r;

	ticket_for(h, BOB);
	resolve_init(&r, h, &granted);
	resolve(h, &r);
	h->mem.revoked = true;
	resolve_init(&r, h, &granted);
	refuse(h, &r, MIKEY_ERR_AUTH_FAILURE);
	assert_string_equal(h->answer.why, "the ticket's TPK was revoked");
}

/* Every bit of a ticket, re-signed by the requester: refused, never resolved. */
static void every_bit_of_a_ticket(void **state)
{
	struct house *h = *state;
	struct resolve_request good, r;
	u32 at, bit;

	ticket_for(h, BOB);
	resolve_init(&good, h, &granted);
	for (at = 0; at < good.ticket_len; at++) {
		for (bit = 1; bit < 0x100; bit <<= 1) {
			h->mem.num_replay = 0;
			r = good;
			r.ticket[at] ^= bit;
			ask(h, &r);
			if (h->answer.error_no < 0)
				fail_msg("bit %02x of byte %u is not covered",
					 bit, at);
		}
	}
	for (at = 0; at < good.initiator_data_len; at++) {
		for (bit = 1; bit < 0x100; bit <<= 1) {
			h->mem.num_replay = 0;
			r = good;
			r.initiator_data[at] ^= bit;
			ask(h, &r);
			assert_true(h->answer.error_no >= 0);
		}
	}
	h->mem.num_replay = 0;
	resolve(h, &good);
	assert_keys_for(BOB);
}

/* Initiator Data belongs to key forking: not without it, nor it without. */
static void without_proof(void **state)
{
	struct house *h = *state;
	struct resolve_request r;

	ticket_for(h, BOB);
	resolve_init(&r, h, &granted);
	r.initiator_data_len = 0;
	refuse(h, &r, MIKEY_ERR_AUTH_FAILURE);
	assert_string_equal(h->answer.why, "Vr of the Initiator Data does not verify");
}

static void without_forking(void **state)
{
	struct house *h = *state;
	struct resolve_request r;
	struct request request;

	request_init(&request, h);
	request.profile = mikey_profile_by_id(MIKEY_PROFILE_ID_ANNEX_I);
	request.head.flags = mikey_profile_flags(request.profile,
						 MIKEY_MODE_KMS);
	request_write(&request, &msg);
	assert_int_equal(house_handle(h, KMS_TICKET_REQUEST, message_blob(&msg)), 0);
	granted_read(&granted, &request, &msg, &h->answer);
	resolve_init(&r, h, &granted);
	r.initiator_data[0] = MIKEY_PL_V;
	r.initiator_data_len = 1;
	refuse(h, &r, MIKEY_ERR_INVALID_TICKET);
	resolve_init(&r, h, &granted);
	ask(h, &r);
	assert_int_equal(h->answer.error_no, -1);
}

/* A ticket's head, changed by who resolves it. */
static void head_of_ticket(void **state)
{
	struct house *h = *state;
	struct resolve_request r;

	ticket_for(h, BOB);
	resolve_init(&r, h, &granted);
	/* type 2, subtype, version, PRF (7 bits), then D: mode 2 is not here */
	assert_true(r.ticket[4] & 1);
	r.ticket[4] &= ~1;
	refuse(h, &r, MIKEY_ERR_INVALID_TPPAR);
	resolve_init(&r, h, &granted);
	r.ticket[1] = 9;
	refuse(h, &r, MIKEY_ERR_INVALID_TICKET);
	/* TS 33.328 D.4's subtype 0, version 0 is "reserved" */
	resolve_init(&r, h, &granted);
	r.ticket[2] = 0;
	r.ticket[3] = 0;
	refuse(h, &r, MIKEY_ERR_INVALID_TICKET);
}

/* Vr of the same initiator and ticket, but of another message than Vi. */
static void vr_of_another_message(void **state)
{
	struct house *h = *state;
	struct resolve_request r, other;

	ticket_for(h, BOB);
	resolve_init(&r, h, &granted);
	resolve_init(&other, h, &granted);
	/* 09, Vi: 09, alg, 32 bytes; Vr: 00, alg, 32 bytes */
	assert_int_equal(r.initiator_data_len, 1 + 34 + 34);
	memcpy(r.initiator_data + 37, other.initiator_data + 37, 32);
	refuse(h, &r, MIKEY_ERR_AUTH_FAILURE);
	assert_string_equal(h->answer.why, "Vr of the Initiator Data does not verify");
	/* Vr's algorithm is Vi's */
	resolve_init(&r, h, &granted);
	r.initiator_data[2] = MIKEY_AUTH_HMAC_SHA_1_160;
	refuse(h, &r, MIKEY_ERR_AUTH_FAILURE);
	resolve_init(&r, h, &granted);
	r.initiator_data[36] = MIKEY_AUTH_NULL;
	refuse(h, &r, MIKEY_ERR_AUTH_FAILURE);
	resolve(h, &other);
}

/* What Bob asked for, sent again by Carol with her own name and MAC. */
static void ticket_for_another(void **state)
{
	struct house *h = *state;
	struct mem_user *carol;
	struct resolve_request r;

	carol = mem_user_add(&h->mem, "carol-psk", "carol@example.test",
			     MIKEY_SUITE_ID_256);
	ticket_for(h, BOB);
	resolve_init(&r, h, &granted);
	r.psk_id = carol->psk_id;
	r.psk = kms_blob(carol->psk.key, 32);
	r.idr_r = "carol@example.test";
	refuse(h, &r, MIKEY_ERR_AUTH_FAILURE);
	assert_string_equal(h->answer.why, "the ticket is not for this user");
	/* nor may Alice herself, who is no recipient */
	resolve_init(&r, h, &granted);
	r.psk_id = "alice-psk";
	r.psk = kms_blob(h->mem.users[0].psk.key, 32);
	r.idr_r = ALICE;
	refuse(h, &r, MIKEY_ERR_AUTH_FAILURE);
	/* Bob's resolve as Carol found it: his RESOLVE_INIT under his PSK id */
	resolve_init(&r, h, &granted);
	r.psk = kms_blob(carol->psk.key, 32);
	ask(h, &r);
	assert_error(h, MIKEY_ERR_AUTH_FAILURE, false, r.psk, &msg);
}

/* Three members resolve a ticket for their group; the fourth user does not. */
static void fourth_user(void **state)
{
	static const char *const members[] = {
		BOB, "carol@example.test", "dave@example.test",
	};
	struct house *h = *state;
	struct resolve_request r;
	struct mem_user *user;
	u32 i;

	mem_user_add(&h->mem, "carol-psk", members[1], MIKEY_SUITE_ID_256);
	mem_user_add(&h->mem, "dave-psk", members[2], MIKEY_SUITE_ID_256);
	mem_user_add(&h->mem, "eve-psk", "eve@example.test", MIKEY_SUITE_ID_256);
	h->mem.psi = TEAM;
	memcpy(h->mem.members, members, sizeof(members));
	h->mem.server = "eve@example.test";
	ticket_for(h, TEAM);
	for (i = 1; i < 5; i++) {
		user = &h->mem.users[i];
		resolve_init(&r, h, &granted);
		r.psk_id = user->psk_id;
		r.psk = kms_blob(user->psk.key, 32);
		r.idr_r = user->uids[0];
		if (i == 4) {
			refuse(h, &r, MIKEY_ERR_AUTH_FAILURE);
			assert_string_equal(h->answer.why, "the ticket is not for this user");
		} else {
			resolve(h, &r);
			assert_keys_for(user->uids[0]);
		}
	}
}

/* Removed, a user resolves nothing; others still resolve what is his. */
static void user_removed(void **state)
{
	struct house *h = *state;
	struct resolve_request r;

	ticket_for(h, BOB);
	h->mem.users[0].psk_id = "nobody's";
	resolve_init(&r, h, &granted);
	resolve(h, &r);
	resolve_init(&r, h, &granted);
	h->mem.users[1].psk_id = "nobody's";
	ask(h, &r);
	assert_error(h, MIKEY_ERR_AUTH_FAILURE, false, r.psk, &msg);
	assert_string_equal(h->answer.why, "no such PSK");
}

/* RFC 6043 12.1; and time, as in the other exchange. */
static void rand_and_time(void **state)
{
	struct house *h = *state;
	struct resolve_request r;

	ticket_for(h, BOB);
	resolve_init(&r, h, &granted);
	r.randr_len = 31;
	refuse(h, &r, MIKEY_ERR_UNSPECIFIED);
	r.randr_len = 0;
	refuse(h, &r, MIKEY_ERR_UNSPECIFIED);
	resolve_init(&r, h, &granted);
	mikey_ts_from_unix(&r.t, NOW + 61);
	refuse(h, &r, MIKEY_ERR_INVALID_TS);
	mikey_ts_from_unix(&r.t, NOW - 61);
	refuse(h, &r, MIKEY_ERR_INVALID_TS);
	mikey_ts_from_unix(&r.t, NOW - 60);
	r.t.type = MIKEY_TS_NTP;
	refuse(h, &r, MIKEY_ERR_INVALID_TS);
	r.t.type = MIKEY_TS_NTP_UTC;
	resolve(h, &r);
	resolve_init(&r, h, &granted);
	r.t = (struct mikey_ts) { .type = MIKEY_TS_COUNTER, .value = 3 };
	resolve(h, &r);
	r.csb_id++;
	refuse(h, &r, MIKEY_ERR_INVALID_TS);
	r.t.value--;
	r.csb_id++;
	refuse(h, &r, MIKEY_ERR_INVALID_TS);
	r.t.value = 4;
	resolve(h, &r);
}

/* What is granted once is not asked again, but a profile that went off is. */
static void policy_changed(void **state)
{
	static struct kms_rule none[] = { { .from = BOB, .to = BOB } };
	struct house *h = *state;
	struct resolve_request r;

	ticket_for(h, BOB);
	house_rules(h, none, ARRAY_SIZE(none));
	h->policy.terms.max_lifetime = 1;
	h->policy.terms.reuse = false;
	resolve_init(&r, h, &granted);
	resolve(h, &r);
	h->policy.terms.profiles = 1U << MIKEY_PROFILE_ID_ANNEX_I;
	resolve_init(&r, h, &granted);
	refuse(h, &r, MIKEY_ERR_INVALID_TICKET);
	h->policy.num_rules = 0;
}

static void of_another_kms(void **state)
{
	static const char *const other[] = { "https://other.example.test" };
	struct house *h = *state;
	struct resolve_request r;

	ticket_for(h, BOB);
	h->policy.identities = other;
	resolve_init(&r, h, &granted);
	r.idr_kms = other[0];
	refuse(h, &r, MIKEY_ERR_AUTH_FAILURE);
	assert_string_equal(h->answer.why, "the ticket is another KMS's");
	resolve_init(&r, h, &granted);
	refuse(h, &r, MIKEY_ERR_INVALID_ID);
}

static void repeat(void **state)
{
	struct house *h = *state;
	struct resolve_request r;

	ticket_for(h, BOB);
	resolve_init(&r, h, &granted);
	resolve(h, &r);
	refuse(h, &r, MIKEY_ERR_INVALID_TS);
	r.randr[0] ^= 1;
	resolve(h, &r);
}

#define IN_HOUSE(test) \
	cmocka_unit_test_setup_teardown(test, house_setup, house_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_HOUSE(by_name),
		IN_HOUSE(by_wildcard),
		IN_HOUSE(by_other_uid),
		IN_HOUSE(by_group),
		IN_HOUSE(fresh_modifier),
		IN_HOUSE(foreign_uid),
		IN_HOUSE(forbidden_alike),
		IN_HOUSE(validity),
		IN_HOUSE(revoked_tpk),
		IN_HOUSE(every_bit_of_a_ticket),
		IN_HOUSE(without_proof),
		IN_HOUSE(without_forking),
		IN_HOUSE(head_of_ticket),
		IN_HOUSE(vr_of_another_message),
		IN_HOUSE(ticket_for_another),
		IN_HOUSE(fourth_user),
		IN_HOUSE(user_removed),
		IN_HOUSE(rand_and_time),
		IN_HOUSE(policy_changed),
		IN_HOUSE(of_another_kms),
		IN_HOUSE(repeat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
