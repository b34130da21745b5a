// SPDX-License-Identifier: GPL-2.0-or-later
/* From the client's request to one of our own. */
#include "helper/mikeyd/queuetext.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helper/mikeyd/queueclock.h"
#include "helper/mikeyd/siptime.h"

/* What a branch begins with (RFC 3261 8.1.1.7); then the client's transaction, and chance. */
#define COOKIE "z9hG4bK"
/* A ticket about to end is not worth waiting with. */
#define TICKET_MARGIN 30

/* Lines that are written anew for each attempt, or are of the body that is gone. */
static const char * const left_out[] = {
	"Via", "Max-Forwards", "CSeq", "Call-ID", "MIME-Version", "Content-Length",
	VERIFIED_HEADER,
};

bool queue_text_may_wait(const struct sip_msg *msg)
{
	return !pl_isset(&msg->to.tag) && !sipmsg_find(msg, "Authorization") &&
		!sipmsg_find(msg, "Proxy-Authorization");
}

int64_t queue_text_lifetime(const struct sip_msg *msg, int64_t most, int64_t valid_until)
{
	int64_t now = queue_clock_wall(), left = most, given, since;

	if (valid_until - TICKET_MARGIN - now < left)
		left = valid_until - TICKET_MARGIN - now;
	if (siptime_expires(msg, &given)) {
		/* not of a client whose clock is ahead of ours */
		if (siptime_date(msg, &since) && since > 0 && since < now)
			given -= now - since;
		if (given < left)
			left = given;
	}
	return left;
}

static bool is_left_out(const struct sip_hdr *hdr)
{
	for (size_t i = 0; i < ARRAY_SIZE(left_out); i++)
		if (sipmsg_named(hdr, left_out[i]))
			return true;
	return sipmsg_is_content(hdr);
}

/* When it was written, for who gets it late (RFC 3428 section 4). */
static int write_date(struct mbuf *mb)
{
	char line[SIPTIME_LINE_SIZE];

	siptime_line(line, queue_clock_wall());
	return mbuf_write_str(mb, line);
}

static int write_head(struct mbuf *mb, const struct sip_msg *msg, const struct route *route,
		      const char *content, const struct sip_readdress *readdress)
{
	unsigned int routes = 0;
	char call_id[33];
	struct le *le;
	int err;

	rand_str(call_id, sizeof(call_id));
	err = mbuf_printf(mb, "Max-Forwards: %d\r\nCall-ID: %s\r\n", route->max_forwards,
			  call_id);
	LIST_FOREACH(&msg->hdrl, le) {
		const struct sip_hdr *hdr = le->data;

		if (is_left_out(hdr) ||
		    (sipmsg_named(hdr, "Route") && routes++ < route->drop_routes))
			continue;
		if (readdress && sipmsg_write_readdressed(mb, hdr, readdress, &err))
			continue;
		err |= mbuf_printf(mb, "%r: %r\r\n", &hdr->name, &hdr->val);
	}
	if (!sipmsg_find(msg, "Date"))
		err |= write_date(mb);
	return err | mbuf_write_str(mb, content);
}

static char *copy(const void *data, size_t len)
{
	char *text = malloc(len + 1);

	if (text) {
		memcpy(text, data, len);
		text[len] = '\0';
	}
	return text;
}

int queue_text_write(struct queue_item *item, const struct sip_msg *msg,
		     const struct route *route, const struct multipart *body,
		     const struct sip_readdress *readdress)
{
	struct mbuf *mb = mbuf_alloc(2048);
	char random[10], txn[TXN_SIZE];

	rand_str(random, sizeof(random));
	txn_of(txn, msg);
	queue_text_name(item, txn);
	strcat(item->branch, random);
	if (mb && !write_head(mb, msg, route, body->headers, readdress)) {
		item->head_len = mb->end;
		item->head = copy(mb->buf, mb->end);
	}
	mem_deref(mb);
	item->uri = readdress ? strdup(readdress->uri) : copy(msg->ruri.p, msg->ruri.l);
	item->body_len = mbuf_get_left(body->body);
	item->body = copy(mbuf_buf(body->body), item->body_len);
	if (item->uri && item->head && item->body)
		return 0;
	queue_item_wipe(item);
	return -ENOMEM;
}

void queue_text_name(struct queue_item *item, const char *txn)
{
	snprintf(item->branch, sizeof(item->branch), COOKIE "%s", txn);
}

void queue_text_txn(char txn[TXN_SIZE], const struct queue_item *item)
{
	size_t len = strlen(item->branch), skip = sizeof(COOKIE) - 1;

	snprintf(txn, TXN_SIZE, "%s", item->branch + (len < skip ? len : skip));
}

/* The stored request, read again. */
static int read_back(const struct queue_item *item, struct sip_msg **msg)
{
	struct mbuf *mb = mbuf_alloc(item->head_len + item->body_len + 1024);
	int err;

	if (!mb)
		return -ENOMEM;
	err = mbuf_printf(mb, "MESSAGE %s SIP/2.0\r\nCSeq: %u MESSAGE\r\n", item->uri,
			  item->attempts + 1);
	err |= mbuf_write_mem(mb, (const uint8_t *)item->head, item->head_len);
	err |= mbuf_printf(mb, "Content-Length: %zu\r\n\r\n", item->body_len);
	err |= mbuf_write_mem(mb, (const uint8_t *)item->body, item->body_len);
	mb->pos = 0;
	if (!err && sipmsg_decode(msg, mb))
		err = EBADMSG;
	mem_deref(mb);
	return -err;
}

int queue_text_attempt(struct user *user, const struct queue_item *item,
		       struct route *route, char branch[BRANCH_SIZE], struct mbuf **mb,
		       char as[TXN_SIZE])
{
	struct mikeyd *mikeyd = user->mikeyd;
	struct sip_pass pass = { 0 };
	struct sip_msg *msg;
	int err = read_back(item, &msg);

	as[0] = '\0';
	if (err)
		return err;
	memset(route, 0, sizeof(*route));
	route->user = user;
	route->to = mikeyd->next_hop;
	route->max_forwards = pl_isset(&msg->maxfwd) ? pl_u32(&msg->maxfwd) : 70;
	re_snprintf(branch, BRANCH_SIZE, "%s-%u", item->branch, item->attempts);
	pass.msg = msg;
	err = route_write(mikeyd, route, &pass, branch, mb);
	txn_of(as, msg);
	mem_deref(msg);
	return err;
}
