// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A client that plays many users; see kms_asker.h. What it writes and reads
 * are the messages of the unit tests' terminal.
 */
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <time.h>
#include <unistd.h>

#include "helper/lib/base64.h"
#include "tests/load/kms_asker.h"
#include "tests/load/tally.h"

/* The unit tests count; here several runs ask one store. */
void fresh(u8 *buf, size_t len)
{
	assert_int_equal(RAND_bytes(buf, len), 1);
}

void assert_bytes(const u8 *got, size_t got_len, struct mikey_blob want)
{
	assert_int_equal(got_len, want.len);
	assert_memory_equal(got, want.p, want.len);
}

void user_make(struct user *u, u32 number)
{
	char seed[64];
	int len = snprintf(seed, sizeof(seed), "a PSK of the load test: %u", number);

	snprintf(u->uid, sizeof(u->uid), "user-%07u@" DOMAIN, number);
	SHA256((const u8 *)seed, len, u->psk);
}

struct asker *asker_new(const struct ports *ports, unsigned int process)
{
	struct asker *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->house = calloc(1, sizeof(*a->house));
	if (!a->house) {
		free(a);
		return NULL;
	}
	a->ports = ports;
	a->process = process % ports->num;
	a->fd = -1;
	return a;
}

void asker_free(struct asker *a)
{
	if (!a)
		return;
	if (a->fd >= 0)
		close(a->fd);
	free(a->house);
	free(a);
}

static void move_in(struct mem_user *to, const struct user *from)
{
	to->psk_id = from->uid;
	to->psk.suite = MIKEY_SUITE_ID_256;
	to->psk.key_len = sizeof(from->psk);
	memcpy(to->psk.key, from->psk, sizeof(from->psk));
}

void asker_play(struct asker *a, u32 from, u32 to)
{
	user_make(&a->from, from);
	user_make(&a->to, to);
	move_in(&a->house->mem.users[0], &a->from);
	move_in(&a->house->mem.users[1], &a->to);
}

/* HTTP/1.1 keeps the connection; one that broke is made again elsewhere. */
static void hang_up(struct asker *a)
{
	if (a->fd >= 0)
		close(a->fd);
	a->fd = -1;
	a->process = (a->process + 1) % a->ports->num;
}

static void read_body(struct asker *a)
{
	struct bytes raw = { 0 };

	assert_int_equal(base64_read(&raw, a->http.body, a->http.body_len), 0);
	assert_in_range(raw.len, 18, sizeof(a->answer.buf));
	memcpy(a->answer.buf, raw.data, raw.len);
	a->answer.len = raw.len;
	/* an Error has HDR, T (32 bits) and then ERR */
	a->answer.error_no = raw.data[1] == MIKEY_DT_ERROR ? raw.data[17] : -1;
	bytes_wipe(&raw);
}

enum outcome_of asker_post(struct asker *a, const char *path,
			   const struct message *msg, u32 *us)
{
	size_t body = base64_size(msg->len, 0);
	uint64_t begin;
	int len;

	len = snprintf(a->text, sizeof(a->text),
		       "POST %s HTTP/1.1\r\nHost: kms.example.test\r\n"
		       "Content-Type: application/mikey\r\nContent-Length: %zu\r\n\r\n",
		       path, body);
	assert_true(len + body < sizeof(a->text));
	base64_write(a->text + len, msg->buf, msg->len, 0);
	if (a->fd < 0)
		a->fd = http_connect(a->ports->port[a->process]);
	begin = tally_clock();
	a->http.status = 0;
	if (a->fd >= 0) {
		http_send(a->fd, a->text, len + body);
		http_receive(a->fd, &a->http);
	}
	*us = tally_clock() - begin;
	if (!a->http.status) {
		hang_up(a);
		return LOST;
	}
	if (a->http.status != 200)
		return a->http.status == 503 ? BUSY : REFUSED;
	read_body(a);
	return a->answer.error_no < 0 ? GOOD : REFUSED;
}

enum outcome_of asker_request(struct asker *a, u32 *us)
{
	struct request *r = &a->request;
	enum outcome_of outcome;

	a->house->world.now = time(NULL);
	request_init(r, a->house);
	r->idr_i = a->from.uid;
	r->tp_idr_i = a->from.uid;
	r->to[0] = a->to.uid;
	request_write(r, &a->asked);
	outcome = asker_post(a, REQUEST_PATH, &a->asked, us);
	if (outcome == GOOD)
		granted_read(&a->granted, r, &a->asked, &a->answer);
	return outcome;
}

enum outcome_of asker_resolve(struct asker *a, u32 *us)
{
	struct resolve_request *r = &a->resolve;
	struct resolved *out = &a->resolved;
	enum outcome_of outcome;
	struct mikey_blob key;

	a->house->world.now = time(NULL);
	resolve_init(r, a->house, &a->granted);
	r->idr_r = a->to.uid;
	resolve_write(r, &a->asked);
	outcome = asker_post(a, RESOLVE_PATH, &a->asked, us);
	if (outcome != GOOD)
		return outcome;
	resolved_read(out, r, &a->asked, &a->answer);
	/* MPKi, MPKr' and the traffic key, which must be that of the request */
	assert_int_equal(out->num_keys, 3);
	key = out->keys[2].key;
	assert_bytes(key.p, key.len, kms_blob(a->granted.keys.traffic,
					      sizeof(a->granted.keys.traffic)));
	key = out->keys[0].key;
	assert_bytes(key.p, key.len, kms_blob(a->granted.keys.mpk,
					      sizeof(a->granted.keys.mpk)));
	return outcome;
}
