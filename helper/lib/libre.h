/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libre's headers with what its own build told them about this system; without
 * it they define integer types of their own.
 */
#ifndef HELPER_LIB_LIBRE_H
#define HELPER_LIB_LIBRE_H

#include <sys/types.h>

#define HAVE_INTTYPES_H 1
#define HAVE_STDBOOL_H 1
#define HAVE_INET6 1
/* Debian's libre makes TLS with OpenSSL, and tells then where its context is. */
#define USE_OPENSSL 1
/* Jansson has enumerators of these names; libre's are not used here. */
#define JSON_STRING RE_JSON_STRING
#define JSON_NULL RE_JSON_NULL
#include <re.h>
#undef JSON_STRING
#undef JSON_NULL

/* re.h leaves this one out; its macros want these and are not used here. */
#define DEBUG_MODULE "mikey"
#define DEBUG_LEVEL 0
#include <re_dbg.h>

#endif
