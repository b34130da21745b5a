// SPDX-License-Identifier: GPL-2.0-or-later
/* SIP over TLS: whose certificate is taken, and that all comes through. */
#include "tests/unit/helper/loop.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "helper/lib/log.h"
#include "helper/mikeyd/sipmsg.h"
#include "helper/mikeyd/siptls.h"
#include "helper/mikeyd/standing.h"
#include "helper/mikeyd/transport.h"
#include "tests/unit/helper/certificates.h"

#define HEAD "MESSAGE sip:b@x SIP/2.0\r\nVia: SIP/2.0/TLS x;branch=1\r\n" \
	"From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: %s\r\nCSeq: 1 MESSAGE\r\n" \
	"Content-Length: %zu\r\n\r\n"
#define DOMAIN "proxy.example.test"

/* What one side of a connection saw. */
struct seen {
	unsigned int messages, failures;
	int err;
	size_t body;
	struct flow flow;
};

static struct {
	char folder[32], ca_file[64], cert_file[64], key_file[64];
	struct certificate ca;
	struct config near_config, far_config;	/* mikeyd; its next hop */
	struct transport *near, *far;
	struct seen near_saw, far_saw;
	struct standing *standing;
	uint16_t port;
} here;

/* Whether what was read is wiped can only be asked for, and only where it is said. */
static unsigned int contexts, cleansing;

uint64_t __real_SSL_CTX_set_options(SSL_CTX *context, uint64_t options);
uint64_t __wrap_SSL_CTX_set_options(SSL_CTX *context, uint64_t options);

uint64_t __wrap_SSL_CTX_set_options(SSL_CTX *context, uint64_t options)
{
	contexts++;
	cleansing += !!(options & SSL_OP_CLEANSE_PLAINTEXT);
	return __real_SSL_CTX_set_options(context, options);
}

static void recv_handler(const struct flow *flow, struct sip_msg *msg, void *arg)
{
	struct seen *seen = arg;

	seen->messages++;
	seen->flow = *flow;
	seen->body = sipmsg_body(msg).l;
	assert_int_equal(msg->tp, SIP_TRANSP_TLS);
}

static void fail_handler(const struct flow *flow, int err, void *arg)
{
	struct seen *seen = arg;

	seen->failures++;
	seen->err = err;
	if (seen == &here.near_saw)
		standing_lost(here.standing, flow);
}

static bool accept_handler(const struct flow *flow, void *arg)
{
	(void)flow;
	(void)arg;
	return true;
}

static struct transport *new_transport(struct seen *seen)
{
	const struct transport_handlers handlers = {
		.recv = recv_handler,
		.large = recv_handler,
		.fail = fail_handler,
		.accept = accept_handler,
		.arg = seen,
	};
	struct transport *transport;

	assert_int_equal(transport_alloc(&transport, &handlers), 0);
	return transport;
}

static void use_tls(struct transport *transport, const struct config *config)
{
	struct problem problem;
	struct siptls *tls;

	if (siptls_open(&tls, config, &problem))
		fail_msg("%s", problem.words);
	transport_use_tls(transport, tls);
	mem_deref(tls);
}

static struct flow far(void)
{
	struct flow flow = { .side = SIDE_OUTSIDE, .tp = SIP_TRANSP_TLS };

	sa_set_str(&flow.peer, "127.0.0.1", here.port);
	return flow;
}

/* The next hop listens with a certificate that this one signed. */
static void open_far(const struct certificate *issuer, const char *common_name,
		     const char *names, int days)
{
	struct certificate own = { 0 };
	struct problem problem;
	struct sa local;

	certificate_make(&own, issuer, common_name, names, days);
	certificate_write(&own, here.cert_file, here.key_file);
	certificate_free(&own);
	here.far_config.certificate.path = here.cert_file;
	here.far_config.private_key.path = here.key_file;
	here.far = new_transport(&here.far_saw);
	use_tls(here.far, &here.far_config);
	here.port = loop_free_port();
	sa_set_str(&local, "127.0.0.1", here.port);
	assert_int_equal(transport_listen(here.far, SIDE_OUTSIDE, SIP_TRANSP_TLS, &local,
					  &problem), 0);
}

static int open_near(void **state)
{
	(void)state;
	memset(&here, 0, sizeof(here));
	log_setup("siptls", LOG_LEVEL_ERROR);
	dbg_init(DBG_EMERG, DBG_NONE);
	strcpy(here.folder, "/tmp/siptls-XXXXXX");
	assert_non_null(mkdtemp(here.folder));
	snprintf(here.ca_file, sizeof(here.ca_file), "%s/ca.pem", here.folder);
	snprintf(here.cert_file, sizeof(here.cert_file), "%s/cert.pem", here.folder);
	snprintf(here.key_file, sizeof(here.key_file), "%s/key.pem", here.folder);
	certificate_make(&here.ca, NULL, "Authority", NULL, 30);
	certificate_write(&here.ca, here.ca_file, NULL);
	here.near_config.file = "mikeyd.conf";
	here.near_config.next_hop_ca.path = here.ca_file;
	here.near_config.next_hop_ca.line = 7;
	here.near_config.next_hop.transport = ENDPOINT_TLS;
	strcpy(here.near_config.next_hop.host, DOMAIN);
	here.near = new_transport(&here.near_saw);
	use_tls(here.near, &here.near_config);
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	here.standing = mem_deref(here.standing);
	mem_deref(here.near);
	mem_deref(here.far);
	certificate_free(&here.ca);
	unlink(here.ca_file);
	unlink(here.cert_file);
	unlink(here.key_file);
	return rmdir(here.folder);
}

static int send_message(struct transport *transport, const struct flow *to, const char *id,
			size_t body)
{
	struct mbuf *mb = mbuf_alloc(body + 512);
	int err;

	mbuf_printf(mb, HEAD, id, body);
	mbuf_fill(mb, 'x', body);
	mb->pos = 0;
	err = transport_send(transport, to, mb);
	mem_deref(mb);
	return err;
}

static bool far_got_or_near_failed(void *arg)
{
	(void)arg;
	return here.far_saw.messages || here.near_saw.failures;
}

/* Is a next hop with this certificate told anything? */
static bool is_taken(void)
{
	struct flow to = far();

	assert_int_equal(send_message(here.near, &to, "1", 5), 0);
	assert_true(loop_until(far_got_or_near_failed, NULL, 5000));
	/* not even what was sent a moment before */
	loop_for(20);
	assert_int_equal(!here.far_saw.messages, here.near_saw.failures);
	if (here.near_saw.failures) {
		assert_int_equal(here.near_saw.err, -EHOSTUNREACH);
		assert_false(transport_connected(here.near, &to));
	}
	return here.far_saw.messages;
}

static void name_of_the_domain(void **state)
{
	(void)state;
	open_far(&here.ca, "whoever", "DNS:other.test,DNS:PROXY.example.TEST", 1);
	assert_true(is_taken());
	assert_int_equal(here.far_saw.body, 5);
}

static void uri_of_the_domain(void **state)
{
	(void)state;
	open_far(&here.ca, "whoever", "URI:sip:" DOMAIN, 1);
	assert_true(is_taken());
}

static void name_of_another(void **state)
{
	(void)state;
	open_far(&here.ca, DOMAIN, "DNS:other.test", 1);
	assert_false(is_taken());
}

static void wildcard(void **state)
{
	(void)state;
	open_far(&here.ca, "whoever", "DNS:*.example.test", 1);
	assert_false(is_taken());
}

/* RFC 5280 4.2.1.12, which RFC 5922 7.1 wants: what it may be used for */
static void for_servers(void **state)
{
	(void)state;
	certificate_use = "clientAuth,serverAuth";
	open_far(&here.ca, "whoever", "DNS:" DOMAIN, 1);
	certificate_use = NULL;
	assert_true(is_taken());
}

static void for_another_use(void **state)
{
	(void)state;
	certificate_use = "clientAuth,emailProtection";
	open_far(&here.ca, "whoever", "DNS:" DOMAIN, 1);
	certificate_use = NULL;
	assert_false(is_taken());
}

static void no_longer_valid(void **state)
{
	(void)state;
	open_far(&here.ca, "whoever", "DNS:" DOMAIN, -1);
	assert_false(is_taken());
}

static void unknown_authority(void **state)
{
	struct certificate other = { 0 };

	(void)state;
	certificate_make(&other, NULL, "Authority", NULL, 30);
	open_far(&other, "whoever", "DNS:" DOMAIN, 1);
	certificate_free(&other);
	assert_false(is_taken());
}

/* 7.1: what else is in a certificate, and what counts of it */
static void whose_certificate(void **state)
{
	static const struct {
		const char *names, *domain;
		bool is;
	} cases[] = {
		{ "DNS:a.test", "a.test", true },
		{ "DNS:a.test", "A.TEST", true },
		{ "DNS:a.test", "b.a.test", false },
		{ "DNS:b.a.test", "a.test", false },
		{ "DNS:.test", "a.test", false },
		/* names of other letters are written in these (RFC 5280 7.2) */
		{ "DNS:xn--bcher-kva.test", "XN--Bcher-KVA.test", true },
		{ "DNS:xn--bcher-kva.test", "bcher.test", false },
		{ "DNS:a.tes", "a.test", false },
		{ "DNS:*.test", "a.test", false },
		{ "URI:sip:a.test", "a.test", true },
		{ "URI:SIP:a.test", "a.test", true },
		{ "URI:sip:a.test:5061", "a.test", true },
		{ "URI:sip:a.test;transport=tls", "a.test", true },
		{ "URI:sip:*.test", "a.test", false },
		{ "URI:sips:a.test", "a.test", false },
		{ "URI:sip:alice@a.test", "a.test", false },
		{ "URI:http://a.test", "a.test", false },
		{ "URI:sip:192.0.2.1", "192.0.2.1", true },
		{ "URI:sip:[2001:db8::1]:5061", "2001:db8::1", true },
		{ "IP:192.0.2.1", "192.0.2.1", false },
		{ "email:a.test", "a.test", false },
		/* a name beside a URI of SIP is not one of SIP */
		{ "DNS:a.test,URI:sip:b.test", "a.test", false },
		{ "DNS:a.test,URI:sip:b.test", "b.test", true },
		{ "DNS:a.test,URI:sip:alice@b.test", "a.test", true },
		{ "DNS:a.test,URI:http://b.test", "a.test", true },
		{ NULL, "a.test", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct certificate made = { 0 };

		certificate_make(&made, &here.ca, "a.test", cases[i].names, 1);
		if (siptls_certifies(made.cert, cases[i].domain) != cases[i].is)
			fail_msg("%s of %s", cases[i].names, cases[i].domain);
		certificate_free(&made);
	}
}

static bool near_got(void *arg)
{
	(void)arg;
	return here.near_saw.messages;
}

/* Both ways on one connection, and more than a record or two. */
static void large_and_back(void **state)
{
	struct flow to;

	(void)state;
	open_far(&here.ca, "whoever", "DNS:" DOMAIN, 1);
	to = far();
	assert_int_equal(send_message(here.near, &to, "1", 400000), 0);
	assert_true(loop_until(far_got_or_near_failed, NULL, 5000));
	assert_int_equal(here.far_saw.body, 400000);
	assert_int_equal(here.far_saw.flow.tp, SIP_TRANSP_TLS);
	assert_true(transport_established(here.near, &to));
	assert_int_equal(send_message(here.far, &here.far_saw.flow, "2", 300000), 0);
	assert_true(loop_until(near_got, NULL, 5000));
	assert_int_equal(here.near_saw.body, 300000);
	assert_int_equal(here.near_saw.failures + here.far_saw.failures, 0);
}

/* Who connects inside is never connected to. */
static void no_way_to_a_client(void **state)
{
	struct flow to;

	(void)state;
	open_far(&here.ca, "whoever", "DNS:" DOMAIN, 1);
	to = far();
	to.side = SIDE_INSIDE;
	assert_int_equal(send_message(here.near, &to, "1", 5), -ENOTCONN);
	assert_false(transport_connected(here.near, &to));
}

/* ---- what the other end offers, with OpenSSL as it comes */

struct shaking {
	SSL *ssl;
	int result;
};

static bool shook(void *arg)
{
	struct shaking *shaking = arg;
	int result = SSL_connect(shaking->ssl), error = SSL_get_error(shaking->ssl, result);

	shaking->result = result;
	return result == 1 || (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE);
}

static bool shakes_hands(int version, const char *suites)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	struct shaking shaking;
	int fd = loop_connect(here.port);

	SSL_CTX_set_security_level(context, 0);
	SSL_CTX_set_min_proto_version(context, version);
	SSL_CTX_set_max_proto_version(context, version);
	assert_int_equal(SSL_CTX_set_cipher_list(context, suites), 1);
	shaking.ssl = SSL_new(context);
	SSL_set_fd(shaking.ssl, fd);
	assert_true(loop_until(shook, &shaking, 5000));
	SSL_free(shaking.ssl);
	SSL_CTX_free(context);
	close(fd);
	loop_for(10);
	return shaking.result == 1;
}

static void versions_and_suites(void **state)
{
	(void)state;
	open_far(&here.ca, "whoever", "DNS:" DOMAIN, 1);
	assert_true(shakes_hands(TLS1_3_VERSION, "ALL"));
	assert_true(shakes_hands(TLS1_2_VERSION, "ALL"));
	assert_true(shakes_hands(TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305"));
	assert_false(shakes_hands(TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256"));
	assert_false(shakes_hands(TLS1_2_VERSION, "AES128-SHA"));
	assert_false(shakes_hands(TLS1_1_VERSION, "ALL"));
	assert_false(shakes_hands(TLS1_VERSION, "ALL"));
}

static bool far_failed(void *arg)
{
	(void)arg;
	return here.far_saw.failures;
}

static void plain_text(void **state)
{
	static const char text[] = "OPTIONS sip:x SIP/2.0\r\nContent-Length: 0\r\n\r\n";
	int fd;

	(void)state;
	open_far(&here.ca, "whoever", "DNS:" DOMAIN, 1);
	fd = loop_connect(here.port);
	assert_int_equal(send(fd, text, sizeof(text) - 1, 0), sizeof(text) - 1);
	assert_true(loop_until(far_failed, NULL, 5000));
	assert_int_equal(here.far_saw.messages, 0);
	close(fd);
}

/* ---- the standing connection */

static bool is_established(void *arg)
{
	struct flow to = far();

	(void)arg;
	return transport_established(here.near, &to);
}

static void stands(void **state)
{
	struct flow to;

	(void)state;
	open_far(&here.ca, "whoever", "DNS:" DOMAIN, 1);
	to = far();
	assert_int_equal(standing_open(&here.standing, here.near, &to, 120), 0);
	assert_true(loop_until(is_established, NULL, 5000));
	assert_int_equal(transport_ping(here.near, &to), 0);
	loop_for(50);
	assert_true(is_established(NULL));
	assert_int_equal(here.near_saw.failures + here.far_saw.failures, 0);
	/* over UDP there is none to keep */
	to.tp = SIP_TRANSP_UDP;
	standing_use(here.standing, &to, 120);
	assert_int_equal(here.near_saw.failures, 0);
}

static void pauses_grow(void **state)
{
	(void)state;
	/* RFC 5626 appendix A, but for the first, which is 0 there */
	assert_int_equal(standing_pause(0), 2000);
	assert_int_equal(standing_pause(1), 60000);
	assert_int_equal(standing_pause(2), 120000);
	assert_int_equal(standing_pause(5), 960000);
	assert_int_equal(standing_pause(6), 1800000);
	assert_int_equal(standing_pause(4000000000u), 1800000);
}

/* ---- what the configuration names */

static void refused(const char *words)
{
	struct problem problem;
	struct siptls *tls;

	assert_int_equal(siptls_open(&tls, &here.near_config, &problem), -EINVAL);
	assert_null(tls);
	if (strncmp(problem.words, words, strlen(words)))
		fail_msg("%s", problem.words);
}

static void files(void **state)
{
	struct certificate one = { 0 }, other = { 0 };
	struct config *config = &here.near_config;
	FILE *file;

	(void)state;
	certificate_make(&one, &here.ca, "one", NULL, 1);
	certificate_make(&other, &here.ca, "other", NULL, 1);
	config->certificate.path = here.cert_file;
	config->certificate.line = 3;
	config->private_key.path = here.key_file;
	config->private_key.line = 4;
	refused("mikeyd.conf:3: certificate: /tmp/siptls-");
	certificate_write(&one, here.cert_file, NULL);
	refused("mikeyd.conf:4: private-key: /tmp/siptls-");
	certificate_write(&other, NULL, here.key_file);
	refused("mikeyd.conf:4: private-key: /tmp/siptls-");
	certificate_write(&one, NULL, here.key_file);
	config->next_hop_ca.path = "/nowhere/ca.pem";
	refused("mikeyd.conf:7: next-hop-ca: /nowhere/ca.pem: No such file or directory");
	config->next_hop_ca.path = here.ca_file;
	use_tls(here.near, config);
	file = fopen(here.ca_file, "w");
	fputs("no certificate\n", file);
	fclose(file);
	refused("mikeyd.conf:7: next-hop-ca: /tmp/siptls-");
	certificate_free(&one);
	certificate_free(&other);
}

/* Both of clients and of the next hop: a record stays in OpenSSL's buffer else. */
static void what_was_read_is_wiped(void **state)
{
	(void)state;
	contexts = 0;
	cleansing = 0;
	open_far(&here.ca, "x", "DNS:" DOMAIN, 1);
	use_tls(here.near, &here.near_config);
	assert_int_equal(contexts, 2);
	assert_int_equal(cleansing, contexts);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, open_near, close_all)
	const struct CMUnitTest tests[] = {
		EACH(what_was_read_is_wiped),
		EACH(name_of_the_domain),
		EACH(uri_of_the_domain),
		EACH(name_of_another),
		EACH(wildcard),
		EACH(for_servers),
		EACH(for_another_use),
		EACH(no_longer_valid),
		EACH(unknown_authority),
		EACH(whose_certificate),
		EACH(large_and_back),
		EACH(no_way_to_a_client),
		EACH(versions_and_suites),
		EACH(plain_text),
		EACH(stands),
		EACH(pauses_grow),
		EACH(files),
	};

	return cmocka_run_group_tests(tests, loop_open, loop_close);
}
