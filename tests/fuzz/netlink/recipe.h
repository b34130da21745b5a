/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An input of the netlink fuzzer: a recipe, not a message. Keys, serials,
 * exchanges and MACs differ from run to run, so that recorded bytes would be
 * refused at the door. A recipe says which step of a real exchange is taken
 * and what is bent on the way, above and below the MACs; the scene makes a
 * fresh exchange of it each time.
 *
 * In a file: four bytes, then one struct edit after the other, little-endian.
 * Every string of bytes is a recipe.
 */
#ifndef MIKEY_FUZZ_RECIPE_H
#define MIKEY_FUZZ_RECIPE_H

#include <stdbool.h>

#include "kmod/wire/wire.h"

#define RECIPE_EDITS_MAX 16

/* The request that is bent; those before it in its exchange are honest. */
enum recipe_step {
	STEP_REQUEST,
	STEP_GRANT,
	STEP_GRANT_ERROR,
	STEP_MINT,
	STEP_RESOLVE,
	STEP_ADMIT,
	STEP_ADMIT_ERROR,
	STEP_INFO,
	STEP_TICKET_STATS,
	STEP_TICKET_CAPS,
	STEP_PROTECT,
	STEP_UNPROTECT,
	STEP_MIME_STATS,
	STEP_MIME_CAPS,
	STEP_NUM,
};

/* Where an edit is made. */
enum recipe_layer {
	LAYER_ATTRS,		/* attributes of the request */
	LAYER_MESSAGE,		/* MIKEY message, before its MAC */
	LAYER_BEHIND,		/* the same, after it */
	LAYER_PLAIN,		/* plain text of the answer's KEMAC */
	LAYER_TICKET,		/* the ticket, before its MAC */
	LAYER_CMS,		/* bytes of the CMS object, before the proof of origin */
	LAYER_DER,		/* elements of the CMS object, lengths put right */
	LAYER_CMS_BEHIND,	/* bytes of the CMS object, after the proof */
	LAYER_PLAN,		/* a field of what the peer says */
	LAYER_FAULT,		/* the value-th allocation of the request fails */
	LAYER_NUM,
};

/* Of the attributes; @where chooses one. */
enum recipe_attr_op {
	ATTR_DROP,
	ATTR_REPEAT,		/* once more at the end */
	ATTR_SWAP,		/* with the one that @value chooses */
	ATTR_TYPE,		/* @value */
	ATTR_FLAGS,		/* nested, byte order: bits of @value */
	ATTR_CUT,		/* to @len bytes */
	ATTR_GROW,		/* by @len bytes of @value */
	ATTR_LIE,		/* its header says @value bytes */
	ATTR_FLIP,		/* bit @len */
	ATTR_VALUE,		/* @value in 1, 2, 4 or 8 bytes */
	ATTR_SERIAL,		/* one of the scene's keys */
	ATTR_TIME,		/* now and @value seconds */
	ATTR_EXCHANGE,		/* the open exchange and @value */
	ATTR_NEST,		/* into an attribute of type @value */
	ATTR_INSERT,		/* @len bytes of type @value in front of it */
	ATTR_MANY,		/* @len times in all */
	ATTR_COMMAND,		/* of the request: @value */
	ATTR_VERSION,		/* of the request: @value */
	ATTR_HEADER,		/* netlink flags of the request: @value */
	ATTR_TAIL,		/* @len bytes of @value behind everything */
	ATTR_SPLIT,		/* in two of its type, after @len bytes */
	ATTR_NUM,
};

/* Of bytes; @where chooses the first. */
enum recipe_byte_op {
	BYTE_FLIP,		/* bit @len */
	BYTE_SET,		/* @value in 1, 2, 4 or 8 bytes */
	BYTE_ADD,		/* @value to the byte */
	BYTE_DELETE,		/* @len bytes */
	BYTE_INSERT,		/* @len bytes of @value */
	BYTE_COPY,		/* @len bytes from @value */
	BYTE_CUT,		/* everything behind */
	BYTE_NUM,
};

/* Of DER elements; @where chooses one, parents before children. */
enum recipe_der_op {
	DER_DROP,
	DER_REPEAT,
	DER_TAG,		/* @value */
	DER_CONTENT,		/* @len bytes of @value */
	DER_FLIP,		/* bit @len of the contents */
	DER_BYTE,		/* @len of the contents: @value */
	DER_WRAP,		/* into a constructed element of tag @value */
	DER_APPEND,		/* @len bytes of @value to the contents */
	DER_NUM,
};

struct edit {
	u8 layer;
	u8 op;
	u16 where;
	u16 len;
	u64 value;
} __attribute__((packed));

/**
 * struct recipe - an input
 * @step: enum recipe_step
 * @kind: profile and suite, form of the CMS object
 * @arg: what is optional in the honest request
 * @num: how many edits
 */
struct recipe {
	u8 step;
	u8 kind;
	u8 arg;
	u8 num;
	struct edit edits[RECIPE_EDITS_MAX];
} __attribute__((packed));

#define RECIPE_HEAD 4

/* Bytes of a recipe in a file */
static inline u32 recipe_len(const struct recipe *r)
{
	return RECIPE_HEAD + r->num * sizeof(struct edit);
}

/* Whatever the bytes are */
void recipe_read(struct recipe *r, const void *p, u32 len);

/* Into range what is out of range */
void recipe_mend(struct recipe *r);

/* Pseudo-random numbers, the same for the same seed */
u32 recipe_random(u64 *state);

/* One to four changes of @r; @other lends some edits. */
void recipe_mutate(struct recipe *r, const struct recipe *other, u64 *state);

#endif
