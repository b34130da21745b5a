/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels that the modules are built for, 6.1 and later.
 * The code is written for the newest one; here older ones get what it uses.
 */
#ifndef MIKEY_COMPAT_H
#define MIKEY_COMPAT_H

#include <crypto/aes.h>
#include <linux/hrtimer.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/version.h>

/*
 * 6.2: AF_ALG takes a key of a keyring by its serial, from whoever may search it, and
 * computes HMACs with it; before that nothing in the kernel did so with a PSK
 */
#define MIKEY_ALG_TAKES_KEYS (LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0))

/* 6.4: bin2hex() has a header of its own, without which kernel.h later does */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#include <linux/hex.h>
#endif

/*
 * 6.5: a slab cache says that it is not to be one with others of its size; before
 * that one with a constructor never was
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
#define mikey_no_merge NULL
#else
#define SLAB_NO_MERGE 0
static inline void mikey_no_merge(void *object)
{
}
#endif

/* 6.13: the name of a namespace of symbols is a string, before that it was made one */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#define MIKEY_NS(name) #name
#else
#define MIKEY_NS(name) name
#endif

/* 6.13: a timer gets its function with its clock; hrtimer_init() is gone from 6.15 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*function)(struct hrtimer *),
				 clockid_t clock_id, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock_id, mode);
	timer->function = function;
}
#endif

/*
 * 7.0: the AES library has a key for encryption alone, with AES instructions, and
 * aes_encrypt() soon takes no other; before that a key was always for both ways
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
#define aes_enckey crypto_aes_ctx
#define aes_prepareenckey(key, in, len) aes_expandkey(key, in, len)
#endif

#endif
