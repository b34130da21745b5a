/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MIKEY_MIME_AUTHENTICATE_H
#define MIKEY_MIME_AUTHENTICATE_H

#include "cms.h"

/**
 * mime_authenticate() - make an AuthenticatedData's key, digest and MAC
 * @l: @l->e_content is filled in
 * @kek: @l->kek_len bytes
 * @key: of the MAC, CMS_MAC_LEN bytes
 *
 * May sleep. Return: 0 or a negative error.
 */
int mime_authenticate(const struct cms_layout *l, const u8 *kek, const u8 *key);

/**
 * mime_authenticates() - do the MAC, the digest and content-type of an
 *	AuthenticatedData fit (RFC 5652 9.3)?
 * @kek: @m->recipient.kek_len bytes
 *
 * May sleep. Return: 0; -EBADMSG where any does not, in the same time whichever
 * it is; another negative error for a fault on our side.
 */
int mime_authenticates(const struct cms_message *m, const u8 *kek);

#endif
