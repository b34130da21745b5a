// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Algorithms of CMS as tables: another cipher or key size is another row.
 */
#include "cms.h"

/*
 * GCM takes nonces of any length; the profile fixes the 12 bytes for which
 * NIST SP 800-38D needs no hash.
 */
static const struct cms_cipher cms_ciphers[] = {
	{ CMS_OID_AES256_GCM, MIKEY_CONTENT_AES_GCM, 32, 12, 12, 12 },
	{ CMS_OID_AES128_GCM, MIKEY_CONTENT_AES_GCM, 16, 12, 12, 12 },
};

static const struct {
	enum cms_oid oid;
	u32 key_len;
} cms_wraps[] = {
	{ CMS_OID_AES256_WRAP, 32 },
	{ CMS_OID_AES128_WRAP, 16 },
};

const struct cms_cipher *cms_cipher_by_oid(enum cms_oid oid)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cms_ciphers); i++)
		if (cms_ciphers[i].oid == oid)
			return &cms_ciphers[i];
	return NULL;
}

const struct cms_cipher *cms_cipher_find(u32 alg, u32 key_len)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cms_ciphers); i++)
		if (cms_ciphers[i].alg == alg && cms_ciphers[i].key_len == key_len)
			return &cms_ciphers[i];
	return NULL;
}

u32 cms_wrap_key_len(enum cms_oid oid)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cms_wraps); i++)
		if (cms_wraps[i].oid == oid)
			return cms_wraps[i].key_len;
	return 0;
}

enum cms_oid cms_wrap_find(u32 key_len)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cms_wraps); i++)
		if (cms_wraps[i].key_len == key_len)
			return cms_wraps[i].oid;
	return CMS_OID_UNKNOWN;
}
