/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a log knows a request by: 16 hexadecimal digits made of Call-ID, From tag and
 * CSeq number. They stay the same on every hop that changes none of these, so
 * sender's and recipient's mikeyd name a MESSAGE alike, as they do its
 * retransmissions, and an INVITE, its ACK and its CANCEL.
 */
#ifndef HELPER_MIKEYD_TXN_H
#define HELPER_MIKEYD_TXN_H

#define TXN_SIZE 17

struct sip_msg;

/* txn_of - of a request or a response; "" without memory */
void txn_of(char txn[TXN_SIZE], const struct sip_msg *msg);

#endif
