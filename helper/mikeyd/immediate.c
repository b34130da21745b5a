// SPDX-License-Identifier: GPL-2.0-or-later
/* Headers of MESSAGEs. */
#include "helper/mikeyd/immediate.h"

#include <string.h>
#include <strings.h>

#include "helper/mikeyd/sipaddr.h"
#include "helper/mikeyd/sipmsg.h"

#define PREFERRED_HEADER "P-Preferred-Identity"

/* ---- who it is from */

static bool trusts(const struct mikeyd *mikeyd, const struct sa *hop)
{
	const struct config *config = mikeyd->config;

	if (config->trust_nobody)
		return false;
	if (!config->n_trusted)
		return sa_cmp(hop, &mikeyd->next_hop.peer, SA_ADDR);
	for (unsigned int i = 0; i < config->n_trusted; i++)
		if (network_contains(&config->trusted[i], &hop->u.sa))
			return true;
	return false;
}

bool immediate_trusts(const struct mikeyd *mikeyd, const struct sip_msg *msg)
{
	return trusts(mikeyd, &msg->src);
}

bool immediate_trusts_next_hop(const struct mikeyd *mikeyd)
{
	return trusts(mikeyd, &mikeyd->next_hop.peer);
}

/* The next of values that semicolons or commas divide; false behind the last. */
static bool next_value(struct pl *rest, struct pl *value)
{
	while (rest->l && strchr(" \t\r\n,;", *rest->p))
		pl_advance(rest, 1);
	*value = *rest;
	for (value->l = 0; rest->l && !strchr(" \t\r\n,;", *rest->p); value->l++)
		pl_advance(rest, 1);
	return value->l;
}

static bool has_privacy(const struct sip_msg *msg, bool (*is)(const struct pl *value, void *arg),
			void *arg)
{
	struct pl rest, value;
	struct le *le;

	LIST_FOREACH(&msg->hdrl, le) {
		const struct sip_hdr *hdr = le->data;

		rest = hdr->val;
		while (sipmsg_named(hdr, "Privacy") && next_value(&rest, &value))
			if (is(&value, arg))
				return true;
	}
	return false;
}

static bool is_value(const struct pl *value, void *arg)
{
	return !pl_strcasecmp(value, arg);
}

static bool is_wish(const struct pl *value, void *arg)
{
	(void)arg;
	return pl_strcasecmp(value, "none") && pl_strcasecmp(value, "critical");
}

bool immediate_privacy(const struct sip_msg *msg, const char *value)
{
	return has_privacy(msg, is_value, (void *)value);
}

bool immediate_wants_privacy(const struct sip_msg *msg)
{
	return has_privacy(msg, is_wish, NULL);
}

bool immediate_is_anonymous(const struct sip_msg *msg)
{
	struct uid uid;

	return sipmsg_is_one(&msg->from.params) &&
		!uid_from_uri(&uid, msg->from.auri.p, msg->from.auri.l) &&
		!strcasecmp(uid.text, "anonymous@anonymous.invalid");
}

/* The user's identity that one value of P-Preferred-Identity names, or NULL. */
static const struct uid *own_identity(const struct config_user *config, const struct pl *value)
{
	struct sip_addr address;
	struct uid uid;

	if (sipaddr_decode(&address, value) || !sipmsg_is_one(&address.params) ||
	    uid_from_uri(&uid, address.auri.p, address.auri.l))
		return NULL;
	for (unsigned int i = 0; i < config->n_identities; i++)
		if (uid_equal(&config->identities[i], &uid))
			return &config->identities[i];
	return NULL;
}

/*
 * There may be two values, a sip: and a tel: URI, in any order (RFC 3325 9.2).
 * @others: how many of them are no identities of the user
 */
static const struct uid *find_preferred(const struct user *user, const struct sip_msg *msg,
					unsigned int *others)
{
	const struct uid *first = NULL, *own;
	struct le *le;

	*others = 0;
	LIST_FOREACH(&msg->hdrl, le) {
		const struct sip_hdr *hdr = le->data;

		if (!sipmsg_named(hdr, PREFERRED_HEADER))
			continue;
		own = own_identity(user->config, &hdr->val);
		first = first ?: own;
		*others += !own;
	}
	return first;
}

const struct uid *immediate_preferred(const struct user *user, const struct sip_msg *msg)
{
	unsigned int others;

	return find_preferred(user, msg, &others);
}

/* ---- what it loses */

const char * const *immediate_dropped(const struct mikeyd *mikeyd, const struct user *user,
				      enum side to, const struct sip_msg *msg)
{
	static const char * const response[] = { "Contact", NULL };
	static const char * const outwards[] = { "Contact", IDENTITY_HEADER, NULL };
	static const char * const inwards[] = { "Contact", PREFERRED_HEADER, NULL };
	static const char * const all[] = {
		"Contact", PREFERRED_HEADER, IDENTITY_HEADER, NULL
	};
	unsigned int others;

	if (!msg->req)
		return msg->scode / 100 == 2 ? response : NULL;
	if (to == SIDE_OUTSIDE)
		return user && find_preferred(user, msg, &others) && !others ? outwards : all;
	return immediate_trusts(mikeyd, msg) && !immediate_privacy(msg, "id") ? inwards : all;
}

/* ---- how long it holds */

bool immediate_expired(const struct sip_msg *msg, int64_t now)
{
	int64_t holds, since;

	return siptime_expires(msg, &holds) && siptime_date(msg, &since) &&
		now > since + holds + IMMEDIATE_SKEW;
}

void immediate_date(char line[SIPTIME_LINE_SIZE], const struct sip_msg *msg, int64_t now)
{
	int64_t holds;

	line[0] = '\0';
	if (siptime_expires(msg, &holds) && holds && !sipmsg_find(msg, "Date"))
		siptime_line(line, now);
}
