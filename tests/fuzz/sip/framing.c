// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What arrives on a connection: the first byte says how it is cut into packets, all
 * that follows is sent. Beyond the sanitizers' findings: however it is cut, the same
 * messages come out of it, with the same bytes, and the same error ends it; and each
 * is a head with an empty line, and as long as it says.
 */
#include <stdlib.h>
#include <string.h>

#include "helper/mikeyd/framing.h"
#include "helper/mikeyd/sipmsg.h"
#include "helper/mikeyd/transport.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	unsigned int messages, large;
	size_t empty;
	uint64_t hash;
	int err;
};

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void note(struct seen *seen, struct mbuf *mb, bool large)
{
	const char *text = (const char *)mb->buf;
	const char *end = memmem(text, mb->end, "\r\n\r\n", 4);
	struct pl length;

	must(end);
	must(sipmsg_content_length(text, end + 4 - text, &length));
	if (large) {
		must((size_t)(end + 4 - text) == mb->end);
		must(mb->end + pl_u32(&length) > TRANSPORT_MESSAGE_MAX);
		seen->large++;
	} else {
		must((size_t)(end + 4 - text) + pl_u32(&length) == mb->end);
		seen->messages++;
	}
	for (size_t i = 0; i < mb->end; i++)
		seen->hash = (seen->hash ^ mb->buf[i]) * 0x100000001b3;
	mem_deref(mb);
}

/* One packet; false if it is over with the connection. */
static bool arrives(struct framing *framing, struct seen *seen, const uint8_t *data, size_t len)
{
	struct mbuf *mb = mbuf_alloc(len);
	bool there = true;

	must(mb && !mbuf_write_mem(mb, data, len));
	mb->pos = 0;
	while (!seen->err && (mbuf_get_left(mb) || framing->received)) {
		there = mbuf_get_left(mb);
		seen->err = framing_feed(framing, mb);
		seen->empty += framing->empty;
		framing->empty = 0;
		if (seen->err)
			break;
		if (framing_is_large(framing))
			note(seen, framing_take_head(framing), true);
		else if (framing_is_whole(framing))
			note(seen, framing_take(framing), false);
		else if (framing->received && !framing->received->end)
			framing_wipe(framing);
		else if (!there)
			break;
	}
	must(seen->err || !mbuf_get_left(mb));
	mem_deref(mb);
	return !seen->err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct framing framing = { 0 };
	struct seen whole = { 0 }, cut = { 0 };
	unsigned int step;

	if (size < 2)
		return 0;
	step = *data;
	data++;
	size--;
	arrives(&framing, &whole, data, size);
	framing_wipe(&framing);
	memset(&framing, 0, sizeof(framing));
	for (size_t at = 0, len; at < size; at += len) {
		/* short and long ones by turns */
		len = at % 2 ? 1 : 1 + step;
		if (len > size - at)
			len = size - at;
		if (!arrives(&framing, &cut, data + at, len))
			break;
	}
	framing_wipe(&framing);
	must(whole.messages == cut.messages && whole.large == cut.large);
	must(whole.hash == cut.hash && whole.err == cut.err);
	must(whole.err || whole.empty == cut.empty);
	return 0;
}
