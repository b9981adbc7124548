/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ckpt_publish.h - for ckpt.c: the value of a publication in a segment.
 *
 * Depends on: ckpt.h, format_publish.h.  Locks: none is needed.
 */
#ifndef MIPC_CKPT_PUBLISH_H
#define MIPC_CKPT_PUBLISH_H

#include "ckpt.h"
#include "format_publish.h"

/* A value, and where in the segment it belongs; !is: there is none. */
struct mipc_ckpt_value {
	bool is;
	struct mipc_publish_head head;	/* that says so */
	uint64_t most;
	uint64_t at;
	size_t size, room;		/* of `bytes` */
	char *bytes;
};

/*
 * Copy it from a segment of `size` bytes, which begins at `base`; to be freed.
 * Returns 0, also where there is none; EAGAIN: writers overtook every copy; or
 * ENOMEM, or EIO and others of read(2).
 */
int	mipc_ckpt_value_take(struct mipc_ckpt_value *,
	    const struct mipc_source *, uint64_t base, uint64_t size);
/* In place of what a copy of the segment has, in `size` bytes from `at` on. */
void	mipc_ckpt_value_put(const struct mipc_ckpt_value *, char *to,
	    uint64_t at, size_t size);
void	mipc_ckpt_value_free(struct mipc_ckpt_value *);

#endif
