// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A terminal inside a test.
 */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "term.h"

/* For the attributes of a request beside its MIKEY message. */
#define ROOM 98304

void term_session(void)
{
	if (keyctl_join_session_keyring(NULL) < 0) {
		perror("keyctl_join_session_keyring");
		abort();
	}
}

int term_guard(key_serial_t psk)
{
	int err = keyctl_setperm(psk, KEY_POS_VIEW | KEY_POS_WRITE | KEY_POS_LINK |
				      KEY_USR_VIEW | KEY_USR_WRITE | KEY_USR_LINK);

	/* one that add_key(2) has only updated is guarded, and can be no more so */
	return err && errno == EACCES ? 0 : err;
}

key_serial_t term_logon_bare(const char *name, const u8 *key, u32 len,
			     key_serial_t ring)
{
	char desc[128];

	snprintf(desc, sizeof(desc), "mikey:%s", name);
	return add_key("logon", desc, key, len, ring);
}

key_serial_t term_logon(const char *name, const u8 *key, u32 len,
			key_serial_t ring)
{
	key_serial_t psk = term_logon_bare(name, key, len, ring);

	return psk < 0 || term_guard(psk) ? -1 : psk;
}

int term_open(struct term *t, const char *uid)
{
	return term_open_kind(t, uid, (struct peer_kind){ 0, 0 });
}

int term_open_kind(struct term *t, const char *uid, struct peer_kind kind)
{
	const struct mikey_suite *suite =
		mikey_suite_by_id(kind.suite ? kind.suite : MIKEY_SUITE_256);

	memset(t, 0, sizeof(*t));
	t->uid = uid;
	t->kind = kind;
	t->psk.id = peer_bytes(uid);
	t->psk.len = suite->key_len;
	peer_random(t->psk.key, t->psk.len);
	t->keyring = KEY_SPEC_SESSION_KEYRING;
	t->reusable = true;
	t->valid = 3600;
	t->psk_serial = term_logon(uid, t->psk.key, t->psk.len,
				   KEY_SPEC_SESSION_KEYRING);
	if (t->psk_serial < 0)
		return -errno;
	return nlc_open(&t->nl, MIKEY_TICKET_GENL_NAME,
			MIKEY_TICKET_GENL_VERSION);
}

void term_close(struct term *t)
{
	nlc_close(&t->nl);
}

static void put_text(struct nl_msg *m, int type, const char *text)
{
	nla_put(m, type, strlen(text), text);
}

static void put_psk(struct nl_msg *m, const struct term *t)
{
	nla_put_s32(m, MIKEY_TICKET_A_PSK, t->psk_serial);
	nla_put(m, MIKEY_TICKET_A_PSK_ID, t->psk.id.data.len,
		t->psk.id.data.p);
	put_text(m, MIKEY_TICKET_A_KMS, TERM_KMS);
}

static void put_kind(struct nl_msg *m, const struct term *t, bool profile)
{
	if (profile && t->kind.profile)
		nla_put_u32(m, MIKEY_TICKET_A_PROFILE, t->kind.profile);
	if (t->kind.suite)
		nla_put_u32(m, MIKEY_TICKET_A_SUITE, t->kind.suite);
}

/* REQUEST and MINT say the same about the ticket. */
static struct nl_msg *wish_msg(struct term *t, int cmd,
			       const char *const *responders)
{
	struct nl_msg *m = nlc_msg_room(&t->nl, cmd, ROOM);

	put_psk(m, t);
	put_kind(m, t, true);
	put_text(m, MIKEY_TICKET_A_INITIATOR, t->uid);
	for (; *responders; responders++)
		put_text(m, MIKEY_TICKET_A_RESPONDER, *responders);
	nla_put_s64(m, MIKEY_TICKET_A_VALID_UNTIL, time(NULL) + t->valid);
	if (t->reusable)
		nla_put_flag(m, MIKEY_TICKET_A_REUSABLE);
	if (t->cacheable)
		nla_put_flag(m, MIKEY_TICKET_A_CACHEABLE);
	if (t->rekey)
		nla_put_u32(m, MIKEY_TICKET_A_REKEY, t->rekey);
	return m;
}

struct nl_msg *term_request_msg(struct term *t, const char *const *responders)
{
	return wish_msg(t, MIKEY_TICKET_CMD_REQUEST, responders);
}

struct nl_msg *term_mint_msg(struct term *t, const char *const *responders)
{
	struct nl_msg *m = wish_msg(t, MIKEY_TICKET_CMD_MINT, responders);

	if (t->keyring)
		nla_put_s32(m, MIKEY_TICKET_A_KEYRING, t->keyring);
	return m;
}

struct nl_msg *term_resolve_msg(struct term *t, const struct peer_msg *transfer)
{
	struct nl_msg *m = nlc_msg_room(&t->nl, MIKEY_TICKET_CMD_RESOLVE,
					ROOM + transfer->len);

	put_psk(m, t);
	put_kind(m, t, false);
	put_text(m, MIKEY_TICKET_A_IDENTITY, t->uid);
	if (t->group)
		put_text(m, MIKEY_TICKET_A_GROUP, t->group);
	nla_put(m, MIKEY_TICKET_A_MESSAGE, transfer->len, transfer->p);
	return m;
}

struct nl_msg *term_answer_msg(struct term *t, int cmd, u32 exchange,
			       const u8 *msg, u32 len)
{
	struct nl_msg *m = nlc_msg_room(&t->nl, cmd, ROOM + len);

	nla_put_u32(m, MIKEY_TICKET_A_EXCHANGE, exchange);
	nla_put(m, MIKEY_TICKET_A_MESSAGE, len, msg);
	if (t->keyring)
		nla_put_s32(m, MIKEY_TICKET_A_KEYRING, t->keyring);
	return m;
}

/* Exchange id and message out of a reply. */
static int take_exchange(const struct nlc_reply *r, struct term_exchange *ex)
{
	struct nlattr *msg = r->attr[MIKEY_TICKET_A_MESSAGE];

	if (r->err)
		return r->err;
	if (!msg || nla_len(msg) > (int)sizeof(ex->msg))
		return -ENODATA;
	ex->id = nlc_u32(r->attr[MIKEY_TICKET_A_EXCHANGE]);
	ex->len = nla_len(msg);
	memcpy(ex->msg, nla_data(msg), ex->len);
	return ex->id ? 0 : -ENODATA;
}

int term_request(struct term *t, const char *responder,
		 struct term_exchange *ex)
{
	const char *const responders[] = { responder, NULL };
	struct nlc_reply r;
	int err;

	nlc_call(&t->nl, term_request_msg(t, responders), &r);
	err = take_exchange(&r, ex);
	nlc_free(&r);
	return err;
}

int term_resolve(struct term *t, const struct peer_msg *transfer,
		 struct term_exchange *ex, struct nlc_reply *r)
{
	struct nlc_reply own;
	int err;

	nlc_call(&t->nl, term_resolve_msg(t, transfer), r ? r : &own);
	err = take_exchange(r ? r : &own, ex);
	if (!r)
		nlc_free(&own);
	return err;
}

int term_answer(struct term *t, int cmd, u32 exchange,
		const struct peer_msg *msg, struct nlc_reply *r)
{
	struct nlc_reply own;
	int err;

	err = nlc_call(&t->nl,
		       term_answer_msg(t, cmd, exchange, msg->p, msg->len),
		       r ? r : &own);
	if (!r)
		nlc_free(&own);
	return err;
}

/* The last step of both ways: the answer in, the ticket's serial out. */
static key_serial_t finish(struct term *t, int cmd, u32 exchange,
			   const struct peer_msg *msg)
{
	key_serial_t serial;
	struct nlc_reply r;

	serial = term_answer(t, cmd, exchange, msg, &r);
	if (!serial)
		serial = nlc_s32(r.attr[MIKEY_TICKET_A_TICKET]);
	nlc_free(&r);
	return serial ? serial : -ENODATA;
}

key_serial_t term_grant(struct term *t, const char *responder,
			struct peer_ticket *ticket)
{
	struct term_exchange *ex = malloc(sizeof(*ex));
	struct peer_answer *a = malloc(sizeof(*a));
	struct peer_msg *msg = malloc(sizeof(*msg));
	int err;

	err = term_request(t, responder, ex);
	if (!err)
		err = peer_grant_plan(a, ticket, &t->psk, ex->msg, ex->len);
	if (!err) {
		peer_answer_write(a, msg);
		err = finish(t, MIKEY_TICKET_CMD_GRANT, ex->id, msg);
		/* the plan that the policy's identities point into goes */
		ticket->policy.head.idr_i = peer_nai(t->uid);
		ticket->policy.head.idr_kms = peer_uri(TERM_KMS);
		ticket->policy.app[0] = peer_bytes(MIKEY_APP_PSK_MIME);
		ticket->policy.responder[0] = peer_nai(responder);
	}
	free(msg);
	free(a);
	free(ex);
	return err;
}

key_serial_t term_admit(struct term *t, struct peer_ticket *ticket,
			const struct peer_msg *transfer)
{
	struct term_exchange *ex = malloc(sizeof(*ex));
	struct peer_answer *a = malloc(sizeof(*a));
	struct peer_msg *msg = malloc(sizeof(*msg));
	int err;

	err = term_resolve(t, transfer, ex, NULL);
	if (!err)
		err = peer_resolve_plan(a, ticket, &t->psk, ex->msg, ex->len,
					true);
	if (!err) {
		peer_answer_write(a, msg);
		err = finish(t, MIKEY_TICKET_CMD_ADMIT, ex->id, msg);
	}
	free(msg);
	free(a);
	free(ex);
	return err;
}

bool term_refused(const char *what, const struct nlc_reply *r, int err,
		  const char *words, int blamed)
{
	if (r->err == err && *r->words && strstr(r->words, words) &&
	    (!blamed || r->blamed == blamed))
		return true;
	fprintf(stderr, "# %s: got error %d, attribute %d, \"%s\"\n", what,
		r->err, r->blamed, r->words);
	fprintf(stderr, "# %s: not error %d, attribute %d, \"...%s...\"\n",
		what, err, blamed, words);
	return false;
}

int term_info(struct term *t, key_serial_t ticket, struct nlc_reply *r)
{
	struct nl_msg *m = nlc_msg_room(&t->nl, MIKEY_TICKET_CMD_INFO, ROOM);

	nla_put_s32(m, MIKEY_TICKET_A_TICKET, ticket);
	return nlc_call(&t->nl, m, r);
}

u64 term_stat(struct term *t, int stat)
{
	struct nlattr *a;
	struct nlc_reply r;
	u64 value = (u64)-1;

	nlc_call(&t->nl, nlc_msg_room(&t->nl, MIKEY_TICKET_CMD_STATS, ROOM),
		 &r);
	a = nlc_in(r.attr[MIKEY_TICKET_A_STATS], stat, 0);
	if (a && nla_len(a) == 8)
		value = nla_get_u64(a);
	nlc_free(&r);
	return value;
}

u64 term_stat_wait(struct term *t, int stat, u64 want, int ms)
{
	u64 value;

	while ((value = term_stat(t, stat)) != want && ms > 0) {
		usleep(10000);
		ms -= 10;
	}
	return value;
}

u64 term_tickets(struct term *t)
{
	return term_stat_wait(t, MIKEY_TICKET_S_TICKETS, 0, 3000);
}

int term_as_user(uid_t uid, int (*fn)(void *arg), void *arg)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		if (setgroups(0, NULL) || setresgid(uid, uid, uid) ||
		    setresuid(uid, uid, uid))
			_exit(254);
		term_session();
		_exit(fn(arg));
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -ECHILD;
	return WEXITSTATUS(status);
}
