// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Keys in the kernel's crypto API, through AF_ALG. A key that stays has an open
 * socket; for one that is used once a bound socket is there already, which gets
 * the key and hands out a socket for the operation.
 *
 * It has no wrapping of keys: RFC 3394 is done block by block with ecb(aes).
 */
#include <linux/if_alg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "bench.h"
#include "job.h"

#define ROOM (1024 * 1024 + JOB_ICV_LEN)

struct afalg {
	int hmac;
	int ecb;
	int gcm;
};

struct key {
	int bound;
	int fd;
};

static void must(bool ok, const char *what)
{
	if (!ok)
		bench_die("AF_ALG: %s: %m", what);
}

static int bound(const char *type, const char *name)
{
	struct sockaddr_alg sa = { .salg_family = AF_ALG };
	int fd = socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	strcpy((char *)sa.salg_type, type);
	strcpy((char *)sa.salg_name, name);
	must(fd >= 0 && !bind(fd, (struct sockaddr *)&sa, sizeof(sa)), name);
	return fd;
}

/* A socket for one operation, or for many. */
static int keyed(int fd, const u8 *key)
{
	int op;

	must(!setsockopt(fd, SOL_ALG, ALG_SET_KEY, key, JOB_KEY_LEN), "ALG_SET_KEY");
	op = accept4(fd, NULL, 0, SOCK_CLOEXEC);
	must(op >= 0, "accept");
	return op;
}

static void *afalg_open(void)
{
	struct afalg *a = malloc(sizeof(*a));

	must(a, "memory");
	a->hmac = bound("hash", "hmac(sha256)");
	a->ecb = bound("skcipher", "ecb(aes)");
	a->gcm = bound("aead", "gcm(aes)");
	must(!setsockopt(a->gcm, SOL_ALG, ALG_SET_AEAD_AUTHSIZE, NULL, JOB_ICV_LEN),
	     "ALG_SET_AEAD_AUTHSIZE");
	return a;
}

static void afalg_close(void *ctx)
{
	struct afalg *a = ctx;

	close(a->hmac);
	close(a->ecb);
	close(a->gcm);
	free(a);
}

static void *afalg_key(void *ctx, const u8 *key)
{
	struct key *k = malloc(sizeof(*k));

	(void)ctx;
	must(k, "memory");
	k->bound = bound("hash", "hmac(sha256)");
	k->fd = keyed(k->bound, key);
	return k;
}

static void afalg_key_free(void *ctx, void *key)
{
	struct key *k = key;

	(void)ctx;
	close(k->fd);
	close(k->bound);
	free(k);
}

static void sum(int fd, const struct mikey_blob *seg, u32 num, u8 *mac)
{
	struct iovec iov[MIKEY_COVER_MAX];
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = num };
	u32 i;

	for (i = 0; i < num; i++)
		iov[i] = (struct iovec){ (u8 *)seg[i].p, seg[i].len };
	must(sendmsg(fd, &m, 0) >= 0 && read(fd, mac, 32) == 32, "HMAC");
}

static void afalg_hmac(void *ctx, void *key, const struct mikey_blob *seg, u32 num, u8 *mac)
{
	const struct key *k = key;

	(void)ctx;
	sum(k->fd, seg, num, mac);
}

static void afalg_once(void *ctx, const u8 *key, const struct mikey_blob *seg, u32 num, u8 *mac)
{
	struct afalg *a = ctx;
	int fd = keyed(a->hmac, key);

	sum(fd, seg, num, mac);
	close(fd);
}

/* What every operation of a cipher is told: the direction, IV, associated data */
struct control {
	struct msghdr m;
	char buf[CMSG_SPACE(4) + CMSG_SPACE(4) + CMSG_SPACE(4 + JOB_NONCE_LEN)]
		__attribute__((aligned(8)));
};

static void *control_put(struct control *c, int type, u32 len)
{
	struct cmsghdr *h = (struct cmsghdr *)(c->buf + c->m.msg_controllen);

	c->m.msg_control = c->buf;
	c->m.msg_controllen += CMSG_SPACE(len);
	h->cmsg_level = SOL_ALG;
	h->cmsg_type = type;
	h->cmsg_len = CMSG_LEN(len);
	return CMSG_DATA(h);
}

static void control_begin(struct control *c, bool encrypt)
{
	memset(c, 0, sizeof(*c));
	*(u32 *)control_put(c, ALG_SET_OP, 4) = encrypt ? ALG_OP_ENCRYPT : ALG_OP_DECRYPT;
}

/* One block, in place */
static void block(int fd, bool encrypt, u8 *b)
{
	struct iovec iov = { b, 16 };
	struct control c;

	control_begin(&c, encrypt);
	c.m.msg_iov = &iov;
	c.m.msg_iovlen = 1;
	must(sendmsg(fd, &c.m, 0) == 16 && read(fd, b, 16) == 16, "AES");
}

static void wrap(struct afalg *a, const u8 *kek, const u8 *key, u8 *wrapped)
{
	int fd = keyed(a->ecb, kek), n = JOB_KEY_LEN / 8, t = 0;
	u8 b[16];

	memset(b, 0xa6, 8);
	memcpy(wrapped + 8, key, JOB_KEY_LEN);
	while (t < 6 * n) {
		u8 *r = wrapped + 8 * (1 + t % n);

		memcpy(b + 8, r, 8);
		block(fd, true, b);
		b[7] ^= ++t;
		memcpy(r, b + 8, 8);
	}
	memcpy(wrapped, b, 8);
	close(fd);
}

static bool unwrap(struct afalg *a, const u8 *kek, const u8 *wrapped, u8 *key)
{
	int fd = keyed(a->ecb, kek), n = JOB_KEY_LEN / 8, t = 6 * n, i;
	u8 b[16];
	bool ok = true;

	memcpy(b, wrapped, 8);
	memcpy(key, wrapped + 8, JOB_KEY_LEN);
	while (t) {
		u8 *r = key + 8 * ((t - 1) % n);

		b[7] ^= t--;
		memcpy(b + 8, r, 8);
		block(fd, false, b);
		memcpy(r, b + 8, 8);
	}
	close(fd);
	for (i = 0; i < 8; i++)
		ok &= b[i] == 0xa6;
	return ok;
}

/* The socket has to take all of it before it is read from. */
static int gcm_socket(struct afalg *a, const u8 *key)
{
	int fd = keyed(a->gcm, key), size = 2 * ROOM;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return fd;
}

/* In place of @c->data and @c->icv, which are two buffers. */
static bool gcm(struct afalg *a, const struct job_content *c, const u8 *key, bool encrypt)
{
	struct iovec iov[] = { { c->data, c->len }, { c->icv, JOB_ICV_LEN } };
	int fd = gcm_socket(a, key);
	struct af_alg_iv *iv;
	struct control ctl;
	ssize_t n;

	control_begin(&ctl, encrypt);
	*(u32 *)control_put(&ctl, ALG_SET_AEAD_ASSOCLEN, 4) = 0;
	iv = control_put(&ctl, ALG_SET_IV, sizeof(*iv) + JOB_NONCE_LEN);
	iv->ivlen = JOB_NONCE_LEN;
	memcpy(iv->iv, c->nonce, JOB_NONCE_LEN);
	ctl.m.msg_iov = iov;
	ctl.m.msg_iovlen = encrypt ? 1 : 2;
	must(sendmsg(fd, &ctl.m, 0) == c->len + (encrypt ? 0 : JOB_ICV_LEN), "sendmsg");
	n = readv(fd, iov, encrypt ? 2 : 1);
	close(fd);
	return n == c->len + (encrypt ? JOB_ICV_LEN : 0);
}

static void afalg_seal(void *ctx, const struct job_content *c)
{
	u8 key[JOB_KEY_LEN];

	must(RAND_bytes(key, sizeof(key)) == 1, "RAND_bytes");
	wrap(ctx, c->kek, key, c->wrapped);
	must(gcm(ctx, c, key, true), "GCM");
}

static bool afalg_unseal(void *ctx, const struct job_content *c)
{
	u8 key[JOB_KEY_LEN];

	return unwrap(ctx, c->kek, c->wrapped, key) && gcm(ctx, c, key, false);
}

const struct job_keyed keyed_afalg = {
	.name = "afalg",
	.open = afalg_open,
	.close = afalg_close,
	.key = afalg_key,
	.key_free = afalg_key_free,
	.hmac = afalg_hmac,
	.once = afalg_once,
	.seal = afalg_seal,
	.unseal = afalg_unseal,
};
