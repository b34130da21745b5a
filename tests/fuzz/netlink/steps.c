// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The steps of a recipe: an honest exchange up to the request that is bent.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/sha.h>

#include "bytes.h"
#include "plan.h"
#include "stage.h"

#define ENTITY "Content-Type: text/plain\r\n\r\nhello"

/* One recipe at a time: what is large stands here. */
static const struct recipe *cooked;
static struct peer_ticket ticket;
static struct peer_transfer transfer;
static struct peer_answer answer;
static struct peer_msg message;
static struct term_exchange exchange;
static struct edit_buf object;

static void bend_message(struct peer_msg *m, void *arg)
{
	bytes_bend_msg(m, cooked, LAYER_MESSAGE, *(u32 *)arg);
}

static void bend_plain(struct peer_msg *m, void *arg)
{
	(void)arg;
	bytes_bend_msg(m, cooked, LAYER_PLAIN, 0);
}

static void bend_ticket(struct peer_msg *m, void *arg)
{
	bytes_bend_msg(m, cooked, LAYER_TICKET, *(u32 *)arg);
}

static void bend_cms(struct edit_buf *o)
{
	bytes_bend_cms(o, cooked, LAYER_DER);
	bytes_bend_cms(o, cooked, LAYER_CMS);
}

/* An object whose MAC is still to come must have a place for it. */
static void bend_cms_if(struct edit_buf *o)
{
	static struct edit_buf bent;

	bent = *o;
	bend_cms(&bent);
	if (bytes_der_has(&bent, "0.1.0.5") && bytes_der_has(&bent, "0.1.0.6"))
		*o = bent;
}

/* What PROTECT takes; the peer's letters follow as far as it can. */
static const struct {
	u32 form;
	u32 alg;
} forms[8] = {
	{ MIKEY_FORM_AUTH_ENVELOPED, 0 },
	{ MIKEY_FORM_AUTH_ENVELOPED, MIKEY_CONTENT_AES_CCM },
	{ MIKEY_FORM_AUTHENTICATED, 0 },
	{ MIKEY_FORM_AUTHENTICATED_ENVELOPED, 0 },
	{ MIKEY_FORM_AUTH_ENVELOPED, MIKEY_CONTENT_AES_GCM },
	{ MIKEY_FORM_AUTHENTICATED_ENVELOPED, MIKEY_CONTENT_AES_CBC },
	{ MIKEY_FORM_AUTHENTICATED, 0 },
	{ MIKEY_FORM_AUTHENTICATED_ENVELOPED, 0 },
};

static bool arg(u8 bit)
{
	return cooked->arg & bit;
}

/* Only annex-i has tickets that are kept, and they are reusable. */
static bool keeps(const struct stage *s)
{
	return arg(ARG_CACHEABLE) && s->kind.profile == MIKEY_PROFILE_ANNEX_I;
}

/* What both ask for in this recipe */
static void wish(struct stage *s)
{
	struct lane *l = &s->lane;

	l->alice.reusable = arg(ARG_REUSABLE) || keeps(s);
	l->alice.cacheable = keeps(s);
	l->alice.rekey = arg(ARG_REKEY) ? 600 : 0;
	l->bob.group = arg(ARG_MORE) ? "office@example.test" : NULL;
}

static const char *const *responders(void)
{
	static const char *const one[] = { BOB, NULL };
	static const char *const two[] = { BOB, CAROL, NULL };

	return arg(ARG_MORE) ? two : one;
}

static int step_request(struct stage *s)
{
	struct nl_msg *m = term_request_msg(&s->lane.alice, responders());

	if (arg(ARG_MINTED))
		nla_put_s64(m, MIKEY_TICKET_A_VALID_FROM, time(NULL) - 60);
	return stage_send(s, cooked, &s->lane.alice.nl, m, 0);
}

static int step_mint(struct stage *s)
{
	struct nl_msg *m = term_mint_msg(&s->lane.alice, responders());

	if (arg(ARG_MINTED))
		nla_put(m, MIKEY_TICKET_A_THDR, 8, "\0\1headr");
	return stage_send(s, cooked, &s->lane.alice.nl, m, 0);
}

/* The answer, bent below and above its MAC, into the exchange */
static int send_answer(struct stage *s, struct term *t, int cmd)
{
	u32 tail;

	plan_answer(&answer, cooked);
	tail = answer.mac ? peer_mac_len(answer.auth_alg) : 0;
	answer.bend = bend_message;
	answer.bend_plain = bend_plain;
	answer.arg = &tail;
	peer_answer_write(&answer, &message);
	bytes_bend_msg(&message, cooked, LAYER_BEHIND, 0);
	return stage_send(s, cooked, &t->nl,
			  term_answer_msg(t, cmd, exchange.id, message.p, message.len),
			  exchange.id);
}

static void plan_error(void)
{
	peer_error_plan(&answer, cooked->kind / SCENE_KINDS % 16);
	answer.mac = !arg(ARG_MINTED);
}

/* Whatever is to be bent in a ticket whose MAC fits */
static void bend_tickets(struct peer_ticket *t, u32 *tail)
{
	*tail = peer_mac_len(t->suite->auth_alg);
	t->bend = bend_ticket;
	t->arg = tail;
}

static int step_grant(struct stage *s, bool error)
{
	struct term *t = &s->lane.alice;
	u32 tail;

	if (term_request(t, BOB, &exchange) ||
	    peer_grant_plan(&answer, &ticket, &t->psk, exchange.msg, exchange.len))
		return SCENE_NEVER;
	plan_ticket(&ticket, cooked);
	bend_tickets(&ticket, &tail);
	if (error)
		plan_error();
	return send_answer(s, t, MIKEY_TICKET_CMD_GRANT);
}

/* A ticket of alice's for bob, in the form that the recipe wants */
static void write_ticket(struct stage *s, u32 *tail)
{
	peer_ticket_plan_kind(&ticket, s->kind, TERM_KMS, ALICE, BOB);
	if (arg(ARG_MINTED))
		peer_ticket_mint(&ticket, &s->lane.alice.psk);
	if (keeps(s))
		ticket.policy.head.flags &= ~MIKEY_FLAG_E;
	else if (!arg(ARG_REUSABLE))
		ticket.policy.head.flags &= ~MIKEY_FLAG_J;
	plan_ticket(&ticket, cooked);
	bend_tickets(&ticket, tail);
	peer_ticket_write(&ticket);
}

static void write_transfer(void)
{
	u32 tail;

	peer_transfer_plan(&transfer, &ticket, BOB);
	plan_transfer(&transfer, cooked);
	tail = peer_mac_len(transfer.auth_alg);
	transfer.bend = bend_message;
	transfer.arg = &tail;
	peer_transfer_write(&transfer, &message);
	transfer.bend = NULL;
}

static int step_resolve(struct stage *s)
{
	struct term *t = &s->lane.bob;
	struct nl_msg *m;
	u32 tail;

	write_ticket(s, &tail);
	if (keeps(s)) {
		/* a first message, so that this one finds the kept ticket */
		peer_transfer_plan(&transfer, &ticket, BOB);
		peer_transfer_write(&transfer, &message);
		s->received = term_admit(t, &ticket, &message);
	}
	write_transfer();
	bytes_bend_msg(&message, cooked, LAYER_BEHIND, 0);
	m = term_resolve_msg(t, &message);
	if (arg(ARG_MORE))
		nla_put(m, MIKEY_TICKET_A_LIST_SERVICE, strlen(CAROL), CAROL);
	if (keeps(s))
		nla_put_s32(m, MIKEY_TICKET_A_KEYRING, s->tickets);
	return stage_send(s, cooked, &t->nl, m, 0);
}

static int step_admit(struct stage *s, bool error)
{
	struct term *t = &s->lane.bob;
	u32 tail;

	write_ticket(s, &tail);
	peer_transfer_plan(&transfer, &ticket, BOB);
	peer_transfer_write(&transfer, &message);
	if (term_resolve(t, &message, &exchange, NULL) ||
	    peer_resolve_plan(&answer, &ticket, &t->psk, exchange.msg, exchange.len, true))
		return SCENE_NEVER;
	if (error)
		plan_error();
	return send_answer(s, t, MIKEY_TICKET_CMD_ADMIT);
}

static int step_info(struct stage *s)
{
	struct nl_msg *m = nlc_msg_room(&s->lane.alice.nl, MIKEY_TICKET_CMD_INFO, 4096);

	nla_put_s32(m, MIKEY_TICKET_A_TICKET, s->lane.send);
	return stage_send(s, cooked, &s->lane.alice.nl, m, 0);
}

static int step_protect(struct stage *s)
{
	struct nl_msg *m = body_protect_msg(&s->lane.mime, s->lane.send, BOB,
					    (struct mikey_blob){ (const u8 *)ENTITY,
								 strlen(ENTITY) });
	u32 alg = forms[ARG_FORM(cooked->arg)].alg;

	nla_put_u32(m, MIKEY_MIME_A_FORM, forms[ARG_FORM(cooked->arg)].form);
	if (alg)
		nla_put_u32(m, MIKEY_MIME_A_CONTENT_ALG, alg);
	if (arg(ARG_REUSABLE))
		nla_put_flag(m, MIKEY_MIME_A_NO_PROOF);
	return stage_send(s, cooked, &s->lane.mime, m, 0);
}

/* The object, and the proof of origin that fits it as it is by then */
static void write_letter(u8 *hash)
{
	struct cms_plan plan = {
		.form = forms[ARG_FORM(cooked->arg)].form,
		.bend = bend_cms_if,
	};
	struct cms_keys keys;

	if (plan.form == MIKEY_FORM_AUTH_ENVELOPED) {
		plan.bend = bend_cms;
		plan.alg = forms[ARG_FORM(cooked->arg)].alg;
	}
	write_transfer();		/* for the KEKs */
	keys = (struct cms_keys){ &transfer.keks, transfer.suite->key_len, transfer.spi };
	cms_make(&object, &plan, &keys,
		 (struct mikey_blob){ (const u8 *)ENTITY, strlen(ENTITY) });
	if (arg(ARG_REUSABLE))
		return;
	SHA256(object.p, object.len, hash);
	transfer.proof = (struct mikey_ext){
		.present = true,
		.type = MIKEY_EXT_PROOF_OF_ORIGIN_DEFAULT,
		.data = { hash, SHA256_DIGEST_LENGTH },
	};
}

static int step_unprotect(struct stage *s)
{
	u8 hash[SHA256_DIGEST_LENGTH];
	u32 tail;

	ticket = s->lane.ticket;
	ticket.bend = NULL;
	write_letter(hash);
	tail = peer_mac_len(transfer.auth_alg);
	transfer.bend = bend_message;
	transfer.arg = &tail;
	peer_transfer_write(&transfer, &message);
	s->received = term_admit(&s->lane.bob, &ticket, &message);
	if (s->received < 0)
		return SCENE_NEVER;
	bytes_bend_msg(&message, cooked, LAYER_BEHIND, 0);
	bytes_bend_cms(&object, cooked, LAYER_CMS_BEHIND);
	return stage_send(s, cooked, &s->lane.mime,
			  body_unprotect_msg(&s->lane.mime, s->received,
					     (struct mikey_blob){ message.p, message.len },
					     (struct mikey_blob){ object.p, object.len }), 0);
}

static int step_bare(struct stage *s, struct nlc *c, u8 cmd)
{
	return stage_send(s, cooked, c, nlc_msg_room(c, cmd, 4096), 0);
}

static int step(struct stage *s)
{
	switch (cooked->step) {
	case STEP_REQUEST:
		return step_request(s);
	case STEP_GRANT:
	case STEP_GRANT_ERROR:
		return step_grant(s, cooked->step == STEP_GRANT_ERROR);
	case STEP_MINT:
		return step_mint(s);
	case STEP_RESOLVE:
		return step_resolve(s);
	case STEP_ADMIT:
	case STEP_ADMIT_ERROR:
		return step_admit(s, cooked->step == STEP_ADMIT_ERROR);
	case STEP_INFO:
		return step_info(s);
	case STEP_TICKET_STATS:
		return step_bare(s, &s->lane.alice.nl, MIKEY_TICKET_CMD_STATS);
	case STEP_TICKET_CAPS:
		return step_bare(s, &s->lane.alice.nl, MIKEY_TICKET_CMD_CAPS);
	case STEP_PROTECT:
		return step_protect(s);
	case STEP_UNPROTECT:
		return step_unprotect(s);
	case STEP_MIME_STATS:
		return step_bare(s, &s->lane.mime, MIKEY_MIME_CMD_STATS);
	default:
		return step_bare(s, &s->lane.mime, MIKEY_MIME_CMD_CAPS);
	}
}

int stage_step(struct stage *s, const struct recipe *r)
{
	int err;

	cooked = r;
	wish(s);
	err = step(s);
	if (arg(ARG_TWICE) && err != SCENE_NEVER)
		step(s);
	return err;
}
