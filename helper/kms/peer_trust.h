/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What makes a peer's certificate good: the authority that signs it, and the
 * lists of those that the authority took back. By OpenSSL, as libcurl does it
 * for the peers that we ask.
 */
#ifndef HELPER_KMS_PEER_TRUST_H
#define HELPER_KMS_PEER_TRUST_H

#include <openssl/x509.h>

#include "helper/kms/fault.h"
#include "helper/kms/peers.h"

struct kms_peer_trust;

/**
 * kms_peer_trust_read() - read the files of a peer
 *
 * With lists there must be one of the authority itself, signed by it: one that
 * is of somebody else would be an outage, or no protection.
 *
 * Return: to be freed, or NULL with words.
 */
struct kms_peer_trust *kms_peer_trust_read(const struct kms_peer_entry *entry,
					   struct problem *problem);
void kms_peer_trust_free(struct kms_peer_trust *trust);

/* The file with a list that is out of date, or NULL. */
const char *kms_peer_trust_over(const struct kms_peer_trust *trust);

/* The authority in PEM. */
const char *kms_peer_trust_authority(const struct kms_peer_trust *trust);

/**
 * kms_peer_trust_check() - is that a client's certificate of this peer, now?
 * @chain: the certificate and what it came with
 *
 * Where there are lists, each certificate of the chain needs one of its issuer's
 * that is in force (RFC 5280, 6.3.3): without it nothing is known of it.
 *
 * Return: NULL, or a constant sentence that says why it is not.
 */
const char *kms_peer_trust_check(const struct kms_peer_trust *trust,
				 struct stack_st_X509 *chain);

/* Whatever is wrong with the files of any peer, and lists that are out of date. */
void kms_peer_trust_check_files(const struct kms_peers *peers,
				struct kms_faults *faults);

#endif
