// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CMS objects from strangers. Beyond the sanitizers' findings: everything an
 * accepted object is said to contain lies inside it, and writing it again
 * from its parts gives it back, so nothing was accepted that the reader does
 * not tell about. AuthenticatedData is exempt from that where it has
 * attributes or parameters of its own, which the profile allows.
 */
#include <stdlib.h>

#include "kmod/mime/cms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void inside(struct mikey_blob b, const uint8_t *data, size_t size)
{
	must(!b.len || (b.p >= data && b.p + b.len <= data + size));
}

/* What the cryptography relies on */
static void check_cipher(const struct cms_message *m)
{
	const bool inner = m->form == MIKEY_FORM_AUTHENTICATED_ENVELOPED;
	const struct cms_recipient *rcpt = inner ? &m->inner : &m->recipient;

	must(m->cipher->form == m->form);
	must(rcpt->kek_len == m->cipher->key_len);
	must(rcpt->wrapped.len == m->cipher->key_len + CMS_WRAP_OVERHEAD);
	must(m->nonce.len >= m->cipher->nonce_min && m->nonce.len <= m->cipher->nonce_max);
	must(cms_cipher_takes(m->cipher, m->nonce.len, m->content.len));
	if (inner)
		must(m->content.len % CMS_BLOCK_LEN == 0);
	else
		must(m->cipher->icv_lens & 1U << m->mac.len);
}

static void check_blobs(const struct cms_message *m, const uint8_t *data, size_t size)
{
	inside(m->recipient.kek_id, data, size);
	inside(m->recipient.wrapped, data, size);
	inside(m->inner.kek_id, data, size);
	inside(m->inner.wrapped, data, size);
	inside(m->content, data, size);
	inside(m->mac, data, size);
	inside(m->nonce, data, size);
	inside(m->attrs, data, size);
	inside(m->digest, data, size);
	inside(m->content_type, data, size);
	inside(m->e_content_type, data, size);
	inside(m->e_content, data, size);
	must(m->content.len);
	must(!m->cipher == (m->form == MIKEY_FORM_AUTHENTICATED));
	if (m->cipher)
		check_cipher(m);
}

/* The writer sends ICVs of 16 bytes only. */
static void check_remade(const struct cms_message *m, const uint8_t *data, size_t size)
{
	struct cms_layout l = {
		.form = m->form,
		.kek_id = m->recipient.kek_id,
		.kek_len = m->recipient.kek_len,
		.content_len = m->content.len,
		.cipher = m->cipher,
		.nonce = m->nonce,
	};
	u8 *buf;

	if (m->form != MIKEY_FORM_AUTH_ENVELOPED || m->mac.len != CMS_ICV_MAX)
		return;
	buf = malloc(size);
	must(buf);
	must(!cms_write(&l, buf, size));
	memcpy(l.wrapped, m->recipient.wrapped.p, m->recipient.wrapped.len);
	memcpy(l.content, m->content.p, m->content.len);
	memcpy(l.mac, m->mac.p, m->mac.len);
	must(l.object.len == size && !memcmp(l.object.p, data, size));
	free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mikey_diag d = { 0 };
	struct cms_message m;
	int err = cms_read(&m, (struct mikey_blob){ data, size }, &d);

	if (err) {
		must(err == -EBADMSG || err == -EPROTONOSUPPORT);
		must(d.why && d.offset <= size);
		return 0;
	}
	check_blobs(&m, data, size);
	check_remade(&m, data, size);
	return 0;
}
