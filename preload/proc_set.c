/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proc_set.c - what is written to /proc/sys/kernel through our descriptors
 * (proc_open.c) sets the namespace's numbers, with the kernel's errors.
 *
 * A descriptor is known by the name of its memory, so that nothing has to be
 * kept: it may be duplicated, inherited and passed on.  write() and pwrite()
 * are answered at once.  What comes in another way, above all from the C
 * library's streams, which call no function that could be stood in front of,
 * lies in the memory: the time of its last change says so, which is 0 after
 * every look.  It is looked at when the stream is flushed or closed, when the
 * descriptor is closed or another put in its place, and at the exit.
 *
 * Only a process that has opened such a descriptor looks, or one that was
 * executed by it while one was open, which its environment says.
 */
#include "proc.h"

#include <sys/syscall.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_PREFIX	"mipc:"
#define LINK_PREFIX	"/memfd:" NAME_PREFIX
#define INHERITED	"MIPC_PROC"

enum {
	LINK_SIZE = 128,
	TEXT_SIZE = 512,	/* no numbers need more */
	NUMBER_SIZE = 21,	/* the kernel takes no longer ones */
	DESCRIPTORS = 256	/* those that are looked for at exec and exit */
};

/* --- which descriptors ------------------------------------------------- */

enum { NOT_ASKED, NOBODY_WRITES, SOMEBODY_WRITES };

static atomic_int watching;

void
proc_watch(void)
{
	atomic_store_explicit(&watching, SOMEBODY_WRITES,
	    memory_order_relaxed);
}

static bool
inherits(void)
{
	int state = secure_getenv(INHERITED) != NULL ? SOMEBODY_WRITES :
	    NOBODY_WRITES, before = NOT_ASKED;

	if (environ == NULL)
		return false;		/* it is too early to know */
	atomic_compare_exchange_strong(&watching, &before, state);
	return before == SOMEBODY_WRITES ||
	    (before == NOT_ASKED && state == SOMEBODY_WRITES);
}

static inline bool
watches(void)
{
	int state = atomic_load_explicit(&watching, memory_order_relaxed);

	return state == SOMEBODY_WRITES || (state == NOT_ASKED && inherits());
}

int
proc_make(const struct proc_file *file)
{
	char name[LINK_SIZE] = NAME_PREFIX;

	strncat(name, file->path, sizeof(name) - sizeof(NAME_PREFIX));
	return mipc_sys_move_high(mipc_sys_memfd(name));
}

static bool
is_named(const char *link, size_t n, const char *path)
{
	size_t prefix = sizeof(LINK_PREFIX) - 1, length = strlen(path);

	return n >= prefix + length &&
	    memcmp(link, LINK_PREFIX, prefix) == 0 &&
	    memcmp(link + prefix, path, length) == 0 &&
	    (n == prefix + length || link[prefix + length] == ' ');
}

/* What is no memory knows no seals, which is the cheapest question. */
const struct proc_file *
proc_of(int fd)
{
	char path[40], link[LINK_SIZE];
	const struct proc_file *file;
	int n;

	if (mipc_sys(SYS_fcntl, fd, F_GET_SEALS, 0, 0, 0, 0) < 0 ||
	    (mipc_sys(SYS_fcntl, fd, F_GETFL, 0, 0, 0, 0) & O_ACCMODE) ==
	    O_RDONLY)
		return NULL;
	mipc_sys_fd_path(fd, path);
	n = mipc_sys_readlink(AT_FDCWD, path, link, sizeof(link));
	if (n < 0)
		return NULL;
	for (file = proc_files; file->path != NULL; file++)
		if (is_named(link, (size_t)n, file->path))
			return file;
	return NULL;
}

/*
 * What we do ourselves is not looked at: where the library has no door of its
 * own to the kernel (sys_call.h), it calls these names.
 */
static __thread bool busy __attribute__((tls_model("initial-exec")));

bool
proc_enter(void)
{
	bool outer = busy;

	busy = true;
	return outer;
}

void
proc_leave(bool outer)
{
	busy = outer;
}

static const struct proc_file *
watched(int fd)
{
	return watches() && !busy ? proc_of(fd) : NULL;
}

void
proc_mark_clean(int fd)
{
	const long never[4] = { 0, 0, 0, 0 };

	mipc_sys(SYS_utimensat, fd, 0, (long)never, 0, 0, 0);
}

/* --- setting ----------------------------------------------------------- */

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static const char *
skip_spaces(const char *text)
{
	while (is_space(*text))
		text++;
	return text;
}

/* A number as the kernel reads it, in C's three bases; false: EINVAL. */
static bool
read_number(const char **text, bool *negative, unsigned long long *out)
{
	const char *digits = *text;
	char *end;

	*negative = digits[0] == '-' && digits[1] != '\0';
	if (*negative)
		digits++;
	if (*digits < '0' || *digits > '9')
		return false;
	errno = 0;
	*out = strtoull(digits, &end, 0);
	if (errno != 0 || *out > ULONG_MAX || end - *text >= NUMBER_SIZE ||
	    (*end != '\0' && strchr(" \t\n", *end) == NULL))
		return false;
	*text = end;
	return true;
}

/* 0, or the errno of the kernel. */
static int
set_number(struct mipc_ns *ns, const struct proc_file *file, int i,
    bool negative, unsigned long long value)
{
	if (file->wide ? negative : value > INT_MAX || (negative && value > 0))
		return EINVAL;
	if (mipc_limit(ns, file->number[i], NULL, &value) == 0)
		return 0;
	/* The number of sets is judged apart from those beside it. */
	return errno == EINVAL && i == PROC_NUMBERS - 1 ? ERANGE : errno;
}

/* How many bytes of the text were read, or a negative errno. */
static ssize_t
set_numbers(const struct proc_file *file, const char *text)
{
	struct mipc_ns *ns = preload_namespace();
	const char *at = text;
	unsigned long long value;
	bool negative;
	int error, i;

	if (ns == NULL)
		return -errno;
	for (i = 0; i < PROC_NUMBERS && file->number[i] != NULL; i++) {
		at = skip_spaces(at);
		if (*at == '\0')
			break;
		if (!read_number(&at, &negative, &value))
			return -EINVAL;
		error = set_number(ns, file, i, negative, value);
		if (error != 0)
			return -error;
	}
	return i == 0 ? -EINVAL : skip_spaces(at) - text;
}

/* The memory of a descriptor, whatever that may do with it. */
static int
reopen(int fd)
{
	char path[40];

	mipc_sys_fd_path(fd, path);
	return mipc_sys_move_high(mipc_sys_open(AT_FDCWD, path,
	    O_RDWR | O_CLOEXEC, 0));
}

/* Show the numbers of now to who may read them through the descriptor. */
static void
show_again(const struct proc_file *file, int fd, int memory)
{
	struct mipc_ns *ns = preload_namespace();

	mipc_sys_truncate_fd(memory, 0);
	if (ns != NULL && (mipc_sys(SYS_fcntl, fd, F_GETFL, 0, 0, 0, 0) &
	    O_ACCMODE) == O_RDWR)
		proc_show(ns, file, memory);
	proc_mark_clean(memory);
}

static long
position(int fd)
{
	return mipc_sys(SYS_lseek, fd, 0, SEEK_CUR, 0, 0, 0);
}

/*
 * Take what was written by others than us: 0 or an errno.  As in the kernel
 * only what stands at the beginning counts.
 */
static int
take(int fd, const struct proc_file *file)
{
	char text[TEXT_SIZE];
	struct stat st;
	ssize_t n = 0;
	long end = position(fd);
	int memory;

	if (mipc_sys_fstat(fd, &st) < 0 ||
	    (st.st_mtim.tv_sec == 0 && st.st_mtim.tv_nsec == 0))
		return 0;
	memory = reopen(fd);
	if (memory < 0)
		return -memory;
	if (end <= 0 || end > st.st_size)
		end = (long)st.st_size;
	n = mipc_sys_pread(memory, text, (size_t)end < sizeof(text) ?
	    (size_t)end : sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	n = n > 0 && text[0] != '\0' ? set_numbers(file, text) : 0;
	show_again(file, fd, memory);
	mipc_sys_close(memory);
	return n < 0 ? (int)-n : 0;
}

/* What the kernel answers to a write at `at`; `at` is -1 for the position. */
static ssize_t
answer(int fd, const struct proc_file *file, const void *bytes, size_t size,
    int64_t at)
{
	bool moves = at == -1;
	char text[TEXT_SIZE];
	size_t n = size < sizeof(text) ? size : sizeof(text) - 1;
	ssize_t done = (ssize_t)size;
	int memory;

	if (moves)
		at = position(fd);
	if (size == 0)
		return 0;
	if (!preload_readable(bytes, n))
		return -EFAULT;
	memcpy(text, bytes, n);
	text[n] = '\0';
	if (at == 0)
		done = set_numbers(file, text);
	if (done < 0)
		return done;
	memory = reopen(fd);
	if (memory >= 0) {
		show_again(file, fd, memory);
		mipc_sys_close(memory);
	}
	if (moves)
		mipc_sys(SYS_lseek, fd, done, SEEK_CUR, 0, 0, 0);
	return done;
}

static ssize_t
answered(int fd, const struct proc_file *file, const void *bytes, size_t size,
    int64_t at)
{
	bool outer = proc_enter();
	ssize_t done = answer(fd, file, bytes, size, at);

	proc_leave(outer);
	if (done >= 0)
		return done;
	errno = (int)-done;
	return -1;
}

/* --- libc's names ------------------------------------------------------ */

PRELOAD_NEXT(write);
PRELOAD_NEXT(close);
PRELOAD_NEXT(dup2);
PRELOAD_NEXT(dup3);
PRELOAD_NEXT(fflush);
PRELOAD_NEXT(fclose);
PRELOAD_NEXT(fileno);

MIPC_PUBLIC ssize_t
write(int fd, const void *bytes, size_t size)
{
	__typeof__(&write) real = NEXT(write);
	const struct proc_file *file = watched(fd);

	if (file != NULL)
		return answered(fd, file, bytes, size, -1);
	return real == NULL ? -1 : real(fd, bytes, size);
}

/* By the names that the linker knows, whatever a header makes of them. */
#define PWRITE(name, type)						\
	ssize_t	proc_##name(int, const void *, size_t, type)		\
		    __asm__(#name) MIPC_PUBLIC;				\
	PRELOAD_NEXT(name);						\
									\
	ssize_t								\
	proc_##name(int fd, const void *bytes, size_t size, type at)	\
	{								\
		__typeof__(&proc_##name) real =				\
		    (__typeof__(real))preload_next(&next_##name, #name); \
		const struct proc_file *file = watched(fd);		\
									\
		if (file != NULL && at >= 0)				\
			return answered(fd, file, bytes, size, at);	\
		return real == NULL ? -1 : real(fd, bytes, size, at);	\
	}

PWRITE(pwrite, long)
PWRITE(pwrite64, int64_t)

/* What a descriptor still has to say before it goes; 0 or -1 with errno. */
static int
settle(int fd)
{
	const struct proc_file *file = watched(fd);
	bool outer;
	int error;

	if (file == NULL)
		return 0;
	outer = proc_enter();
	error = take(fd, file);
	proc_leave(outer);
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

/* It is closed in any case; the error is the write's that was not seen. */
MIPC_PUBLIC int
close(int fd)
{
	__typeof__(&close) real = NEXT(close);
	int settled = settle(fd), error = errno;

	if (real == NULL || real(fd) == -1)
		return -1;
	errno = error;
	return settled;
}

MIPC_PUBLIC int
dup2(int from, int to)
{
	__typeof__(&dup2) real = NEXT(dup2);

	if (from != to)
		settle(to);
	return real == NULL ? -1 : real(from, to);
}

MIPC_PUBLIC int
dup3(int from, int to, int flags)
{
	__typeof__(&dup3) real = NEXT(dup3);

	settle(to);
	return real == NULL ? -1 : real(from, to, flags);
}

/* The error is the stream's too, as if its write had failed. */
static int
settle_stream(FILE *stream)
{
	int settled = settle(NEXT(fileno)(stream));

#ifdef _IO_ERR_SEEN
	if (settled == -1)
		stream->_flags |= _IO_ERR_SEEN;
#endif
	return settled;
}

static int
flush(FILE *stream)
{
	__typeof__(&fflush) real = NEXT(fflush);

	if (real == NULL || real(stream) == EOF)
		return EOF;
	if (stream == NULL || !watches())
		return 0;
	return settle_stream(stream) == -1 ? EOF : 0;
}

MIPC_PUBLIC int
fflush(FILE *stream)
{
	return flush(stream);
}

MIPC_PUBLIC int
fclose(FILE *stream)
{
	__typeof__(&fclose) real = NEXT(fclose);
	int settled = 0, error;

	if (real == NULL)
		return EOF;
	if (watches() && proc_of(NEXT(fileno)(stream)) != NULL)
		settled = flush(stream);
	error = errno;
	if (real(stream) == EOF)
		return EOF;
	errno = error;
	return settled;
}

/* What a program leaves to the exit, which flushes streams after us. */
static void __attribute__((destructor))
settle_all(void)
{
	__typeof__(&fflush) real = NEXT(fflush);

	if (!watches() || real == NULL)
		return;
	real(NULL);
	for (int fd = 0; fd < DESCRIPTORS; fd++)
		settle(fd);
}

/* --- exec -------------------------------------------------------------- */

bool
preload_hands_down(void)
{
	if (!watches())
		return false;
	for (int fd = 0; fd < DESCRIPTORS; fd++)
		if (proc_of(fd) != NULL)
			return true;
	return false;
}

size_t
preload_count(char *const envp[])
{
	size_t n = 0;

	while (envp != NULL && envp[n] != NULL)
		n++;
	return n;
}

char *const *
preload_hand_down(char *const envp[], char **space)
{
	static char mark[] = INHERITED "=1";
	size_t n = preload_count(envp);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(envp[i], mark) == 0)
			return envp;
		space[i] = envp[i];
	}
	space[n] = mark;
	space[n + 1] = NULL;
	return space;
}
