/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kill_watch.c - what a SIGKILL of a process would leave, and whether that
 * has changed.
 *
 * It leaves the contents of shared memory and files, and what the kernel does
 * at death with the locks, mappings and the robust list.  Memory that only
 * the victim sees dies with it.  So two neighbouring instructions leave the
 * same unless the one between them was a system call or changed (a) a shared
 * mapping or (b) the robust list, which lies in private memory but tells the
 * kernel which shared words to mark.  At each look all pages of (a) that are
 * present and the chain of (b) are compared with what they were.
 */
#include "kill.h"

#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_PAGES	512	/* watched at once; below IOV_MAX */
#define PAGE		4096u
#define ROBUST		8	/* links of a robust list looked at */

/* ---- what is watched ---- */

struct watch {
	pid_t pid;
	unsigned npages;
	unsigned nwords;		/* of the robust list */
	struct iovec its[MOST_PAGES + ROBUST];
	char *now, *last;		/* the contents of its[] */
	long faults;			/* of the tracee, when found */
	bool overflow;
};

#define WATCH_BYTES	((MOST_PAGES + 1) * (size_t)PAGE)

bool
watch_peek(pid_t pid, uintptr_t at, void *to, size_t size)
{
	struct iovec mine = { to, size }, its = { (void *)at, size };

	return process_vm_readv(pid, &mine, 1, &its, 1, 0) == (ssize_t)size;
}

static void
watch_words(struct watch *w, uintptr_t at, unsigned words)
{
	w->its[w->npages + w->nwords++] =
	    (struct iovec){ (void *)at, words * sizeof(uintptr_t) };
}

/* The robust list: its head, and the links that lead back to it. */
static void
find_robust(struct watch *w)
{
	uintptr_t head = 0, at;
	size_t size;

	w->nwords = 0;
	if (syscall(SYS_get_robust_list, w->pid, &head, &size) == -1 ||
	    head == 0)
		return;
	watch_words(w, head, 3);
	at = head;
	while (w->nwords < ROBUST && watch_peek(w->pid, at, &at, sizeof(at)) &&
	    (at & ~1UL) != head) {
		at &= ~1UL;
		watch_words(w, at, 1);
	}
}

static void
watch_pages(struct watch *w, uintptr_t from, uintptr_t to)
{
	for (uintptr_t at = from; at < to; at += PAGE) {
		w->overflow |= w->npages == MOST_PAGES;
		if (w->npages < MOST_PAGES)
			w->its[w->npages++] =
			    (struct iovec){ (void *)at, PAGE };
	}
}

/* Linux 6.7: only the pages that are there, however large the mapping. */
struct scan {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t inverted, mask, anyof, wanted;
};
struct scanned {
	uint64_t start, end, categories;
};
#define SCAN		_IOWR('f', 16, struct scan)
#define IS_PRESENT	(1u << 3)

static bool
scan_present(struct watch *w, int pagemap, uintptr_t from, uintptr_t to)
{
	struct scanned found[64];
	struct scan scan = {
		.size = sizeof(scan), .end = to, .vec = (uintptr_t)found,
		.vec_len = sizeof(found) / sizeof(found[0]),
		.mask = IS_PRESENT, .wanted = IS_PRESENT
	};
	int n;

	for (scan.start = from; scan.start < to; scan.start = scan.walk_end) {
		n = ioctl(pagemap, SCAN, &scan);
		if (n < 0)
			return false;
		for (int i = 0; i < n; i++)
			watch_pages(w, found[i].start, found[i].end);
	}
	return true;
}

static void
watch_present(struct watch *w, int pagemap, uintptr_t from, uintptr_t to)
{
	uint64_t entry[512];

	if (scan_present(w, pagemap, from, to))
		return;
	for (uintptr_t at = from; at < to; at += sizeof(entry) / 8 * PAGE) {
		size_t want = (to - at) / PAGE * 8;
		ssize_t got;

		if (want > sizeof(entry))
			want = sizeof(entry);
		got = pread(pagemap, entry, want, (off_t)(at / PAGE * 8));
		for (ssize_t i = 0; i < got / 8; i++)
			if (entry[i] >> 62 != 0)
				watch_pages(w, at + (uintptr_t)i * PAGE,
				    at + (uintptr_t)(i + 1) * PAGE);
	}
}

static uintptr_t ignored[8];
static unsigned nignored;

void
watch_ignore(const void *at)
{
	if (nignored == sizeof(ignored) / sizeof(ignored[0]))
		harness_die("too much to ignore");
	ignored[nignored++] = (uintptr_t)at;
}

static bool
is_ours(uintptr_t from, uintptr_t to)
{
	for (unsigned i = 0; i < nignored; i++)
		if (ignored[i] >= from && ignored[i] < to)
			return true;
	return false;
}

/* Find all again after something may have been mapped or touched. */
static void
find(struct watch *w)
{
	char path[64], line[PATH_MAX + 128];
	FILE *maps;
	int pagemap;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", w->pid);
	pagemap = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/maps", w->pid);
	maps = fopen(path, "re");
	if (maps == NULL || pagemap == -1)
		harness_die("%s: %s", path, strerror(errno));
	w->npages = w->nwords = 0;
	while (fgets(line, sizeof(line), maps) != NULL) {
		uintptr_t from, to;
		char mode[5];

		if (sscanf(line, "%lx-%lx %4s", &from, &to, mode) == 3 &&
		    mode[3] == 's' && mode[1] == 'w' && !is_ours(from, to))
			watch_present(w, pagemap, from, to);
	}
	fclose(maps);
	close(pagemap);
	find_robust(w);
}

/* What others can see. */
static size_t
read_all(struct watch *w)
{
	const unsigned n = w->npages + w->nwords;
	struct iovec mine = { .iov_base = w->now };

	for (unsigned i = 0; i < n; i++)
		mine.iov_len += w->its[i].iov_len;
	if (process_vm_readv(w->pid, &mine, 1, w->its, n, 0) !=
	    (ssize_t)mine.iov_len)
		memset(w->now, 0, mine.iov_len); /* something went: a change */
	return mine.iov_len;
}

/*
 * Has anything changed that others can see, since the last look?  After a
 * system call it has; and with each page fault a page may have come.
 */
bool
watch_has_changed(struct watch *w, bool call, long faults)
{
	const bool anew = call || faults != w->faults;
	bool changed;
	char *swap;
	size_t size;

	if (anew)
		find(w);
	w->faults = faults;
	size = read_all(w);
	changed = anew || memcmp(w->now, w->last, size) != 0;
	swap = w->now;
	w->now = w->last;
	w->last = swap;
	if (changed && !anew) {
		find_robust(w);		/* a link may lead elsewhere */
		size = read_all(w);
		memcpy(w->last, w->now, size);
	}
	return changed;
}

struct watch *
watch_begin(pid_t pid)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (w == NULL || (w->now = malloc(WATCH_BYTES)) == NULL ||
	    (w->last = malloc(WATCH_BYTES)) == NULL)
		harness_die("no memory");
	w->pid = pid;
	watch_has_changed(w, true, 0);
	return w;
}

void
watch_end(struct watch *w)
{
	if (w->overflow)
		harness_die("more shared pages than are watched");
	free(w->now);
	free(w->last);
	free(w);
}
