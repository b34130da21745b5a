// SPDX-License-Identifier: GPL-2.0-or-later
/* When to ping the next hop, and when to connect to it again. */
#include "helper/mikeyd/standing.h"

#include <errno.h>
#include <string.h>

#include "helper/lib/log.h"

/* Between pings: 95 to 120 seconds (RFC 5626 4.4.1) */
#define PING_LEAST_MS 95000
#define PING_MOST_MS 120000
/* The pauses of 4.5, where no other flow to the network is left. */
#define PAUSE_BASE_MS 30000
#define PAUSE_MOST_MS 1800000

struct standing {
	struct transport *transport;
	struct flow hop;
	struct tmr timer;
	unsigned int failures;		/* in a row */
};

static void standing_destroy(void *data)
{
	struct standing *standing = data;

	tmr_cancel(&standing->timer);
}

static uint32_t between(uint32_t least, uint32_t most)
{
	return least + rand_u32() % (most - least + 1);
}

uint32_t standing_pause(unsigned int failures)
{
	uint32_t pause = PAUSE_BASE_MS;

	while (failures-- && pause < PAUSE_MOST_MS)
		pause *= 2;
	return pause < PAUSE_MOST_MS ? pause : PAUSE_MOST_MS;
}

static void tick(void *arg)
{
	struct standing *standing = arg;
	int err;

	if (transport_established(standing->transport, &standing->hop))
		standing->failures = 0;
	/* before the ping, whose failure sets another time */
	tmr_start(&standing->timer, between(PING_LEAST_MS, PING_MOST_MS), tick, standing);
	err = transport_ping(standing->transport, &standing->hop);
	if (!err)
		return;
	log_info("next-hop: no connection to keep: %s", strerror(-err));
	standing_lost(standing, &standing->hop);
}

void standing_use(struct standing *standing, const struct flow *hop)
{
	if (!standing)
		return;
	standing->hop = *hop;
	standing->failures = 0;
	if (hop->tp == SIP_TRANSP_UDP)
		tmr_cancel(&standing->timer);
	else
		tmr_start(&standing->timer, 0, tick, standing);
}

int standing_open(struct standing **out, struct transport *transport, const struct flow *hop)
{
	struct standing *standing = mem_zalloc(sizeof(*standing), standing_destroy);

	if (!standing)
		return -ENOMEM;
	standing->transport = transport;
	tmr_init(&standing->timer);
	standing_use(standing, hop);
	*out = standing;
	return 0;
}

void standing_lost(struct standing *standing, const struct flow *flow)
{
	uint32_t most;

	if (!standing || standing->hop.tp == SIP_TRANSP_UDP || flow->side != SIDE_OUTSIDE ||
	    flow->tp != standing->hop.tp || !sa_cmp(&flow->peer, &standing->hop.peer, SA_ALL))
		return;
	most = standing_pause(standing->failures++);
	log_debug("next-hop: the connection is lost, another one in %u seconds at most",
		  most / 1000);
	tmr_start(&standing->timer, between(most / 2, most), tick, standing);
}
