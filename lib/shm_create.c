/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shm_create.c - making a segment: clauses H1, H9, H11.
 *
 * The data comes first, with all its space unless that is not wanted; then the
 * head, of one page.
 */
#include "shm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>

#include "crash.h"
#include "segment.h"

#ifndef SHM_HUGE_SHIFT
#define SHM_HUGE_SHIFT 26
#endif
#ifndef SHM_HUGETLB
#define SHM_HUGETLB 04000
#endif
#ifndef SHM_NORESERVE
#define SHM_NORESERVE 010000
#endif

/* --- huge pages -------------------------------------------------------- */

/* The start of a small file, terminated; false if it cannot be read. */
static bool
read_text(const char *path, char *buf, size_t size)
{
	ssize_t n;
	int fd;

	fd = mipc_sys_open(AT_FDCWD, path, O_RDONLY, 0);
	if (fd < 0)
		return false;
	n = mipc_sys_read(fd, buf, size - 1);
	mipc_sys_close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* Size of a huge page the flags ask for, KiB; 0 if it cannot be told. */
static unsigned long
huge_kib(int flags)
{
	unsigned log2 = (unsigned)flags >> SHM_HUGE_SHIFT & 63;
	static const char label[] = "Hugepagesize:";
	char text[4096], *found;

	if (log2 != 0)
		return log2 < 10 || log2 > 40 ? 0 : 1ul << (log2 - 10);
	if (!read_text("/proc/meminfo", text, sizeof(text)) ||
	    (found = strstr(text, label)) == NULL)
		return 0;
	return strtoul(found + sizeof(label) - 1, NULL, 10);
}

static bool
may_use_huge(void)
{
	char text[32];

	return mipc_cred_has(MIPC_CAP_IPC_LOCK) ||
	    (read_text("/proc/sys/vm/hugetlb_shm_group", text, sizeof(text)) &&
	    strtoul(text, NULL, 10) == mipc_cred_gid());
}

int
mipc_shm_huge(int flags)
{
	char path[96], text[32];

	snprintf(path, sizeof(path),
	    "/sys/kernel/mm/hugepages/hugepages-%lukB/free_hugepages",
	    huge_kib(flags));
	if (!read_text(path, text, sizeof(text)))
		return EINVAL;
	if (!may_use_huge())
		return EPERM;
	return strtoul(text, NULL, 10) == 0 ? ENOMEM : 0;
}

/* --- making ------------------------------------------------------------ */

/* May there be one more of this size?  What it counts for is *pages. */
static int
weigh(struct mipc_ns *ns, const struct mipc_wish *wish, uint64_t *pages)
{
	size_t page = ns->lives->page;

	if (wish->size < 1 ||
	    wish->size > mipc_take(&ns->space->limit[MIPC_SHMMAX]))
		return EINVAL;
	if (wish->size > SIZE_MAX - page)
		return ENOSPC;
	*pages = (wish->size + page - 1) / page;
	if ((wish->flags & SHM_HUGETLB) != 0)
		return mipc_shm_huge(wish->flags);
	return 0;
}

/* One page: the head, and no attaches. */
static int
make_head(struct mipc_ns *ns, const struct mipc_wish *wish,
    const struct mipc_draft *draft)
{
	static struct mipc_segment *page;
	size_t size = ns->lives->page;
	struct mipc_opened *opened;
	struct mipc_view map;
	void *memory;
	int error;

	if (page == NULL) {
		error = mipc_view_private(size, &memory);
		if (error != 0)
			return error;
		page = memory;
	}
	memset(page, 0, size);
	page->size = wish->size;
	page->pages = (wish->size + size - 1) / size;
	page->data = draft->data;
	if ((wish->flags & SHM_NORESERVE) != 0)
		page->flags |= MIPC_SEGMENT_NORESERVE;
	if ((wish->flags & SHM_HUGETLB) != 0)
		page->flags |= MIPC_SEGMENT_HUGE;
	mipc_put(&page->claimed, mipc_segment_first_page(size));
	mipc_get_head(ns, &page->object, wish, draft->id);
	error = ns->store->ops->make_object(ns->store, draft, page, size,
	    &map);
	if (error == 0)		/* its maker is the likeliest to use it */
		error = mipc_ns_adopt(ns, MIPC_SHM, draft->id, &map, &opened);
	if (error == 0)
		mipc_ns_unpin(opened);
	return error;
}

static int
make_files(struct mipc_ns *ns, const struct mipc_wish *wish, uint64_t id)
{
	struct mipc_draft draft = {
		.kind = MIPC_SHM,
		.id = id,
		.mode = (unsigned)wish->flags & 0777,
		.size = wish->size,
		.reserve = (wish->flags & SHM_NORESERVE) == 0,
	};
	int error;

	error = ns->store->ops->make_data(ns->store, &draft);
	mipc_crash_point("create: data");
	if (error == 0)
		error = make_head(ns, wish, &draft);
	mipc_crash_point("create: head");
	return error;
}

const struct mipc_maker mipc_shm_maker = {
	.kind = MIPC_SHM,
	.most = MIPC_SHMMNI,
	.total = MIPC_SHMALL,
	.weigh = weigh,
	.make = make_files,
};
