/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bounded cursor over received bytes, internal to the codec.
 *
 * The first failure sticks: every later read gives zero or an empty blob and
 * moves nothing, so that a reader takes all fields of a payload and looks at
 * @err once. A length field is only ever compared with what is left.
 */
#ifndef MIKEY_WIRE_CURSOR_H
#define MIKEY_WIRE_CURSOR_H

#include "wire.h"

/**
 * struct mikey_cursor - where a parser stands
 * @buf: what offsets count from
 * @pos: next byte to read; never above @end
 * @end: first byte that may not be read
 * @err: 0 or the first failure
 * @d: told about the first failure
 */
struct mikey_cursor {
	const u8 *buf;
	u32 pos;
	u32 end;
	int err;
	struct mikey_diag *d;
};

void mikey_cursor_begin(struct mikey_cursor *c, const u8 *buf, u32 pos,
			u32 end, struct mikey_diag *d);

/* Fail with @err at @offset unless something failed before. */
void mikey_cursor_refuse(struct mikey_cursor *c, int err, const char *why,
			 u32 offset);

u8 mikey_get_u8(struct mikey_cursor *c);
u16 mikey_get_be16(struct mikey_cursor *c);
u32 mikey_get_be24(struct mikey_cursor *c);
u32 mikey_get_be32(struct mikey_cursor *c);
u64 mikey_get_be64(struct mikey_cursor *c);
struct mikey_blob mikey_get_blob(struct mikey_cursor *c, u32 len);

#endif
