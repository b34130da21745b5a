// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Labels, MAC coverage and the IV of AES-CM: with them OpenSSL must come to
 * the vectors' keys, MACs and plain texts.
 */
#include "support.h"

struct context {
	const struct vector_exchange *e;
	const struct mikey_suite *suite;
	bool forked;
};

static struct context context(u32 i)
{
	const struct vector_exchange *e = &vector_exchange[i];

	return (struct context){
		.e = e,
		.suite = mikey_suite_by_name(e->suite),
		.forked = mikey_profile_by_name(e->profile)->forked,
	};
}

static void assert_derived(u8 prf_func, struct vector_bytes key,
			   const struct mikey_label *label,
			   struct vector_bytes want)
{
	u8 out[64];

	assert_true(want.len && want.len <= sizeof(out));
	prf(prf_func, blob(key), label, out, want.len);
	assert_memory_equal(out, want.p, want.len);
}

static void prf_is_that_of_the_vectors(void **state)
{
	struct mikey_label label;

	(void)state;
	for (u32 i = 0; i < VECTOR_PRF_NUM; i++) {
		const struct vector_prf *v = &vector_prf[i];

		assert_true(v->label.len <= sizeof(label.buf));
		label.len = v->label.len;
		memcpy(label.buf, v->label.p, v->label.len);
		assert_derived(v->prf, v->inkey, &label, v->outkey);
	}
}

static const enum mikey_label_constant message_constants[] = {
	MIKEY_LC_ENCR, MIKEY_LC_AUTH, MIKEY_LC_SALT,
};

static void assert_message_keys(const struct context *c,
				struct vector_bytes key, u32 csb, bool response,
				struct vector_bytes randr_i,
				struct vector_bytes randr_r,
				const struct vector_message_keys *want)
{
	const struct vector_bytes wants[] = { want->encr, want->auth,
					      want->salt };
	struct mikey_label label;

	for (u32 i = 0; i < ARRAY_SIZE(wants); i++) {
		mikey_label_message(&label, message_constants[i], csb, response,
				    blob(randr_i), blob(randr_r));
		assert_derived(c->suite->prf, key, &label, wants[i]);
	}
}

static void message_keys(void **state)
{
	const struct vector_bytes none = { 0 };

	(void)state;
	for (u32 i = 0; i < VECTOR_EXCHANGE_NUM; i++) {
		struct context c = context(i);
		const struct vector_exchange *e = c.e;

		assert_message_keys(&c, e->inputs.psk_i, e->csb[0], false,
				    e->inputs.randr_i, none,
				    &e->derived.request_init);
		assert_message_keys(&c, e->inputs.psk_i, e->csb[0], true,
				    e->inputs.randr_i, none,
				    &e->derived.request_resp);
		assert_message_keys(&c, e->derived.mpki, e->csb[1], false,
				    e->inputs.transfer_randr_i, none,
				    &e->derived.transfer_init);
		assert_message_keys(&c, e->inputs.psk_r, e->csb[2], false, none,
				    e->inputs.randr_r,
				    &e->derived.resolve_init);
		assert_message_keys(&c, e->inputs.psk_r, e->csb[2], true, none,
				    e->inputs.randr_r,
				    &e->derived.resolve_resp);
	}
}

static void ticket_keys(void **state)
{
	(void)state;
	for (u32 i = 0; i < VECTOR_EXCHANGE_NUM; i++) {
		struct context c = context(i);
		const struct vector_exchange *e = c.e;
		const struct vector_bytes wants[] = {
			e->derived.ticket.encr, e->derived.ticket.auth,
			e->derived.ticket.salt,
		};
		struct mikey_blob rand = blob(e->inputs.ticket_rand);
		struct mikey_label l;

		for (u32 k = 0; k < ARRAY_SIZE(wants); k++) {
			mikey_label_ticket(&l, message_constants[k], rand);
			assert_derived(c.suite->prf, e->inputs.tpk, &l,
				       wants[k]);
		}
		mikey_label_mpk(&l, MIKEY_LC_MPK_I, rand);
		assert_derived(c.suite->prf, e->inputs.mpk, &l,
			       e->derived.mpki);
		mikey_label_mpk(&l, MIKEY_LC_MPK_R, rand);
		assert_derived(c.suite->prf, e->inputs.mpk, &l,
			       e->derived.mpkr);
		mikey_label_vr(&l);
		assert_derived(c.suite->prf, e->derived.mpkr, &l,
			       e->derived.vr_auth);
		assert_int_equal(mikey_label_fork(&l, MIKEY_LC_FORK_MPK,
						  blob(e->inputs.id_r),
						  blob(e->inputs.randr_kms)),
				 0);
		assert_derived(c.suite->prf, e->derived.mpkr, &l,
			       e->derived.mpkr_forked);
		assert_int_equal(mikey_label_fork(&l, MIKEY_LC_FORK_TGK,
						  blob(e->inputs.id_r),
						  blob(e->inputs.randr_kms)),
				 0);
		assert_derived(c.suite->prf, e->inputs.traffic_key, &l,
			       e->derived.tgk_forked);
	}
}

static void crypto_session_keys(void **state)
{
	(void)state;
	for (u32 i = 0; i < VECTOR_EXCHANGE_NUM; i++) {
		struct context c = context(i);
		const struct vector_exchange *e = c.e;
		const struct {
			enum mikey_label_constant constant;
			struct vector_bytes want;
		} keks[] = {
			{ MIKEY_LC_TEK, e->derived.kek.tek },
			{ MIKEY_LC_CS_AUTH, e->derived.kek.auth },
			{ MIKEY_LC_CS_ENCR, e->derived.kek.encr },
		};
		struct mikey_label l;

		for (u32 k = 0; k < ARRAY_SIZE(keks); k++) {
			mikey_label_cs(&l, keks[k].constant, e->cs_id,
				       blob(e->inputs.transfer_randr_i));
			assert_derived(c.suite->prf, e->inputs.traffic_key, &l,
				       keks[k].want);
		}
	}
}

static void labels_at_their_limits(void **state)
{
	static u8 rand[MIKEY_RAND_MAX], id[MIKEY_UID_MAX + 1];
	struct mikey_blob r = { rand, sizeof(rand) };
	struct mikey_label l;

	(void)state;
	memset(rand, 0xa5, sizeof(rand));
	memset(id, 'x', sizeof(id));

	mikey_label_message(&l, MIKEY_LC_AUTH, 0x01020304, true, r, r);
	assert_int_equal(l.len, 10 + 2 * (1 + 255));
	assert_memory_equal(l.buf, "\x2d\x22\xac\x75\xff\x01\x02\x03\x04\x02\xff",
			    11);
	assert_int_equal(l.buf[10 + 256], 255);

	/* Absent random values still have their length. */
	mikey_label_message(&l, MIKEY_LC_SALT, 0, false, NONE, NONE);
	assert_int_equal(l.len, 12);
	assert_memory_equal(l.buf, "\x29\xb8\x89\x16\xff\0\0\0\0\1\0\0", 12);

	mikey_label_cs(&l, MIKEY_LC_CS_SALT, 7, NONE);
	assert_int_equal(l.len, 12);
	assert_memory_equal(l.buf, "\x39\xa2\xc1\x4b\x07\xff\xff\xff\xff\3\0\0",
			    12);

	assert_int_equal(mikey_label_fork(&l, MIKEY_LC_FORK_MPK,
					  (struct mikey_blob){ id, 255 }, r),
			 0);
	assert_int_equal(l.len, 10 + 2 + 255 + 1 + 255);
	assert_memory_equal(l.buf + 9, "\0\0\xffx", 4);
	assert_int_equal(mikey_label_fork(&l, MIKEY_LC_FORK_MPK,
					  (struct mikey_blob){ id, 256 }, r),
			 -EMSGSIZE);
	assert_int_equal(mikey_label_fork(&l, MIKEY_LC_FORK_TGK, NONE, NONE),
			 0);
	assert_memory_equal(l.buf, "\x15\x12\xb5\x4a\xff\xff\xff\xff\xff\0\0\0\0",
			    13);
	assert_int_equal(l.len, 13);
}

/* What table 5.2 has behind the message. */
static void extras(const struct mikey_msg *m, const struct vector_exchange *e,
		   struct mikey_blob extra[2])
{
	extra[0] = NONE;
	extra[1] = NONE;
	switch (m->hdr.data_type) {
	case MIKEY_DT_REQUEST_INIT_PSK:
		extra[0] = m->idr_i.data;
		extra[1] = m->idr_kms.data;
		break;
	case MIKEY_DT_TRANSFER_INIT:
		extra[0] = m->idr_i.data;
		extra[1] = m->idr_r.data;
		break;
	case MIKEY_DT_RESOLVE_INIT_PSK:
		extra[0] = m->idr_r.data;
		extra[1] = m->idr_kms.data;
		break;
	case MIKEY_DT_REQUEST_RESP:
		extra[0] = blob(e->messages.request_init);
		break;
	case MIKEY_DT_RESOLVE_RESP:
		extra[0] = blob(e->messages.resolve_init);
		break;
	}
}

static struct vector_bytes auth_key(const struct vector_exchange *e, u8 type)
{
	switch (type) {
	case MIKEY_DT_REQUEST_INIT_PSK:
		return e->derived.request_init.auth;
	case MIKEY_DT_REQUEST_RESP:
		return e->derived.request_resp.auth;
	case MIKEY_DT_TRANSFER_INIT:
		return e->derived.transfer_init.auth;
	case MIKEY_DT_RESOLVE_INIT_PSK:
		return e->derived.resolve_init.auth;
	default:
		return e->derived.resolve_resp.auth;
	}
}

static bool message_verifies(const struct mikey_msg *m,
			     const struct vector_exchange *e)
{
	struct mikey_blob extra[2];
	struct mikey_cover cover;

	extras(m, e, extra);
	mikey_cover_message(&cover, m, extra[0], extra[1]);
	return verifies(&m->v, auth_key(e, m->hdr.data_type), &cover);
}

/* Vi, where the message has its own V to compare with, and Vr. */
static bool initiator_verifies(const struct mikey_msg *m,
			       const struct vector_exchange *e)
{
	struct mikey_initiator_data id;
	struct mikey_cover cover;
	struct mikey_diag d;

	if (mikey_initiator_data_parse(&id, m->ticket.initiator_data, &d))
		return false;
	if (m->hdr.data_type == MIKEY_DT_TRANSFER_INIT &&
	    (id.vi.auth_alg != m->v.auth_alg ||
	     !mikey_blob_eq(id.vi.mac, m->v.mac)))
		return false;
	if (id.vr.auth_alg != id.vi.auth_alg)
		return false;
	mikey_cover_vr(&cover, m->ticket.initiator_data, &id);
	return verifies(&id.vr, e->derived.vr_auth, &cover);
}

static void macs_of_the_vectors(void **state)
{
	struct mikey_ticket_data td;
	struct vector_message vm;
	struct mikey_cover cover;
	struct mikey_diag d;
	struct mikey_msg m;

	(void)state;
	for (u32 i = 0; vector_message(i, &vm); i++) {
		parse_good(&m, vm.bytes);
		if (!message_verifies(&m, vm.e))
			fail_msg("V of %s %s", vm.e->name, vm.name);
		if (!m.ticket.present)
			continue;
		assert_int_equal(mikey_ticket_data_parse(&td, &m.ticket, &d),
				 0);
		mikey_cover_ticket(&cover, &m.ticket, &td);
		assert_true(verifies(&td.v, vm.e->derived.ticket.auth, &cover));
		if (m.ticket.initiator_data.len)
			assert_true(initiator_verifies(&m, vm.e));
	}
}

/*
 * A flipped bit anywhere but in TRANSFER_INIT's Initiator Data breaks V; one
 * there breaks Vi or Vr; one in the ticket breaks the ticket's own MAC too.
 */
static void macs_cover_every_bit(void **state)
{
	struct vector_message vm;

	(void)state;
	for (u32 i = 0; vector_message(i, &vm); i++) {
		struct mikey_blob bytes = vm.bytes;
		u32 from, to, bit, n = 0;
		struct mikey_msg m;
		struct mikey_diag d;
		u8 *copy;

		parse_good(&m, bytes);
		from = m.ticket.initiator_len_offset;
		to = from + m.ticket.initiator_data.len;
		if (m.hdr.data_type != MIKEY_DT_TRANSFER_INIT) {
			from = 0;
			to = 0;
		}
		copy = malloc(bytes.len);
		assert_non_null(copy);
		memcpy(copy, bytes.p, bytes.len);
		for (bit = 0; bit < 8 * bytes.len; bit++) {
			u32 at = bit / 8;

			copy[at] ^= 1 << bit % 8;
			if (!mikey_msg_parse(&m, copy, bytes.len, EXT_TYPE,
					     &d)) {
				bool inside = from < at && at < to + 2;

				n++;
				if (message_verifies(&m, vm.e) != inside)
					fail_msg("V of %s %s at %u", vm.e->name,
						 vm.name, at);
				if (inside && initiator_verifies(&m, vm.e))
					fail_msg("Vi, Vr of %s %s at %u",
						 vm.e->name, vm.name, at);
			}
			copy[at] ^= 1 << bit % 8;
		}
		assert_true(n > 4 * bytes.len);
		free(copy);
	}
}

static void ticket_mac_covers_every_bit(void **state)
{
	struct vector_message vm;

	(void)state;
	for (u32 i = 0; vector_message(i, &vm); i++) {
		struct mikey_ticket_payload t;
		struct mikey_ticket_data td;
		struct mikey_cover cover;
		struct mikey_blob stored;
		struct mikey_msg m;
		struct mikey_diag d;
		u32 n = 0;
		u8 *copy;

		parse_good(&m, vm.bytes);
		if (!m.ticket.present)
			continue;
		stored = m.ticket.from_type;
		copy = malloc(stored.len);
		assert_non_null(copy);
		memcpy(copy, stored.p, stored.len);
		stored.p = copy;
		for (u32 bit = 0; bit < 8 * stored.len; bit++) {
			copy[bit / 8] ^= 1 << bit % 8;
			if (!mikey_ticket_parse(&t, stored, &d) &&
			    !mikey_ticket_data_parse(&td, &t, &d)) {
				n++;
				mikey_cover_ticket(&cover, &t, &td);
				if (verifies(&td.v, vm.e->derived.ticket.auth,
					     &cover))
					fail_msg("ticket of %s at %u",
						 vm.e->name, bit / 8);
			}
			copy[bit / 8] ^= 1 << bit % 8;
		}
		assert_true(n > 4 * stored.len);
		free(copy);
	}
}

static u32 open_kemac(const struct context *c, const struct mikey_kemac *k,
		      const struct vector_message_keys *keys, u32 csb,
		      const struct mikey_ts *t, u8 *plain,
		      struct mikey_key_data *out)
{
	struct mikey_diag d;
	u8 iv[16];
	u32 num;

	assert_int_equal(keys->salt.len, MIKEY_SALT_LEN);
	assert_int_equal(keys->encr.len, c->suite->key_len);
	mikey_aes_cm_iv(iv, keys->salt.p, csb, t->value);
	aes_cm(blob(keys->encr), iv, k->encr_data, plain);
	assert_int_equal(mikey_key_data_parse((struct mikey_blob){
						plain, k->encr_data.len },
					      out, 4, &num, &d), 0);
	return num;
}

static void assert_key(const struct mikey_key_data *key, u8 type,
		       struct vector_bytes value, struct vector_bytes spi)
{
	static const u8 zero_spi[MIKEY_SPI_LEN];

	assert_int_equal(key->type, type);
	assert_int_equal(key->kv, MIKEY_KV_SPI);
	assert_int_equal(key->salt.len, 0);
	assert_blob(key->key, blob(value));
	if (spi.len)
		assert_blob(key->spi, blob(spi));
	else
		assert_blob(key->spi, (struct mikey_blob){ zero_spi, 8 });
}

static void kemacs_of_the_vectors(void **state)
{
	const struct vector_bytes none = { 0 };
	struct mikey_key_data keys[4];
	struct mikey_ticket_data td;
	struct mikey_msg m;
	struct mikey_diag d;
	u8 plain[256];

	(void)state;
	for (u32 i = 0; i < VECTOR_EXCHANGE_NUM; i++) {
		struct context c = context(i);
		const struct vector_exchange *e = c.e;
		u8 traffic = mikey_profile_by_name(e->profile)->traffic_key;
		u32 num;

		parse_good(&m, blob(e->messages.request_resp));
		num = open_kemac(&c, &m.kemac, &e->derived.request_resp,
				 e->csb[0], &m.t, plain, keys);
		assert_int_equal(num, c.forked ? 3 : 2);
		assert_key(&keys[0], MIKEY_KEY_MPK, e->derived.mpki, none);
		if (c.forked)
			assert_key(&keys[1], MIKEY_KEY_MPK, e->derived.mpkr,
				   none);
		assert_key(&keys[num - 1], traffic, e->inputs.traffic_key,
			   e->inputs.spi);

		assert_int_equal(mikey_ticket_data_parse(&td, &m.ticket, &d),
				 0);
		num = open_kemac(&c, &td.kemac, &e->derived.ticket, 0xffffffff,
				 &td.t, plain, keys);
		assert_int_equal(num, 2);
		assert_key(&keys[0], MIKEY_KEY_MPK, e->inputs.mpk, none);
		assert_key(&keys[1], traffic, e->inputs.traffic_key,
			   e->inputs.spi);

		parse_good(&m, blob(e->messages.resolve_resp));
		num = open_kemac(&c, &m.kemac, &e->derived.resolve_resp,
				 e->csb[2], &m.t, plain, keys);
		assert_int_equal(num, e->derived.num_resolved_keys);
		for (u32 k = 0; k < num; k++)
			assert_key(&keys[k], e->derived.resolved_keys[k].type,
				   e->derived.resolved_keys[k].key,
				   e->derived.resolved_keys[k].spi);
	}
}

/* Every byte of salt, CSB ID and T has its place (RFC 3830 4.2.3). */
static void iv_layout(void **state)
{
	static const u8 salt[MIKEY_SALT_LEN] = {
		0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70,
		0x80, 0x90, 0xa0, 0xb0, 0xc0, 0xd0, 0xe0,
	};
	static const u8 want[16] = {
		0x10, 0x20, 0x31, 0x42, 0x53, 0x64, 0x75, 0x86,
		0x97, 0xa8, 0xb9, 0xca, 0xdb, 0xec, 0x00, 0x00,
	};
	u8 iv[16];

	(void)state;
	memset(iv, 0xff, sizeof(iv));
	mikey_aes_cm_iv(iv, salt, 0x01020304, 0x05060708090a0b0cULL);
	assert_memory_equal(iv, want, sizeof(want));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prf_is_that_of_the_vectors),
		cmocka_unit_test(message_keys),
		cmocka_unit_test(ticket_keys),
		cmocka_unit_test(crypto_session_keys),
		cmocka_unit_test(labels_at_their_limits),
		cmocka_unit_test(macs_of_the_vectors),
		cmocka_unit_test(macs_cover_every_bit),
		cmocka_unit_test(ticket_mac_covers_every_bit),
		cmocka_unit_test(kemacs_of_the_vectors),
		cmocka_unit_test(iv_layout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
