// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * OpenSSL as the other side: it opens an AuthEnvelopedData, and the
 * EnvelopedData in an AuthenticatedData, that cms_write() laid out, and
 * cms_read() takes apart what it makes. It has CMS neither with CCM nor with
 * an AuthenticatedData.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka wants the above */
#include <cmocka.h>

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/evp.h>

#include "kmod/mime/cms.h"
#include "kmod/mime/padding.h"

static const u8 spi[8] = { 0x32, 0xb5, 0xcb, 0x14, 0x71, 0xe9, 0x57, 0xe1 };
static const u8 kek[32] = "a key encryption key, 32 bytes..";
static const u8 cek[32] = "a content encryption key, 32 ...";
static const u8 nonce[12] = "twelve bytes";

/* RFC 3394 by OpenSSL's EVP */
static void wrap(u8 *out, const u8 *key_kek, u32 kek_len, const u8 *key, u32 len)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;

	assert_non_null(ctx);
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	assert_int_equal(EVP_EncryptInit_ex(ctx, kek_len == 32 ? EVP_aes_256_wrap() :
					    EVP_aes_128_wrap(), NULL, key_kek, NULL), 1);
	assert_int_equal(EVP_EncryptUpdate(ctx, out, &n, key, len), 1);
	assert_int_equal(n, len + 8);
	EVP_CIPHER_CTX_free(ctx);
}

static bool unwrap(u8 *out, const u8 *key_kek, u32 kek_len, struct mikey_blob wrapped)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	bool ok;
	int n;

	assert_non_null(ctx);
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	ok = EVP_DecryptInit_ex(ctx, kek_len == 32 ? EVP_aes_256_wrap() : EVP_aes_128_wrap(),
				NULL, key_kek, NULL) == 1 &&
	     EVP_DecryptUpdate(ctx, out, &n, wrapped.p, wrapped.len) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

static const EVP_CIPHER *gcm(u32 key_len)
{
	return key_len == 32 ? EVP_aes_256_gcm() : EVP_aes_128_gcm();
}

static void seal(const struct cms_layout *l, const u8 *key)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;

	assert_non_null(ctx);
	assert_int_equal(EVP_EncryptInit_ex(ctx, gcm(l->cipher->key_len), NULL, key,
					    l->nonce.p), 1);
	assert_int_equal(EVP_EncryptUpdate(ctx, l->content, &n, l->content, l->content_len), 1);
	assert_int_equal(EVP_EncryptFinal_ex(ctx, l->content + n, &n), 1);
	assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, l->mac_len, l->mac), 1);
	EVP_CIPHER_CTX_free(ctx);
}

static bool open_aead(const struct cms_message *m, const u8 *key, u8 *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	bool ok;
	int n;

	assert_non_null(ctx);
	ok = EVP_DecryptInit_ex(ctx, gcm(m->cipher->key_len), NULL, key, m->nonce.p) == 1 &&
	     EVP_DecryptUpdate(ctx, out, &n, m->content.p, m->content.len) == 1 &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, m->mac.len,
				 (void *)m->mac.p) == 1 &&
	     EVP_DecryptFinal_ex(ctx, out + n, &n) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

static void assert_openssl_opens(struct mikey_blob object, u32 key_len, const u8 *plain,
				 u32 content_len)
{
	const u8 *p = object.p;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p, object.len);
	BIO *out = BIO_new(BIO_s_mem());
	char *got;

	assert_non_null(cms);
	assert_ptr_equal(p, object.p + object.len);
	assert_int_equal(CMS_decrypt_set1_key(cms, (u8 *)kek, key_len, (u8 *)spi, sizeof(spi)), 1);
	assert_int_equal(CMS_decrypt(cms, NULL, NULL, NULL, out, CMS_BINARY), 1);
	assert_int_equal(BIO_get_mem_data(out, &got), content_len);
	assert_memory_equal(got, plain, content_len);
	BIO_free(out);
	CMS_ContentInfo_free(cms);
}

/* @cms is used up. Return: its DER, to be freed with OPENSSL_free(). */
static struct mikey_blob openssl_seals(CMS_ContentInfo *cms, u32 key_len, const u8 *plain,
				       u32 content_len)
{
	BIO *in = BIO_new_mem_buf(plain, content_len);
	u8 *der = NULL;
	int len;

	assert_non_null(cms);
	/* the library keeps key and identifier */
	assert_non_null(CMS_add0_recipient_key(cms, NID_undef, OPENSSL_memdup(kek, key_len),
					       key_len, OPENSSL_memdup(spi, sizeof(spi)),
					       sizeof(spi), NULL, NULL, NULL));
	assert_int_equal(CMS_set_detached(cms, 0), 1);
	assert_int_equal(CMS_final(cms, in, NULL, CMS_BINARY), 1);
	len = i2d_CMS_ContentInfo(cms, &der);
	assert_true(len > 0);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	return (struct mikey_blob){ der, len };
}

static void openssl_opens_ours(u32 key_len, u32 content_len)
{
	u32 size = content_len + MIKEY_MIME_CMS_OVERHEAD;
	u8 *buf = malloc(size), *plain = malloc(content_len);
	struct cms_layout l = {
		.form = MIKEY_FORM_AUTH_ENVELOPED,
		.kek_id = { spi, sizeof(spi) },
		.kek_len = key_len,
		.content_len = content_len,
		.cipher = cms_cipher_find(MIKEY_FORM_AUTH_ENVELOPED, MIKEY_CONTENT_AES_GCM,
					  key_len),
		.nonce = { nonce, sizeof(nonce) },
	};

	assert_non_null(buf);
	assert_non_null(plain);
	for (u32 i = 0; i < content_len; i++)
		plain[i] = i * 31;
	assert_int_equal(cms_write(&l, buf, size), 0);
	memcpy(l.content, plain, content_len);
	wrap(l.wrapped, kek, key_len, cek, key_len);
	seal(&l, cek);

	assert_openssl_opens(l.object, key_len, plain, content_len);
	free(buf);
	free(plain);
}

static void we_open_openssls(u32 key_len, u32 content_len)
{
	u8 *plain = malloc(content_len), *got = malloc(content_len);
	struct mikey_diag d = { 0 };
	struct mikey_blob der;
	struct cms_message m;
	u8 key[32];

	assert_non_null(plain);
	assert_non_null(got);
	for (u32 i = 0; i < content_len; i++)
		plain[i] = i * 17;
	der = openssl_seals(CMS_AuthEnvelopedData_create(gcm(key_len)), key_len, plain,
			    content_len);

	if (cms_read(&m, der, &d))
		fail_msg("%s at %u", d.why, d.offset);
	assert_int_equal(m.form, MIKEY_FORM_AUTH_ENVELOPED);
	assert_true(mikey_blob_eq(m.recipient.kek_id, (struct mikey_blob){ spi, sizeof(spi) }));
	assert_true(unwrap(key, kek, key_len, m.recipient.wrapped));
	assert_int_equal(m.content.len, content_len);
	assert_true(open_aead(&m, key, got));
	assert_memory_equal(got, plain, content_len);

	OPENSSL_free((void *)der.p);
	free(plain);
	free(got);
}

static const EVP_CIPHER *cbc(u32 key_len)
{
	return key_len == 32 ? EVP_aes_256_cbc() : EVP_aes_128_cbc();
}

static void crypt_cbc(u32 key_len, const u8 *key, const u8 *iv, u8 *out, const u8 *in, u32 len,
		      int enc)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;

	assert_non_null(ctx);
	assert_int_equal(EVP_CipherInit_ex(ctx, cbc(key_len), NULL, key, iv, enc), 1);
	EVP_CIPHER_CTX_set_padding(ctx, 0);
	assert_int_equal(EVP_CipherUpdate(ctx, out, &n, in, len), 1);
	assert_int_equal(n, len);
	EVP_CIPHER_CTX_free(ctx);
}

static struct cms_layout enveloped_layout(u32 key_len, u32 content_len)
{
	static const u8 iv[16] = "sixteen bytes ..";

	return (struct cms_layout){
		.form = MIKEY_FORM_AUTHENTICATED_ENVELOPED,
		.kek_id = { spi, sizeof(spi) },
		.kek_len = key_len,
		.content_len = content_len,
		.cipher = cms_cipher_find(MIKEY_FORM_AUTHENTICATED_ENVELOPED,
					  MIKEY_CONTENT_AES_CBC, key_len),
		.nonce = { iv, sizeof(iv) },
	};
}

/* OpenSSL wants the inner object as one of its own. */
static void openssl_opens_our_inner(u32 key_len, u32 content_len)
{
	u32 size = content_len + MIKEY_MIME_CMS_OVERHEAD, end;
	u8 *buf = malloc(size), *plain = malloc(content_len), *alone = malloc(size);
	struct cms_layout l = enveloped_layout(key_len, content_len);
	struct der_writer w;

	assert_non_null(buf);
	assert_non_null(plain);
	assert_non_null(alone);
	for (u32 i = 0; i < content_len; i++)
		plain[i] = i * 31;
	assert_int_equal(cms_write(&l, buf, size), 0);
	memcpy(l.content, plain, content_len);
	cms_padding_put(l.content, content_len);
	crypt_cbc(key_len, cek, l.nonce.p, l.content, l.content, l.content_room, 1);
	wrap(l.inner_wrapped, kek, key_len, cek, key_len);

	der_write(&w, alone, size);
	end = w.start;
	der_put(&w, l.e_content);
	der_put_header(&w, DER_CONTEXT_CONS | 0, end);
	der_put_oid(&w, cms_oid_bytes(CMS_OID_ENVELOPED_DATA));
	der_put_header(&w, DER_SEQUENCE, end);
	assert_false(w.overflow);
	assert_openssl_opens((struct mikey_blob){ alone + w.start, end - w.start }, key_len, plain,
			     content_len);
	free(alone);
	free(buf);
	free(plain);
}

/* Theirs, without its ContentInfo, takes the place of ours to the byte. */
static void we_open_openssls_inner(u32 key_len, u32 content_len)
{
	u32 size = content_len + MIKEY_MIME_CMS_OVERHEAD;
	u8 *buf = calloc(1, size), *plain = malloc(content_len);
	struct cms_layout l = enveloped_layout(key_len, content_len);
	struct mikey_diag d = { 0 };
	struct mikey_blob der;
	struct cms_message m;
	u8 key[32], *got;

	assert_non_null(buf);
	assert_non_null(plain);
	for (u32 i = 0; i < content_len; i++)
		plain[i] = i * 17;
	der = openssl_seals(CMS_EnvelopedData_create(cbc(key_len)), key_len, plain, content_len);
	assert_int_equal(cms_write(&l, buf, size), 0);
	assert_true(der.len > l.e_content.len);
	memcpy((u8 *)l.e_content.p, der.p + der.len - l.e_content.len, l.e_content.len);

	if (cms_read(&m, l.object, &d))
		fail_msg("%s at %u", d.why, d.offset);
	assert_int_equal(m.form, MIKEY_FORM_AUTHENTICATED_ENVELOPED);
	assert_true(mikey_blob_eq(m.inner.kek_id, (struct mikey_blob){ spi, sizeof(spi) }));
	assert_int_equal(m.inner.kek_len, key_len);
	assert_true(unwrap(key, kek, key_len, m.inner.wrapped));
	got = malloc(m.content.len);
	assert_non_null(got);
	crypt_cbc(key_len, key, m.nonce.p, got, m.content.p, m.content.len, 0);
	assert_int_equal(m.content.len - cms_padding_len(got, m.content.len), content_len);
	assert_memory_equal(got, plain, content_len);
	/* and the key is not the other KEK's */
	if (key_len == 32)
		assert_false(unwrap(key, cek, key_len, m.inner.wrapped));

	OPENSSL_free((void *)der.p);
	free(got);
	free(buf);
	free(plain);
}

static const u32 sizes[] = { 1, 15, 16, 17, 64, 127, 128, 1300, 65535, 65536, 262144 };

static void ours(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		openssl_opens_ours(32, sizes[i]);
		openssl_opens_ours(16, sizes[i]);
		openssl_opens_our_inner(32, sizes[i]);
		openssl_opens_our_inner(16, sizes[i]);
	}
}

static void theirs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		we_open_openssls(32, sizes[i]);
		we_open_openssls(16, sizes[i]);
		we_open_openssls_inner(32, sizes[i]);
		we_open_openssls_inner(16, sizes[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ours),
		cmocka_unit_test(theirs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
