// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * OpenSSL as the other side: it opens an AuthEnvelopedData that cms_write()
 * laid out, and cms_read() takes apart what it makes.
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

static void openssl_opens_ours(u32 key_len, u32 content_len)
{
	u32 size = content_len + MIKEY_MIME_CMS_OVERHEAD;
	u8 *buf = malloc(size), *plain = malloc(content_len);
	struct cms_layout l = {
		.form = MIKEY_FORM_AUTH_ENVELOPED,
		.kek_id = { spi, sizeof(spi) },
		.kek_len = key_len,
		.content_len = content_len,
		.cipher = cms_cipher_find(MIKEY_CONTENT_AES_GCM, key_len),
		.nonce = { nonce, sizeof(nonce) },
	};
	CMS_ContentInfo *cms;
	const u8 *p;
	BIO *out;
	char *got;

	assert_non_null(buf);
	assert_non_null(plain);
	for (u32 i = 0; i < content_len; i++)
		plain[i] = i * 31;
	assert_int_equal(cms_write(&l, buf, size), 0);
	memcpy(l.content, plain, content_len);
	wrap(l.wrapped, kek, key_len, cek, key_len);
	seal(&l, cek);

	p = l.object.p;
	cms = d2i_CMS_ContentInfo(NULL, &p, l.object.len);
	assert_non_null(cms);
	assert_ptr_equal(p, l.object.p + l.object.len);
	out = BIO_new(BIO_s_mem());
	assert_int_equal(CMS_decrypt_set1_key(cms, (u8 *)kek, key_len, (u8 *)spi, sizeof(spi)), 1);
	assert_int_equal(CMS_decrypt(cms, NULL, NULL, NULL, out, CMS_BINARY), 1);
	assert_int_equal(BIO_get_mem_data(out, &got), content_len);
	assert_memory_equal(got, plain, content_len);

	BIO_free(out);
	CMS_ContentInfo_free(cms);
	free(buf);
	free(plain);
}

static void we_open_openssls(u32 key_len, u32 content_len)
{
	u8 *plain = malloc(content_len), *got = malloc(content_len), *der = NULL;
	struct mikey_diag d = { 0 };
	CMS_ContentInfo *cms;
	struct cms_message m;
	u8 key[32];
	BIO *in;
	int len;

	assert_non_null(plain);
	assert_non_null(got);
	for (u32 i = 0; i < content_len; i++)
		plain[i] = i * 17;
	in = BIO_new_mem_buf(plain, content_len);
	cms = CMS_AuthEnvelopedData_create(gcm(key_len));
	assert_non_null(cms);
	/* the library keeps key and identifier */
	assert_non_null(CMS_add0_recipient_key(cms, NID_undef, OPENSSL_memdup(kek, key_len),
					       key_len, OPENSSL_memdup(spi, sizeof(spi)),
					       sizeof(spi), NULL, NULL, NULL));
	assert_int_equal(CMS_set_detached(cms, 0), 1);
	assert_int_equal(CMS_final(cms, in, NULL, CMS_BINARY), 1);
	len = i2d_CMS_ContentInfo(cms, &der);
	assert_true(len > 0);

	if (cms_read(&m, (struct mikey_blob){ der, len }, &d))
		fail_msg("%s at %u", d.why, d.offset);
	assert_int_equal(m.form, MIKEY_FORM_AUTH_ENVELOPED);
	assert_true(mikey_blob_eq(m.kek_id, (struct mikey_blob){ spi, sizeof(spi) }));
	assert_true(unwrap(key, kek, key_len, m.wrapped));
	assert_int_equal(m.content.len, content_len);
	assert_true(open_aead(&m, key, got));
	assert_memory_equal(got, plain, content_len);

	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	free(plain);
	free(got);
}

static const u32 sizes[] = { 1, 64, 127, 128, 1300, 65535, 65536, 262144 };

static void ours(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		openssl_opens_ours(32, sizes[i]);
		openssl_opens_ours(16, sizes[i]);
	}
}

static void theirs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		we_open_openssls(32, sizes[i]);
		we_open_openssls(16, sizes[i]);
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
