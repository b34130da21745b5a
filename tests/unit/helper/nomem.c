// SPDX-License-Identifier: GPL-2.0-or-later
/* Between the programs' parts and libre's memory, and libc's. */
#include "tests/unit/helper/nomem.h"

#include <stddef.h>

#include "helper/lib/libre.h"

static unsigned int left;
static bool held, failed;

void nomem_fail(unsigned int nth)
{
	left = nth;
	failed = false;
}

bool nomem_failed(void)
{
	return failed;
}

void nomem_hold(bool hold)
{
	held = hold;
}

/* Is it this one's turn to fail? */
static bool fails(void)
{
	if (held || !left || --left)
		return false;
	failed = true;
	return true;
}

/* The names are the linker's: ld(1) --wrap */
void *__real_mem_alloc(size_t size, void (*destroy)(void *data));
void *__wrap_mem_alloc(size_t size, void (*destroy)(void *data));
void *__real_mem_zalloc(size_t size, void (*destroy)(void *data));
void *__wrap_mem_zalloc(size_t size, void (*destroy)(void *data));
struct mbuf *__real_mbuf_alloc(size_t size);
struct mbuf *__wrap_mbuf_alloc(size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);

void *__wrap_mem_alloc(size_t size, void (*destroy)(void *data))
{
	return fails() ? NULL : __real_mem_alloc(size, destroy);
}

void *__wrap_mem_zalloc(size_t size, void (*destroy)(void *data))
{
	return fails() ? NULL : __real_mem_zalloc(size, destroy);
}

struct mbuf *__wrap_mbuf_alloc(size_t size)
{
	return fails() ? NULL : __real_mbuf_alloc(size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}
