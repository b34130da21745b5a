// SPDX-License-Identifier: GPL-2.0
/*
 * UNPROTECT: verify a TRANSFER_INIT and its CMS object and give out the MIME
 * entity in it, in one step (TS 33.328 Annexes F and K).
 *
 * Nothing is given out, remembered or spent before every check has passed;
 * after that, nothing can fail but handing the answer over.
 */
#include <linux/cred.h>
#include <linux/slab.h>

#include "../../uapi/mikey_ticket.h"
#include "form.h"
#include "mac.h"
#include "netlink.h"
#include "replay.h"
#include "reply.h"
#include "stats.h"

/*
 * One command
 *
 * @transfer: TRANSFER_INIT, in the request
 * @forms: mask of acceptable forms
 * @buf: the CMS object, @size bytes; decrypted in place, wiped at the end
 * @info: what TRANSFER_INIT says
 * @session: its keys; wiped at the end
 * @cms: the CMS object taken apart
 * @proved: enum mikey_mime_proved
 */
struct unprotect {
	struct mikey_blob transfer;
	u32 forms;

	struct mikey_ticket *ticket;
	u8 *buf;
	u32 size;
	struct mime_reply reply;

	struct mikey_transfer info;
	struct mikey_session session;
	struct cms_message cms;
	const struct mime_form *form;
	u32 proved;
};

static int read_request(struct unprotect *u, struct genl_info *info)
{
	const struct nlattr *transfer = info->attrs[MIKEY_MIME_A_TRANSFER];
	const struct nlattr *cms = info->attrs[MIKEY_MIME_A_CMS];
	const struct nlattr *forms = info->attrs[MIKEY_MIME_A_FORMS];
	u64 len;

	if (!info->attrs[MIKEY_MIME_A_TICKET])
		return mime_missing(info, MIKEY_MIME_A_TICKET, "the ticket is missing");
	if (!transfer)
		return mime_missing(info, MIKEY_MIME_A_TRANSFER, "TRANSFER_INIT is missing");
	if (!cms)
		return mime_missing(info, MIKEY_MIME_A_CMS, "the CMS object is missing");
	if (nla_len(transfer) > MIKEY_MSG_MAX)
		return mime_refuse(info, transfer, -EMSGSIZE, "TRANSFER_INIT is too long");
	u->transfer = (struct mikey_blob){ nla_data(transfer), nla_len(transfer) };

	len = mime_segments_len(info, MIKEY_MIME_A_CMS);
	if (len > (u64)mime_max_entity() + MIKEY_MIME_CMS_OVERHEAD)
		return mime_refuse(info, cms, -EMSGSIZE,
				   "the CMS object is longer than max_entity allows");
	u->size = len;
	u->forms = mime_forms_allowed();
	if (forms)
		u->forms &= nla_get_u32(forms);
	return 0;
}

static int get_ticket(struct unprotect *u, struct genl_info *info)
{
	struct mikey_ticket *ticket;

	ticket = mikey_ticket_get(nla_get_s32(info->attrs[MIKEY_MIME_A_TICKET]),
				  MIKEY_ROLE_RESPONDER, info->extack);
	if (IS_ERR(ticket))
		return PTR_ERR(ticket);
	u->ticket = ticket;
	return 0;
}

static int open_transfer(struct unprotect *u, struct genl_info *info)
{
	int err = mikey_transfer_open(u->ticket, u->transfer, &u->session,
				      &u->info, info->extack);

	/* here -EBADMSG is the CMS object's */
	if (err == -EBADMSG || err == -EPROTONOSUPPORT)
		err = -EKEYREJECTED;
	if (err == -EKEYREJECTED)
		mime_stats_add(MIKEY_MIME_S_BAD_TRANSFER, 1);
	return err;
}

/* Which forms and ciphers are acceptable is policy, no matter who sent it. */
static const char *forbidden(const struct unprotect *u)
{
	if (!u->form || !(u->forms & 1U << u->cms.form))
		return "the CMS object's form is not allowed here";
	if (u->cms.cipher && !(mime_content_algs_allowed() & 1U << u->cms.cipher->alg))
		return "the CMS object's content algorithm is not allowed here";
	return NULL;
}

/* Are these the KEK of the session and an algorithm of its suite? */
static const char *foreign(const struct cms_recipient *rcpt, const struct mikey_session *s)
{
	if (!mikey_blob_eq(rcpt->kek_id, (struct mikey_blob){ s->spi, s->spi_len }))
		return "the CMS object's key is not one of this TRANSFER_INIT";
	if (rcpt->kek_len != s->suite->key_len)
		return "the CMS object's algorithms are not those of the ticket's suite";
	return NULL;
}

/* What can be said of the CMS object without using a key */
static int read_cms(struct unprotect *u, struct genl_info *info)
{
	const struct nlattr *attr = info->attrs[MIKEY_MIME_A_CMS];
	struct mikey_diag diag;
	const char *why;
	int err;

	u->buf = kvmalloc(u->size ?: 1, GFP_KERNEL_ACCOUNT);
	if (!u->buf)
		return -ENOMEM;
	mime_segments_copy(info, MIKEY_MIME_A_CMS, u->buf);

	err = cms_read(&u->cms, (struct mikey_blob){ u->buf, u->size }, &diag);
	if (err)
		return mime_refuse(info, attr, err, diag.why);
	u->form = mime_form_find(u->cms.form);
	why = forbidden(u);
	if (why)
		return mime_refuse(info, attr, -EPROTONOSUPPORT, why);
	why = foreign(&u->cms.recipient, &u->session);
	if (!why && u->cms.inner.kek_len)
		why = foreign(&u->cms.inner, &u->session);
	return why ? mime_refuse(info, attr, -EBADMSG, why) : 0;
}

/*
 * Proof of origin (Annex K). An AEAD's tag does not commit to a key: whoever
 * has the KEK finds another body with the same tag. So only a hash over the
 * whole object ties the body to the initiator, and a copy of the tag says as
 * much as nothing at all.
 */
static int check_proof(struct unprotect *u, struct genl_info *info)
{
	const struct mikey_blob proof = u->info.proof;
	u8 hash[CMS_DIGEST_LEN];
	int err;

	if (!u->info.forked) {
		u->proved = MIKEY_PROVED_RECIPIENT;
		return 0;
	}
	u->proved = MIKEY_PROVED_INITIATOR;
	if (!u->info.has_proof || mikey_blob_eq(proof, u->cms.mac))
		return 0;

	err = mime_sha256((struct mikey_blob){ u->buf, u->size }, hash);
	if (err)
		return err;
	if (!mikey_blob_eq(proof, (struct mikey_blob){ hash, sizeof(hash) })) {
		mime_stats_add(MIKEY_MIME_S_BAD_TRANSFER, 1);
		return mime_refuse(info, info->attrs[MIKEY_MIME_A_CMS], -EKEYREJECTED,
				   "the proof of origin does not fit this CMS object");
	}
	u->proved = MIKEY_PROVED_BODY;
	return 0;
}

static int open_cms(struct unprotect *u, struct genl_info *info)
{
	int err = read_cms(u, info);

	if (!err)
		err = check_proof(u, info);
	if (!err)
		err = mikey_session_keks(&u->session, u->form->keks);
	if (!err) {
		err = u->form->open(&u->cms, &u->session);
		if (err == -EBADMSG)
			mime_refuse(info, info->attrs[MIKEY_MIME_A_CMS], err,
				    "the CMS object does not verify");
	}
	if (err == -EBADMSG || err == -EPROTONOSUPPORT)
		mime_stats_add(MIKEY_MIME_S_BAD_CMS, 1);
	return err;
}

static int fill_reply(struct unprotect *u, struct genl_info *info)
{
	const struct mikey_transfer *t = &u->info;
	size_t room = nla_total_size(t->initiator.len) +
		      nla_total_size(t->recipient.len) +
		      2 * nla_total_size(sizeof(u32)) +
		      nla_total_size_64bit(sizeof(s64));
	struct sk_buff *skb;
	int err;

	err = mime_reply_begin(&u->reply, info, &mime_family, MIKEY_MIME_CMD_UNPROTECT, room,
			       u->cms.content.len);
	if (err)
		return err;
	skb = u->reply.skb;
	if (nla_put(skb, MIKEY_MIME_A_INITIATOR, t->initiator.len, t->initiator.p) ||
	    nla_put(skb, MIKEY_MIME_A_RECIPIENT, t->recipient.len, t->recipient.p) ||
	    nla_put_u32(skb, MIKEY_MIME_A_PROVED, u->proved) ||
	    nla_put_u32(skb, MIKEY_MIME_A_FORM, u->cms.form) ||
	    nla_put_s64(skb, MIKEY_MIME_A_SENT, t->sent, MIKEY_MIME_A_PAD))
		return -EMSGSIZE;
	return mime_reply_put_bytes(&u->reply, MIKEY_MIME_A_ENTITY, u->cms.content);
}

/* The point of no return: remembered, spent, handed over. */
static int deliver(struct unprotect *u, struct genl_info *info)
{
	const struct mime_receipt receipt = {
		.uid = current_fsuid(),
		.reader = u->info.reader,
		.sender = u->info.initiator,
		.mac = u->info.vmac,
		.sent = u->info.sent,
	};
	int err;

	err = mime_replay_commit(&receipt, info->extack);
	if (err) {
		if (err == -EALREADY || err == -ESTALE)
			mime_stats_add(MIKEY_MIME_S_REPLAYS, 1);
		return err;
	}
	err = mikey_transfer_delivered(u->ticket, info->extack);
	if (!err)
		err = mime_reply_send(&u->reply, info);
	if (err) {
		/* nobody has seen it: a later copy is not a replay */
		mime_replay_forget(&receipt);
		return err;
	}
	mime_stats_add(MIKEY_MIME_S_OPENED, 1);
	mime_stats_add(MIKEY_MIME_S_BYTES_OPENED, u->cms.content.len);
	return 0;
}

static int unprotect(struct unprotect *u, struct genl_info *info)
{
	int err;

	err = read_request(u, info);
	if (!err)
		err = get_ticket(u, info);
	if (!err)
		err = open_transfer(u, info);
	if (!err)
		err = open_cms(u, info);
	if (!err)
		err = fill_reply(u, info);
	return err ?: deliver(u, info);
}

int mime_cmd_unprotect(struct sk_buff *skb, struct genl_info *info)
{
	struct unprotect *u;
	int err;

	err = mime_check_opener(skb, info);
	if (err)
		return err;
	u = kzalloc(sizeof(*u), GFP_KERNEL_ACCOUNT);
	if (!u)
		return -ENOMEM;
	err = unprotect(u, info);

	mime_reply_drop(&u->reply);
	mikey_session_wipe(&u->session);
	kvfree_sensitive(u->buf, u->size);
	if (u->ticket)
		mikey_ticket_put(u->ticket);
	kfree_sensitive(u);
	return err;
}
