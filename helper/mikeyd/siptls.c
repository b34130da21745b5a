// SPDX-License-Identifier: GPL-2.0-or-later
/* The TLS contexts of both sides, and whose certificate the next hop has. */
#include "helper/mikeyd/siptls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "helper/lib/log.h"

/*
 * Of TLS 1.2 what is as good as 1.3: ephemeral keys and AEAD. The suite that
 * RFC 3261 26.2.1 wants, RSA with CBC, is not among them (RFC 9325 4.1, 4.2).
 */
#define SUITES_OF_1_2 "ECDHE+AESGCM:ECDHE+CHACHA20"

struct siptls {
	struct tls *server, *client;
	char domain[ENDPOINT_HOST_SIZE];	/* of the next hop */
};

static void siptls_destroy(void *data)
{
	struct siptls *tls = data;

	mem_deref(tls->server);
	mem_deref(tls->client);
}

/* The host of a sip: URI that names a domain: without a user (7.1 steps 1 to 3) */
static bool uri_domain(const ASN1_STRING *uri, struct pl *domain)
{
	const char *text = (const char *)ASN1_STRING_get0_data(uri);
	size_t len = ASN1_STRING_length(uri);

	if (len < 5 || strncasecmp(text, "sip:", 4) || memchr(text, 0, len) ||
	    memchr(text, '@', len))
		return false;
	domain->p = text + 4;
	domain->l = len - 4;
	/* an address of version 6 has colons of its own */
	for (size_t i = 0; i < domain->l; i++) {
		const char c = domain->p[i];

		if (c == ';' || c == '?' || (c == ':' && *domain->p != '['))
			domain->l = i;
		else if (c == ']')
			domain->l = i + 1;
	}
	return domain->l;
}

/* Letter by letter, whatever their case: "*" stands for itself only (7.2). */
static bool same_domain(const struct pl *one, const char *domain)
{
	struct pl bare = *one;

	if (bare.l > 2 && bare.p[0] == '[' && bare.p[bare.l - 1] == ']') {
		bare.p++;
		bare.l -= 2;
	}
	return bare.l == strlen(domain) && !strncasecmp(bare.p, domain, bare.l);
}

bool siptls_certifies(const struct x509_st *cert, const char *domain)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	bool has_uri = false, by_uri = false, by_name = false;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		struct pl value;

		if (name->type == GEN_URI && uri_domain(name->d.ia5, &value)) {
			has_uri = true;
			by_uri = by_uri || same_domain(&value, domain);
		} else if (name->type == GEN_DNS) {
			value.p = (const char *)ASN1_STRING_get0_data(name->d.ia5);
			value.l = ASN1_STRING_length(name->d.ia5);
			by_name = by_name || same_domain(&value, domain);
		}
	}
	GENERAL_NAMES_free(names);
	/* where there is a URI, names are of something else than SIP */
	return has_uri ? by_uri : by_name;
}

/* Within the handshake, so that nothing is sent to somebody else. */
static int verify(X509_STORE_CTX *store, void *arg)
{
	const struct siptls *tls = arg;
	int good = X509_verify_cert(store) > 0;
	int error;

	if (good && !siptls_certifies(X509_STORE_CTX_get0_cert(store), tls->domain)) {
		X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
		good = 0;
	}
	error = X509_STORE_CTX_get_error(store);
	if (!good)
		log_event(WARNING, "certificate-refused", log_text("next-hop", tls->domain),
			  log_text("reason", error == X509_V_ERR_HOSTNAME_MISMATCH ?
				   "it is not that domain's (RFC 5922)" :
				   X509_verify_cert_error_string(error)));
	return good;
}

/* Never ask at a terminal. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static int file_problem(const struct config *config, const char *name,
			const struct config_path *file, struct problem *problem)
{
	unsigned long error = ERR_peek_last_error(), first = ERR_peek_error();
	const char *words = ERR_reason_error_string(error);

	/* what the system said comes first, and better than what follows from it */
	if (ERR_SYSTEM_ERROR(first))
		words = strerror(ERR_GET_REASON(first));
	problem_set(problem, -EINVAL, "%s:%d: %s: %s: %s", config->file, file->line, name,
		    file->path, words ?: "cannot be used");
	ERR_clear_error();
	return problem->error;
}

static int use_identity(SSL_CTX *context, const struct config *config,
			struct problem *problem)
{
	const struct config_path *cert = &config->certificate, *key = &config->private_key;

	if (!cert->path)
		return 0;
	SSL_CTX_set_default_passwd_cb(context, no_passphrase);
	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(context, cert->path) != 1)
		return file_problem(config, "certificate", cert, problem);
	if (SSL_CTX_use_PrivateKey_file(context, key->path, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(context) != 1)
		return file_problem(config, "private-key", key, problem);
	return 0;
}

/* Whatever else libre's contexts are, they are this. */
static int new_context(struct tls **out, const struct config *config, struct problem *problem)
{
	SSL_CTX *context;

	if (tls_alloc(out, TLS_METHOD_SSLV23, NULL, NULL))
		return problem_set(problem, -ENOMEM, "TLS cannot be started");
	context = tls_openssl_context(*out);
	if (!SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) ||
	    !SSL_CTX_set_max_proto_version(context, 0) ||
	    !SSL_CTX_set_cipher_list(context, SUITES_OF_1_2))
		return problem_set(problem, -ENOTSUP, "OpenSSL has none of the suites of TLS 1.2");
	/* a record that was read stays in a buffer otherwise, until the next one comes */
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
			    SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE |
			    SSL_OP_CLEANSE_PLAINTEXT);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(context, 0);
	return use_identity(context, config, problem);
}

static int new_client(struct siptls *tls, const struct config *config, struct problem *problem)
{
	const struct config_path *ca = &config->next_hop_ca;
	SSL_CTX *context;
	int err = new_context(&tls->client, config, problem);

	if (err)
		return err;
	re_snprintf(tls->domain, sizeof(tls->domain), "%s", config->next_hop.host);
	context = tls_openssl_context(tls->client);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(context, verify, tls);
	ERR_clear_error();
	if (!ca->path)
		return SSL_CTX_set_default_verify_paths(context) == 1 ? 0 :
			problem_set(problem, -EIO, "OpenSSL has no certificates of authorities");
	if (SSL_CTX_load_verify_locations(context, ca->path, NULL) != 1)
		return file_problem(config, "next-hop-ca", ca, problem);
	return 0;
}

int siptls_open(struct siptls **out, const struct config *config, struct problem *problem)
{
	struct siptls *tls;
	int err = 0;

	*out = NULL;
	if (!config->certificate.path && config->next_hop.transport != ENDPOINT_TLS)
		return 0;
	tls = mem_zalloc(sizeof(*tls), siptls_destroy);
	if (!tls)
		return problem_set(problem, -ENOMEM, "no memory");
	if (config->certificate.path)
		err = new_context(&tls->server, config, problem);
	if (!err && config->next_hop.transport == ENDPOINT_TLS)
		err = new_client(tls, config, problem);
	if (err)
		mem_deref(tls);
	else
		*out = tls;
	return err;
}

int siptls_serve(const struct siptls *tls, struct tls_conn **conn, struct tcp_conn *tcp)
{
	if (!tls || !tls->server)
		return -ENOTSUP;
	return -tls_start_tcp(conn, tls->server, tcp, 0);
}

int siptls_connect(const struct siptls *tls, struct tls_conn **conn, struct tcp_conn *tcp)
{
	struct in6_addr address;
	int err;

	if (!tls || !tls->client)
		return -ENOTSUP;
	err = -tls_start_tcp(conn, tls->client, tcp, 0);
	/* an address is no server name (RFC 6066 3) */
	if (!err && inet_pton(AF_INET, tls->domain, &address) != 1 &&
	    inet_pton(AF_INET6, tls->domain, &address) != 1)
		err = -tls_set_servername(*conn, tls->domain);
	return err;
}
