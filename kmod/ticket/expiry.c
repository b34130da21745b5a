// SPDX-License-Identifier: GPL-2.0
/*
 * One timer for all tickets: one for each would be 64 bytes of it, a place in a
 * queue is 24.
 *
 * The timer is on the real time clock, which also fires when that clock is set
 * ahead. It fires in hard interrupt: a busy machine runs softirqs late, and a clock
 * set ahead and back meanwhile would be missed.
 *
 * The lock is taken where a ticket begins and where it ends, for no message.
 */
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>

#include "../compat.h"
#include "expiry.h"
#include "ticket.h"

static DEFINE_SPINLOCK(lock);		/* of @queue, and of starting @timer */
static struct rb_root_cached queue = RB_ROOT_CACHED;
static struct hrtimer timer;

static ktime_t end_of(const struct rb_node *node)
{
	return ktime_set(rb_entry(node, struct mikey_ticket, ends)->expires, 0);
}

static bool sooner(struct rb_node *a, const struct rb_node *b)
{
	return end_of(a) < end_of(b);
}

/* For the first. Once that has been removed, it fires for nothing. */
static void start_timer(void)
{
	struct rb_node *first = rb_first_cached(&queue);

	lockdep_assert_held(&lock);
	if (first)
		hrtimer_start(&timer, end_of(first), HRTIMER_MODE_ABS);
}

static void take_out(struct rb_node *node)
{
	lockdep_assert_held(&lock);
	rb_erase_cached(node, &queue);
	RB_CLEAR_NODE(node);
}

/*
 * Wipe one whose time has come by @now. The lock is given back after each, but held
 * until that is done, as the ticket could be freed. Return: was there one?
 */
static bool end_one(ktime_t now)
{
	struct rb_node *first;
	unsigned long flags;
	bool over;

	spin_lock_irqsave(&lock, flags);
	first = rb_first_cached(&queue);
	over = first && end_of(first) <= now;
	if (over) {
		take_out(first);
		mikey_ticket_wipe(rb_entry(first, struct mikey_ticket, ends),
				  -EKEYEXPIRED);
	}
	spin_unlock_irqrestore(&lock, flags);
	return over;
}

static enum hrtimer_restart fire(struct hrtimer *unused)
{
	ktime_t now = ktime_get_real();
	unsigned long flags;

	while (end_one(now))
		;
	/* not by what is returned, as another processor may be starting it */
	spin_lock_irqsave(&lock, flags);
	start_timer();
	spin_unlock_irqrestore(&lock, flags);
	return HRTIMER_NORESTART;
}

void mikey_expiry_add(struct mikey_ticket *t)
{
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	if (rb_add_cached(&t->ends, &queue, sooner))
		start_timer();
	spin_unlock_irqrestore(&lock, flags);
}

void mikey_expiry_remove(struct mikey_ticket *t)
{
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	if (!RB_EMPTY_NODE(&t->ends))
		take_out(&t->ends);
	spin_unlock_irqrestore(&lock, flags);
}

void mikey_expiry_init(void)
{
	hrtimer_setup(&timer, fire, CLOCK_REALTIME, HRTIMER_MODE_ABS);
}

void mikey_expiry_exit(void)
{
	hrtimer_cancel(&timer);
}
