// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the codec's tests share.
 */
#include "support.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

void assert_blob(struct mikey_blob got, struct mikey_blob want)
{
	assert_int_equal(got.len, want.len);
	if (want.len)
		assert_memory_equal(got.p, want.p, want.len);
}

bool vector_message(u32 i, struct vector_message *vm)
{
	const struct vector_exchange *e;
	u32 k;

	for (k = 0; k < VECTOR_EXCHANGE_NUM; k++) {
		e = &vector_exchange[k];
		const struct {
			const char *name;
			struct vector_bytes bytes;
		} all[] = {
			{ "request_init", e->messages.request_init },
			{ "request_resp", e->messages.request_resp },
			{ "transfer_init", e->messages.transfer_init },
			{ "transfer_init_proof",
			  e->messages.transfer_init_proof },
			{ "resolve_init", e->messages.resolve_init },
			{ "resolve_resp", e->messages.resolve_resp },
		};

		for (u32 n = 0; n < ARRAY_SIZE(all); n++) {
			if (!all[n].bytes.len || i--)
				continue;
			vm->e = e;
			vm->name = all[n].name;
			vm->bytes = blob(all[n].bytes);
			return true;
		}
	}
	return false;
}

void parse_good(struct mikey_msg *m, struct mikey_blob bytes)
{
	struct mikey_diag d = { 0 };
	int err;

	err = mikey_msg_parse(m, bytes.p, bytes.len, EXT_TYPE, &d);
	if (err)
		fail_msg("refused with %d at %u: %s", err, d.offset, d.why);
}

void parse_bad(struct mikey_blob bytes, int err, const char *why)
{
	struct mikey_msg m;
	struct mikey_diag d = { 0 };
	u8 *copy = malloc(bytes.len ? bytes.len : 1);

	assert_non_null(copy);
	memcpy(copy, bytes.p, bytes.len);
	assert_int_equal(mikey_msg_parse(&m, copy, bytes.len, EXT_TYPE, &d),
			 err);
	assert_non_null(d.why);
	assert_true(d.offset <= bytes.len);
	if (!strstr(d.why, why))
		fail_msg("refused because \"%s\", not \"%s\"", d.why, why);
	free(copy);
}

static void put_blob(FILE *f, const char *name, struct mikey_blob b)
{
	fprintf(f, "%s=", name);
	for (u32 i = 0; i < b.len; i++)
		fprintf(f, "%02x", b.p[i]);
	fputc('\n', f);
}

static void put_ts(FILE *f, const char *name, const struct mikey_ts *ts)
{
	if (ts->present)
		fprintf(f, "%s=%u:%016llx\n", name, ts->type,
			(unsigned long long)ts->value);
}

static void put_id(FILE *f, const char *name, const struct mikey_id *id)
{
	if (!id->present)
		return;
	fprintf(f, "%u:", id->type);
	put_blob(f, name, id->data);
}

static void put_rand(FILE *f, const char *name, const struct mikey_rand *rand)
{
	if (rand->present)
		put_blob(f, name, rand->data);
}

static void put_kemac(FILE *f, const struct mikey_kemac *k)
{
	if (!k->present)
		return;
	fprintf(f, "kemac %u %u\n", k->encr_alg, k->mac_alg);
	put_blob(f, "encr", k->encr_data);
	put_blob(f, "mac", k->mac);
}

static void put_v(FILE *f, const char *name, const struct mikey_v *v)
{
	if (!v->present)
		return;
	fprintf(f, "v %u\n", v->auth_alg);
	put_blob(f, name, v->mac);
}

static void put_policy(FILE *f, const struct mikey_policy *p)
{
	static const enum mikey_id_role roles[] = { MIKEY_IDR_APP,
						    MIKEY_IDR_R };
	struct mikey_policy_iter it;
	struct mikey_id id;

	fprintf(f, "policy %u.%u.%u prf %u flags %03x app %u responders %u\n",
		p->ticket_type, p->subtype, p->version, p->prf, p->flags,
		p->num_app, p->num_responders);
	put_id(f, "kms", &p->idr_kms);
	put_id(f, "i", &p->idr_i);
	put_ts(f, "s", &p->tr_s);
	put_ts(f, "e", &p->tr_e);
	put_ts(f, "r", &p->tr_r);
	put_kemac(f, &p->kemac);
	for (u32 i = 0; i < ARRAY_SIZE(roles); i++) {
		mikey_policy_walk(&it, p, roles[i]);
		while (mikey_policy_next(&it, p, &id))
			put_id(f, i ? "responder" : "app", &id);
	}
}

static bool put_ticket(FILE *f, const struct mikey_ticket_payload *t)
{
	struct mikey_ticket_data td;
	struct mikey_initiator_data id;
	struct mikey_diag d;

	put_policy(f, &t->policy);
	if (mikey_ticket_data_parse(&td, t, &d))
		return false;
	put_blob(f, "thdr", td.thdr);
	put_ts(f, "ticket t", &td.t);
	put_rand(f, "ticket rand", &td.rand);
	put_kemac(f, &td.kemac);
	put_id(f, "tpk", &td.idr_psk);
	put_v(f, "ticket v", &td.v);
	if (!t->initiator_data.len)
		return true;
	if (mikey_initiator_data_parse(&id, t->initiator_data, &d))
		return false;
	put_v(f, "vi", &id.vi);
	put_v(f, "vr", &id.vr);
	return true;
}

static void put_hdr(FILE *f, const struct mikey_hdr *h)
{
	fprintf(f, "hdr %u v %u prf %u csb %08x #cs %u map %u\n", h->data_type,
		h->v, h->prf, h->csb_id, h->num_cs, h->map_type);
	fprintf(f, "cs %u prot %u s %u #p %u\n", h->cs.cs_id, h->cs.prot_type,
		h->cs.s, h->cs.num_policies);
	put_blob(f, "policies", h->cs.policies);
	put_blob(f, "session", h->cs.session_data);
	put_blob(f, "spi", h->cs.spi);
}

char *describe(const u8 *buf, size_t len)
{
	struct mikey_msg m;
	struct mikey_diag d;
	char *text = NULL;
	size_t size;
	bool good = true;
	FILE *f;

	if (mikey_msg_parse(&m, buf, len, EXT_TYPE, &d))
		return NULL;
	f = open_memstream(&text, &size);
	assert_non_null(f);
	put_hdr(f, &m.hdr);
	put_ts(f, "t", &m.t);
	put_rand(f, "randr_i", &m.randr_i);
	put_rand(f, "randr_r", &m.randr_r);
	put_rand(f, "randr_kms", &m.randr_kms);
	put_id(f, "idr_i", &m.idr_i);
	put_id(f, "idr_r", &m.idr_r);
	put_id(f, "idr_kms", &m.idr_kms);
	put_id(f, "idr_psk", &m.idr_psk);
	if (m.tp.present)
		put_policy(f, &m.tp.policy);
	if (m.ticket.present)
		good = put_ticket(f, &m.ticket);
	put_kemac(f, &m.kemac);
	if (m.err.present)
		fprintf(f, "err %u\n", m.err.error_no);
	if (m.ext.present) {
		fprintf(f, "ext %u ", m.ext.type);
		put_blob(f, "ext", m.ext.data);
	}
	put_v(f, "v", &m.v);
	fclose(f);
	if (good)
		return text;
	free(text);
	return NULL;
}

void add_hex(struct bytes *b, const char *hex)
{
	unsigned int v, times;
	int n;

	while (*hex) {
		if (*hex == ' ') {
			hex++;
			continue;
		}
		assert_int_equal(sscanf(hex, "%2x", &v), 1);
		hex += 2;
		times = 1;
		if (sscanf(hex, "*%u%n", &times, &n) == 1)
			hex += n;
		assert_true(b->len + times <= sizeof(b->buf));
		memset(b->buf + b->len, v, times);
		b->len += times;
	}
}

void add_parts(struct bytes *b, int link, const struct part *parts, u32 num)
{
	for (u32 i = 0; i < num; i++) {
		if (link >= 0)
			b->buf[link] = parts[i].type;
		link = b->len;
		b->buf[b->len++] = MIKEY_PL_LAST;
		add_hex(b, parts[i].hex);
	}
}

static const EVP_MD *hash(u8 alg, u8 sha_1)
{
	return alg == sha_1 ? EVP_sha1() : EVP_sha256();
}

/* P of RFC 3830 4.1.2, XORed onto @out. */
static void p_function(const EVP_MD *md, struct mikey_blob s,
		       const struct mikey_label *label, u8 *out, u32 out_len)
{
	u8 a[EVP_MAX_MD_SIZE + sizeof(label->buf)], block[EVP_MAX_MD_SIZE];
	unsigned int n = EVP_MD_get_size(md), unused;

	memcpy(a + n, label->buf, label->len);
	HMAC(md, s.p, s.len, label->buf, label->len, a, &unused);
	for (u32 at = 0; at < out_len; at += n) {
		HMAC(md, s.p, s.len, a, n + label->len, block, &unused);
		for (u32 i = 0; i < n && at + i < out_len; i++)
			out[at + i] ^= block[i];
		HMAC(md, s.p, s.len, a, n, block, &unused);
		memcpy(a, block, n);
	}
}

void prf(u8 prf_func, struct mikey_blob key, const struct mikey_label *label,
	 u8 *out, u32 out_len)
{
	struct mikey_blob s;

	memset(out, 0, out_len);
	for (u32 at = 0; at < key.len; at += 32) {
		s.p = key.p + at;
		s.len = key.len - at < 32 ? key.len - at : 32;
		p_function(hash(prf_func, MIKEY_PRF_MIKEY_1), s, label, out,
			   out_len);
	}
}

u32 mac(u8 auth_alg, struct mikey_blob key, const struct mikey_cover *cover,
	u8 out[MIKEY_MAC_MAX])
{
	static u8 all[4 * MIKEY_MSG_MAX];
	unsigned int len;
	u32 n = 0;

	for (u32 i = 0; i < cover->num; i++) {
		memcpy(all + n, cover->seg[i].p, cover->seg[i].len);
		n += cover->seg[i].len;
	}
	HMAC(hash(auth_alg, MIKEY_AUTH_HMAC_SHA_1_160), key.p, key.len, all, n,
	     out, &len);
	return len;
}

void aes_cm(struct mikey_blob key, const u8 iv[16], struct mikey_blob in,
	    u8 *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;

	assert_non_null(ctx);
	assert_int_equal(EVP_EncryptInit_ex(ctx, key.len == 32 ?
					    EVP_aes_256_ctr() :
					    EVP_aes_128_ctr(), NULL, key.p, iv),
			 1);
	assert_int_equal(EVP_EncryptUpdate(ctx, out, &n, in.p, in.len), 1);
	assert_int_equal(n, in.len);
	EVP_CIPHER_CTX_free(ctx);
}

bool verifies(const struct mikey_v *v, struct vector_bytes key,
	      const struct mikey_cover *cover)
{
	u8 out[MIKEY_MAC_MAX];

	return mac(v->auth_alg, blob(key), cover, out) == v->mac.len &&
	       !memcmp(out, v->mac.p, v->mac.len);
}
