// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What refusals cost, counted instead of timed: each makes the same calls of
 * libcrypto, in the same number and over as many bytes of keys and messages, as
 * the others that it must not be told from. Through the real store.
 */
#include <dlfcn.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "tests/unit/kms/place.h"

/* What is counted: calls of these, and the bytes that MACs are made over. */
enum call {
	HMAC_CALL,
	HMAC_BYTES,
	MAC_INIT,
	MAC_FINAL,
	MAC_BYTES,
	DECRYPT_INIT,
	DECRYPT_FINAL,
	ENCRYPT_INIT,
	ENCRYPT_BYTES,
	DIGEST,
	COMPARE,
	CALLS
};

static const char *const names[CALLS] = {
	"HMAC", "HMAC bytes", "EVP_MAC_init", "EVP_MAC_final", "EVP_MAC bytes",
	"EVP_DecryptInit_ex2", "EVP_DecryptFinal_ex", "EVP_EncryptInit_ex2",
	"EVP_EncryptUpdate bytes", "SHA256", "CRYPTO_memcmp",
};

static size_t counts[CALLS];

/* The function of libcrypto behind one that stands in front of it here. */
#define REAL(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))

unsigned char *HMAC(const EVP_MD *evp_md, const void *key, int key_len,
		    const unsigned char *data, size_t data_len, unsigned char *md,
		    unsigned int *md_len)
{
	counts[HMAC_CALL]++;
	counts[HMAC_BYTES] += key_len + data_len;
	return REAL(HMAC)(evp_md, key, key_len, data, data_len, md, md_len);
}

int EVP_MAC_init(EVP_MAC_CTX *ctx, const unsigned char *key, size_t keylen,
		 const OSSL_PARAM params[])
{
	counts[MAC_INIT]++;
	return REAL(EVP_MAC_init)(ctx, key, keylen, params);
}

int EVP_MAC_update(EVP_MAC_CTX *ctx, const unsigned char *data, size_t datalen)
{
	counts[MAC_BYTES] += datalen;
	return REAL(EVP_MAC_update)(ctx, data, datalen);
}

int EVP_MAC_final(EVP_MAC_CTX *ctx, unsigned char *out, size_t *outl, size_t outsize)
{
	counts[MAC_FINAL]++;
	return REAL(EVP_MAC_final)(ctx, out, outl, outsize);
}

int EVP_DecryptInit_ex2(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher,
			const unsigned char *key, const unsigned char *iv,
			const OSSL_PARAM params[])
{
	counts[DECRYPT_INIT]++;
	return REAL(EVP_DecryptInit_ex2)(ctx, cipher, key, iv, params);
}

int EVP_DecryptFinal_ex(EVP_CIPHER_CTX *ctx, unsigned char *outm, int *outl)
{
	counts[DECRYPT_FINAL]++;
	return REAL(EVP_DecryptFinal_ex)(ctx, outm, outl);
}

int EVP_EncryptInit_ex2(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher,
			const unsigned char *key, const unsigned char *iv,
			const OSSL_PARAM params[])
{
	counts[ENCRYPT_INIT]++;
	return REAL(EVP_EncryptInit_ex2)(ctx, cipher, key, iv, params);
}

int EVP_EncryptUpdate(EVP_CIPHER_CTX *ctx, unsigned char *out, int *outl,
		      const unsigned char *in, int inl)
{
	counts[ENCRYPT_BYTES] += inl;
	return REAL(EVP_EncryptUpdate)(ctx, out, outl, in, inl);
}

unsigned char *SHA256(const unsigned char *d, size_t n, unsigned char *md)
{
	counts[DIGEST]++;
	return REAL(SHA256)(d, n, md);
}

int CRYPTO_memcmp(const void *a, const void *b, size_t len)
{
	counts[COMPARE]++;
	return REAL(CRYPTO_memcmp)(a, b, len);
}

struct scene {
	struct place *place;
	struct house *house;
	struct granted granted;		/* ALICE's ticket for BOB */
	u8 tpk[KMS_TPK_NAME_MAX];	/* what it is protected with */
	u32 tpk_len;
	struct message msg;
};

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct request r;
	void *part = *state;
	u32 i;

	assert_non_null(s);
	place_store_setup(&part);
	s->place = part;
	house_setup(&part);
	s->house = part;
	place_user(s->place, ALICE, "alice-psk", 0xa1);
	place_user(s->place, BOB, "bob-psk", 0xb2);
	for (i = 0; i < 2; i++)
		memset(s->house->mem.users[i].psk.key, i ? 0xb2 : 0xa1, 32);
	request_init(&r, s->house);
	request_write(&r, &s->msg);
	assert_int_equal(kms_handle(s->house->kms, &s->place->d->store, KMS_TICKET_REQUEST,
				    s->msg.buf, s->msg.len, &s->house->answer), 0);
	granted_read(&s->granted, &r, &s->msg, &s->house->answer);
	s->tpk_len = s->house->answer.deed.tpk_len;
	memcpy(s->tpk, s->house->answer.deed.tpk, s->tpk_len);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;
	void *part = s->house;

	house_teardown(&part);
	part = s->place;
	place_teardown(&part);
	free(s);
	return 0;
}

/* The message is refused for this reason; what that cost. */
static void refused(struct scene *s, enum kms_exchange_kind kind, const char *why,
		    size_t cost[CALLS])
{
	struct kms_answer *a = &s->house->answer;

	memset(counts, 0, sizeof(counts));
	assert_int_equal(kms_handle(s->house->kms, &s->place->d->store, kind, s->msg.buf,
				    s->msg.len, a), 0);
	memcpy(cost, counts, sizeof(counts));
	assert_int_equal(a->error_no, MIKEY_ERR_AUTH_FAILURE);
	assert_string_equal(a->why, why);
}

static void assert_same(const size_t a[CALLS], const size_t b[CALLS], const char *why)
{
	int i;

	for (i = 0; i < CALLS; i++)
		if (a[i] != b[i])
			fail_msg("%s: %s: %zu instead of %zu", why, names[i], b[i], a[i]);
}

/* Who asks: IDRpsk as long as the one that exists, where it does not exist. */
static const struct {
	const char *psk_id, *sql, *why;
} strangers[] = {
	{ "bob-psk", NULL, "the MAC does not verify" },
	{ "nob-ody", NULL, "no such PSK" },
	{ "bob-psk", "UPDATE psk SET expires = 5 WHERE id = x'626f622d70736b'",
	  "the store's row of this PSK was tampered with" },
};

static void write_stranger(struct scene *s, enum kms_exchange_kind kind, const char *psk_id)
{
	struct resolve_request re;
	struct request rq;
	static const u8 wrong[32];

	if (kind == KMS_TICKET_REQUEST) {
		request_init(&rq, s->house);
		rq.psk_id = psk_id;
		rq.psk = kms_blob(wrong, sizeof(wrong));
		request_write(&rq, &s->msg);
	} else {
		resolve_init(&re, s->house, &s->granted);
		re.psk_id = psk_id;
		re.psk = kms_blob(wrong, sizeof(wrong));
		resolve_write(&re, &s->msg);
	}
}

static void unknown_user_or_wrong_mac(void **state)
{
	size_t costs[ARRAY_SIZE(strangers)][CALLS];
	enum kms_exchange_kind kind;
	struct scene *s = *state;
	size_t i;

	for (kind = 0; kind <= KMS_TICKET_RESOLVE; kind++) {
		for (i = 0; i < ARRAY_SIZE(strangers); i++) {
			/* the last one stays as it then is */
			if (strangers[i].sql && kind == KMS_TICKET_REQUEST)
				continue;
			if (strangers[i].sql)
				place_sql(s->place, strangers[i].sql);
			write_stranger(s, kind, strangers[i].psk_id);
			refused(s, kind, strangers[i].why, costs[i]);
			assert_same(costs[0], costs[i], strangers[i].why);
		}
		/* it is counted at all: a PRF, a MAC, a row, whose tag is compared, too */
		assert_in_range(costs[0][HMAC_CALL] + costs[0][MAC_FINAL], 2, 100);
		assert_int_equal(costs[0][DECRYPT_FINAL], 1);
		assert_int_equal(costs[0][COMPARE], 2);
	}
}

/* Of who is authentic: all tickets that he may not have. */
static void tickets(void **state)
{
	size_t first[CALLS], cost[CALLS];
	char made[KMS_TPK_NAME_MAX];
	struct scene *s = *state;
	struct place *p = s->place;
	struct resolve_request r;
	u8 eve[32];

	place_user(p, "eve@example.test", "eve-psk", 0xe5);
	memset(eve, 0xe5, sizeof(eve));
	resolve_init(&r, s->house, &s->granted);
	r.ticket[r.ticket_len - 1] ^= 1;
	resolve_write(&r, &s->msg);
	refused(s, KMS_TICKET_RESOLVE, "the ticket's MAC does not verify", first);

	resolve_init(&r, s->house, &s->granted);
	r.psk_id = "eve-psk";
	r.psk = kms_blob(eve, sizeof(eve));
	r.idr_r = "eve@example.test";
	resolve_write(&r, &s->msg);
	refused(s, KMS_TICKET_RESOLVE, "the ticket is not for this user", cost);
	assert_same(first, cost, "another's ticket");

	assert_int_equal(kms_tpk_revoke(p->d, kms_blob(s->tpk, s->tpk_len), NOW, made,
					&p->problem), 0);
	resolve_init(&r, s->house, &s->granted);
	resolve_write(&r, &s->msg);
	refused(s, KMS_TICKET_RESOLVE, "the ticket's TPK was revoked", cost);
	assert_same(first, cost, "revoked");

	place_sql(p, "DELETE FROM tpk WHERE revoked <> 0");
	resolve_init(&r, s->house, &s->granted);
	resolve_write(&r, &s->msg);
	refused(s, KMS_TICKET_RESOLVE, "the ticket's TPK is not known", cost);
	assert_same(first, cost, "unknown TPK");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate_setup_teardown(unknown_user_or_wrong_mac, setup,
							 teardown, &place_both),
		cmocka_unit_test_prestate_setup_teardown(tickets, setup, teardown,
							 &place_both),
	};

	return place_run("counts", tests, ARRAY_SIZE(tests));
}
