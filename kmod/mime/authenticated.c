// SPDX-License-Identifier: GPL-2.0
/*
 * AuthenticatedData (RFC 5652 section 9) of id-data: the body in the clear
 * under an HMAC, its key wrapped under the authentication key of the crypto
 * session.
 */
#include "authenticate.h"
#include "form.h"

static_assert(MIKEY_KEY_MAX >= CMS_MAC_LEN);

static int seal(const struct cms_layout *l, const struct mikey_session *s,
		const struct mime_fresh *fresh)
{
	return mime_authenticate(l, s->kek_auth, fresh->key);
}

static int open(struct cms_message *m, const struct mikey_session *s)
{
	return mime_authenticates(m, s->kek_auth);
}

const struct mime_form mime_authenticated = {
	.form = MIKEY_FORM_AUTHENTICATED,
	.keks = MIKEY_KEK_AUTH,
	.fresh = offsetof(struct mime_fresh, nonce),
	.seal = seal,
	.open = open,
};
