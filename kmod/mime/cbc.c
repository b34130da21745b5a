// SPDX-License-Identifier: GPL-2.0
/*
 * AES-CBC (RFC 3565) through the kernel's crypto API. Only for what a MAC
 * protects: nothing is decrypted here before that was verified.
 */
#include <crypto/skcipher.h>
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "cbc.h"
#include "pages.h"

#define NAME "cbc(aes)"

static struct crypto_skcipher *loaded;

static int crypt_pages(struct crypto_skcipher *tfm, const struct mime_cbc *c, bool encrypt)
{
	unsigned int num = mime_pages_num(c->data, c->len);
	struct skcipher_request *req;
	struct scatterlist *sg;
	DECLARE_CRYPTO_WAIT(wait);
	u8 iv[CMS_BLOCK_LEN];
	int err = -ENOMEM;

	req = skcipher_request_alloc(tfm, GFP_KERNEL);
	sg = kvmalloc_array(num, sizeof(*sg), GFP_KERNEL);
	if (!req || !sg)
		goto out;

	sg_init_table(sg, num);
	mime_pages_append(sg, c->data, c->len);
	memcpy(iv, c->iv, sizeof(iv));
	skcipher_request_set_callback(req, CRYPTO_TFM_REQ_MAY_BACKLOG |
				      CRYPTO_TFM_REQ_MAY_SLEEP,
				      crypto_req_done, &wait);
	skcipher_request_set_crypt(req, sg, sg, c->len, iv);
	err = crypto_wait_req(encrypt ? crypto_skcipher_encrypt(req) :
					crypto_skcipher_decrypt(req), &wait);
out:
	kvfree(sg);
	skcipher_request_free(req);
	return err;
}

/* A transform for each call, as in aead.c: freeing it wipes the key. */
static int crypt(const struct mime_cbc *c, bool encrypt)
{
	struct crypto_skcipher *tfm;
	int err;

	if (!c->len || c->len % CMS_BLOCK_LEN)
		return -EINVAL;
	tfm = crypto_alloc_skcipher(NAME, 0, MIME_CPU_ONLY);
	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	err = crypto_skcipher_setkey(tfm, c->key, c->key_len);
	if (!err)
		err = crypt_pages(tfm, c, encrypt);
	crypto_free_skcipher(tfm);
	return err;
}

int mime_cbc_encrypt(const struct mime_cbc *c)
{
	return crypt(c, true);
}

int mime_cbc_decrypt(const struct mime_cbc *c)
{
	return crypt(c, false);
}

int mime_cbc_init(void)
{
	struct crypto_skcipher *tfm = crypto_alloc_skcipher(NAME, 0, MIME_CPU_ONLY);

	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	loaded = tfm;
	return 0;
}

void mime_cbc_exit(void)
{
	crypto_free_skcipher(loaded);
	loaded = NULL;
}
