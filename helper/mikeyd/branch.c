// SPDX-License-Identifier: GPL-2.0-or-later
/* The branch of our Via, and requests that come round to it again. */
#include "helper/mikeyd/branch.h"

#include "helper/mikeyd/sipmsg.h"
#include "helper/mikeyd/token.h"

/* What a branch begins with (RFC 3261 8.1.1.7). */
#define COOKIE "z9hG4bK"

/* What is said about a header's values in a hash: all of them. */
static int print_all(struct re_printf *pf, const struct sip_msg *msg)
{
	static const char * const names[] = { "Route", "Proxy-Require", "Proxy-Authorization" };
	struct le *le;
	int err = 0;

	LIST_FOREACH(&msg->hdrl, le) {
		const struct sip_hdr *hdr = le->data;

		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			if (sipmsg_named(hdr, names[i]))
				err |= re_hprintf(pf, " %r", &hdr->val);
	}
	return err;
}

/* Of all that decides where a request goes (16.6 step 8, RFC 5393 4.2). */
static void loop_hash(char digits[17], enum side side, const struct sip_msg *msg)
{
	static const struct pl invite = PL("INVITE");
	char *text;

	digits[0] = '\0';
	/* a CANCEL goes where its INVITE went, under the same branch (9.1) */
	if (re_sdprintf(&text, "loop %d %r %r %r %r %u %r%H", side, &msg->ruri, &msg->from.tag,
			&msg->to.tag, &msg->callid, msg->cseq.num,
			sipmsg_is(msg, "CANCEL") ? &invite : &msg->cseq.met, print_all, msg))
		return;
	token_hash(digits, text);
	mem_deref(text);
}

void branch_write(char branch[BRANCH_SIZE], const struct flow *from,
		  const struct sip_msg *msg)
{
	char own[17] = "", loop[17], *text;

	if (!re_sdprintf(&text, "branch %d %r %r %r %u %r", from->side, &msg->via.branch,
			 &msg->via.sentby, &msg->callid, msg->cseq.num, &msg->from.tag)) {
		token_hash(own, text);
		mem_deref(text);
	}
	loop_hash(loop, from->side, msg);
	re_snprintf(branch, BRANCH_SIZE, COOKIE "%s.%s", own, loop);
}

void branch_any(char branch[BRANCH_SIZE])
{
	char token[17];

	rand_str(token, sizeof(token));
	re_snprintf(branch, BRANCH_SIZE, COOKIE "%s", token);
}

struct loop_search {
	const struct mikeyd *mikeyd;
	char hash[17];
};

/* A Via of ours with the hash of this very request: it came round. */
static bool is_own_via(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	const struct loop_search *search = arg;
	const char *dot;
	struct sip_via via;
	struct pl host, port = PL_INIT, hash;

	(void)msg;
	if (!sipmsg_named(hdr, "Via") || sip_via_decode(&via, &hdr->val) ||
	    uri_decode_hostport(&via.sentby, &host, &port) ||
	    !transport_is_local(search->mikeyd->transport, &host, pl_u32(&port)))
		return false;
	dot = pl_strchr(&via.branch, '.');
	if (!dot)
		return false;
	hash.p = dot + 1;
	hash.l = via.branch.p + via.branch.l - hash.p;
	return !pl_strcmp(&hash, search->hash);
}

bool branch_returns(const struct mikeyd *mikeyd, const struct flow *from,
		    const struct sip_msg *msg)
{
	struct loop_search search = { .mikeyd = mikeyd };

	loop_hash(search.hash, from->side, msg);
	return sip_msg_hdr_apply(msg, true, SIP_HDR_VIA, is_own_via, &search);
}
