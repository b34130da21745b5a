/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file of peers: which other KMSs there are, how each is known and
 * reached, and for whom it speaks. Written by hand or by mikey-kms peer.
 *
 *	peers = (
 *	  {
 *	    name = "partner";
 *	    identity = [ "https://kms.partner.test" ];
 *	    domains = [ "partner.test" ];
 *	    tls-name = "zk.partner.test";
 *	    ca = "/etc/mikey-mime/partner-ca.pem";
 *	    crl = "/etc/mikey-mime/partner-crl.pem";
 *	    address = "192.0.2.7:8490";
 *	  }
 *	);
 */
#ifndef HELPER_KMS_PEERS_H
#define HELPER_KMS_PEERS_H

#include "helper/kms/kms.h"
#include "helper/lib/problem.h"

#define KMS_PEERS_MAX 64
#define KMS_PEER_NAME_MAX 64

/**
 * struct kms_peer_entry - one peer
 * @peer: what the core has to know
 * @tls_name: the dNSName in its certificates, as server and as client
 * @ca: PEM file with the authority that signs them; trusted for this peer only
 * @crl: PEM file with its revocation lists, or NULL: then nothing is revoked
 * @address: HOST:PORT where it is asked; NULL: it asks, and is never asked
 */
struct kms_peer_entry {
	struct kms_peer peer;
	char *tls_name;
	char *ca;
	char *crl;
	char *address;
};

struct kms_peers {
	struct kms_peer_entry *entries;
	const struct kms_peer **list;	/* the same, for struct kms_policy */
	size_t num;
};

/**
 * kms_peers_read() - read and check a file
 * @peers: to be freed with kms_peers_free(), after an error, too
 *
 * A file that is not there has nobody in it: the first peer makes it.
 *
 * Return: 0 or a negative errno with words that name file and line.
 */
int kms_peers_read(struct kms_peers *peers, const char *file,
		   struct problem *problem);

/* Take one more in, which then belongs to @peers; -EEXIST and -EINVAL with words. */
int kms_peers_add(struct kms_peers *peers, struct kms_peer_entry *entry,
		  struct problem *problem);

/* Take one out: 0 or -ENOENT. */
int kms_peers_remove(struct kms_peers *peers, const char *name);

/* Put another file into the place of @file, whole or not at all. */
int kms_peers_write(const struct kms_peers *peers, const char *file,
		    struct problem *problem);

void kms_peers_free(struct kms_peers *peers);
void kms_peer_entry_free(struct kms_peer_entry *entry);

#endif
