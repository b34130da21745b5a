/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ground the MIKEY codec stands on: the few types and helpers that the
 * kernel has of its own and userspace has not.
 *
 * Everything in this folder is pure C without allocation, cryptography or
 * input and output. The same files are compiled into mikey_ticket.ko, the
 * programs, the tests and the fuzzers.
 */
#ifndef MIKEY_WIRE_WIRE_H
#define MIKEY_WIRE_WIRE_H

#ifdef __KERNEL__
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/string.h>
#include <linux/types.h>
#else
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#endif
#endif

/**
 * struct mikey_blob - bytes that somebody else owns
 * @p: first byte; NULL only where @len is 0
 * @len: number of bytes
 *
 * What a parser hands out points into the message it was given and lives as
 * long as that.
 */
struct mikey_blob {
	const u8 *p;
	u32 len;
};

/**
 * struct mikey_diag - why a message was refused
 * @why: a constant sentence without a full stop, never NULL after a failure
 * @offset: where in the buffer, in bytes from its start
 *
 * A parser that returns a negative error has filled this in; callers put
 * @why in front of a person (extended ack, log, ERR).
 */
struct mikey_diag {
	const char *why;
	u32 offset;
};

static inline bool mikey_blob_eq(struct mikey_blob a, struct mikey_blob b)
{
	return a.len == b.len && (!a.len || !memcmp(a.p, b.p, a.len));
}

#endif
