/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The body of a protected MESSAGE (TS 33.328 Annex F.3): multipart/mixed of
 * TRANSFER_INIT, the CMS object, and parts that are not for the end terminal.
 */
#ifndef HELPER_MIKEYD_MULTIPART_H
#define HELPER_MIKEYD_MULTIPART_H

#include "helper/lib/bytes.h"
#include "helper/lib/libre.h"
#include "helper/lib/problem.h"

/* A body to send, in memory of its own. */
struct multipart {
	struct mbuf *body;
	char headers[160];		/* the Content-Type line */
};

/* A part that goes along as it is: headers, empty line, content. */
struct multipart_open {
	struct pl part;
	bool first;			/* before the protected parts */
};

/*
 * multipart_build - put all parts into a body; base64, lines of 76
 * @open: NULL if there is none
 */
int multipart_build(struct multipart *multipart, const struct bytes *transfer,
		    const struct bytes *cms, uint32_t form,
		    const struct multipart_open *open);

/* What a received body is. */
enum multipart_kind {
	MULTIPART_PLAIN,		/* no TRANSFER_INIT in it */
	MULTIPART_PROTECTED,
	MULTIPART_UNKNOWN,		/* TRANSFER_INIT, beside it what is not known */
	MULTIPART_BROKEN,		/* malformed; problem says how */
};

/*
 * multipart_parse - find both parts, in any order and transfer encoding
 * @type: value of Content-Type
 * @transfer, @cms: the decoded parts, if MULTIPART_PROTECTED
 *
 * What else is in the body is not protected and not told: lists of recipients
 * and parts with handling=optional count for nothing; any other part is
 * required, by RFC 5621's default, and makes the message MULTIPART_UNKNOWN.
 */
enum multipart_kind multipart_parse(const struct pl *type, const struct pl *body,
				    struct bytes *transfer, struct bytes *cms,
				    struct problem *problem);

#endif
