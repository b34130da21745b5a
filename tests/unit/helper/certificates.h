/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Certificates for tests of TLS, made when they are needed. */
#ifndef TESTS_UNIT_HELPER_CERTIFICATES_H
#define TESTS_UNIT_HELPER_CERTIFICATES_H

#include <openssl/x509.h>

struct certificate {
	X509 *cert;
	EVP_PKEY *key;
};

/*
 * certificate_make - with a key of its own
 * @issuer: who signs, or NULL for an authority that signs itself
 * @names: subjectAltName as OpenSSL's configuration writes it, or NULL
 * @days: until it ends, from now; negative: it has ended
 *
 * certificate_use is its extendedKeyUsage; NULL: it has none.
 */
extern const char *certificate_use;

void certificate_make(struct certificate *out, const struct certificate *issuer,
		      const char *common_name, const char *names, int days);

void certificate_free(struct certificate *certificate);

/* certificate_write - certificate and key as PEM files; either may be NULL */
void certificate_write(const struct certificate *certificate, const char *cert_file,
		       const char *key_file);

#endif
