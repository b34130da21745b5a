// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bodies inside a test.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "body.h"

#define ICV_LEN 16
#define MAC_LEN 32

int lane_open(struct lane *l)
{
	return lane_open_kind(l, (struct peer_kind){ 0, 0 });
}

int lane_open_kind(struct lane *l, struct peer_kind kind)
{
	int err;

	term_session();
	err = term_open_kind(&l->alice, ALICE, kind);
	if (err)
		return err;
	err = term_open_kind(&l->bob, BOB, kind);
	if (err)
		return err;
	err = nlc_open(&l->mime, MIKEY_MIME_GENL_NAME, MIKEY_MIME_GENL_VERSION);
	if (err)
		return err;
	l->send = term_grant(&l->alice, BOB, &l->ticket);
	return l->send < 0 ? l->send : 0;
}

void lane_close(struct lane *l)
{
	nlc_close(&l->mime);
	term_close(&l->bob);
	term_close(&l->alice);
}

void body_put(struct nl_msg *m, int type, struct mikey_blob bytes)
{
	while (bytes.len) {
		u32 n = bytes.len < MIKEY_MIME_SEGMENT ? bytes.len : MIKEY_MIME_SEGMENT;

		if (nla_put(m, type, n, bytes.p))
			abort();
		bytes.p += n;
		bytes.len -= n;
	}
}

struct nl_msg *body_protect_msg(struct nlc *c, key_serial_t ticket,
				const char *recipient, struct mikey_blob entity)
{
	struct nl_msg *m = nlc_msg(c, MIKEY_MIME_CMD_PROTECT);

	nla_put_s32(m, MIKEY_MIME_A_TICKET, ticket);
	nla_put(m, MIKEY_MIME_A_RECIPIENT, strlen(recipient), recipient);
	body_put(m, MIKEY_MIME_A_ENTITY, entity);
	return m;
}

struct nl_msg *body_unprotect_msg(struct nlc *c, key_serial_t ticket,
				  struct mikey_blob transfer,
				  struct mikey_blob cms)
{
	struct nl_msg *m = nlc_msg(c, MIKEY_MIME_CMD_UNPROTECT);

	nla_put_s32(m, MIKEY_MIME_A_TICKET, ticket);
	nla_put(m, MIKEY_MIME_A_TRANSFER, transfer.len, transfer.p);
	if (cms.len)
		body_put(m, MIKEY_MIME_A_CMS, cms);
	else
		nla_put(m, MIKEY_MIME_A_CMS, 0, "");
	return m;
}

struct mikey_blob body_join(const struct nlc_reply *r, int type)
{
	u8 *buf = malloc(2 * 1024 * 1024);
	u32 len = 0;

	if (!buf)
		abort();
	for (u32 i = 0; i < r->num; i++) {
		u32 n = nla_len(r->many[i]);

		if (nla_type(r->many[i]) != type)
			continue;
		if (n > MIKEY_MIME_SEGMENT) {
			fprintf(stderr, "a segment of %u bytes\n", n);
			abort();
		}
		memcpy(buf + len, nla_data(r->many[i]), n);
		len += n;
	}
	return (struct mikey_blob){ buf, len };
}

struct mikey_blob body_attr(const struct nlc_reply *r, int type)
{
	struct nlattr *a = r->attr[type];

	return a ? (struct mikey_blob){ nla_data(a), nla_len(a) } :
		   (struct mikey_blob){ NULL, 0 };
}

bool body_is(struct mikey_blob b, const char *text)
{
	return mikey_blob_eq(b, (struct mikey_blob){ (const u8 *)text, strlen(text) });
}

struct mikey_blob body_entity(u32 len)
{
	u8 *p = malloc(len ? len : 1);

	if (!p)
		abort();
	for (u32 i = 0; i < len; i++)
		p[i] = i * 31 + (i >> 8) * 7 + (i >> 16);
	return (struct mikey_blob){ p, len };
}

struct mikey_blob letter_transfer(const struct letter *w)
{
	return (struct mikey_blob){ w->transfer.p, w->transfer.len };
}

struct mikey_blob letter_cms(const struct letter *w)
{
	return (struct mikey_blob){ w->cms.p, w->cms.len };
}

/* All forms end with their ICV or MAC. */
static struct mikey_blob make_proof(const struct letter *w, u32 form,
				    enum letter_proof proof, u8 *hash)
{
	u32 mac_len = form == MIKEY_FORM_AUTH_ENVELOPED ? ICV_LEN : MAC_LEN;

	SHA256(w->cms.p, w->cms.len, hash);
	if (proof == PROOF_WRONG)
		hash[31] ^= 1;
	if (proof == PROOF_MAC)
		return (struct mikey_blob){ w->cms.p + w->cms.len - mac_len, mac_len };
	return (struct mikey_blob){ hash, proof == PROOF_SHORT ? 31 : 32 };
}

struct cms_keys letter_keys(const struct letter *w)
{
	return (struct cms_keys){
		.keks = &w->x.keks,
		.len = w->x.suite->key_len,
		.id = w->x.spi,
	};
}

void letter_make(struct letter *w, const struct lane *l, const struct cms_plan *plan,
		 enum letter_proof proof, const char *entity, s64 sent)
{
	u8 hash[SHA256_DIGEST_LENGTH];
	struct cms_keys keys;

	peer_transfer_plan(&w->x, &l->ticket, BOB);
	if (sent)
		w->x.t = peer_time(sent);
	peer_transfer_write(&w->x, &w->transfer);	/* for the KEKs */
	keys = letter_keys(w);
	cms_make(&w->cms, plan, &keys,
		 (struct mikey_blob){ (const u8 *)entity, strlen(entity) });
	if (proof == PROOF_NONE)
		return;
	w->x.proof = (struct mikey_ext){
		.present = true,
		.type = MIKEY_EXT_PROOF_OF_ORIGIN_DEFAULT,
		.data = make_proof(w, plan->form, proof, hash),
	};
	peer_transfer_write(&w->x, &w->transfer);
	w->x.proof.present = false;	/* its data goes */
}

void letter_write(struct letter *w, const struct lane *l, u32 form,
		  enum letter_proof proof, const char *entity, s64 sent,
		  void (*bend)(struct edit_buf *object))
{
	const struct cms_plan plan = { .form = form, .bend = bend };

	letter_make(w, l, &plan, proof, entity, sent);
}

key_serial_t letter_admit(struct letter *w, struct lane *l)
{
	return term_admit(&l->bob, &l->ticket, &w->transfer);
}

int letter_open(const struct letter *w, struct nlc *c, key_serial_t ticket,
		struct nlc_reply *r)
{
	struct nlc_reply own;
	int err;

	err = nlc_call(c, body_unprotect_msg(c, ticket, letter_transfer(w), letter_cms(w)),
		       r ? r : &own);
	if (!r)
		nlc_free(&own);
	return err;
}

/* Send without NLM_F_ACK, and do not look at the answer. */
static void send_blindly(struct nlc *c, struct nl_msg *m)
{
	nlmsg_hdr(m)->nlmsg_flags &= ~NLM_F_ACK;
	if (nl_send_auto(c->sock, m) < 0)
		abort();
	nlmsg_free(m);
}

void letter_open_unheard(const struct letter *w, key_serial_t ticket)
{
	struct nlc full;

	if (nlc_open(&full, MIKEY_MIME_GENL_NAME, MIKEY_MIME_GENL_VERSION))
		abort();
	nl_socket_set_buffer_size(full.sock, 2048, 0);
	for (int i = 0; i < 20; i++)
		send_blindly(&full, nlc_msg(&full, MIKEY_MIME_CMD_STATS));
	send_blindly(&full, body_unprotect_msg(&full, ticket, letter_transfer(w), letter_cms(w)));
	nlc_close(&full);
}

u64 body_stat(struct nlc *c, int stat)
{
	struct nlc_reply r;
	struct nlattr *a;
	u64 value = (u64)-1;

	nlc_call(c, nlc_msg(c, MIKEY_MIME_CMD_STATS), &r);
	a = nlc_in(r.attr[MIKEY_MIME_A_STATS], stat, 0);
	if (a && nla_len(a) == 8)
		value = nla_get_u64(a);
	nlc_free(&r);
	return value;
}
