// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The authority of a peer and its revocation lists; see peer_trust.h.
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "helper/kms/peer_trust.h"
#include "helper/kms/textfile.h"

/* Of OpenSSL's security levels: 112 bits, and no signature over SHA-1. */
#define SECURITY_LEVEL 2

/* @over: a list that is out of date, or NULL if there is none */
struct kms_peer_trust {
	X509_STORE *store;
	char *authority;
	const char *over;
	size_t num_lists;
};

/* Why nothing more was read: 0 at the end of the file, else -1. */
static int at_end(void)
{
	unsigned long error = ERR_peek_last_error();

	ERR_clear_error();
	return ERR_GET_LIB(error) == ERR_LIB_PEM &&
	       ERR_GET_REASON(error) == PEM_R_NO_START_LINE ? 0 : -1;
}

static int add_authority(struct kms_peer_trust *trust, BIO *pem,
			 const char *path, struct problem *problem)
{
	size_t num = 0;
	X509 *cert;
	int ok = 1;

	while (ok && (cert = PEM_read_bio_X509(pem, NULL, NULL, NULL))) {
		ok = X509_STORE_add_cert(trust->store, cert);
		X509_free(cert);
		num++;
	}
	if (!ok)
		return problem_set(problem, -ENOMEM, "no memory");
	return !at_end() && num ? 0 :
	       problem_set(problem, -EINVAL, "%s: no certificate in PEM", path);
}

/* Whose list it is: an authority of the peer's, whose signature it bears. */
static bool is_signed(const struct kms_peer_trust *trust, X509_CRL *list)
{
	struct stack_st_X509 *all = X509_STORE_get1_all_certs(trust->store);
	bool is = false;
	X509 *cert;
	int i;

	for (i = 0; !is && i < sk_X509_num(all); i++) {
		cert = sk_X509_value(all, i);
		is = !X509_NAME_cmp(X509_get_subject_name(cert),
				    X509_CRL_get_issuer(list)) &&
		     X509_CRL_verify(list, X509_get0_pubkey(cert)) == 1;
	}
	sk_X509_pop_free(all, X509_free);
	ERR_clear_error();
	return is;
}

static int add_lists(struct kms_peer_trust *trust, BIO *pem, const char *path,
		     struct problem *problem)
{
	const ASN1_TIME *until;
	bool own = false, timed = true;
	X509_CRL *list;
	int ok = 1;

	while (ok && (list = PEM_read_bio_X509_CRL(pem, NULL, NULL, NULL))) {
		until = X509_CRL_get0_nextUpdate(list);
		timed &= !!until;
		if (until && X509_cmp_current_time(until) < 0)
			trust->over = path;
		own |= is_signed(trust, list);
		ok = X509_STORE_add_crl(trust->store, list);
		X509_CRL_free(list);
		trust->num_lists++;
	}
	if (!ok)
		return problem_set(problem, -ENOMEM, "no memory");
	if (at_end() || !trust->num_lists)
		return problem_set(problem, -EINVAL,
				   "%s: no revocation list in PEM", path);
	/* it would never be out of date (RFC 5280, 5.1.2.5) */
	if (!timed)
		return problem_set(problem, -EINVAL,
				   "%s: a list without nextUpdate", path);
	return own ? 0 :
	       problem_set(problem, -EINVAL,
			   "%s: no list is signed by the authority in \"ca\"", path);
}

static int read_file(struct kms_peer_trust *trust, const char *path, char **text,
		     int (*add)(struct kms_peer_trust *trust, BIO *pem,
				const char *path, struct problem *problem),
		     struct problem *problem)
{
	int ret = kms_text_read(path, text, problem);
	BIO *pem;

	if (ret)
		return ret;
	pem = BIO_new_mem_buf(*text, -1);
	ret = pem ? add(trust, pem, path, problem) :
		    problem_set(problem, -ENOMEM, "no memory");
	BIO_free(pem);
	return ret;
}

/* What X509_verify_cert() has to look at. */
static int set_terms(struct kms_peer_trust *trust, bool lists)
{
	X509_VERIFY_PARAM *param = X509_VERIFY_PARAM_new();
	unsigned long flags = lists ? X509_V_FLAG_CRL_CHECK |
			      X509_V_FLAG_CRL_CHECK_ALL : X509_V_FLAG_PARTIAL_CHAIN;
	int ok;

	ok = param && X509_VERIFY_PARAM_set_flags(param, flags) &&
	     X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_CLIENT);
	if (ok)
		X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
	ok = ok && X509_STORE_set1_param(trust->store, param);
	X509_VERIFY_PARAM_free(param);
	return ok ? 0 : -ENOMEM;
}

struct kms_peer_trust *kms_peer_trust_read(const struct kms_peer_entry *entry,
					   struct problem *problem)
{
	struct kms_peer_trust *trust = calloc(1, sizeof(*trust));
	char *lists = NULL;
	int ret = -ENOMEM;

	if (trust)
		trust->store = X509_STORE_new();
	if (trust && trust->store)
		ret = set_terms(trust, entry->crl);
	if (ret)
		problem_set(problem, ret, "no memory");
	else
		ret = read_file(trust, entry->ca, &trust->authority,
				add_authority, problem);
	if (!ret && entry->crl)
		ret = read_file(trust, entry->crl, &lists, add_lists, problem);
	kms_text_wipe(lists);
	if (!ret)
		return trust;
	kms_peer_trust_free(trust);
	return NULL;
}

void kms_peer_trust_free(struct kms_peer_trust *trust)
{
	if (!trust)
		return;
	X509_STORE_free(trust->store);
	kms_text_wipe(trust->authority);
	free(trust);
}

const char *kms_peer_trust_over(const struct kms_peer_trust *trust)
{
	return trust->over;
}

const char *kms_peer_trust_authority(const struct kms_peer_trust *trust)
{
	return trust->authority;
}

const char *kms_peer_trust_check(const struct kms_peer_trust *trust,
				 struct stack_st_X509 *chain)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	const char *why = "no memory";

	if (ctx && X509_STORE_CTX_init(ctx, trust->store, sk_X509_value(chain, 0),
				       chain)) {
		why = NULL;
		if (X509_verify_cert(ctx) != 1)
			why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx));
	}
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return why;
}

void kms_peer_trust_check_files(const struct kms_peers *peers,
				struct kms_faults *faults)
{
	struct kms_peer_trust *trust;
	struct problem problem;
	const char *name;
	size_t i;

	for (i = 0; i < peers->num; i++) {
		name = peers->entries[i].peer.name;
		trust = kms_peer_trust_read(&peers->entries[i], &problem);
		if (!trust)
			kms_fault(faults, NULL, "peer \"%s\": %s", name,
				  problem.words);
		else if (trust->over)
			kms_doubt(faults, NULL,
				  "peer \"%s\": %s: a list is out of date: the peer is neither answered nor asked",
				  name, trust->over);
		kms_peer_trust_free(trust);
	}
}
