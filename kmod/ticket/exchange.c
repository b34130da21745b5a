// SPDX-License-Identifier: GPL-2.0
/*
 * Pending exchanges: found by socket and id, counted by user, dropped when
 * they are answered, when their socket closes, or after
 * MIKEY_TICKET_EXCHANGE_SECONDS.
 *
 * One spinlock guards table, list and counts. It is held for a few
 * pointers' worth; answers are processed under the exchange's own mutex.
 */
#include <linux/cred.h>
#include <linux/hashtable.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <net/genetlink.h>

#include "exchange.h"
#include "stats.h"

#define LIFETIME (MIKEY_TICKET_EXCHANGE_SECONDS * HZ)

/* How many exchanges a user has pending. */
struct user_count {
	struct hlist_node node;
	kuid_t uid;
	u32 num;
};

static DEFINE_SPINLOCK(exchanges_lock);
static DEFINE_HASHTABLE(by_socket, 8);
static DEFINE_HASHTABLE(by_user, 6);
static LIST_HEAD(by_age);
static u32 last_id;

static void reap(struct work_struct *work);
static DECLARE_DELAYED_WORK(reaper, reap);

struct mikey_exchange *mikey_exchange_new(void)
{
	struct mikey_exchange *ex = kzalloc(sizeof(*ex), GFP_KERNEL_ACCOUNT);

	if (!ex)
		return NULL;
	refcount_set(&ex->ref, 1);
	mutex_init(&ex->lock);
	INIT_HLIST_NODE(&ex->by_socket);
	INIT_LIST_HEAD(&ex->by_age);
	return ex;
}

void mikey_exchange_put(struct mikey_exchange *ex)
{
	if (!refcount_dec_and_test(&ex->ref))
		return;
	key_put(ex->psk);
	kvfree(ex->initial);
	kvfree(ex->transfer);
	kfree_sensitive(ex);
}

static struct user_count *count_of(kuid_t uid)
{
	struct user_count *user;

	hash_for_each_possible(by_user, user, node, __kuid_val(uid))
		if (uid_eq(user->uid, uid))
			return user;
	return NULL;
}

/* Out of table, list and count; true if the caller now has their reference. */
static bool detach(struct mikey_exchange *ex)
{
	struct user_count *user;

	lockdep_assert_held(&exchanges_lock);
	if (hlist_unhashed(&ex->by_socket))
		return false;
	hash_del(&ex->by_socket);
	list_del_init(&ex->by_age);
	user = count_of(ex->uid);
	if (!--user->num) {
		hash_del(&user->node);
		kfree(user);
	}
	mikey_uncount(MIKEY_TICKET_S_EXCHANGES);
	return true;
}

static void put_all(struct list_head *gone)
{
	struct mikey_exchange *ex, *next;

	list_for_each_entry_safe(ex, next, gone, by_age) {
		list_del_init(&ex->by_age);
		mikey_exchange_put(ex);
	}
}

int mikey_exchange_publish(struct mikey_exchange *ex, struct genl_info *info,
			   struct mikey_why *why)
{
	struct user_count *user, *fresh;
	int err = 0;

	fresh = kmalloc(sizeof(*fresh), GFP_KERNEL_ACCOUNT);
	if (!fresh)
		return -ENOMEM;
	ex->net = genl_info_net(info);
	ex->portid = info->snd_portid;
	ex->uid = current_fsuid();
	ex->deadline = jiffies + LIFETIME;
	fresh->uid = ex->uid;
	fresh->num = 0;

	spin_lock(&exchanges_lock);
	user = count_of(ex->uid);
	if (!user) {
		user = fresh;
		fresh = NULL;
		hash_add(by_user, &user->node, __kuid_val(user->uid));
	}
	if (user->num < MIKEY_TICKET_EXCHANGE_MAX) {
		user->num++;
		/* 0 is nobody's, and an id is a slip's chance, not a secret */
		if (!++last_id)
			++last_id;
		ex->id = last_id;
		refcount_inc(&ex->ref);
		hash_add(by_socket, &ex->by_socket, ex->portid);
		list_add_tail(&ex->by_age, &by_age);
		mikey_count(MIKEY_TICKET_S_EXCHANGES);
	} else {
		err = mikey_refuse(why, -EDQUOT, MIKEY_TICKET_S_UNSPEC,
				   MIKEY_TICKET_A_UNSPEC,
				   "this user has too many exchanges pending");
	}
	spin_unlock(&exchanges_lock);

	kfree(fresh);
	if (!err)
		schedule_delayed_work(&reaper, LIFETIME);
	return err;
}

/*
 * The port of a socket that is being closed is free again before the notifier
 * below hears of it, and the next one who binds to it can be another user.
 */
struct mikey_exchange *mikey_exchange_find(struct genl_info *info, u32 id,
					   bool resolve, struct mikey_why *why)
{
	struct net *net = genl_info_net(info);
	struct mikey_exchange *ex, *found = NULL;

	spin_lock(&exchanges_lock);
	hash_for_each_possible(by_socket, ex, by_socket, info->snd_portid) {
		if (ex->portid == info->snd_portid && ex->net == net &&
		    uid_eq(ex->uid, current_fsuid()) && ex->id == id &&
		    ex->resolve == resolve) {
			refcount_inc(&ex->ref);
			found = ex;
			break;
		}
	}
	spin_unlock(&exchanges_lock);

	if (found) {
		mutex_lock(&found->lock);
		if (!found->closed && time_before(jiffies, found->deadline))
			return found;
		mikey_exchange_release(found);
	}
	return ERR_PTR(mikey_refuse(why, -ESRCH, MIKEY_TICKET_S_UNSPEC,
				    MIKEY_TICKET_A_EXCHANGE,
				    "this socket has no such exchange, or it took too long"));
}

void mikey_exchange_release(struct mikey_exchange *ex)
{
	mutex_unlock(&ex->lock);
	mikey_exchange_put(ex);
}

void mikey_exchange_close(struct mikey_exchange *ex)
{
	bool ours;

	ex->closed = true;
	spin_lock(&exchanges_lock);
	ours = detach(ex);
	spin_unlock(&exchanges_lock);
	if (ours)
		mikey_exchange_put(ex);
}

/* All have the same lifetime, so the list's order is that of deadlines. */
static void reap(struct work_struct *work)
{
	struct mikey_exchange *ex;
	unsigned long wait = 0;
	LIST_HEAD(gone);

	spin_lock(&exchanges_lock);
	while ((ex = list_first_entry_or_null(&by_age, struct mikey_exchange,
					      by_age))) {
		if (time_before(jiffies, ex->deadline)) {
			wait = ex->deadline - jiffies;
			break;
		}
		detach(ex);
		list_add_tail(&ex->by_age, &gone);
	}
	spin_unlock(&exchanges_lock);

	put_all(&gone);
	if (wait)
		schedule_delayed_work(&reaper, wait);
}

static int socket_event(struct notifier_block *nb, unsigned long event,
			void *data)
{
	const struct netlink_notify *n = data;
	struct mikey_exchange *ex;
	struct hlist_node *next;
	LIST_HEAD(gone);

	if (event != NETLINK_URELEASE || n->protocol != NETLINK_GENERIC)
		return NOTIFY_DONE;

	spin_lock(&exchanges_lock);
	hash_for_each_possible_safe(by_socket, ex, next, by_socket, n->portid) {
		if (ex->portid != n->portid || ex->net != n->net)
			continue;
		detach(ex);
		list_add_tail(&ex->by_age, &gone);
	}
	spin_unlock(&exchanges_lock);

	put_all(&gone);
	return NOTIFY_OK;
}

static struct notifier_block socket_notifier = {
	.notifier_call = socket_event,
};

int mikey_exchange_init(void)
{
	return netlink_register_notifier(&socket_notifier);
}

void mikey_exchange_exit(void)
{
	struct mikey_exchange *ex, *next;
	LIST_HEAD(gone);

	netlink_unregister_notifier(&socket_notifier);
	spin_lock(&exchanges_lock);
	list_for_each_entry_safe(ex, next, &by_age, by_age) {
		detach(ex);
		list_add_tail(&ex->by_age, &gone);
	}
	spin_unlock(&exchanges_lock);
	put_all(&gone);
	/* with nothing pending a last run does not schedule another */
	cancel_delayed_work_sync(&reaper);
}
