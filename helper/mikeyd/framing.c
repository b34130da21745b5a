// SPDX-License-Identifier: GPL-2.0-or-later
/* Where messages begin and end on a connection. */
#include "helper/mikeyd/framing.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

#include "helper/mikeyd/sipmsg.h"
#include "helper/mikeyd/transport.h"

/* Bytes taken at a time while the size of a message is not known. */
#define STEP 2048
/* A refused message longer than this costs its sender the connection. */
#define SKIP_MAX (16 * 1024 * 1024)

void framing_wipe(struct framing *framing)
{
	sipmsg_wipe(framing->received);
	framing->received = NULL;
}

bool framing_is_inside(const struct framing *framing)
{
	return framing->received || framing->skip;
}

/*
 * The size of the message that begins at the start of the buffer, once its
 * head is there: 0 = not yet, negative = no SIP message can begin so.
 */
static ssize_t message_size(struct framing *framing)
{
	struct mbuf *mb = framing->received;
	const char *text = (const char *)mb->buf;
	size_t from = framing->scanned > 3 ? framing->scanned - 3 : 0, head;
	const char *end = memmem(text + from, mb->end - from, "\r\n\r\n", 4);
	struct pl length = PL_INIT;

	if (!end) {
		framing->scanned = mb->end;
		return mb->end > TRANSPORT_HEAD_MAX ? -EMSGSIZE : 0;
	}
	head = end + 4 - text;
	if (head > TRANSPORT_HEAD_MAX)
		return -EMSGSIZE;
	if (!sipmsg_content_length(text, head, &length))
		return -EBADMSG;	/* mandatory over streams: 18.3 */
	if (length.l > 8 || pl_u32(&length) > SKIP_MAX)
		return -EMSGSIZE;
	framing->head = head;
	return head + pl_u32(&length);
}

/* Between messages there may be empty lines (7.5). */
static void skip_empty(struct framing *framing)
{
	struct mbuf *mb = framing->received;
	size_t skip = 0;

	while (skip < mb->end && (mb->buf[skip] == '\r' || mb->buf[skip] == '\n'))
		skip++;
	if (!skip)
		return;
	framing->empty += skip;
	memmove(mb->buf, mb->buf + skip, mb->end - skip);
	mb->end -= skip;
}

/*
 * Put bytes behind those received, as many as belong to this message if its
 * size is known. Until it is, small steps keep what follows the message small.
 */
static int absorb(struct framing *framing, struct mbuf *mb)
{
	size_t take = mbuf_get_left(mb), most = STEP;
	int err;

	if (!framing->received) {
		framing->received = mbuf_alloc(2 * STEP);
		if (!framing->received)
			return -ENOMEM;
		framing->begun = true;
	}
	if (framing->wanted)
		most = framing->wanted - framing->received->end;
	if (take > most)
		take = most;
	framing->received->pos = framing->received->end;
	err = mbuf_write_mem(framing->received, mbuf_buf(mb), take);
	mbuf_advance(mb, take);
	return -err;
}

/* Find out the size of the message, and get a buffer of exactly that size. */
static int measure(struct framing *framing)
{
	struct mbuf *fitting;
	ssize_t size;

	skip_empty(framing);
	size = message_size(framing);
	if (size <= 0)
		return size;
	framing->wanted = size;
	if (framing->received->end >= framing->wanted || framing->wanted > TRANSPORT_MESSAGE_MAX)
		return 0;
	fitting = mbuf_alloc(framing->wanted);
	if (!fitting)
		return -ENOMEM;
	mbuf_write_mem(fitting, framing->received->buf, framing->received->end);
	sipmsg_wipe(framing->received);
	framing->received = fitting;
	return 0;
}

int framing_feed(struct framing *framing, struct mbuf *mb)
{
	size_t left = mbuf_get_left(mb);
	int err;

	if (framing->skip) {
		size_t drop = left < framing->skip ? left : framing->skip;

		mbuf_advance(mb, drop);
		framing->skip -= drop;
		return 0;
	}
	err = left ? absorb(framing, mb) : 0;
	return err ?: framing->wanted ? 0 : measure(framing);
}

bool framing_is_large(const struct framing *framing)
{
	return framing->wanted > TRANSPORT_MESSAGE_MAX;
}

bool framing_is_whole(const struct framing *framing)
{
	return framing->wanted && framing->received->end >= framing->wanted;
}

struct mbuf *framing_take_head(struct framing *framing)
{
	struct mbuf *mb = framing->received;
	size_t end = mb->end;

	framing->skip = framing->wanted - end;
	mb->end = framing->head;
	framing->received = NULL;
	framing->wanted = 0;
	framing->scanned = 0;
	OPENSSL_cleanse(mb->buf + mb->end, end - mb->end);
	return mb;
}

struct mbuf *framing_take(struct framing *framing)
{
	struct mbuf *whole = framing->received, *rest = NULL;
	size_t size = framing->wanted;

	if (whole->end > size) {
		rest = mbuf_alloc(2 * STEP);
		if (!rest)
			return NULL;
		mbuf_write_mem(rest, whole->buf + size, whole->end - size);
		whole->end = size;
		framing->begun = true;
	}
	framing->received = rest;
	framing->wanted = 0;
	framing->scanned = 0;
	return whole;
}
