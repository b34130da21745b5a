// SPDX-License-Identifier: GPL-2.0
/*
 * SHA-256 and HMAC-SHA-256 through the kernel's crypto API.
 *
 * The hash has no key and one transform serves all calls. A MAC key serves
 * one object: its transform is made for the call, and freeing it wipes the
 * key.
 */
#include <crypto/hash.h>
#include <linux/err.h>

#include "mac.h"

static struct crypto_shash *sha256;
static struct crypto_shash *hmac_loaded;

#define HMAC_NAME "hmac(sha256)"

int mime_sha256(struct mikey_blob data, u8 digest[CMS_DIGEST_LEN])
{
	return crypto_shash_tfm_digest(sha256, data.p, data.len, digest);
}

static int keyed_mac(struct crypto_shash *tfm, struct mikey_blob attrs, u8 *mac)
{
	const u8 tag = DER_SET;
	SHASH_DESC_ON_STACK(desc, tfm);
	int err;

	desc->tfm = tfm;
	err = crypto_shash_init(desc);
	if (!err)
		err = crypto_shash_update(desc, &tag, 1);
	if (!err)
		err = crypto_shash_update(desc, attrs.p + 1, attrs.len - 1);
	if (!err)
		err = crypto_shash_final(desc, mac);
	shash_desc_zero(desc);
	return err;
}

int mime_attrs_mac(const u8 *key, struct mikey_blob attrs, u8 mac[CMS_MAC_LEN])
{
	struct crypto_shash *tfm = crypto_alloc_shash(HMAC_NAME, 0, 0);
	int err;

	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	err = crypto_shash_setkey(tfm, key, CMS_MAC_LEN);
	if (!err)
		err = keyed_mac(tfm, attrs, mac);
	crypto_free_shash(tfm);
	return err;
}

int mime_mac_init(void)
{
	struct crypto_shash *tfm = crypto_alloc_shash("sha256", 0, 0);

	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	sha256 = tfm;
	tfm = crypto_alloc_shash(HMAC_NAME, 0, 0);
	if (IS_ERR(tfm)) {
		mime_mac_exit();
		return PTR_ERR(tfm);
	}
	hmac_loaded = tfm;
	return 0;
}

void mime_mac_exit(void)
{
	crypto_free_shash(hmac_loaded);
	crypto_free_shash(sha256);
	hmac_loaded = NULL;
	sha256 = NULL;
}
