// SPDX-License-Identifier: GPL-2.0-or-later
/* Certificates for tests of TLS. */
#include "tests/unit/helper/certificates.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define DAY (24 * 60 * 60L)

const char *certificate_use;

static void extend(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(extension);
	assert_int_equal(X509_add_ext(cert, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

void certificate_make(struct certificate *out, const struct certificate *issuer,
		      const char *common_name, const char *names, int days)
{
	static long serial;
	const struct certificate *signer = issuer ?: out;
	X509_NAME *name;

	out->key = EVP_EC_gen("P-256");
	out->cert = X509_new();
	assert_non_null(out->key);
	assert_non_null(out->cert);
	X509_set_version(out->cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(out->cert), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(out->cert), -30 * DAY);
	X509_gmtime_adj(X509_getm_notAfter(out->cert), days * DAY);
	X509_set_pubkey(out->cert, out->key);
	name = X509_get_subject_name(out->cert);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)common_name, -1,
				   -1, 0);
	X509_set_issuer_name(out->cert, X509_get_subject_name(signer->cert));
	extend(out->cert, NID_basic_constraints, issuer ? "CA:FALSE" : "critical,CA:TRUE");
	if (names)
		extend(out->cert, NID_subject_alt_name, names);
	if (certificate_use)
		extend(out->cert, NID_ext_key_usage, certificate_use);
	assert_true(X509_sign(out->cert, signer->key, EVP_sha256()) > 0);
}

void certificate_free(struct certificate *certificate)
{
	X509_free(certificate->cert);
	EVP_PKEY_free(certificate->key);
	certificate->cert = NULL;
	certificate->key = NULL;
}

void certificate_write(const struct certificate *certificate, const char *cert_file,
		       const char *key_file)
{
	FILE *file;

	if (cert_file) {
		file = fopen(cert_file, "w");
		assert_non_null(file);
		assert_int_equal(PEM_write_X509(file, certificate->cert), 1);
		fclose(file);
	}
	if (key_file) {
		file = fopen(key_file, "w");
		assert_non_null(file);
		assert_int_equal(PEM_write_PrivateKey(file, certificate->key, NULL, NULL, 0, NULL,
						      NULL), 1);
		fclose(file);
	}
}
