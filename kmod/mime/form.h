/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The forms of protection (TS 33.328 Annex D) as a table: what each takes
 * from a session, and how it fills and opens its CMS object.
 */
#ifndef MIKEY_MIME_FORM_H
#define MIKEY_MIME_FORM_H

#include "../ticket/transfer.h"
#include "cms.h"

/*
 * What is new in every object; as much as its form needs is filled at random, and
 * wiped by the caller
 */
struct mime_fresh {
	u8 key[MIKEY_KEY_MAX];
	u8 nonce[CMS_NONCE_MAX];
	u8 inner_key[MIKEY_KEY_MAX];
};

static_assert(sizeof(struct mime_fresh) <= MIKEY_MORE_MAX);

/**
 * struct mime_form - one form
 * @form: enum mikey_mime_form
 * @keks: mask of enum mikey_kek, those that it uses
 * @default_alg: enum mikey_mime_content_alg, 0 where nothing is encrypted
 * @fresh: how many bytes of struct mime_fresh it needs
 * @seal: protect what stands at @l->content, and fill in every other place.
 *	Return: 0 or a negative error
 * @open: verify, and decrypt in place, so @m must lie in writable memory;
 *	@m->content is then the plain text. Return: 0; -EBADMSG for anything
 *	that does not verify, the same for every reason; another negative error
 *	for a fault on our side. After an error the content must be wiped
 *
 * Both take their KEKs from the session, of which they use nothing else.
 */
struct mime_form {
	u32 form;
	u32 keks;
	u32 default_alg;
	u32 fresh;
	int (*seal)(const struct cms_layout *l, const struct mikey_session *s,
		    const struct mime_fresh *fresh);
	int (*open)(struct cms_message *m, const struct mikey_session *s);
};

extern const struct mime_form mime_auth_enveloped;
extern const struct mime_form mime_authenticated;
extern const struct mime_form mime_authenticated_enveloped;

/* NULL where there is no such form. */
const struct mime_form *mime_form_find(u32 form);

/* Mask of 1 << form of all forms in the table. */
u32 mime_form_mask(void);

#endif
