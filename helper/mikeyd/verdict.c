// SPDX-License-Identifier: GPL-2.0-or-later
/* From errors to SIP status codes. */
#include "helper/mikeyd/verdict.h"

#include <errno.h>
#include <stddef.h>

struct row {
	int error;
	struct verdict verdict;
};

static const struct row outgoing[] = {
	/* the KMS: away; refuses the ticket; answered nonsense; a mere hint */
	{ -EHOSTUNREACH, { 503, "Service Unavailable", true } },
	{ -EREMOTEIO, { 403, "Forbidden", false } },
	{ -EPROTO, { 502, "Bad Gateway", false } },
	{ -EBADMSG, { 502, "Bad Gateway", false } },
	{ -EKEYREJECTED, { 502, "Bad Gateway", false } },
	{ -ECOMM, { 503, "Service Unavailable", true } },
	/* what was granted, or the key's permissions, do not do */
	{ -EACCES, { 403, "Forbidden", false } },
	{ -EPERM, { 403, "Forbidden", false } },
	{ -EADDRNOTAVAIL, { 403, "Forbidden", false } },
	{ -EMSGSIZE, { 413, "Request Entity Too Large", false } },
	/* this machine: short of something, or half of it is missing */
	{ -EDQUOT, { 503, "Service Unavailable", true } },
	{ -ENOMEM, { 503, "Service Unavailable", true } },
	{ -ENOBUFS, { 503, "Service Unavailable", true } },
	{ -ENOENT, { 503, "Service Unavailable", true } },
	{ -ETIMEDOUT, { 503, "Service Unavailable", true } },
};

static const struct row incoming[] = {
	{ -EHOSTUNREACH, { 503, "Service Unavailable", true } },
	{ -ECOMM, { 503, "Service Unavailable", true } },
	{ -EPROTO, { 503, "Service Unavailable", true } },
	{ -ESTALE, { 493, "Undecipherable", false } },
	{ -EBADMSG, { 493, "Undecipherable", false } },
	{ -EKEYREJECTED, { 493, "Undecipherable", false } },
	{ -EREMOTEIO, { 493, "Undecipherable", false } },
	{ -EACCES, { 493, "Undecipherable", false } },
	{ -EPERM, { 493, "Undecipherable", false } },
	{ -EINVAL, { 493, "Undecipherable", false } },
	{ -EADDRNOTAVAIL, { 493, "Undecipherable", false } },
	{ -EPROTONOSUPPORT, { 493, "Undecipherable", false } },
	{ -EMSGSIZE, { 493, "Undecipherable", false } },
	{ -EDQUOT, { 503, "Service Unavailable", true } },
	{ -ENOMEM, { 503, "Service Unavailable", true } },
	{ -ENOBUFS, { 503, "Service Unavailable", true } },
	{ -ENOENT, { 503, "Service Unavailable", true } },
	{ -ETIMEDOUT, { 503, "Service Unavailable", true } },
};

static struct verdict look_up(const struct row *rows, size_t count, int error)
{
	for (size_t i = 0; i < count; i++)
		if (rows[i].error == error)
			return rows[i].verdict;
	return (struct verdict){ 500, "Server Internal Error", false };
}

struct verdict verdict_outgoing(int error)
{
	return look_up(outgoing, sizeof(outgoing) / sizeof(outgoing[0]), error);
}

struct verdict verdict_incoming(int error)
{
	return look_up(incoming, sizeof(incoming) / sizeof(incoming[0]), error);
}
