/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the ciphers of this module have in common: where they run, and how
 * they find a buffer's pages.
 */
#ifndef MIKEY_MIME_PAGES_H
#define MIKEY_MIME_PAGES_H

#include <linux/crypto.h>
#include <linux/scatterlist.h>

/*
 * Implementations on the CPU only, with fscrypt's mask: off-CPU engines add
 * latency and trust, and the mask that also leaves out CRYPTO_ALG_ASYNC would
 * pick ones an order of magnitude slower than the SIMD ones, which complete
 * at once in process context anyway.
 */
#define MIME_CPU_ONLY (CRYPTO_ALG_ALLOCATES_MEMORY | CRYPTO_ALG_KERN_DRIVER_ONLY)

/* Entries of a scatterlist that @len bytes of kmalloc() or vmalloc() take */
unsigned int mime_pages_num(const u8 *p, u32 len);

/* Fill them in. Return: the entry behind them. */
struct scatterlist *mime_pages_append(struct scatterlist *sg, u8 *p, u32 len);

#endif
