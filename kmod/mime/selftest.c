// SPDX-License-Identifier: GPL-2.0
/*
 * Self tests of the cryptography, run when a debug build is loaded: RFC
 * 3394's vectors, one of GCM's, each cipher over scattered pages, and the CMS
 * objects of tests/vectors, opened and made again byte for byte.
 */
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "aead.h"
#include "cbc.h"
#include "form.h"
#include "keywrap.h"
#include "selftest.h"
#include "vectors.h"

#define FAIL(fmt, ...) \
	({ pr_err("mikey_mime: self test failed: " fmt "\n", ##__VA_ARGS__); -EIO; })

/* RFC 3394 section 4: KEK 00 01 ..., key 00 11 22 ... (4.6 goes on 00 01 ...) */
static const struct {
	const char *name;
	u8 kek_len;
	u8 key_len;
	u8 wrapped[40];
} wraps[] = {
	{ "RFC 3394 4.1", 16, 16, {
		0x1f, 0xa6, 0x8b, 0x0a, 0x81, 0x12, 0xb4, 0x47,
		0xae, 0xf3, 0x4b, 0xd8, 0xfb, 0x5a, 0x7b, 0x82,
		0x9d, 0x3e, 0x86, 0x23, 0x71, 0xd2, 0xcf, 0xe5,
	} },
	{ "RFC 3394 4.3", 32, 16, {
		0x64, 0xe8, 0xc3, 0xf9, 0xce, 0x0f, 0x5b, 0xa2,
		0x63, 0xe9, 0x77, 0x79, 0x05, 0x81, 0x8a, 0x2a,
		0x93, 0xc8, 0x19, 0x1e, 0x7d, 0x6e, 0x8a, 0xe7,
	} },
	{ "RFC 3394 4.6", 32, 32, {
		0x28, 0xc9, 0xf4, 0x04, 0xc4, 0xb8, 0x10, 0xf4,
		0xcb, 0xcc, 0xb3, 0x5c, 0xfb, 0x87, 0xf8, 0x26,
		0x3f, 0x57, 0x86, 0xe2, 0xd8, 0x0e, 0xd3, 0x26,
		0xcb, 0xc7, 0xf0, 0xe7, 0x1a, 0x99, 0xf4, 0x3b,
		0xfb, 0x98, 0x8b, 0x9b, 0x7a, 0x02, 0xdd, 0x21,
	} },
};

static int test_wrap(void)
{
	u8 kek[32], key[32], wrapped[40], unwrapped[32];
	unsigned int i, j;

	for (i = 0; i < sizeof(kek); i++) {
		kek[i] = i;
		key[i] = i < 16 ? i * 0x11 : i - 16;
	}
	for (i = 0; i < ARRAY_SIZE(wraps); i++) {
		const u32 key_len = wraps[i].key_len;
		const u32 len = key_len + CMS_WRAP_OVERHEAD;

		if (mime_key_wrap(kek, wraps[i].kek_len, key, key_len, wrapped) ||
		    memcmp(wrapped, wraps[i].wrapped, len))
			return FAIL("%s, wrap", wraps[i].name);
		if (mime_key_unwrap(kek, wraps[i].kek_len, wrapped, len, unwrapped) ||
		    memcmp(unwrapped, key, key_len))
			return FAIL("%s, unwrap", wraps[i].name);
		for (j = 0; j < 8 * len; j++) {
			wrapped[j / 8] ^= 1 << j % 8;
			if (mime_key_unwrap(kek, wraps[i].kek_len, wrapped, len,
					    unwrapped) != -EBADMSG)
				return FAIL("%s, bit %u flipped", wraps[i].name, j);
			wrapped[j / 8] ^= 1 << j % 8;
		}
	}
	return 0;
}

/* Test case 14 of McGrew and Viega's GCM: everything zero */
static int test_gcm_known(u8 *buf)
{
	static const u8 expected[] = {
		0xce, 0xa7, 0x40, 0x3d, 0x4d, 0x60, 0x6b, 0x6e,
		0x07, 0x4e, 0xc5, 0xd3, 0xba, 0xf3, 0x9d, 0x18,
		0xd0, 0xd1, 0xc8, 0xa7, 0x99, 0x99, 0x6b, 0xf0,
		0x26, 0x5b, 0x98, 0xb5, 0xd4, 0x8a, 0xb9, 0x19,
	};
	static const u8 zero[32];
	const struct mime_aead a = {
		.cipher = cms_cipher_find(MIKEY_FORM_AUTH_ENVELOPED, MIKEY_CONTENT_AES_GCM, 32),
		.key = zero,
		.nonce = { zero, 12 },
		.data = buf,
		.len = 16,
		.icv = buf + 16,
		.icv_len = 16,
	};

	memset(buf, 0, 16);
	if (mime_aead_encrypt(&a) || memcmp(buf, expected, sizeof(expected)))
		return FAIL("GCM test case 14");
	return 0;
}

/*
 * The same text in linear memory and in pages of vmalloc()'s, the ICV across
 * a page boundary: a scatterlist that took pages for contiguous differs.
 */
static int test_aead_pages(const struct cms_cipher *cipher, u8 *linear, u8 *paged, u32 len)
{
	static const u8 zero[32];
	struct mime_aead a = {
		.cipher = cipher,
		.key = zero,
		.nonce = { zero, cipher->nonce_sent },
		.data = linear,
		.len = len,
		.icv = linear + len,
		.icv_len = 16,
	};
	u32 i;

	for (i = 0; i < len; i++)
		linear[i] = i * 7;
	memcpy(paged, linear, len);
	if (mime_aead_encrypt(&a))
		return FAIL("cipher %u over linear memory", cipher->alg);
	a.data = paged;
	a.icv = paged + len;
	if (mime_aead_encrypt(&a) || memcmp(linear, paged, len + 16))
		return FAIL("cipher %u over pages differs from linear memory", cipher->alg);
	if (mime_aead_decrypt(&a))
		return FAIL("cipher %u over pages does not open", cipher->alg);
	for (i = 0; i < len; i++)
		if (paged[i] != (u8)(i * 7))
			return FAIL("cipher %u over pages opens to something else", cipher->alg);
	a.data = linear;
	a.icv = linear + len;
	linear[len / 2] ^= 1;
	if (mime_aead_decrypt(&a) != -EBADMSG)
		return FAIL("cipher %u opens a flipped bit", cipher->alg);
	return 0;
}

static int test_cbc_pages(u8 *linear, u8 *paged, u32 len)
{
	static const u8 zero[32];
	struct mime_cbc c = {
		.key = zero,
		.key_len = 32,
		.iv = zero,
		.data = linear,
		.len = len,
	};
	u32 i;

	for (i = 0; i < len; i++)
		linear[i] = i * 7;
	memcpy(paged, linear, len);
	if (mime_cbc_encrypt(&c))
		return FAIL("CBC over linear memory");
	c.data = paged;
	if (mime_cbc_encrypt(&c) || memcmp(linear, paged, len))
		return FAIL("CBC over pages differs from linear memory");
	if (mime_cbc_decrypt(&c))
		return FAIL("CBC over pages does not decrypt");
	for (i = 0; i < len; i++)
		if (paged[i] != (u8)(i * 7))
			return FAIL("CBC over pages decrypts to something else");
	c.len = len - 1;
	if (mime_cbc_decrypt(&c) != -EINVAL)
		return FAIL("CBC takes a part of a block");
	return 0;
}

static int test_pages(u8 *linear, u8 *paged, u32 len)
{
	static const u32 algs[] = { MIKEY_CONTENT_AES_GCM, MIKEY_CONTENT_AES_CCM };
	unsigned int i;
	u32 key_len;
	int err;

	for (i = 0; i < ARRAY_SIZE(algs); i++) {
		for (key_len = 16; key_len <= 32; key_len += 16) {
			err = test_aead_pages(cms_cipher_find(MIKEY_FORM_AUTH_ENVELOPED, algs[i],
							      key_len),
					      linear, paged, len);
			if (err)
				return err;
		}
	}
	return test_cbc_pages(linear, paged, round_down(len, CMS_BLOCK_LEN));
}

static int test_ciphers(void)
{
	const u32 len = 5 * PAGE_SIZE;
	u8 *linear = kmalloc(len, GFP_KERNEL);
	u8 *paged = vmalloc(len);
	int err = -ENOMEM;

	if (linear && paged) {
		err = test_gcm_known(linear);
		if (!err)
			err = test_pages(linear, paged + 100, 4 * PAGE_SIZE - 108);
	}
	kfree(linear);
	vfree(paged);
	return err;
}

/*
 * One object of an exchange
 *
 * @session: the exchange's KEKs
 */
struct cms_vector {
	const char *name;
	u32 form;
	u32 alg;
	const struct vector_bytes *object;
	const struct vector_bytes *entity;
	const struct mikey_session *session;
};

/* What is random in @m, of which only the wrapped keys are known yet */
static int unwrap_fresh(const struct cms_vector *v, const struct cms_message *m,
			struct mime_fresh *fresh)
{
	const struct mikey_session *s = v->session;
	const u8 *kek = v->form == MIKEY_FORM_AUTH_ENVELOPED ? s->kek_tek : s->kek_auth;

	if (mime_key_unwrap(kek, m->recipient.kek_len, m->recipient.wrapped.p,
			    m->recipient.wrapped.len, fresh->key))
		return FAIL("%s, key", v->name);
	if (m->inner.kek_len &&
	    mime_key_unwrap(s->kek_encr, m->inner.kek_len, m->inner.wrapped.p,
			    m->inner.wrapped.len, fresh->inner_key))
		return FAIL("%s, inner key", v->name);
	return 0;
}

/* The same object again, from what @m says and the content key */
static noinline_for_stack
int remake(const struct cms_vector *v, const struct cms_message *m, u8 *again, u32 size)
{
	struct mime_fresh fresh = {};
	struct cms_layout l = {
		.form = v->form,
		.kek_id = m->recipient.kek_id,
		.kek_len = m->recipient.kek_len,
		.content_len = v->entity->len,
		.cipher = m->cipher,
		.nonce = m->nonce,
	};
	int err;

	err = unwrap_fresh(v, m, &fresh);
	if (err)
		return err;
	if (cms_write(&l, again, size))
		return FAIL("%s, layout", v->name);
	memcpy(l.content, v->entity->p, v->entity->len);
	if (mime_form_find(v->form)->seal(&l, v->session, &fresh))
		return FAIL("%s, seal", v->name);
	if (l.object.len != v->object->len ||
	    memcmp(l.object.p, v->object->p, v->object->len))
		return FAIL("%s, made again, differs", v->name);
	return 0;
}

/* Each KEK of the form, changed in one bit, must matter; no other may. */
static noinline_for_stack
int test_keks(const struct cms_vector *v, u8 *buf)
{
	struct mikey_session s;
	u8 *const keks[] = { s.kek_tek, s.kek_auth, s.kek_encr };
	static const bool used[][ARRAY_SIZE(keks)] = {
		[MIKEY_FORM_AUTH_ENVELOPED] = { true, false, false },
		[MIKEY_FORM_AUTHENTICATED] = { false, true, false },
		[MIKEY_FORM_AUTHENTICATED_ENVELOPED] = { false, true, true },
	};
	struct cms_message m;
	struct mikey_diag d;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(keks); i++) {
		s = *v->session;
		keks[i][0] ^= 1;
		memcpy(buf, v->object->p, v->object->len);
		if (cms_read(&m, (struct mikey_blob){ buf, v->object->len }, &d))
			return FAIL("%s: %s", v->name, d.why);
		if (mime_form_find(v->form)->open(&m, &s) != (used[v->form][i] ? -EBADMSG : 0))
			return FAIL("%s, KEK %u", v->name, i);
	}
	return 0;
}

static int test_cms(const struct cms_vector *v, u8 *buf, u8 *again, u32 size)
{
	struct cms_message m;
	struct mikey_diag d;
	int err;

	memcpy(buf, v->object->p, v->object->len);
	if (cms_read(&m, (struct mikey_blob){ buf, v->object->len }, &d))
		return FAIL("%s: %s", v->name, d.why);
	if (m.form != v->form || (m.cipher ? m.cipher->alg : 0) != v->alg)
		return FAIL("%s, form", v->name);
	err = remake(v, &m, again, size);
	if (err)
		return err;
	if (mime_form_find(v->form)->open(&m, v->session))
		return FAIL("%s does not open", v->name);
	if (m.content.len != v->entity->len ||
	    memcmp(m.content.p, v->entity->p, v->entity->len))
		return FAIL("%s opens to something else", v->name);
	return test_keks(v, buf);
}

static int test_exchange(const struct vector_exchange *x, u8 *buf, u8 *again, u32 size)
{
	struct mikey_session s = {};
	const struct cms_vector rows[] = {
		{ "AuthEnvelopedData, GCM", MIKEY_FORM_AUTH_ENVELOPED, MIKEY_CONTENT_AES_GCM,
		  &x->cms.auth_enveloped_gcm, &x->inputs.mime, &s },
		{ "AuthEnvelopedData, CCM", MIKEY_FORM_AUTH_ENVELOPED, MIKEY_CONTENT_AES_CCM,
		  &x->cms.auth_enveloped_ccm, &x->inputs.mime, &s },
		{ "AuthenticatedData", MIKEY_FORM_AUTHENTICATED, 0,
		  &x->cms.authenticated, &x->inputs.mime, &s },
		{ "AuthenticatedData over EnvelopedData", MIKEY_FORM_AUTHENTICATED_ENVELOPED,
		  MIKEY_CONTENT_AES_CBC,
		  &x->cms.authenticated_enveloped, &x->inputs.mime, &s },
	};
	unsigned int i;
	int err = 0;

	memcpy(s.kek_tek, x->derived.kek.tek.p, x->derived.kek.tek.len);
	memcpy(s.kek_auth, x->derived.kek.auth.p, x->derived.kek.auth.len);
	memcpy(s.kek_encr, x->derived.kek.encr.p, x->derived.kek.encr.len);
	for (i = 0; !err && i < ARRAY_SIZE(rows); i++)
		err = test_cms(&rows[i], buf, again, size);
	return err;
}

static int test_vectors(void)
{
	const u32 size = 2048;
	u8 *buf = kmalloc(size, GFP_KERNEL);
	u8 *again = kmalloc(size, GFP_KERNEL);
	int err = buf && again ? 0 : -ENOMEM;
	unsigned int i;

	for (i = 0; !err && i < VECTOR_EXCHANGE_NUM; i++)
		err = test_exchange(&vector_exchange[i], buf, again, size);
	kfree(buf);
	kfree(again);
	return err;
}

int mime_selftest(void)
{
	int err;

	err = test_wrap();
	if (!err)
		err = test_ciphers();
	if (!err)
		err = test_vectors();
	if (!err)
		pr_info("mikey_mime: self tests passed\n");
	return err;
}
