/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory for tickets, in pieces that fit more closely than kmalloc()'s.
 */
#ifndef MIKEY_TICKET_PIECE_H
#define MIKEY_TICKET_PIECE_H

#include <linux/types.h>

/* Return: 0 or -ENOMEM. */
int mikey_piece_init(void);

/* After the last piece was freed. */
void mikey_piece_exit(void);

/* @size bytes of zeros, or NULL. May sleep. */
void *mikey_piece_new(size_t size);

/* @size as it was asked for. */
void mikey_piece_free(void *piece, size_t size);

#endif
