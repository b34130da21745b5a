// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Algorithms of CMS as tables: another cipher or key size is another row.
 */
#include "cms.h"

#define ICV(len) (1U << (len))

/* RFC 5084 3.2 and 3.1: what of their ICVs is 12 bytes or longer */
#define GCM_ICVS (ICV(12) | ICV(13) | ICV(14) | ICV(15) | ICV(16))
#define CCM_ICVS (ICV(12) | ICV(14) | ICV(16))

/* RFC 3610 2.1: nonce and the length of the content share these octets. */
#define CCM_ROOM 15

/*
 * GCM takes nonces of any length; the profile fixes the 12 bytes for which
 * NIST SP 800-38D needs no hash. CBC has an IV in its place.
 */
static const struct cms_cipher cms_ciphers[] = {
	{ CMS_OID_AES256_GCM, MIKEY_FORM_AUTH_ENVELOPED, MIKEY_CONTENT_AES_GCM,
	  32, 12, 12, 12, GCM_ICVS, 0 },
	{ CMS_OID_AES128_GCM, MIKEY_FORM_AUTH_ENVELOPED, MIKEY_CONTENT_AES_GCM,
	  16, 12, 12, 12, GCM_ICVS, 0 },
	{ CMS_OID_AES256_CCM, MIKEY_FORM_AUTH_ENVELOPED, MIKEY_CONTENT_AES_CCM,
	  32, 7, 13, 12, CCM_ICVS, CCM_ROOM },
	{ CMS_OID_AES128_CCM, MIKEY_FORM_AUTH_ENVELOPED, MIKEY_CONTENT_AES_CCM,
	  16, 7, 13, 12, CCM_ICVS, CCM_ROOM },
	{ CMS_OID_AES256_CBC, MIKEY_FORM_AUTHENTICATED_ENVELOPED,
	  MIKEY_CONTENT_AES_CBC, 32, CMS_BLOCK_LEN, CMS_BLOCK_LEN, CMS_BLOCK_LEN, 0, 0 },
	{ CMS_OID_AES128_CBC, MIKEY_FORM_AUTHENTICATED_ENVELOPED,
	  MIKEY_CONTENT_AES_CBC, 16, CMS_BLOCK_LEN, CMS_BLOCK_LEN, CMS_BLOCK_LEN, 0, 0 },
};

static const struct {
	enum cms_oid oid;
	u32 key_len;
} cms_wraps[] = {
	{ CMS_OID_AES256_WRAP, 32 },
	{ CMS_OID_AES128_WRAP, 16 },
};

const struct cms_cipher *cms_cipher_by_oid(u32 form, enum cms_oid oid)
{
	const struct cms_cipher *c;

	for (c = cms_ciphers; c < cms_ciphers + ARRAY_SIZE(cms_ciphers); c++)
		if (c->form == form && c->oid == oid)
			return c;
	return NULL;
}

const struct cms_cipher *cms_cipher_find(u32 form, u32 alg, u32 key_len)
{
	const struct cms_cipher *c;

	for (c = cms_ciphers; c < cms_ciphers + ARRAY_SIZE(cms_ciphers); c++)
		if (c->form == form && c->alg == alg && c->key_len == key_len)
			return c;
	return NULL;
}

u32 cms_cipher_mask(void)
{
	u32 mask = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cms_ciphers); i++)
		mask |= 1U << cms_ciphers[i].alg;
	return mask;
}

bool cms_cipher_takes(const struct cms_cipher *cipher, u32 nonce_len, u32 len)
{
	u32 octets = cipher->counter_room - nonce_len;

	return !cipher->counter_room || octets >= sizeof(len) || !(len >> 8 * octets);
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
