// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The whole job in one process. It makes and demands what kmod/ticket/transfer.c
 * and kmod/mime do, without their answer to what is hostile: no record of
 * replays, no words for refusals, no second user.
 */
#include <stdlib.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "bench.h"
#include "job.h"
#include "tests/kselftest/peer_crypto.h"

#define TRANSFER_ROOM 16384
#define OBJECT_ROOM (1024 * 1024 + MIKEY_MIME_CMS_OVERHEAD)
#define CS_ID 1

struct job {
	const struct job_keyed *keyed;
	void *ctx;
	const struct peer_ticket *ticket;
	void *mpk_i;
	void *traffic;
	void *vr;
	EVP_MD *sha256;
	EVP_MD_CTX *hash;
	u8 transfer[TRANSFER_ROOM];
	u8 object[OBJECT_ROOM];
};

struct job *job_open(const struct job_keyed *keyed, const struct peer_ticket *ticket)
{
	struct job *j = malloc(sizeof(*j));
	u8 vr[MIKEY_MAC_MAX];

	if (!j)
		bench_die("no memory");
	j->keyed = keyed;
	j->ctx = keyed->open();
	j->ticket = ticket;
	j->mpk_i = keyed->key(j->ctx, ticket->mpk_i);
	j->traffic = keyed->key(j->ctx, ticket->traffic.key);
	peer_derive_vr(ticket->suite, ticket->mpk_r, vr);
	j->vr = keyed->key(j->ctx, vr);
	j->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	j->hash = EVP_MD_CTX_new();
	if (!j->sha256 || !j->hash)
		bench_die("no SHA-256");
	return j;
}

void job_close(struct job *j)
{
	j->keyed->key_free(j->ctx, j->mpk_i);
	j->keyed->key_free(j->ctx, j->traffic);
	j->keyed->key_free(j->ctx, j->vr);
	j->keyed->close(j->ctx);
	EVP_MD_CTX_free(j->hash);
	EVP_MD_free(j->sha256);
	free(j);
}

static void sha256(struct job *j, struct mikey_blob data, u8 *digest)
{
	if (EVP_DigestInit_ex(j->hash, j->sha256, NULL) != 1 ||
	    EVP_DigestUpdate(j->hash, data.p, data.len) != 1 ||
	    EVP_DigestFinal_ex(j->hash, digest, NULL) != 1)
		bench_die("SHA-256");
}

/* A key of 32 bytes is one block of P() (RFC 3830 4.1.2). */
static void derive(struct job *j, void *inkey, const struct mikey_label *l, u8 *out)
{
	const struct mikey_blob label = { l->buf, l->len };
	u8 a[JOB_KEY_LEN];
	const struct mikey_blob both[] = { { a, sizeof(a) }, label };

	j->keyed->hmac(j->ctx, inkey, &label, 1, a);
	j->keyed->hmac(j->ctx, inkey, both, 2, out);
}

static void derive_auth(struct job *j, u32 csb_id, struct mikey_blob randr_i, u8 *auth)
{
	struct mikey_label l;

	mikey_label_message(&l, MIKEY_LC_AUTH, csb_id, false, randr_i, (struct mikey_blob){ 0 });
	derive(j, j->mpk_i, &l, auth);
}

static void derive_tek(struct job *j, struct mikey_blob randr_i, u8 *tek)
{
	struct mikey_label l;

	mikey_label_cs(&l, MIKEY_LC_TEK, CS_ID, randr_i);
	derive(j, j->traffic, &l, tek);
}

/* What one message has of its own */
struct fresh {
	u32 csb_id;
	u8 randr_i[MIKEY_RAND_MAX];
	u32 randr_i_len;
	struct mikey_ts t;
	u8 nonce[JOB_NONCE_LEN];
};

static struct mikey_blob make_cms(struct job *j, struct fresh *f, struct mikey_blob body)
{
	u8 kek[JOB_KEY_LEN];
	struct cms_layout l = {
		.form = MIKEY_FORM_AUTH_ENVELOPED,
		.kek_id = { j->ticket->traffic.spi, j->ticket->traffic.spi_len },
		.kek_len = JOB_KEY_LEN,
		.content_len = body.len,
		.cipher = cms_cipher_find(MIKEY_FORM_AUTH_ENVELOPED, MIKEY_CONTENT_AES_GCM,
					  JOB_KEY_LEN),
		.nonce = { f->nonce, sizeof(f->nonce) },
	};
	struct job_content content = { .kek = kek, .nonce = f->nonce };

	if (cms_write(&l, j->object, sizeof(j->object)))
		bench_die("cms_write");
	memcpy(l.content, body.p, body.len);
	derive_tek(j, (struct mikey_blob){ f->randr_i, f->randr_i_len }, kek);
	content.wrapped = l.wrapped;
	content.data = l.content;
	content.len = l.content_len;
	content.icv = l.mac;
	j->keyed->seal(j->ctx, &content);
	return l.object;
}

/* Return: where V's, Vi's and Vr's MACs go, and the message's length. */
static u32 write_transfer(struct job *j, const struct fresh *f, const char *recipient,
			  struct mikey_blob proof, u32 at[3])
{
	const struct peer_ticket *t = j->ticket;
	const struct mikey_suite *suite = t->suite;
	struct mikey_builder b;
	struct mikey_frame frame;
	int len;

	mikey_build_begin(&b, j->transfer, sizeof(j->transfer));
	mikey_put_hdr_cs(&b, MIKEY_DT_TRANSFER_INIT, false, suite->prf, f->csb_id, CS_ID,
			 MIKEY_PROT_PSK_MIME_DEFAULT,
			 (struct mikey_blob){ t->traffic.spi, t->traffic.spi_len });
	mikey_put_t(&b, &f->t);
	mikey_put_randr(&b, MIKEY_RANDR_I, (struct mikey_blob){ f->randr_i, f->randr_i_len });
	mikey_put_idr(&b, MIKEY_IDR_I, MIKEY_ID_NAI, t->policy.head.idr_i.data);
	mikey_put_idr(&b, MIKEY_IDR_R, MIKEY_ID_NAI, peer_nai(recipient).data);
	mikey_put_ticket(&b, (struct mikey_blob){ t->body.p, t->body.len });
	mikey_open_initiator_data(&b, &frame);
	at[1] = mikey_put_v(&b, suite->auth_alg, suite->mac_len);
	at[2] = mikey_put_v(&b, suite->auth_alg, suite->mac_len);
	mikey_close_initiator_data(&b, &frame);
	mikey_put_ext(&b, MIKEY_EXT_PROOF_OF_ORIGIN_DEFAULT, proof);
	at[0] = mikey_put_v(&b, suite->auth_alg, suite->mac_len);
	len = mikey_build_end(&b);
	if (len < 0)
		bench_die("TRANSFER_INIT is too long");
	return len;
}

static void parse(struct mikey_msg *m, struct mikey_blob transfer)
{
	struct mikey_diag d;

	if (mikey_msg_parse(m, transfer.p, transfer.len, MIKEY_EXT_PROOF_OF_ORIGIN_DEFAULT, &d))
		bench_die("TRANSFER_INIT: %s", d.why);
}

static void write_macs(struct job *j, const struct fresh *f, struct mikey_blob transfer,
		       const u32 at[3])
{
	struct mikey_initiator_data id;
	struct mikey_cover cover;
	u8 auth[JOB_KEY_LEN];
	struct mikey_msg m;
	struct mikey_diag d;

	derive_auth(j, f->csb_id, (struct mikey_blob){ f->randr_i, f->randr_i_len }, auth);
	parse(&m, transfer);
	mikey_cover_message(&cover, &m, m.idr_i.data, m.idr_r.data);
	j->keyed->once(j->ctx, auth, cover.seg, cover.num, j->transfer + at[0]);
	memcpy(j->transfer + at[1], j->transfer + at[0], j->ticket->suite->mac_len);
	if (mikey_initiator_data_parse(&id, m.ticket.initiator_data, &d))
		bench_die("Initiator Data: %s", d.why);
	mikey_cover_vr(&cover, m.ticket.initiator_data, &id);
	j->keyed->hmac(j->ctx, j->vr, cover.seg, cover.num, j->transfer + at[2]);
}

void job_protect(struct job *j, const char *recipient, struct mikey_blob body,
		 struct mikey_blob *transfer, struct mikey_blob *cms)
{
	struct fresh f = { .randr_i_len = j->ticket->suite->rand_len };
	u8 digest[32];
	u32 at[3];

	if (RAND_bytes((u8 *)&f.csb_id, sizeof(f.csb_id)) != 1 ||
	    RAND_bytes(f.randr_i, f.randr_i_len) != 1 ||
	    RAND_bytes(f.nonce, sizeof(f.nonce)) != 1)
		bench_die("RAND_bytes");
	f.t = peer_now();
	*cms = make_cms(j, &f, body);
	sha256(j, *cms, digest);
	transfer->p = j->transfer;
	transfer->len = write_transfer(j, &f, recipient,
				       (struct mikey_blob){ digest, sizeof(digest) }, at);
	write_macs(j, &f, *transfer, at);
}

/* As Bob's kernel: V, Vi, and the proof of origin. */
static bool verifies(struct job *j, const struct mikey_msg *m, struct mikey_blob cms)
{
	const struct mikey_suite *suite = j->ticket->suite;
	u8 auth[JOB_KEY_LEN], mac[32], digest[32];
	struct mikey_initiator_data id;
	struct mikey_cover cover;
	struct mikey_diag d;

	if (mikey_policy_check(&m->ticket.policy, j->ticket->profile, suite, false, &d) ||
	    mikey_initiator_data_parse(&id, m->ticket.initiator_data, &d) ||
	    !mikey_blob_eq(id.vi.mac, m->v.mac))
		return false;
	derive_auth(j, m->hdr.csb_id, m->randr_i.data, auth);
	mikey_cover_message(&cover, m, m->idr_i.data, m->idr_r.data);
	j->keyed->once(j->ctx, auth, cover.seg, cover.num, mac);
	if (m->v.mac.len != sizeof(mac) || CRYPTO_memcmp(mac, m->v.mac.p, sizeof(mac)))
		return false;
	sha256(j, cms, digest);
	return mikey_blob_eq(m->ext.data, (struct mikey_blob){ digest, sizeof(digest) });
}

bool job_unprotect(struct job *j, struct mikey_blob transfer, struct mikey_blob cms,
		   struct mikey_blob *body)
{
	struct job_content content;
	struct cms_message c;
	struct mikey_diag d;
	u8 kek[JOB_KEY_LEN];
	struct mikey_msg m;

	parse(&m, transfer);
	if (!verifies(j, &m, cms))
		return false;
	memcpy(j->object, cms.p, cms.len);
	if (cms_read(&c, (struct mikey_blob){ j->object, cms.len }, &d))
		return false;
	derive_tek(j, m.randr_i.data, kek);
	content = (struct job_content){
		.kek = kek,
		.wrapped = (u8 *)c.recipient.wrapped.p,
		.nonce = c.nonce.p,
		.data = (u8 *)c.content.p,
		.len = c.content.len,
		.icv = (u8 *)c.mac.p,
	};
	*body = c.content;
	return j->keyed->unseal(j->ctx, &content);
}
