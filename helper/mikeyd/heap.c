// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What mikeyd frees is wiped, whoever frees it.
 *
 * The text of messages goes through libraries that free their buffers as they are:
 * libre, SQLite, GLib, jansson, libnl, OpenSSL. Not all of them have a hook, and no
 * hook sees a buffer that realloc() left behind. A program may define these two
 * functions itself, for all libraries, too (glibc's manual, "Replacing malloc"); the
 * heap stays glibc's. Its own M_PERTURB does not see what the caches of the threads
 * take (tcache).
 *
 * Linked into a program beside its main(), and not part of any library: the sanitizers
 * that the unit tests run under have a heap of their own.
 */
#include <malloc.h>
#include <stddef.h>
#include <string.h>

/* glibc's names for what is defined anew here, for those who do so. */
void __libc_free(void *memory);

void free(void *memory)
{
	/* all that the caller might have used, which may be more than was asked for */
	if (memory)
		explicit_bzero(memory, malloc_usable_size(memory));
	__libc_free(memory);
}

/* Never glibc's: that moves a block and frees the old one by itself. */
void *realloc(void *old, size_t size)
{
	size_t had = old ? malloc_usable_size(old) : 0;
	void *moved;

	if (old && !size) {
		free(old);
		return NULL;
	}
	/* not for much less than there is, which nobody else could use then */
	if (old && size <= had && size >= had / 2) {
		explicit_bzero((char *)old + size, had - size);
		return old;
	}
	moved = malloc(size);
	if (!moved || !old)
		return moved;
	memcpy(moved, old, size < had ? size : had);
	free(old);
	return moved;
}
