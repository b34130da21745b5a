// SPDX-License-Identifier: GPL-2.0
/*
 * The key type "mikey_ticket".
 *
 * Tickets come into being in GRANT, MINT and ADMIT only. add_key(2) could
 * otherwise displace a ticket by a forged one of the same description, so
 * .vet_description, which every way to a new key has to pass, lets nobody
 * through but the task that this file is making a key for. .preparse (a
 * length that no payload from userspace can have) and .request_key (no
 * upcall, no key) are second lines.
 *
 * Permissions lack SETATTR: with it the owner could lift the timeout and
 * keep the key's shell beyond TRe. WRITE is what revoking needs.
 */
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/key-type.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../compat.h"
#include "key.h"

#define TICKET_PERM (KEY_POS_VIEW | KEY_POS_WRITE | KEY_POS_SEARCH | \
		     KEY_POS_LINK | KEY_USR_VIEW | KEY_USR_WRITE | \
		     KEY_USR_SEARCH)

/* The length by which .preparse knows that the payload is ours. */
#define OUR_DATALEN SIZE_MAX

/*
 * Charged to the owner's quota of key bytes beside the description: the
 * number of tickets is what bounds a user (quota of keys), the memory is
 * charged to the owner's memory cgroup, and the true size would leave no
 * more than a dozen tickets of the 20000 bytes that a user has.
 */
#define QUOTA_BYTES MIKEY_KEY_MAX

static DEFINE_MUTEX(making_lock);
static struct task_struct *making_for;

static int ticket_vet_description(const char *desc)
{
	return READ_ONCE(making_for) == current ? 0 : -EPERM;
}

static int ticket_preparse(struct key_preparsed_payload *prep)
{
	const struct mikey_ticket *t;

	if (prep->datalen != OUR_DATALEN)
		return -EPERM;
	t = prep->data;
	prep->quotalen = QUOTA_BYTES;
	prep->expiry = t->expires;
	return 0;
}

static void ticket_free_preparse(struct key_preparsed_payload *prep)
{
}

/*
 * The word that /proc/keys shows. It lies in the key itself: a reader of
 * /proc/keys can still be about when the payload is gone.
 */
static unsigned long summary(const struct mikey_ticket *t)
{
	return (unsigned long)t->flags | t->suite_id << 16 | t->profile_id << 24;
}

static int ticket_instantiate(struct key *key,
			      struct key_preparsed_payload *prep)
{
	struct mikey_ticket *t = (struct mikey_ticket *)prep->data;
	int err;

	err = key_payload_reserve(key, prep->quotalen);
	if (err)
		return err;
	key->payload.data[1] = (void *)summary(t);
	rcu_assign_keypointer(key, t);
	mikey_ticket_start(t, key);
	return 0;
}

static void ticket_revoke(struct key *key)
{
	struct mikey_ticket *t = dereference_key_locked(key);

	if (t)
		mikey_ticket_wipe(t, -EKEYREVOKED);
}

static void ticket_destroy(struct key *key)
{
	struct mikey_ticket *t = key->payload.data[0];

	key->payload.data[0] = NULL;
	if (t)
		mikey_ticket_free(t);
}

static void ticket_describe(const struct key *key, struct seq_file *m)
{
	unsigned long word = (unsigned long)key->payload.data[1];
	const struct mikey_profile *profile;
	const struct mikey_suite *suite;

	seq_puts(m, key->description);
	if (!key_is_positive(key))
		return;
	profile = mikey_profile_by_id(word >> 24 & 0xff);
	suite = mikey_suite_by_id(word >> 16 & 0xff);
	if (profile && suite)
		seq_printf(m, ": %s %s%s", profile->name, suite->name,
			   word & MIKEY_FLAG_J ? " reusable" : "");
}

static int ticket_request_key(struct key *authkey, void *aux)
{
	complete_request_key(authkey, -ENOKEY);
	return -ENOKEY;
}

static struct key_type ticket_key_type = {
	.name = MIKEY_TICKET_KEY_TYPE,
	.vet_description = ticket_vet_description,
	.preparse = ticket_preparse,
	.free_preparse = ticket_free_preparse,
	.instantiate = ticket_instantiate,
	.revoke = ticket_revoke,
	.destroy = ticket_destroy,
	.describe = ticket_describe,
	.request_key = ticket_request_key,
};

bool mikey_key_uid_ok(struct mikey_blob uid)
{
	u32 i;

	for (i = 0; i < uid.len; i++)
		if (uid.p[i] <= ' ' || uid.p[i] == 0x7f)
			return false;
	return true;
}

/* SHA-256 over profile, suite and every IDRr, as mikey_ticket.h has it. */
static int responders_digest(const struct mikey_ticket *t, u8 digest[32])
{
	struct mikey_policy_iter it;
	struct mikey_policy p;
	struct mikey_id id;
	u32 at = 2;
	u8 *buf;
	int err;

	err = mikey_ticket_policy(t, &p);
	if (err)
		return err;
	/* an IDR payload is longer than the length and bytes put down here */
	buf = kvmalloc(2 + p.tp_data.len, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	buf[0] = t->profile_id;
	buf[1] = t->suite_id;
	mikey_policy_walk(&it, &p, MIKEY_IDR_R);
	while (mikey_policy_next(&it, &p, &id)) {
		buf[at++] = id.data.len >> 8;
		buf[at++] = id.data.len;
		memcpy(buf + at, id.data.p, id.data.len);
		at += id.data.len;
	}
	err = mikey_sha256(&(struct mikey_blob){ buf, at }, 1, digest);
	kvfree(buf);
	return err;
}

static void describe(char desc[MIKEY_KEY_DESC_MAX], char role,
		     struct mikey_blob uid, const u8 digest[32])
{
	char *p = desc;

	*p++ = role;
	*p++ = ':';
	memcpy(p, uid.p, uid.len);
	p += uid.len;
	*p++ = ':';
	p = bin2hex(p, digest, 16);
	*p = '\0';
}

void mikey_key_describe_received(char desc[MIKEY_KEY_DESC_MAX],
				 struct mikey_blob uid, const u8 digest[32])
{
	describe(desc, 'r', uid, digest);
}

int mikey_key_describe(char desc[MIKEY_KEY_DESC_MAX], struct mikey_ticket *t)
{
	struct mikey_blob uid = mikey_ticket_bytes(t, t->initiator);
	u8 digest[32];
	int err;

	if (t->role == MIKEY_ROLE_RESPONDER) {
		mikey_key_describe_received(desc, uid, mikey_received(t)->digest);
		return 0;
	}
	err = responders_digest(t, digest);
	if (!err)
		describe(desc, 'i', uid, digest);
	return err;
}

struct key *mikey_key_make(struct mikey_ticket *t, const char *desc,
			   struct key *ring)
{
	const struct cred *cred = current_cred();
	struct key *key;
	int err;

	mutex_lock(&making_lock);
	WRITE_ONCE(making_for, current);
	key = key_alloc(&ticket_key_type, desc, cred->fsuid, cred->fsgid, cred,
			TICKET_PERM, KEY_ALLOC_IN_QUOTA, NULL);
	WRITE_ONCE(making_for, NULL);
	mutex_unlock(&making_lock);
	if (IS_ERR(key))
		return key;

	err = key_instantiate_and_link(key, t, OUR_DATALEN, ring, NULL);
	if (err) {
		key_put(key);
		return ERR_PTR(err);
	}
	return key;
}

struct key *mikey_key_find(key_serial_t serial, enum key_need_perm perm)
{
	struct key *key;
	key_ref_t ref;

	if (serial <= 0)
		return ERR_PTR(-ENOKEY);
	/* PARTIAL: do not sleep on a key whose upcall is still pending */
	ref = lookup_user_key(serial, KEY_LOOKUP_PARTIAL, perm);
	if (IS_ERR(ref))
		return ERR_CAST(ref);
	key = key_ref_to_ptr(ref);
	if (!key_is_positive(key)) {
		key_put(key);
		return ERR_PTR(-ENOKEY);
	}
	return key;
}

const char *mikey_key_words(int err)
{
	switch (err) {
	case -ENOKEY:
		return "there is no key with this serial";
	case -EACCES:
		return "the key's permissions do not let this user search it";
	case -EKEYEXPIRED:
		return "the key has expired";
	case -EKEYREVOKED:
		return "the key was revoked";
	default:
		return "the key cannot be used";
	}
}

static int refuse_ring(struct mikey_why *why, int err, const char *words)
{
	return mikey_refuse(why, err, MIKEY_TICKET_S_UNSPEC,
			    MIKEY_TICKET_A_KEYRING, words);
}

/* A keyring by serial, with its possession. */
static key_ref_t find_ring(key_serial_t serial, unsigned long lookup,
			   enum key_need_perm perm, struct mikey_why *why)
{
	key_ref_t ref = lookup_user_key(serial, lookup | KEY_LOOKUP_PARTIAL,
					perm);
	struct key *ring;

	if (IS_ERR(ref)) {
		int err = PTR_ERR(ref);

		refuse_ring(why, err, err == -EACCES ?
			    "the keyring's permissions do not let this user use it" :
			    mikey_key_words(err));
		return ref;
	}
	ring = key_ref_to_ptr(ref);
	if (ring->type != &key_type_keyring || !key_is_positive(ring)) {
		key_put(ring);
		return ERR_PTR(refuse_ring(why, -EINVAL,
					   "the key is not a keyring"));
	}
	return ref;
}

struct key *mikey_key_ring(key_serial_t serial, struct mikey_why *why)
{
	key_ref_t ref = find_ring(serial, KEY_LOOKUP_CREATE, KEY_NEED_WRITE,
				  why);

	return IS_ERR(ref) ? ERR_CAST(ref) : key_ref_to_ptr(ref);
}

struct mikey_ticket *mikey_key_search(key_serial_t serial, const char *desc,
				      struct mikey_why *why)
{
	key_ref_t ring = find_ring(serial, 0, KEY_NEED_SEARCH, why), ref;
	struct mikey_ticket *t;
	struct key *key;

	if (IS_ERR(ring))
		return ERR_CAST(ring);
	ref = keyring_search(ring, &ticket_key_type, desc, true);
	key_ref_put(ring);
	if (IS_ERR(ref))
		return NULL;
	key = key_ref_to_ptr(ref);
	/* as in mikey_key_ticket(), which has it from a serial */
	t = key_is_positive(key) ? key->payload.data[0] : NULL;
	if (t && !mikey_ticket_check(t))
		return t;
	key_put(key);
	return NULL;
}

struct mikey_ticket *mikey_key_ticket(key_serial_t serial,
				      struct mikey_why *why)
{
	struct key *key = mikey_key_find(serial, KEY_NEED_SEARCH);
	int err = PTR_ERR_OR_ZERO(key);
	struct mikey_ticket *t;

	if (err)
		goto refuse;
	if (key->type != &ticket_key_type) {
		key_put(key);
		return ERR_PTR(mikey_refuse(why, -EOPNOTSUPP,
					    MIKEY_TICKET_S_UNSPEC,
					    MIKEY_TICKET_A_TICKET,
					    "the key is not a ticket"));
	}
	/* set before the key was positive, cleared when no reference is left */
	t = key->payload.data[0];
	err = mikey_ticket_check(t);
	if (!err)
		return t;
	key_put(key);
refuse:
	return ERR_PTR(mikey_refuse(why, err, MIKEY_TICKET_S_UNSPEC,
				    MIKEY_TICKET_A_TICKET, err == -EPERM ?
				    "the ticket was for one message, which it has served" :
				    mikey_key_words(err)));
}

int mikey_key_init(void)
{
	return register_key_type(&ticket_key_type);
}

void mikey_key_exit(void)
{
	unregister_key_type(&ticket_key_type);
}
