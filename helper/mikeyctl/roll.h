/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A body with the list of its recipients, for a list service (RFC 5365). */
#ifndef HELPER_MIKEYCTL_ROLL_H
#define HELPER_MIKEYCTL_ROLL_H

#include "helper/lib/bytes.h"

#define ROLL_TYPE_MAX 80

/*
 * roll_write - a multipart body of what is there and the list
 * @type: of body; becomes that of the whole
 * @body: is replaced
 *
 * All recipients see each other (copyControl "to", RFC 5364). -ENOMEM.
 */
int roll_write(char type[ROLL_TYPE_MAX], const char *body_type, struct bytes *body,
	       const char * const *recipients, unsigned int count);

#endif
