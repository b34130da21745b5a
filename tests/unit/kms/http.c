// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Annex A on real sockets: what is answered with which status, clients that
 * are slow or many, TLS, and an orderly end.
 */
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "helper/kms/http.h"
#include "helper/kms/limit.h"
#include "helper/lib/base64.h"
#include "helper/lib/log.h"
#include "tests/unit/kms/client.h"

struct server {
	struct place *place;
	struct house *house;		/* for requests of its ALICE and BOB */
	struct kms_config config;
	struct kms_pool *pool;
	struct kms *kms;
	struct kms_recorder *recorder;
	struct kms_http *http;
	unsigned int port;
};

static struct http_answer answer;
static struct kms_answer mikey;

/* Configuration lines beyond those that every server has. */
static void start(struct server *s, const char *more)
{
	char text[1024];

	snprintf(text, sizeof(text), "identity = \"%s\";\nlog-level = \"error\";\n%s", KMS_URL,
		 more);
	place_write(s->place, "conf", text);
	if (kms_config_read(&s->config, place_file(s->place, "conf"),
			    &s->place->problem))
		fail_msg("%s", s->place->problem.words);
	s->pool = kms_pool_new(s->place->where, s->place->seal,
			       s->config.threads, &s->place->problem);
	assert_non_null(s->pool);
	s->kms = kms_new(&s->config.policy, &s->house->world.env);
	assert_non_null(s->kms);
	s->recorder = kms_recorder_new(NULL, true);
	assert_non_null(s->recorder);
	s->http = kms_http_start(&(struct kms_parts) {
		.config = &s->config,
		.kms = s->kms,
		.pool = s->pool,
		.recorder = s->recorder,
	}, &s->place->problem);
	if (s->http)
		s->port = kms_http_port(s->http, 0);
}

static void stop(struct server *s)
{
	kms_http_stop(s->http);
	kms_recorder_free(s->recorder);
	kms_free(s->kms);
	kms_pool_free(s->pool);
	kms_config_free(&s->config);
	s->http = NULL;
}

static int setup(void **state)
{
	struct server *s = calloc(1, sizeof(*s));
	void *part;
	u32 i;

	assert_non_null(s);
	log_setup("test", LOG_LEVEL_ERROR);
	place_store_setup(&part);
	s->place = part;
	house_setup(&part);
	s->house = part;
	place_user(s->place, ALICE, "alice-psk", 0xa1);
	place_user(s->place, BOB, "bob-psk", 0xb2);
	for (i = 0; i < 2; i++)
		memset(s->house->mem.users[i].psk.key, i ? 0xb2 : 0xa1, 32);
	*state = s;
	return 0;
}

static int setup_and_start(void **state)
{
	setup(state);
	start(*state, "listen = [\"127.0.0.1:0\"];\n");
	assert_non_null(((struct server *)*state)->http);
	return 0;
}

static int teardown(void **state)
{
	struct server *s = *state;
	void *part;

	if (s->http)
		stop(s);
	part = s->house;
	house_teardown(&part);
	part = s->place;
	place_teardown(&part);
	free(s);
	return 0;
}

static void one_request(struct server *s, struct request *r, struct message *msg)
{
	request_init(r, s->house);
	request_write(r, msg);
}

static void both_exchanges(void **state)
{
	static struct message request, resolve;
	static struct granted granted;
	static struct resolved resolved;
	struct server *s = *state;
	struct resolve_request q;
	struct request r;

	one_request(s, &r, &request);
	assert_int_equal(mikey_post(s->port, REQUEST_PATH, &request, &mikey), 200);
	granted_read(&granted, &r, &request, &mikey);
	resolve_init(&q, s->house, &granted);
	resolve_write(&q, &resolve);
	assert_int_equal(mikey_post(s->port, RESOLVE_PATH, &resolve, &mikey), 200);
	resolved_read(&resolved, &q, &resolve, &mikey);
	assert_memory_equal(resolved.keys[2].key.p, granted.keys.traffic, 32);
	/* Errors are answers, too */
	assert_int_equal(mikey_post(s->port, RESOLVE_PATH, &resolve, &mikey), 200);
	assert_int_equal(mikey.error_no, MIKEY_ERR_INVALID_TS);
}

static void assert_status(int status, const char *words)
{
	if (answer.status != status || !strstr(answer.text, words))
		fail_msg("wanted %d \"%s\": %s", status, words, answer.text);
}

static void statuses(void **state)
{
	static const struct {
		const char *method, *path, *type;
		int status;
		const char *words;
	} cases[] = {
		{ "POST", "/", "application/mikey", 404, "/keymanagement" },
		{ "POST", "/keymanagement/", "application/mikey", 404, "" },
		{ "GET", REQUEST_PATH, NULL, 405, "Allow: POST" },
		{ "PUT", REQUEST_PATH, "application/mikey", 405, "Allow: POST" },
		{ "POST", "/keymanagement", "application/mikey", 400, "requesttype" },
		{ "POST", "/keymanagement?requesttype=", "application/mikey", 400,
		  "requesttype" },
		{ "POST", "/keymanagement?requesttype=ticket", "application/mikey",
		  400, "requesttype" },
		{ "POST", REQUEST_PATH, NULL, 415, "application/mikey" },
		{ "POST", REQUEST_PATH, "text/plain", 415, "application/mikey" },
		{ "POST", REQUEST_PATH, "application/mikeyx", 415, "" },
		{ "POST", REQUEST_PATH, "application/mikey", 400, "not base64" },
		{ "POST", REQUEST_PATH, "Application/MIKEY; a=b", 400, "not base64" },
		/* the absolute form of RFC 9112 3.2.2 */
		{ "POST", "http://kms.example.test:80" REQUEST_PATH, "application/mikey", 400,
		  "not base64" },
		{ "POST", "HTTPS://[2001:db8::1]" REQUEST_PATH, "application/mikey", 400,
		  "not base64" },
		{ "POST", "http://kms.example.test/x" REQUEST_PATH, "application/mikey", 404,
		  "" },
		{ "POST", "http://kms.example.test", "application/mikey", 404, "" },
	};
	static const char body[] = "this is !? not base64";
	struct server *s = *state;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		http_request(s->port, cases[i].method, cases[i].path,
			     cases[i].type, body, strlen(body), &answer);
		assert_status(cases[i].status, cases[i].words);
	}
	http_request(s->port, "POST", REQUEST_PATH, "application/mikey", "", 0,
		     &answer);
	assert_status(400, "not a MIKEY message");
	http_request(s->port, "POST", REQUEST_PATH, "application/mikey",
		     "AQIDBAUGBwgJCgsM", 16, &answer);
	assert_status(200, "Content-Type: application/mikey");
	http_request(s->port, "POST", REQUEST_PATH, "application/mikey",
		     "BQIDBAUGBwgJCgsM", 16, &answer);
	assert_status(400, "not a MIKEY message");
}

/* White space in base64 is fine; MIME lines are what some clients send. */
static void mime_lines(void **state)
{
	static struct message msg;
	struct server *s = *state;
	char text[2048];
	struct request r;
	size_t len;

	one_request(s, &r, &msg);
	len = base64_write(text, msg.buf, msg.len, BASE64_MIME_LINE);
	http_request(s->port, "POST", REQUEST_PATH, "application/mikey", text,
		     len, &answer);
	assert_status(200, "application/mikey");
	/* REQUEST_RESP and not an Error: "AQ0" is 01 0d */
	assert_memory_equal(answer.body, "AQ0", 3);
}

static void too_large(void **state)
{
	static const char head[] = "POST " REQUEST_PATH " HTTP/1.1\r\nHost: k\r\n"
		"Content-Type: application/mikey\r\nTransfer-Encoding: chunked\r\n\r\n";
	static char big[100000];
	struct server *s = *state;
	char size[16];
	int fd;

	memset(big, 'A', sizeof(big));
	/* by its length, before the body */
	http_request(s->port, "POST", REQUEST_PATH, "application/mikey", big,
		     sizeof(big), &answer);
	assert_status(413, "too large");
	/* without a length, once it is over the limit */
	fd = http_connect(s->port);
	http_send(fd, head, strlen(head));
	snprintf(size, sizeof(size), "%zx\r\n", sizeof(big));
	http_send(fd, size, strlen(size));
	http_send(fd, big, sizeof(big));
	http_send(fd, "\r\n0\r\n\r\n", 7);
	http_receive(fd, &answer);
	close(fd);
	assert_status(413, "too large");
	/* the most there can be: long, but no MIKEY message (05 ...) */
	memset(big, 'B', sizeof(big));
	http_request(s->port, "POST", REQUEST_PATH, "application/mikey", big,
		     86664, &answer);
	assert_status(400, "not a MIKEY message");
}

static void broken_store(void **state)
{
	static struct message msg;
	struct server *s = *state;
	struct request r;

	place_sql(s->place, "ALTER TABLE replay RENAME TO gone");
	one_request(s, &r, &msg);
	assert_int_equal(mikey_post(s->port, REQUEST_PATH, &msg, &mikey), 500);
	place_sql(s->place, "ALTER TABLE gone RENAME TO replay");
	assert_int_equal(mikey_post(s->port, REQUEST_PATH, &msg, &mikey), 200);
	assert_int_equal(mikey.error_no, -1);

	/* somebody holds the write lock */
	one_request(s, &r, &msg);
	assert_int_equal(kms_database_begin(s->place->d, &s->place->problem), 0);
	assert_int_equal(mikey_post(s->port, REQUEST_PATH, &msg, &mikey), 503);
	assert_int_equal(kms_database_end(s->place->d, 0, &s->place->problem), 0);
	assert_int_equal(mikey_post(s->port, REQUEST_PATH, &msg, &mikey), 200);
	assert_int_equal(mikey.error_no, -1);
}

/* The source's tokens: in whatever it asks for, before anything is looked at. */
static void rate_of_an_address(void **state)
{
	struct server *s = *state;
	int i;

	start(s, "listen = [\"127.0.0.1:0\"];\nrate-per-address = 1;\n"
	      "burst-per-address = 3;\n");
	assert_non_null(s->http);
	/* then there is no connection either; tokens may come back meanwhile */
	for (i = 0; i < 50; i++) {
		http_request(s->port, "GET", "/", NULL, NULL, 0, &answer);
		if (!answer.status)
			break;
		assert_int_equal(answer.status, 404);
	}
	assert_in_range(i, 3, 49);
}

/* On one connection, with the time after which to try again. */
static void rate_on_a_connection(void **state)
{
	static const char post[] = "POST " REQUEST_PATH " HTTP/1.1\r\nHost: a\r\n"
		"Content-Type: application/mikey\r\nContent-Length: 4\r\n\r\nAAAA";
	struct server *s = *state;
	int fd, i;

	start(s, "listen = [\"127.0.0.1:0\"];\nrate-per-address = 1;\n"
	      "burst-per-address = 1;\n");
	assert_non_null(s->http);
	fd = http_connect(s->port);
	for (i = 0; i < 50; i++) {
		http_send(fd, post, strlen(post));
		http_receive(fd, &answer);
		if (answer.status == 429)
			break;
		assert_int_equal(answer.status, 400);
	}
	close(fd);
	assert_in_range(i, 1, 49);
	assert_non_null(strcasestr(answer.text, "\r\nRetry-After: 1\r\n"));
}

/* The PSK's tokens: neither forgeries nor repetitions take any. */
static void rate_of_a_psk(void **state)
{
	static struct message msg, first;
	struct kms_limit *limit = kms_limit_new(1, 2);
	struct server *s = *state;
	struct request r;
	int i;

	assert_non_null(limit);
	kms_set_limit(s->kms, limit);
	one_request(s, &r, &first);
	assert_int_equal(mikey_post(s->port, REQUEST_PATH, &first, &mikey), 200);
	assert_int_equal(mikey.error_no, -1);
	for (i = 0; i < 5; i++) {
		assert_int_equal(mikey_post(s->port, REQUEST_PATH, &first, &mikey), 200);
		assert_int_equal(mikey.error_no, MIKEY_ERR_INVALID_TS);
		one_request(s, &r, &msg);
		msg.buf[msg.len - 1] ^= 1;
		assert_int_equal(mikey_post(s->port, REQUEST_PATH, &msg, &mikey), 200);
		assert_int_equal(mikey.error_no, MIKEY_ERR_AUTH_FAILURE);
	}
	/* what is left, and then none: tokens may come back meanwhile */
	for (i = 0; i < 50; i++) {
		one_request(s, &r, &msg);
		if (mikey_post(s->port, REQUEST_PATH, &msg, &mikey) == 429)
			break;
		assert_int_equal(mikey.error_no, -1);
	}
	assert_in_range(i, 1, 49);
	stop(s);
	kms_limit_free(limit);
}

static double now_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* Seconds until the server hangs up on one who sends a byte now and then. */
static double trickle(struct server *s, const char *first)
{
	double begin = now_seconds();
	int fd = http_connect(s->port);
	char byte;

	http_send(fd, first, strlen(first));
	while (now_seconds() - begin < 60) {
		struct timespec pause = { .tv_nsec = 200000000 };

		nanosleep(&pause, NULL);
		kms_http_tick(s->http);
		if (send(fd, "A", 1, MSG_NOSIGNAL) < 0 ||
		    recv(fd, &byte, 1, MSG_DONTWAIT) == 0)
			break;
	}
	close(fd);
	return now_seconds() - begin;
}

static void slow_clients(void **state)
{
	static struct message msg;
	struct server *s = *state;
	struct request r;

	start(s, "listen = [\"127.0.0.1:0\"];\nrequest-timeout = 2;\n");
	assert_true(trickle(s, "POST /key") < 50);
	assert_true(trickle(s, "POST " REQUEST_PATH " HTTP/1.1\r\nHost: k\r\n"
			    "Content-Type: application/mikey\r\n"
			    "Content-Length: 500\r\n\r\nAA") < 50);
	one_request(s, &r, &msg);
	assert_int_equal(mikey_post(s->port, REQUEST_PATH, &msg, &mikey), 200);
}

static void many_connections(void **state)
{
	static struct message msg;
	struct server *s = *state;
	struct request r;
	int fds[3], i;

	start(s, "listen = [\"127.0.0.1:0\"];\nmax-connections-per-address = 3;\n"
	      "threads = 1;\nrequest-timeout = 10;\n");
	for (i = 0; i < 3; i++) {
		fds[i] = http_connect(s->port);
		http_send(fds[i], "POST ", 5);
	}
	one_request(s, &r, &msg);
	assert_int_equal(mikey_post(s->port, REQUEST_PATH, &msg, &mikey), 0);
	/*
	 * A close that arrives together with the bytes before it may be seen
	 * only when the request's time is over.
	 */
	close(fds[0]);
	for (i = 0; i < 1000; i++) {
		struct timespec pause = { .tv_nsec = 50000000 };

		kms_http_tick(s->http);
		if (mikey_post(s->port, REQUEST_PATH, &msg, &mikey) == 200)
			break;
		nanosleep(&pause, NULL);
	}
	assert_true(i < 1000);
	assert_int_equal(mikey.error_no, -1);
	close(fds[1]);
	close(fds[2]);
}

#define CLIENTS 6
#define EACH 25

struct client {
	pthread_t thread;
	struct server *s;
	struct message msgs[EACH];
	int granted, refused, failed;
};

static void *client_run(void *arg)
{
	struct client *c = arg;
	struct kms_answer *a = malloc(sizeof(*a));
	int i;

	for (i = 0; i < EACH; i++) {
		if (mikey_post(c->s->port, REQUEST_PATH, &c->msgs[i], a) != 200)
			c->failed++;
		else if (a->error_no < 0)
			c->granted++;
		else
			c->refused++;
	}
	free(a);
	return NULL;
}

/* All different: all granted. All alike: each granted once only. */
static void concurrent(void **state)
{
	struct client *clients = calloc(CLIENTS, sizeof(*clients));
	struct server *s = *state;
	int granted = 0, refused = 0;
	struct request r;
	int alike, i, k;

	assert_non_null(clients);
	for (alike = 0; alike < 2; alike++) {
		for (i = 0; i < CLIENTS; i++) {
			clients[i].s = s;
			for (k = 0; k < EACH; k++) {
				if (alike && i)
					clients[i].msgs[k] = clients[0].msgs[k];
				else
					one_request(s, &r, &clients[i].msgs[k]);
			}
		}
		for (i = 0; i < CLIENTS; i++)
			pthread_create(&clients[i].thread, NULL, client_run,
				       &clients[i]);
		for (i = 0; i < CLIENTS; i++) {
			pthread_join(clients[i].thread, NULL);
			assert_int_equal(clients[i].failed, 0);
			granted += clients[i].granted;
			refused += clients[i].refused;
			clients[i].granted = 0;
			clients[i].refused = 0;
		}
	}
	assert_int_equal(granted, CLIENTS * EACH + EACH);
	assert_int_equal(refused, (CLIENTS - 1) * EACH);
	free(clients);
}

static void *stop_run(void *arg)
{
	stop(arg);
	return NULL;
}

/* What was begun before the end is answered; nothing new is taken. */
static void stop_in_mid_request(void **state)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	static struct message msg;
	struct timespec pause = { .tv_nsec = 300000000 };
	struct server *s = *state;
	char text[2048], head[512];
	unsigned int port = s->port;
	pthread_t thread;
	struct request r;
	size_t len;
	int fd, n;

	one_request(s, &r, &msg);
	len = base64_write(text, msg.buf, msg.len, 0);
	n = snprintf(head, sizeof(head), "POST " REQUEST_PATH " HTTP/1.1\r\nHost: k\r\n"
		     "Content-Type: application/mikey\r\nExpect: 100-continue\r\n"
		     "Content-Length: %zu\r\n\r\n", len);
	fd = http_connect(port);
	http_send(fd, head, n);
	/* it was begun, or nobody would say so (RFC 9110 10.1.1) */
	assert_int_equal(recv(fd, head, strlen(go_on), MSG_WAITALL), strlen(go_on));
	assert_memory_equal(head, go_on, strlen(go_on));
	http_send(fd, text, 10);
	pthread_create(&thread, NULL, stop_run, s);
	nanosleep(&pause, NULL);
	http_send(fd, text + 10, len - 10);
	http_receive(fd, &answer);
	assert_status(200, "application/mikey");
	close(fd);
	pthread_join(thread, NULL);
	assert_int_equal(http_connect(port), -1);
}

static void cannot_listen(void **state)
{
	struct server *s = *state;
	struct server second = { .place = s->place, .house = s->house };
	char text[128];

	snprintf(text, sizeof(text), "listen = [\"127.0.0.1:%u\"];\n", s->port);
	start(&second, text);
	assert_null(second.http);
	assert_non_null(strstr(s->place->problem.words, "Address already in use"));
	stop(&second);
}

static EVP_PKEY *new_key(struct server *s, const char *name)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	FILE *f = fopen(place_file(s->place, name), "w");

	assert_non_null(key);
	assert_true(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL));
	fclose(f);
	return key;
}

/* A certificate for @key signed by @ca_key: itself where @issuer is NULL. */
static X509 *new_certificate(struct server *s, const char *file,
			     const char *name, EVP_PKEY *key, X509 *issuer,
			     EVP_PKEY *ca_key)
{
	X509 *cert = X509_new();
	X509_NAME *subject;
	X509V3_CTX ctx;
	X509_EXTENSION *ext;
	FILE *f;

	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), issuer ? 2 : 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	subject = X509_get_subject_name(cert);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
				   (const u8 *)name, -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert));
	X509V3_set_ctx(&ctx, issuer ? issuer : cert, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, issuer ? NID_subject_alt_name :
				  NID_basic_constraints, issuer ?
				  "DNS:kms.example.test" : "critical,CA:TRUE");
	assert_non_null(ext);
	X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);
	assert_true(X509_sign(cert, ca_key, EVP_sha256()));
	f = fopen(place_file(s->place, file), "w");
	PEM_write_X509(f, cert);
	fclose(f);
	return cert;
}

static void make_certificates(struct server *s)
{
	EVP_PKEY *ca_key = new_key(s, "ca.key"), *key = new_key(s, "kms.key");
	X509 *ca = new_certificate(s, "ca.pem", "Test CA", ca_key, NULL, ca_key);
	X509 *cert = new_certificate(s, "kms.pem", "KMS", key, ca, ca_key);

	X509_free(ca);
	X509_free(cert);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(key);
}

static int start_tls(struct server *s, const char *key)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "listen-tls = [\"127.0.0.1:0\"];\ncertificate = \"%s\";\nprivate-key = \"%s\";\n",
		 place_file(s->place, "kms.pem"), place_file(s->place, key));
	start(s, text);
	return s->http ? 0 : -1;
}

#define ANY_CIPHER "DEFAULT:@SECLEVEL=0"

/* One request over TLS, trusting only the CA in @ca. Status, 0 if no trust. */
static int tls_post(struct server *s, const char *ca, const char *host,
		    int max_version, const char *ciphers,
		    const struct message *msg)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	char text[4096];
	size_t len = base64_write(text + 1024, msg->buf, msg->len, 0);
	int fd = http_connect(s->port), status = 0, n;
	SSL *ssl;

	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_max_proto_version(ctx, max_version);
	assert_int_equal(SSL_CTX_set_cipher_list(ctx, ciphers), 1);
	assert_true(SSL_CTX_load_verify_locations(ctx, place_file(s->place, ca), NULL));
	ssl = SSL_new(ctx);
	SSL_set1_host(ssl, host);
	SSL_set_fd(ssl, fd);
	if (SSL_connect(ssl) == 1) {
		n = snprintf(text, 1024, "POST " REQUEST_PATH " HTTP/1.1\r\nHost: k\r\n"
			     "Content-Type: application/mikey\r\nContent-Length: %zu\r\n\r\n",
			     len);
		SSL_write(ssl, text, n);
		SSL_write(ssl, text + 1024, len);
		n = SSL_read(ssl, text, sizeof(text) - 1);
		text[n > 0 ? n : 0] = '\0';
		if (!strncmp(text, "HTTP/1.1 ", 9))
			status = strtol(text + 9, NULL, 10);
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(fd);
	return status;
}

static void over_tls(void **state)
{
	/* no AEAD; no ephemeral key; neither */
	static const char *const refused[] = {
		"ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0",
		"AES256-GCM-SHA384:AES128-GCM-SHA256:@SECLEVEL=0", "AES128-SHA:@SECLEVEL=0",
	};
	static struct message msg;
	struct server *s = *state;
	struct request r;
	size_t i;

	make_certificates(s);
	assert_int_equal(start_tls(s, "kms.key"), 0);
	one_request(s, &r, &msg);
	assert_int_equal(tls_post(s, "ca.pem", "kms.example.test",
				  TLS1_3_VERSION, ANY_CIPHER, &msg), 200);
	one_request(s, &r, &msg);
	assert_int_equal(tls_post(s, "ca.pem", "kms.example.test",
				  TLS1_2_VERSION, ANY_CIPHER, &msg), 200);
	assert_int_equal(tls_post(s, "ca.pem", "kms.example.test",
				  TLS1_1_VERSION, ANY_CIPHER, &msg), 0);
	assert_int_equal(tls_post(s, "ca.pem", "other.example.test",
				  TLS1_3_VERSION, ANY_CIPHER, &msg), 0);
	for (i = 0; i < ARRAY_SIZE(refused); i++)
		assert_int_equal(tls_post(s, "ca.pem", "kms.example.test",
					  TLS1_2_VERSION, refused[i], &msg), 0);
	/* plain HTTP to the TLS port is not answered */
	assert_int_equal(mikey_post(s->port, REQUEST_PATH, &msg, &mikey), 0);
}

static void tls_misconfigured(void **state)
{
	struct server *s = *state;

	make_certificates(s);
	place_write(s->place, "bad.key", "no PEM at all\n");
	assert_int_equal(start_tls(s, "bad.key"), -1);
	assert_non_null(strstr(s->place->problem.words, "PEM"));
	stop(s);
	assert_int_equal(start_tls(s, "absent.key"), -1);
	assert_non_null(strstr(s->place->problem.words, "absent.key: No such file"));
	stop(s);
}

#define WITH_SERVER(test) \
	cmocka_unit_test_setup_teardown(test, setup_and_start, teardown)
#define BY_ITSELF(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SERVER(both_exchanges),
		WITH_SERVER(statuses),
		WITH_SERVER(mime_lines),
		WITH_SERVER(too_large),
		WITH_SERVER(broken_store),
		BY_ITSELF(rate_of_an_address),
		BY_ITSELF(rate_on_a_connection),
		WITH_SERVER(rate_of_a_psk),
		BY_ITSELF(slow_clients),
		BY_ITSELF(many_connections),
		WITH_SERVER(concurrent),
		WITH_SERVER(stop_in_mid_request),
		WITH_SERVER(cannot_listen),
		BY_ITSELF(over_tls),
		BY_ITSELF(tls_misconfigured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
