/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cryptographic Message Syntax (RFC 5652, RFC 5083), structure only: the
 * reader yields blobs and algorithms, the writer leaves room for what the
 * cryptography fills in. No allocation, no keys; built for the kernel and
 * for userspace tests and fuzzers alike.
 *
 * Only what TS 33.328 Annex D uses of it: one ContentInfo in DER, one
 * KEKRecipientInfo for each key, and in the end content of type id-data.
 */
#ifndef MIKEY_MIME_CMS_H
#define MIKEY_MIME_CMS_H

#include "../../uapi/mikey_mime.h"
#include "cms_oid.h"
#include "der.h"

#define CMS_DIGEST_LEN 32U		/* SHA-256 */
#define CMS_MAC_LEN 32U			/* HMAC-SHA-256 and its keys */
#define CMS_WRAP_OVERHEAD 8U		/* RFC 3394 */
#define CMS_ICV_DEFAULT 12U		/* RFC 5084 3.1, 3.2 */
#define CMS_ICV_MAX 16U			/* also the length that is sent */
#define CMS_BLOCK_LEN 16U		/* AES; also the IV of its CBC mode */
#define CMS_NONCE_MAX CMS_BLOCK_LEN

/**
 * struct cms_cipher - a content encryption algorithm of one key size
 * @form: enum mikey_mime_form of the objects that it encrypts
 * @alg: enum mikey_mime_content_alg
 * @key_len: of the content encryption key in bytes
 * @nonce_min: shortest nonce or IV that is read
 * @nonce_max: longest nonce or IV that is read
 * @nonce_sent: length of the nonce or IV that is sent
 * @icv_lens: mask of 1 << length of the ICVs that are read; 0 without any
 * @counter_room: octets that nonce and length of the content share, 0 where
 *	the length has no such limit
 */
struct cms_cipher {
	enum cms_oid oid;
	u32 form;
	u32 alg;
	u8 key_len;
	u8 nonce_min;
	u8 nonce_max;
	u8 nonce_sent;
	u32 icv_lens;
	u8 counter_room;
};

/* NULL where the form has none of that name, or of that kind and key size. */
const struct cms_cipher *cms_cipher_by_oid(u32 form, enum cms_oid oid);
const struct cms_cipher *cms_cipher_find(u32 form, u32 alg, u32 key_len);

/* Mask of 1 << alg of all ciphers in the table. */
u32 cms_cipher_mask(void);

/* Can the cipher say this many bytes of content with a nonce of this length? */
bool cms_cipher_takes(const struct cms_cipher *cipher, u32 nonce_len, u32 len);

/* Length in bytes of the KEK of an AES key wrap algorithm, 0 for another. */
u32 cms_wrap_key_len(enum cms_oid oid);

/* The wrap algorithm for a KEK's length; CMS_OID_UNKNOWN where none is. */
enum cms_oid cms_wrap_find(u32 key_len);

/**
 * struct cms_recipient - a KEKRecipientInfo
 * @kek_id: keyIdentifier
 * @kek_len: key size of the wrap algorithm, in bytes
 * @wrapped: encryptedKey
 */
struct cms_recipient {
	struct mikey_blob kek_id;
	u32 kek_len;
	struct mikey_blob wrapped;
};

/**
 * struct cms_message - a ContentInfo taken apart; blobs lie in what was read
 * @form: enum mikey_mime_form
 * @recipient: of the object
 * @inner: AUTHENTICATED_ENVELOPED only: of the EnvelopedData in it
 * @content: the body, encrypted or not, at least one byte
 * @mac: ICV or MAC
 * @cipher: of the content; NULL for AUTHENTICATED
 * @nonce: nonce or IV; with @cipher only
 * @e_content: AUTHENTICATED*: eContent, which the digest is of
 * @attrs: AUTHENTICATED*: authAttrs from the identifier octet on, in the
 *	order of a DER SET OF; with its first octet replaced by DER_SET it is
 *	what the MAC covers (RFC 5652 9.2)
 * @digest: AUTHENTICATED*: value of message-digest
 * @content_type: AUTHENTICATED*: value of content-type
 * @e_content_type: AUTHENTICATED*: eContentType, which content-type must
 *	equal
 */
struct cms_message {
	u32 form;
	struct cms_recipient recipient;
	struct cms_recipient inner;
	struct mikey_blob content;
	struct mikey_blob mac;
	const struct cms_cipher *cipher;
	struct mikey_blob nonce;
	struct mikey_blob e_content;
	struct mikey_blob attrs;
	struct mikey_blob digest;
	struct mikey_blob content_type;
	struct mikey_blob e_content_type;
};

/**
 * cms_read() - take a ContentInfo apart
 * @m: filled in; contents undefined after an error
 * @buf: the object, kept by the caller while @m is used
 * @d: why not, after an error
 *
 * Everything that can be said without a key is checked here: strict DER,
 * versions, one recipient, algorithms and the lengths that go with them, the
 * presence of the attributes. One pass without recursion; the work is linear
 * in @buf's length.
 *
 * Return: 0; -EBADMSG for what is malformed or against the profile;
 * -EPROTONOSUPPORT for a content type or algorithm that is not known.
 */
int cms_read(struct cms_message *m, struct mikey_blob buf,
	     struct mikey_diag *d);

/**
 * struct cms_layout - a ContentInfo to be written, and its places
 * @form: enum mikey_mime_form
 * @kek_len: length of each KEK in bytes; selects the wrap algorithm
 * @kek_id: keyIdentifier
 * @cipher: one of @form's; NULL for AUTHENTICATED
 * @nonce: @cipher->nonce_sent bytes; with @cipher only
 * @content_len: length of the plain content
 * @wrapped_len: length of the wrapped content key
 * @wrapped: to be filled: that key
 * @inner_wrapped: to be filled: that of the EnvelopedData;
 *	AUTHENTICATED_ENVELOPED only
 * @object: the whole object
 * @content: to be filled: @content_room bytes
 * @e_content: what @digest is of; AUTHENTICATED* only
 * @attrs: AUTHENTICATED* only: as in struct cms_message
 * @digest: to be filled: SHA-256 of @e_content; AUTHENTICATED* only
 * @mac: to be filled: ICV or MAC
 * @content_room: @content_len, and with CBC the padding of 1 to 16 bytes
 * @mac_len: its length
 *
 * The writer sets what follows @content_len.
 */
struct cms_layout {
	u32 form;
	u32 kek_len;
	struct mikey_blob kek_id;
	const struct cms_cipher *cipher;
	struct mikey_blob nonce;
	u32 content_len;

	u32 wrapped_len;
	u8 *wrapped;
	u8 *inner_wrapped;
	struct mikey_blob object;
	u8 *content;
	struct mikey_blob e_content;
	struct mikey_blob attrs;
	u8 *digest;
	u8 *mac;
	u32 content_room;
	u32 mac_len;
};

/**
 * cms_write() - lay a ContentInfo out at the end of a buffer
 * @l: form, identifiers and lengths given; places returned
 * @buf: room for the object; it stands at the end of it
 * @size: @l->content_len and MIKEY_MIME_CMS_OVERHEAD always suffice for a
 *	@l->kek_id of at most 255 bytes
 *
 * Return: 0; -EMSGSIZE where it does not fit; -EPROTONOSUPPORT for a form or
 * a length of KEK that there is no writer for, or a cipher that is not the
 * form's.
 */
int cms_write(struct cms_layout *l, u8 *buf, u32 size);

#endif
