// SPDX-License-Identifier: GPL-2.0
/*
 * AES key wrap (RFC 3394), as CMS wraps content keys (RFC 3565).
 *
 * Over the kernel's single block cipher: its AES instructions make the 24 or
 * more block operations of one wrap several times faster than the AES
 * library does. The template kw(aes) is gone from newer kernels.
 *
 * A KEK serves one object, so no keyed cipher is kept. Each processor has one
 * without a key, which a task uses from a KEK until that has been overwritten
 * without being preempted: a few thousand instructions, none of which sleeps.
 */
#include <crypto/aes.h>
#include <crypto/algapi.h>
#include <crypto/internal/cipher.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/string.h>

#include "../compat.h"
#include "keywrap.h"

#define SEMIBLOCK 8
#define ROUNDS 6
#define KEY_MIN 16
#define KEY_MAX 64

/* The initial value (2.2.3.1) and, unwrapped, the integrity check */
#define INITIAL_VALUE 0xa6a6a6a6a6a6a6a6ULL

/*
 * A || R[i], the input and output of one block operation; aligned as any cipher may
 * want it, so that what encrypts can be called itself.
 */
struct block {
	__be64 a;
	u8 r[SEMIBLOCK];
} __aligned(MAX_CIPHER_ALIGNMASK + 1);

static struct crypto_cipher * __percpu *ciphers;

/*
 * The longest key leaves nothing of a shorter one's schedule either. It is aligned
 * as any cipher may want it: else a copy would be made, for which memory can lack.
 */
static void put_cipher(struct crypto_cipher *tfm)
{
	static const u8 zeros[AES_MAX_KEY_SIZE] __aligned(16);

	crypto_cipher_setkey(tfm, zeros, sizeof(zeros));
	put_cpu_ptr(ciphers);
}

/* This processor's, until it is put back. */
static struct crypto_cipher *get_cipher(const u8 *kek, u32 kek_len)
{
	struct crypto_cipher *tfm = *get_cpu_ptr(ciphers);
	int err;

	err = crypto_cipher_setkey(tfm, kek, kek_len);
	if (err) {
		put_cipher(tfm);
		return ERR_PTR(err);
	}
	return tfm;
}

static bool length_ok(u32 key_len)
{
	return key_len >= KEY_MIN && key_len <= KEY_MAX && key_len % SEMIBLOCK == 0;
}

int mime_key_wrap(const u8 *kek, u32 kek_len, const u8 *key, u32 key_len,
		  u8 *wrapped)
{
	void (*encrypt)(struct crypto_tfm *tfm, u8 *dst, const u8 *src);
	u32 n = key_len / SEMIBLOCK, i, j;
	struct crypto_cipher *tfm;
	struct block b;
	u64 t = 0;

	if (!length_ok(key_len))
		return -EINVAL;
	tfm = get_cipher(kek, kek_len);
	if (IS_ERR(tfm))
		return PTR_ERR(tfm);

	encrypt = crypto_cipher_alg(tfm)->cia_encrypt;
	memcpy(wrapped + SEMIBLOCK, key, key_len);
	b.a = cpu_to_be64(INITIAL_VALUE);
	for (j = 0; j < ROUNDS; j++) {
		for (i = 1; i <= n; i++) {
			u8 *r = wrapped + i * SEMIBLOCK;

			memcpy(b.r, r, SEMIBLOCK);
			encrypt(crypto_cipher_tfm(tfm), (u8 *)&b, (u8 *)&b);
			b.a ^= cpu_to_be64(++t);
			memcpy(r, b.r, SEMIBLOCK);
		}
	}
	memcpy(wrapped, &b.a, SEMIBLOCK);

	memzero_explicit(&b, sizeof(b));
	put_cipher(tfm);
	return 0;
}

int mime_key_unwrap(const u8 *kek, u32 kek_len, const u8 *wrapped,
		    u32 wrapped_len, u8 *key)
{
	void (*decrypt)(struct crypto_tfm *tfm, u8 *dst, const u8 *src);
	const __be64 expected = cpu_to_be64(INITIAL_VALUE);
	u32 key_len = wrapped_len - SEMIBLOCK;
	u32 n = key_len / SEMIBLOCK, i, j;
	struct crypto_cipher *tfm;
	struct block b;
	int err = 0;
	u64 t = ROUNDS * n;

	if (wrapped_len < SEMIBLOCK || !length_ok(key_len))
		return -EINVAL;
	tfm = get_cipher(kek, kek_len);
	if (IS_ERR(tfm))
		return PTR_ERR(tfm);

	decrypt = crypto_cipher_alg(tfm)->cia_decrypt;
	memcpy(&b.a, wrapped, SEMIBLOCK);
	memcpy(key, wrapped + SEMIBLOCK, key_len);
	for (j = 0; j < ROUNDS; j++) {
		for (i = n; i >= 1; i--) {
			u8 *r = key + (i - 1) * SEMIBLOCK;

			b.a ^= cpu_to_be64(t--);
			memcpy(b.r, r, SEMIBLOCK);
			decrypt(crypto_cipher_tfm(tfm), (u8 *)&b, (u8 *)&b);
			memcpy(r, b.r, SEMIBLOCK);
		}
	}
	if (crypto_memneq(&b.a, &expected, sizeof(expected))) {
		memzero_explicit(key, key_len);
		err = -EBADMSG;
	}
	memzero_explicit(&b, sizeof(b));
	put_cipher(tfm);
	return err;
}

int mime_keywrap_init(void)
{
	int cpu;

	ciphers = alloc_percpu(struct crypto_cipher *);
	if (!ciphers)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		struct crypto_cipher *tfm = crypto_alloc_cipher("aes", 0, 0);

		if (IS_ERR(tfm)) {
			mime_keywrap_exit();
			return PTR_ERR(tfm);
		}
		*per_cpu_ptr(ciphers, cpu) = tfm;
	}
	return 0;
}

void mime_keywrap_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		crypto_free_cipher(*per_cpu_ptr(ciphers, cpu));
	free_percpu(ciphers);
}

MODULE_IMPORT_NS(MIKEY_NS(CRYPTO_INTERNAL));
