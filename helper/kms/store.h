/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the core asks of a store: users with PSKs and UIDs, groups, ticket
 * protection keys (TPKs) and the replay record.
 *
 * Every call returns 0 or -ENOENT (no such thing), -EKEYREJECTED (a row is
 * there but was tampered with), -EAGAIN (busy, try later) or -EIO.
 */
#ifndef HELPER_KMS_STORE_H
#define HELPER_KMS_STORE_H

#include "kmod/wire/message.h"

#define KMS_KEY_ID_MAX 255
#define KMS_TPK_NAME_MAX 64
#define KMS_ID_LEN 6		/* THDR: globally unique KMS id (TS 33.328) */
#define KMS_DIGEST_LEN 32
#define KMS_USER_UIDS_MAX 32

/**
 * struct kms_psk - a PSK; wipe with kms_psk_wipe()
 * @user: names its owner in the store
 * @expires: Unix time; 0 is never
 * @superseded: since when its owner has another one; 0 is not at all
 * @keep_until: once superseded: when the last ticket that its owner may have
 *	made with it (mode 3) is over
 */
struct kms_psk {
	s64 user;
	u32 suite;
	s64 expires;
	s64 superseded;
	s64 keep_until;
	u8 key_len;
	u8 key[MIKEY_KEY_MAX];
};

struct kms_tpk {
	u8 name_len;
	u8 name[KMS_TPK_NAME_MAX];
	u8 key_len;
	u8 key[MIKEY_KEY_MAX];
};

struct kms_uid {
	u8 len;
	u8 data[MIKEY_UID_MAX];
};

/**
 * struct kms_admission - one authenticated request for the replay record
 * @digest: of all that the keys of the answer are derived from, so that no
 *	key and IV are used twice, whatever else the request says
 * @psk_id: whose it is
 * @counter: @t counts requests (COUNTER) instead of telling the time
 * @t: Unix seconds, or the counter's value
 * @now: our time
 * @skew: how far apart @t and @now may be
 * @t_answer: the least time for the answer
 */
struct kms_admission {
	u8 digest[KMS_DIGEST_LEN];
	struct mikey_blob psk_id;
	bool counter;
	s64 t;
	s64 now;
	s64 skew;
	s64 t_answer;
};

/*
 * Who resolves tickets for a PSI: in profile immediate the members of the
 * group, in annex-i the list server that copies to them (TS 33.328 F.3.1).
 */
enum kms_psi_role {
	KMS_PSI_MEMBER,
	KMS_PSI_SERVER,
	KMS_PSI_ROLES
};

struct kms_store {
	const struct kms_store_ops *ops;
};

struct kms_store_ops {
	/*
	 * A PSK by its id, superseded ones included. What -ENOENT costs must
	 * not differ from what success costs.
	 */
	int (*psk)(struct kms_store *s, struct mikey_blob psk_id,
		   struct kms_psk *psk);

	/* All UIDs of a user, at most KMS_USER_UIDS_MAX, in a fixed order. */
	int (*uids)(struct kms_store *s, s64 user, struct kms_uid *uids,
		    u32 *num);

	/* 0 if @uid has this role for the group whose PSI is @group. */
	int (*member)(struct kms_store *s, enum kms_psi_role role,
		      struct mikey_blob group, struct mikey_blob uid);

	/* 0 if @psi is the PSI of a group, else -ENOENT. */
	int (*group)(struct kms_store *s, struct mikey_blob psi);

	/* The TPK for new tickets, which from now on is kept until @tre. */
	int (*tpk_for_ticket)(struct kms_store *s, s64 now, s64 tre,
			      struct kms_tpk *tpk);

	/*
	 * A TPK by its name, at the same cost whether it is there or not;
	 * -EKEYREVOKED if it was revoked.
	 */
	int (*tpk)(struct kms_store *s, struct mikey_blob name,
		   struct kms_tpk *tpk);

	/*
	 * Enter a request into the replay record: atomic among all processes
	 * and durable before it returns. 0 and @t, the time for the answer,
	 * never smaller than one given before; -EALREADY: seen before (or a
	 * counter that did not grow); -ETIME: older than the record reaches.
	 */
	int (*admit)(struct kms_store *s, const struct kms_admission *a,
		     s64 *t);

	/* This KMS's unique id. */
	int (*kms_id)(struct kms_store *s, u8 id[KMS_ID_LEN]);
};

void kms_psk_wipe(struct kms_psk *psk);
void kms_tpk_wipe(struct kms_tpk *tpk);

#endif
