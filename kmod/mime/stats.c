// SPDX-License-Identifier: GPL-2.0
/*
 * Counters since load, one set for each CPU so that counting shares nothing.
 */
#include <linux/percpu.h>
#include <linux/u64_stats_sync.h>
#include <net/netlink.h>

#include "replay.h"
#include "stats.h"

/* The last is a level, not a counter: replay.c knows it. */
#define COUNTERS MIKEY_MIME_S_REPLAY_ENTRIES

struct cpu_stats {
	struct u64_stats_sync sync;
	u64_stats_t n[COUNTERS];
};

static struct cpu_stats __percpu *stats;

void mime_stats_add(enum mikey_mime_stat stat, u64 n)
{
	struct cpu_stats *s = get_cpu_ptr(stats);

	u64_stats_update_begin(&s->sync);
	u64_stats_add(&s->n[stat], n);
	u64_stats_update_end(&s->sync);
	put_cpu_ptr(stats);
}

static u64 sum(enum mikey_mime_stat stat)
{
	u64 total = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct cpu_stats *s = per_cpu_ptr(stats, cpu);
		unsigned int start;
		u64 n;

		do {
			start = u64_stats_fetch_begin(&s->sync);
			n = u64_stats_read(&s->n[stat]);
		} while (u64_stats_fetch_retry(&s->sync, start));
		total += n;
	}
	return total;
}

size_t mime_stats_size(void)
{
	return nla_total_size(MIKEY_MIME_S_MAX * nla_total_size_64bit(sizeof(u64)));
}

int mime_stats_put(struct sk_buff *skb)
{
	struct nlattr *nest = nla_nest_start(skb, MIKEY_MIME_A_STATS);
	int stat;

	if (!nest)
		return -EMSGSIZE;
	for (stat = MIKEY_MIME_S_PROTECTED; stat <= MIKEY_MIME_S_MAX; stat++) {
		u64 n = stat == MIKEY_MIME_S_REPLAY_ENTRIES ?
			mime_replay_entries() : sum(stat);

		if (nla_put_u64_64bit(skb, stat, n, MIKEY_MIME_S_PAD)) {
			nla_nest_cancel(skb, nest);
			return -EMSGSIZE;
		}
	}
	nla_nest_end(skb, nest);
	return 0;
}

int mime_stats_init(void)
{
	int cpu;

	stats = alloc_percpu(struct cpu_stats);
	if (!stats)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
		u64_stats_init(&per_cpu_ptr(stats, cpu)->sync);
	return 0;
}

void mime_stats_exit(void)
{
	free_percpu(stats);
}
