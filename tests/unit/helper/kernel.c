// SPDX-License-Identifier: GPL-2.0-or-later
/* Doubles of both netlink families, the keyring and the KMS. */
#include "tests/unit/helper/kernel.h"

#include <errno.h>
#include <keyutils.h>
#include <linux/genetlink.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "helper/lib/keyring.h"
#include "helper/lib/mime.h"
#include "helper/lib/netlink.h"
#include "helper/lib/ticket.h"
#include "helper/mikeyd/check.h"
#include "helper/mikeyd/kms.h"
#include "helper/mikeyd/owner.h"

#define T(name) MIKEY_TICKET_A_##name
#define M(name) MIKEY_MIME_A_##name

struct kernel kernel;
const struct kernel_ticket *kernel_tickets;
unsigned int n_kernel_tickets;

/* What a REQUEST or MINT wanted, of which a policy is made. */
static struct wanted {
	struct uid initiator, kms;
	struct uid responders[8];
	unsigned int n_responders;
	int64_t until;
	bool reusable;
} all_wanted[64];			/* by exchange; 0 of MINT */

/* The twelve flags of a ticket that the KMS made, and of one it did not. */
#define FLAGS_KMS 0xc3a
#define FLAGS_MINTED 0x43e

struct genl_client {
	bool mime;
};

void kernel_reset(void)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.next_ticket = 1000;
	kernel.psk_there = 77;
	kernel.initiator = "alice@example.test";
	kernel.proved = MIKEY_PROVED_BODY;
	kernel_tickets = NULL;
	n_kernel_tickets = 0;
}

/* ---- netlink */

int genl_client_open(struct genl_client **client, const char *family, struct problem *problem)
{
	*client = calloc(1, sizeof(**client));
	if (!*client)
		return problem_set(problem, -ENOMEM, "no memory");
	(*client)->mime = !strcmp(family, MIKEY_MIME_GENL_NAME);
	return 0;
}

void genl_client_close(struct genl_client *client)
{
	free(client);
}

struct nl_msg *genl_message(struct genl_client *client, uint8_t command, size_t room)
{
	struct nl_msg *message = nlmsg_alloc_size(NLMSG_HDRLEN + GENL_HDRLEN + room + 64);

	(void)client;
	if (message)
		genlmsg_put(message, 0, 0, 1, 0, NLM_F_REQUEST, command, 1);
	return message;
}

void genl_message_free(struct nl_msg *message)
{
	nlmsg_free(message);
}

static int refused(struct kernel_fault *fault, struct problem *problem)
{
	if (!fault->error || !fault->times)
		return 0;
	if (fault->times > 0)
		fault->times--;
	problem_set(problem, fault->error, "%s", fault->words ?: "the double refuses");
	problem->kernel = true;
	return fault->error;
}

static void copy_uid(struct uid *uid, struct nlattr *attr)
{
	uid->len = nla_len(attr);
	memcpy(uid->text, nla_data(attr), uid->len);
	uid->text[uid->len] = '\0';
}

static void put_text(struct nl_msg *reply, int type, const char *text)
{
	nla_put(reply, type, strlen(text), text);
}

/* A ticket for one, or for those that were wanted in another order. */
static void put_policy(struct nl_msg *reply, const struct kernel_ticket *ticket,
		       const struct wanted *wanted)
{
	struct nlattr *nest = nla_nest_start(reply, T(POLICY));

	nla_put_u32(reply, T(PROFILE), ticket->profile ?: MIKEY_PROFILE_IMMEDIATE);
	nla_put_u32(reply, T(SUITE), ticket->suite ?: MIKEY_SUITE_256);
	nla_put_u32(reply, T(FLAGS), ticket->minted ? FLAGS_MINTED : FLAGS_KMS);
	put_text(reply, T(KMS), "http://kms");
	put_text(reply, T(INITIATOR), ticket->initiator);
	if (ticket->responder)
		put_text(reply, T(RESPONDER), ticket->responder);
	for (unsigned int i = ticket->responder ? 0 : wanted->n_responders; i-- > 0;)
		put_text(reply, T(RESPONDER), wanted->responders[i].text);
	nla_put_s64(reply, T(VALID_FROM), time(NULL) - (ticket->age ?: 1));
	nla_put_s64(reply, T(VALID_UNTIL), time(NULL) + ticket->remaining);
	if (ticket->rekey)
		nla_put_u32(reply, T(REKEY), ticket->rekey);
	if (ticket->reusable)
		nla_put_flag(reply, T(REUSABLE));
	if (ticket->cacheable)
		nla_put_flag(reply, T(CACHEABLE));
	nla_nest_end(reply, nest);
}

static void take_wish(struct nlattr **attrs, struct nl_msg *message, struct wanted *wanted)
{
	struct nlattr *attr;
	int left;

	kernel.psk_seen = nla_get_s32(attrs[T(PSK)]);
	kernel.profile_seen = nla_get_u32(attrs[T(PROFILE)]);
	kernel.suite_seen = nla_get_u32(attrs[T(SUITE)]);
	kernel.rekey_seen = attrs[T(REKEY)] ? nla_get_u32(attrs[T(REKEY)]) : 0;
	kernel.cacheable_seen = attrs[T(CACHEABLE)];
	kernel.wanted[0] = '\0';
	wanted->n_responders = 0;
	nlmsg_for_each_attr(attr, nlmsg_hdr(message), GENL_HDRLEN, left) {
		if (nla_type(attr) != T(RESPONDER))
			continue;
		if (wanted->n_responders == 8)
			abort();
		copy_uid(&wanted->responders[wanted->n_responders], attr);
		strcat(kernel.wanted, wanted->n_responders ? " " : "");
		strcat(kernel.wanted, wanted->responders[wanted->n_responders++].text);
	}
	copy_uid(&wanted->initiator, attrs[T(INITIATOR)]);
	strcpy(kernel.wanted_by, wanted->initiator.text);
	copy_uid(&wanted->kms, attrs[T(KMS)]);
	wanted->until = nla_get_s64(attrs[T(VALID_UNTIL)]);
	wanted->reusable = attrs[T(REUSABLE)];
}

static void put_wanted(struct nl_msg *reply, const struct wanted *wanted, bool minted)
{
	const struct kernel_ticket ticket = {
		.reusable = wanted->reusable && !kernel.not_reusable,
		.remaining = wanted->until - time(NULL),
		.initiator = wanted->initiator.text,
		.responder = kernel.granted_to,
		.minted = minted,
		.profile = kernel.profile_seen,
		.suite = kernel.suite_seen,
	};

	nla_put_s32(reply, T(TICKET), kernel.next_ticket++);
	put_policy(reply, &ticket, wanted);
}

static int mint(struct nlattr **attrs, struct nl_msg *message, struct nl_msg *reply,
		struct problem *problem)
{
	kernel.mints++;
	take_wish(attrs, message, &all_wanted[0]);
	if (refused(&kernel.mint, problem))
		return problem->error;
	put_wanted(reply, &all_wanted[0], true);
	return 0;
}

static int request(struct nlattr **attrs, struct nl_msg *message, struct nl_msg *reply,
		   struct problem *problem)
{
	take_wish(attrs, message, &all_wanted[++kernel.requests % 64]);
	if (refused(&kernel.request, problem))
		return problem->error;
	nla_put_u32(reply, T(EXCHANGE), kernel.requests);
	put_text(reply, T(MESSAGE), "REQUEST_INIT");
	return 0;
}

static int grant(struct nlattr **attrs, struct nl_msg *reply, struct problem *problem)
{
	kernel.grants++;
	if (refused(&kernel.grant, problem))
		return problem->error;
	put_wanted(reply, &all_wanted[nla_get_u32(attrs[T(EXCHANGE)]) % 64], false);
	return 0;
}

static void put_received(struct nl_msg *reply)
{
	put_policy(reply, &(const struct kernel_ticket){
		.remaining = 60, .initiator = kernel.initiator, .responder = "bob@example.test",
		.reusable = kernel.keep || kernel.kept, .cacheable = kernel.keep || kernel.kept,
		.profile = kernel.profile,
	}, NULL);
}

static int resolve(struct nlattr **attrs, struct nl_msg *message, struct nl_msg *reply,
		   struct problem *problem)
{
	uint8_t mac[32] = { kernel.mac };
	struct nlattr *attr;
	int left;

	kernel.resolves++;
	kernel.psk_seen = nla_get_s32(attrs[T(PSK)]);
	kernel.identities = 0;
	kernel.list_services = 0;
	nlmsg_for_each_attr(attr, nlmsg_hdr(message), GENL_HDRLEN, left) {
		kernel.identities += nla_type(attr) == T(IDENTITY) || nla_type(attr) == T(GROUP);
		kernel.list_services += nla_type(attr) == T(LIST_SERVICE);
	}
	if (refused(&kernel.resolve, problem))
		return problem->error;
	if (!kernel.mac)
		mac[1] = kernel.resolves;
	nla_put(reply, T(MAC), sizeof(mac), mac);
	put_received(reply);
	if (kernel.kept) {
		nla_put_s32(reply, T(TICKET), kernel.kept);
		return 0;
	}
	nla_put_u32(reply, T(EXCHANGE), kernel.resolves);
	put_text(reply, T(MESSAGE), "RESOLVE_INIT");
	return 0;
}

static int admit(struct nl_msg *reply, struct problem *problem)
{
	kernel.admits++;
	if (refused(&kernel.admit, problem))
		return problem->error;
	nla_put_s32(reply, T(TICKET), kernel.next_ticket++);
	put_received(reply);
	return 0;
}

static int info(struct nlattr **attrs, struct nl_msg *reply, struct problem *problem)
{
	int32_t serial = nla_get_s32(attrs[T(TICKET)]);

	for (unsigned int i = 0; i < n_kernel_tickets; i++) {
		const struct kernel_ticket *ticket = &kernel_tickets[i];

		if (ticket->serial != serial)
			continue;
		if (ticket->remaining <= 0)
			return problem_set(problem, -EKEYEXPIRED, "its time is over");
		if (ticket->psk && attrs[T(PSK)] && nla_get_s32(attrs[T(PSK)]) != ticket->psk)
			return problem_set(problem, -EKEYREJECTED, "made with another PSK");
		nla_put_u32(reply, T(ROLE), ticket->role);
		nla_put_s64(reply, T(REMAINING), ticket->remaining);
		put_policy(reply, ticket, NULL);
		return 0;
	}
	return problem_set(problem, -ENOKEY, "no such key");
}

/* All attributes of a type, joined and turned round. */
static void put_reversed(struct nl_msg *message, int from, struct nl_msg *reply, int to)
{
	size_t len = 0, at;
	struct nlattr *attr;
	uint8_t *bytes;
	int left;

	nlmsg_for_each_attr(attr, nlmsg_hdr(message), GENL_HDRLEN, left)
		if (nla_type(attr) == from)
			len += nla_len(attr);
	bytes = malloc(len);
	at = len;
	nlmsg_for_each_attr(attr, nlmsg_hdr(message), GENL_HDRLEN, left)
		for (int i = 0; nla_type(attr) == from && i < nla_len(attr); i++)
			bytes[--at] = ((uint8_t *)nla_data(attr))[i];
	for (at = 0; at < len; at += MIKEY_MIME_SEGMENT)
		nla_put(reply, to, len - at < MIKEY_MIME_SEGMENT ? len - at : MIKEY_MIME_SEGMENT,
			bytes + at);
	free(bytes);
}

static int protect(struct nlattr **attrs, struct nl_msg *message, struct nl_msg *reply,
		   struct problem *problem)
{
	struct uid recipient;

	kernel.protects++;
	if (refused(&kernel.protect, problem))
		return problem->error;
	copy_uid(&recipient, attrs[M(RECIPIENT)]);
	strcpy(kernel.protected_for, recipient.text);
	kernel.protected_with = nla_get_s32(attrs[M(TICKET)]);
	kernel.list_service = attrs[M(LIST_SERVICE)];
	kernel.form_seen = nla_get_u32(attrs[M(FORM)]);
	kernel.content_seen = attrs[M(CONTENT_ALG)] ? nla_get_u32(attrs[M(CONTENT_ALG)]) : 0;
	kernel.no_proof_seen = attrs[M(NO_PROOF)];
	put_text(reply, M(TRANSFER), "TRANSFER_INIT");
	put_reversed(message, M(ENTITY), reply, M(CMS));
	return 0;
}

static int unprotect(struct nlattr **attrs, struct nl_msg *message, struct nl_msg *reply,
		     struct problem *problem)
{
	kernel.opened_with = nla_get_s32(attrs[M(TICKET)]);
	kernel.forms_seen = nla_get_u32(attrs[M(FORMS)]);
	kernel.unprotects++;
	if (refused(&kernel.unprotect, problem))
		return problem->error;
	put_reversed(message, M(CMS), reply, M(ENTITY));
	put_text(reply, M(INITIATOR), kernel.initiator);
	put_text(reply, M(RECIPIENT), "bob@example.test");
	nla_put_u32(reply, M(PROVED), kernel.proved);
	nla_put_u32(reply, M(FORM), MIKEY_FORM_AUTH_ENVELOPED);
	nla_put_s64(reply, M(SENT), kernel.sent ?: 1700000000);
	return 0;
}

static int dispatch(struct genl_client *client, struct nl_msg *message, struct nl_msg *reply,
		    struct problem *problem)
{
	struct nlattr *attrs[64];
	uint8_t command = genlmsg_hdr(nlmsg_hdr(message))->cmd;

	if (nlmsg_parse(nlmsg_hdr(message), GENL_HDRLEN, attrs, 63, NULL) < 0)
		abort();
	if (client->mime)
		return command == MIKEY_MIME_CMD_PROTECT ?
			protect(attrs, message, reply, problem) :
			unprotect(attrs, message, reply, problem);
	switch (command) {
	case MIKEY_TICKET_CMD_REQUEST:
		return request(attrs, message, reply, problem);
	case MIKEY_TICKET_CMD_MINT:
		return mint(attrs, message, reply, problem);
	case MIKEY_TICKET_CMD_GRANT:
		return grant(attrs, reply, problem);
	case MIKEY_TICKET_CMD_RESOLVE:
		return resolve(attrs, message, reply, problem);
	case MIKEY_TICKET_CMD_ADMIT:
		return admit(reply, problem);
	case MIKEY_TICKET_CMD_INFO:
		return info(attrs, reply, problem);
	default:
		abort();
	}
}

int genl_request(struct genl_client *client, struct nl_msg *message, struct bytes *reply,
		 struct nlattr **attrs, int max, struct problem *problem)
{
	struct nl_msg *answer = nlmsg_alloc_size(1024 * 1024);
	int err;

	genlmsg_put(answer, 0, 0, 1, 0, 0, 0, 1);
	err = dispatch(client, message, answer, problem);
	if (!err) {
		bytes_alloc(reply, nlmsg_hdr(answer)->nlmsg_len);
		memcpy(reply->data, nlmsg_hdr(answer), reply->len);
		nla_parse(attrs, max, (struct nlattr *)(reply->data + NLMSG_HDRLEN + GENL_HDRLEN),
			  reply->len - NLMSG_HDRLEN - GENL_HDRLEN, NULL);
	}
	nlmsg_free(answer);
	return err;
}

/* ---- keyring */

int keyring_join(struct problem *problem)
{
	(void)problem;
	return 0;
}

int keyring_find_psk(const char *name, int32_t *serial, struct problem *problem)
{
	(void)name;
	if (!kernel.psk_there)
		return problem_set(problem, -ENOKEY, "no PSK");
	*serial = kernel.psk_there;
	return 0;
}

int keyring_each(const char *type, int (*each)(const struct keyring_key *key, void *arg),
		 void *arg, struct problem *problem)
{
	struct keyring_key key = { 0 };
	int err = 0;

	(void)problem;
	strcpy(key.type, type);
	for (unsigned int i = 0; i < n_kernel_tickets && !err; i++) {
		key.serial = kernel_tickets[i].serial;
		err = each(&key, arg);
	}
	return err;
}

int keyring_drop(int32_t serial, struct problem *problem)
{
	(void)problem;
	kernel.dropped[kernel.n_dropped++ % 16] = serial;
	return 0;
}

const char *keyring_key_problem(int error)
{
	return strerror(error < 0 ? -error : error);
}

/* the key of flow tokens */
long keyctl_search(key_serial_t ring, const char *type, const char *description,
		   key_serial_t destination)
{
	(void)ring;
	(void)type;
	(void)description;
	(void)destination;
	errno = ENOKEY;
	return -1;
}

key_serial_t add_key(const char *type, const char *description, const void *payload,
		     size_t len, key_serial_t ring)
{
	(void)type;
	(void)description;
	(void)payload;
	(void)len;
	(void)ring;
	return 1;
}

int check_modules(struct mikeyd *mikeyd, const struct config *config, struct problem *problem)
{
	(void)mikeyd;
	(void)config;
	(void)problem;
	return 0;
}

/* ---- who the client is */

int owner_open(struct owner **owner, const struct config *config,
	       const struct transport *transport, struct problem *problem)
{
	(void)config;
	(void)transport;
	(void)problem;
	*owner = NULL;
	return 0;
}

void owner_close(struct owner *owner)
{
	(void)owner;
}

bool owner_allows(struct owner *owner, const struct config_user *user,
		  const struct flow *client, const struct sa *local)
{
	(void)owner;
	(void)local;
	return !kernel.stranger && (!user || sa_port(&client->peer) != kernel.not_user_port ||
				    strcmp(user->name, kernel.not_user));
}

bool owner_listens(struct owner *owner, const struct config_user *user,
		   const struct flow *client, const struct sa *local)
{
	(void)owner;
	(void)user;
	(void)local;
	return sa_port(&client->peer) != kernel.gone;
}

/* ---- KMS */

#define POSTS_MAX 64

static struct {
	kms_answer_h *handler;
	void *arg;
} posts[POSTS_MAX];
static unsigned int posts_begin, posts_end;

int kms_open(struct kms **kms, const struct config_user *config, struct problem *problem)
{
	(void)config;
	(void)problem;
	*kms = NULL;
	return 0;
}

void kms_use(struct kms *kms, const struct config_user *config)
{
	(void)kms;
	(void)config;
}

void kms_close(struct kms *kms)
{
	(void)kms;
	posts_begin = 0;
	posts_end = 0;
}

int kms_post(struct kms *kms, enum kms_request kind, const struct bytes *message,
	     const char *txn, kms_answer_h *handler, void *arg, struct problem *problem)
{
	(void)kms;
	(void)txn;
	(void)problem;
	if (memcmp(message->data, kind == KMS_TICKET_REQUEST ? "REQUEST_INIT" : "RESOLVE_INIT",
		   message->len) || posts_end == POSTS_MAX)
		abort();
	posts[posts_end].handler = handler;
	posts[posts_end++].arg = arg;
	return 0;
}

unsigned int kms_waiting(void)
{
	return posts_end - posts_begin;
}

static void end_post(const struct bytes *answer, const struct problem *problem)
{
	unsigned int at = posts_begin;

	if (!kms_waiting())
		abort();
	posts_begin++;
	posts[at].handler(answer, problem, posts[at].arg);
}

void kms_answers(void)
{
	const struct bytes answer = { .data = (uint8_t *)"RESP", .len = 4 };
	const struct problem none = { 0 };

	end_post(&answer, &none);
}

void kms_fails(int error, const char *words)
{
	struct problem problem;

	problem_set(&problem, error, "%s", words);
	end_post(NULL, &problem);
}
