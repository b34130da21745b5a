/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What became of a message: from SIP's status codes to the exit codes of `send`. */
#ifndef HELPER_MIKEYCTL_FATE_H
#define HELPER_MIKEYCTL_FATE_H

#include "helper/mikeyctl/command.h"
#include "helper/mikeyctl/delivery.h"

/* fate_of - the exit code of one answer */
enum exit_code fate_of(const struct delivery_answer *answer);

/* fate_name - as JSON has it: "accepted", "refused", ... */
const char *fate_name(enum exit_code fate);

/*
 * fate_join - of two messages together: theirs if it is the same, else EXIT_PARTLY
 * where one was accepted, else the graver one
 */
enum exit_code fate_join(enum exit_code one, enum exit_code other);

#endif
