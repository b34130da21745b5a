// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The vectors: every derivation, and both answers byte for byte when clock,
 * randomness and TPK are theirs.
 */
#include "tests/unit/kms/support.h"

#define NTP_EPOCH 2208988800LL		/* 1900 to 1970 */
#define T_REQUEST (0xee000000LL - NTP_EPOCH)

static void prf_vectors(void **state)
{
	struct kms_crypto *c = kms_crypto_new();
	const struct vector_prf *v;
	u8 out[512];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(vector_prf); i++) {
		v = &vector_prf[i];
		assert_true(v->outkey.len <= sizeof(out));
		assert_int_equal(kms_prf(c, v->prf, blob(v->inkey),
					 blob(v->label), out, v->outkey.len), 0);
		assert_bytes(out, v->outkey.len, blob(v->outkey));
	}
	assert_int_equal(kms_prf(c, 2, blob(v->inkey), blob(v->label), out, 16),
			 -EINVAL);
	assert_int_equal(kms_prf(c, 1, (struct mikey_blob) { 0 },
				 blob(v->label), out, 16), -EINVAL);
	kms_crypto_free(c);
}

/* A house whose inputs are those of the exchange. */
static struct house *vector_house(const struct vector_exchange *e, s64 now,
				  s64 t_answer)
{
	static char names[4][64];
	static const char *const identities[] = { names[0] };
	const struct mikey_suite *suite = mikey_suite_by_name(e->suite);
	const struct vector_bytes texts[] = {
		e->inputs.id_kms, e->inputs.psk_i_id, e->inputs.psk_r_id,
	};
	static char uids[2][64], groups[1][64];
	struct house *h;
	void *state;
	u32 i;

	house_setup(&state);
	h = state;
	for (i = 0; i < ARRAY_SIZE(texts); i++)
		snprintf(names[i], sizeof(names[i]), "%.*s", (int)texts[i].len,
			 (const char *)texts[i].p);
	snprintf(uids[0], sizeof(uids[0]), "%.*s", (int)e->inputs.id_i.len,
		 (const char *)e->inputs.id_i.p);
	snprintf(uids[1], sizeof(uids[1]), "%.*s", (int)e->inputs.id_r.len,
		 (const char *)e->inputs.id_r.p);
	snprintf(groups[0], sizeof(groups[0]), "%.*s", (int)e->recipient.len,
		 (const char *)e->recipient.p);
	h->policy.identities = identities;
	h->policy.terms.suites = 1U << suite->id;
	h->policy.terms.cacheable = true;
	h->mem.num_users = 0;
	mem_user_add(&h->mem, names[1], uids[0], suite->id);
	memcpy(h->mem.users[0].psk.key, e->inputs.psk_i.p, e->inputs.psk_i.len);
	mem_user_add(&h->mem, names[2], uids[1], suite->id);
	/* In the exchange with a group the recipient is the group. */
	h->mem.psi = groups[0];
	h->mem.members[0] = uids[1];
	memcpy(h->mem.users[1].psk.key, e->inputs.psk_r.p, e->inputs.psk_r.len);
	memcpy(h->mem.tpk.key, e->inputs.tpk.p, e->inputs.tpk.len);
	h->mem.tpk.key_len = e->inputs.tpk.len;
	h->mem.t_answer = t_answer;
	world_init(&h->world, now);
	house_again(h);
	h->world.random[KMS_RANDOM_MPK] = blob(e->inputs.mpk);
	h->world.random[KMS_RANDOM_TRAFFIC_KEY] = blob(e->inputs.traffic_key);
	h->world.random[KMS_RANDOM_SPI] = blob(e->inputs.spi);
	h->world.random[KMS_RANDOM_TICKET_RAND] = blob(e->inputs.ticket_rand);
	h->world.random[KMS_RANDOM_RANDR_KMS] = blob(e->inputs.randr_kms);
	return h;
}

static void leave(struct house *h)
{
	void *state = h;

	house_teardown(&state);
}

static void request_of(const struct vector_exchange *e)
{
	struct house *h = vector_house(e, T_REQUEST + 0x10, T_REQUEST + 0x20);

	assert_int_equal(house_handle(h, KMS_TICKET_REQUEST,
				      blob(e->messages.request_init)), 0);
	if (h->answer.error_no >= 0)
		fail_msg("%s: %s", e->name, h->answer.why);
	assert_bytes(h->answer.buf, h->answer.len,
		     blob(e->messages.request_resp));
	leave(h);
}

static void resolve_of(const struct vector_exchange *e)
{
	struct house *h = vector_house(e, T_REQUEST + 0x41, T_REQUEST + 0x50);

	assert_int_equal(house_handle(h, KMS_TICKET_RESOLVE,
				      blob(e->messages.resolve_init)), 0);
	if (h->answer.error_no >= 0)
		fail_msg("%s: %s", e->name, h->answer.why);
	assert_bytes(h->answer.buf, h->answer.len,
		     blob(e->messages.resolve_resp));
	leave(h);
}

static s64 unix_time(struct vector_time t)
{
	struct mikey_ts ts = { .type = t.type, .value = t.value };

	return mikey_ts_to_unix(&ts);
}

/* Between two KMSs, which one KMS alone does not do. */
static bool is_zk(const struct vector_exchange *e)
{
	return strstr(e->name, "zk");
}

static struct house *variant_house(const struct vector_exchange *e, s64 now,
				   struct vector_time answer)
{
	struct house *h = vector_house(e, now, unix_time(answer));
	static char psi[64];

	memcpy(h->mem.tpk.name, e->tpk_id.p, e->tpk_id.len);
	h->mem.tpk.name_len = e->tpk_id.len;
	if (!mikey_blob_eq(blob(e->recipient), blob(e->inputs.id_r))) {
		snprintf(psi, sizeof(psi), "%.*s", (int)e->recipient.len,
			 (const char *)e->recipient.p);
		h->mem.psi = psi;
		h->mem.members[0] = h->mem.users[1].uids[0];
	}
	return h;
}

static void assert_answer(const struct house *h, const char *name,
			  struct vector_bytes want)
{
	if (h->answer.error_no >= 0)
		fail_msg("%s: %s", name, h->answer.why);
	assert_bytes(h->answer.buf, h->answer.len, blob(want));
}

/*
 * Single use, caching, TRr, groups, wildcards, other timestamps and ticket
 * types, and tickets that their initiator made.
 */
static void variants(void **state)
{
	const struct vector_exchange *e;
	struct house *h;
	u32 i, num = 0;

	(void)state;
	for (i = 0; i < VECTOR_VARIANT_NUM; i++) {
		e = &vector_variant[i];
		if (e->messages.request_init.len && !is_zk(e)) {
			h = variant_house(e, unix_time(e->times.ticket),
					  e->times.request_resp);
			assert_int_equal(house_handle(h, KMS_TICKET_REQUEST,
						      blob(e->messages.request_init)), 0);
			assert_answer(h, e->name, e->messages.request_resp);
			leave(h);
		}
		if (e->messages.resolve_init.len && !is_zk(e)) {
			h = variant_house(e, unix_time(e->times.resolve_resp),
					  e->times.resolve_resp);
			assert_int_equal(house_handle(h, KMS_TICKET_RESOLVE,
						      blob(e->messages.resolve_init)), 0);
			assert_answer(h, e->name, e->messages.resolve_resp);
			leave(h);
			num++;
		}
	}
	assert_true(num > 12);
}

static void requests(void **state)
{
	u32 i;

	(void)state;
	for (i = 0; i < VECTOR_EXCHANGE_NUM; i++)
		request_of(&vector_exchange[i]);
	for (i = 0; i < VECTOR_VARIANT_NUM; i++)
		if (vector_variant[i].mode == 1)
			request_of(&vector_variant[i]);
}

static void resolves(void **state)
{
	u32 i;

	(void)state;
	for (i = 0; i < VECTOR_EXCHANGE_NUM; i++)
		resolve_of(&vector_exchange[i]);
	for (i = 0; i < VECTOR_VARIANT_NUM; i++)
		if (vector_variant[i].mode == 1)
			resolve_of(&vector_variant[i]);
}

/* Each derived value by itself: what a wrong answer would not tell apart. */
static void derived_immediate_256(void **state)
{
	const struct vector_exchange *e = vector_exchange_immediate_256;
	const struct mikey_suite *suite = mikey_suite_by_name(e->suite);
	struct kms_crypto *c = kms_crypto_new();
	struct mikey_msg m = { .hdr.csb_id = e->csb[0] };
	struct kms_message_keys keys;
	struct kms_ticket_keys ticket;
	struct kms_mpks mpks;

	(void)state;
	m.randr_i.data = blob(e->inputs.randr_i);
	kms_keys_of_message(c, suite, blob(e->inputs.psk_i), &m, false, &keys);
	assert_bytes(keys.auth, 32, blob(e->derived.request_init.auth));
	kms_keys_of_message(c, suite, blob(e->inputs.psk_i), &m, true, &keys);
	assert_bytes(keys.auth, 32, blob(e->derived.request_resp.auth));
	assert_bytes(keys.encr, 32, blob(e->derived.request_resp.encr));
	assert_bytes(keys.salt, 14, blob(e->derived.request_resp.salt));
	kms_keys_of_ticket(c, suite, blob(e->inputs.tpk),
			   blob(e->inputs.ticket_rand), &keys);
	assert_bytes(keys.auth, 32, blob(e->derived.ticket.auth));
	assert_bytes(keys.encr, 32, blob(e->derived.ticket.encr));
	assert_bytes(keys.salt, 14, blob(e->derived.ticket.salt));
	memcpy(ticket.mpk, e->inputs.mpk.p, 32);
	kms_ticket_mpks(c, suite, &ticket, blob(e->inputs.ticket_rand), &mpks);
	assert_bytes(mpks.mpk_i, 32, blob(e->derived.mpki));
	assert_bytes(mpks.mpk_r, 32, blob(e->derived.mpkr));
	kms_crypto_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prf_vectors),
		cmocka_unit_test(derived_immediate_256),
		cmocka_unit_test(requests),
		cmocka_unit_test(resolves),
		cmocka_unit_test(variants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
