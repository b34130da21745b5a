/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The body of a protected MESSAGE (TS 33.328 Annex F.3): multipart/mixed of
 * TRANSFER_INIT and the CMS object; and the MIME entity that the CMS object
 * protects: Content-* headers, an empty line, the body, byte for byte.
 */
#ifndef HELPER_MIKEYD_MULTIPART_H
#define HELPER_MIKEYD_MULTIPART_H

#include "helper/lib/bytes.h"
#include "helper/lib/libre.h"
#include "helper/lib/problem.h"
#include "helper/mikeyd/sipmsg.h"

/* A body to send, in memory of its own. */
struct multipart {
	struct mbuf *body;
	char headers[160];		/* the Content-Type line */
};

/* multipart_build - put both parts into a body; base64, lines of 76 */
int multipart_build(struct multipart *multipart, const struct bytes *transfer,
		    const struct bytes *cms, uint32_t form);

/* What a received body is. */
enum multipart_kind {
	MULTIPART_PLAIN,		/* no TRANSFER_INIT in it */
	MULTIPART_PROTECTED,
	MULTIPART_UNKNOWN,		/* TRANSFER_INIT with a CMS of unknown type */
	MULTIPART_BROKEN,		/* malformed; problem says how */
};

/*
 * multipart_parse - find both parts, in any order and transfer encoding
 * @type: value of Content-Type
 * @transfer, @cms: the decoded parts, if MULTIPART_PROTECTED
 */
enum multipart_kind multipart_parse(const struct pl *type, const struct pl *body,
				    struct bytes *transfer, struct bytes *cms,
				    struct problem *problem);

/* entity_build - the MIME entity of a SIP message */
int entity_build(struct bytes *entity, const struct sip_msg *msg);

/*
 * entity_split - back to Content-* lines and body
 * @headers: the lines to put into a SIP message, mem_deref() it; what is not
 *	a Content-* header is left out, so that a sender cannot slip others in
 * @body: points into entity
 *
 * -EBADMSG if the lines are malformed.
 */
int entity_split(const struct bytes *entity, char **headers, struct pl *body);

#endif
