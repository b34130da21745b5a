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

/**
 * struct kms_rekey_spec - another PSK for a user
 * @psk_id: of the new PSK, which must be nobody's, superseded ones included:
 *	a ticket names the PSK that it was made with
 * @psk: suite, expires, key
 * @keep_until: how long tickets made with the old one can be resolved
 * @drop_old: not at all (the old one is known to somebody else)
 */
struct kms_rekey_spec {
	const char *psk_id;
	struct kms_psk psk;
	s64 keep_until;
	bool drop_old;
};

int kms_user_rekey(struct kms_database *d, const struct uid *uid,
		   const struct kms_rekey_spec *spec, s64 now,
		   struct problem *problem);

/* Removes the user who has @uid, all UIDs, PSKs and memberships. */
int kms_user_del(struct kms_database *d, const struct uid *uid,
		 struct problem *problem);

/* One PSK of a user as it is listed; @superseded as in struct kms_psk. */
struct kms_user_row {
	s64 user;
	s64 created;
	struct mikey_blob psk_id;
	u32 suite;
	s64 expires;
	s64 superseded;
	s64 keep_until;
	u32 num_uids;
	struct kms_uid uids[KMS_USER_UIDS_MAX];
};

/* All users' PSKs, or those of the one who has @uid (-ENOENT if nobody has). */
int kms_user_each(struct kms_database *d, const struct uid *uid,
		  void (*each)(const struct kms_user_row *row, void *arg),
		  void *arg, struct problem *problem);

/* Who has which role in a group: a user of this store. */
struct kms_member {
	enum kms_psi_role role;
	struct uid uid;
};

/* A group is named by a PSI, which is no user's UID. */
int kms_group_add(struct kms_database *d, const struct uid *psi,
		  const struct kms_member *members, size_t num_members,
		  struct problem *problem);
int kms_group_del(struct kms_database *d, const struct uid *psi,
		  struct problem *problem);
int kms_member_add(struct kms_database *d, const struct uid *psi,
		   const struct kms_member *member, struct problem *problem);
int kms_member_del(struct kms_database *d, const struct uid *psi,
		   const struct kms_member *member, struct problem *problem);

/*
 * Once for each group with @uid empty, then once for each of its members, by
 * role.
 */
int kms_group_each(struct kms_database *d,
		   void (*each)(struct mikey_blob psi, enum kms_psi_role role,
				struct mikey_blob uid, void *arg),
		   void *arg, struct problem *problem);

/* A new TPK for new tickets; removes those whose last ticket is over. */
int kms_tpk_rotate(struct kms_database *d, s64 now, struct problem *problem);

/*
 * What is due: rotates if the newest is older than @lifetime (or there is
 * none), removes TPKs and superseded PSKs whose last ticket is over. @made is the
 * name of the new one, or "".
 */
int kms_tpk_maintain(struct kms_database *d, s64 now, s64 lifetime,
		     char made[KMS_TPK_NAME_MAX], struct problem *problem);

/*
 * From now on, in all processes, its tickets cannot be resolved: the key is
 * gone, the row stays until its last ticket would have been over. If new
 * tickets are made with it, another one is made for them, and @made is its
 * name, else "".
 */
int kms_tpk_revoke(struct kms_database *d, struct mikey_blob name, s64 now,
		   char made[KMS_TPK_NAME_MAX], struct problem *problem);

struct kms_tpk_row {
	struct mikey_blob name;
	s64 created;
	s64 keep_until;
	s64 revoked;			/* since when; 0 is not at all */
	bool newest;
};

int kms_tpk_each(struct kms_database *d,
		 void (*each)(const struct kms_tpk_row *row, void *arg),
		 void *arg, struct problem *problem);

/*
 * Begin the replay record anew: all times up to @until are refused, and from
 * the PSKs that there are all counters, whose last value is not known any more.
 */
int kms_replay_reset(struct kms_database *d, s64 now, s64 until,
		     struct problem *problem);

/* May there be such a user? 0, or words. */
int kms_user_check(const struct kms_user_spec *spec, struct problem *problem);

/* A PSK as it is in the store, key_len + KMS_SEAL_OVERHEAD bytes. 0 or -EIO. */
int kms_user_seal_psk(struct kms_database *d, const char *psk_id,
		      const struct kms_psk *psk, s64 owner, u8 *sealed);

/**
 * kms_users_import() - users of an import, inside its transaction
 * @num: up to KMS_IMPORT_MAX, all with different PSK ids
 * @added: set for each: it was added; or it is there already, just so
 * @at: after an error, the first one that is at fault
 */
#define KMS_IMPORT_MAX 128
int kms_users_import(struct kms_database *d, const struct kms_user_spec *specs,
		     size_t num, s64 now, bool *added, size_t *at,
		     struct problem *problem);

/*
 * Of an import, inside its transaction: 1 if it was added, 0 if just this is
 * there already. A group is made where there is none; @uid may be NULL.
 */
int kms_member_import(struct kms_database *d, const struct uid *psi,
		      const struct kms_member *member, struct problem *problem);

/* The same inside the caller's transaction. */
int kms_replay_reset_within(struct kms_database *d, s64 now, s64 until,
			    struct problem *problem);

#endif
