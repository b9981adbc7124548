/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk.c - all that a loss of power may leave; disk.h says what is assumed.
 */
#include "disk.h"

#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ptrace.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	FILES = 64,		/* inodes, and names */
	ENTRIES = 4096,
	FEW = 12,		/* entries of which every subset is an image */
	SAMPLES = 2000,		/* of more */
};

/* A file's contents; grown by realloc(). */
struct bytes {
	unsigned char *at;
	size_t size;
};

struct name {
	char text[NAME_MAX + 1];
	ino_t ino;
};

/* The directory, as it is or as it may be left. */
struct disk_image {
	unsigned nfiles, nnames;
	struct {
		ino_t ino;
		struct bytes bytes;
	} file[FILES];
	struct name name[FILES];
};

enum what { BLOCK, LENGTH, NAMES };

struct entry {
	enum what what;
	unsigned call;			/* after which it was there */
	unsigned durable;		/* from this call on; UINT_MAX: not */
	ino_t ino;
	size_t offset;			/* of a block; or the length */
	unsigned char *block;
	unsigned nnames;
	struct name *names;		/* ino 0: it is gone */
};

static struct {
	struct disk_image before, now;
	struct entry entry[ENTRIES];
	unsigned n, calls;
	ino_t dir;
} *l;

/* ---- contents ---- */

static struct bytes *
contents_of(struct disk_image *image, ino_t ino)
{
	for (unsigned i = 0; i < image->nfiles; i++)
		if (image->file[i].ino == ino)
			return &image->file[i].bytes;
	if (image->nfiles == FILES)
		harness_die("more files than are followed");
	image->file[image->nfiles].ino = ino;
	image->file[image->nfiles].bytes = (struct bytes){ NULL, 0 };
	return &image->file[image->nfiles++].bytes;
}

static void
set_length(struct bytes *b, size_t size)
{
	b->at = realloc(b->at, size + 1);
	if (b->at == NULL)
		harness_die("no memory");
	if (size > b->size)
		memset(b->at + b->size, 0, size - b->size);
	b->size = size;
}

static void
put_block(struct bytes *b, size_t offset, const unsigned char *block)
{
	size_t n = offset >= b->size ? 0 : b->size - offset;

	memcpy(b->at + offset, block, n < DISK_BLOCK ? n : DISK_BLOCK);
}

static void
set_name(struct disk_image *image, const struct name *name)
{
	for (unsigned i = 0; i < image->nnames; i++)
		if (strcmp(image->name[i].text, name->text) == 0) {
			image->name[i].ino = name->ino;
			return;
		}
	if (image->nnames == FILES)
		harness_die("more names than are followed");
	image->name[image->nnames++] = *name;
}

static ino_t
ino_of(const struct disk_image *image, const char *name)
{
	for (unsigned i = 0; i < image->nnames; i++)
		if (strcmp(image->name[i].text, name) == 0)
			return image->name[i].ino;
	return 0;
}

const unsigned char *
disk_file(const struct disk_image *image, const char *name, size_t *size)
{
	ino_t ino = ino_of(image, name);

	for (unsigned i = 0; ino != 0 && i < image->nfiles; i++)
		if (image->file[i].ino == ino) {
			*size = image->file[i].bytes.size;
			return image->file[i].bytes.at;
		}
	*size = 0;
	return ino == 0 ? NULL : (const unsigned char *)"";
}

static void
copy_image(struct disk_image *to, const struct disk_image *from)
{
	*to = *from;
	for (unsigned i = 0; i < to->nfiles; i++) {
		to->file[i].bytes = (struct bytes){ NULL, 0 };
		set_length(&to->file[i].bytes, from->file[i].bytes.size);
		memcpy(to->file[i].bytes.at, from->file[i].bytes.at,
		    to->file[i].bytes.size);
	}
}

static void
free_image(struct disk_image *image)
{
	for (unsigned i = 0; i < image->nfiles; i++)
		free(image->file[i].bytes.at);
	image->nfiles = image->nnames = 0;
}

/* ---- the log ---- */

static struct entry *
add(enum what what, ino_t ino)
{
	struct entry *e = &l->entry[l->n++];

	if (l->n == ENTRIES)
		harness_die("more is done than is followed");
	*e = (struct entry){ .what = what, .ino = ino, .call = l->calls,
	    .durable = UINT_MAX };
	return e;
}

/* What the file has of a block, zeros behind its end. */
static void
read_block(int fd, size_t offset, unsigned char *block)
{
	memset(block, 0, DISK_BLOCK);
	if (pread(fd, block, DISK_BLOCK, (off_t)offset) == -1)
		harness_die("pread: %s", strerror(errno));
}

static void
note_block(struct bytes *b, ino_t ino, int fd, size_t offset)
{
	unsigned char now[DISK_BLOCK], was[DISK_BLOCK] = { 0 };
	size_t n = b->size - offset;
	struct entry *e;

	read_block(fd, offset, now);
	memcpy(was, b->at + offset, n < DISK_BLOCK ? n : DISK_BLOCK);
	if (memcmp(now, was, DISK_BLOCK) == 0)
		return;
	e = add(BLOCK, ino);
	e->offset = offset;
	e->block = malloc(DISK_BLOCK);
	memcpy(e->block, now, DISK_BLOCK);
	put_block(b, offset, now);
}

/* A file by a path of the tracer's. */
static void
note_file(const char *path)
{
	struct stat st;
	struct bytes *b;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd == -1)
		return;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    st.st_size > (off_t)DISK_BLOCK * ENTRIES) {
		close(fd);
		return;
	}
	b = contents_of(&l->now, st.st_ino);
	if ((size_t)st.st_size != b->size) {
		add(LENGTH, st.st_ino)->offset = (size_t)st.st_size;
		set_length(b, (size_t)st.st_size);
	}
	for (size_t at = 0; at < b->size; at += DISK_BLOCK)
		note_block(b, st.st_ino, fd, at);
	close(fd);
}

/* Call `each` for what is in a directory. */
static void
scan(const char *dir, void (*each)(const char *dir, const char *name))
{
	DIR *d = opendir(dir);
	struct dirent *e;

	if (d == NULL)
		harness_die("%s: %s", dir, strerror(errno));
	while ((e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			each(dir, e->d_name);
	closedir(d);
}

static void
note_one(const char *dir, const char *name)
{
	char path[2 * PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	note_file(path);
}

static dev_t filesystem;

/* A descriptor, if it is of the same filesystem as the directory. */
static void
note_open(const char *dir, const char *name)
{
	char path[2 * PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (stat(path, &st) == 0 && st.st_dev == filesystem)
		note_file(path);
}

static struct disk_image seen;

static void
see_name(const char *dir, const char *text)
{
	char path[2 * PATH_MAX];
	struct name name;
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", dir, text);
	if (lstat(path, &st) == -1)
		return;
	snprintf(name.text, sizeof(name.text), "%s", text);
	name.ino = st.st_ino;
	set_name(&seen, &name);
}

static void
change_name(struct entry **e, const struct name *name)
{
	if (*e == NULL) {
		*e = add(NAMES, l->dir);
		(*e)->names = calloc(2 * FILES, sizeof(*name));
	}
	(*e)->names[(*e)->nnames++] = *name;
	set_name(&l->now, name);
}

static void
note_names(const char *dir)
{
	struct entry *e = NULL;
	struct name gone;

	seen.nnames = 0;
	scan(dir, see_name);
	for (unsigned i = 0; i < seen.nnames; i++)
		if (ino_of(&l->now, seen.name[i].text) != seen.name[i].ino)
			change_name(&e, &seen.name[i]);
	for (unsigned i = 0; i < l->now.nnames; i++) {
		gone = l->now.name[i];
		if (gone.ino == 0 || ino_of(&seen, gone.text) != 0)
			continue;
		gone.ino = 0;
		change_name(&e, &gone);
	}
}

static void
make_durable(pid_t pid, long fd)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/fd/%ld", pid, fd);
	if (stat(path, &st) == -1)
		return;
	for (unsigned i = 0; i < l->n; i++)
		if (l->entry[i].ino == st.st_ino &&
		    l->entry[i].durable == UINT_MAX)
			l->entry[i].durable = l->calls;
}

/* ---- the program that is traced ---- */

static void
look(pid_t pid, const char *dir)
{
	char open_files[64];

	snprintf(open_files, sizeof(open_files), "/proc/%d/fd", pid);
	scan(open_files, note_open);
	scan(dir, note_one);
	note_names(dir);
}

static bool
is_sync(unsigned long long number)
{
	return number == SYS_fsync || number == SYS_fdatasync;
}

/* Until it stops itself. */
static void
follow(pid_t pid, const char *dir)
{
	struct __ptrace_syscall_info info;
	long synced = -1;
	int status;

	for (;;) {
		if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) == -1 ||
		    waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
			harness_die("the traced program came to a bad end");
		if (WSTOPSIG(status) != (SIGTRAP | 0x80))
			return;
		memset(&info, 0, sizeof(info));
		ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info);
		if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
			synced = is_sync(info.entry.nr) ?
			    (long)info.entry.args[0] : -1;
			continue;
		}
		l->calls++;
		look(pid, dir);
		if (synced != -1 && info.exit.rval == 0)
			make_durable(pid, synced);
	}
}

static void
run(const struct disk_test *t)
{
	struct stat st;
	int status;
	pid_t pid;

	if (stat(t->dir, &st) == -1)
		harness_die("%s: %s", t->dir, strerror(errno));
	filesystem = st.st_dev;
	l->dir = st.st_ino;
	scan(t->dir, note_one);
	note_names(t->dir);
	l->n = 0;			/* all that is durable */
	copy_image(&l->before, &l->now);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		t->body(t->arg);
		raise(SIGSTOP);
		_exit(0);
	}
	if (pid == -1 || waitpid(pid, &status, 0) != pid)
		harness_die("fork: %s", strerror(errno));
	ptrace(PTRACE_SETOPTIONS, pid, NULL,
	    PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD);
	follow(pid, t->dir);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* ---- the images ---- */

static void
apply(struct disk_image *image, const struct entry *e)
{
	struct bytes *b;

	if (e->what == NAMES) {
		for (unsigned i = 0; i < e->nnames; i++)
			set_name(image, &e->names[i]);
		return;
	}
	b = contents_of(image, e->ino);
	if (e->what == LENGTH)
		set_length(b, e->offset);
	else
		put_block(b, e->offset, e->block);
}

/* One choice of the entries that are not durable at a call. */
static void
judge(const struct disk_test *t, struct disk_result *r, unsigned call,
    const bool *chosen)
{
	static struct disk_image image;
	const char *what;
	unsigned open = 0;

	copy_image(&image, &l->before);
	for (unsigned i = 0; i < l->n && l->entry[i].call <= call; i++)
		if (l->entry[i].durable <= call || chosen[open++])
			apply(&image, &l->entry[i]);
	what = t->judge(&image, call == l->calls, t->arg);
	free_image(&image);
	r->images++;
	if (what != NULL && r->bad++ == 0)
		r->what = what;
}

/* The nth choice: all of them if they are few; else first none, all, each
 * alone, all but each, and then some at random. */
static bool
choose(bool *chosen, unsigned open, unsigned nth, struct rng *rng)
{
	if (open <= FEW) {
		for (unsigned i = 0; i < open; i++)
			chosen[i] = nth >> i & 1;
		return nth < 1u << open;
	}
	for (unsigned i = 0; i < open; i++)
		chosen[i] = nth < 2 ? nth == 1 : nth < 2 + open ?
		    i == nth - 2 : nth < 2 + 2 * open ?
		    i != nth - 2 - open : rng_chance(rng, 50);
	return nth < 2 + 2 * open + SAMPLES;
}

static void
fail_after(const struct disk_test *t, struct disk_result *r, unsigned call,
    struct rng *rng)
{
	static bool chosen[ENTRIES];
	unsigned open = 0;

	for (unsigned i = 0; i < l->n; i++)
		open += l->entry[i].call <= call && l->entry[i].durable > call;
	for (unsigned nth = 0; choose(chosen, open, nth, rng); nth++)
		judge(t, r, call, chosen);
}

static void
clear(void)
{
	for (unsigned i = 0; i < l->n; i++) {
		free(l->entry[i].block);
		free(l->entry[i].names);
	}
	free_image(&l->before);
	free_image(&l->now);
	l->n = l->calls = 0;
}

void
disk_try(const struct disk_test *t, struct disk_result *r)
{
	struct rng rng;

	if (l == NULL && (l = calloc(1, sizeof(*l))) == NULL)
		harness_die("no memory");
	*r = (struct disk_result){ .calls = 0 };
	rng_seed(&rng, t->seed);
	run(t);
	r->calls = l->calls;
	r->entries = l->n;
	for (unsigned call = 0; call <= l->calls; call++)
		fail_after(t, r, call, &rng);
	clear();
}
