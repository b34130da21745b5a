// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The KMS's core with any message at both doors. The worlds are those of two
 * vectors, one for each profile, so that their messages are good ones to begin
 * with.
 *
 * The first byte says at which door (bit 0), in which world (bit 4) and what
 * is signed again after the fuzzer changed it: V with the user's PSK (bit 1),
 * Ticket Data with the TPK, or with D0 the initiator's PSK (bit 2), Vr with the
 * ticket's MPKr (bit 3), so that what lies behind the MACs is reached, too.
 * Whatever comes out is parsed: it must be a message.
 */
#include <stdlib.h>

#include "helper/kms/exchange.h"
#include "helper/kms/ticket.h"
#include "vectors.h"

#define NTP_EPOCH 2208988800LL
#define NOW (0xee000000LL - NTP_EPOCH + 0x20)

#define DOOR_RESOLVE 1
#define SIGN_V 2
#define SIGN_TICKET 4
#define SIGN_VR 8
#define WORLD_ANNEX_I 16

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static const struct vector_exchange *world;
static const struct mikey_suite *suite;
static struct kms_crypto *crypto;

static struct mikey_blob blob(struct vector_bytes v)
{
	return kms_blob(v.p, v.len);
}

static int store_psk(struct kms_store *s, struct mikey_blob psk_id,
		     struct kms_psk *psk)
{
	bool second = mikey_blob_eq(psk_id, blob(world->inputs.psk_r_id));
	struct mikey_blob key = blob(second ? world->inputs.psk_r :
				     world->inputs.psk_i);

	(void)s;
	memset(psk, 0, sizeof(*psk));
	if (!second && !mikey_blob_eq(psk_id, blob(world->inputs.psk_i_id)))
		return -ENOENT;
	psk->user = second;
	psk->suite = suite->id;
	psk->key_len = key.len;
	memcpy(psk->key, key.p, key.len);
	return 0;
}

static int store_uids(struct kms_store *s, s64 user, struct kms_uid *uids,
		      u32 *num)
{
	struct mikey_blob uid = blob(user ? world->inputs.id_r :
				     world->inputs.id_i);

	(void)s;
	uids[0].len = uid.len;
	memcpy(uids[0].data, uid.p, uid.len);
	*num = 1;
	return 0;
}

static int store_member(struct kms_store *s, enum kms_psi_role role,
			struct mikey_blob group, struct mikey_blob uid)
{
	(void)s;
	(void)role;
	return group.len == uid.len ? 0 : -ENOENT;
}

static int store_tpk(struct kms_store *s, struct mikey_blob name,
		     struct kms_tpk *tpk)
{
	(void)s;
	memset(tpk, 0, sizeof(*tpk));
	if (name.len != 5)
		return -ENOENT;
	memcpy(tpk->name, "tpk-1", 5);
	tpk->name_len = 5;
	tpk->key_len = world->inputs.tpk.len;
	memcpy(tpk->key, world->inputs.tpk.p, tpk->key_len);
	return 0;
}

static int store_tpk_for_ticket(struct kms_store *s, s64 now, s64 tre,
				struct kms_tpk *tpk)
{
	if (tre <= now)
		abort();
	return store_tpk(s, kms_blob("tpk-1", 5), tpk);
}

static int store_admit(struct kms_store *s, const struct kms_admission *a,
		       s64 *t)
{
	(void)s;
	*t = a->t_answer;
	return a->digest[0] & 0x0f ? 0 : -EALREADY;
}

static int store_group(struct kms_store *s, struct mikey_blob psi)
{
	(void)s;
	return psi.len & 1 ? 0 : -ENOENT;
}

static int store_kms_id(struct kms_store *s, u8 id[KMS_ID_LEN])
{
	(void)s;
	memcpy(id, "KMS001", KMS_ID_LEN);
	return 0;
}

static const struct kms_store_ops store_ops = {
	.psk = store_psk,
	.uids = store_uids,
	.member = store_member,
	.group = store_group,
	.tpk_for_ticket = store_tpk_for_ticket,
	.tpk = store_tpk,
	.admit = store_admit,
	.kms_id = store_kms_id,
};

static s64 env_now(void *ctx)
{
	(void)ctx;
	return NOW;
}

static int env_random(void *ctx, enum kms_random_use use, u8 *buf, size_t len)
{
	(void)ctx;
	memset(buf, 0x40 + use, len);
	return 0;
}

/* The core is the same in both worlds: they have the same KMS. */
static struct kms *core(void)
{
	static const struct kms_env env = { env_now, env_random, NULL };
	static char identity[64];
	static const char *const identities[] = { identity };
	static struct kms_policy policy;

	memcpy(identity, world->inputs.id_kms.p, world->inputs.id_kms.len);
	kms_policy_defaults(&policy);
	policy.identities = identities;
	policy.num_identities = 1;
	policy.terms.suites |= 1U << MIKEY_SUITE_ID_128;
	policy.terms.cacheable = true;
	crypto = kms_crypto_new();
	return kms_new(&policy, &env);
}

static void enter_world(u8 what)
{
	world = what & WORLD_ANNEX_I ? vector_exchange_annex_i_128 :
		vector_exchange_immediate_256;
	suite = mikey_suite_by_name(world->suite);
}

static void put_mac(struct mikey_blob at, enum mikey_auth_alg alg,
		    const u8 *auth, const struct mikey_cover *cover)
{
	u8 mac[MIKEY_MAC_MAX];
	int len = kms_mac(crypto, alg, kms_blob(auth, suite->mac_len), cover, mac);

	if (len > 0 && at.len == (u32)len)
		memcpy((u8 *)at.p, mac, len);
}

/* The keys of a ticket are what they would be under this key; an involution. */
static void crypt_keys(const struct mikey_ticket_data *td,
		       const struct kms_message_keys *under)
{
	u8 iv[16];

	mikey_aes_cm_iv(iv, under->salt, 0xffffffff, td->t.value);
	kms_aes_cm(crypto, suite->encr_alg, under->encr, iv,
		   (u8 *)td->kemac.encr_data.p, td->kemac.encr_data.len);
}

static void sign_ticket(const struct mikey_msg *m, u8 what)
{
	bool minted = mikey_mode_of(m->ticket.policy.flags) == MIKEY_MODE_INITIATOR;
	struct kms_ticket_keys keys = { 0 };
	struct mikey_initiator_data id;
	struct kms_message_keys tpk;
	struct mikey_ticket_data td;
	struct mikey_cover cover;
	struct mikey_label label;
	struct kms_mpks mpks;
	struct mikey_diag diag;
	u8 auth[MIKEY_MAC_MAX];

	if (mikey_ticket_data_parse(&td, &m->ticket, &diag))
		return;
	if (what & SIGN_TICKET) {
		kms_keys_of_ticket(crypto, suite, blob(world->inputs.tpk),
				   td.rand.data, &tpk);
		if (minted) {
			/* the keys of the vector's ticket, under the PSK now */
			crypt_keys(&td, &tpk);
			kms_keys_of_ticket(crypto, suite,
					   blob(world->inputs.psk_i),
					   td.rand.data, &tpk);
			crypt_keys(&td, &tpk);
		}
		mikey_cover_ticket(&cover, &m->ticket, &td);
		put_mac(td.v.mac, td.v.auth_alg, tpk.auth, &cover);
	}
	if (!(what & SIGN_VR) ||
	    mikey_initiator_data_parse(&id, m->ticket.initiator_data, &diag))
		return;
	memcpy(keys.mpk, world->inputs.mpk.p, world->inputs.mpk.len);
	kms_ticket_mpks(crypto, suite, &keys, td.rand.data, &mpks);
	mikey_label_vr(&label);
	kms_prf(crypto, suite->prf, kms_blob(mpks.mpk_r, suite->key_len),
		kms_blob(label.buf, label.len), auth, suite->mac_len);
	mikey_cover_vr(&cover, m->ticket.initiator_data, &id);
	put_mac(id.vr.mac, id.vr.auth_alg, auth, &cover);
}

static void sign(u8 *msg, size_t len, u8 what)
{
	struct kms_message_keys keys;
	struct mikey_cover cover;
	struct mikey_diag diag;
	struct mikey_msg m;

	if (mikey_msg_parse(&m, msg, len, MIKEY_EXT_PROOF_OF_ORIGIN_DEFAULT, &diag))
		return;
	if (m.ticket.present)
		sign_ticket(&m, what);
	if (!(what & SIGN_V) || !m.v.present)
		return;
	if (what & DOOR_RESOLVE)
		m.randr_i = (struct mikey_rand) { 0 };
	else
		m.randr_r = (struct mikey_rand) { 0 };
	kms_keys_of_message(crypto, suite, blob(what & DOOR_RESOLVE ?
						world->inputs.psk_r :
						world->inputs.psk_i),
			    &m, false, &keys);
	mikey_cover_message(&cover, &m, what & DOOR_RESOLVE ? m.idr_r.data :
			    m.idr_i.data, m.idr_kms.data);
	put_mac(m.v.mac, m.v.auth_alg, keys.auth, &cover);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct kms_store store = { &store_ops };
	static struct kms_answer answer;
	static struct kms *kms;
	struct mikey_diag diag;
	struct mikey_msg m;
	size_t len = size - 1;
	u8 *msg;
	int ret;

	if (!size)
		return 0;
	enter_world(data[0]);
	if (!kms)
		kms = core();
	/* of exactly its length, so that a read behind it is seen */
	msg = malloc(len ? len : 1);
	if (!msg || !kms)
		abort();
	memcpy(msg, data + 1, len);
	sign(msg, len, data[0]);
	ret = kms_handle(kms, &store, data[0] & DOOR_RESOLVE ?
			 KMS_TICKET_RESOLVE : KMS_TICKET_REQUEST, msg, len,
			 &answer);
	if (ret && ret != -EBADMSG)
		abort();
	if (!ret && mikey_msg_parse(&m, answer.buf, answer.len,
				    MIKEY_EXT_PROOF_OF_ORIGIN_DEFAULT, &diag))
		abort();
	free(msg);
	return 0;
}
