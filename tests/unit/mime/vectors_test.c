// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The CMS objects of the vectors: every field is read as it was put in, and
 * the writer lays out the same bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka wants the above */
#include <cmocka.h>

#include "edit.h"
#include "kmod/mime/cms.h"
#include "vectors.h"

static struct mikey_blob blob(struct vector_bytes v)
{
	return (struct mikey_blob){ v.p, v.len };
}

static void assert_blob(struct mikey_blob got, struct mikey_blob want)
{
	assert_int_equal(got.len, want.len);
	assert_memory_equal(got.p, want.p, want.len);
}

static struct cms_message read_ok(struct mikey_blob object)
{
	struct mikey_diag d = { 0 };
	struct cms_message m;
	int err = cms_read(&m, object, &d);

	if (err)
		fail_msg("%d: %s at %u", err, d.why, d.offset);
	return m;
}

/* @content_len: of the plain text, which the padding hides */
static void assert_remade(const struct cms_message *m, u32 content_len, struct mikey_blob want)
{
	struct cms_layout l = {
		.form = m->form,
		.kek_id = m->recipient.kek_id,
		.kek_len = m->recipient.kek_len,
		.content_len = content_len,
		.cipher = m->cipher,
		.nonce = m->nonce,
	};
	u8 buf[2048];

	assert_int_equal(cms_write(&l, buf, content_len + MIKEY_MIME_CMS_OVERHEAD), 0);
	assert_int_equal(l.wrapped_len, m->recipient.wrapped.len);
	assert_int_equal(l.mac_len, m->mac.len);
	assert_int_equal(l.content_room, m->content.len);
	memcpy(l.wrapped, m->recipient.wrapped.p, m->recipient.wrapped.len);
	memcpy(l.content, m->content.p, m->content.len);
	memcpy(l.mac, m->mac.p, m->mac.len);
	if (m->inner.kek_len)
		memcpy(l.inner_wrapped, m->inner.wrapped.p, m->inner.wrapped.len);
	if (m->digest.len) {
		memcpy(l.digest, m->digest.p, m->digest.len);
		assert_blob(l.attrs, m->attrs);
		assert_blob(l.e_content, m->e_content);
	}
	assert_blob(l.object, want);

	/* the smallest buffer, and one byte less */
	memset(buf, 0, sizeof(buf));
	assert_int_equal(cms_write(&l, buf, want.len), 0);
	assert_ptr_equal(l.object.p, buf);
	assert_int_equal(cms_write(&l, buf, want.len - 1), -EMSGSIZE);
}

static void assert_recipient(const struct cms_recipient *rcpt, const struct vector_exchange *e,
			     u32 key_len)
{
	assert_blob(rcpt->kek_id, blob(e->inputs.spi));
	assert_int_equal(rcpt->kek_len, e->derived.kek.tek.len);
	assert_int_equal(rcpt->wrapped.len, key_len + 8);
}

static void assert_auth_enveloped(const struct vector_exchange *e, struct vector_bytes v, u32 alg)
{
	struct mikey_blob object = blob(v);
	struct cms_message m = read_ok(object);

	assert_int_equal(m.form, MIKEY_FORM_AUTH_ENVELOPED);
	assert_recipient(&m.recipient, e, e->derived.kek.tek.len);
	assert_int_equal(m.inner.kek_len, 0);
	assert_int_equal(m.cipher->alg, alg);
	assert_int_equal(m.cipher->key_len, e->derived.kek.tek.len);
	assert_int_equal(m.nonce.len, 12);
	assert_int_equal(m.content.len, e->inputs.mime.len);
	assert_int_equal(m.mac.len, 16);
	assert_ptr_equal(m.mac.p + 16, object.p + object.len);
	assert_int_equal(m.attrs.len, 0);
	assert_remade(&m, e->inputs.mime.len, object);
}

static void auth_enveloped(void **state)
{
	(void)state;
	for (u32 i = 0; i < VECTOR_EXCHANGE_NUM; i++) {
		const struct vector_exchange *e = &vector_exchange[i];

		assert_auth_enveloped(e, e->cms.auth_enveloped_gcm, MIKEY_CONTENT_AES_GCM);
		assert_auth_enveloped(e, e->cms.auth_enveloped_ccm, MIKEY_CONTENT_AES_CCM);
	}
}

/* What every AuthenticatedData has */
static struct cms_message read_authenticated(const struct vector_exchange *e,
					     struct mikey_blob object)
{
	struct cms_message m = read_ok(object);

	assert_recipient(&m.recipient, e, 32);
	assert_int_equal(m.attrs.p[0], 0xa2);
	assert_int_equal(m.attrs.len, 2 + m.attrs.p[1]);
	assert_int_equal(m.digest.len, 32);
	assert_blob(m.content_type, m.e_content_type);
	assert_int_equal(m.mac.len, 32);
	return m;
}

static void authenticated(void **state)
{
	(void)state;
	for (u32 i = 0; i < VECTOR_EXCHANGE_NUM; i++) {
		const struct vector_exchange *e = &vector_exchange[i];
		struct mikey_blob object = blob(e->cms.authenticated);
		struct cms_message m = read_authenticated(e, object);

		assert_int_equal(m.form, MIKEY_FORM_AUTHENTICATED);
		assert_null(m.cipher);
		assert_int_equal(m.inner.kek_len, 0);
		assert_blob(m.content, blob(e->inputs.mime));
		assert_blob(m.e_content, m.content);
		assert_remade(&m, e->inputs.mime.len, object);
	}
}

static void authenticated_enveloped(void **state)
{
	(void)state;
	for (u32 i = 0; i < VECTOR_EXCHANGE_NUM; i++) {
		const struct vector_exchange *e = &vector_exchange[i];
		struct mikey_blob object = blob(e->cms.authenticated_enveloped);
		struct cms_message m = read_authenticated(e, object);

		assert_int_equal(m.form, MIKEY_FORM_AUTHENTICATED_ENVELOPED);
		assert_recipient(&m.inner, e, e->derived.kek.encr.len);
		assert_int_equal(m.cipher->alg, MIKEY_CONTENT_AES_CBC);
		assert_int_equal(m.cipher->key_len, e->derived.kek.encr.len);
		assert_int_equal(m.nonce.len, 16);
		assert_int_equal(m.content.len, (e->inputs.mime.len / 16 + 1) * 16);
		/* the EnvelopedData itself and no ContentInfo */
		assert_int_equal(m.e_content.p[0], 0x30);
		assert_ptr_equal(m.content.p + m.content.len, m.e_content.p + m.e_content.len);
		assert_remade(&m, e->inputs.mime.len, object);
	}
}

/* No writer for what does not exist */
static void unwritable(void **state)
{
	struct cms_layout l = {
		.form = MIKEY_FORM_AUTHENTICATED,
		.kek_len = 24,
		.content_len = 1,
	};
	u8 buf[2048];

	(void)state;
	assert_int_equal(cms_write(&l, buf, sizeof(buf)), -EPROTONOSUPPORT);
	l.kek_len = 32;
	assert_int_equal(cms_write(&l, buf, sizeof(buf)), 0);
	l.form = 99;
	assert_int_equal(cms_write(&l, buf, sizeof(buf)), -EPROTONOSUPPORT);
	/* a form without a cipher, or with another form's */
	l.form = MIKEY_FORM_AUTHENTICATED_ENVELOPED;
	assert_int_equal(cms_write(&l, buf, sizeof(buf)), -EPROTONOSUPPORT);
	l.cipher = cms_cipher_find(MIKEY_FORM_AUTH_ENVELOPED, MIKEY_CONTENT_AES_GCM, 32);
	assert_non_null(l.cipher);
	assert_int_equal(cms_write(&l, buf, sizeof(buf)), -EPROTONOSUPPORT);
	assert_null(cms_cipher_find(MIKEY_FORM_AUTH_ENVELOPED, MIKEY_CONTENT_AES_CBC, 32));
	assert_null(cms_cipher_find(MIKEY_FORM_AUTHENTICATED_ENVELOPED, MIKEY_CONTENT_AES_GCM,
				    32));
}

/* MIKEY_MIME_CMS_OVERHEAD suffices for the largest content and identifier. */
static void overhead(void **state)
{
	const u32 content = 1024 * 1024;
	u8 *buf = malloc(content + MIKEY_MIME_CMS_OVERHEAD);
	static const u8 id[255];
	static const struct {
		u32 form;
		u32 alg;
	} rows[] = {
		{ MIKEY_FORM_AUTH_ENVELOPED, MIKEY_CONTENT_AES_GCM },
		{ MIKEY_FORM_AUTH_ENVELOPED, MIKEY_CONTENT_AES_CCM },
		{ MIKEY_FORM_AUTHENTICATED, 0 },
		{ MIKEY_FORM_AUTHENTICATED_ENVELOPED, MIKEY_CONTENT_AES_CBC },
	};

	(void)state;
	assert_non_null(buf);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cms_layout l = {
			.form = rows[i].form,
			.kek_id = { id, sizeof(id) },
			.kek_len = 32,
			.content_len = content,
			.cipher = cms_cipher_find(rows[i].form, rows[i].alg, 32),
			.nonce = { id, 16 },
		};

		assert_int_equal(cms_write(&l, buf, content + MIKEY_MIME_CMS_OVERHEAD), 0);
	}
	free(buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(auth_enveloped),
		cmocka_unit_test(authenticated),
		cmocka_unit_test(authenticated_enveloped),
		cmocka_unit_test(unwritable),
		cmocka_unit_test(overhead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
