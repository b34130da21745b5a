/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between two KMSs (TS 33.328 B.2.3, reference point Zk; RFC 6043 10): the
 * user's KMS (KMS_R) passes a ticket on to the KMS that issued it (KMS_I), and
 * protects the keys that come back for its user.
 *
 *	RESOLVE_INIT = HDR, T, RANDRr, IDRr, IDRkms, TICKET, V(NULL)
 *	RESOLVE_RESP = HDR, T, IDRkms, KEMAC(NULL), [IDRr, RANDRkms], V(NULL)
 *
 * TLS with certificates on both sides protects both; who is on the other side
 * is the caller's to know, what it may say is looked at here.
 */
#ifndef HELPER_KMS_ZK_H
#define HELPER_KMS_ZK_H

#include "helper/kms/ticket.h"

#define KMS_RAND_MAX 255		/* one byte says how long (RFC 6043 6.8) */

/* What a RESOLVE_RESP carries. Wipe with OPENSSL_cleanse(). */
struct kms_resolved {
	const struct mikey_profile *profile;
	u8 mpk_i[MIKEY_KEY_MAX];
	u8 mpk_r[MIKEY_KEY_MAX];	/* forked; unused without forking */
	struct kms_ticket_keys keys;	/* the traffic key and its SPI */
	struct kms_uid matched;		/* for whom MPKr was forked */
	u8 randr_kms[KMS_RAND_MAX];
	u8 randr_len;
};

/*
 * A user's exchange that waits for a peer.
 * @ex: the user's
 * @asked: IDRr to the peer
 * @idr_kms, @csb_id: of the RESOLVE_INIT to the peer, @len bytes in @msg
 */
struct kms_pending {
	struct kms_exchange ex;
	const struct kms_peer *peer;
	const struct mikey_profile *profile;
	struct kms_uid asked;
	struct mikey_blob idr_kms;
	u32 csb_id;
	u32 len;
	u8 msg[MIKEY_MSG_MAX];
};

/**
 * kms_resolve_answer() - RESOLVE_RESP to a user or to a peer
 *
 * Return: 0 or -EIO.
 */
int kms_resolve_answer(struct kms_exchange *ex, const struct kms_resolved *out);

/*
 * The identities of who wants a ticket resolved: a user's own, at most
 * KMS_USER_UIDS_MAX, or the one that a peer names. 0, -EAGAIN or -EIO.
 */
int kms_requester_uids(struct kms_exchange *ex, struct kms_uid *uids, u32 *num);

/* Is @id the name of a user, without wildcards, of one of the peer's domains? */
bool kms_zk_speaks_for(const struct kms_peer *peer, const struct mikey_id *id);

/* The peer whose IDRkms a ticket has, or NULL: our own, or nobody's. */
const struct kms_peer *kms_zk_issuer(const struct kms_policy *policy,
				     const struct mikey_policy *ticket);

/**
 * kms_zk_ask() - prepare a RESOLVE_INIT to the KMS that issued a ticket
 * @profile: the ticket's, whose form was checked
 *
 * Return: KMS_ASKS with the pending exchange in the answer, KMS_REFUSED,
 * -EAGAIN or -EIO.
 */
int kms_zk_ask(struct kms_exchange *ex, const struct mikey_profile *profile,
	       const struct kms_peer *peer);

/**
 * kms_zk_read() - check a peer's answer and take the keys out
 * @out: filled in after 0
 *
 * Return: 0, KMS_REFUSED if the peer refused the ticket, or -EAGAIN with
 * words in the answer if it is not an answer to what was asked.
 */
int kms_zk_read(struct kms_pending *p, const u8 *reply, size_t len,
		struct kms_resolved *out);

#endif
