// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who is at the other end of a TLS connection; see peer_tls.h. GnuTLS is what
 * libmicrohttpd makes the connection with, and shows the certificates; whether
 * they are any good is OpenSSL's to say.
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "helper/kms/peer_tls.h"
#include "helper/kms/peer_trust.h"
#include "helper/lib/log.h"

#define CHAIN_MAX 8

struct kms_peer_tls {
	const struct kms_peers *peers;
	pthread_rwlock_t lock;
	struct kms_peer_trust **trust;	/* one for each peer; under the lock */
	char *hints;
};

static void free_trust(struct kms_peer_trust **trust, size_t num)
{
	size_t i;

	for (i = 0; trust && i < num; i++)
		kms_peer_trust_free(trust[i]);
	free(trust);
}

static struct kms_peer_trust **read_trust(const struct kms_peers *peers,
					  struct problem *problem)
{
	struct kms_peer_trust **trust = calloc(peers->num + 1, sizeof(*trust));
	size_t i;

	if (!trust) {
		problem_set(problem, -ENOMEM, "no memory");
		return NULL;
	}
	for (i = 0; i < peers->num; i++) {
		trust[i] = kms_peer_trust_read(&peers->entries[i], problem);
		if (!trust[i]) {
			free_trust(trust, i);
			return NULL;
		}
		if (kms_peer_trust_over(trust[i]))
			log_event(WARNING, "list-over",
				  log_text("peer", peers->entries[i].peer.name),
				  log_text("file", kms_peer_trust_over(trust[i])));
	}
	return trust;
}

static int make_hints(struct kms_peer_tls *tls)
{
	const char *more;
	char *hints;
	size_t i;

	for (i = 0; i < tls->peers->num; i++) {
		more = kms_peer_trust_authority(tls->trust[i]);
		if (asprintf(&hints, "%s%s\n", tls->hints ? tls->hints : "", more) < 0)
			return -ENOMEM;
		free(tls->hints);
		tls->hints = hints;
	}
	return 0;
}

struct kms_peer_tls *kms_peer_tls_new(const struct kms_peers *peers,
				      struct problem *problem)
{
	struct kms_peer_tls *tls = calloc(1, sizeof(*tls));

	if (!tls) {
		problem_set(problem, -ENOMEM, "no memory");
		return NULL;
	}
	tls->peers = peers;
	pthread_rwlock_init(&tls->lock, NULL);
	tls->trust = read_trust(peers, problem);
	if (tls->trust && !make_hints(tls))
		return tls;
	if (tls->trust)
		problem_set(problem, -ENOMEM, "no memory");
	kms_peer_tls_free(tls);
	return NULL;
}

void kms_peer_tls_free(struct kms_peer_tls *tls)
{
	if (!tls)
		return;
	free_trust(tls->trust, tls->peers->num);
	pthread_rwlock_destroy(&tls->lock);
	free(tls->hints);
	free(tls);
}

const char *kms_peer_tls_hints(const struct kms_peer_tls *tls)
{
	return tls->hints;
}

int kms_peer_tls_renew(struct kms_peer_tls *tls, struct problem *problem)
{
	struct kms_peer_trust **trust = read_trust(tls->peers, problem), **old;

	if (!trust)
		return problem->error;
	pthread_rwlock_wrlock(&tls->lock);
	old = tls->trust;
	tls->trust = trust;
	pthread_rwlock_unlock(&tls->lock);
	free_trust(old, tls->peers->num);
	return 0;
}

/* The name letter by letter: no wildcard of a certificate is honoured, nor CN. */
static bool is_named(X509 *cert, const char *name)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	bool is = false;
	int i, kind;

	for (i = 0; !is && i < sk_GENERAL_NAME_num(names); i++) {
		ASN1_STRING *san = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i),
							   &kind);

		is = kind == GEN_DNS &&
		     (size_t)ASN1_STRING_length(san) == strlen(name) &&
		     !strncasecmp((const char *)ASN1_STRING_get0_data(san), name,
				  strlen(name));
	}
	GENERAL_NAMES_free(names);
	return is;
}

static const struct kms_peer *find(struct kms_peer_tls *tls, struct stack_st_X509 *chain,
				   struct kms_stranger *why)
{
	const struct kms_peer *peer = NULL;
	const struct kms_peer_entry *e;
	size_t i;

	why->words = "no peer has the name in the client's certificate\n";
	pthread_rwlock_rdlock(&tls->lock);
	for (i = 0; !peer && i < tls->peers->num; i++) {
		e = &tls->peers->entries[i];
		if (!is_named(sk_X509_value(chain, 0), e->tls_name))
			continue;
		why->peer = e->peer.name;
		why->words = "the client's certificate is not valid for that peer\n";
		why->reason = kms_peer_trust_check(tls->trust[i], chain);
		if (!why->reason)
			peer = &e->peer;
	}
	pthread_rwlock_unlock(&tls->lock);
	return peer;
}

const struct kms_peer *kms_peer_tls_who(struct kms_peer_tls *tls,
					gnutls_session_t session,
					struct kms_stranger *why)
{
	const struct kms_peer *peer = NULL;
	const gnutls_datum_t *der = NULL;
	struct stack_st_X509 *chain = NULL;
	const unsigned char *p;
	unsigned int num = 0, i;
	X509 *cert;

	*why = (struct kms_stranger) { .words = "a peer has to show its certificate\n" };
	if (session)
		der = gnutls_certificate_get_peers(session, &num);
	if (!der || !num)
		return NULL;
	why->words = "the client's certificates cannot be read\n";
	if (num > CHAIN_MAX)
		return NULL;
	chain = sk_X509_new_null();
	for (i = 0; chain && i < num; i++) {
		p = der[i].data;
		cert = d2i_X509(NULL, &p, der[i].size);
		if (!cert || !sk_X509_push(chain, cert)) {
			X509_free(cert);
			goto out;
		}
	}
	if (chain)
		peer = find(tls, chain, why);
out:
	sk_X509_pop_free(chain, X509_free);
	ERR_clear_error();
	return peer;
}
