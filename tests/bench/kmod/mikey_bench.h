/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Generic netlink family "mikey_bench": what a message cannot cost less than.
 * For measurements alone; it has no keys but its own and protects nothing.
 */
#ifndef MIKEY_BENCH_H
#define MIKEY_BENCH_H

#include <linux/types.h>

#define MIKEY_BENCH_GENL_NAME "mikey_bench"
#define MIKEY_BENCH_GENL_VERSION 1

enum mikey_bench_command {
	MIKEY_BENCH_CMD_NOTHING = 1,	/* an empty round trip */
	MIKEY_BENCH_CMD_FLOOR,		/* and a message's cryptography in it */
};

enum mikey_bench_attr {
	MIKEY_BENCH_A_MESSAGE = 1,	/* struct mikey_bench_message */
	MIKEY_BENCH_A_LAST = MIKEY_BENCH_A_MESSAGE,
};

/**
 * struct mikey_bench_message - how many bytes one message has where
 * @open: 0 protect, 1 unprotect
 * @body: bytes of the body
 * @object: bytes of the CMS object, which the proof of origin is the hash of
 * @covered: bytes of TRANSFER_INIT that V covers
 * @initiator_data: bytes of the Initiator Data that Vr covers
 */
struct mikey_bench_message {
	__u32 open;
	__u32 body;
	__u32 object;
	__u32 covered;
	__u32 initiator_data;
};

#endif
