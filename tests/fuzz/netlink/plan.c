// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Edits of what the peer says. An edit's op chooses a field of those that the
 * plan has; there are more plans than one in a recipe, and each looks at all edits.
 */
#include <string.h>
#include <time.h>

#include "plan.h"

/* A time, or no time at all */
static void bend_time(struct mikey_ts *t, const struct edit *e)
{
	switch (e->where % 4) {
	case 0:
		t->present = false;
		break;
	case 1:
		t->type = e->value % 4;
		break;
	case 2:
		t->value = e->value;
		break;
	default:
		*t = peer_time(time(NULL) + (int)e->value);
	}
}

static void bend_id(struct mikey_id *id, const struct edit *e)
{
	static const char *const ids[] = {
		"alice@example.test", "bob@example.test", "carol@example.test", "?@example.test",
		"?", "https://kms.example.test", "",
	};

	switch (e->where % 3) {
	case 0:
		id->present = false;
		break;
	case 1:
		id->type = e->value;
		break;
	default:
		id->data = peer_bytes(ids[e->value % ARRAY_SIZE(ids)]).data;
	}
}

void plan_ticket(struct peer_ticket *t, const struct recipe *r)
{
	struct peer_policy *p = &t->policy;

	for (u8 i = 0; i < r->num; i++) {
		const struct edit *e = &r->edits[i];

		if (e->layer != LAYER_PLAN)
			continue;
		switch (e->op % 32) {
		case 0:
			p->head.flags ^= 1 << e->value % 16;
			break;
		case 1:
			bend_time(&p->head.tr_s, e);
			break;
		case 2:
			bend_time(&p->head.tr_e, e);
			break;
		case 3:
			bend_time(&p->head.tr_r, e);
			break;
		case 4:
			bend_id(&p->head.idr_i, e);
			break;
		case 5:
			bend_id(&p->head.idr_kms, e);
			break;
		case 6:
			bend_id(&p->responder[0], e);
			break;
		case 7:		/* many of them, all the same */
			for (u32 n = p->num_responders; n && n < e->len % PEER_RESPONDERS_MAX; n++)
				p->responder[p->num_responders++] = p->responder[0];
			break;
		case 8:
			p->head.ticket_type = e->value;
			break;
		case 9:
			p->head.version = e->value;
			break;
		case 10:
			p->head.prf = e->value;
			break;
		case 11:
			p->num_apps = e->value % 2;
			break;
		case 12:
			bend_time(&t->issued, e);
			break;
		}
	}
}

void plan_transfer(struct peer_transfer *x, const struct recipe *r)
{
	for (u8 i = 0; i < r->num; i++) {
		const struct edit *e = &r->edits[i];

		if (e->layer != LAYER_PLAN)
			continue;
		switch (e->op % 32) {
		case 13:
			bend_time(&x->t, e);
			break;
		case 14:
			bend_id(&x->idr_i, e);
			break;
		case 15:
			bend_id(&x->idr_r, e);
			break;
		case 16:
			x->v ^= 1;
			x->prf = e->value;
			break;
		case 17:
			x->cs_id = e->value;
			x->prot_type ^= e->value >> 8;
			break;
		case 18:
			x->randr_i_len = e->len % 256;
			break;
		case 19:
			x->wrong_v = e->value & 1;
			x->wrong_vi = e->value & 2;
			x->wrong_vr = e->value & 4;
			break;
		}
	}
}

static void bend_key(struct peer_key *k, const struct edit *e)
{
	switch (e->op % 32) {
	case 20:
		k->type = e->value;
		break;
	case 21:
		k->key_len = e->value % (PEER_KEY_MAX + 1);
		break;
	case 22:
		k->spi_len = e->value % 256;
		break;
	case 23:
		k->spi[e->len % sizeof(k->spi)] ^= e->value;
		break;
	}
}

void plan_answer(struct peer_answer *a, const struct recipe *r)
{
	for (u8 i = 0; i < r->num; i++) {
		const struct edit *e = &r->edits[i];

		if (e->layer != LAYER_PLAN)
			continue;
		bend_key(&a->keys[e->where % PEER_KEYS_MAX], e);
		switch (e->op % 32) {
		case 24:
			a->num_keys = e->value % (PEER_KEYS_MAX + 1);
			break;
		case 25:
			bend_time(&a->t, e);
			break;
		case 26:
			bend_id(e->len & 1 ? &a->idr_kms : &a->idr_r, e);
			break;
		case 27:
			a->err.present ^= 1;
			a->err.error_no = e->value;
			break;
		case 28:
			a->kemac ^= 1;
			break;
		case 29:
			a->csb_id ^= e->value;
			break;
		case 30:
			a->randr_kms_len = e->len % 256;
			break;
		case 31:
			a->type = e->value;
			break;
		}
	}
}
