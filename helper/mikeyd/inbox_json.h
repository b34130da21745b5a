/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A received message as a JSON object; mikeyctl(1) says what is in it. */
#ifndef HELPER_MIKEYD_INBOX_JSON_H
#define HELPER_MIKEYD_INBOX_JSON_H

#include <jansson.h>

#include "helper/mikeyd/inbox_message.h"

/*
 * inbox_json - all of a message, or with its headers and its body left out
 *
 * json_decref() it; NULL: no memory.
 */
json_t *inbox_json(const struct inbox_message *message, bool with_body);

#endif
