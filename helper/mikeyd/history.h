/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The recipient-list-history (RFC 5364, RFC 5365 7.3): what a list service tells
 * each recipient of the others.
 */
#ifndef HELPER_MIKEYD_HISTORY_H
#define HELPER_MIKEYD_HISTORY_H

#include "helper/mikeyd/recipients.h"

/*
 * history_build - its body part: headers, an empty line, the document
 *
 * "to" before "cc", of each the anonymous ones as one entry with their number;
 * of "bcc" nothing. Empty if it would name nobody. -ENOMEM
 */
int history_build(struct bytes *part, const struct recipients *recipients);

/*
 * history_wrap - the same, protected by the service: a multipart with the
 * service's TRANSFER_INIT and CMS, under the history's disposition
 * @transfer, @cms: of a history_build()
 */
int history_wrap(struct bytes *part, const struct bytes *transfer, const struct bytes *cms,
		 uint32_t form);

#endif
