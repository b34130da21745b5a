/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Edits of bytes and of DER elements.
 */
#ifndef MIKEY_FUZZ_BYTES_H
#define MIKEY_FUZZ_BYTES_H

#include "recipe.h"
#include "tests/kselftest/peer.h"
#include "tests/unit/mime/edit.h"

/* All edits of @layer; the last @tail bytes, a MAC that is still to come, stay. */
void bytes_bend_msg(struct peer_msg *m, const struct recipe *r, u8 layer, u32 tail);

/* All edits of LAYER_DER; all of another @layer as above. */
void bytes_bend_cms(struct edit_buf *object, const struct recipe *r, u8 layer);

/* Is there such an element? @path as for edit(), of single digits */
bool bytes_der_has(const struct edit_buf *object, const char *path);

#endif
