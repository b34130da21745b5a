// SPDX-License-Identifier: GPL-2.0-or-later
/* When to ping the next hop, and when to connect to it again. */
#include "helper/mikeyd/standing.h"

#include <errno.h>
#include <string.h>

#include "helper/lib/log.h"

/* The pauses of 4.5, where no other flow to the network is left. */
#define PAUSE_BASE_MS 30000
#define PAUSE_MOST_MS 1800000
/* Where the first one is none: so that not all terminals of a proxy come at once. */
#define SPREAD_MS 2000

struct standing {
	struct transport *transport;
	struct flow hop;
	unsigned int keep_alive;	/* seconds between pings at most */
	struct tmr timer;
	bool stood;			/* the connection was there for longer than a ping */
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

	if (!failures)
		return SPREAD_MS;
	while (failures-- && pause < PAUSE_MOST_MS)
		pause *= 2;
	return pause < PAUSE_MOST_MS ? pause : PAUSE_MOST_MS;
}

static void tick(void *arg)
{
	struct standing *standing = arg;
	uint32_t most = standing->keep_alive * 1000;
	int err;

	if (transport_established(standing->transport, &standing->hop)) {
		standing->stood = true;
		standing->failures = 0;
	}
	/* a random time (RFC 5626 4.4.1); before the ping, whose failure sets another one */
	tmr_start(&standing->timer, between(most / 5 * 4, most), tick, standing);
	err = transport_ping(standing->transport, &standing->hop);
	if (!err)
		return;
	log_event(INFO, "next-hop-lost", log_text("reason", strerror(-err)));
	standing_lost(standing, &standing->hop);
}

void standing_use(struct standing *standing, const struct flow *hop, unsigned int keep_alive)
{
	if (!standing)
		return;
	standing->hop = *hop;
	standing->keep_alive = keep_alive;
	standing->stood = false;
	standing->failures = 0;
	if (hop->tp == SIP_TRANSP_UDP)
		tmr_cancel(&standing->timer);
	else
		tmr_start(&standing->timer, 0, tick, standing);
}

int standing_open(struct standing **out, struct transport *transport, const struct flow *hop,
		  unsigned int keep_alive)
{
	struct standing *standing = mem_zalloc(sizeof(*standing), standing_destroy);

	if (!standing)
		return -ENOMEM;
	standing->transport = transport;
	tmr_init(&standing->timer);
	standing_use(standing, hop, keep_alive);
	*out = standing;
	return 0;
}

void standing_lost(struct standing *standing, const struct flow *flow)
{
	uint32_t most;

	if (!standing || standing->hop.tp == SIP_TRANSP_UDP || flow->side != SIDE_OUTSIDE ||
	    flow->tp != standing->hop.tp || !sa_cmp(&flow->peer, &standing->hop.peer, SA_ALL))
		return;
	if (!standing->stood)
		standing->failures++;
	standing->stood = false;
	most = standing_pause(standing->failures);
	log_event(INFO, "next-hop-away", log_number("retry-from", most / 2000),
		  log_number("retry-to", most / 1000));
	tmr_start(&standing->timer, between(most / 2, most), tick, standing);
}
