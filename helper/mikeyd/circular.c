// SPDX-License-Identifier: GPL-2.0-or-later
/* Sending one message to many. */
#include "helper/mikeyd/circular.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "helper/lib/log.h"
#include "helper/mikeyd/branch.h"
#include "helper/mikeyd/counters.h"
#include "helper/mikeyd/recipients.h"
#include "helper/mikeyd/sipmsg.h"

/* Copies of one circular under way at once. */
#define WINDOW 16
/* The sender is answered after that time at the latest, long before Timer F. */
#define PATIENCE_MS 10000
/* One more if the connection broke: who has the first one knows the second. */
#define TRIES 2

struct addressee {
	struct circular *circular;
	char *uri;
	unsigned int body, tries;
	enum {
		ADDRESSEE_WAITS,
		ADDRESSEE_SENT,
		ADDRESSEE_DONE,
	} state;
};

struct circular {
	struct le le;
	struct mikeyd *mikeyd;
	struct sip_msg *msg;
	struct route route;
	char *from, *headers;
	const char * const *dropped;
	const char *not_required;
	struct sip_content contents[CIRCULAR_BODIES];
	char *content_headers[CIRCULAR_BODIES];
	struct mbuf *bodies[CIRCULAR_BODIES];
	struct addressee all[RECIPIENTS_MAX];
	unsigned int under_way;
	struct circular_report report;
	char txn[TXN_SIZE];
	struct tmr again, patience;
	circular_h *handler;
	void *arg;
};

static void circular_destroy(void *data)
{
	struct circular *circular = data;

	tmr_cancel(&circular->again);
	tmr_cancel(&circular->patience);
	list_unlink(&circular->le);
	for (unsigned int i = 0; i < circular->report.count; i++)
		mem_deref(circular->all[i].uri);
	for (unsigned int i = 0; i < CIRCULAR_BODIES; i++) {
		mem_deref(circular->content_headers[i]);
		sipmsg_wipe(circular->bodies[i]);
	}
	mem_deref(circular->from);
	mem_deref(circular->headers);
	sipmsg_release(circular->msg);
}

bool circular_possible(const struct mikeyd *mikeyd)
{
	return list_count(&mikeyd->circulars) < CIRCULARS_MAX;
}

struct circular *circular_new(struct mikeyd *mikeyd, const struct circular_wish *wish)
{
	struct circular *circular = mem_zalloc(sizeof(*circular), circular_destroy);

	if (!circular)
		return NULL;
	circular->mikeyd = mikeyd;
	circular->msg = mem_ref((void *)wish->msg);
	txn_of(circular->txn, wish->msg);
	circular->route = *wish->route;
	/* a request of our own has no Route but what the next hop needs, which is none */
	circular->route.drop_routes = UINT_MAX;
	circular->dropped = wish->dropped;
	circular->not_required = wish->not_required;
	tmr_init(&circular->again);
	tmr_init(&circular->patience);
	if (re_sdprintf(&circular->from, "%s", wish->from) ||
	    re_sdprintf(&circular->headers, "%s", wish->headers))
		return mem_deref(circular);
	return circular;
}

void circular_body(struct circular *circular, unsigned int which, char *headers,
		   struct mbuf *body)
{
	circular->content_headers[which] = headers;
	circular->bodies[which] = body;
	pl_set_str(&circular->contents[which].headers, headers);
	pl_set_mbuf(&circular->contents[which].body, body);
}

int circular_add(struct circular *circular, const char *uri, unsigned int which)
{
	struct addressee *addressee = &circular->all[circular->report.count];

	addressee->circular = circular;
	addressee->body = which;
	if (str_dup(&addressee->uri, uri))
		return -ENOMEM;
	circular->report.count++;
	return 0;
}

/* Whoever waited for an addressee to answer may go on. */
static void wake_all(struct mikeyd *mikeyd);

static void ended(struct addressee *addressee, int err, uint16_t code)
{
	struct circular *circular = addressee->circular;

	circular->under_way--;
	if (err && err != -ETIMEDOUT && err != -ECANCELED && addressee->tries < TRIES) {
		addressee->state = ADDRESSEE_WAITS;
		return;
	}
	addressee->state = ADDRESSEE_DONE;
	counter_more(COUNTER_LIST_COPIES, !err && code < 300 ? LIST_COPY_REACHED :
		     LIST_COPY_FAILED, 0);
	if (!err && code < 300) {
		circular->report.reached++;
		log_event(DEBUG, "list-copy", log_text("txn", circular->txn),
			  log_text("uri", addressee->uri), log_number("status", code));
		return;
	}
	circular->report.failed++;
	log_event(INFO, "list-copy-failed", log_text("txn", circular->txn),
		  log_text("uri", addressee->uri),
		  err ? log_text("reason", strerror(-err)) : log_number("status", code));
}

static void answered(int err, const struct sip_msg *msg, void *arg)
{
	struct addressee *addressee = arg;
	struct mikeyd *mikeyd = addressee->circular->mikeyd;

	if (!err && msg->scode < 200)
		return;
	ended(addressee, err, err ? 0 : msg->scode);
	wake_all(mikeyd);
}

static int send_copy(struct addressee *addressee)
{
	struct circular *circular = addressee->circular;
	const struct sip_msg *msg = circular->msg;
	char call_id[33], tag[17], branch[BRANCH_SIZE], *from;
	const struct sip_readdress readdress = {
		.uri = addressee->uri,
		.call_id = call_id,
		.not_required = circular->not_required,
	};
	struct sip_pass pass = {
		.msg = msg,
		.content = &circular->contents[addressee->body],
		.readdress = &readdress,
		.headers = circular->headers,
		.dropped = circular->dropped,
	};
	struct route route = circular->route;
	struct mbuf *mb = NULL;
	int err;

	rand_str(call_id, sizeof(call_id));
	rand_str(tag, sizeof(tag));
	if (re_sdprintf(&from, "%s;tag=%s", circular->from, tag))
		return -ENOMEM;
	pass.from = from;
	branch_any(branch);
	err = route_write(circular->mikeyd, &route, &pass, branch, &mb);
	err = err ?: client_send(circular->mikeyd->transactions, &route.to, branch, &msg->met,
				 mb, answered, addressee);
	sipmsg_wipe(mb);
	mem_deref(from);
	return err;
}

/* Is a message to this URI under way? */
static bool is_pending(const struct mikeyd *mikeyd, const char *uri)
{
	struct le *le;

	LIST_FOREACH(&mikeyd->circulars, le) {
		const struct circular *circular = le->data;

		for (unsigned int i = 0; circular->under_way && i < circular->report.count; i++)
			if (circular->all[i].state == ADDRESSEE_SENT &&
			    !strcmp(circular->all[i].uri, uri))
				return true;
	}
	return false;
}

static void send_some(struct circular *circular)
{
	int err;

	for (unsigned int i = 0; i < circular->report.count && circular->under_way < WINDOW; i++) {
		struct addressee *addressee = &circular->all[i];

		if (addressee->state != ADDRESSEE_WAITS ||
		    is_pending(circular->mikeyd, addressee->uri))
			continue;
		addressee->state = ADDRESSEE_SENT;
		addressee->tries++;
		circular->under_way++;
		err = send_copy(addressee);
		if (err)
			ended(addressee, err, 0);
	}
}

static bool is_done(const struct circular *circular)
{
	return circular->report.reached + circular->report.failed == circular->report.count;
}

static void tell(struct circular *circular)
{
	circular_h *handler = circular->handler;

	circular->handler = NULL;
	if (handler)
		handler(&circular->report, circular->arg);
}

static void run(void *arg)
{
	struct circular *circular = arg;

	send_some(circular);
	if (!is_done(circular)) {
		/* one that could not be sent at all has another try */
		if (!circular->under_way)
			tmr_start(&circular->again, 100, run, circular);
		return;
	}
	tell(circular);
	mem_deref(circular);
}

/* From the event loop: a flow that broke ends many clients in one call. */
static void wake_all(struct mikeyd *mikeyd)
{
	struct le *le;

	LIST_FOREACH(&mikeyd->circulars, le) {
		struct circular *circular = le->data;

		tmr_start(&circular->again, 0, run, circular);
	}
}

static void run_late(void *arg)
{
	tell(arg);
}

void circular_send(struct circular *circular, circular_h *handler, void *arg)
{
	circular->handler = handler;
	circular->arg = arg;
	list_append(&circular->mikeyd->circulars, &circular->le, circular);
	tmr_start(&circular->again, 0, run, circular);
	tmr_start(&circular->patience, PATIENCE_MS, run_late, circular);
}

void circular_close(struct mikeyd *mikeyd)
{
	struct le *le;

	while ((le = list_head(&mikeyd->circulars))) {
		tell(le->data);
		mem_deref(le->data);
	}
}
