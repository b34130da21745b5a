// SPDX-License-Identifier: GPL-2.0-or-later
/* From errors to SIP status codes. */
#include "helper/mikeyd/verdict.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* What uapi/mikey_ticket.h puts in front of an Error message's number. */
#define KMS_ERROR "KMS error "

/* Numbers of Error messages (RFC 3830 6.12) that are not the last word. */
enum {
	KMS_ANY = -1,
	KMS_INVALID_TIMESTAMP = 1,
	KMS_UNSPECIFIED = 12,
};

#define OWN	{ 500, "Server Internal Error", 0 }
#define AWAY	{ 503, "Service Unavailable", 1 }
#define NO	{ 403, "Forbidden", 0 }
#define NONSENSE { 502, "Bad Gateway", 0 }
#define LARGE	{ 413, "Request Entity Too Large", 0 }
#define BAD	{ 493, "Undecipherable", 0 }
#define FULL	{ 480, "Temporarily Unavailable", 1 }

/*
 * An error, with -EREMOTEIO the number in the KMS's Error message, and what it
 * is to the user's client and to the network. The first row that fits counts;
 * what has no row is OWN.
 */
static const struct row {
	int error, kms;
	struct verdict outgoing, incoming;
	enum verdict_class class;
} rows[] = {
	/* the KMS: away; an Error message with MAC, its answer; one without, a hint */
	{ -EHOSTUNREACH, KMS_ANY, AWAY, AWAY, VERDICT_KMS_AWAY },
	{ -EREMOTEIO, KMS_INVALID_TIMESTAMP, AWAY, AWAY, VERDICT_KMS_REFUSED },
	{ -EREMOTEIO, KMS_UNSPECIFIED, AWAY, AWAY, VERDICT_KMS_REFUSED },
	{ -EREMOTEIO, KMS_ANY, NO, BAD, VERDICT_KMS_REFUSED },
	{ -ECOMM, KMS_ANY, AWAY, AWAY, VERDICT_KMS_WRONG },
	{ -EPROTO, KMS_ANY, NONSENSE, AWAY, VERDICT_KMS_WRONG },
	/* messages that are malformed, forged, too old, or for somebody else */
	{ -EBADMSG, KMS_ANY, NONSENSE, BAD, VERDICT_INVALID },
	{ -EKEYREJECTED, KMS_ANY, NONSENSE, BAD, VERDICT_INVALID },
	{ -ESTALE, KMS_ANY, OWN, BAD, VERDICT_INVALID },
	{ -EADDRNOTAVAIL, KMS_ANY, NO, BAD, VERDICT_INVALID },
	{ -EINVAL, KMS_ANY, OWN, BAD, VERDICT_INVALID },
	{ -EMSGSIZE, KMS_ANY, LARGE, BAD, VERDICT_INVALID },
	/* policy: the ticket's, the modules', ours; a key's permissions */
	{ -EACCES, KMS_ANY, NO, BAD, VERDICT_POLICY },
	{ -EPERM, KMS_ANY, NO, BAD, VERDICT_POLICY },
	{ -EPROTONOSUPPORT, KMS_ANY, OWN, BAD, VERDICT_POLICY },
	/* this machine: short of something, half of it missing, its disk full */
	{ -EDQUOT, KMS_ANY, AWAY, AWAY, VERDICT_RESOURCES },
	{ -ENOMEM, KMS_ANY, AWAY, AWAY, VERDICT_RESOURCES },
	{ -ENOBUFS, KMS_ANY, AWAY, AWAY, VERDICT_RESOURCES },
	{ -ENOENT, KMS_ANY, AWAY, AWAY, VERDICT_RESOURCES },
	{ -ETIMEDOUT, KMS_ANY, AWAY, AWAY, VERDICT_RESOURCES },
	{ -EIO, KMS_ANY, AWAY, AWAY, VERDICT_RESOURCES },
	/* nobody here could take it now: it was not opened, and may come again */
	{ -EBUSY, KMS_ANY, AWAY, FULL, VERDICT_RESOURCES },
};

/* The number in an Error message, KMS_ANY if the words have none. */
static int kms_error(const struct problem *problem)
{
	const char *at = strstr(problem->words, KMS_ERROR);
	char *end;
	long number;

	if (!at)
		return KMS_ANY;
	at += strlen(KMS_ERROR);
	number = strtol(at, &end, 10);
	return end != at && *end == ':' && number >= 0 && number <= UINT8_MAX ? number : KMS_ANY;
}

static const struct row *find(const struct problem *problem)
{
	static const struct row other = { 0, KMS_ANY, OWN, OWN, VERDICT_OTHER };
	int number = kms_error(problem);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].error == problem->error &&
		    (rows[i].kms == KMS_ANY || rows[i].kms == number))
			return &rows[i];
	return &other;
}

/* Whoever waits, waits as long as we were told to. */
static struct verdict patient(struct verdict verdict, const struct problem *problem)
{
	if (verdict.retry && verdict.retry < problem->retry_after)
		verdict.retry = problem->retry_after;
	return verdict;
}

struct verdict verdict_outgoing(const struct problem *problem)
{
	return patient(find(problem)->outgoing, problem);
}

struct verdict verdict_incoming(const struct problem *problem)
{
	return patient(find(problem)->incoming, problem);
}

enum verdict_class verdict_class(const struct problem *problem)
{
	return find(problem)->class;
}

struct verdict verdict_list(const struct problem *problem)
{
	static const struct verdict own = OWN, large = LARGE;
	struct verdict verdict = verdict_outgoing(problem);

	return verdict.retry || verdict.code == large.code ? verdict : own;
}
