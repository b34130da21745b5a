// SPDX-License-Identifier: GPL-2.0
/*
 * A PSK is a key of type "logon", "trusted" or "encrypted", as dm-crypt takes its
 * keys. One of type "user" is refused: keyctl(2) reads it, so nothing that it
 * protects would be safe from the program that carries the messages.
 *
 * The kernel itself has a TPM open what is in a "trusted" key, and opens an
 * "encrypted" one with its master key: in userspace both are sealed. An
 * "encrypted" key is as safe as its master; one of type "user" can be read by its
 * owner as long as it exists. The parameter user_master decides.
 *
 * Who may SEARCH such a key can have other parts of the kernel use it, too. From
 * 6.2 on AF_ALG takes it by its serial and computes any HMAC with it, which is all
 * that MIKEY's PRF is: a program would derive the keys of its exchanges by itself.
 * So LINK suffices here, and a PSK should have neither SEARCH nor SETATTR, which
 * brings it back. The parameter guarded_psk wants it so, from 6.2 on by default.
 */
#include <linux/err.h>
#include <linux/kconfig.h>
#include <linux/kernel.h>
#include <linux/key-type.h>
#include <linux/string.h>
#include <keys/user-type.h>
#if IS_REACHABLE(CONFIG_ENCRYPTED_KEYS)
#include <keys/encrypted-type.h>
#endif
#if IS_REACHABLE(CONFIG_TRUSTED_KEYS)
#include <keys/trusted-type.h>
#endif

#include "key.h"
#include "limits.h"
#include "prf.h"
#include "psk.h"

/* With one of these, whoever has it, other parts of the kernel can use the key. */
#define UNGUARDED (KEY_POS_SEARCH | KEY_POS_SETATTR | \
		   KEY_USR_SEARCH | KEY_USR_SETATTR | \
		   KEY_GRP_SEARCH | KEY_GRP_SETATTR | \
		   KEY_OTH_SEARCH | KEY_OTH_SETATTR)

static int refuse(struct mikey_why *why, int err, const char *words)
{
	return mikey_refuse(why, err, MIKEY_TICKET_S_BAD_PSK,
			    MIKEY_TICKET_A_PSK, words);
}

/* All are called with key->sem held for reading. */
static int logon_bytes(const struct key *key, struct mikey_blob *psk,
		       struct mikey_why *why)
{
	const struct user_key_payload *p = user_key_payload_locked(key);

	if (!p)
		return refuse(why, -EKEYREVOKED, mikey_key_words(-EKEYREVOKED));
	*psk = (struct mikey_blob){ (const u8 *)p->data, p->datalen };
	return 0;
}

#if IS_REACHABLE(CONFIG_ENCRYPTED_KEYS)
static int encrypted_bytes(const struct key *key, struct mikey_blob *psk,
			   struct mikey_why *why)
{
	const struct encrypted_key_payload *p = key->payload.data[0];

	if (!p)
		return refuse(why, -EKEYREVOKED, mikey_key_words(-EKEYREVOKED));
	if (!mikey_user_master_allowed() && p->master_desc &&
	    strstarts(p->master_desc, "user:"))
		return refuse(why, -EOPNOTSUPP,
			      "the pre-shared key's master is a user key, which userspace can read");
	*psk = (struct mikey_blob){ p->decrypted_data, p->decrypted_datalen };
	return 0;
}
#endif

#if IS_REACHABLE(CONFIG_TRUSTED_KEYS)
static int trusted_bytes(const struct key *key, struct mikey_blob *psk,
			 struct mikey_why *why)
{
	const struct trusted_key_payload *p = key->payload.data[0];

	if (!p)
		return refuse(why, -EKEYREVOKED, mikey_key_words(-EKEYREVOKED));
	*psk = (struct mikey_blob){ p->key, p->key_len };
	return 0;
}
#endif

static int psk_bytes(const struct key *key, struct mikey_blob *psk,
		     struct mikey_why *why)
{
	if (key->type == &key_type_logon)
		return logon_bytes(key, psk, why);
#if IS_REACHABLE(CONFIG_ENCRYPTED_KEYS)
	if (key->type == &key_type_encrypted)
		return encrypted_bytes(key, psk, why);
#endif
#if IS_REACHABLE(CONFIG_TRUSTED_KEYS)
	if (key->type == &key_type_trusted)
		return trusted_bytes(key, psk, why);
#endif
	if (key->type == &key_type_user)
		return refuse(why, -EOPNOTSUPP,
			      "the pre-shared key is a user key, which userspace can read: use a logon, trusted or encrypted key");
	return refuse(why, -EOPNOTSUPP,
		      "the pre-shared key must be a logon, trusted or encrypted key");
}

static int check_guard(const struct key *key, struct mikey_why *why)
{
	if (!mikey_guarded_psk_only() || !(key->perm & UNGUARDED))
		return 0;
	return refuse(why, -EACCES,
		      "other parts of the kernel can use the pre-shared key: take search and setattr away (keyctl setperm KEY 0x15150000)");
}

static int prepare(struct key *key, const struct mikey_suite *suite,
		   struct mikey_hmac *inkey, struct mikey_why *why)
{
	struct mikey_blob psk;
	int err;

	down_read(&key->sem);
	err = psk_bytes(key, &psk, why) ?: check_guard(key, why);
	if (!err && psk.len != suite->key_len)
		err = refuse(why, -EINVAL,
			     "the pre-shared key does not have the length of this suite's keys");
	err = err ?: mikey_prf_prepare(inkey, suite->prf, psk.p, psk.len);
	up_read(&key->sem);
	return err;
}

static struct key *find(key_serial_t serial)
{
	struct key *key = mikey_key_find(serial, KEY_NEED_SEARCH);

	return key == ERR_PTR(-EACCES) ?
	       mikey_key_find(serial, KEY_NEED_LINK) : key;
}

struct key *mikey_psk_get(key_serial_t serial, const struct mikey_suite *suite,
			  struct mikey_hmac *inkey, struct mikey_why *why)
{
	struct key *key = find(serial);
	int err;

	if (IS_ERR(key)) {
		err = PTR_ERR(key);
		return ERR_PTR(refuse(why, err, mikey_key_words(err)));
	}
	err = prepare(key, suite, inkey, why);
	if (err) {
		key_put(key);
		return ERR_PTR(err);
	}
	return key;
}

/* One way: the states of the hash are as good as the key. */
int mikey_psk_digest(const struct mikey_hmac *inkey, u8 digest[32])
{
	const struct mikey_blob states[] = {
		{ inkey->inner, sizeof(inkey->inner) },
		{ inkey->outer, sizeof(inkey->outer) },
	};

	return mikey_sha256(states, ARRAY_SIZE(states), digest);
}

int mikey_psk_made(key_serial_t serial, const struct mikey_ticket *t,
		   struct mikey_why *why)
{
	struct mikey_hmac inkey = {};
	struct key *psk;
	u8 digest[32];
	int err;

	psk = mikey_psk_get(serial, mikey_ticket_suite(t), &inkey, why);
	if (IS_ERR(psk))
		return PTR_ERR(psk);
	err = mikey_psk_digest(&inkey, digest);
	if (!err && memcmp(digest, t->psk, sizeof(t->psk)))
		err = mikey_refuse(why, -EKEYREJECTED, MIKEY_TICKET_S_UNSPEC,
				   MIKEY_TICKET_A_PSK,
				   "the ticket was made with another pre-shared key");
	memzero_explicit(&inkey, sizeof(inkey));
	key_put(psk);
	return err;
}

int mikey_psk_check(struct key *psk, struct mikey_why *why)
{
	int err = key_validate(psk);

	if (err)
		return refuse(why, err,
			      err == -ENOKEY ?
			      "the pre-shared key was invalidated meanwhile" :
			      mikey_key_words(err));
	return 0;
}
