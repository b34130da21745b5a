/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The proxy (RFC 3261 section 16): everything that arrives comes here, and
 * everything but MESSAGE passes through here only.
 */
#ifndef HELPER_MIKEYD_PROXY_H
#define HELPER_MIKEYD_PROXY_H

#include "helper/mikeyd/mikeyd.h"
#include "helper/mikeyd/route.h"

/* proxy_handlers - what the transport calls */
struct transport_handlers proxy_handlers(struct mikeyd *mikeyd);

/*
 * proxy_done_h - the final status code that a passed request got; 0 if it got
 * none
 */
typedef void (proxy_done_h)(uint16_t code, void *arg);

/*
 * proxy_forward - send a request on and its responses back
 * @pass: what to change in it; NULL for nothing
 * @done: told once how it ended, or NULL
 *
 * Answers the request itself if it cannot be sent on.
 */
void proxy_forward(struct mikeyd *mikeyd, struct server *server, struct route *route,
		   const struct sip_pass *pass, proxy_done_h *done, void *arg);

/*
 * proxy_relay - pass on how a request that was sent on ended
 * @err: what went wrong, or 0
 * @msg: the response, if err is 0
 * @from: instead of its From value, or NULL
 */
void proxy_relay(struct mikeyd *mikeyd, struct server *server, int err,
		 const struct sip_msg *msg, const char *from);

/*
 * proxy_refuse - answer in words
 * @retry: add Retry-After: so many seconds or what the configuration says, whichever
 *	is more; 0: none
 * @words: why, for the client's Warning header and the log; NULL = none
 */
void proxy_refuse(struct mikeyd *mikeyd, struct server *server, uint16_t code,
		  const char *reason, unsigned int retry, const char *words);

#endif
