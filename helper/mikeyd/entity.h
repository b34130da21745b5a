/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The MIME entity that is protected (TS 33.328 Annex F.3): Content-* headers,
 * an empty line, the body, byte for byte as the client wrote them.
 */
#ifndef HELPER_MIKEYD_ENTITY_H
#define HELPER_MIKEYD_ENTITY_H

#include "helper/lib/bytes.h"
#include "helper/lib/libre.h"

/*
 * entity_build - the MIME entity of a SIP message
 *
 * SIP's compact names are written out, since MIME does not know them;
 * Content-Length is SIP's framing and left out.
 */
int entity_build(struct bytes *entity, const struct sip_msg *msg);

/* entity_head - only its headers; mem_deref() them */
int entity_head(char **lines, const struct sip_msg *msg);

/*
 * entity_split - back to Content-* lines and body
 * @headers: the lines to put into a SIP message, mem_deref() it; what is not
 *	a Content-* header is left out, so that a sender cannot slip others in;
 *	a body without Content-Type is text/plain
 * @body: points into entity
 *
 * -EBADMSG if the lines are malformed.
 */
int entity_split(const struct bytes *entity, char **headers, struct pl *body);

#endif
