/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ckpt_heap.c - memory that grows, which is no malloc(3)'s.
 */
#include "ckpt.h"

#include <errno.h>
#include <string.h>

#define HEAP_LEAST	65536u

int
mipc_heap_room(struct mipc_heap *heap, uint64_t more)
{
	uint64_t size = heap->size < HEAP_LEAST ? HEAP_LEAST : heap->size;
	void *memory;
	int error;

	if (more <= heap->size - heap->used)
		return 0;
	if (more > SIZE_MAX / 4 || heap->used > SIZE_MAX / 4)
		return ENOMEM;
	while (size - heap->used < more)
		size *= 2;
	error = mipc_view_private((size_t)size, &memory);
	if (error != 0)
		return error;
	if (heap->used > 0)
		memcpy(memory, heap->base, heap->used);
	mipc_heap_free(&(struct mipc_heap){ heap->base, 0, heap->size });
	heap->base = memory;
	heap->size = (size_t)size;
	return 0;
}

void
mipc_heap_free(struct mipc_heap *heap)
{
	if (heap->base != NULL)
		mipc_view_free(heap->base, heap->size);
	*heap = (struct mipc_heap){ .base = NULL };
}
