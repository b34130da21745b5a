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
#include <re.h>

/* re.h leaves this one out; its macros want these and are not used here. */
#define DEBUG_MODULE "mikey"
#define DEBUG_LEVEL 0
#include <re_dbg.h>

#endif
