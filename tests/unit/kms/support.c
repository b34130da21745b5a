// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the KMS's tests share; see support.h.
 */
#include "tests/unit/kms/support.h"

void assert_bytes(const u8 *got, size_t got_len, struct mikey_blob want)
{
	assert_int_equal(got_len, want.len);
	assert_memory_equal(got, want.p, want.len);
}

void fresh(u8 *buf, size_t len)
{
	static u32 counter = 0x1000;
	size_t i;

	counter++;
	for (i = 0; i < len; i++)
		buf[i] = counter >> (8 * (i & 3)) ^ i * 37;
}

static s64 world_now(void *ctx)
{
	return ((struct world *)ctx)->now;
}

static int world_random(void *ctx, enum kms_random_use use, u8 *buf, size_t len)
{
	struct world *w = ctx;
	size_t i;

	if (w->no_entropy)
		return -EIO;
	if (w->random[use].p) {
		assert_int_equal(len, w->random[use].len);
		memcpy(buf, w->random[use].p, len);
		return 0;
	}
	w->counter++;
	for (i = 0; i < len; i++)
		buf[i] = w->counter * 151 + i * 17 + use;
	return 0;
}

void world_init(struct world *w, s64 now)
{
	memset(w, 0, sizeof(*w));
	w->now = now;
	w->env = (struct kms_env) {
		.now = world_now,
		.random = world_random,
		.ctx = w,
	};
}

static struct mem_store *mem(struct kms_store *s)
{
	return (struct mem_store *)s;
}

/* What this call fails with, or 0. */
static int mem_fails(struct mem_store *m)
{
	if (m->fail_after && !--m->fail_after)
		return -EAGAIN;
	return m->fail;
}

static int mem_psk(struct kms_store *s, struct mikey_blob psk_id,
		   struct kms_psk *psk)
{
	struct mem_store *m = mem(s);
	int fail = mem_fails(m);
	u32 i;

	memset(psk, 0, sizeof(*psk));
	for (i = 0; i < m->num_users && !fail; i++) {
		if (mikey_blob_eq(str(m->users[i].psk_id), psk_id)) {
			*psk = m->users[i].psk;
			return 0;
		}
	}
	return fail ? fail : -ENOENT;
}

static int mem_uids(struct kms_store *s, s64 user, struct kms_uid *uids,
		    u32 *num)
{
	const struct mem_user *u = &mem(s)->users[user];

	for (*num = 0; u->uids[*num]; ++*num) {
		uids[*num].len = strlen(u->uids[*num]);
		memcpy(uids[*num].data, u->uids[*num], uids[*num].len);
	}
	return mem_fails(mem(s));
}

static int mem_member(struct kms_store *s, enum kms_psi_role role,
		      struct mikey_blob group, struct mikey_blob uid)
{
	struct mem_store *m = mem(s);
	u32 i;

	if (!m->psi || !mikey_blob_eq(str(m->psi), group))
		return -ENOENT;
	if (role == KMS_PSI_SERVER)
		return m->server && mikey_blob_eq(str(m->server), uid) ?
		       0 : -ENOENT;
	for (i = 0; m->members[i]; i++)
		if (mikey_blob_eq(str(m->members[i]), uid))
			return 0;
	return -ENOENT;
}

static int mem_group(struct kms_store *s, struct mikey_blob psi)
{
	struct mem_store *m = mem(s);
	int ret = mem_fails(m);

	if (ret)
		return ret;
	return m->psi && mikey_blob_eq(str(m->psi), psi) ? 0 : -ENOENT;
}

static int mem_tpk_for_ticket(struct kms_store *s, s64 now, s64 tre,
			      struct kms_tpk *tpk)
{
	assert_true(tre > now);
	*tpk = mem(s)->tpk;
	return mem(s)->fail;
}

static int mem_tpk(struct kms_store *s, struct mikey_blob name,
		   struct kms_tpk *tpk)
{
	struct mem_store *m = mem(s);

	memset(tpk, 0, sizeof(*tpk));
	if (!mikey_blob_eq(kms_blob(m->tpk.name, m->tpk.name_len), name))
		return -ENOENT;
	if (m->revoked)
		return -EKEYREVOKED;
	*tpk = m->tpk;
	return 0;
}

static int mem_admit(struct kms_store *s, const struct kms_admission *a, s64 *t)
{
	struct mem_store *m = mem(s);
	int fail = mem_fails(m);
	u32 i;

	if (fail)
		return fail;
	for (i = 0; i < m->num_replay; i++)
		if (!memcmp(m->replay[i], a->digest, sizeof(a->digest)))
			return -EALREADY;
	for (i = 0; a->counter && i < m->num_users; i++) {
		if (!mikey_blob_eq(str(m->users[i].psk_id), a->psk_id))
			continue;
		if (a->t < m->users[i].counter)
			return -EALREADY;
		m->users[i].counter = a->t + 1;
	}
	assert_true(m->num_replay < MEM_REPLAY);
	memcpy(m->replay[m->num_replay++], a->digest, sizeof(a->digest));
	*t = m->t_answer ? m->t_answer : a->t_answer;
	return 0;
}

static int mem_kms_id(struct kms_store *s, u8 id[KMS_ID_LEN])
{
	memcpy(id, mem(s)->kms_id, KMS_ID_LEN);
	return 0;
}

static const struct kms_store_ops mem_ops = {
	.psk = mem_psk,
	.uids = mem_uids,
	.member = mem_member,
	.group = mem_group,
	.tpk_for_ticket = mem_tpk_for_ticket,
	.tpk = mem_tpk,
	.admit = mem_admit,
	.kms_id = mem_kms_id,
};

void mem_store_init(struct mem_store *m)
{
	memset(m, 0, sizeof(*m));
	m->store.ops = &mem_ops;
	memcpy(m->kms_id, "KMS001", KMS_ID_LEN);
	memcpy(m->tpk.name, "tpk-1", 5);
	m->tpk.name_len = 5;
	m->tpk.key_len = MIKEY_KEY_MAX;
	fresh(m->tpk.key, MIKEY_KEY_MAX);
}

struct mem_user *mem_user_add(struct mem_store *m, const char *psk_id,
			      const char *uid, enum mikey_suite_id suite)
{
	struct mem_user *u = &m->users[m->num_users];

	u->psk_id = psk_id;
	u->uids[0] = uid;
	u->psk.user = m->num_users++;
	u->psk.suite = suite;
	u->psk.key_len = mikey_suite_by_id(suite)->key_len;
	fresh(u->psk.key, u->psk.key_len);
	return u;
}

int house_setup(void **state)
{
	static const char *const identities[] = { KMS_URL };
	struct house *h = calloc(1, sizeof(*h));

	assert_non_null(h);
	world_init(&h->world, NOW);
	kms_policy_defaults(&h->policy);
	h->policy.identities = identities;
	h->policy.num_identities = 1;
	mem_store_init(&h->mem);
	mem_user_add(&h->mem, "alice-psk", ALICE, MIKEY_SUITE_ID_256);
	mem_user_add(&h->mem, "bob-psk", BOB, MIKEY_SUITE_ID_256);
	house_again(h);
	*state = h;
	return 0;
}

void house_rules(struct house *h, struct kms_rule *rules, size_t num)
{
	size_t i;

	for (i = 0; i < num; i++)
		rules[i].terms = h->policy.terms;
	h->policy.rules = rules;
	h->policy.num_rules = num;
}

void house_again(struct house *h)
{
	kms_free(h->kms);
	h->kms = kms_new(&h->policy, &h->world.env);
	assert_non_null(h->kms);
}

int house_teardown(void **state)
{
	struct house *h = *state;

	kms_free(h->kms);
	free(h);
	return 0;
}

/* From a copy of exactly its length: the sanitizer sees a read behind it. */
int house_handle(struct house *h, enum kms_exchange_kind kind,
		 struct mikey_blob msg)
{
	u8 *copy = malloc(msg.len ? msg.len : 1);
	int ret;

	assert_non_null(copy);
	memcpy(copy, msg.p, msg.len);
	ret = kms_handle(h->kms, &h->mem.store, kind, copy, msg.len, &h->answer);
	free(copy);
	return ret;
}
