// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the CMS reader refuses, and in which words: a genuine object of the
 * vectors with one element bent. Every row must be refused for its own reason
 * and not because something else went wrong on the way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the above */
#include <cmocka.h>

#include "edit.h"
#include "kmod/mime/cms.h"
#include "vectors.h"

#define OID_DATA "06 09 2a864886f70d010701"
#define OID_ENVELOPED "06 09 2a864886f70d010703"
#define OID_AUTH_DATA "06 0b 2a864886f70d0109100102"
#define OID_SIGNED "06 09 2a864886f70d010702"
#define OID_SHA256 "06 09 608648016503040201"
#define OID_SHA512 "06 09 608648016503040203"
#define OID_HMAC_SHA256 "06 08 2a864886f70d0209"
#define OID_HMAC_SHA1 "06 08 2b06010505080102"
#define OID_AES256_CBC "06 09 60864801650304012a"
#define OID_AES192_CBC "06 09 608648016503040116"
#define OID_AES128_CBC "06 09 608648016503040102"
#define OID_AES128_CCM "06 09 608648016503040107"
#define OID_AES128_GCM "06 09 608648016503040106"
#define OID_AES128_WRAP "06 09 608648016503040105"
#define ATTR_CONTENT_ENVELOPED "30 18 06 09 2a864886f70d010903 31 0b " OID_ENVELOPED
#define ATTR_UNKNOWN "30 08 06 02 2a03 31 02 05 00"

struct row {
	const char *path;
	enum edit_op op;
	const char *with;
	int err;
	const char *words;
};

/* What all forms have in common */
static const struct row common[] = {
	{ "0", EDIT_TAG, "31", -EBADMSG, "not a CMS object" },
	{ "0", EDIT_AFTER, "00", -EBADMSG, "behind the CMS object" },
	{ "0", EDIT_INDEFINITE, "", -EBADMSG, "indefinite" },
	{ "0", EDIT_LONG_LENGTH, "", -EBADMSG, "not the shortest" },
	{ "0.0", EDIT_REMOVE, "", -EBADMSG, "no content type" },
	{ "0.0", EDIT_REPLACE, OID_DATA, -EPROTONOSUPPORT, "content type is not supported" },
	{ "0.0", EDIT_REPLACE, OID_ENVELOPED, -EPROTONOSUPPORT,
	  "EnvelopedData without AuthenticatedData around it" },
	{ "0.0", EDIT_REPLACE, OID_SIGNED, -EPROTONOSUPPORT, "content type is not supported" },
	{ "0.0", EDIT_VALUE, "", -EPROTONOSUPPORT, "content type is not supported" },
	{ "0.1", EDIT_REMOVE, "", -EBADMSG, "object is empty" },
	{ "0.1", EDIT_AFTER, "05 00", -EBADMSG, "behind the CMS object's content" },
	{ "0.1", EDIT_TAG, "a1", -EBADMSG, "object is empty" },
	{ "0.1", EDIT_VALUE, "", -EBADMSG, "object is empty" },
	{ "0.1", EDIT_INDEFINITE, "", -EBADMSG, "indefinite" },
	{ "0.1.0", EDIT_AFTER, "05 00", -EBADMSG, "behind the CMS object's content" },
	{ "0.1.0", EDIT_INDEFINITE, "", -EBADMSG, "indefinite" },
	{ "0.1.0.0", EDIT_VALUE, "01", -EBADMSG, "version of Auth" },
	{ "0.1.0.0", EDIT_VALUE, "00 00", -EBADMSG, "version of Auth" },
	{ "0.1.0.0", EDIT_REMOVE, "", -EBADMSG, "version of Auth" },
};

/* RecipientInfos, in whatever they stand */
static const struct row recipient[] = {
	{ "1", EDIT_BEFORE, "a0 00", -EBADMSG, "originator" },
	{ "1", EDIT_REMOVE, "", -EBADMSG, "recipients are missing" },
	{ "1", EDIT_VALUE, "", -EBADMSG, "key encryption key" },
	{ "1", EDIT_INDEFINITE, "", -EBADMSG, "indefinite" },
	{ "1.0", EDIT_TAG, "30", -EBADMSG, "key encryption key" },	/* ktri */
	{ "1.0", EDIT_TAG, "a1", -EBADMSG, "key encryption key" },	/* kari */
	{ "1.0", EDIT_AFTER, "a2 00", -EBADMSG, "more than one recipient" },
	{ "1.0", EDIT_BEFORE, "a2 00", -EBADMSG, "recipient's version" },
	{ "1.0.0", EDIT_VALUE, "03", -EBADMSG, "recipient's version" },
	{ "1.0.1", EDIT_REMOVE, "", -EBADMSG, "key identifier" },
	{ "1.0.1.0", EDIT_AFTER, "18 0f 32303236303130313030303030305a",
	  -EBADMSG, "date or attributes" },
	{ "1.0.1.0", EDIT_TAG, "05", -EBADMSG, "key identifier" },
	{ "1.0.1.0", EDIT_CHUNKED, "", -EBADMSG, "in pieces" },
	{ "1.0.2", EDIT_REMOVE, "", -EBADMSG, "key wrap algorithm is missing" },
	{ "1.0.2.0", EDIT_REPLACE, OID_AES256_CBC, -EPROTONOSUPPORT,
	  "key wrap algorithm is not supported" },
	{ "1.0.2.0", EDIT_AFTER, "05 00", -EBADMSG, "no parameters" },
	{ "1.0.3", EDIT_REMOVE, "", -EBADMSG, "encrypted key is missing" },
	{ "1.0.3", EDIT_AFTER, "05 00", -EBADMSG, "behind the encrypted key" },
};

static const struct row auth_enveloped[] = {
	{ "0.0", EDIT_REPLACE, OID_AUTH_DATA, -EPROTONOSUPPORT, "MAC algorithm" },
	{ "0.1.0.1.0.2.0", EDIT_REPLACE, OID_AES128_WRAP, -EBADMSG, "differ in length" },
	{ "0.1.0.1.0.3", EDIT_VALUE, "0011223344556677 0011223344556677 0011223344556677",
	  -EBADMSG, "differ in length" },
	{ "0.1.0.2", EDIT_REMOVE, "", -EBADMSG, "encrypted content is missing" },
	{ "0.1.0.2", EDIT_INDEFINITE, "", -EBADMSG, "indefinite" },
	{ "0.1.0.2.0", EDIT_REPLACE, OID_ENVELOPED, -EPROTONOSUPPORT, "not id-data" },
	{ "0.1.0.2.1", EDIT_REMOVE, "", -EBADMSG, "algorithm is missing" },
	{ "0.1.0.2.1.0", EDIT_REPLACE, OID_AES256_CBC, -EPROTONOSUPPORT,
	  "encryption algorithm is not supported" },
	{ "0.1.0.2.1.0", EDIT_REPLACE, OID_AES128_GCM, -EBADMSG, "differ in length" },
	{ "0.1.0.2.1.1", EDIT_REMOVE, "", -EBADMSG, "parameters are missing" },
	{ "0.1.0.2.1.1", EDIT_AFTER, "05 00", -EBADMSG, "behind the cipher's parameters" },
	{ "0.1.0.2.1.1.0", EDIT_REMOVE, "", -EBADMSG, "nonce is missing" },
	{ "0.1.0.2.1.1.0", EDIT_VALUE, "", -EBADMSG, "nonce has a length" },
	{ "0.1.0.2.1.1.0", EDIT_VALUE, "0011223344556677 889900", -EBADMSG, "nonce has a length" },
	{ "0.1.0.2.1.1.0", EDIT_VALUE, "0011223344556677 8899001122", -EBADMSG,
	  "nonce has a length" },
	{ "0.1.0.2.1.1.1", EDIT_REMOVE, "", -EBADMSG, "as long as it is said" },
	{ "0.1.0.2.1.1.1", EDIT_VALUE, "0b", -EBADMSG, "length is not one" },
	{ "0.1.0.2.1.1.1", EDIT_VALUE, "11", -EBADMSG, "length is not one" },
	{ "0.1.0.2.1.1.1", EDIT_VALUE, "30", -EBADMSG, "length is not one" },
	{ "0.1.0.2.1.1.1", EDIT_VALUE, "0f", -EBADMSG, "as long as it is said" },
	{ "0.1.0.2.1.1.1", EDIT_VALUE, "0010", -EBADMSG, "ICV's length is malformed" },
	{ "0.1.0.2.1.1.1", EDIT_AFTER, "05 00", -EBADMSG, "behind the ICV's length" },
	{ "0.1.0.2.2", EDIT_REMOVE, "", -EBADMSG, "encrypted content is missing" },
	{ "0.1.0.2.2", EDIT_VALUE, "", -EBADMSG, "content is empty" },
	{ "0.1.0.2.2", EDIT_CHUNKED, "", -EBADMSG, "encrypted content is missing" },
	{ "0.1.0.2.2", EDIT_AFTER, "05 00", -EBADMSG, "behind the encrypted content" },
	{ "0.1.0.2.2", EDIT_LONG_LENGTH, "", -EBADMSG, "not the shortest" },
	{ "0.1.0.3", EDIT_BEFORE, "a1 0a " ATTR_UNKNOWN, -EBADMSG, "attributes of AuthEnv" },
	{ "0.1.0.3", EDIT_REMOVE, "", -EBADMSG, "ICV is missing" },
	{ "0.1.0.3", EDIT_AFTER, "a2 00", -EBADMSG, "behind the ICV" },
	{ "0.1.0.3", EDIT_VALUE, "001122334455667788990011", -EBADMSG, "as long as it is said" },
	{ "0.1.0.3", EDIT_CHUNKED, "", -EBADMSG, "in pieces" },
};

static const struct row authenticated[] = {
	{ "0.1.0.1.0.3", EDIT_VALUE, "0011223344556677 0011223344556677 0011223344556677",
	  -EBADMSG, "MAC's key" },
	{ "0.1.0.2", EDIT_REMOVE, "", -EBADMSG, "MAC algorithm" },
	{ "0.1.0.2.0", EDIT_REPLACE, OID_HMAC_SHA1, -EPROTONOSUPPORT, "MAC algorithm" },
	{ "0.1.0.2.1", EDIT_REPLACE, "30 00", -EBADMSG, "MAC algorithm" },
	{ "0.1.0.2.1", EDIT_VALUE, "00", -EBADMSG, "NULL has contents" },
	{ "0.1.0.2.1", EDIT_AFTER, "05 00", -EBADMSG, "parameters" },
	{ "0.1.0.3", EDIT_REMOVE, "", -EBADMSG, "without a digest" },
	{ "0.1.0.3.0", EDIT_REPLACE, OID_SHA512, -EPROTONOSUPPORT, "not SHA-256" },
	{ "0.1.0.4", EDIT_REMOVE, "", -EBADMSG, "content is missing" },
	{ "0.1.0.4.0", EDIT_REPLACE, OID_SIGNED, -EPROTONOSUPPORT, "nothing else" },
	{ "0.1.0.4.0", EDIT_REPLACE, OID_ENVELOPED, -EBADMSG, "not an EnvelopedData" },
	{ "0.1.0.4.1", EDIT_REMOVE, "", -EBADMSG, "content is missing" },
	{ "0.1.0.4.1", EDIT_AFTER, "05 00", -EBADMSG, "behind the content" },
	{ "0.1.0.4.1.0", EDIT_VALUE, "", -EBADMSG, "content is empty" },
	{ "0.1.0.4.1.0", EDIT_CHUNKED, "", -EBADMSG, "in pieces" },
	{ "0.1.0.4.1.0", EDIT_AFTER, "04 00", -EBADMSG, "behind the content" },
	{ "0.1.0.4.1.0", EDIT_INDEFINITE, "", -EBADMSG, "indefinite" },
	{ "0.1.0.5", EDIT_REMOVE, "", -EBADMSG, "without authenticated attributes" },
	{ "0.1.0.5", EDIT_VALUE, "", -EBADMSG, "is missing" },
	{ "0.1.0.5", EDIT_VALUE, ATTR_UNKNOWN, -EBADMSG, "is missing" },
	{ "0.1.0.5.0", EDIT_REMOVE, "", -EBADMSG, "content-type, message-digest" },
	{ "0.1.0.5.1", EDIT_REMOVE, "", -EBADMSG, "algorithm protection is missing" },
	{ "0.1.0.5.2", EDIT_REMOVE, "", -EBADMSG, "content-type, message-digest" },
	{ "0.1.0.5.0", EDIT_AFTER, ATTR_UNKNOWN, -EBADMSG, "DER's order" },
	{ "0.1.0.5.0", EDIT_BEFORE, ATTR_UNKNOWN " " ATTR_UNKNOWN, -EBADMSG, "DER's order" },
	/* RFC 5652 11.1: one content-type only; in order, so that this alone is wrong */
	{ "0.1.0.5.0", EDIT_AFTER, ATTR_CONTENT_ENVELOPED, -EBADMSG, "there twice" },
	{ "0.1.0.5.0", EDIT_BEFORE, "02 01 00", -EBADMSG, "attribute is malformed" },
	{ "0.1.0.5.0", EDIT_BEFORE, "30 00", -EBADMSG, "no type" },
	{ "0.1.0.5.0", EDIT_BEFORE, "30 04 06 02 2a03", -EBADMSG, "no values" },
	{ "0.1.0.5.0.1", EDIT_AFTER, "05 00", -EBADMSG, "behind an attribute" },
	{ "0.1.0.5.0.1.0", EDIT_AFTER, OID_DATA, -EBADMSG, "more than one value" },
	{ "0.1.0.5.0.1.0", EDIT_REMOVE, "", -EBADMSG, "content-type is malformed" },
	{ "0.1.0.5.0.1.0", EDIT_TAG, "04", -EBADMSG, "content-type is malformed" },
	{ "0.1.0.5.1.1.0", EDIT_VALUE, "", -EBADMSG, "protected digest" },
	{ "0.1.0.5.1.1.0.0.0", EDIT_REPLACE, OID_SHA512, -EPROTONOSUPPORT, "protected digest" },
	{ "0.1.0.5.1.1.0.1", EDIT_TAG, "a1", -EBADMSG, "protected MAC" },
	{ "0.1.0.5.1.1.0.1", EDIT_REMOVE, "", -EBADMSG, "protected MAC" },
	{ "0.1.0.5.1.1.0.1.0", EDIT_REPLACE, OID_HMAC_SHA1, -EPROTONOSUPPORT, "protected MAC" },
	{ "0.1.0.5.1.1.0.1", EDIT_AFTER, "05 00", -EBADMSG, "algorithm protection is malformed" },
	{ "0.1.0.5.2.1.0", EDIT_VALUE, "00112233", -EBADMSG, "wrong length" },
	{ "0.1.0.5.2.1.0", EDIT_CHUNKED, "", -EBADMSG, "in pieces" },
	{ "0.1.0.6", EDIT_REMOVE, "", -EBADMSG, "MAC is missing" },
	{ "0.1.0.6", EDIT_VALUE, "00112233", -EBADMSG, "MAC has the wrong length" },
	{ "0.1.0.6", EDIT_AFTER, "a3 00", -EBADMSG, "behind the MAC" },
};

/* RFC 5084 3.1: a nonce of 7 to 13 octets, an ICV of an even number */
static const struct row ccm[] = {
	{ "0.1.0.2.1.1.0", EDIT_VALUE, "001122334455", -EBADMSG, "nonce has a length" },
	{ "0.1.0.2.1.1.0", EDIT_VALUE, "0011223344556677 889900112233", -EBADMSG,
	  "nonce has a length" },
	{ "0.1.0.2.1.1.1", EDIT_VALUE, "0a", -EBADMSG, "length is not one" },
	{ "0.1.0.2.1.1.1", EDIT_VALUE, "0b", -EBADMSG, "length is not one" },
	{ "0.1.0.2.1.1.1", EDIT_VALUE, "0d", -EBADMSG, "length is not one" },
	{ "0.1.0.2.1.1.1", EDIT_VALUE, "0f", -EBADMSG, "length is not one" },
	{ "0.1.0.2.1.1.1", EDIT_VALUE, "12", -EBADMSG, "length is not one" },
	{ "0.1.0.2.1.1.1", EDIT_VALUE, "0e", -EBADMSG, "as long as it is said" },
	{ "0.1.0.2.1.0", EDIT_REPLACE, OID_AES128_CCM, -EBADMSG, "differ in length" },
	{ "0.1.0.1.0.2.0", EDIT_REPLACE, OID_AES128_WRAP, -EBADMSG, "differ in length" },
};

/* The EnvelopedData in an AuthenticatedData (RFC 5652 6.1, RFC 3565 2.3.1) */
static const struct row enveloped[] = {
	{ "0.1.0.4.0", EDIT_REPLACE, OID_SIGNED, -EPROTONOSUPPORT, "nothing else" },
	{ "0.1.0.4.1.0", EDIT_VALUE, "", -EBADMSG, "not an EnvelopedData" },
	{ "0.1.0.4.1.0", EDIT_CHUNKED, "", -EBADMSG, "in pieces" },
	{ "0.1.0.4.1.0.0", EDIT_AFTER, "05 00", -EBADMSG, "behind the EnvelopedData" },
	{ "0.1.0.4.1.0.0", EDIT_INDEFINITE, "", -EBADMSG, "indefinite" },
	{ "0.1.0.4.1.0.0", EDIT_LONG_LENGTH, "", -EBADMSG, "not the shortest" },
	/* a ContentInfo, which begins with an identifier and not a version */
	{ "0.1.0.4.1.0.0.0", EDIT_REPLACE, OID_ENVELOPED, -EBADMSG, "version of EnvelopedData" },
	{ "0.1.0.4.1.0.0.0", EDIT_VALUE, "00", -EBADMSG, "version of EnvelopedData" },
	{ "0.1.0.4.1.0.0.0", EDIT_VALUE, "03", -EBADMSG, "version of EnvelopedData" },
	{ "0.1.0.4.1.0.0.1.0.2.0", EDIT_REPLACE, OID_AES128_WRAP, -EBADMSG, "differ in length" },
	{ "0.1.0.4.1.0.0.1.0.3", EDIT_VALUE, "0011223344556677 0011223344556677 0011223344556677",
	  -EBADMSG, "differ in length" },
	{ "0.1.0.4.1.0.0.2", EDIT_REMOVE, "", -EBADMSG, "encrypted content is missing" },
	{ "0.1.0.4.1.0.0.2", EDIT_INDEFINITE, "", -EBADMSG, "indefinite" },
	{ "0.1.0.4.1.0.0.2.0", EDIT_REPLACE, OID_ENVELOPED, -EPROTONOSUPPORT, "not id-data" },
	{ "0.1.0.4.1.0.0.2.1.0", EDIT_REPLACE, OID_AES128_GCM, -EPROTONOSUPPORT,
	  "encryption algorithm is not supported" },
	{ "0.1.0.4.1.0.0.2.1.0", EDIT_REPLACE, OID_AES128_CBC, -EBADMSG, "differ in length" },
	{ "0.1.0.4.1.0.0.2.1.0", EDIT_REPLACE, OID_AES192_CBC, -EPROTONOSUPPORT,
	  "encryption algorithm is not supported" },
	{ "0.1.0.4.1.0.0.2.1.1", EDIT_REMOVE, "", -EBADMSG, "parameters are missing" },
	{ "0.1.0.4.1.0.0.2.1.1", EDIT_REPLACE, "05 00", -EBADMSG, "parameters are missing" },
	{ "0.1.0.4.1.0.0.2.1.1", EDIT_AFTER, "05 00", -EBADMSG, "behind the cipher's parameters" },
	{ "0.1.0.4.1.0.0.2.1.1", EDIT_VALUE, "0011223344556677 8899aabbccddee", -EBADMSG,
	  "nonce has a length" },
	{ "0.1.0.4.1.0.0.2.1.1", EDIT_VALUE, "0011223344556677 8899aabbccddeeff 00", -EBADMSG,
	  "nonce has a length" },
	{ "0.1.0.4.1.0.0.2.2", EDIT_REMOVE, "", -EBADMSG, "encrypted content is missing" },
	{ "0.1.0.4.1.0.0.2.2", EDIT_VALUE, "", -EBADMSG, "content is empty" },
	{ "0.1.0.4.1.0.0.2.2", EDIT_VALUE, "0011223344556677 8899aabbccddee", -EBADMSG,
	  "whole blocks" },
	{ "0.1.0.4.1.0.0.2.2", EDIT_VALUE, "0011223344556677 8899aabbccddeeff 00", -EBADMSG,
	  "whole blocks" },
	{ "0.1.0.4.1.0.0.2.2", EDIT_AFTER, "05 00", -EBADMSG, "behind the encrypted content" },
	{ "0.1.0.4.1.0.0.2", EDIT_AFTER, "a1 0a " ATTR_UNKNOWN, -EBADMSG,
	  "attributes of EnvelopedData" },
	{ "0.1.0.4.1.0.0.2", EDIT_AFTER, "05 00", -EBADMSG, "behind the encrypted content" },
};

static struct mikey_blob object_gcm(void)
{
	struct vector_bytes v = vector_exchange_immediate_256->cms.auth_enveloped_gcm;

	return (struct mikey_blob){ v.p, v.len };
}

static struct mikey_blob object_ccm(void)
{
	struct vector_bytes v = vector_exchange_immediate_256->cms.auth_enveloped_ccm;

	return (struct mikey_blob){ v.p, v.len };
}

static struct mikey_blob object_authenticated(void)
{
	struct vector_bytes v = vector_exchange_immediate_256->cms.authenticated;

	return (struct mikey_blob){ v.p, v.len };
}

static struct mikey_blob object_authenticated_enveloped(void)
{
	struct vector_bytes v = vector_exchange_immediate_256->cms.authenticated_enveloped;

	return (struct mikey_blob){ v.p, v.len };
}

static void assert_rows(struct mikey_blob object, const char *prefix, const struct row *rows,
			size_t num)
{
	char path[64];

	struct cms_message m;
	struct edit_buf bent;

	for (size_t i = 0; i < num; i++) {
		const struct row *row = &rows[i];
		struct mikey_diag d = { 0 };
		int err;

		snprintf(path, sizeof(path), "%s%s", prefix, row->path);
		edit(&bent, object, path, row->op, edit_hex(row->with));
		err = cms_read(&m, (struct mikey_blob){ bent.p, bent.len }, &d);
		if (err != row->err || !d.why || !strstr(d.why, row->words))
			fail_msg("row %zu, %s: %d \"%s\", not %d \"...%s...\"", i, path,
				 err, d.why ?: "", row->err, row->words);
		assert_true(d.offset <= bent.len);
	}
}

static void common_rows(void **state)
{
	(void)state;
	assert_rows(object_gcm(), "", common, ARRAY_SIZE(common));
	assert_rows(object_ccm(), "", common, ARRAY_SIZE(common));
	assert_rows(object_authenticated(), "", common, ARRAY_SIZE(common));
	assert_rows(object_authenticated_enveloped(), "", common, ARRAY_SIZE(common));
}

static void recipient_rows(void **state)
{
	(void)state;
	assert_rows(object_gcm(), "0.1.0.", recipient, ARRAY_SIZE(recipient));
	assert_rows(object_ccm(), "0.1.0.", recipient, ARRAY_SIZE(recipient));
	assert_rows(object_authenticated(), "0.1.0.", recipient, ARRAY_SIZE(recipient));
	assert_rows(object_authenticated_enveloped(), "0.1.0.", recipient, ARRAY_SIZE(recipient));
	assert_rows(object_authenticated_enveloped(), "0.1.0.4.1.0.0.", recipient,
		    ARRAY_SIZE(recipient));
}

static void auth_enveloped_rows(void **state)
{
	(void)state;
	assert_rows(object_gcm(), "", auth_enveloped, ARRAY_SIZE(auth_enveloped));
	assert_rows(object_ccm(), "", ccm, ARRAY_SIZE(ccm));
}

static void authenticated_rows(void **state)
{
	(void)state;
	assert_rows(object_authenticated(), "", authenticated, ARRAY_SIZE(authenticated));
	assert_rows(object_authenticated_enveloped(), "", enveloped, ARRAY_SIZE(enveloped));
}

/*
 * RFC 3610 2.1: with a nonce of 13 octets two are left for the length of the
 * content; a reader that did not look would encode 65536 as 0.
 */
static void ccm_length(void **state)
{
	static const u8 nonce[13];
	struct cms_layout l = {
		.form = MIKEY_FORM_AUTH_ENVELOPED,
		.kek_id = { nonce, 8 },
		.kek_len = 32,
		.cipher = cms_cipher_find(MIKEY_FORM_AUTH_ENVELOPED, MIKEY_CONTENT_AES_CCM, 32),
		.nonce = { nonce, sizeof(nonce) },
	};
	struct mikey_diag d = { 0 };
	const u32 size = 65536 + MIKEY_MIME_CMS_OVERHEAD;
	u8 *buf = calloc(1, size);
	struct cms_message m;

	(void)state;
	assert_non_null(buf);
	l.content_len = 65535;
	assert_int_equal(cms_write(&l, buf, size), 0);
	assert_int_equal(cms_read(&m, l.object, &d), 0);
	l.content_len = 65536;
	assert_int_equal(cms_write(&l, buf, size), 0);
	assert_int_equal(cms_read(&m, l.object, &d), -EBADMSG);
	assert_non_null(strstr(d.why, "longer than its nonce allows"));
	l.nonce.len = 12;
	assert_int_equal(cms_write(&l, buf, size), 0);
	assert_int_equal(cms_read(&m, l.object, &d), 0);
	free(buf);
}

/* Bent and accepted all the same: the profile says so. */
static void accepted(void **state)
{
	static const struct row rows[] = {
		/* hmacWithSHA256 and SHA-256 with absent or NULL parameters */
		{ "0.1.0.2.1", EDIT_REMOVE, "", 0, "" },
		{ "0.1.0.5.1.1.0.1.1", EDIT_REMOVE, "", 0, "" },
		{ "0.1.0.3.0", EDIT_AFTER, "05 00", 0, "" },
		/* unknown attributes, in DER's order */
		{ "0.1.0.5.0", EDIT_BEFORE, ATTR_UNKNOWN, 0, "" },
		/* content-type other than eContentType: only the MAC's owner can */
		{ "0.1.0.5.0.1.0", EDIT_REPLACE, OID_ENVELOPED, 0, "" },
	};
	static const char *const nonces[] = {
		"00112233445566", "0011223344556677", "0011223344556677 88",
		"0011223344556677 8899", "0011223344556677 8899aa",
		"0011223344556677 8899aabb", "0011223344556677 8899aabbcc",
	};
	struct mikey_diag d = { 0 };
	struct cms_message m;
	struct edit_buf bent, twice;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		edit(&bent, object_authenticated(), rows[i].path, rows[i].op,
		     edit_hex(rows[i].with));
		if (cms_read(&m, (struct mikey_blob){ bent.p, bent.len }, &d))
			fail_msg("row %zu: %s", i, d.why);
	}
	/* the last row: what the MAC is to judge is handed out */
	assert_false(mikey_blob_eq(m.content_type, m.e_content_type));

	/* an ICV of 12, its length absent (DER) or written out */
	edit(&bent, object_gcm(), "0.1.0.3", EDIT_VALUE, edit_hex("001122334455667788990011"));
	edit(&twice, (struct mikey_blob){ bent.p, bent.len }, "0.1.0.2.1.1.1", EDIT_REMOVE,
	     edit_hex(""));
	assert_int_equal(cms_read(&m, (struct mikey_blob){ twice.p, twice.len }, &d), 0);
	assert_int_equal(m.mac.len, 12);
	edit(&twice, (struct mikey_blob){ bent.p, bent.len }, "0.1.0.2.1.1.1", EDIT_VALUE,
	     edit_hex("0c"));
	assert_int_equal(cms_read(&m, (struct mikey_blob){ twice.p, twice.len }, &d), 0);
	assert_int_equal(m.mac.len, 12);

	/* CCM's nonces, and its ICV of 14 */
	for (size_t i = 0; i < ARRAY_SIZE(nonces); i++) {
		edit(&bent, object_ccm(), "0.1.0.2.1.1.0", EDIT_VALUE,
		     edit_hex(nonces[i]));
		assert_int_equal(cms_read(&m, (struct mikey_blob){ bent.p, bent.len }, &d), 0);
		assert_int_equal(m.nonce.len, 7 + i);
	}
	edit(&bent, object_ccm(), "0.1.0.3", EDIT_VALUE,
	     edit_hex("0011223344556677889900112233"));
	edit(&twice, (struct mikey_blob){ bent.p, bent.len }, "0.1.0.2.1.1.1", EDIT_VALUE,
	     edit_hex("0e"));
	assert_int_equal(cms_read(&m, (struct mikey_blob){ twice.p, twice.len }, &d), 0);
	assert_int_equal(m.mac.len, 14);

	/* attributes nobody knows, where the content is encrypted too */
	edit(&bent, object_authenticated_enveloped(), "0.1.0.5.0", EDIT_BEFORE,
	     edit_hex(ATTR_UNKNOWN));
	assert_int_equal(cms_read(&m, (struct mikey_blob){ bent.p, bent.len }, &d), 0);
}

static void assert_truncations(struct mikey_blob object)
{
	struct mikey_diag d;
	struct cms_message m;

	for (u32 len = 0; len < object.len; len++) {
		/* on the heap, so that the sanitizer sees a step too far */
		u8 *copy = malloc(len ?: 1);

		assert_non_null(copy);
		memcpy(copy, object.p, len);
		d.why = NULL;
		assert_int_equal(cms_read(&m, (struct mikey_blob){ copy, len }, &d), -EBADMSG);
		assert_non_null(d.why);
		free(copy);
	}
}

static void truncations(void **state)
{
	(void)state;
	assert_truncations(object_gcm());
	assert_truncations(object_ccm());
	assert_truncations(object_authenticated());
	assert_truncations(object_authenticated_enveloped());
}

/* Is @at inside @part, which lies in @object? */
static bool inside(struct mikey_blob object, struct mikey_blob part, u32 at)
{
	return object.p + at >= part.p && object.p + at < part.p + part.len;
}

/* Only a key tells whether these are right. */
static bool is_free(struct mikey_blob object, const struct cms_message *m, u32 at)
{
	const struct mikey_blob parts[] = {
		m->recipient.kek_id, m->recipient.wrapped, m->inner.kek_id, m->inner.wrapped,
		m->nonce, m->content, m->mac, m->digest, m->content_type,
	};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (inside(object, parts[i], at))
			return true;
	return false;
}

/*
 * A flipped bit is refused, or lies where only a key tells: identifiers,
 * wrapped keys, nonce, content, MAC and the values of attributes. GCM's
 * identifier and CCM's are one bit apart.
 */
static void assert_flips(struct mikey_blob object)
{
	struct cms_message good, m;
	struct mikey_diag d;
	u8 copy[1024];

	assert_int_equal(cms_read(&good, object, &d), 0);
	assert_true(object.len <= sizeof(copy));
	memcpy(copy, object.p, object.len);
	for (u32 bit = 0; bit < 8 * object.len; bit++) {
		u32 at = bit / 8;

		copy[at] ^= 1 << bit % 8;
		if (!cms_read(&m, (struct mikey_blob){ copy, object.len }, &d) &&
		    !is_free(object, &good, at) && m.cipher == good.cipher)
			fail_msg("bit %u of byte %u is free", bit % 8, at);
		copy[at] ^= 1 << bit % 8;
	}
}

static void flips(void **state)
{
	(void)state;
	assert_flips(object_gcm());
	assert_flips(object_ccm());
	assert_flips(object_authenticated());
	assert_flips(object_authenticated_enveloped());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(common_rows),
		cmocka_unit_test(recipient_rows),
		cmocka_unit_test(auth_enveloped_rows),
		cmocka_unit_test(authenticated_rows),
		cmocka_unit_test(ccm_length),
		cmocka_unit_test(accepted),
		cmocka_unit_test(truncations),
		cmocka_unit_test(flips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
