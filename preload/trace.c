/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace.c - where the lines of a trace go, and how one is put together.
 *
 * mipcrun names in the environment a descriptor that programs inherit, with
 * the device and the inode of what it is open on, and a path if it has one.
 * A program may close the descriptor, or have it open on something of its
 * own; so it is looked at before each line, and the path is opened again.
 *
 * A line is made on the stack and written by one system call to a file that
 * is appended to, so that handlers, threads and other processes may do the
 * same at any time, and a process that is killed has written whole lines.
 */
#include "trace.h"

#include <sys/syscall.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum {
	RESULT_COLUMN = 40,	/* where strace puts it */
	MOST_BYTES = 32		/* of a message; strace's number */
};

atomic_int trace_state;

static atomic_int trace_fd = -1;
static uint64_t trace_device, trace_inode;	/* written before it is ON */
static char trace_path[PATH_MAX];		/* so is this */

/* --- where to ---------------------------------------------------------- */

/* "fd:device:inode:path" */
static bool
read_place(const char *text)
{
	char *end;

	if (text == NULL || *text == '\0')
		return false;
	atomic_store_explicit(&trace_fd, (int)strtol(text, &end, 10),
	    memory_order_relaxed);
	if (*end++ != ':')
		return false;
	trace_device = strtoull(end, &end, 10);
	if (*end++ != ':')
		return false;
	trace_inode = strtoull(end, &end, 10);
	if (*end++ != ':' || strlen(end) >= sizeof(trace_path))
		return false;
	strcpy(trace_path, end);
	return true;
}

bool
trace_ask(void)
{
	int error = errno;
	bool on = read_place(secure_getenv("MIPC_TRACE"));

	/* Several threads may ask at once, and store the same. */
	atomic_store_explicit(&trace_state, on ? TRACE_ON : TRACE_OFF,
	    memory_order_release);
	errno = error;
	return on;
}

static bool
is_place(int fd, struct stat *st)
{
	return fd >= 0 && mipc_sys_fstat(fd, st) == 0 &&
	    st->st_dev == trace_device && st->st_ino == trace_inode;
}

/* The descriptor of the trace, or -1. */
static int
place(struct stat *st)
{
	int fd = atomic_load_explicit(&trace_fd, memory_order_relaxed), new;

	if (is_place(fd, st))
		return fd;
	if (trace_path[0] == '\0')
		return -1;
	new = mipc_sys_move_high(mipc_sys_open(AT_FDCWD, trace_path,
	    O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY, 0));
	if (new < 0)
		return -1;
	if (is_place(new, st) &&
	    atomic_compare_exchange_strong(&trace_fd, &fd, new))
		return new;
	/* Another thread was first: its descriptor is as good. */
	mipc_sys_close(new);
	return is_place(fd, st) ? fd : -1;
}

static long
write_to(int fd, const struct trace_line *line)
{
	return mipc_sys(SYS_write, fd, (long)line->text, (long)line->used, 0,
	    0, 0);
}

/* A pipe whose reader is gone ends the trace, and not the program. */
static void
write_to_pipe(int fd, const struct trace_line *line)
{
	const uint64_t pipe_signal = (uint64_t)1 << (SIGPIPE - 1);
	const long no_time[4] = { 0, 0, 0, 0 };
	uint64_t saved;

	mipc_sys_block(&saved);
	if (write_to(fd, line) == -EPIPE) {
		atomic_store_explicit(&trace_state, TRACE_OFF,
		    memory_order_relaxed);
		mipc_sys(SYS_rt_sigtimedwait, (long)&pipe_signal, 0,
		    (long)no_time, sizeof(pipe_signal), 0, 0);
	}
	mipc_sys_restore(&saved);
}

static void
write_line(const struct trace_line *line)
{
	struct stat st;
	int fd = place(&st);

	if (fd < 0)
		return;
	if (S_ISREG(st.st_mode) || S_ISCHR(st.st_mode))
		write_to(fd, line);
	else
		write_to_pipe(fd, line);
}

/* --- what -------------------------------------------------------------- */

static void
add(struct trace_line *line, const char *text, size_t n)
{
	if (n > TRACE_LINE - line->used)
		n = TRACE_LINE - line->used;
	memcpy(line->text + line->used, text, n);
	line->used += n;
}

void
trace_text(struct trace_line *line, const char *text)
{
	add(line, text, strlen(text));
}

static void
add_digits(struct trace_line *line, unsigned long long value, unsigned base)
{
	char digits[24];
	size_t n = sizeof(digits);

	do {
		digits[--n] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value > 0);
	add(line, digits + n, sizeof(digits) - n);
}

void
trace_unsigned(struct trace_line *line, unsigned long long value)
{
	add_digits(line, value, 10);
}

void
trace_number(struct trace_line *line, long long value)
{
	if (value < 0)
		trace_text(line, "-");
	add_digits(line, value < 0 ? 0 - (unsigned long long)value :
	    (unsigned long long)value, 10);
}

void
trace_hex(struct trace_line *line, unsigned long long value)
{
	trace_text(line, "0x");
	add_digits(line, value, 16);
}

void
trace_pointer(struct trace_line *line, const volatile void *pointer)
{
	if (pointer == NULL)
		trace_text(line, "NULL");
	else
		trace_hex(line, (uintptr_t)pointer);
}

void
trace_mode(struct trace_line *line, unsigned mode)
{
	trace_text(line, mode < 010 ? "00" : "0");
	add_digits(line, mode, 8);
}

void
trace_flags(struct trace_line *line, long value, const struct trace_word *word)
{
	const char *bar = "";

	if (value == 0)
		trace_text(line, "0");
	for (; word->name != NULL; word++) {
		if ((value & word->value) != word->value)
			continue;
		trace_text(line, bar);
		trace_text(line, word->name);
		value &= ~word->value;
		bar = "|";
	}
	if (value == 0)
		return;
	trace_text(line, bar);
	trace_hex(line, (unsigned)value);
}

void
trace_choice(struct trace_line *line, long value,
    const struct trace_word *word, const char *unknown)
{
	for (; word->name != NULL; word++)
		if (value == word->value) {
			trace_text(line, word->name);
			return;
		}
	trace_hex(line, (unsigned)value);
	trace_text(line, " /* ");
	trace_text(line, unknown);
	trace_text(line, " */");
}

static void
add_byte(struct trace_line *line, unsigned char c, unsigned char next)
{
	static const char letters[] = "\t\n\v\f\r", names[] = "tnvfr";
	const char *letter = c == '\0' ? NULL : strchr(letters, c);
	char plain[2] = { (char)c, '\0' };

	if (c == '"' || c == '\\' || letter != NULL)
		trace_text(line, "\\");
	if (letter != NULL)
		plain[0] = names[letter - letters];
	if (letter != NULL || (c >= ' ' && c < 0x7f)) {
		trace_text(line, plain);
		return;
	}
	/* A digit behind it must not be taken for its own. */
	trace_text(line, next < '0' || next > '9' || c > 077 ? "\\" :
	    c > 07 ? "\\0" : "\\00");
	add_digits(line, c, 8);
}

void
trace_bytes(struct trace_line *line, const char *bytes, size_t n)
{
	size_t shown = n < MOST_BYTES ? n : MOST_BYTES;

	trace_text(line, "\"");
	for (size_t i = 0; i < shown; i++)
		add_byte(line, (unsigned char)bytes[i], i + 1 < shown ?
		    (unsigned char)bytes[i + 1] : 0);
	trace_text(line, n > shown ? "\"..." : "\"");
}

void
trace_begin(struct trace_line *line, const char *call)
{
	line->used = 0;
	trace_unsigned(line, (unsigned)mipc_sys_tid());
	trace_text(line, " ");
	trace_text(line, call);
	trace_text(line, "(");
}

/* The errors of the calls, and those of opening a namespace. */
static const struct trace_word errors[] = {
	{ E2BIG, "E2BIG (Argument list too long)" },
	{ EACCES, "EACCES (Permission denied)" },
	{ EAGAIN, "EAGAIN (Resource temporarily unavailable)" },
	{ EEXIST, "EEXIST (File exists)" },
	{ EFAULT, "EFAULT (Bad address)" },
	{ EFBIG, "EFBIG (File too large)" },
	{ EIDRM, "EIDRM (Identifier removed)" },
	{ EINTR, "EINTR (Interrupted system call)" },
	{ EINVAL, "EINVAL (Invalid argument)" },
	{ EIO, "EIO (Input/output error)" },
	{ EMFILE, "EMFILE (Too many open files)" },
	{ ENFILE, "ENFILE (Too many open files in system)" },
	{ ENOENT, "ENOENT (No such file or directory)" },
	{ ENOMEM, "ENOMEM (Cannot allocate memory)" },
	{ ENOMSG, "ENOMSG (No message of desired type)" },
	{ ENOSPC, "ENOSPC (No space left on device)" },
	{ ENOSYS, "ENOSYS (Function not implemented)" },
	{ EPERM, "EPERM (Operation not permitted)" },
	{ ERANGE, "ERANGE (Numerical result out of range)" },
	{ 0, NULL }
};

static void
close_bracket(struct trace_line *line)
{
	trace_text(line, ")");
	do
		trace_text(line, " ");
	while (line->used < RESULT_COLUMN);
	trace_text(line, "= ");
}

static void
finish(struct trace_line *line)
{
	if (line->used == TRACE_LINE)
		line->used--;
	trace_text(line, "\n");
	write_line(line);
}

static void
finish_failed(struct trace_line *line)
{
	trace_text(line, "-1 ");
	trace_choice(line, errno, errors, "errno");
	finish(line);
}

void
trace_end(struct trace_line *line, long result)
{
	close_bracket(line);
	if (result == -1) {
		finish_failed(line);
		return;
	}
	trace_number(line, result);
	finish(line);
}

void
trace_end_pointer(struct trace_line *line, const void *result)
{
	close_bracket(line);
	if (result == (void *)-1) {
		finish_failed(line);
		return;
	}
	trace_hex(line, (uintptr_t)result);
	finish(line);
}
