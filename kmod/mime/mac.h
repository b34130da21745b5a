/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MIKEY_MIME_MAC_H
#define MIKEY_MIME_MAC_H

#include "cms.h"

/* SHA-256 of @data. May sleep. Return: 0 or an error of the crypto API's. */
int mime_sha256(struct mikey_blob data, u8 digest[CMS_DIGEST_LEN]);

/**
 * mime_attrs_mac() - the MAC of AuthenticatedData (RFC 5652 9.2)
 * @key: CMS_MAC_LEN bytes
 * @attrs: authAttrs as they stand in the object, implicit tag included
 *
 * HMAC-SHA-256 over the attributes as a SET OF: the tag that stands in the
 * object is not the one that the MAC covers. May sleep.
 * Return: 0 or an error of the crypto API's.
 */
int mime_attrs_mac(const u8 *key, struct mikey_blob attrs, u8 mac[CMS_MAC_LEN]);

int mime_mac_init(void);
void mime_mac_exit(void);

#endif
