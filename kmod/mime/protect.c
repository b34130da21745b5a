// SPDX-License-Identifier: GPL-2.0
/*
 * PROTECT: one MIME entity becomes a TRANSFER_INIT and a CMS object (TS
 * 33.328 Annex F), in one step.
 *
 * The CMS object is laid out first, the entity copied to its place in it and
 * encrypted there: the plain text is never anywhere else. Then its hash can
 * go into TRANSFER_INIT (Annex K).
 */
#include <linux/slab.h>

#include "../../uapi/mikey_ticket.h"
#include "form.h"
#include "mac.h"
#include "netlink.h"
#include "reply.h"
#include "stats.h"

/*
 * One command
 *
 * @form: how to protect
 * @alg: enum mikey_mime_content_alg, or 0
 * @recipient: IDRr
 * @entity_len: bytes of the entity
 * @proof: send the proof-of-origin extension where the profile has it
 * @list_service: the recipient is a URI-list service
 * @buf: what the CMS object is made in, @size bytes
 * @transfer: attribute of the reply that TRANSFER_INIT is made in
 * @session: keys; wiped with the rest at the end
 */
struct protect {
	const struct mime_form *form;
	struct mikey_blob recipient;
	u32 alg;
	u32 entity_len;
	bool proof;
	bool list_service;

	u32 size;
	u8 *buf;
	struct nlattr *transfer;
	struct mikey_ticket *ticket;
	struct mime_reply reply;

	struct mikey_session session;
	struct mime_fresh fresh;
	struct cms_layout cms;
};

static int read_form(struct protect *p, struct genl_info *info)
{
	const struct nlattr *form = info->attrs[MIKEY_MIME_A_FORM];
	const struct nlattr *alg = info->attrs[MIKEY_MIME_A_CONTENT_ALG];
	u32 number = form ? nla_get_u32(form) : MIKEY_FORM_AUTH_ENVELOPED;

	p->form = mime_form_find(number);
	if (!p->form)
		return mime_refuse(info, form, -EPROTONOSUPPORT, "this form is not known");
	if (!(mime_forms_allowed() & 1U << number))
		return mime_refuse(info, form, -EPROTONOSUPPORT, "this form is not allowed here");

	p->alg = alg ? nla_get_u32(alg) : p->form->default_alg;
	if (!p->form->default_alg && alg)
		return mime_refuse(info, alg, -EPROTONOSUPPORT,
				   "this form encrypts nothing and has no content algorithm");
	if (p->alg && !cms_cipher_find(number, p->alg, MIKEY_KEY_MAX))
		return mime_refuse(info, alg, -EPROTONOSUPPORT,
				   "this form has no such content algorithm");
	if (p->alg && !(mime_content_algs_allowed() & 1U << p->alg))
		return mime_refuse(info, alg ?: form, -EPROTONOSUPPORT,
				   "this content algorithm is not allowed here");
	return 0;
}

/* As wherever identities come in; a wildcard is a ticket's and nobody's UID. */
static bool is_uid(struct mikey_blob uid)
{
	u32 i;

	for (i = 0; i < uid.len; i++)
		if (uid.p[i] < ' ' || uid.p[i] == 0x7f || uid.p[i] == '?')
			return false;
	return true;
}

static int read_request(struct protect *p, struct genl_info *info)
{
	const struct nlattr *recipient = info->attrs[MIKEY_MIME_A_RECIPIENT];
	const struct nlattr *entity = info->attrs[MIKEY_MIME_A_ENTITY];
	u64 len;

	if (!info->attrs[MIKEY_MIME_A_TICKET])
		return mime_missing(info, MIKEY_MIME_A_TICKET, "the ticket is missing");
	if (!recipient)
		return mime_missing(info, MIKEY_MIME_A_RECIPIENT, "the recipient is missing");
	if (!entity)
		return mime_missing(info, MIKEY_MIME_A_ENTITY, "the entity is missing");
	if (!nla_len(recipient) || nla_len(recipient) > MIKEY_UID_MAX)
		return mime_refuse(info, recipient, -EINVAL,
				   "a recipient has 1 to 255 bytes");
	p->recipient = (struct mikey_blob){ nla_data(recipient), nla_len(recipient) };
	if (!is_uid(p->recipient))
		return mime_refuse(info, recipient, -EINVAL,
				   "a recipient has no control characters and no '?'");

	len = mime_segments_len(info, MIKEY_MIME_A_ENTITY);
	if (!len)
		return mime_refuse(info, entity, -EINVAL, "the entity is empty");
	if (len > mime_max_entity())
		return mime_refuse(info, entity, -EMSGSIZE,
				   "the entity is longer than max_entity");
	p->entity_len = len;
	p->proof = !nla_get_flag(info->attrs[MIKEY_MIME_A_NO_PROOF]);
	p->list_service = nla_get_flag(info->attrs[MIKEY_MIME_A_LIST_SERVICE]);
	return read_form(p, info);
}

/* All memory before the ticket is touched: want of it must not spend one. */
static int allocate(struct protect *p, struct genl_info *info)
{
	u32 size;
	int err;

	p->size = p->entity_len + MIKEY_MIME_CMS_OVERHEAD;
	p->buf = kvmalloc(p->size, GFP_KERNEL_ACCOUNT);
	if (!p->buf)
		return -ENOMEM;
	size = mikey_transfer_size(p->ticket, p->recipient.len);
	err = mime_reply_begin(&p->reply, info, &mime_family, MIKEY_MIME_CMD_PROTECT,
			       nla_total_size(size), p->size);
	if (err)
		return err;
	p->transfer = nla_reserve(p->reply.skb, MIKEY_MIME_A_TRANSFER, size);
	return p->transfer ? 0 : -EMSGSIZE;
}

/* The CMS object, in p->cms.object */
static int make_cms(struct protect *p, struct genl_info *info)
{
	const struct mikey_session *s = &p->session;
	struct cms_layout *cms = &p->cms;
	int err;

	cms->form = p->form->form;
	cms->kek_id = (struct mikey_blob){ s->spi, s->spi_len };
	cms->kek_len = s->suite->key_len;
	cms->content_len = p->entity_len;
	if (p->alg) {
		cms->cipher = cms_cipher_find(cms->form, p->alg, s->suite->key_len);
		if (!cms->cipher)
			return mime_refuse(info, NULL, -EPROTONOSUPPORT,
					   "this content algorithm has no key size of the ticket's suite");
		cms->nonce = (struct mikey_blob){ p->fresh.nonce, cms->cipher->nonce_sent };
	}

	err = cms_write(cms, p->buf, p->size);
	if (err)
		return err;
	mime_segments_copy(info, MIKEY_MIME_A_ENTITY, cms->content);
	return p->form->seal(cms, s, &p->fresh);
}

/* TRANSFER_INIT, and its attribute as short as it is */
static int make_transfer(struct protect *p, struct genl_info *info)
{
	struct mikey_blob proof = { NULL, 0 };
	u8 hash[CMS_DIGEST_LEN];
	int err, len;

	if (p->proof && p->session.profile->forked) {
		err = mime_sha256(p->cms.object, hash);
		if (err)
			return err;
		proof = (struct mikey_blob){ hash, sizeof(hash) };
	}
	len = mikey_transfer_write(p->ticket, &p->session, p->recipient, p->list_service,
				   proof, nla_data(p->transfer), nla_len(p->transfer),
				   info->extack);
	if (len < 0)
		return len;
	mime_reply_shorten(&p->reply, p->transfer, len);
	return 0;
}

static int protect(struct protect *p, struct genl_info *info)
{
	int err;

	err = read_request(p, info);
	if (err)
		return err;
	p->ticket = mikey_ticket_get(nla_get_s32(info->attrs[MIKEY_MIME_A_TICKET]),
				     MIKEY_ROLE_INITIATOR, info->extack);
	if (IS_ERR(p->ticket)) {
		err = PTR_ERR(p->ticket);
		p->ticket = NULL;
		return err;
	}
	err = allocate(p, info);
	if (err)
		return err;

	err = mikey_transfer_begin(p->ticket, &p->session, (u8 *)&p->fresh,
				   p->form->fresh, info->extack);
	err = err ?: mikey_session_keks(&p->session, p->form->keks);
	if (err)
		return err;
	err = make_cms(p, info);
	if (err)
		return err;
	err = make_transfer(p, info);
	if (err)
		return err;

	err = mime_reply_put_bytes(&p->reply, MIKEY_MIME_A_CMS, p->cms.object);
	if (err)
		return err;
	err = mime_reply_send(&p->reply, info);
	if (err)
		return err;
	mime_stats_add(MIKEY_MIME_S_PROTECTED, 1);
	mime_stats_add(MIKEY_MIME_S_BYTES_PROTECTED, p->entity_len);
	return 0;
}

static int check_and_protect(struct sk_buff *skb, struct genl_info *info)
{
	struct protect *p;
	int err;

	err = mime_check_opener(skb, info);
	if (err)
		return err;
	p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	if (!p)
		return -ENOMEM;
	err = protect(p, info);

	mime_reply_drop(&p->reply);
	mikey_session_wipe(&p->session);
	kvfree_sensitive(p->buf, p->size);
	if (p->ticket)
		mikey_ticket_put(p->ticket);
	kfree_sensitive(p);
	return err;
}

int mime_cmd_protect(struct sk_buff *skb, struct genl_info *info)
{
	int err = check_and_protect(skb, info);

	mime_segments_wipe(info, MIKEY_MIME_A_ENTITY);
	return err;
}
