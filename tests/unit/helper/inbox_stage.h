/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stage whose user has an inbox in a folder of its own, and the messages for
 * it. Asserts by itself.
 */
#ifndef TESTS_UNIT_HELPER_INBOX_STAGE_H
#define TESTS_UNIT_HELPER_INBOX_STAGE_H

#include "tests/unit/helper/stage.h"

#define MULTIPART(cms) \
	"Content-Type: multipart/mixed;boundary=b\r\n\r\n" \
	"--b\r\nContent-Type: application/mikey\r\nContent-Transfer-Encoding: base64\r\n\r\n" \
	"VFJBTlNGRVI=\r\n--b\r\nContent-Type: application/pkcs7-mime; name=smime.p7m\r\n" \
	"Content-Transfer-Encoding: binary\r\n\r\n" cms "\r\n--b--\r\n"
/* "Content-Type: text/plain" and a body, turned round as the double does */
#define ENTITY(ydob) ydob "\n\r\n\rnialp/txet :epyT-tnetnoC"
#define HELLO ENTITY("olleh")

/* The folder, and the inbox's socket there. */
extern char inbox_dir[64], inbox_socket[96];

/* Set-up and tear-down of a test; the folder goes with the latter. */
int inbox_make_dir(void **state);
int inbox_stage_close(void **state);

/* mikeyd.conf, with @inbox in the inbox's group. Valid until the next call. */
const char *inbox_settings(const char *inbox, const char *more);

/* Open the stage with that and a fresh kernel. */
void inbox_stage_open(const char *inbox, const char *more);

/*
 * A message for bob; without a token, since there is no client that registered.
 * Valid until the next call.
 */
const char *inbox_message(const char *branch, const char *rest);

/* It arrives and is opened. */
void inbox_arrives(const char *branch, const char *rest);

/* For loop_until(): the KMS is asked. */
bool inbox_exchange_waits(void *arg);

/* What the hop gets begins with that line. */
void inbox_answered(const char *line);

#endif
