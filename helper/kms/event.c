// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Events with the name of a request; see event.h.
 */
#include <openssl/rand.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "helper/kms/event.h"

static __thread const char *current;
static unsigned int process_number;
static atomic_uint requests;

static void draw(void)
{
	/* no secret: without randomness it is the number that is easy to read */
	if (RAND_bytes((unsigned char *)&process_number, sizeof(process_number)) != 1)
		process_number = 0;
}

void kms_event_name(char name[KMS_EVENT_NAME_MAX])
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, draw);
	snprintf(name, KMS_EVENT_NAME_MAX, "%08x%08x", process_number,
		 atomic_fetch_add(&requests, 1));
}

void kms_event_of(const char *name)
{
	current = name;
}

const char *kms_event_current(void)
{
	return current ? current : "";
}

struct log_field kms_event_req(void)
{
	return current ? log_text("req", current) : log_none();
}

const char *kms_event_kind(enum kms_exchange_kind kind)
{
	return kind == KMS_TICKET_REQUEST ? "request" : "resolve";
}

static struct log_field field(const char *key, const u8 *p, size_t len)
{
	return len ? log_bytes(key, (const char *)p, len) : log_none();
}

/* The first recipient of the ticket, and how many more there are. */
static size_t recipients(const struct kms_deed *deed, struct mikey_blob *first)
{
	struct mikey_policy_iter it;
	struct mikey_id id;
	size_t num = 0;

	if (!deed->has_policy)
		return 0;
	mikey_policy_walk(&it, &deed->policy, MIKEY_IDR_R);
	while (mikey_policy_next(&it, &deed->policy, &id))
		if (!num++)
			*first = id.data;
	return num;
}

void kms_event_exchange(const char *client, enum kms_exchange_kind kind,
			const char *asked, const struct kms_answer *answer,
			long long ms)
{
	const struct kms_deed *deed = &answer->deed;
	struct mikey_blob to = { 0 }, from = { 0 };
	bool granted = answer->error_no < 0;
	size_t num = recipients(deed, &to);

	if (deed->has_policy)
		from = deed->policy.idr_i.data;

	const struct log_field fields[] = {
		kms_event_req(),
		log_text("client", client),
		log_text("kind", kms_event_kind(kind)),
		granted ? log_none() : log_text("error", kms_error_name(answer->error_no)),
		granted ? log_none() : log_text("reason", answer->why),
		granted ? log_none() : log_number("authentic", answer->authentic),
		/* a peer has no PSK: its name is told */
		deed->psk_id.len ? field("psk", deed->psk_id.p, deed->psk_id.len) :
		*answer->who ? log_text("psk", answer->who) : log_none(),
		field("requester", deed->requester.p, deed->requester.len),
		field("from", from.p, from.len),
		field("to", to.p, to.len),
		num > 1 ? log_number("others", num - 1) : log_none(),
		field("for", deed->matched, granted ? deed->matched_len : 0),
		field("key", deed->tpk, deed->tpk_len),
		granted && kind == KMS_TICKET_REQUEST ?
		log_number("changed", !!deed->changed) : log_none(),
		asked ? log_text("peer", asked) : log_none(),
		log_number("ms", ms),
		{ 0 }
	};

	if (granted)
		log_fields(LOG_LEVEL_INFO, "granted", fields);
	else
		log_fields(LOG_LEVEL_WARNING, "refused", fields);
}
