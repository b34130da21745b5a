// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The stage of the netlink fuzzer: who is there, and how a bent request is sent.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "stage.h"
#include "tests/kselftest/fault.h"

/* Before the limits of a user's exchanges and kept tickets are reached */
#define FRESH_EVERY 24
#define REQUEST_MAX (400 * 1024)

static const struct peer_kind kinds[SCENE_KINDS] = {
	{ MIKEY_PROFILE_IMMEDIATE, MIKEY_SUITE_256 },
	{ MIKEY_PROFILE_ANNEX_I, MIKEY_SUITE_256 },
	{ MIKEY_PROFILE_IMMEDIATE, MIKEY_SUITE_128 },
	{ MIKEY_PROFILE_ANNEX_I, MIKEY_SUITE_128 },
	{ MIKEY_PROFILE_IMMEDIATE, MIKEY_SUITE_TS_128 },
	{ MIKEY_PROFILE_ANNEX_I, MIKEY_SUITE_TS_128 },
};

static struct stage stages[SCENE_KINDS];
static u32 num_kinds;
static bool faults;

/* A PSK of the same name would take the place of the former stage's. */
static int keep(struct stage *s, key_serial_t key)
{
	if (keyctl_link(key, s->keys) < 0 ||
	    keyctl_unlink(key, KEY_SPEC_SESSION_KEYRING) < 0)
		return -errno;
	return 0;
}

static int open_stage(struct stage *s, u32 kind)
{
	char name[16];
	int err;

	memset(s, 0, sizeof(*s));
	s->kind = kinds[kind];
	snprintf(name, sizeof(name), "keys-%u", kind);
	s->keys = add_key("keyring", name, NULL, 0, KEY_SPEC_SESSION_KEYRING);
	snprintf(name, sizeof(name), "tickets-%u", kind);
	s->tickets = add_key("keyring", name, NULL, 0, KEY_SPEC_SESSION_KEYRING);
	if (s->keys < 0 || s->tickets < 0)
		return -errno;
	err = term_open_kind(&s->lane.alice, ALICE, s->kind);
	err = err ? err : keep(s, s->lane.alice.psk_serial);
	err = err ? err : term_open_kind(&s->lane.bob, BOB, s->kind);
	err = err ? err : keep(s, s->lane.bob.psk_serial);
	err = err ? err : nlc_open(&s->lane.mime, MIKEY_MIME_GENL_NAME,
				   MIKEY_MIME_GENL_VERSION);
	if (err)
		return err;
	s->lane.alice.keyring = s->keys;
	s->lane.bob.keyring = s->tickets;
	s->lane.send = term_grant(&s->lane.alice, BOB, &s->lane.ticket);
	s->lane.alice.keyring = s->tickets;
	return s->lane.send < 0 ? s->lane.send : 0;
}

int scene_open(bool all)
{
	int err = 0;
	u32 i;

	term_session();
	faults = fault_able();
	num_kinds = all ? SCENE_KINDS : 2;
	for (i = 0; i < num_kinds && !err; i++)
		err = open_stage(&stages[i], i);
	return err;
}

static int reopen(struct nlc *c, const char *family)
{
	nlc_close(c);
	return nlc_open(c, family, 1);
}

/* Exchanges end with their sockets, tickets with their keyring. */
static void freshen(struct stage *s)
{
	if (++s->used % FRESH_EVERY)
		return;
	keyctl_clear(s->tickets);
	if (reopen(&s->lane.alice.nl, MIKEY_TICKET_GENL_NAME) ||
	    reopen(&s->lane.bob.nl, MIKEY_TICKET_GENL_NAME) ||
	    reopen(&s->lane.mime, MIKEY_MIME_GENL_NAME))
		abort();
}

/* The errno of the first answer that has one; whatever else there is goes. */
static int drain(struct nlc *c)
{
	static u8 buf[REQUEST_MAX];
	int fd = nl_socket_get_fd(c->sock), err = SCENE_NEVER;
	ssize_t len;

	while ((len = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0 || errno == ENOBUFS) {
		const struct nlmsghdr *h = (const void *)buf;

		if (len >= (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)) &&
		    h->nlmsg_type == NLMSG_ERROR && err == SCENE_NEVER)
			err = ((const struct nlmsgerr *)NLMSG_DATA(h))->error;
		errno = 0;
	}
	return err;
}

static void tell_serials(struct stage *s, struct live *live)
{
	live->num_serials = 0;
	live->serials[live->num_serials++] = s->lane.alice.psk_serial;
	live->serials[live->num_serials++] = s->lane.bob.psk_serial;
	live->serials[live->num_serials++] = s->lane.send;
	live->serials[live->num_serials++] = s->received;
	live->serials[live->num_serials++] = s->tickets;
	live->serials[live->num_serials++] = KEY_SPEC_SESSION_KEYRING;
	live->serials[live->num_serials++] = KEY_SPEC_USER_KEYRING;
	live->serials[live->num_serials++] = KEY_SPEC_REQKEY_AUTH_KEY;
}

/* Which allocation of the request fails; 0: none */
static u32 fault_of(const struct recipe *r)
{
	for (u8 i = 0; i < r->num; i++)
		if (r->edits[i].layer == LAYER_FAULT)
			return r->edits[i].value % 64;
	return 0;
}

int stage_send(struct stage *s, const struct recipe *r, struct nlc *c, struct nl_msg *m,
	       u32 exchange)
{
	static u8 buf[REQUEST_MAX];
	struct live live = { .exchange = exchange };
	u32 fault = faults ? fault_of(r) : 0, len;

	nl_complete_msg(c->sock, m);
	len = nlmsg_hdr(m)->nlmsg_len;
	if (len > sizeof(buf))
		abort();
	memcpy(buf, nlmsg_hdr(m), len);
	nlmsg_free(m);
	tell_serials(s, &live);
	len = attrs_bend(buf, sizeof(buf), r, &live);
	if (fault)
		fault_set(fault);
	if (send(nl_socket_get_fd(c->sock), buf, len, 0) < 0 && !fault)
		return -errno;
	if (fault)
		fault_set(0);
	return drain(c);
}

void scene_cook(const struct recipe *r, int *err)
{
	struct stage *s = &stages[r->kind % num_kinds];

	freshen(s);
	*err = stage_step(s, r);
	/* what a dump left, and answers to what came before */
	drain(&s->lane.alice.nl);
	drain(&s->lane.bob.nl);
	drain(&s->lane.mime);
}
