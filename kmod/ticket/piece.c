// SPDX-License-Identifier: GPL-2.0
/*
 * A ticket is as long as its TICKET, some 400 bytes for one responder and longer with
 * each more. kmalloc() would round that up to 512 or 1024 bytes; here are sizes in
 * between, so that an eighth is lost at most.
 */
#include <linux/kernel.h>
#include <linux/slab.h>

#include "piece.h"

static const unsigned int sizes[] = {
	288, 320, 352, 384, 416, 448, 480, 512,
	576, 640, 704, 768, 832, 896, 960, 1024,
};

static struct kmem_cache *caches[ARRAY_SIZE(sizes)];

/* NULL where kmalloc() is as good. */
static struct kmem_cache *cache_for(size_t size)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		if (size <= sizes[i])
			return caches[i];
	return NULL;
}

void *mikey_piece_new(size_t size)
{
	struct kmem_cache *cache = cache_for(size);

	if (cache)
		return kmem_cache_zalloc(cache, GFP_KERNEL);
	return kzalloc(size, GFP_KERNEL_ACCOUNT);
}

void mikey_piece_free(void *piece, size_t size)
{
	struct kmem_cache *cache = cache_for(size);

	if (cache)
		kmem_cache_free(cache, piece);
	else
		kfree(piece);
}

int mikey_piece_init(void)
{
	char name[sizeof("mikey_ticket_1024")];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		snprintf(name, sizeof(name), "mikey_ticket_%u", sizes[i]);
		caches[i] = kmem_cache_create(name, sizes[i], 0, SLAB_ACCOUNT, NULL);
		if (!caches[i]) {
			mikey_piece_exit();
			return -ENOMEM;
		}
	}
	return 0;
}

void mikey_piece_exit(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		kmem_cache_destroy(caches[i]);
}
