/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an administrator does with a store: users, groups, TPKs, the replay
 * record. Each call is one transaction: all of it happens, or nothing.
 *
 * All return 0 or a negative errno with words.
 */
#ifndef HELPER_KMS_ADMIN_H
#define HELPER_KMS_ADMIN_H

#include "helper/kms/database.h"
#include "helper/lib/uid.h"

/**
 * struct kms_user_spec - a user to add
 * @uids: at least one, at most KMS_USER_UIDS_MAX
 * @psk_id: IDRpsk; 1 to KMS_KEY_ID_MAX bytes
 * @psk: suite, expires, key; @psk.user is ignored
 */
struct kms_user_spec {
	const struct uid *uids;
	size_t num_uids;
	const char *psk_id;
	struct kms_psk psk;
};

int kms_user_add(struct kms_database *d, const struct kms_user_spec *spec,
		 s64 now, struct problem *problem);

/* Removes the user who has @uid, all UIDs, PSKs and memberships. */
int kms_user_del(struct kms_database *d, const struct uid *uid,
		 struct problem *problem);

/* One user as it is listed. */
struct kms_user_row {
	s64 created;
	struct mikey_blob psk_id;
	u32 suite;
	s64 expires;
	u32 num_uids;
	struct kms_uid uids[KMS_USER_UIDS_MAX];
};

/* All users, or the one who has @uid (-ENOENT if nobody has). */
int kms_user_each(struct kms_database *d, const struct uid *uid,
		  void (*each)(const struct kms_user_row *row, void *arg),
		  void *arg, struct problem *problem);

/* A group is named by a PSI; its members are UIDs of users of this store. */
int kms_group_add(struct kms_database *d, const struct uid *psi,
		  const struct uid *members, size_t num_members,
		  struct problem *problem);
int kms_group_del(struct kms_database *d, const struct uid *psi,
		  struct problem *problem);
int kms_member_add(struct kms_database *d, const struct uid *psi,
		   const struct uid *uid, struct problem *problem);
int kms_member_del(struct kms_database *d, const struct uid *psi,
		   const struct uid *uid, struct problem *problem);

/* Once for each group with @uid empty, then once for each of its members. */
int kms_group_each(struct kms_database *d,
		   void (*each)(struct mikey_blob psi, struct mikey_blob uid,
				void *arg),
		   void *arg, struct problem *problem);

/* A new TPK for new tickets; removes those whose last ticket is over. */
int kms_tpk_rotate(struct kms_database *d, s64 now, struct problem *problem);

/* Rotates if the newest is older than @lifetime (or there is none). */
int kms_tpk_maintain(struct kms_database *d, s64 now, s64 lifetime,
		     struct problem *problem);

struct kms_tpk_row {
	struct mikey_blob name;
	s64 created;
	s64 keep_until;
	bool newest;
};

int kms_tpk_each(struct kms_database *d,
		 void (*each)(const struct kms_tpk_row *row, void *arg),
		 void *arg, struct problem *problem);

/* Begin the replay record anew: all times up to @until are refused. */
int kms_replay_reset(struct kms_database *d, s64 now, s64 until,
		     struct problem *problem);

#endif
