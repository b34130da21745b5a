/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is at the other end of a TLS connection that a peer opened.
 */
#ifndef HELPER_KMS_PEER_TLS_H
#define HELPER_KMS_PEER_TLS_H

#include <gnutls/gnutls.h>

#include "helper/kms/peers.h"

struct kms_peer_tls;

/**
 * kms_peer_tls_new() - read the authorities and revocation lists of all peers
 * @peers: kept by the caller until kms_peer_tls_free()
 */
struct kms_peer_tls *kms_peer_tls_new(const struct kms_peers *peers,
				      struct problem *problem);
void kms_peer_tls_free(struct kms_peer_tls *tls);

/* All authorities in one PEM text: hints for whoever has several certificates. */
const char *kms_peer_tls_hints(const struct kms_peer_tls *tls);

/**
 * kms_peer_tls_renew() - read them again
 *
 * Return: 0, or an errno with words, and everything is as it was.
 */
int kms_peer_tls_renew(struct kms_peer_tls *tls, struct problem *problem);

/**
 * struct kms_stranger - why it is nobody
 * @words: a constant sentence, which may be told to anybody
 * @peer, @reason: whose name the certificate has and what is wrong with it, for
 *	the log; or NULL
 */
struct kms_stranger {
	const char *words, *peer, *reason;
};

/**
 * kms_peer_tls_who() - the peer whose certificate this is
 *
 * The chain must end in the authority of that very peer, be valid now and for
 * a TLS client, not be revoked, and the certificate must have the peer's name as
 * a dNSName: what another peer's authority signs under this name is nothing.
 * Return: the peer, or NULL.
 */
const struct kms_peer *kms_peer_tls_who(struct kms_peer_tls *tls,
					gnutls_session_t session,
					struct kms_stranger *why);

#endif
