// SPDX-License-Identifier: GPL-2.0
/*
 * HMAC from prepared keys.
 *
 * The crypto API's "hmac(...)" transform holds one key, so it would cost an
 * allocation and four compressions for each of the many keys that one
 * message needs. A plain hash transform has no state of its own: the two
 * here are allocated once and shared by everybody, and a key is the pair of
 * chaining values behind its pads, copied and wiped like any other bytes.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <crypto/algapi.h>
#include <crypto/hash.h>
#include <crypto/sha1.h>
#include <crypto/sha2.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/string.h>

#include "hmac.h"

#define HMAC_BLOCK 64			/* of SHA-1 and SHA-256 */
#define HMAC_IPAD 0x36
#define HMAC_OPAD 0x5c

/**
 * struct mikey_hash - a hash
 * @name: of the crypto API
 * @len: of its digest and of its chaining value
 * @count_at: where its exported state, which begins with that, counts bytes
 * @tfm: one for all
 */
struct mikey_hash {
	const char *name;
	u32 len;
	u32 count_at;
	struct crypto_shash *tfm;
};

/*
 * What the crypto API exports; that it does is checked at load. From 6.16 on a byte
 * follows that says how much of an unfinished block there is: behind one block, none.
 */
union state {
	struct sha1_state sha1;
	struct sha256_state sha256;
	u8 bytes[sizeof(struct sha256_state) + 1];
};

enum { HASH_SHA1, HASH_SHA256, HASH_NUM };

static struct mikey_hash hashes[HASH_NUM] = {
	[HASH_SHA1] = {
		.name = "sha1",
		.len = SHA1_DIGEST_SIZE,
		.count_at = offsetof(struct sha1_state, count),
	},
	[HASH_SHA256] = {
		.name = "sha256",
		.len = SHA256_DIGEST_SIZE,
		.count_at = offsetof(struct sha256_state, count),
	},
};

const struct mikey_hash *mikey_hash_of_prf(u8 prf)
{
	switch (prf) {
	case MIKEY_PRF_MIKEY_1:
		return &hashes[HASH_SHA1];
	case MIKEY_PRF_HMAC_SHA_256:
		return &hashes[HASH_SHA256];
	default:
		return NULL;
	}
}

const struct mikey_hash *mikey_hash_of_auth(u8 auth_alg)
{
	switch (auth_alg) {
	case MIKEY_AUTH_HMAC_SHA_1_160:
		return &hashes[HASH_SHA1];
	case MIKEY_AUTH_HMAC_SHA_256_256:
		return &hashes[HASH_SHA256];
	default:
		return NULL;
	}
}

u32 mikey_hmac_len(const struct mikey_hmac *h)
{
	return hashes[h->hash].len;
}

/* The chaining value behind one block */
static int export_block(struct shash_desc *desc, const struct mikey_hash *hash,
			const u8 *block, u8 *chain)
{
	union state s;
	int err;

	err = crypto_shash_init(desc) ?:
	      crypto_shash_update(desc, block, HMAC_BLOCK) ?:
	      crypto_shash_export(desc, &s);
	if (!err)
		memcpy(chain, s.bytes, hash->len);
	memzero_explicit(&s, sizeof(s));
	return err;
}

/* Go on behind that block. */
static int import_block(struct shash_desc *desc, const struct mikey_hash *hash,
			const u8 *chain)
{
	union state s = {};
	int err;

	memcpy(s.bytes, chain, hash->len);
	*(u64 *)(s.bytes + hash->count_at) = HMAC_BLOCK;
	err = crypto_shash_import(desc, &s);
	memzero_explicit(s.bytes, hash->len);
	return err;
}

int mikey_hmac_prepare(struct mikey_hmac *h, const struct mikey_hash *hash,
		       const u8 *key, u32 len)
{
	SHASH_DESC_ON_STACK(desc, hash->tfm);
	u8 pad[HMAC_BLOCK] = {};
	int err, i;

	if (len > HMAC_BLOCK)
		return -EINVAL;
	desc->tfm = hash->tfm;
	h->hash = hash - hashes;

	memcpy(pad, key, len);
	for (i = 0; i < HMAC_BLOCK; i++)
		pad[i] ^= HMAC_IPAD;
	err = export_block(desc, hash, pad, h->inner);
	for (i = 0; i < HMAC_BLOCK; i++)
		pad[i] ^= HMAC_IPAD ^ HMAC_OPAD;
	err = err ?: export_block(desc, hash, pad, h->outer);

	memzero_explicit(pad, sizeof(pad));
	shash_desc_zero(desc);
	if (err)
		memzero_explicit(h, sizeof(*h));
	return err;
}

/* All pieces, of which there is one at least, and the end. */
static int finish(struct shash_desc *desc, const struct mikey_blob *seg,
		  u32 num, u8 *out)
{
	int err = 0;
	u32 i;

	for (i = 0; i < num - 1 && !err; i++)
		err = crypto_shash_update(desc, seg[i].p, seg[i].len);
	return err ?: crypto_shash_finup(desc, seg[i].p, seg[i].len, out);
}

int mikey_hmac_sum(const struct mikey_hmac *h, const struct mikey_blob *seg,
		   u32 num, u8 *mac)
{
	const struct mikey_hash *hash = &hashes[h->hash];
	SHASH_DESC_ON_STACK(desc, hash->tfm);
	int err;

	desc->tfm = hash->tfm;
	err = import_block(desc, hash, h->inner) ?:
	      finish(desc, seg, num, mac) ?:
	      import_block(desc, hash, h->outer) ?:
	      crypto_shash_finup(desc, mac, hash->len, mac);
	shash_desc_zero(desc);
	return err;
}

int mikey_mac_sum(u8 auth_alg, const u8 *key, u32 key_len,
		  const struct mikey_cover *c, u8 *mac)
{
	const struct mikey_hash *hash = mikey_hash_of_auth(auth_alg);
	struct mikey_hmac h;
	int err;

	if (!hash)
		return -EPROTONOSUPPORT;
	err = mikey_hmac_prepare(&h, hash, key, key_len);
	if (err)
		return err;
	err = mikey_hmac_sum(&h, c->seg, c->num, mac);
	memzero_explicit(&h, sizeof(h));
	return err;
}

int mikey_mac_check(u8 auth_alg, const u8 *key, u32 key_len,
		    const struct mikey_cover *c, struct mikey_blob mac)
{
	const struct mikey_hash *hash = mikey_hash_of_auth(auth_alg);
	u8 sum[MIKEY_MAC_MAX];
	int err;

	if (!hash || mac.len != hash->len)
		return -EKEYREJECTED;
	err = mikey_mac_sum(auth_alg, key, key_len, c, sum);
	if (!err && crypto_memneq(sum, mac.p, mac.len))
		err = -EKEYREJECTED;
	/* the right MAC of a message that came with a wrong one is a secret */
	memzero_explicit(sum, sizeof(sum));
	return err;
}

int mikey_sha256(const struct mikey_blob *seg, u32 num, u8 digest[32])
{
	SHASH_DESC_ON_STACK(desc, hashes[HASH_SHA256].tfm);
	int err;

	desc->tfm = hashes[HASH_SHA256].tfm;
	err = crypto_shash_init(desc) ?:
	      finish(desc, seg, num, digest);
	shash_desc_zero(desc);
	return err;
}

void mikey_hmac_exit(void)
{
	int i;

	for (i = 0; i < HASH_NUM; i++) {
		crypto_free_shash(hashes[i].tfm);
		hashes[i].tfm = NULL;
	}
}

/* Is its state what union state says? */
static int check_state(const struct mikey_hash *hash)
{
	SHASH_DESC_ON_STACK(desc, hash->tfm);
	u8 whole[MIKEY_MAC_MAX], halves[MIKEY_MAC_MAX], chain[MIKEY_MAC_MAX];
	u8 block[HMAC_BLOCK] = { 1 };
	int err;

	if (crypto_shash_digestsize(hash->tfm) != hash->len ||
	    crypto_shash_blocksize(hash->tfm) != HMAC_BLOCK ||
	    crypto_shash_statesize(hash->tfm) > sizeof(union state))
		return -EOPNOTSUPP;
	desc->tfm = hash->tfm;
	err = crypto_shash_digest(desc, block, sizeof(block), whole) ?:
	      export_block(desc, hash, block, chain) ?:
	      import_block(desc, hash, chain) ?:
	      crypto_shash_final(desc, halves);
	if (!err && memcmp(whole, halves, hash->len))
		err = -EOPNOTSUPP;
	return err;
}

int mikey_hmac_init(void)
{
	int i, err;

	for (i = 0; i < HASH_NUM; i++) {
		struct crypto_shash *tfm;

		tfm = crypto_alloc_shash(hashes[i].name, 0, 0);
		if (IS_ERR(tfm)) {
			err = PTR_ERR(tfm);
			pr_err("no %s: %d\n", hashes[i].name, err);
			goto fail;
		}
		hashes[i].tfm = tfm;
		err = check_state(&hashes[i]);
		if (err) {
			pr_err("%s keeps %u bytes of state that are not understood: %d\n",
			       hashes[i].name, crypto_shash_statesize(tfm), err);
			goto fail;
		}
	}
	return 0;

fail:
	mikey_hmac_exit();
	return err;
}
