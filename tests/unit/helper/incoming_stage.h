/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A client that is registered, and MESSAGEs for it from the network. */
#ifndef TESTS_UNIT_HELPER_INCOMING_STAGE_H
#define TESTS_UNIT_HELPER_INCOMING_STAGE_H

#include "tests/unit/helper/stage.h"

/* TRANSFER_INIT and CMS as the double of the kernel takes them. */
#define MULTIPART(cms) \
	"Content-Type: multipart/mixed;boundary=b\r\n\r\n" \
	"--b\r\nContent-Type: application/mikey\r\nContent-Transfer-Encoding: base64\r\n\r\n" \
	"VFJBTlNGRVI=\r\n--b\r\nContent-Type: application/pkcs7-mime; name=smime.p7m\r\n" \
	"Content-Transfer-Encoding: binary\r\n\r\n" cms "\r\n--b--\r\n"
/* "Content-Type: text/plain" and "hello", turned round as the double does */
#define HELLO "olleh\n\r\n\rnialp/txet :epyT-tnetnoC"

/* A message of the next hop's, with the rest of its headers and its body. */
const char *message_from(const char *from, const char *branch, const char *rest);
const char *message(const char *branch, const char *rest);

/* Fixtures; @more: further lines of mikeyd.conf */
int open_with(const char *more);
int open_stage(void **state);
int close_stage(void **state);

/* The next hop gets this status line, without a reason, and the client nothing. */
void refused(const char *line);

/* A message is opened and the client gets it. */
void opened(const char *branch, const char *rest);
void answered_by_the_client(const char *status);

#endif
