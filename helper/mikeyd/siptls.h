/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLS under SIP (RFC 3261 26.3.1): what mikeyd proves of itself to whoever
 * connects, and what the next hop has to prove (RFC 5922).
 */
#ifndef HELPER_MIKEYD_SIPTLS_H
#define HELPER_MIKEYD_SIPTLS_H

#include "helper/lib/config.h"
#include "helper/lib/libre.h"
#include "helper/lib/problem.h"

struct siptls;
struct x509_st;

/*
 * siptls_open - read what the configuration names
 *
 * Counted (mem_ref); *tls is NULL without an error if no TLS is configured. A
 * problem tells file and line.
 */
int siptls_open(struct siptls **tls, const struct config *config, struct problem *problem);

/* siptls_serve - TLS on a connection that was accepted */
int siptls_serve(const struct siptls *tls, struct tls_conn **conn, struct tcp_conn *tcp);

/*
 * siptls_connect - TLS on a connection to the next hop; it is established only
 * if the next hop's certificate is of its domain
 */
int siptls_connect(const struct siptls *tls, struct tls_conn **conn, struct tcp_conn *tcp);

/*
 * siptls_certifies - is this a certificate of the SIP domain (RFC 5922 7.1, 7.2)?
 * @cert: X509 of OpenSSL, whose chain is somebody else's business
 */
bool siptls_certifies(const struct x509_st *cert, const char *domain);

#endif
