/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mikeyd between a client and a next hop that the test plays, over UDP on
 * 127.0.0.1:
 *
 *	client  <-->  inside  mikeyd  outside  <-->  hop
 */
#ifndef TESTS_UNIT_HELPER_STAGE_H
#define TESTS_UNIT_HELPER_STAGE_H

#include "tests/unit/helper/kernel.h"
#include "tests/unit/helper/loop.h"

#include "helper/mikeyd/user.h"

struct stage {
	struct mikeyd mikeyd;
	struct config *config;
	struct user *user;			/* the first */
	int client, hop;			/* sockets */
	int hop_tcp, hop_conn;			/* listening, and what it accepted */
	unsigned int client_port, hop_port, inside_port, outside_port;
	char path[256];				/* what $P stands for */
	char state_dir[32];
	char got[512 * 1024 + 1];		/* the last message that arrived */
};

extern struct stage stage;

/*
 * stage_open - with more lines of configuration; if they have "users", without the
 * user that is there otherwise, who is alice and bob
 */
void stage_open(const char *more);
void stage_close(void);

/* stage_file - a file as stage_open() reads it, to be unlinked */
#define STAGE_FILE_SIZE 32
void stage_file(char path[STAGE_FILE_SIZE], const char *more);

/* stage_restart - end mikeyd and start another one on the same state directory */
void stage_restart(const char *more);

/* stage_restart_same - the same, and the client keeps its port: by that its repeats are known */
void stage_restart_same(const char *more);

/* stage_killed - as if it was killed: what is on the disk at this moment is what there is */
void stage_killed(const char *more);

/*
 * client_sends, hop_sends - a message, in which $C, $H, $I and $O stand for the
 * ports of client, hop, inside and outside, and $P for stage.path
 */
void client_sends(const char *text);
void hop_sends(const char *text);

/* client_gets, hop_gets - the next message, within a second */
const char *client_gets(void);
const char *hop_gets(void);

/* client_gets_late, hop_gets_late - the same within so many milliseconds */
const char *client_gets_late(unsigned int ms);
const char *hop_gets_late(unsigned int ms);

/* hop_gets_tcp - the same on a TCP connection that mikeyd makes to the hop */
const char *hop_gets_tcp(void);

/* silence - nothing arrives anywhere for a while */
void silence(void);

/* header - the n-th value of a header in stage.got, "" if there is none */
const char *header(const char *name, unsigned int n);

/* body - where the body of stage.got begins */
const char *body(void);

/* first_line_is - stage.got begins so */
void first_line_is(const char *line);

/* answer - a response to stage.got with its Via, From, To, Call-ID and CSeq */
const char *answer(const char *status);
void hop_answers(const char *status);
void client_answers(const char *status);

/* client_registers - as NAME@example.test; the URI in the Path is stage.path then */
void client_registers(const char *name);

/* client_is_told - the client's next message begins so, with these words in a Warning */
void client_is_told(const char *line, const char *words);

/* opens_to - what the double of the kernel protected in stage.got is this entity */
void opens_to(const char *entity);

/* kms_gets - so many exchanges come to wait at the KMS, and no more than that */
void kms_gets(unsigned int count);

/* kms_grants - answer the next exchanges, one after the other */
void kms_grants(unsigned int count);

/* Fixtures of cmocka: a stage without more lines, after kernel_reset(). */
int stage_setup(void **state);
int stage_teardown(void **state);

/* ---- messages that many tests use */

#define VIA(port, branch) "Via: SIP/2.0/UDP 127.0.0.1:" port ";branch=z9hG4bK" branch ";rport\r\n"
#define FROM_TO(from, to, id, cseq) \
	"From: <sip:" from ">;tag=f\r\nTo: <sip:" to ">\r\nCall-ID: " id "\r\nCSeq: 1 " cseq "\r\n"

#endif
