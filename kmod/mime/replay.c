// SPDX-License-Identifier: GPL-2.0
/*
 * The replay cache: which TRANSFER_INITs were delivered.
 *
 * Delivery may be deferred for as long as a ticket lives, so there is no age
 * beyond which an entry is of no use, and memory has to have a bound all the
 * same. What is forgotten therefore leaves a floor: the time T of the newest
 * TRANSFER_INIT that was forgotten, and nothing up to it is accepted any
 * more. Forgetting costs late messages and never lets one through twice.
 *
 *	user (uid) ── floor for senders without a record
 *	  └─ sender (IDRi, to a reader) ── floor for this sender
 *	       └─ entry (T, V's MAC), ordered by T
 *
 * A program that serves several people under one uid gets a message to a
 * group once for each of them. Whom it reads for is the UID that it had the
 * KMS resolve the ticket for: the KMS knows which PSK may ask in whose name,
 * and who has several UIDs and takes turns with them sees nothing that the
 * first copy did not show. The PSK is no part of it: another one must not
 * make old messages new.
 *
 * A sender with as many entries as it may have forgets its own oldest. A user
 * with as many, whoever reads, forgets the sender that was silent longest. So
 * a sender who floods harms nobody else as long as the user's share lasts,
 * and a user who is flooded no other user.
 */
#include <linux/hashtable.h>
#include <linux/list.h>
#include <linux/moduleparam.h>
#include <linux/netlink.h>
#include <linux/rbtree.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "replay.h"

#define SENDER_MIN 1
#define SENDER_MAX 65536
#define USER_MIN 4
#define USER_MAX 1048576

static unsigned int replay_sender = 4096;
static unsigned int replay_user = 65536;

static int set_sender(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, SENDER_MIN, SENDER_MAX);
}

static int set_user(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, USER_MIN, USER_MAX);
}

static const struct kernel_param_ops sender_ops = {
	.set = set_sender,
	.get = param_get_uint,
};

static const struct kernel_param_ops user_ops = {
	.set = set_user,
	.get = param_get_uint,
};

module_param_cb(replay_sender, &sender_ops, &replay_sender, 0444);
MODULE_PARM_DESC(replay_sender, "messages remembered of one sender to one reader (4096)");
module_param_cb(replay_user, &user_ops, &replay_user, 0444);
MODULE_PARM_DESC(replay_user, "messages and senders remembered for one user (65536)");

/* The floor of somebody of whom nothing was forgotten: below every time */
#define NO_FLOOR S64_MIN

struct entry {
	struct rb_node node;
	s64 sent;
	u8 mac[MIKEY_MAC_MAX];		/* padded with zeros */
};

/*
 * What one reader has from one sender
 *
 * @node: in cache->senders, by reader and name
 * @recent: in cache->recent
 * @entries: struct entry, by (sent, mac)
 * @count: of them
 * @floor: nothing sent up to then is accepted
 */
struct sender {
	struct rb_node node;
	struct list_head recent;
	struct rb_root_cached entries;
	unsigned int count;
	s64 floor;
	u8 reader[MIME_READER_LEN];
	u32 name_len;
	u8 name[MIKEY_UID_MAX];
};

/*
 * The cache of one user; lives until the module goes
 *
 * @senders: struct sender, by reader and name
 * @recent: the same, the one that was silent longest first
 * @count: entries and senders
 * @floor: of a sender without a record
 */
struct cache {
	struct hlist_node node;
	kuid_t uid;
	spinlock_t lock;		/* guards what follows */
	struct rb_root senders;
	struct list_head recent;
	unsigned int count;
	s64 floor;
};

static DEFINE_HASHTABLE(caches, 6);
static DEFINE_SPINLOCK(caches_lock);	/* guards additions to caches */
static atomic_long_t total;

/* Under RCU or caches_lock */
static struct cache *find_cache(kuid_t uid)
{
	struct cache *c;

	hash_for_each_possible_rcu(caches, c, node, __kuid_val(uid),
				   lockdep_is_held(&caches_lock))
		if (uid_eq(c->uid, uid))
			return c;
	return NULL;
}

/* Caches are never removed, so what is found may be kept without RCU. */
static struct cache *get_cache(kuid_t uid)
{
	struct cache *c, *fresh;

	rcu_read_lock();
	c = find_cache(uid);
	rcu_read_unlock();
	if (c)
		return c;

	fresh = kzalloc(sizeof(*fresh), GFP_KERNEL_ACCOUNT);
	if (!fresh)
		return NULL;
	fresh->uid = uid;
	fresh->senders = RB_ROOT;
	fresh->floor = NO_FLOOR;
	spin_lock_init(&fresh->lock);
	INIT_LIST_HEAD(&fresh->recent);

	spin_lock(&caches_lock);
	c = find_cache(uid);
	if (!c) {
		c = fresh;
		fresh = NULL;
		hash_add_rcu(caches, &c->node, __kuid_val(uid));
	}
	spin_unlock(&caches_lock);
	kfree(fresh);
	return c;
}

static int cmp_sender(const struct sender *s, const struct mime_receipt *r)
{
	int cmp = memcmp(s->reader, r->reader.p, sizeof(s->reader));

	if (cmp)
		return cmp;
	if (s->name_len != r->sender.len)
		return s->name_len < r->sender.len ? -1 : 1;
	return memcmp(s->name, r->sender.p, r->sender.len);
}

/* Where the sender of @r is, or where it would be linked */
static struct rb_node **sender_place(struct cache *c, const struct mime_receipt *r,
				     struct rb_node **parent)
{
	struct rb_node **at = &c->senders.rb_node;

	*parent = NULL;
	while (*at) {
		int cmp = cmp_sender(rb_entry(*at, struct sender, node), r);

		if (!cmp)
			break;
		*parent = *at;
		at = cmp > 0 ? &(*at)->rb_left : &(*at)->rb_right;
	}
	return at;
}

static struct sender *find_sender(struct cache *c, const struct mime_receipt *r)
{
	struct rb_node *parent, *found = *sender_place(c, r, &parent);

	return found ? rb_entry(found, struct sender, node) : NULL;
}

static int cmp_entry(const struct entry *e, s64 sent, const u8 *mac)
{
	if (e->sent != sent)
		return e->sent < sent ? -1 : 1;
	return memcmp(e->mac, mac, sizeof(e->mac));
}

static struct rb_node **entry_place(struct sender *s, const struct entry *like,
				    struct rb_node **parent, bool *leftmost)
{
	struct rb_node **at = &s->entries.rb_root.rb_node;

	*parent = NULL;
	*leftmost = true;
	while (*at) {
		int cmp = cmp_entry(rb_entry(*at, struct entry, node), like->sent,
				    like->mac);

		if (!cmp)
			break;
		*parent = *at;
		if (cmp > 0) {
			at = &(*at)->rb_left;
		} else {
			at = &(*at)->rb_right;
			*leftmost = false;
		}
	}
	return at;
}

static void add_entry(struct cache *c, struct sender *s, struct entry *e)
{
	struct rb_node *parent, **at;
	bool leftmost;

	at = entry_place(s, e, &parent, &leftmost);
	rb_link_node(&e->node, parent, at);
	rb_insert_color_cached(&e->node, &s->entries, leftmost);
	s->count++;
	c->count++;
	atomic_long_inc(&total);
	list_move_tail(&s->recent, &c->recent);
}

static void del_entry(struct cache *c, struct sender *s, struct entry *e)
{
	rb_erase_cached(&e->node, &s->entries);
	s->count--;
	c->count--;
	atomic_long_dec(&total);
}

/* Of one that has entries */
static struct entry *oldest(struct sender *s)
{
	return rb_entry(rb_first_cached(&s->entries), struct entry, node);
}

static s64 newest_time(struct sender *s)
{
	struct rb_node *last = rb_last(&s->entries.rb_root);

	return last ? max(s->floor, rb_entry(last, struct entry, node)->sent) :
		      s->floor;
}

/*
 * Make room for one entry, and one sender where @s is NULL, for something
 * sent at @sent. What is taken out is returned through @old and @silent, to
 * be freed without the lock.
 */
static int make_room(struct cache *c, struct sender *s, s64 sent,
		     struct entry **old, struct list_head *silent)
{
	unsigned int need = s ? 1 : 2;

	if (s && s->count >= replay_sender)
		goto own;

	while (c->count + need > replay_user) {
		struct sender *victim = list_first_entry(&c->recent,
							 struct sender, recent);

		if (victim == s && s->count)
			goto own;
		if (victim == s) {
			/* nothing of its own to forget, and not silent either */
			list_move_tail(&s->recent, &c->recent);
			continue;
		}
		c->floor = max(c->floor, newest_time(victim));
		c->count -= victim->count + 1;
		atomic_long_sub(victim->count, &total);
		rb_erase(&victim->node, &c->senders);
		list_move(&victim->recent, silent);
	}
	return 0;
own:
	*old = oldest(s);
	if (sent <= (*old)->sent) {
		*old = NULL;
		return -ESTALE;
	}
	s->floor = (*old)->sent;
	del_entry(c, s, *old);
	return 0;
}

static struct sender *add_sender(struct cache *c, struct sender *s,
				 const struct mime_receipt *r)
{
	struct rb_node *parent, **at = sender_place(c, r, &parent);

	rb_link_node(&s->node, parent, at);
	rb_insert_color(&s->node, &c->senders);
	list_add_tail(&s->recent, &c->recent);
	c->count++;
	return s;
}

static void free_entries(struct sender *s)
{
	struct entry *e, *next;

	rbtree_postorder_for_each_entry_safe(e, next, &s->entries.rb_root, node)
		kfree(e);
}

static void free_senders(struct list_head *list)
{
	struct sender *s, *next;

	list_for_each_entry_safe(s, next, list, recent) {
		free_entries(s);
		kfree(s);
		cond_resched();
	}
}

static void fill_entry(struct entry *e, const struct mime_receipt *r)
{
	memset(e->mac, 0, sizeof(e->mac));
	memcpy(e->mac, r->mac.p, r->mac.len);
	e->sent = r->sent;
}

/* Under the lock; takes *@e and *@fresh where it uses them. */
static int commit(struct cache *c, const struct mime_receipt *r, struct entry **e,
		  struct sender **fresh, struct entry **old,
		  struct list_head *silent)
{
	struct sender *s = find_sender(c, r);
	s64 floor = s ? s->floor : c->floor;
	struct rb_node *parent;
	bool leftmost;
	int err;

	if (s && *entry_place(s, *e, &parent, &leftmost))
		return -EALREADY;
	if (r->sent <= floor)
		return -ESTALE;
	err = make_room(c, s, r->sent, old, silent);
	if (err)
		return err;
	if (!s) {
		/* entries of its own may have been forgotten with a record */
		(*fresh)->floor = floor;
		s = add_sender(c, *fresh, r);
		*fresh = NULL;
	}
	add_entry(c, s, *e);
	*e = NULL;
	return 0;
}

static struct sender *new_sender(const struct mime_receipt *r)
{
	struct sender *s = kmalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);

	if (!s)
		return NULL;
	s->entries = RB_ROOT_CACHED;
	s->count = 0;
	memcpy(s->reader, r->reader.p, sizeof(s->reader));
	s->name_len = r->sender.len;
	memcpy(s->name, r->sender.p, r->sender.len);
	return s;
}

int mime_replay_commit(const struct mime_receipt *r,
		       struct netlink_ext_ack *extack)
{
	struct cache *c = get_cache(r->uid);
	struct entry *e, *old = NULL;
	struct sender *fresh;
	LIST_HEAD(silent);
	int err = -ENOMEM;

	if (WARN_ON_ONCE(r->reader.len != MIME_READER_LEN ||
			 r->sender.len > MIKEY_UID_MAX || r->mac.len > MIKEY_MAC_MAX))
		return -EINVAL;
	e = kmalloc(sizeof(*e), GFP_KERNEL_ACCOUNT);
	fresh = new_sender(r);
	if (!c || !e || !fresh)
		goto out;
	fill_entry(e, r);

	spin_lock(&c->lock);
	err = commit(c, r, &e, &fresh, &old, &silent);
	spin_unlock(&c->lock);

	if (err == -EALREADY)
		NL_SET_ERR_MSG(extack, "this message was delivered before");
	else if (err == -ESTALE)
		NL_SET_ERR_MSG(extack, "this message is older than all remembered of its sender");
out:
	free_senders(&silent);
	kfree(old);
	kfree(fresh);
	kfree(e);
	return err;
}

void mime_replay_forget(const struct mime_receipt *r)
{
	struct rb_node *parent, *found;
	struct entry like, *e = NULL;
	struct sender *s;
	struct cache *c;
	bool leftmost;

	rcu_read_lock();
	c = find_cache(r->uid);		/* committing has made it, and it stays */
	rcu_read_unlock();
	fill_entry(&like, r);

	spin_lock(&c->lock);
	s = find_sender(c, r);
	found = s ? *entry_place(s, &like, &parent, &leftmost) : NULL;
	if (found) {
		e = rb_entry(found, struct entry, node);
		del_entry(c, s, e);
	}
	spin_unlock(&c->lock);
	kfree(e);
}

u64 mime_replay_entries(void)
{
	return atomic_long_read(&total);
}

/* After the last command: nobody else is in here. */
void mime_replay_exit(void)
{
	struct hlist_node *next;
	struct cache *c;
	int bucket;

	hash_for_each_safe(caches, bucket, next, c, node) {
		hash_del(&c->node);
		free_senders(&c->recent);
		kfree(c);
	}
}
