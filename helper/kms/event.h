/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the log tells of requests (docs/logs.md): events with the name of the
 * request that a thread is at, which is the same in the audit trail.
 */
#ifndef HELPER_KMS_EVENT_H
#define HELPER_KMS_EVENT_H

#include "helper/kms/kms.h"
#include "helper/lib/log.h"

/* 16 hexadecimal digits: the process, and the how manieth of its requests. */
#define KMS_EVENT_NAME_MAX 17

/* A name that no other request has. */
void kms_event_name(char name[KMS_EVENT_NAME_MAX]);

/* What this thread tells from now on is of that request; NULL: of none. */
void kms_event_of(const char *name);

/* That name, or "". */
const char *kms_event_current(void);

/* The field "req" with it, or none. */
struct log_field kms_event_req(void);

/**
 * kms_event_exchange() - an exchange that was answered with a MIKEY message
 * @client: from which address it came
 * @asked: the peer whose ticket it was and who was asked, or NULL
 * @ms: how long it took
 */
void kms_event_exchange(const char *client, enum kms_exchange_kind kind,
			const char *asked, const struct kms_answer *answer,
			long long ms);

/* As the address has it: "request" or "resolve". */
const char *kms_event_kind(enum kms_exchange_kind kind);

#endif
