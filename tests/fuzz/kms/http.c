// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One HTTP request as libmicrohttpd gives it to the service: what it says in
 * its head, then the body in pieces. The library itself is played here, and is
 * as strict as it: one answer to each request, nothing of a body left over.
 *
 * The input is a line for each of method, path, requesttype, Content-Type and
 * Content-Length, then the body; a line with '-' alone leaves its value out. The
 * first byte is how long the pieces are. The store is a real one without users.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helper/kms/http_server.h"
#include "helper/kms/seal.h"
#include "helper/lib/base64.h"
#include "helper/lib/log.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

enum line { METHOD, PATH, TYPE, CONTENT_TYPE, CONTENT_LENGTH, LINES };

static char lines[LINES][512];
static bool present[LINES];
static unsigned int answers, status;
static char *answer;
static size_t answer_len;

const char *MHD_lookup_connection_value(struct MHD_Connection *connection,
					enum MHD_ValueKind kind, const char *key)
{
	enum line l = kind == MHD_GET_ARGUMENT_KIND ? TYPE :
		      !strcmp(key, MHD_HTTP_HEADER_CONTENT_TYPE) ? CONTENT_TYPE : CONTENT_LENGTH;

	(void)connection;
	return present[l] ? lines[l] : NULL;
}

const union MHD_ConnectionInfo *MHD_get_connection_info(struct MHD_Connection *connection,
							enum MHD_ConnectionInfoType type, ...)
{
	(void)connection;
	(void)type;
	return NULL;
}

struct MHD_Response *MHD_create_response_from_buffer(size_t len, void *buffer,
						     enum MHD_ResponseMemoryMode mode)
{
	(void)mode;
	free(answer);
	answer = malloc(len + 1);
	if (!answer)
		abort();
	memcpy(answer, buffer, len);
	answer[len] = '\0';
	answer_len = len;
	return (struct MHD_Response *)answer;
}

enum MHD_Result MHD_add_response_header(struct MHD_Response *response, const char *header,
					const char *content)
{
	(void)response;
	if (!*header || !*content || strpbrk(content, "\r\n"))
		abort();
	return MHD_YES;
}

enum MHD_Result MHD_queue_response(struct MHD_Connection *connection,
				   unsigned int code, struct MHD_Response *response)
{
	(void)connection;
	(void)response;
	answers++;
	status = code;
	return MHD_YES;
}

void MHD_destroy_response(struct MHD_Response *response)
{
	(void)response;
}

static char dir[32];

static void remove_store(void)
{
	static const char *const names[] = { "/store", "/store-wal", "/store-shm" };
	char path[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
}

static struct kms_http *make_service(void)
{
	static const char *const identities[] = { "https://kms.example.test" };
	static struct kms_config config;
	static struct kms_http http;
	static u8 key[KMS_SEAL_KEY_LEN];
	struct kms_seal *seal = kms_seal_new(key);
	struct problem problem;
	char path[64];

	log_setup("fuzz", LOG_LEVEL_ERROR);
	snprintf(dir, sizeof(dir), "/tmp/mikey-fuzz-XXXXXX");
	if (!seal || !mkdtemp(dir))
		abort();
	atexit(remove_store);
	snprintf(path, sizeof(path), "%s/store", dir);
	kms_policy_defaults(&config.policy);
	config.policy.identities = identities;
	config.policy.num_identities = 1;
	http.parts.config = &config;
	http.parts.kms = kms_new(&config.policy, &kms_env_system);
	http.parts.recorder = kms_recorder_new(NULL, true);
	http.metrics = kms_metrics_new();
	http.body_max = base64_size(MIKEY_MSG_MAX, BASE64_MIME_LINE) + 2;
	if (kms_database_create(path, seal, &problem))
		abort();
	http.parts.pool = kms_pool_new(path, seal, 1, &problem);
	if (!http.parts.kms || !http.parts.recorder || !http.metrics || !http.parts.pool)
		abort();
	return &http;
}

/* The lines; what is behind them is the body. */
static size_t read_lines(const u8 *data, size_t size)
{
	const u8 *end;
	size_t at = 0, len;
	int i;

	for (i = 0; i < LINES; i++) {
		end = memchr(data + at, '\n', size - at);
		len = (end ? (size_t)(end - data) : size) - at;
		if (len >= sizeof(lines[i]) || memchr(data + at, 0, len))
			return 0;
		memcpy(lines[i], data + at, len);
		lines[i][len] = '\0';
		present[i] = strcmp(lines[i], "-");
		at += len + !!end;
	}
	/* the library passes on only a number, and that many bytes */
	if (present[CONTENT_LENGTH] &&
	    (!lines[CONTENT_LENGTH][0] || strspn(lines[CONTENT_LENGTH], "0123456789") !=
	     strlen(lines[CONTENT_LENGTH]) || strlen(lines[CONTENT_LENGTH]) > 18))
		return 0;
	return at;
}

static void check_answer(void)
{
	struct bytes msg = { 0 };
	struct mikey_diag diag;
	struct mikey_msg m;

	if (answers != 1)
		abort();
	switch (status) {
	case 400:
	case 404:
	case 405:
	case 413:
	case 415:
		if (!answer_len || answer[answer_len - 1] != '\n')
			abort();
		return;
	case 200:
		if (base64_read(&msg, answer, answer_len) ||
		    mikey_msg_parse(&m, msg.data, msg.len, MIKEY_EXT_PROOF_OF_ORIGIN_DEFAULT,
				    &diag))
			abort();
		bytes_wipe(&msg);
		return;
	default:
		abort();
	}
}

static void give(struct kms_http *http, const u8 *body, size_t len, size_t piece, void **state)
{
	size_t left, at, n;

	left = 0;
	if (kms_http_on_request(http, NULL, lines[PATH], lines[METHOD], "HTTP/1.1", NULL, &left,
				state) != MHD_YES)
		abort();
	if (present[CONTENT_LENGTH] && strtoull(lines[CONTENT_LENGTH], NULL, 10) < len)
		len = strtoull(lines[CONTENT_LENGTH], NULL, 10);
	for (at = 0; !answers && at < len; at += n) {
		/* of exactly its length, so that a read behind it is seen */
		char *copy;

		n = len - at < piece ? len - at : piece;
		copy = malloc(n);
		if (!copy)
			abort();
		memcpy(copy, body + at, n);
		left = n;
		if (kms_http_on_request(http, NULL, lines[PATH], lines[METHOD], "HTTP/1.1", copy,
					&left, state) != MHD_YES || left)
			abort();
		free(copy);
	}
	left = 0;
	if (!answers && kms_http_on_request(http, NULL, lines[PATH], lines[METHOD], "HTTP/1.1",
					    NULL, &left, state) != MHD_YES)
		abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct kms_http *http;
	void *state = NULL;
	size_t at;

	if (!http)
		http = make_service();
	if (size < 2)
		return 0;
	at = read_lines(data + 1, size - 1);
	if (!at)
		return 0;
	answers = 0;
	give(http, data + 1 + at, size - 1 - at, data[0] + 1, &state);
	kms_http_on_completed(http, NULL, &state, MHD_REQUEST_TERMINATED_COMPLETED_OK);
	if (state)
		abort();
	check_answer();
	return 0;
}
