/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ckpt_clone.c - segments' bytes of one moment, where files can share blocks.
 *
 * FICLONERANGE gives one file the blocks of another, and nobody stores into
 * those meanwhile: whatever programs store into a segment they have attached,
 * the clone is one consistent cut of it (xfs, btrfs).  All segments are cloned
 * behind one another into one nameless file in the namespace's directory, and
 * that is read into the checkpoint then, page by page and in peace.
 *
 *	blocks on disk, space tried | each segment cloned | read | closed
 *
 * While it shares them a segment's blocks are reserved no more: a store into
 * one needs another block, and meets SIGBUS where the disk is full.  So the
 * checkpoint itself never is a clone; the shared file goes with its last
 * descriptor, however the process ends, and the blocks are the segment's own
 * again.  Until then there is room for all that may be stored and for the
 * checkpoint: it was reserved and given back just before; where it cannot be
 * had segments are copied as elsewhere.
 *
 * Bytes that are not on disk are put there first.  The clone would do it, but
 * those who store into the segment wait for that one.
 */
#include "ckpt.h"

#include <errno.h>

#include "gate.h"
#include "store_dir.h"

#define ALIGN		((uint64_t)MIPC_CKPT_CHUNK)	/* to whole blocks */

static uint64_t
aligned(uint64_t size)
{
	return (size + ALIGN - 1) & ~(ALIGN - 1);
}

/* Can a file here share a block?  The first of ours tries it with itself. */
static bool
can_share(int fd)
{
	return mipc_sys_truncate_fd(fd, ALIGN) == 0 &&
	    mipc_sys_pwrite(fd, "", 1, 0) == 1 &&
	    mipc_sys_clone_range(fd, 0, ALIGN, fd, ALIGN) == 0;
}

static int
open_file(struct mipc_ns *ns)
{
	struct mipc_gate gate;
	int fd;

	if (ns->store->anonymous || mipc_sys_forced("MIPC_NO_REFLINK") ||
	    mipc_sys_forced("MIPC_NO_OTMPFILE"))
		return -EOPNOTSUPP;
	mipc_gate_enter(&gate);
	fd = mipc_dir_fd(&of(ns->store)->dir);
	if (fd >= 0)
		fd = mipc_sys_open(fd, ".", O_TMPFILE | O_RDWR, 0600);
	mipc_gate_leave(&gate);
	return fd;
}

/* Put a segment on disk; *used grows by the space that it has there. */
static int
settle(const struct mipc_cut *cut, const struct mipc_cut_object *o,
    uint64_t *used)
{
	struct mipc_source source;
	struct stat st;
	int error = mipc_cut_source(cut, o, &source);

	if (error != 0)
		return error;
	error = -mipc_sys_sync_fd(source.fd);
	if (error == 0)
		error = -mipc_sys_fstat(source.fd, &st);
	if (error == 0)
		*used += (uint64_t)st.st_blocks * 512;
	mipc_source_close(&source);
	return error;
}

/* Is there space for stores, and for the checkpoint if it is put here? */
static int
try_space(int fd, uint64_t used, int checkpoint)
{
	struct stat here, there;
	int r;

	r = mipc_sys_fstat(fd, &here);
	if (r == 0)
		r = mipc_sys_fstat(checkpoint, &there);
	if (r == 0 && here.st_dev == there.st_dev)
		used *= 2;
	if (r == 0 && used > 0)
		r = mipc_sys_reserve_fd(fd, 0, used);
	if (r == 0)
		r = mipc_sys_truncate_fd(fd, 0);
	return -r;
}

int
mipc_clones_prepare(struct mipc_clones *clones, const struct mipc_cut *cut,
    int checkpoint)
{
	uint64_t used = 0;
	int error = 0;

	*clones = (struct mipc_clones){ .fd = open_file(cut->ns) };
	if (clones->fd < 0)
		return 0;
	if (!can_share(clones->fd)) {
		mipc_clones_free(clones);
		return 0;
	}
	for (uint32_t i = 0; i < cut->objects && error == 0; i++)
		if (cut->object[i].opened->kind == MIPC_SHM)
			error = settle(cut, &cut->object[i], &used);
	if (error == 0)
		error = try_space(clones->fd, used, checkpoint);
	if (error != 0)
		mipc_clones_free(clones);
	return error == EIO ? EIO : 0;	/* else page by page */
}

/* 0 also where it cannot be cloned. */
static void
clone(struct mipc_clones *clones, struct mipc_cut *cut,
    struct mipc_cut_object *o)
{
	struct mipc_source source;
	uint64_t at = clones->end;
	struct stat st;

	if (mipc_cut_source(cut, o, &source) != 0)
		return;
	if (mipc_sys_fstat(source.fd, &st) == 0 &&
	    (uint64_t)st.st_size >= o->opened->size &&
	    mipc_sys_clone_range(source.fd, 0, (uint64_t)st.st_size,
	    clones->fd, at) == 0) {
		o->cloned = true;
		o->clone = at;
		clones->end = at + aligned((uint64_t)st.st_size);
		mipc_cut_object(cut, o->at)->flags |= MIPC_CKPT_REFLINK;
	}
	mipc_source_close(&source);
}

void
mipc_clones_make(struct mipc_clones *clones, struct mipc_cut *cut)
{
	for (uint32_t i = 0; i < cut->objects && clones->fd >= 0; i++)
		if (cut->object[i].opened->kind == MIPC_SHM)
			clone(clones, cut, &cut->object[i]);
}

int
mipc_clones_open(const struct mipc_clones *clones, const struct mipc_cut *cut,
    const struct mipc_cut_object *o, struct mipc_source *out)
{
	if (!o->cloned)
		return mipc_cut_source(cut, o, out);
	*out = (struct mipc_source){ .fd = clones->fd };
	return 0;
}

void
mipc_clones_close(const struct mipc_cut_object *o, struct mipc_source *source)
{
	if (!o->cloned)
		mipc_source_close(source);
}

void
mipc_clones_free(struct mipc_clones *clones)
{
	if (clones->fd >= 0)
		mipc_sys_close(clones->fd);
	clones->fd = -1;
}
