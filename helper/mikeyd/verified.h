/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the user's client is told of the sender of an opened message: the
 * header P-Mikey-Verified in any case, and other identities only where the
 * keys prove better ones.
 */
#ifndef HELPER_MIKEYD_VERIFIED_H
#define HELPER_MIKEYD_VERIFIED_H

#include "helper/lib/mime.h"
#include "helper/mikeyd/sender.h"
#include "helper/mikeyd/sipmsg.h"

/*
 * verified_line - the header's line; mem_deref() it. NULL: no memory.
 * @original: whom the list server that sent this names; its uid may be empty
 */
char *verified_line(const struct mime_opened *opened, const struct sender *original);

/*
 * verified_from - a value for From where it names somebody else than the one who
 * was proved to have sent this; NULL to leave it. mem_deref() it.
 *
 * What was claimed becomes the display name; the tag stays, since it is the
 * transaction's. Where only some recipient of the ticket is proved there is
 * nobody to put into From. What came through a list server may name whom that
 * server names.
 */
char *verified_from(const struct sip_msg *msg, const struct mime_opened *opened,
		    const struct sender *original);

/*
 * verified_identity - the same for P-Asserted-Identity (RFC 3325), of which
 * clients show the name rather than From's
 */
char *verified_identity(const struct sip_msg *msg, const struct mime_opened *opened,
			const struct sender *original);

#endif
