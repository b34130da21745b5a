// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Recipes: reading and mutating.
 */
#include <string.h>

#include "recipe.h"
#include "uapi/mikey_mime.h"
#include "uapi/mikey_ticket.h"

static u32 ops_of(u8 layer)
{
	switch (layer) {
	case LAYER_ATTRS:
		return ATTR_NUM;
	case LAYER_DER:
		return DER_NUM;
	case LAYER_PLAN:
		return 256;
	case LAYER_FAULT:
		return 1;
	default:
		return BYTE_NUM;
	}
}

void recipe_mend(struct recipe *r)
{
	u8 i;

	r->step %= STEP_NUM;
	if (r->num > RECIPE_EDITS_MAX)
		r->num = RECIPE_EDITS_MAX;
	for (i = 0; i < r->num; i++) {
		r->edits[i].layer %= LAYER_NUM;
		r->edits[i].op %= ops_of(r->edits[i].layer);
	}
}

void recipe_read(struct recipe *r, const void *p, u32 len)
{
	memset(r, 0, sizeof(*r));
	memcpy(r, p, len < sizeof(*r) ? len : sizeof(*r));
	len = len < RECIPE_HEAD ? 0 : (len - RECIPE_HEAD) / sizeof(struct edit);
	if (r->num > len)
		r->num = len < RECIPE_EDITS_MAX ? len : RECIPE_EDITS_MAX;
	recipe_mend(r);
}

/* splitmix64 */
u32 recipe_random(u64 *state)
{
	u64 z = (*state += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return (z ^ (z >> 31)) >> 32;
}

static u64 some_value(u64 *state)
{
	static const u64 edges[] = {
		0, 1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 32, 63, 64, 65, 127, 128, 254, 255, 256,
		257, 0x7fff, 0x8000, 0xfffb, 0xffff, 0x10000, 0x7fffffff, 0x80000000,
		0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000, ~0ULL,
		60, 61, 3600, 86400, ~59ULL, ~3599ULL,
	};
	u64 v;

	switch (recipe_random(state) % 4) {
	case 0:
		return recipe_random(state) % 256;
	case 1:
		v = recipe_random(state);
		return v << 32 | recipe_random(state);
	case 2:		/* a type of an attribute */
		return recipe_random(state) % (MIKEY_TICKET_A_MAX + 3);
	default:
		return edges[recipe_random(state) % ARRAY_SIZE(edges)];
	}
}

static u16 some_len(u64 *state)
{
	static const u16 edges[] = {
		0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 32, 64, 127, 128, 255, 256, 257, 1000, 4096,
		65000, 65001, 65531, 65535,
	};

	if (recipe_random(state) % 2)
		return recipe_random(state) % 40;
	return edges[recipe_random(state) % ARRAY_SIZE(edges)];
}

/* Layers that a step has: an edit elsewhere would do nothing. */
static u8 some_layer(u8 step, u64 *state)
{
	static const u8 answer[] = {
		LAYER_ATTRS, LAYER_MESSAGE, LAYER_MESSAGE, LAYER_BEHIND, LAYER_PLAIN,
		LAYER_TICKET, LAYER_PLAN, LAYER_PLAN, LAYER_FAULT,
	};
	static const u8 transfer[] = {
		LAYER_ATTRS, LAYER_MESSAGE, LAYER_MESSAGE, LAYER_BEHIND, LAYER_TICKET,
		LAYER_TICKET, LAYER_PLAN, LAYER_FAULT,
	};
	static const u8 letter[] = {
		LAYER_ATTRS, LAYER_MESSAGE, LAYER_BEHIND, LAYER_CMS, LAYER_DER, LAYER_DER,
		LAYER_DER, LAYER_CMS_BEHIND, LAYER_PLAN, LAYER_FAULT,
	};
	static const u8 plain[] = {
		LAYER_ATTRS, LAYER_ATTRS, LAYER_ATTRS, LAYER_ATTRS, LAYER_FAULT,
	};

	switch (step) {
	case STEP_GRANT:
	case STEP_GRANT_ERROR:
	case STEP_ADMIT:
	case STEP_ADMIT_ERROR:
		return answer[recipe_random(state) % ARRAY_SIZE(answer)];
	case STEP_RESOLVE:
		return transfer[recipe_random(state) % ARRAY_SIZE(transfer)];
	case STEP_UNPROTECT:
		return letter[recipe_random(state) % ARRAY_SIZE(letter)];
	default:
		return plain[recipe_random(state) % ARRAY_SIZE(plain)];
	}
}

static void some_edit(struct edit *e, u8 step, u64 *state)
{
	e->layer = some_layer(step, state);
	e->op = recipe_random(state) % ops_of(e->layer);
	e->where = recipe_random(state) % (recipe_random(state) % 2 ? 32 : 1024);
	e->len = some_len(state);
	e->value = e->layer == LAYER_FAULT ? 1 + recipe_random(state) % 24 : some_value(state);
}

static void change_edit(struct edit *e, u8 step, u64 *state)
{
	switch (recipe_random(state) % 6) {
	case 0:
		e->where += recipe_random(state) % 9 - 4;
		break;
	case 1:
		e->len = some_len(state);
		break;
	case 2:
		e->value = some_value(state);
		break;
	case 3:
		e->value ^= 1ULL << recipe_random(state) % 64;
		break;
	case 4:
		e->op = recipe_random(state) % ops_of(e->layer);
		break;
	default:
		some_edit(e, step, state);
	}
}

static void change(struct recipe *r, const struct recipe *other, u64 *state)
{
	u32 at = r->num ? recipe_random(state) % r->num : 0;

	switch (recipe_random(state) % 16) {
	case 0:
		r->arg = recipe_random(state);
		break;
	case 1:
		r->kind = recipe_random(state);
		break;
	case 2:
		if (recipe_random(state) % 8 == 0)
			r->step = recipe_random(state);
		break;
	case 3:
		if (r->num) {
			memmove(r->edits + at, r->edits + at + 1,
				(r->num - at - 1) * sizeof(r->edits[0]));
			r->num--;
		}
		break;
	case 4:
	case 5:
		if (other->num && r->num < RECIPE_EDITS_MAX)
			r->edits[r->num++] = other->edits[recipe_random(state) % other->num];
		break;
	default:
		if (r->num && recipe_random(state) % 2)
			change_edit(&r->edits[at], r->step % STEP_NUM, state);
		else if (r->num < RECIPE_EDITS_MAX)
			some_edit(&r->edits[r->num++], r->step % STEP_NUM, state);
	}
}

void recipe_mutate(struct recipe *r, const struct recipe *other, u64 *state)
{
	u32 n = 1 + recipe_random(state) % 4;

	while (n--)
		change(r, other, state);
	recipe_mend(r);
}
