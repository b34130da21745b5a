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

static void assert_remade(const struct cms_message *m, struct mikey_blob want)
{
	struct cms_layout l = {
		.form = m->form,
		.kek_id = m->kek_id,
		.kek_len = m->kek_len,
		.content_len = m->content.len,
		.cipher = m->cipher,
		.nonce = m->nonce,
	};
	u8 buf[2048];

	assert_int_equal(cms_write(&l, buf, m->content.len + MIKEY_MIME_CMS_OVERHEAD), 0);
	assert_int_equal(l.wrapped_len, m->wrapped.len);
	assert_int_equal(l.mac_len, m->mac.len);
	memcpy(l.wrapped, m->wrapped.p, m->wrapped.len);
	memcpy(l.content, m->content.p, m->content.len);
	memcpy(l.mac, m->mac.p, m->mac.len);
	if (m->form == MIKEY_FORM_AUTHENTICATED) {
		memcpy(l.digest, m->digest.p, m->digest.len);
		assert_blob(l.attrs, m->attrs);
	}
	assert_blob(l.object, want);

	/* the smallest buffer, and one byte less */
	memset(buf, 0, sizeof(buf));
	assert_int_equal(cms_write(&l, buf, want.len), 0);
	assert_ptr_equal(l.object.p, buf);
	assert_int_equal(cms_write(&l, buf, want.len - 1), -EMSGSIZE);
}

static void auth_enveloped(void **state)
{
	(void)state;
	for (u32 i = 0; i < VECTOR_EXCHANGE_NUM; i++) {
		const struct vector_exchange *e = &vector_exchange[i];
		struct mikey_blob object = blob(e->cms.auth_enveloped_gcm);
		struct cms_message m = read_ok(object);

		assert_int_equal(m.form, MIKEY_FORM_AUTH_ENVELOPED);
		assert_blob(m.kek_id, blob(e->inputs.spi));
		assert_int_equal(m.kek_len, e->derived.kek.tek.len);
		assert_int_equal(m.wrapped.len, e->derived.kek.tek.len + 8);
		assert_int_equal(m.cipher->alg, MIKEY_CONTENT_AES_GCM);
		assert_int_equal(m.cipher->key_len, e->derived.kek.tek.len);
		assert_int_equal(m.nonce.len, 12);
		assert_int_equal(m.content.len, e->inputs.mime.len);
		assert_int_equal(m.mac.len, 16);
		assert_ptr_equal(m.mac.p + 16, object.p + object.len);
		assert_remade(&m, object);
	}
}

static void authenticated(void **state)
{
	(void)state;
	for (u32 i = 0; i < VECTOR_EXCHANGE_NUM; i++) {
		const struct vector_exchange *e = &vector_exchange[i];
		struct mikey_blob object = blob(e->cms.authenticated);
		struct cms_message m = read_ok(object);

		assert_int_equal(m.form, MIKEY_FORM_AUTHENTICATED);
		assert_blob(m.kek_id, blob(e->inputs.spi));
		assert_int_equal(m.kek_len, e->derived.kek.auth.len);
		assert_int_equal(m.wrapped.len, 40);
		assert_blob(m.content, blob(e->inputs.mime));
		assert_int_equal(m.attrs.p[0], 0xa2);
		assert_int_equal(m.attrs.len, 2 + m.attrs.p[1]);
		assert_int_equal(m.digest.len, 32);
		assert_blob(m.content_type, m.e_content_type);
		assert_int_equal(m.mac.len, 32);
		assert_remade(&m, object);
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
}

/* MIKEY_MIME_CMS_OVERHEAD suffices for the largest content and identifier. */
static void overhead(void **state)
{
	const u32 content = 1024 * 1024;
	u8 *buf = malloc(content + MIKEY_MIME_CMS_OVERHEAD);
	static const u8 id[255];
	static const u32 forms[] = { MIKEY_FORM_AUTH_ENVELOPED, MIKEY_FORM_AUTHENTICATED };

	(void)state;
	assert_non_null(buf);
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct cms_layout l = {
			.form = forms[i],
			.kek_id = { id, sizeof(id) },
			.kek_len = 32,
			.content_len = content,
			.cipher = cms_cipher_find(MIKEY_CONTENT_AES_GCM, 32),
			.nonce = { id, 12 },
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
		cmocka_unit_test(unwritable),
		cmocka_unit_test(overhead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
