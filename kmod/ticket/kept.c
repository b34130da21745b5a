// SPDX-License-Identifier: GPL-2.0
/*
 * Finding a kept ticket again.
 *
 * The description only leads to it: it has half a digest, and whoever may
 * write the keyring may link other tickets there. What decides is in the
 * ticket: the digest of the whole TICKET, so that its keys are those that the
 * KMS took out of these bytes; profile and suite; and who asked the KMS, with
 * which PSK and as whom, because the KMS's answer was for nobody else. A
 * ticket that another recipient resolved lies in that recipient's keyrings
 * and would have another asker. The PSK's digest is compared as well: its key
 * can have had other bytes then, of somebody who played the KMS.
 *
 * The message must verify under it before anybody hears of it, as it must in
 * ADMIT. That it does not is no reason to ask the KMS, which would bring the
 * same keys.
 */
#include <crypto/algapi.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/xarray.h>

#include "inbound.h"
#include "kept.h"
#include "key.h"
#include "netlink.h"
#include "transfer.h"

/* How many each user has, by kernel uid. Tickets may die in an interrupt. */
static DEFINE_XARRAY_FLAGS(kept_by_user, XA_FLAGS_LOCK_IRQ);

static unsigned long kept_by(kuid_t uid)
{
	void *entry = xa_load(&kept_by_user, __kuid_val(uid));

	return entry ? xa_to_value(entry) : 0;
}

bool mikey_kept_count(kuid_t uid)
{
	bool counted = false;
	unsigned long num;

	xa_lock_irq(&kept_by_user);
	num = kept_by(uid);
	if (num < MIKEY_TICKET_KEPT_MAX)
		counted = !xa_is_err(__xa_store(&kept_by_user, __kuid_val(uid),
						xa_mk_value(num + 1),
						GFP_ATOMIC));
	xa_unlock_irq(&kept_by_user);
	return counted;
}

/* Storing where something is stored already needs no memory. */
void mikey_kept_uncount(kuid_t uid)
{
	unsigned long flags, num;

	xa_lock_irqsave(&kept_by_user, flags);
	num = kept_by(uid) - 1;
	if (num)
		__xa_store(&kept_by_user, __kuid_val(uid), xa_mk_value(num),
			   GFP_NOWAIT);
	else
		__xa_erase(&kept_by_user, __kuid_val(uid));
	xa_unlock_irqrestore(&kept_by_user, flags);
}

int mikey_kept_asker(key_serial_t psk, struct mikey_blob identity,
		     struct mikey_blob kms, u8 asker[32])
{
	const struct mikey_blob parts[] = {
		{ (const u8 *)&psk, sizeof(psk) },
		{ (const u8 *)&identity.len, sizeof(identity.len) },
		identity, kms,
	};

	return mikey_sha256(parts, ARRAY_SIZE(parts), asker);
}

static bool is_ours(struct mikey_ticket *t,
		    const struct mikey_exchange *ex, const u8 digest[32])
{
	const struct mikey_received *r = mikey_received(t);

	return r && r->kept &&
	       t->profile_id == ex->profile->id && t->suite_id == ex->suite->id &&
	       !crypto_memneq(r->digest, digest, sizeof(r->digest)) &&
	       !crypto_memneq(r->asker, ex->asker, sizeof(r->asker)) &&
	       !crypto_memneq(t->psk, ex->psk_digest, sizeof(t->psk));
}

/* One whose keys have died meanwhile is as good as none. */
static struct mikey_ticket *verify(struct mikey_ticket *t,
				   const struct mikey_msg *m,
				   struct mikey_why *why)
{
	struct mikey_blob spi = { t->spi, t->spi_len };
	struct mikey_secrets secrets;
	struct mikey_ticket *found = NULL;
	int err;

	if (!mikey_ticket_borrow(t, &secrets)) {
		err = mikey_inbound_verify(m, mikey_ticket_suite(t), &secrets.mpk_i, spi,
					   why);
		found = err ? ERR_PTR(err) : t;
	}
	memzero_explicit(&secrets, sizeof(secrets));
	return found;
}

struct mikey_ticket *mikey_kept_find(struct genl_info *info,
				     const struct mikey_exchange *ex,
				     const struct mikey_msg *m,
				     struct mikey_why *why)
{
	struct nlattr *keyring = info->attrs[MIKEY_TICKET_A_KEYRING];
	char desc[MIKEY_KEY_DESC_MAX];
	struct mikey_ticket *t, *found = NULL;
	u8 digest[32];
	int err;

	if (!keyring)
		return NULL;
	err = mikey_sha256(&m->ticket.from_type, 1, digest);
	if (err)
		return ERR_PTR(err);
	mikey_key_describe_received(desc, m->ticket.policy.idr_i.data, digest);
	t = mikey_key_search(nla_get_s32(keyring), desc, why);
	if (IS_ERR_OR_NULL(t))
		return t;
	if (is_ours(t, ex, digest))
		found = verify(t, m, why);
	if (IS_ERR_OR_NULL(found))
		mikey_ticket_put(t);
	return found;
}
