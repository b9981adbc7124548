/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store.c - what both stores share: the head of a namespace, and the sentence
 * that says why one could not be opened.
 */
#include "store.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static __thread char reason[512];

void
mipc_reason_set(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
}

const char *
mipc_reason_text(void)
{
	return reason;
}

/* Linux's defaults: clauses H11 and S16. */
void
mipc_space_init(struct mipc_space *space)
{
	uint64_t most = (uint64_t)(~0ul - (1ul << 24));

	space->format = MIPC_FORMAT;
	space->byte_order = MIPC_BYTE_ORDER;
	space->page = (uint32_t)mipc_sys_page();
	space->uid = mipc_sys_euid();
	space->born = mipc_sys_seconds();
	mipc_put(&space->limit[MIPC_SHMMAX], most);
	mipc_put(&space->limit[MIPC_SHMALL], most);
	mipc_put(&space->limit[MIPC_SHMMNI], 4096);
	mipc_put(&space->limit[MIPC_SEMMSL], MIPC_SEMMSL_MOST);
	mipc_put(&space->limit[MIPC_SEMMNS], 1024000000);
	mipc_put(&space->limit[MIPC_SEMOPM], MIPC_SEMOPM_MOST);
	mipc_put(&space->limit[MIPC_SEMMNI], 32000);
	mipc_put(&space->limit[MIPC_MSGMAX], 8192);
	mipc_put(&space->limit[MIPC_MSGMNB], 16384);
	mipc_put(&space->limit[MIPC_MSGMNI], 32000);
	mipc_step();
	space->magic = MIPC_MAGIC_SPACE;
}

int
mipc_space_check(const struct mipc_space *space, const char **why)
{
	if (space->magic == 0) {
		*why = "not a namespace file, or a damaged one";
		return EIO;
	}
	if (space->byte_order != MIPC_BYTE_ORDER) {
		*why = "made on a machine of another byte order";
		return EPROTONOSUPPORT;
	}
	if (space->magic != MIPC_MAGIC_SPACE || space->format != MIPC_FORMAT) {
		*why = "made in another format than this library's";
		return EPROTONOSUPPORT;
	}
	if (space->page != mipc_sys_page()) {
		*why = "made on a machine of another page size";
		return EPROTONOSUPPORT;
	}
	return 0;
}

ssize_t
mipc_source_read(const struct mipc_source *source, uint64_t offset,
    void *buf, size_t size)
{
	if (source->base == NULL)
		return mipc_sys_pread(source->fd, buf, size, offset);
	if (offset >= source->size)
		return 0;
	if (size > source->size - offset)
		size = (size_t)(source->size - offset);
	mipc_copy(buf, source->base + offset, size);
	return (ssize_t)size;
}

uint64_t
mipc_source_data(const struct mipc_source *source, uint64_t offset)
{
	int64_t at;

	if (source->base != NULL)
		return offset;
	at = mipc_sys_seek_data(source->fd, offset);
	if (at == -ENXIO)
		return UINT64_MAX;
	return at < 0 || (uint64_t)at < offset ? offset : (uint64_t)at;
}

void
mipc_source_close(struct mipc_source *source)
{
	if (source->base == NULL)
		mipc_sys_close(source->fd);
}

void
mipc_store_close(struct mipc_store *store)
{
	store->ops->shut(store);
}
