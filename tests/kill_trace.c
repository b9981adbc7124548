/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kill_trace.c - step a process and see where what it shares changes.
 *
 * What a SIGKILL leaves is the contents of shared memory and files, and what
 * the kernel does at death with the locks, mappings and the robust list.
 * Memory that only the victim sees dies with it.  So two neighbouring
 * instructions leave the same unless the one between them was a system call
 * or changed (a) a shared mapping or (b) the robust list, which lies in
 * private memory but tells the kernel which shared words to mark.  After each
 * instruction of a recording run all pages of (a) that are present and the
 * chain of (b) are compared with what they were.
 *
 * A point is named by the number of system calls since the start and of
 * instructions since the last one: a later run goes from call to call at full
 * speed and steps only the rest, and a loop that runs once more before some
 * call does not shift all that follows.
 */
#include "kill.h"

#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/ptrace.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_PAGES	512	/* watched at once; below IOV_MAX */
#define PAGE		4096u
#define ROBUST		8	/* links of a robust list looked at */
#define NEAR		16	/* bytes: a few instructions */

#if defined(__x86_64__)
#define HAVE_STEP	1
#else
#define HAVE_STEP	0
#endif

bool
trace_available(void)
{
	return HAVE_STEP && sysconf(_SC_PAGESIZE) == PAGE;
}

/* ---- what is watched ---- */

struct watch {
	pid_t pid;
	unsigned npages;
	unsigned nwords;		/* of the robust list */
	struct iovec its[MOST_PAGES + ROBUST];
	char *now, *last;		/* the contents of its[] */
	long faults;			/* page_faults when found */
	bool overflow;
};

/* Of the tracee that stopped last: a page may have come with each. */
static long page_faults;

#define WATCH_BYTES	((MOST_PAGES + 1) * (size_t)PAGE)

static bool
peek(pid_t pid, uintptr_t at, void *to, size_t size)
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
	while (w->nwords < ROBUST && peek(w->pid, at, &at, sizeof(at)) &&
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
trace_ignore(const void *at)
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

static size_t
read_all(struct watch *w)
{
	struct iovec mine = { w->now, WATCH_BYTES };
	size_t size = 0;

	for (unsigned i = 0; i < w->npages + w->nwords; i++)
		size += w->its[i].iov_len;
	mine.iov_len = size;
	if (process_vm_readv(w->pid, &mine, 1, w->its, w->npages + w->nwords,
	    0) != (ssize_t)size)
		memset(w->now, 0, size);	/* something went: a change */
	return size;
}

/* Has anything changed that others can see, since the last look? */
static bool
has_changed(struct watch *w, bool call)
{
	const bool anew = call || page_faults != w->faults;
	bool changed;
	char *swap;
	size_t size;

	if (anew)
		find(w);
	w->faults = page_faults;
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

static void
watch_begin(struct watch *w, pid_t pid)
{
	memset(w, 0, sizeof(*w));
	w->pid = pid;
	w->now = malloc(WATCH_BYTES);
	w->last = malloc(WATCH_BYTES);
	if (w->now == NULL || w->last == NULL)
		harness_die("no memory");
	has_changed(w, true);
}

static void
watch_end(struct watch *w)
{
	if (w->overflow)
		harness_die("more shared pages than are watched");
	free(w->now);
	free(w->last);
}

/* ---- stepping ---- */

static void
add(struct track *t, const struct point *p)
{
	if (t->n < MOST_STEPS)
		t->point[t->n++] = *p;
}

/*
 * Where a stopped tracee goes on.  *called is whether it has just come from a
 * system call: that leaves the address in rcx too.
 */
static uintptr_t
next_instruction(pid_t pid, bool *called)
{
#if HAVE_STEP
	struct user_regs_struct regs;
	unsigned char code[2];

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) == -1)
		return 0;
	*called = regs.rcx == regs.rip &&
	    peek(pid, regs.rip - 2, code, sizeof(code)) &&
	    code[0] == 0x0f && code[1] == 0x05;
	return regs.rip;
#else
	(void)pid;
	*called = false;
	return 0;
#endif
}

void
trace_begin(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		harness_die("the victim ended before it was stepped");
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_EXITKILL |
	    PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE |
	    PTRACE_O_TRACEVFORK) == -1)
		harness_die("ptrace: %s", strerror(errno));
}

/* The stopped child of a tracee that just reported a fork. */
static pid_t
forked(pid_t pid)
{
	unsigned long child = 0;
	int status;

	ptrace(PTRACE_GETEVENTMSG, pid, NULL, &child);
	if (waitpid((pid_t)child, &status, __WALL) == -1)
		harness_die("the forked child: %s", strerror(errno));
	return (pid_t)child;
}

enum stop { STOP_TRAP, STOP_CALL, STOP_FORK, STOP_END, STOP_GONE, STOP_BAD };

/* Let the tracee go on in some way until it stops. */
static enum stop
go(pid_t pid, enum __ptrace_request how)
{
	struct rusage usage;
	int status;

	if (ptrace(how, pid, NULL, NULL) == -1 ||
	    wait4(pid, &status, __WALL, &usage) != pid)
		return STOP_BAD;
	if (!WIFSTOPPED(status))
		return WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL ?
		    STOP_BAD : STOP_GONE;
	page_faults = usage.ru_minflt + usage.ru_majflt;
	if (status >> 16 != 0)
		return STOP_FORK;
	switch (WSTOPSIG(status)) {
	case SIGTRAP:
		return STOP_TRAP;
	case SIGTRAP | 0x80:
		return STOP_CALL;
	case SIGSTOP:
		return STOP_END;
	default:
		return STOP_BAD;
	}
}

/*
 * Does a restartable sequence begin a few bytes on?  A stop at its first
 * instruction makes the kernel restart it: so a tracee is never stepped into
 * one, but let go until the system call that stands there has been made.
 */
static bool
is_before_restartable(pid_t pid, uintptr_t at)
{
#if HAVE_STEP && defined(PTRACE_GET_RSEQ_CONFIGURATION)
	static pid_t known;
	static struct __ptrace_rseq_configuration area;
	struct {
		uint32_t version, flags;
		uint64_t start, length, abort;
	} section;
	uint64_t where = 0;

	if (pid != known) {
		memset(&area, 0, sizeof(area));
		ptrace(PTRACE_GET_RSEQ_CONFIGURATION, pid, sizeof(area),
		    &area);
		known = pid;
	}
	return area.rseq_abi_pointer != 0 &&
	    peek(pid, area.rseq_abi_pointer + 8, &where, sizeof(where)) &&
	    where != 0 && peek(pid, where, &section, sizeof(section)) &&
	    at < section.start && section.start - at <= NEAR;
#else
	(void)pid;
	(void)at;
	return false;
#endif
}

/*
 * One instruction, or all up to a system call and that; a child it forks is
 * let go.
 */
static enum stop
step(pid_t pid, pid_t *born, uintptr_t at, bool *called)
{
	enum stop stop;

	*called = is_before_restartable(pid, at);
	if (*called) {
		stop = go(pid, PTRACE_SYSCALL);
		if (stop == STOP_CALL)
			stop = go(pid, PTRACE_SYSCALL);
		return stop == STOP_CALL ? STOP_TRAP : stop;
	}
	while ((stop = go(pid, PTRACE_SINGLESTEP)) == STOP_FORK) {
		*born = forked(pid);
		ptrace(PTRACE_DETACH, *born, NULL, NULL);
	}
	return stop;
}

bool
trace_record(pid_t pid, struct track *t, bool ends, pid_t *born)
{
	struct point p = { .changed = true };
	struct watch w;
	enum stop stop;
	bool call, passed;

	watch_begin(&w, pid);
	p.where = next_instruction(pid, &call);
	add(t, &p);
	while ((stop = step(pid, born, p.where, &passed)) == STOP_TRAP &&
	    t->n < MOST_STEPS) {
		const uintptr_t before = p.where;

		p.where = next_instruction(pid, &call);
		call = passed || (call && before == p.where - 2);
		p.calls += call;
		p.steps = call ? 0 : p.steps + 1;
		p.changed = has_changed(&w, call);
		add(t, &p);
	}
	watch_end(&w);
	return stop == (ends ? STOP_GONE : STOP_END);
}

static bool
is_exit_of_call(pid_t pid, bool *inside)
{
	struct __ptrace_syscall_info info;
	bool leaves;

	memset(&info, 0, sizeof(info));
	ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info);
	leaves = *inside && info.op == PTRACE_SYSCALL_INFO_EXIT;
	*inside = info.op == PTRACE_SYSCALL_INFO_ENTRY;
	return leaves;
}

/* Run to the end; the number of system calls on the way. */
uint32_t
trace_calls(pid_t pid)
{
	bool inside = false;
	uint32_t calls = 0;
	enum stop stop;

	while ((stop = go(pid, PTRACE_SYSCALL)) == STOP_CALL)
		calls += is_exit_of_call(pid, &inside);
	return calls;
}

bool
trace_to(pid_t pid, const struct point *p, pid_t *born, bool *drifted)
{
	bool inside = false, call;
	enum stop stop;

	for (uint32_t calls = 0; calls < p->calls; ) {
		stop = go(pid, PTRACE_SYSCALL);
		if (stop == STOP_FORK) {
			*born = forked(pid);
			ptrace(PTRACE_DETACH, *born, NULL, NULL);
		} else if (stop == STOP_CALL) {
			calls += is_exit_of_call(pid, &inside);
		} else {
			return false;
		}
	}
	for (uint32_t i = 0; i < p->steps; i++)
		if (step(pid, born, next_instruction(pid, &call), &call) !=
		    STOP_TRAP)
			return false;
	if (p->where != 0)
		*drifted |= next_instruction(pid, &call) != p->where;
	return true;
}

pid_t
trace_into_child(pid_t pid)
{
	pid_t child;

	if (go(pid, PTRACE_CONT) != STOP_FORK)
		harness_die("the victim did not fork");
	child = forked(pid);
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
	return child;
}
