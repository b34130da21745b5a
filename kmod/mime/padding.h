/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The padding of EnvelopedData (RFC 5652 6.3): to the end of the block, each
 * octet its length. Pure C, built for the kernel and for userspace tests.
 */
#ifndef MIKEY_MIME_PADDING_H
#define MIKEY_MIME_PADDING_H

#include "cms.h"

/* Write it behind @len bytes; there is room for up to CMS_BLOCK_LEN more. */
void cms_padding_put(u8 *data, u32 len);

/**
 * cms_padding_len() - how much of a plain text is padding
 * @data: @len bytes, whole blocks, at least one
 *
 * All of the last block is looked at whatever is in it, and nothing is
 * decided before the end: the time says nothing about the plain text.
 * Return: 1 to CMS_BLOCK_LEN, or 0 where it is none.
 */
u32 cms_padding_len(const u8 *data, u32 len);

#endif
