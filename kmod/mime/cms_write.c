// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writing CMS: the shape of an object around places that the cryptography
 * fills in. Written from the end, see der.h: read the functions from the
 * bottom up to see an object in its own order.
 */
#include "cms.h"

static void put_oid(struct der_writer *w, enum cms_oid oid)
{
	der_put_oid(w, cms_oid_bytes(oid));
}

static void put_alg(struct der_writer *w, u8 tag, enum cms_oid oid)
{
	u32 end = w->start;

	put_oid(w, oid);
	der_put_header(w, tag, end);
}

/* RFC 4231 3.1 wants NULL parameters with the HMACs. */
static void put_alg_null(struct der_writer *w, u8 tag, enum cms_oid oid)
{
	u32 end = w->start;

	der_put_header(w, DER_NULL, end);
	put_oid(w, oid);
	der_put_header(w, tag, end);
}

static u8 *put_octets(struct der_writer *w, u8 tag, u32 len)
{
	u32 end = w->start;
	u8 *room = der_put_room(w, len);

	der_put_header(w, tag, end);
	return room;
}

/*
 * RecipientInfos with one KEKRecipientInfo (RFC 5652 6.2.3). Return: where the
 * wrapped key of @len bytes goes.
 */
static u8 *put_recipient(struct der_writer *w, const struct cms_layout *l, u32 len)
{
	u32 end = w->start, id_end;
	u8 *wrapped;

	wrapped = put_octets(w, DER_OCTET_STRING, len);
	put_alg(w, DER_SEQUENCE, cms_wrap_find(l->kek_len));

	id_end = w->start;
	der_put(w, l->kek_id);
	der_put_header(w, DER_OCTET_STRING, id_end);
	der_put_header(w, DER_SEQUENCE, id_end);

	der_put_small(w, 4);
	der_put_header(w, DER_CONTEXT_CONS | 2, end);
	der_put_header(w, DER_SET, end);
	return wrapped;
}

/* ContentInfo around what stands up to @end (RFC 5652 section 3) */
static void put_content_info(struct der_writer *w, enum cms_oid type, u32 end)
{
	der_put_header(w, DER_SEQUENCE, end);
	der_put_header(w, DER_CONTEXT_CONS | 0, end);
	put_oid(w, type);
	der_put_header(w, DER_SEQUENCE, end);
}

/* AlgorithmIdentifier with GCMParameters or CCMParameters (RFC 5084 3) */
static void put_aead(struct der_writer *w, const struct cms_layout *l)
{
	u32 end = w->start, nonce_end;

	if (l->mac_len != CMS_ICV_DEFAULT)	/* absent in DER */
		der_put_small(w, l->mac_len);
	nonce_end = w->start;
	der_put(w, l->nonce);
	der_put_header(w, DER_OCTET_STRING, nonce_end);
	der_put_header(w, DER_SEQUENCE, end);
	put_oid(w, l->cipher->oid);
	der_put_header(w, DER_SEQUENCE, end);
}

/* AlgorithmIdentifier with an IV (RFC 3565 2.3.1) */
static void put_cbc(struct der_writer *w, const struct cms_layout *l)
{
	u32 end = w->start;

	der_put(w, l->nonce);
	der_put_header(w, DER_OCTET_STRING, end);
	put_oid(w, l->cipher->oid);
	der_put_header(w, DER_SEQUENCE, end);
}

/* EncryptedContentInfo (RFC 5652 6.1) */
static void put_encrypted(struct der_writer *w, struct cms_layout *l)
{
	u32 end = w->start;

	l->content = put_octets(w, DER_CONTEXT | 0, l->content_room);
	if (l->cipher->icv_lens)
		put_aead(w, l);
	else
		put_cbc(w, l);
	put_oid(w, CMS_OID_DATA);
	der_put_header(w, DER_SEQUENCE, end);
}

/* AuthEnvelopedData (RFC 5083 2.1) */
static void put_auth_enveloped(struct der_writer *w, struct cms_layout *l)
{
	u32 end = w->start;

	l->content_room = l->content_len;
	l->mac_len = CMS_ICV_MAX;
	l->mac = put_octets(w, DER_OCTET_STRING, l->mac_len);
	put_encrypted(w, l);
	l->wrapped_len = l->cipher->key_len + CMS_WRAP_OVERHEAD;
	l->wrapped = put_recipient(w, l, l->wrapped_len);
	der_put_small(w, 0);
	put_content_info(w, CMS_OID_AUTH_ENVELOPED_DATA, end);
}

/* Attribute of type @oid whose one value stands up to @end */
static void put_attr(struct der_writer *w, enum cms_oid oid, u32 end)
{
	der_put_header(w, DER_SET, end);
	put_oid(w, oid);
	der_put_header(w, DER_SEQUENCE, end);
}

/*
 * authAttrs in the order of a DER SET OF, which their lengths decide:
 * content-type, algorithm protection, message-digest.
 */
static void put_attrs(struct der_writer *w, struct cms_layout *l, enum cms_oid type)
{
	u32 end = w->start, value_end = w->start;

	l->digest = put_octets(w, DER_OCTET_STRING, CMS_DIGEST_LEN);
	put_attr(w, CMS_OID_ATTR_MESSAGE_DIGEST, value_end);

	value_end = w->start;
	put_alg_null(w, DER_CONTEXT_CONS | 2, CMS_OID_HMAC_SHA256);
	put_alg(w, DER_SEQUENCE, CMS_OID_SHA256);
	der_put_header(w, DER_SEQUENCE, value_end);
	put_attr(w, CMS_OID_ATTR_ALGORITHM_PROTECTION, value_end);

	value_end = w->start;
	put_oid(w, type);
	put_attr(w, CMS_OID_ATTR_CONTENT_TYPE, value_end);

	der_put_header(w, DER_CONTEXT_CONS | 2, end);
	l->attrs = (struct mikey_blob){ w->buf + w->start, end - w->start };
}

static void put_data(struct der_writer *w, struct cms_layout *l)
{
	l->content_room = l->content_len;
	l->content = der_put_room(w, l->content_len);
}

/* EnvelopedData (RFC 5652 6.1), its padding included (6.3) */
static void put_enveloped(struct der_writer *w, struct cms_layout *l)
{
	u32 end = w->start;

	l->content_room = l->content_len + CMS_BLOCK_LEN - l->content_len % CMS_BLOCK_LEN;
	put_encrypted(w, l);
	l->inner_wrapped = put_recipient(w, l, l->cipher->key_len + CMS_WRAP_OVERHEAD);
	der_put_small(w, 2);
	der_put_header(w, DER_SEQUENCE, end);
}

/* AuthenticatedData (RFC 5652 9.1) of what @put puts, which is of @type */
static void put_authenticated_type(struct der_writer *w, struct cms_layout *l,
				   enum cms_oid type,
				   void (*put)(struct der_writer *w, struct cms_layout *l))
{
	u32 end = w->start, info_end;

	l->mac_len = CMS_MAC_LEN;
	l->mac = put_octets(w, DER_OCTET_STRING, l->mac_len);
	put_attrs(w, l, type);

	info_end = w->start;
	put(w, l);
	l->e_content = (struct mikey_blob){ w->buf + w->start, info_end - w->start };
	der_put_header(w, DER_OCTET_STRING, info_end);
	der_put_header(w, DER_CONTEXT_CONS | 0, info_end);
	put_oid(w, type);
	der_put_header(w, DER_SEQUENCE, info_end);

	put_alg(w, DER_CONTEXT_CONS | 1, CMS_OID_SHA256);
	put_alg_null(w, DER_SEQUENCE, CMS_OID_HMAC_SHA256);
	l->wrapped_len = CMS_MAC_LEN + CMS_WRAP_OVERHEAD;
	l->wrapped = put_recipient(w, l, l->wrapped_len);
	der_put_small(w, 0);
	put_content_info(w, CMS_OID_AUTHENTICATED_DATA, end);
}

static void put_authenticated(struct der_writer *w, struct cms_layout *l)
{
	put_authenticated_type(w, l, CMS_OID_DATA, put_data);
}

static void put_authenticated_enveloped(struct der_writer *w, struct cms_layout *l)
{
	put_authenticated_type(w, l, CMS_OID_ENVELOPED_DATA, put_enveloped);
}

static const struct {
	u32 form;
	bool encrypts;
	void (*put)(struct der_writer *w, struct cms_layout *l);
} writers[] = {
	{ MIKEY_FORM_AUTH_ENVELOPED, true, put_auth_enveloped },
	{ MIKEY_FORM_AUTHENTICATED, false, put_authenticated },
	{ MIKEY_FORM_AUTHENTICATED_ENVELOPED, true, put_authenticated_enveloped },
};

int cms_write(struct cms_layout *l, u8 *buf, u32 size)
{
	struct der_writer w;
	size_t i;

	if (cms_wrap_find(l->kek_len) == CMS_OID_UNKNOWN)
		return -EPROTONOSUPPORT;
	for (i = 0; i < ARRAY_SIZE(writers); i++) {
		if (writers[i].form != l->form)
			continue;
		if (writers[i].encrypts && (!l->cipher || l->cipher->form != l->form))
			break;
		der_write(&w, buf, size);
		writers[i].put(&w, l);
		if (w.overflow)
			return -EMSGSIZE;
		l->object = (struct mikey_blob){ buf + w.start, size - w.start };
		return 0;
	}
	return -EPROTONOSUPPORT;
}
