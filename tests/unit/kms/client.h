/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An HTTP client of few words for the KMS's tests, over TCP or TLS.
 */
#ifndef TESTS_UNIT_KMS_CLIENT_H
#define TESTS_UNIT_KMS_CLIENT_H

#include "tests/unit/kms/place.h"

#define REQUEST_PATH "/keymanagement?requesttype=ticketrequest"
#define RESOLVE_PATH "/keymanagement?requesttype=ticketresolve"
#define HTTP_ANSWER_MAX 131072

/* An answer: 0 as status if the connection ended without one. */
struct http_answer {
	int status;
	char *body;			/* in text */
	size_t body_len;
	char text[HTTP_ANSWER_MAX];
};

/* A connected socket to 127.0.0.1, or -1. Reads give up after 10 s. */
int http_connect(unsigned int port);

void http_send(int fd, const void *data, size_t len);
void http_receive(int fd, struct http_answer *a);

/* A whole request on a connection of its own; NULL headers are left out. */
void http_request(unsigned int port, const char *method, const char *path,
		  const char *type, const void *body, size_t len,
		  struct http_answer *a);

/*
 * A MIKEY message to the KMS and back: the status; 200 fills in @answer as
 * the core would have. 0 if there was no answer.
 */
int mikey_post(unsigned int port, const char *path, const struct message *msg,
	       struct kms_answer *answer);

#endif
