/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The object identifiers of the CMS objects that carry a body.
 */
#ifndef MIKEY_MIME_CMS_OID_H
#define MIKEY_MIME_CMS_OID_H

#include "../wire/wire.h"

enum cms_oid {
	CMS_OID_UNKNOWN,
	/* content types: RFC 5652 4, 6.1 and 9.1, RFC 5083 2.1 */
	CMS_OID_DATA,
	CMS_OID_ENVELOPED_DATA,
	CMS_OID_AUTHENTICATED_DATA,
	CMS_OID_AUTH_ENVELOPED_DATA,
	/* attributes: RFC 5652 section 11, RFC 6211 */
	CMS_OID_ATTR_CONTENT_TYPE,
	CMS_OID_ATTR_MESSAGE_DIGEST,
	CMS_OID_ATTR_ALGORITHM_PROTECTION,
	/* algorithms: RFC 3565, RFC 5084, RFC 5754, RFC 4231 */
	CMS_OID_AES128_WRAP,
	CMS_OID_AES256_WRAP,
	CMS_OID_AES128_CBC,
	CMS_OID_AES256_CBC,
	CMS_OID_AES128_GCM,
	CMS_OID_AES256_GCM,
	CMS_OID_AES128_CCM,
	CMS_OID_AES256_CCM,
	CMS_OID_SHA256,
	CMS_OID_HMAC_SHA256,
	__CMS_OID_MAX
};

/* Contents octets of an OBJECT IDENTIFIER; not for CMS_OID_UNKNOWN. */
struct mikey_blob cms_oid_bytes(enum cms_oid oid);

/* CMS_OID_UNKNOWN for what is not in the table. */
enum cms_oid cms_oid_find(struct mikey_blob bytes);

#endif
