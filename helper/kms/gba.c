// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PSKs from GBA as a store; see gba.h. An id with the domain of the BSF is a
 * B-TID and nothing else: a PSK of the same name in the store behind is never
 * looked at, so that neither source can speak for the other.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

#include "helper/kms/gba.h"
#include "kmod/wire/profile.h"

static bool is_btid(const struct kms_gba *gba, struct mikey_blob id)
{
	const u8 *at = memrchr(id.p, '@', id.len);
	struct mikey_blob domain;
	size_t i;

	if (!at || at == id.p)
		return false;
	domain.p = at + 1;
	domain.len = id.p + id.len - domain.p;
	for (i = 0; i < gba->num_domains; i++)
		if (strlen(gba->domains[i]) == domain.len &&
		    !memcmp(gba->domains[i], domain.p, domain.len))
			return true;
	return false;
}

static void want(struct kms_gba *gba, const struct mikey_id *id)
{
	struct kms_gba_wanted *w = &gba->wanted[gba->num];

	if (!id->present || id->type != MIKEY_ID_BYTES || !id->data.len ||
	    id->data.len > KMS_KEY_ID_MAX || !is_btid(gba, id->data))
		return;
	w->btid_len = id->data.len;
	memcpy(w->btid, id->data.p, id->data.len);
	gba->num++;
}

void kms_gba_begin(struct kms_gba *gba, const char *const *domains,
		   size_t num_domains, const u8 *msg, size_t len)
{
	struct mikey_ticket_data td;
	struct mikey_diag diag;
	struct mikey_msg m;

	memset(gba, 0, sizeof(*gba));
	gba->domains = domains;
	gba->num_domains = num_domains;
	if (mikey_msg_parse(&m, msg, len, MIKEY_EXT_PROOF_OF_ORIGIN_DEFAULT, &diag))
		return;
	want(gba, &m.idr_psk);
	/* a ticket of mode 3 is under its maker's PSK */
	if (m.ticket.present &&
	    mikey_mode_of(m.ticket.policy.flags) == MIKEY_MODE_INITIATOR &&
	    !mikey_ticket_data_parse(&td, &m.ticket, &diag))
		want(gba, &td.idr_psk);
}

static struct kms_gba *gba_of(struct kms_store *s)
{
	return (struct kms_gba *)((char *)s - offsetof(struct kms_gba, store));
}

/* Its owners are -1 and -2, which no store has. */
static int gba_psk(struct kms_store *s, struct mikey_blob id,
		   struct kms_psk *psk)
{
	struct kms_gba *gba = gba_of(s);
	const struct kms_gba_wanted *w;
	u32 i;
	int ret;

	/* its cost is that of any PSK */
	ret = gba->inner->ops->psk(gba->inner, id, psk);
	if (!is_btid(gba, id))
		return ret;
	kms_psk_wipe(psk);
	for (i = 0; i < gba->num; i++) {
		w = &gba->wanted[i];
		if (!w->found || w->btid_len != id.len ||
		    memcmp(w->btid, id.p, id.len))
			continue;
		psk->user = -1 - (s64)i;
		psk->suite = MIKEY_SUITE_ID_256;
		psk->expires = w->entry.expires;
		psk->key_len = KMS_GBA_KEY_LEN;
		memcpy(psk->key, w->entry.key, KMS_GBA_KEY_LEN);
		return 0;
	}
	return ret == -EAGAIN || ret == -EIO ? ret : -ENOENT;
}

static int gba_uids(struct kms_store *s, s64 user, struct kms_uid *uids,
		    u32 *num)
{
	struct kms_gba *gba = gba_of(s);
	const struct kms_gba_entry *e;

	if (user >= 0)
		return gba->inner->ops->uids(gba->inner, user, uids, num);
	if (-1 - user >= gba->num)
		return -ENOENT;
	e = &gba->wanted[-1 - user].entry;
	memcpy(uids, e->uids, e->num_uids * sizeof(*uids));
	*num = e->num_uids;
	return 0;
}

static int gba_member(struct kms_store *s, enum kms_psi_role role,
		      struct mikey_blob group, struct mikey_blob uid)
{
	struct kms_store *inner = gba_of(s)->inner;

	return inner->ops->member(inner, role, group, uid);
}

static int gba_tpk_for_ticket(struct kms_store *s, s64 now, s64 tre,
			      struct kms_tpk *tpk)
{
	struct kms_store *inner = gba_of(s)->inner;

	return inner->ops->tpk_for_ticket(inner, now, tre, tpk);
}

static int gba_tpk(struct kms_store *s, struct mikey_blob name,
		   struct kms_tpk *tpk)
{
	struct kms_store *inner = gba_of(s)->inner;

	return inner->ops->tpk(inner, name, tpk);
}

static int gba_admit(struct kms_store *s, const struct kms_admission *a, s64 *t)
{
	struct kms_gba *gba = gba_of(s);

	/* Counters are kept with PSKs, and this one is not in the store. */
	if (a->counter && is_btid(gba, a->psk_id))
		return -EALREADY;
	return gba->inner->ops->admit(gba->inner, a, t);
}

static int gba_kms_id(struct kms_store *s, u8 id[KMS_ID_LEN])
{
	struct kms_store *inner = gba_of(s)->inner;

	return inner->ops->kms_id(inner, id);
}

static const struct kms_store_ops gba_ops = {
	.psk = gba_psk,
	.uids = gba_uids,
	.member = gba_member,
	.tpk_for_ticket = gba_tpk_for_ticket,
	.tpk = gba_tpk,
	.admit = gba_admit,
	.kms_id = gba_kms_id,
};

struct kms_store *kms_gba_store(struct kms_gba *gba, struct kms_store *inner)
{
	gba->store.ops = &gba_ops;
	gba->inner = inner;
	return &gba->store;
}

void kms_gba_wipe(struct kms_gba *gba)
{
	OPENSSL_cleanse(gba, sizeof(*gba));
}
