/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PSKs from GBA (TS 33.328 6.2.3.4.2, TS 33.220): IDRpsk is a B-TID and the PSK
 * the Ks_(ext)_NAF of that bootstrapping. A store in front of the real one
 * that knows, for one request, what was looked up for it.
 */
#ifndef HELPER_KMS_GBA_H
#define HELPER_KMS_GBA_H

#include "helper/kms/kms.h"
#include "helper/kms/store.h"

#define KMS_GBA_KEY_LEN 32		/* Ks_NAF (TS 33.220 Annex B) */

/**
 * struct kms_gba_entry - what a BSF says of one B-TID; wipe it
 * @expires: Unix time after which the key is of no use, whatever for
 */
struct kms_gba_entry {
	u8 btid_len;
	u8 btid[KMS_KEY_ID_MAX];
	u8 key[KMS_GBA_KEY_LEN];
	s64 expires;
	u32 num_uids;
	struct kms_uid uids[KMS_USER_UIDS_MAX];
};

/* A request names one PSK as its own, and its ticket (mode 3) another. */
#define KMS_GBA_WANTED 2

/* A B-TID in a request: @tried is whether the BSF was asked for it. */
struct kms_gba_wanted {
	bool tried, found;
	u8 btid_len;
	u8 btid[KMS_KEY_ID_MAX];
	struct kms_gba_entry entry;
};

/**
 * struct kms_gba - B-TIDs of one request and what is known of them
 * @store: to be handed to kms_handle(); all but PSKs of @wanted is @inner's
 */
struct kms_gba {
	struct kms_store store;
	struct kms_store *inner;
	const char *const *domains;
	size_t num_domains;
	u32 num;
	struct kms_gba_wanted wanted[KMS_GBA_WANTED];
};

/**
 * kms_gba_begin() - which PSKs of a message are a BSF's
 * @domains: the part behind '@' of the B-TIDs of that BSF, kept by the caller
 *
 * What cannot be read has none. Nothing is looked up here.
 */
void kms_gba_begin(struct kms_gba *gba, const char *const *domains,
		   size_t num_domains, const u8 *msg, size_t len);

/* The store for the request; both live as long as it. */
struct kms_store *kms_gba_store(struct kms_gba *gba, struct kms_store *inner);

void kms_gba_wipe(struct kms_gba *gba);

#endif
