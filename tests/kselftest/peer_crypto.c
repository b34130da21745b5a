// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Key derivation of RFC 3830 4.1 and RFC 6043 5.1, 6.10 and A.2, and the
 * cipher and MACs of a KEMAC and a V, with OpenSSL.
 */
#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "peer_crypto.h"

/* A label being put together. */
struct text {
	u8 p[1024];
	u32 len;
};

static void put(struct text *t, const void *p, u32 len)
{
	if (len > sizeof(t->p) - t->len)
		abort();
	if (len)
		memcpy(t->p + t->len, p, len);
	t->len += len;
}

static void put_number(struct text *t, u32 v, u32 len)
{
	while (len--) {
		u8 b = v >> 8 * len;

		put(t, &b, 1);
	}
}

static void put_rand(struct text *t, struct mikey_blob rand)
{
	put_number(t, rand.len, 1);
	put(t, rand.p, rand.len);
}

/* Constant, CS ID, CSB ID and the byte that keeps the kinds apart. */
static struct text label(u32 constant, u8 cs_id, u32 csb_id, u8 kind)
{
	struct text t = { .len = 0 };

	put_number(&t, constant, 4);
	put_number(&t, cs_id, 1);
	put_number(&t, csb_id, 4);
	put_number(&t, kind, 1);
	return t;
}

static const EVP_MD *prf_hash(u8 prf)
{
	return prf == MIKEY_PRF_MIKEY_1 ? EVP_sha1() : EVP_sha256();
}

static void hmac(const EVP_MD *md, const u8 *key, u32 key_len,
		 const struct text *data, u8 *out)
{
	unsigned int n;

	if (!HMAC(md, key, key_len, data->p, data->len, out, &n))
		abort();
}

/* P() of 4.1.2: one block of the inkey, XORed onto @out. */
static void prf_block(const EVP_MD *md, const u8 *s, u32 s_len,
		      const struct text *l, u8 *out, u32 len)
{
	u32 size = EVP_MD_get_size(md), at, i;
	u8 block[EVP_MAX_MD_SIZE];
	struct text a = *l, input;

	for (at = 0; at < len; at += size) {
		hmac(md, s, s_len, &a, block);
		a.len = 0;
		put(&a, block, size);
		input = a;
		put(&input, l->p, l->len);
		hmac(md, s, s_len, &input, block);
		for (i = 0; i < size && at + i < len; i++)
			out[at + i] ^= block[i];
	}
}

void peer_prf(u8 prf, const u8 *inkey, u32 inkey_len, const u8 *label_p,
	      u32 label_len, u8 *out, u32 len)
{
	struct text l = { .len = 0 };
	u32 at, n;

	put(&l, label_p, label_len);
	memset(out, 0, len);
	for (at = 0; at < inkey_len; at += n) {
		n = inkey_len - at < 32 ? inkey_len - at : 32;
		prf_block(prf_hash(prf), inkey + at, n, &l, out, len);
	}
}

static void expand(u8 prf, const u8 *key, u32 key_len, struct text l, u8 *out,
		   u32 len)
{
	peer_prf(prf, key, key_len, l.p, l.len, out, len);
}

/* The three keys whose labels differ in the constant only. */
static void three_keys(const struct mikey_suite *s, u8 prf, const u8 *key,
		       u32 key_len, struct text l, struct peer_message_keys *mk)
{
	static const struct {
		u8 constant[4];
	} of[] = {
		{ { 0x15, 0x05, 0x33, 0xe1 } },		/* encr */
		{ { 0x2d, 0x22, 0xac, 0x75 } },		/* auth */
		{ { 0x29, 0xb8, 0x89, 0x16 } },		/* salt */
	};
	u8 *to[] = { mk->encr, mk->auth, mk->salt };
	u32 len[] = { s->key_len, s->mac_len, MIKEY_SALT_LEN }, i;

	for (i = 0; i < 3; i++) {
		memcpy(l.p, of[i].constant, 4);
		expand(prf, key, key_len, l, to[i], len[i]);
	}
}

void peer_derive_message(const struct mikey_suite *s, u8 prf, const u8 *key,
			 u32 key_len, u32 csb_id, bool response,
			 struct mikey_blob randr_i, struct mikey_blob randr_r,
			 struct peer_message_keys *mk)
{
	struct text l = label(0, 0xff, csb_id, response ? 2 : 1);

	put_rand(&l, randr_i);
	put_rand(&l, randr_r);
	three_keys(s, prf, key, key_len, l, mk);
}

void peer_derive_ticket(const struct mikey_suite *s, const u8 *tpk,
			struct mikey_blob rand, struct peer_message_keys *mk)
{
	struct text l = label(0, 0xff, 0xffffffff, 5);

	put_rand(&l, rand);
	three_keys(s, s->prf, tpk, s->key_len, l, mk);
}

void peer_derive_mpk(const struct mikey_suite *s, const u8 *mpk, u32 len,
		     struct mikey_blob rand, u8 *mpk_i, u8 *mpk_r)
{
	struct text i = label(0x220e99a2, 0xff, 0xffffffff, 6);
	struct text r = label(0x1f4d675b, 0xff, 0xffffffff, 6);

	put_rand(&i, rand);
	put_rand(&r, rand);
	expand(s->prf, mpk, len, i, mpk_i, s->key_len);
	expand(s->prf, mpk, len, r, mpk_r, s->key_len);
}

void peer_derive_fork(const struct mikey_suite *s, const u8 *mpk_r,
		      struct mikey_blob idr_r, struct mikey_blob randr_kms,
		      u8 *out)
{
	struct text l = label(0x2b288856, 0xff, 0xffffffff, 0);

	put_number(&l, idr_r.len, 2);
	put(&l, idr_r.p, idr_r.len);
	put_rand(&l, randr_kms);
	expand(s->prf, mpk_r, s->key_len, l, out, s->key_len);
}

void peer_derive_vr(const struct mikey_suite *s, const u8 *mpk_r, u8 *auth)
{
	expand(s->prf, mpk_r, s->key_len,
	       label(0x2d22ac75, 0xff, 0xffffffff, 4), auth, s->mac_len);
}

void peer_derive_keks(const struct mikey_suite *s, const u8 *traffic, u32 len,
		      u8 cs_id, struct mikey_blob randr_i,
		      struct peer_keks *keks)
{
	struct {
		u32 constant;
		u8 *to;
	} of[] = {
		{ 0x2ad01c64, keks->tek },
		{ 0x1b5c7973, keks->auth },
		{ 0x15798cef, keks->encr },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(of); i++) {
		struct text l = label(of[i].constant, cs_id, 0xffffffff, 3);

		put_rand(&l, randr_i);
		put_number(&l, 0, 1);
		expand(s->prf, traffic, len, l, of[i].to, s->key_len);
	}
}

void peer_aes_cm(u32 key_len, const struct peer_message_keys *mk, u32 csb_id,
		 u64 t, u8 *data, u32 len)
{
	const EVP_CIPHER *cipher = key_len == 16 ? EVP_aes_128_ctr() :
						   EVP_aes_256_ctr();
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	u8 iv[16] = { 0 };
	int n, i;

	for (i = 0; i < 4; i++)
		iv[2 + i] = csb_id >> 8 * (3 - i);
	for (i = 0; i < 8; i++)
		iv[6 + i] = t >> 8 * (7 - i);
	for (i = 0; i < MIKEY_SALT_LEN; i++)
		iv[i] ^= mk->salt[i];
	if (!ctx || !EVP_EncryptInit_ex(ctx, cipher, NULL, mk->encr, iv) ||
	    !EVP_EncryptUpdate(ctx, data, &n, data, len))
		abort();
	EVP_CIPHER_CTX_free(ctx);
}

u32 peer_mac_len(u8 auth_alg)
{
	switch (auth_alg) {
	case MIKEY_AUTH_HMAC_SHA_1_160:
		return 20;
	case MIKEY_AUTH_HMAC_SHA_256_256:
		return 32;
	default:
		return 0;
	}
}

u32 peer_mac(u8 auth_alg, const u8 *key, u32 key_len, struct mikey_blob a,
	     struct mikey_blob b, struct mikey_blob c, u8 *mac)
{
	u32 total = a.len + b.len + c.len, len = peer_mac_len(auth_alg);
	u8 *all = malloc(total + 1);
	unsigned int n;

	if (!all)
		abort();
	if (a.len)
		memcpy(all, a.p, a.len);
	if (b.len)
		memcpy(all + a.len, b.p, b.len);
	if (c.len)
		memcpy(all + a.len + b.len, c.p, c.len);
	if (len && !HMAC(len == 20 ? EVP_sha1() : EVP_sha256(), key, key_len,
			 all, total, mac, &n))
		abort();
	free(all);
	return len;
}
