// SPDX-License-Identifier: GPL-2.0
/*
 * Nothing but the cryptography that the standards ask for one message of
 * profile immediate in suite 256, form AuthEnvelopedData: what is keyed once
 * for each ticket is keyed beforehand, and every transform and buffer exists.
 *
 *	auth key of V			PRF under MPKi: 2 HMACs (RFC 3830 4.1.2)
 *	TEK				PRF under the GTGK: 2 HMACs
 *	V				HMAC under a new key
 *	Vr				HMAC under the ticket's; the sender's only
 *	proof of origin			SHA-256 of the CMS object
 *	wrapped content key		24 AES blocks (RFC 3394)
 *	body				AES-256-GCM under a new key
 *
 * Each processor has a set of its own, so that two do not wait for each other.
 */
#include <crypto/aead.h>
#include <crypto/aes.h>
#include <crypto/hash.h>
#include <crypto/internal/cipher.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/random.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "compat.h"
#include "floor.h"

#define KEY_LEN 32
#define ICV_LEN 16
#define LABEL_LEN 44
#define WRAP_BLOCKS 24
#define CPU_ONLY (CRYPTO_ALG_ALLOCATES_MEMORY | CRYPTO_ALG_KERN_DRIVER_ONLY)

struct floor {
	struct mutex lock;	/* a task may move to another processor */
	struct crypto_shash *sha256;
	struct crypto_shash *mpk_i;
	struct crypto_shash *traffic;
	struct crypto_shash *vr;
	struct crypto_shash *v;
	struct crypto_cipher *aes;
	struct crypto_aead *gcm;
	struct aead_request *req;
	u8 *buf;
};

static struct floor __percpu *floors;

static int prf(struct crypto_shash *hmac, const u8 *label, u8 *out)
{
	u8 block[KEY_LEN + LABEL_LEN];
	int err;

	err = crypto_shash_tfm_digest(hmac, label, LABEL_LEN, block);
	memcpy(block + KEY_LEN, label, LABEL_LEN);
	return err ?: crypto_shash_tfm_digest(hmac, block, sizeof(block), out);
}

static int verifier(struct floor *f, const struct mikey_bench_message *m, const u8 *key)
{
	u8 mac[KEY_LEN];
	int err;

	err = crypto_shash_setkey(f->v, key, KEY_LEN);
	err = err ?: crypto_shash_tfm_digest(f->v, f->buf, m->covered, mac);
	if (!m->open)
		err = err ?: crypto_shash_tfm_digest(f->vr, f->buf, m->initiator_data, mac);
	return err;
}

static int wrap(struct floor *f, bool open, const u8 *kek)
{
	u8 block[AES_BLOCK_SIZE] = {};
	int err, i;

	err = crypto_cipher_setkey(f->aes, kek, KEY_LEN);
	for (i = 0; i < WRAP_BLOCKS && !err; i++) {
		if (open)
			crypto_cipher_decrypt_one(f->aes, block, block);
		else
			crypto_cipher_encrypt_one(f->aes, block, block);
	}
	return err;
}

/* A tag that does not fit takes as long as one that does. */
static int body(struct floor *f, const struct mikey_bench_message *m, const u8 *key)
{
	DECLARE_CRYPTO_WAIT(wait);
	u8 iv[AES_BLOCK_SIZE] = {};
	struct scatterlist sg;
	int err;

	err = crypto_aead_setkey(f->gcm, key, KEY_LEN);
	if (err)
		return err;
	sg_init_one(&sg, f->buf, m->body + ICV_LEN);
	aead_request_set_callback(f->req, CRYPTO_TFM_REQ_MAY_BACKLOG | CRYPTO_TFM_REQ_MAY_SLEEP,
				  crypto_req_done, &wait);
	aead_request_set_ad(f->req, 0);
	aead_request_set_crypt(f->req, &sg, &sg, m->body + (m->open ? ICV_LEN : 0), iv);
	if (!m->open)
		return crypto_wait_req(crypto_aead_encrypt(f->req), &wait);
	err = crypto_wait_req(crypto_aead_decrypt(f->req), &wait);
	return err == -EBADMSG ? 0 : err;
}

static int run(struct floor *f, const struct mikey_bench_message *m)
{
	u8 label[LABEL_LEN], key[KEY_LEN], digest[KEY_LEN];
	int err;

	get_random_bytes(label, sizeof(label));
	err = prf(f->mpk_i, label, key);
	err = err ?: verifier(f, m, key);
	err = err ?: prf(f->traffic, label, key);
	err = err ?: wrap(f, m->open, key);
	if (!m->open)
		get_random_bytes(key, sizeof(key));
	err = err ?: body(f, m, key);
	return err ?: crypto_shash_tfm_digest(f->sha256, f->buf, m->object, digest);
}

int floor_run(const struct mikey_bench_message *m)
{
	struct floor *f = raw_cpu_ptr(floors);
	int err;

	if (max(max(m->body, m->object), max(m->covered, m->initiator_data)) > FLOOR_BODY_MAX)
		return -EMSGSIZE;
	mutex_lock(&f->lock);
	err = run(f, m);
	mutex_unlock(&f->lock);
	return err;
}

static void free_one(struct floor *f)
{
	struct crypto_shash **hash[] = { &f->sha256, &f->mpk_i, &f->traffic, &f->vr, &f->v };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hash); i++)
		if (!IS_ERR_OR_NULL(*hash[i]))
			crypto_free_shash(*hash[i]);
	if (!IS_ERR_OR_NULL(f->aes))
		crypto_free_cipher(f->aes);
	aead_request_free(f->req);
	if (!IS_ERR_OR_NULL(f->gcm))
		crypto_free_aead(f->gcm);
	kfree(f->buf);
}

static int make_one(struct floor *f)
{
	struct crypto_shash **hmac[] = { &f->mpk_i, &f->traffic, &f->vr, &f->v };
	u8 key[KEY_LEN];
	unsigned int i;
	int err = 0;

	mutex_init(&f->lock);
	get_random_bytes(key, sizeof(key));
	f->sha256 = crypto_alloc_shash("sha256", 0, 0);
	f->aes = crypto_alloc_cipher("aes", 0, 0);
	f->gcm = crypto_alloc_aead("gcm(aes)", 0, CPU_ONLY);
	if (IS_ERR(f->sha256) || IS_ERR(f->aes) || IS_ERR(f->gcm))
		return -ENOENT;
	for (i = 0; i < ARRAY_SIZE(hmac) && !err; i++) {
		*hmac[i] = crypto_alloc_shash("hmac(sha256)", 0, 0);
		err = PTR_ERR_OR_ZERO(*hmac[i]);
		err = err ?: crypto_shash_setkey(*hmac[i], key, sizeof(key));
	}
	err = err ?: crypto_aead_setauthsize(f->gcm, ICV_LEN);
	if (err)
		return err;
	f->req = aead_request_alloc(f->gcm, GFP_KERNEL);
	f->buf = kzalloc(FLOOR_BODY_MAX + ICV_LEN, GFP_KERNEL);
	return f->req && f->buf ? 0 : -ENOMEM;
}

int floor_init(void)
{
	int cpu, err = 0;

	floors = alloc_percpu(struct floor);
	if (!floors)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
		err = err ?: make_one(per_cpu_ptr(floors, cpu));
	if (err)
		floor_exit();
	return err;
}

void floor_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		free_one(per_cpu_ptr(floors, cpu));
	free_percpu(floors);
}

MODULE_IMPORT_NS(MIKEY_NS(CRYPTO_INTERNAL));
