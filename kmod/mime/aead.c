// SPDX-License-Identifier: GPL-2.0
/*
 * Authenticated encryption of contents through the kernel's crypto API.
 *
 * Implementations on the CPU only, with fscrypt's mask: off-CPU engines add
 * latency and trust, and the mask that also leaves out CRYPTO_ALG_ASYNC would
 * pick ones an order of magnitude slower than the SIMD ones, which complete
 * at once in process context anyway.
 *
 * A transform is made for each call. Its key is fresh each time and must be
 * gone afterwards, and overwriting the key schedule of a kept one costs as
 * much as making and freeing one, which wipes it.
 */
#include <crypto/aead.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "aead.h"

#define CPU_ONLY (CRYPTO_ALG_ALLOCATES_MEMORY | CRYPTO_ALG_KERN_DRIVER_ONLY)
#define IV_MAX 16

/* One for each enum mikey_mime_content_alg that is an AEAD */
static const struct {
	u32 alg;
	const char *name;
} aeads[] = {
	{ MIKEY_CONTENT_AES_GCM, "gcm(aes)" },
};

static struct crypto_aead *loaded[ARRAY_SIZE(aeads)];

static const char *aead_name(u32 alg)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(aeads); i++)
		if (aeads[i].alg == alg)
			return aeads[i].name;
	return NULL;
}

/*
 * A scatterlist addresses pages. Memory of vmalloc()'s is contiguous only
 * virtually, so every page of it has an entry of its own.
 */
static unsigned int sg_entries(const u8 *p, u32 len)
{
	if (!is_vmalloc_addr(p))
		return 1;
	return DIV_ROUND_UP(offset_in_page(p) + len, PAGE_SIZE);
}

static struct scatterlist *sg_append(struct scatterlist *sg, u8 *p, u32 len)
{
	if (!is_vmalloc_addr(p)) {
		sg_set_buf(sg, p, len);
		return sg + 1;
	}
	while (len) {
		u32 off = offset_in_page(p);
		u32 n = min_t(u32, len, PAGE_SIZE - off);

		sg_set_page(sg++, vmalloc_to_page(p), n, off);
		p += n;
		len -= n;
	}
	return sg;
}

static struct crypto_aead *keyed_aead(const struct mime_aead *a)
{
	const char *name = aead_name(a->cipher->alg);
	struct crypto_aead *tfm;
	int err;

	if (!name)
		return ERR_PTR(-EPROTONOSUPPORT);
	tfm = crypto_alloc_aead(name, 0, CPU_ONLY);
	if (IS_ERR(tfm))
		return tfm;
	err = crypto_aead_setauthsize(tfm, a->icv_len);
	if (!err)
		err = crypto_aead_setkey(tfm, a->key, a->cipher->key_len);
	if (!err && a->nonce.len != crypto_aead_ivsize(tfm))
		err = -EINVAL;
	if (err) {
		crypto_free_aead(tfm);
		return ERR_PTR(err);
	}
	return tfm;
}

static int aead_crypt(const struct mime_aead *a, bool encrypt)
{
	unsigned int num = sg_entries(a->data, a->len) + sg_entries(a->icv, a->icv_len);
	struct aead_request *req = NULL;
	struct scatterlist *sg = NULL;
	struct crypto_aead *tfm;
	DECLARE_CRYPTO_WAIT(wait);
	u8 iv[IV_MAX];
	int err;

	tfm = keyed_aead(a);
	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	err = -ENOMEM;
	req = aead_request_alloc(tfm, GFP_KERNEL);
	sg = kvmalloc_array(num, sizeof(*sg), GFP_KERNEL);
	if (!req || !sg)
		goto out;

	sg_init_table(sg, num);
	sg_append(sg_append(sg, a->data, a->len), a->icv, a->icv_len);
	memcpy(iv, a->nonce.p, a->nonce.len);

	aead_request_set_callback(req, CRYPTO_TFM_REQ_MAY_BACKLOG |
				  CRYPTO_TFM_REQ_MAY_SLEEP,
				  crypto_req_done, &wait);
	aead_request_set_ad(req, 0);
	if (encrypt) {
		aead_request_set_crypt(req, sg, sg, a->len, iv);
		err = crypto_wait_req(crypto_aead_encrypt(req), &wait);
	} else {
		aead_request_set_crypt(req, sg, sg, a->len + a->icv_len, iv);
		err = crypto_wait_req(crypto_aead_decrypt(req), &wait);
	}
out:
	kvfree(sg);
	aead_request_free(req);
	crypto_free_aead(tfm);
	return err;
}

int mime_aead_encrypt(const struct mime_aead *a)
{
	return aead_crypt(a, true);
}

int mime_aead_decrypt(const struct mime_aead *a)
{
	return aead_crypt(a, false);
}

int mime_aead_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(aeads); i++) {
		struct crypto_aead *tfm = crypto_alloc_aead(aeads[i].name, 0, CPU_ONLY);

		if (IS_ERR(tfm)) {
			mime_aead_exit();
			return PTR_ERR(tfm);
		}
		loaded[i] = tfm;
	}
	return 0;
}

void mime_aead_exit(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(aeads); i++) {
		crypto_free_aead(loaded[i]);
		loaded[i] = NULL;
	}
}
