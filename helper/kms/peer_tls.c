// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who is at the other end of a TLS connection; see peer_tls.h. GnuTLS is what
 * libmicrohttpd makes the connection with.
 */
#include <errno.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "helper/kms/peer_tls.h"
#include "helper/kms/textfile.h"

#define CHAIN_MAX 8

struct kms_peer_tls {
	const struct kms_peers *peers;
	gnutls_x509_trust_list_t *trust;	/* one for each peer */
	char *hints;
};

static int add_authority(struct kms_peer_tls *tls, size_t i,
			 struct problem *problem)
{
	const char *path = tls->peers->entries[i].ca;
	gnutls_datum_t pem = { 0 };
	char *text = NULL, *hints;
	int ret;

	ret = kms_text_read(path, &text, problem);
	if (ret)
		return ret;
	pem.data = (unsigned char *)text;
	pem.size = strlen(text);
	if (gnutls_x509_trust_list_init(&tls->trust[i], 0) < 0)
		ret = problem_set(problem, -ENOMEM, "no memory");
	else if (gnutls_x509_trust_list_add_trust_mem(tls->trust[i], &pem, NULL,
						      GNUTLS_X509_FMT_PEM, 0, 0) < 1)
		ret = problem_set(problem, -EINVAL,
				  "%s: no certificate in PEM", path);
	else if (asprintf(&hints, "%s%s\n", tls->hints ? tls->hints : "", text) < 0)
		ret = problem_set(problem, -ENOMEM, "no memory");
	if (!ret) {
		free(tls->hints);
		tls->hints = hints;
	}
	kms_text_wipe(text);
	return ret;
}

struct kms_peer_tls *kms_peer_tls_new(const struct kms_peers *peers,
				      struct problem *problem)
{
	struct kms_peer_tls *tls = calloc(1, sizeof(*tls));
	size_t i;

	if (tls)
		tls->trust = calloc(peers->num + 1, sizeof(*tls->trust));
	if (!tls || !tls->trust) {
		problem_set(problem, -ENOMEM, "no memory");
		free(tls);
		return NULL;
	}
	tls->peers = peers;
	for (i = 0; i < peers->num; i++) {
		if (add_authority(tls, i, problem)) {
			kms_peer_tls_free(tls);
			return NULL;
		}
	}
	return tls;
}

void kms_peer_tls_free(struct kms_peer_tls *tls)
{
	size_t i;

	if (!tls)
		return;
	for (i = 0; i < tls->peers->num; i++)
		if (tls->trust[i])
			gnutls_x509_trust_list_deinit(tls->trust[i], 1);
	free(tls->trust);
	free(tls->hints);
	free(tls);
}

const char *kms_peer_tls_hints(const struct kms_peer_tls *tls)
{
	return tls->hints;
}

/* The name letter by letter: no wildcard of a certificate is honoured, nor CN. */
static bool is_named(gnutls_x509_crt_t cert, const char *name)
{
	char san[256];
	size_t size;
	unsigned int i;
	int kind;

	for (i = 0; i < 100; i++) {
		size = sizeof(san) - 1;
		kind = gnutls_x509_crt_get_subject_alt_name(cert, i, san, &size,
							    NULL);
		if (kind == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			return false;
		if (kind != GNUTLS_SAN_DNSNAME)
			continue;
		san[size] = '\0';
		if (strlen(san) == size && !strcasecmp(san, name))
			return true;
	}
	return false;
}

static bool is_trusted(gnutls_x509_trust_list_t trust, gnutls_x509_crt_t *chain,
		       unsigned int num)
{
	gnutls_typed_vdata_st purpose = {
		.type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT,
	};
	unsigned int status = ~0U;

	return gnutls_x509_trust_list_verify_crt2(trust, chain, num, &purpose, 1,
						  0, &status, NULL) >= 0 && !status;
}

static const struct kms_peer *find(const struct kms_peer_tls *tls,
				   gnutls_x509_crt_t *chain, unsigned int num,
				   const char **why)
{
	const struct kms_peer_entry *e;
	size_t i;

	*why = "no peer has the name in the client's certificate\n";
	for (i = 0; i < tls->peers->num; i++) {
		e = &tls->peers->entries[i];
		if (!is_named(chain[0], e->tls_name))
			continue;
		if (is_trusted(tls->trust[i], chain, num))
			return &e->peer;
		*why = "the client's certificate is not valid for that peer\n";
	}
	return NULL;
}

const struct kms_peer *kms_peer_tls_who(const struct kms_peer_tls *tls,
					gnutls_session_t session,
					const char **why)
{
	gnutls_x509_crt_t chain[CHAIN_MAX];
	const struct kms_peer *peer = NULL;
	const gnutls_datum_t *der = NULL;
	unsigned int num = 0, i;

	*why = "a peer has to show its certificate\n";
	if (session)
		der = gnutls_certificate_get_peers(session, &num);
	if (!der || !num)
		return NULL;
	*why = "the client's certificates cannot be read\n";
	if (num > CHAIN_MAX)
		return NULL;
	for (i = 0; i < num; i++) {
		if (gnutls_x509_crt_init(&chain[i]) < 0)
			goto out;
		if (gnutls_x509_crt_import(chain[i], &der[i],
					   GNUTLS_X509_FMT_DER) < 0) {
			i++;
			goto out;
		}
	}
	peer = find(tls, chain, num, why);
out:
	while (i)
		gnutls_x509_crt_deinit(chain[--i]);
	return peer;
}
