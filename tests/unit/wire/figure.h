/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The figures of RFC 6043 as the tests see them: the parts of each exchange's
 * message and of each container inside one, in their order.
 */
#ifndef TESTS_UNIT_WIRE_FIGURE_H
#define TESTS_UNIT_WIRE_FIGURE_H

#include "support.h"

/* Payloads in their shortest honest form. */
#define T_HEX "03 ee000000"
#define KEMAC_HEX "00 0000 00"
#define V_HEX "01 000102030405060708090a0b0c0d0e0f10111213"
#define POLICY_HEX "0002 01 01 039c60 "
#define TP_DATA_HEX "0007 0e 00 02 00 0001 62 "	/* IDRr "b" */
#define TICKET_DATA_HEX "0012 05 0000 0b 03 ee000000 01 00 09 00 0000 00 00 00 "
#define TICKET_HEX POLICY_HEX TP_DATA_HEX TICKET_DATA_HEX "0000"
#define TP_HEX POLICY_HEX "0007 0e 00 02 00 0001 62"

#define OPTIONAL 1
#define MANY 2

struct place {
	struct part part;
	u8 role;
	u8 flags;
};

enum container { MESSAGE, TP_DATA, TICKET_DATA, INITIATOR_DATA };

#define PLACES_MAX 10
struct figure {
	const char *name;
	enum container container;
	u8 data_type;
	struct place places[PLACES_MAX];
};

/* Names of places in @figures, messages first. */
enum {
	REQUEST_INIT, REQUEST_RESP, TRANSFER_INIT, RESOLVE_INIT, RESOLVE_RESP,
	ERROR, TICKET_POLICY, BASE_TICKET, INITIATOR, NUM_FIGURES
};

extern const struct figure figures[NUM_FIGURES];

/* Payloads that most figures do not have, in all forms that have a length. */
#define NUM_OTHERS 41
extern const struct place others[NUM_OTHERS];

/*
 * How many parts the figure has, and these parts themselves; @parts has room
 * for PLACES_MAX and one more.
 */
u32 count(const struct figure *f);
u32 own_parts(const struct figure *f, struct part *parts);
bool ends_with_v(const struct figure *f);
void insert(struct part *parts, u32 num, u32 at, struct part part);

/* Open a two-byte length; what follows until close16() is measured. */
u32 open16(struct bytes *b);
void close16(struct bytes *b, u32 at);

/* A message around the container that the parts are put into. */
void assemble(struct bytes *b, const struct figure *f,
	      const struct part *parts, u32 num);

/* All parsers over a copy of the message's exact length. */
int judge(const struct bytes *b, struct mikey_diag *d);

/* Assemble and judge; @why must be in the words of the refusal. */
void expect(const struct figure *f, const struct part *parts, u32 num,
	    int want, const char *why);

#endif
