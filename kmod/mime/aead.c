// SPDX-License-Identifier: GPL-2.0
/*
 * Authenticated encryption of contents through the kernel's crypto API.
 *
 * A transform is made for each call. Its key is fresh each time and must be
 * gone afterwards, and overwriting the key schedule of a kept one costs as
 * much as making and freeing one, which wipes it.
 *
 * The one that was picked at load is made again, by its driver's name: that ends
 * the search where it is found, for a name like "gcm(aes)" it goes through all
 * algorithms of the kernel.
 */
#include <crypto/aead.h>
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "aead.h"
#include "pages.h"

#define IV_MAX 16

static void gcm_iv(u8 *iv, struct mikey_blob nonce)
{
	memcpy(iv, nonce.p, nonce.len);
}

/*
 * The crypto API's IV is the first counter block (RFC 3610 2.3): how many
 * octets the counter has, less one, then the nonce, then the counter.
 */
static void ccm_iv(u8 *iv, struct mikey_blob nonce)
{
	iv[0] = 14 - nonce.len;
	memcpy(iv + 1, nonce.p, nonce.len);
}

/* One for each enum mikey_mime_content_alg that is an AEAD */
static const struct aead {
	u32 alg;
	const char *name;
	void (*iv)(u8 *iv, struct mikey_blob nonce);	/* into zeros */
} aeads[] = {
	{ MIKEY_CONTENT_AES_GCM, "gcm(aes)", gcm_iv },
	{ MIKEY_CONTENT_AES_CCM, "ccm(aes)", ccm_iv },
};

static struct crypto_aead *loaded[ARRAY_SIZE(aeads)];

static const struct aead *find_aead(u32 alg)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(aeads); i++)
		if (aeads[i].alg == alg)
			return &aeads[i];
	return NULL;
}

static struct crypto_aead *keyed_aead(const struct aead *aead, const struct mime_aead *a)
{
	struct crypto_aead *tfm;
	const char *driver;
	int err;

	if (!aead)
		return ERR_PTR(-EPROTONOSUPPORT);
	if (a->nonce.len < a->cipher->nonce_min || a->nonce.len > a->cipher->nonce_max)
		return ERR_PTR(-EINVAL);
	driver = crypto_tfm_alg_driver_name(crypto_aead_tfm(loaded[aead - aeads]));
	tfm = crypto_alloc_aead(driver, 0, MIME_CPU_ONLY);
	if (IS_ERR(tfm))
		return tfm;
	err = crypto_aead_setauthsize(tfm, a->icv_len);
	if (!err)
		err = crypto_aead_setkey(tfm, a->key, a->cipher->key_len);
	if (err) {
		crypto_free_aead(tfm);
		return ERR_PTR(err);
	}
	return tfm;
}

static int aead_crypt(const struct mime_aead *a, bool encrypt)
{
	unsigned int num = mime_pages_num(a->data, a->len) + mime_pages_num(a->icv, a->icv_len);
	const struct aead *aead = find_aead(a->cipher->alg);
	struct scatterlist few[2], *sg = few;
	struct aead_request *req;
	struct crypto_aead *tfm;
	DECLARE_CRYPTO_WAIT(wait);
	u8 iv[IV_MAX] = {};
	int err;

	tfm = keyed_aead(aead, a);
	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	err = -ENOMEM;
	req = aead_request_alloc(tfm, GFP_KERNEL);
	if (num > ARRAY_SIZE(few))
		sg = kvmalloc_array(num, sizeof(*sg), GFP_KERNEL);
	if (!req || !sg)
		goto out;

	sg_init_table(sg, num);
	mime_pages_append(mime_pages_append(sg, a->data, a->len), a->icv, a->icv_len);
	aead->iv(iv, a->nonce);

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
	if (sg != few)
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
		struct crypto_aead *tfm = crypto_alloc_aead(aeads[i].name, 0, MIME_CPU_ONLY);

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
