// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading CMS: everything about an object that can be judged without a key.
 *
 * The profile sends one shape of each form, and this accepts little more:
 * what CMS allows and nobody here sends (several recipients, originator
 * information, unauthenticated attributes) lies outside every MAC and is
 * refused, so that no bit of an accepted object is free to change.
 */
#include "cms.h"

/* AlgorithmIdentifier whose parameters are left to the caller. */
static enum cms_oid read_alg(struct der_cursor *c, struct der_cursor *params,
			     u8 tag, const char *why)
{
	*params = der_enter(c, tag, why);
	return cms_oid_find(der_get(params, DER_OID, why));
}

/*
 * An algorithm without parameters. RFC 5754 2 and RFC 4231 3.1 have both
 * absent and NULL in the wild for SHA-256 and its HMAC.
 */
static void read_plain_alg(struct der_cursor *c, u8 tag, enum cms_oid expected,
			   const char *why)
{
	struct der_cursor params;
	enum cms_oid oid = read_alg(c, &params, tag, why);

	if (oid != expected) {
		der_fail(c, -EPROTONOSUPPORT, why);
		return;
	}
	if (der_more(&params) && der_get(&params, DER_NULL, why).len)
		der_fail(c, -EBADMSG, "a NULL has contents");
	der_leave(&params, "an algorithm has parameters that it must not have");
}

static void read_version(struct der_cursor *c, u32 version, const char *why)
{
	if (der_get_small(c, why) != version)
		der_fail(c, -EBADMSG, why);
}

/* RecipientInfos (RFC 5652 6.2) with one KEKRecipientInfo (6.2.3) */
static void read_recipient(struct der_cursor *c, struct cms_recipient *rcpt)
{
	struct der_cursor set, kek, id, params;
	enum cms_oid wrap;

	if (der_at(c, DER_CONTEXT_CONS | 0))
		der_fail(c, -EBADMSG, "originator information is not accepted");
	set = der_enter(c, DER_SET, "the recipients are missing");
	kek = der_enter(&set, DER_CONTEXT_CONS | 2,
			"the recipient is not one with a key encryption key");
	read_version(&kek, 4, "the recipient's version is not 4");
	id = der_enter(&kek, DER_SEQUENCE, "the key identifier is missing");
	rcpt->kek_id = der_get(&id, DER_OCTET_STRING, "the key identifier is missing");
	der_leave(&id, "a key identifier with date or attributes is not accepted");

	wrap = read_alg(&kek, &params, DER_SEQUENCE, "the key wrap algorithm is missing");
	rcpt->kek_len = cms_wrap_key_len(wrap);
	if (!rcpt->kek_len)
		der_fail(&kek, -EPROTONOSUPPORT, "the key wrap algorithm is not supported");
	der_leave(&params, "AES key wrap has no parameters");
	rcpt->wrapped = der_get(&kek, DER_OCTET_STRING, "the encrypted key is missing");
	der_leave(&kek, "there is something behind the encrypted key");
	der_leave(&set, "more than one recipient is not accepted");
}

/* The content key is as long as the KEK: neither weakens the other. */
static void check_keys(struct der_cursor *c, const struct cms_cipher *cipher,
		       const struct cms_recipient *rcpt)
{
	if (!c->r->err && (rcpt->kek_len != cipher->key_len ||
			   rcpt->wrapped.len != cipher->key_len + CMS_WRAP_OVERHEAD))
		der_fail(c, -EBADMSG, "the keys of cipher and key wrap differ in length");
}

static void check_nonce(struct der_cursor *c, const struct cms_message *m)
{
	if (!c->r->err && (m->nonce.len < m->cipher->nonce_min ||
			   m->nonce.len > m->cipher->nonce_max))
		der_fail(c, -EBADMSG, "the nonce has a length that is not accepted");
}

/* GCMParameters (RFC 5084 3.2); CCMParameters (3.1) are the same. */
static void read_aead_params(struct der_cursor *params, struct cms_message *m,
			     u32 *icv_len)
{
	struct der_cursor seq;

	*icv_len = CMS_ICV_DEFAULT;
	seq = der_enter(params, DER_SEQUENCE, "the cipher's parameters are missing");
	m->nonce = der_get(&seq, DER_OCTET_STRING, "the nonce is missing");
	check_nonce(&seq, m);
	if (der_more(&seq))
		*icv_len = der_get_small(&seq, "the ICV's length is malformed");
	der_leave(&seq, "there is something behind the ICV's length");
	if (*icv_len > CMS_ICV_MAX || !(m->cipher->icv_lens & 1U << *icv_len))
		der_fail(params, -EBADMSG, "the ICV's length is not one that is accepted");
}

/* CBCParameter (RFC 3565 2.3.1): the IV */
static void read_iv(struct der_cursor *params, struct cms_message *m)
{
	m->nonce = der_get(params, DER_OCTET_STRING, "the cipher's parameters are missing");
	check_nonce(params, m);
}

static void check_content(struct der_cursor *c, const struct cms_message *m)
{
	if (!m->content.len)
		der_fail(c, -EBADMSG, "the content is empty");
	if (c->r->err || !m->cipher)
		return;
	if (!m->cipher->icv_lens && m->content.len % CMS_BLOCK_LEN)
		der_fail(c, -EBADMSG, "the encrypted content is not of whole blocks");
	if (!cms_cipher_takes(m->cipher, m->nonce.len, m->content.len))
		der_fail(c, -EBADMSG, "the content is longer than its nonce allows");
}

/*
 * EncryptedContentInfo (RFC 5652 6.1) of id-data, with one of the form's
 * ciphers. @icv_len: set where that has an ICV.
 */
static void read_encrypted(struct der_cursor *c, struct cms_message *m, u32 *icv_len)
{
	struct der_cursor info, params;

	info = der_enter(c, DER_SEQUENCE, "the encrypted content is missing");
	if (cms_oid_find(der_get(&info, DER_OID, "the content type is missing")) !=
	    CMS_OID_DATA)
		der_fail(&info, -EPROTONOSUPPORT, "the encrypted content is not id-data");
	m->cipher = cms_cipher_by_oid(m->form,
				      read_alg(&info, &params, DER_SEQUENCE,
					       "the content encryption algorithm is missing"));
	if (!m->cipher) {
		der_fail(&info, -EPROTONOSUPPORT,
			 "the content encryption algorithm is not supported");
		return;
	}
	if (m->cipher->icv_lens)
		read_aead_params(&params, m, icv_len);
	else
		read_iv(&params, m);
	der_leave(&params, "there is something behind the cipher's parameters");
	m->content = der_get(&info, DER_CONTEXT | 0, "the encrypted content is missing");
	check_content(&info, m);
	der_leave(&info, "there is something behind the encrypted content");
}

/* AuthEnvelopedData (RFC 5083 2.1) */
static void read_auth_enveloped(struct der_cursor *c, struct cms_message *m)
{
	u32 icv_len = 0;

	m->form = MIKEY_FORM_AUTH_ENVELOPED;
	read_version(c, 0, "the version of AuthEnvelopedData is not 0");
	read_recipient(c, &m->recipient);
	read_encrypted(c, m, &icv_len);
	if (der_at(c, DER_CONTEXT_CONS | 1))
		der_fail(c, -EBADMSG, "attributes of AuthEnvelopedData are not accepted");
	m->mac = der_get(c, DER_OCTET_STRING, "the ICV is missing");
	der_leave(c, "there is something behind the ICV");
	if (m->mac.len != icv_len)
		der_fail(c, -EBADMSG, "the ICV is not as long as it is said to be");
	check_keys(c, m->cipher, &m->recipient);
}

/* EnvelopedData (RFC 5652 6.1), which only stands inside AuthenticatedData */
static void read_enveloped(struct der_cursor *c, struct cms_message *m)
{
	struct der_cursor data;
	u32 icv_len;

	m->form = MIKEY_FORM_AUTHENTICATED_ENVELOPED;
	data = der_enter(c, DER_SEQUENCE, "the authenticated content is not an EnvelopedData");
	read_version(&data, 2, "the version of EnvelopedData is not 2");
	read_recipient(&data, &m->inner);
	read_encrypted(&data, m, &icv_len);
	if (der_at(&data, DER_CONTEXT_CONS | 1))
		der_fail(&data, -EBADMSG, "attributes of EnvelopedData are not accepted");
	der_leave(&data, "there is something behind the encrypted content");
	der_leave(c, "there is something behind the EnvelopedData");
	check_keys(&data, m->cipher, &m->inner);
}

static void read_data(struct der_cursor *c, struct cms_message *m)
{
	m->form = MIKEY_FORM_AUTHENTICATED;
	m->content = m->e_content;
	check_content(c, m);
}

/* CMSAlgorithmProtection (RFC 6211 2) of the only algorithms there are */
static void read_algorithm_protection(struct der_cursor *values)
{
	struct der_cursor seq;

	seq = der_enter(values, DER_SEQUENCE, "the algorithm protection is malformed");
	read_plain_alg(&seq, DER_SEQUENCE, CMS_OID_SHA256,
		       "the protected digest algorithm is not the one in use");
	read_plain_alg(&seq, DER_CONTEXT_CONS | 2, CMS_OID_HMAC_SHA256,
		       "the protected MAC algorithm is not the one in use");
	der_leave(&seq, "the algorithm protection is malformed");
}

/* The attributes that must be there, as bits */
enum {
	SEEN_CONTENT_TYPE = 1 << 0,
	SEEN_DIGEST = 1 << 1,
	SEEN_PROTECTION = 1 << 2,
	SEEN_ALL = SEEN_CONTENT_TYPE | SEEN_DIGEST | SEEN_PROTECTION,
};

/* One Attribute; returns its bit, 0 for one that nobody here knows. */
static u32 read_attr(struct der_cursor *c, struct cms_message *m)
{
	struct der_cursor attr, values;
	enum cms_oid oid;
	u32 seen;

	attr = der_enter(c, DER_SEQUENCE, "an attribute is malformed");
	oid = cms_oid_find(der_get(&attr, DER_OID, "an attribute has no type"));
	values = der_enter(&attr, DER_SET, "an attribute has no values");
	der_leave(&attr, "there is something behind an attribute's values");

	switch (oid) {
	case CMS_OID_ATTR_CONTENT_TYPE:
		m->content_type = der_get(&values, DER_OID, "content-type is malformed");
		seen = SEEN_CONTENT_TYPE;
		break;
	case CMS_OID_ATTR_MESSAGE_DIGEST:
		m->digest = der_get(&values, DER_OCTET_STRING, "message-digest is malformed");
		if (m->digest.len != CMS_DIGEST_LEN)
			der_fail(&values, -EBADMSG, "message-digest has the wrong length");
		seen = SEEN_DIGEST;
		break;
	case CMS_OID_ATTR_ALGORITHM_PROTECTION:
		read_algorithm_protection(&values);
		seen = SEEN_PROTECTION;
		break;
	default:
		return 0;
	}
	der_leave(&values, "an attribute has more than one value");
	return seen;
}

/* Octet strings in the order of DER's SET OF (X.690 11.6), none twice */
static bool in_order(struct mikey_blob a, struct mikey_blob b)
{
	int cmp = memcmp(a.p, b.p, a.len < b.len ? a.len : b.len);

	return cmp < 0 || (!cmp && a.len < b.len);
}

/*
 * authAttrs. The MAC covers their DER encoding, so another order than DER's
 * would need sorting before it is verified; nobody here sends one.
 */
static void read_attrs(struct der_cursor *c, struct cms_message *m)
{
	const char *missing = "AuthenticatedData without authenticated attributes is not accepted";
	struct der_cursor whole = *c, attrs;
	struct mikey_blob last = { NULL, 0 };
	u32 seen = 0;

	m->attrs = der_get_tlv(&whole, DER_CONTEXT_CONS | 2, missing);
	attrs = der_enter(c, DER_CONTEXT_CONS | 2, missing);
	while (der_more(&attrs)) {
		struct der_cursor at = attrs;
		struct mikey_blob this = der_get_tlv(&at, DER_SEQUENCE,
						     "an attribute is malformed");
		u32 bit = read_attr(&attrs, m);

		if (c->r->err)
			return;
		if (last.len && !in_order(last, this))
			der_fail(&attrs, -EBADMSG, "the attributes are not in DER's order");
		if (seen & bit)
			der_fail(&attrs, -EBADMSG, "an attribute is there twice");
		seen |= bit;
		last = this;
	}
	if (seen != SEEN_ALL)
		der_fail(&attrs, -EBADMSG,
			 "content-type, message-digest or algorithm protection is missing");
}

/* What AuthenticatedData may be about; each says which form that makes. */
static const struct {
	enum cms_oid type;
	void (*read)(struct der_cursor *c, struct cms_message *m);
} contents[] = {
	{ CMS_OID_DATA, read_data },
	{ CMS_OID_ENVELOPED_DATA, read_enveloped },
};

/* EncapsulatedContentInfo (RFC 5652 5.2) */
static void read_content(struct der_cursor *c, struct cms_message *m)
{
	struct der_cursor info, wrapper, content;
	enum cms_oid type;
	size_t i;

	info = der_enter(c, DER_SEQUENCE, "the content is missing");
	m->e_content_type = der_get(&info, DER_OID, "the content type is missing");
	type = cms_oid_find(m->e_content_type);
	wrapper = der_enter(&info, DER_CONTEXT_CONS | 0, "the content is missing");
	content = der_enter(&wrapper, DER_OCTET_STRING, "the content is missing");
	m->e_content = der_left(&content);
	der_leave(&wrapper, "there is something behind the content");
	der_leave(&info, "there is something behind the content");

	for (i = 0; i < ARRAY_SIZE(contents); i++) {
		if (contents[i].type == type) {
			contents[i].read(&content, m);
			return;
		}
	}
	der_fail(&info, -EPROTONOSUPPORT,
		 "authenticated content is id-data or id-envelopedData, nothing else");
}

/* AuthenticatedData (RFC 5652 9.1) */
static void read_authenticated(struct der_cursor *c, struct cms_message *m)
{
	read_version(c, 0, "the version of AuthenticatedData is not 0");
	read_recipient(c, &m->recipient);
	read_plain_alg(c, DER_SEQUENCE, CMS_OID_HMAC_SHA256,
		       "the MAC algorithm is not HMAC-SHA-256");
	if (!der_at(c, DER_CONTEXT_CONS | 1))
		der_fail(c, -EBADMSG, "AuthenticatedData without a digest is not accepted");
	read_plain_alg(c, DER_CONTEXT_CONS | 1, CMS_OID_SHA256,
		       "the digest algorithm is not SHA-256");
	read_content(c, m);
	read_attrs(c, m);
	m->mac = der_get(c, DER_OCTET_STRING, "the MAC is missing");
	der_leave(c, "there is something behind the MAC");

	if (m->mac.len != CMS_MAC_LEN)
		der_fail(c, -EBADMSG, "the MAC has the wrong length");
	if (m->recipient.wrapped.len != CMS_MAC_LEN + CMS_WRAP_OVERHEAD)
		der_fail(c, -EBADMSG, "the MAC's key has the wrong length");
}

static const struct {
	enum cms_oid type;
	void (*read)(struct der_cursor *c, struct cms_message *m);
} readers[] = {
	{ CMS_OID_AUTH_ENVELOPED_DATA, read_auth_enveloped },
	{ CMS_OID_AUTHENTICATED_DATA, read_authenticated },
};

int cms_read(struct cms_message *m, struct mikey_blob buf, struct mikey_diag *d)
{
	struct der_cursor top, info, wrapper, content;
	struct der_reader r;
	enum cms_oid type;
	size_t i;

	memset(m, 0, sizeof(*m));
	top = der_read(&r, buf, d);
	info = der_enter(&top, DER_SEQUENCE, "this is not a CMS object");
	der_leave(&top, "there is something behind the CMS object");
	type = cms_oid_find(der_get(&info, DER_OID, "the CMS object has no content type"));
	wrapper = der_enter(&info, DER_CONTEXT_CONS | 0, "the CMS object is empty");
	der_leave(&info, "there is something behind the CMS object's content");
	content = der_enter(&wrapper, DER_SEQUENCE, "the CMS object is empty");
	der_leave(&wrapper, "there is something behind the CMS object's content");
	if (r.err)
		return r.err;

	for (i = 0; i < ARRAY_SIZE(readers); i++) {
		if (readers[i].type != type)
			continue;
		readers[i].read(&content, m);
		return r.err;
	}
	/* whoever is on the way can change it, and learn from what becomes of it */
	if (type == CMS_OID_ENVELOPED_DATA)
		der_fail(&info, -EPROTONOSUPPORT,
			 "EnvelopedData without AuthenticatedData around it is not accepted");
	der_fail(&info, -EPROTONOSUPPORT, "the CMS content type is not supported");
	return r.err;
}
