// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Zk on both of its sides; see zk.h. What a peer answers is read by
 * zk_reply.c.
 */
#include <openssl/crypto.h>
#include <stdlib.h>

#include "helper/kms/zk.h"

static bool is_text(struct mikey_blob b, const char *text)
{
	return mikey_blob_eq(b, kms_blob(text, strlen(text)));
}

bool kms_zk_speaks_for(const struct kms_peer *peer, const struct mikey_id *id)
{
	struct mikey_blob domain;
	size_t i;
	u32 at;

	if (!id->present || id->type != MIKEY_ID_NAI ||
	    id->data.len > MIKEY_UID_MAX || memchr(id->data.p, '?', id->data.len))
		return false;
	for (at = id->data.len; at && id->data.p[at - 1] != '@'; at--)
		;
	if (at < 2)
		return false;		/* no '@', or nobody before it */
	domain = kms_blob(id->data.p + at, id->data.len - at);
	for (i = 0; i < peer->num_domains; i++)
		if (is_text(domain, peer->domains[i]))
			return true;
	return false;
}

const struct kms_peer *kms_zk_issuer(const struct kms_policy *policy,
				     const struct mikey_policy *ticket)
{
	const struct mikey_id *id = &ticket->idr_kms;
	const struct kms_peer *peer;
	size_t i, k;

	if (kms_policy_is_us(policy, id) || id->type != MIKEY_ID_URI)
		return NULL;
	for (i = 0; i < policy->num_peers; i++) {
		peer = policy->peers[i];
		for (k = 0; k < peer->num_identities; k++)
			if (is_text(id->data, peer->identities[k]))
				return peer;
	}
	return NULL;
}

int kms_requester_uids(struct kms_exchange *ex, struct kms_uid *uids, u32 *num)
{
	int ret;

	if (ex->peer) {
		uids[0].len = ex->in.idr_r.data.len;
		memcpy(uids[0].data, ex->in.idr_r.data.p, uids[0].len);
		*num = 1;
		return 0;
	}
	ret = ex->store->ops->uids(ex->store, ex->psk.user, uids, num);
	return ret && ret != -EAGAIN ? -EIO : ret;
}

/*
 * Under which of its identities the user is addressed: the one it asked under,
 * if the ticket names it or none of them; else the first that is named. Groups
 * are known where the ticket was issued, not here.
 */
static int choose_identity(struct kms_exchange *ex, struct kms_uid *chosen)
{
	const struct mikey_policy *ticket = &ex->in.ticket.policy;
	struct mikey_blob asked = ex->in.idr_r.data;
	struct kms_uid uids[KMS_USER_UIDS_MAX];
	u32 num, i;
	int ret;

	chosen->len = asked.len;
	memcpy(chosen->data, asked.p, asked.len);
	if (mikey_policy_names(ticket, asked))
		return 0;
	ret = kms_requester_uids(ex, uids, &num);
	for (i = 0; !ret && i < num; i++) {
		if (mikey_policy_names(ticket, kms_blob(uids[i].data, uids[i].len))) {
			*chosen = uids[i];
			break;
		}
	}
	return ret;
}

static int write_init(struct kms_exchange *ex, struct kms_pending *p)
{
	const struct kms_env *env = &ex->kms->env;
	const struct mikey_ticket_payload *ticket = &ex->in.ticket;
	u8 csb_id[4], randr[MIKEY_KEY_MAX];
	struct mikey_builder b;
	struct mikey_ts t;
	int len;

	if (env->random(env->ctx, KMS_RANDOM_ZK_CSB_ID, csb_id, sizeof(csb_id)) ||
	    env->random(env->ctx, KMS_RANDOM_ZK_RANDR, randr,
			ex->suite->rand_len))
		return -EIO;
	p->csb_id = (u32)csb_id[0] << 24 | (u32)csb_id[1] << 16 |
		    (u32)csb_id[2] << 8 | csb_id[3];
	p->idr_kms = ticket->policy.idr_kms.data;
	mikey_build_begin(&b, p->msg, sizeof(p->msg));
	mikey_put_hdr(&b, MIKEY_DT_RESOLVE_INIT_PSK, true, ex->suite->prf,
		      p->csb_id);
	mikey_ts_from_unix(&t, ex->t);
	mikey_put_t(&b, &t);
	mikey_put_randr(&b, MIKEY_RANDR_R, kms_blob(randr, ex->suite->rand_len));
	mikey_put_idr(&b, MIKEY_IDR_R, MIKEY_ID_NAI,
		      kms_blob(p->asked.data, p->asked.len));
	mikey_put_idr(&b, MIKEY_IDR_KMS, MIKEY_ID_URI, p->idr_kms);
	mikey_put_ticket(&b, ticket->from_type);
	mikey_put_opaque16(&b, ticket->initiator_data);
	mikey_put_v(&b, MIKEY_AUTH_NULL, 0);
	len = mikey_build_end(&b);
	if (len < 0)
		return -EIO;
	p->len = len;
	return 0;
}

int kms_zk_ask(struct kms_exchange *ex, const struct mikey_profile *profile,
	       const struct kms_peer *peer)
{
	const struct mikey_policy *ticket = &ex->in.ticket.policy;
	struct kms_pending *p;
	int ret;

	/* A peer vouches for its own users, and for nobody else's. */
	if (!kms_zk_speaks_for(peer, &ticket->idr_i))
		return kms_refuse(ex, MIKEY_ERR_AUTH_FAILURE,
				  "IDRi is not of a domain that the issuing KMS speaks for");
	if (mikey_ts_to_unix(&ticket->tr_e) < ex->now)
		return kms_refuse(ex, MIKEY_ERR_AUTH_FAILURE,
				  "the ticket's validity period is over");
	if (!peer->asked)
		return kms_refuse(ex, MIKEY_ERR_AUTH_FAILURE,
				  "the issuing KMS is a peer that is never asked");
	p = calloc(1, sizeof(*p));
	if (!p)
		return -EAGAIN;
	p->peer = peer;
	p->profile = profile;
	ret = choose_identity(ex, &p->asked);
	if (!ret)
		ret = write_init(ex, p);
	if (ret) {
		kms_pending_free(p);
		return ret;
	}
	p->ex = *ex;
	p->ex.store = NULL;
	kms_hold_too(ex->kms, ex->held);
	ex->answer->pending = p;
	return KMS_ASKS;
}

const struct kms_peer *kms_pending_peer(const struct kms_pending *pending)
{
	return pending->peer;
}

struct mikey_blob kms_pending_message(const struct kms_pending *pending)
{
	return kms_blob(pending->msg, pending->len);
}

int kms_pending_finish(struct kms_pending *pending, const u8 *reply, size_t len)
{
	struct kms_exchange *ex = &pending->ex;
	struct kms_resolved out;
	int ret;

	/* Time has passed. */
	ex->t = kms_time_again(ex);
	ret = kms_zk_read(pending, reply, len, &out);
	if (!ret)
		ret = kms_resolve_answer(ex, &out);
	OPENSSL_cleanse(&out, sizeof(out));
	return kms_conclude(ex, ret);
}

void kms_pending_free(struct kms_pending *pending)
{
	if (!pending)
		return;
	/* Never finished, or not begun to wait. */
	if (pending->ex.held)
		kms_let_go(pending->ex.kms, pending->ex.held);
	OPENSSL_cleanse(pending, sizeof(*pending));
	free(pending);
}

/* HDR names the PRF and V nothing, so that the ticket tells the suite. */
static int find_suite(struct kms_exchange *ex)
{
	const struct kms_policy *policy = ex->policy;
	const struct mikey_suite *suite;
	struct mikey_ticket_data td;
	struct mikey_diag diag;
	u32 id;

	if (!ex->in.ticket.present)
		return kms_refuse(ex, MIKEY_ERR_INVALID_TICKET,
				  "there is no ticket");
	if (mikey_ticket_data_parse(&td, &ex->in.ticket, &diag))
		return kms_refuse(ex, MIKEY_ERR_INVALID_TICKET, diag.why);
	for (id = 0; id < 32; id++) {
		suite = policy->terms.suites & 1U << id ? mikey_suite_by_id(id) : NULL;
		if (suite && suite->prf == ex->in.hdr.prf &&
		    suite->auth_alg == td.v.auth_alg &&
		    suite->encr_alg == td.kemac.encr_alg) {
			ex->suite = suite;
			return 0;
		}
	}
	return kms_refuse(ex, MIKEY_ERR_INVALID_TICKET,
			  "the ticket's algorithms are not those of a suite that is on");
}

static int converse(struct kms_exchange *ex, const u8 *msg, size_t len)
{
	struct mikey_msg *m = &ex->in;
	struct mikey_diag diag;
	int ret;

	if (m->hdr.data_type != MIKEY_DT_RESOLVE_INIT_PSK)
		return kms_refuse(ex, MIKEY_ERR_INVALID_DT,
				  "a data type that does not belong between KMSs");
	if (mikey_msg_parse(m, msg, len, MIKEY_EXT_PROOF_OF_ORIGIN_DEFAULT,
			    &diag)) {
		m->hdr.prf = msg[3] & 0x7f;
		return kms_refuse(ex, MIKEY_ERR_UNSPECIFIED, diag.why);
	}
	memset(&m->randr_i, 0, sizeof(m->randr_i));
	if (!m->idr_r.present || !m->idr_kms.present || !m->v.present)
		return kms_refuse(ex, MIKEY_ERR_UNSPECIFIED,
				  "an identity is missing");
	if (m->v.auth_alg != MIKEY_AUTH_NULL)
		return kms_refuse(ex, MIKEY_ERR_INVALID_MAC,
				  "between KMSs V is NULL");
	kms_note_deed(ex, &m->idr_r, false);
	ret = find_suite(ex);
	if (!ret)
		ret = kms_check_head(ex, &m->randr_r);
	if (!ret)
		ret = kms_admit(ex, kms_blob(ex->peer->name,
					     strlen(ex->peer->name)));
	if (!ret)
		ret = kms_check_us(ex);
	if (!ret)
		ret = kms_resolve(ex);
	return ret;
}

int kms_handle_peer(struct kms *kms, struct kms_store *store,
		    const struct kms_peer *peer, const u8 *msg, size_t len,
		    struct kms_answer *answer)
{
	struct kms_exchange ex = {
		.store = store,
		.peer = peer,
		.answer = answer,
	};
	int ret = kms_begin(&ex, kms, msg, len);

	if (ret)
		return ret;
	/* TLS has seen to it. */
	answer->authentic = true;
	snprintf(answer->who, sizeof(answer->who), "peer:%s", peer->name);
	return kms_conclude(&ex, converse(&ex, msg, len));
}
