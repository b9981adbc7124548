/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * place.c - the private place of a run: an IPC namespace that dies with the
 * program, and a directory for mipc that is removed at its end.
 */
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define SHMMNI		"/proc/sys/kernel/shmmni"
#define MOST_OBJECTS	32768U
#define MOST_SETS	32000U	/* SEMMNI, unless somebody lowered it */
/* What an object of mipc takes beside its data, generously. */
#define OBJECT_BYTES	(8 * KIB)
#define OBJECT_INODES	4
#define QUICK_SIZE	(16 * MIB)
#define QUICK_COUNT	5000U

static int
write_file(const char *path, const char *text)
{
	const ssize_t len = (ssize_t)strlen(text);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ok;

	if (fd == -1)
		return -1;
	ok = write(fd, text, (size_t)len) == len;
	close(fd);
	return ok ? 0 : -1;
}

/* A number that follows `field` in a file, or `otherwise`. */
static uint64_t
read_number(const char *path, const char *field, uint64_t otherwise)
{
	const size_t skip = strlen(field);
	FILE *f = fopen(path, "re");
	uint64_t value = otherwise;
	char line[160];

	if (f == NULL)
		return otherwise;
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, field, skip) == 0 &&
		    sscanf(line + skip, "%ju", &value) == 1)
			break;
	fclose(f);
	return value;
}

/*
 * An IPC namespace of our own: as root by itself, else inside a user
 * namespace where we are root, so that its limits can be set.
 */
static int
leave_ipc(void)
{
	char map[64];

	if (unshare(CLONE_NEWIPC) == 0)
		return 0;
	snprintf(map, sizeof(map), "0 %u 1", (unsigned)geteuid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWIPC) == -1)
		return -1;
	return write_file("/proc/self/uid_map", map);
}

/* Fill `why` if the kernel's side cannot be measured. */
static void
try_kernel(char *why)
{
	int id;

	if (leave_ipc() == -1) {
		snprintf(why, BENCH_NOTE, "left out: no IPC namespace of our "
		    "own: unshare: %s", strerror(errno));
		return;
	}
	id = shmget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
	if (id == -1) {
		snprintf(why, BENCH_NOTE, "left out: the kernel has no System "
		    "V shared memory: shmget: %s", strerror(errno));
		return;
	}
	shmctl(id, IPC_RMID, NULL);
	write_file(SHMMNI, "32768");	/* if it may not: see bench_fit() */
}

/* The module: $MIPC_PRELOAD, beside this program, or as installed. */
static void
find_module(struct bench_place *p)
{
	const char *named = getenv("MIPC_PRELOAD");
	ssize_t len = readlink("/proc/self/exe", p->self, sizeof(p->self) - 1);
	char *slash;

	p->self[len > 0 ? len : 0] = '\0';
	slash = strrchr(p->self, '/');
	if (named != NULL) {
		snprintf(p->module, sizeof(p->module), "%s", named);
	} else if (slash != NULL && slash - p->self < 400) {
		snprintf(p->module, sizeof(p->module),
		    "%.*s/.libs/mipc-preload.so", (int)(slash - p->self),
		    p->self);
		if (access(p->module, R_OK) == -1)
			snprintf(p->module, sizeof(p->module),
			    "%s/mipc-preload.so", MODULEDIR);
	}
	if (access(p->module, R_OK) == -1)
		p->module[0] = '\0';
}

int
bench_place_make(struct bench_place *p)
{
	const char *tmp = getenv("TMPDIR");
	const char *home[] = { "/dev/shm", tmp ? tmp : "/tmp", "/tmp" };

	memset(p, 0, sizeof(*p));
	for (size_t i = 0; i < sizeof(home) / sizeof(*home); i++) {
		if (strlen(home[i]) > sizeof(p->dir) - 32)
			continue;
		snprintf(p->dir, sizeof(p->dir), "%s/mipc-bench.XXXXXX",
		    home[i]);
		if (mkdtemp(p->dir) != NULL)
			break;
		p->dir[0] = '\0';
	}
	if (p->dir[0] == '\0')
		return -1;
	snprintf(p->peer, sizeof(p->peer), "%.31s",
	    strrchr(p->dir, '/') + 1);
	find_module(p);
	try_kernel(p->kernel);
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path) == -1 && errno != ENOENT;
}

/* The names that shm_open() and sem_open() sides of a stopped run left. */
static void
sweep_names(const char *peer)
{
	DIR *dir = opendir("/dev/shm");
	const struct dirent *e;
	size_t len = strlen(peer);

	if (dir == NULL)
		return;
	while ((e = readdir(dir)) != NULL) {
		const char *name = e->d_name;

		if (strncmp(name, "sem.", 4) == 0)
			name += 4;
		if (strncmp(name, peer, len) == 0 && name[len] == '.')
			unlinkat(dirfd(dir), e->d_name, 0);
	}
	closedir(dir);
}

/* Remove what a row left, so that the next one starts with an empty place. */
void
bench_place_sweep(const struct bench_place *p)
{
	char ns[160];

	snprintf(ns, sizeof(ns), "%s/ns", p->dir);
	nftw(ns, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	sweep_names(p->peer);
}

void
bench_place_remove(const struct bench_place *p)
{
	nftw(p->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	sweep_names(p->peer);
}

/* Free bytes of the file system that the segments live on. */
static uint64_t
free_space(const struct bench_place *p, uint64_t *inodes)
{
	struct statvfs v;

	*inodes = 0;
	if (statvfs(p->dir, &v) == -1)
		return 0;
	*inodes = v.f_files == 0 ? UINT64_MAX : v.f_favail;
	return (uint64_t)v.f_bavail * v.f_frsize;
}

/* Memory that may be used, of the machine and of our control group. */
static uint64_t
free_memory(void)
{
	uint64_t most = read_number("/sys/fs/cgroup/memory.max", "",
	    UINT64_MAX);
	uint64_t used = read_number("/sys/fs/cgroup/memory.current", "", 0);
	uint64_t free = read_number("/proc/meminfo", "MemAvailable:",
	    UINT64_MAX / KIB) * KIB;

	most = most > used ? most - used : 0;
	return most < free ? most : free;
}

static void
add_note(struct bench *b, const char *fmt, ...)
{
	const size_t len = strlen(b->note);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(b->note + len, sizeof(b->note) - len, fmt, ap);
	va_end(ap);
}

static unsigned
count_sides(const struct bench_row *row)
{
	unsigned n = 0;

	while (n < BENCH_SIDES && row->side[n].name != NULL)
		n++;
	return n;
}

/* `size` bytes of one segment, on as many sides as have one at once. */
static void
fit_size(const struct bench_row *row, const struct bench_place *p,
    struct bench *b)
{
	const unsigned sides = row->fit == FIT_SIZE_ALL ? count_sides(row) : 1;
	const unsigned named = row->fit == FIT_SIZE_ALL ? 2 : 1;
	uint64_t inodes, most = free_memory() / 2 / sides;
	uint64_t space = free_space(p, &inodes) / 4 * 3 / named;

	if (space < most)
		most = space;
	if (b->size <= most)
		return;
	b->size = most / MIB * MIB;
	if (b->size == 0)
		b->size = most / (64 * KIB) * (64 * KIB);
	if (b->size == 0)
		b->size = 64 * KIB;	/* fails, and says so, if it must */
	add_note(b, "%zu KiB instead of %zu KiB: no space for more; ",
	    b->size / KIB, row->size / KIB);
}

static void
fit_count(const struct bench_row *row, const struct bench_place *p,
    struct bench *b)
{
	uint64_t each = OBJECT_BYTES, inodes, most = MOST_OBJECTS;
	uint64_t space = free_space(p, &inodes) / 4 * 3;
	uint64_t allowed = MOST_OBJECTS;

	if ((row->flags & SHM_NORESERVE) == 0)
		each += 2 * row->size;
	if (space / each < most)
		most = space / each;
	if (inodes / OBJECT_INODES < most)
		most = inodes / OBJECT_INODES;
	if (row->nsems != 0)
		allowed = MOST_SETS;
	else if (p->kernel[0] == '\0')
		allowed = read_number(SHMMNI, "", 4096);
	if (allowed < most)
		most = allowed;
	if (b->count <= most)
		return;
	b->count = most > 0 ? (unsigned)most : 1;
	add_note(b, "%u objects instead of %u: no more by %s; ", b->count,
	    row->count, allowed != most ? "space" :
	    row->nsems != 0 ? "SEMMNI" : SHMMNI);
}

/* Size a row to the machine, and say in b->note what was left out. */
void
bench_fit(const struct bench_row *row, const struct bench_options *opt,
    const struct bench_place *p, struct bench *b)
{
	b->size = row->size;
	b->count = row->count;
	if (row->fit == FIT_SIZE_ONE || row->fit == FIT_SIZE_ALL) {
		if (opt->quick && b->size > QUICK_SIZE) {
			b->size = QUICK_SIZE;
			add_note(b, "%zu MiB instead of %zu MiB: --quick; ",
			    b->size / MIB, row->size / MIB);
		}
		fit_size(row, p, b);
	} else if (row->fit == FIT_COUNT) {
		if (opt->quick && b->count > QUICK_COUNT) {
			b->count = QUICK_COUNT;
			add_note(b, "%u objects instead of %u: --quick; ",
			    b->count, row->count);
		}
		fit_count(row, p, b);
	}
	if (b->note[0] != '\0')		/* without the last "; " */
		b->note[strlen(b->note) - 2] = '\0';
}
