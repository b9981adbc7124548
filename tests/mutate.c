/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mutate.c - random bytes over any file of a namespace never crash or hang
 * what looks at it.
 *
 * Each mutant is some bytes somewhere in a file of a copy that nobody uses;
 * a child runs a command's own main() on it, which must end by itself, soon
 * and with a status that it has.  Then the bytes are put back.  What is drawn
 * depends on the seed and the number of the mutant alone, so that any can be
 * repeated.
 *
 *	--seed N	repeat a run
 *	--count N	mutants (default 20000)
 *	--first N	the number of the first (default 0)
 *	--only NAME	in files whose names begin so
 *	--quiet		say nothing of the first that fails but its number
 */
#include "mutate.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	FILES = 64,
	MOST = 512,		/* bytes that are changed at once */
	WORKERS = 2,
	SECONDS = 20,		/* until a command is said to hang */
	STRANGE = 99		/* status of a sanitizer that found something */
};

const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *
__asan_default_options(void)
{
	return "exitcode=99:detect_leaks=0";
}

const char *
__ubsan_default_options(void)
{
	return "halt_on_error=1:exitcode=99";
}

static struct {
	uint64_t seed;
	unsigned count, first;
	bool quiet;
	const char *only;
} option = { .count = 20000, .only = "" };

struct file {
	char name[64];
	off_t size;
};
static _Atomic uint32_t *over;	/* some worker has found one that fails */
static struct file files[FILES];
static unsigned nfiles;

/* One mutant: where, what, and by which command it is looked at. */
struct mutant {
	const struct file *file;
	off_t at;
	size_t size;
	unsigned char before[MOST], after[MOST];
	unsigned form;
};

/* --- the commands ------------------------------------------------------ */

#define DIRECTORY "\n"		/* stands for its name */

static const struct form {
	int (*run)(int, char **);
	const char *words[8];
} forms[] = {
	{ mipcs_main, { "mipcs", "--dir", DIRECTORY, "-a" } },
	{ mipcs_main, { "mipcs", "--dir", DIRECTORY, "-u" } },
	{ mipcs_main, { "mipcs", "--dir", DIRECTORY, "-l" } },
	{ mipcs_main, { "mipcs", "--dir", DIRECTORY, "-m", "-i", "0" } },
	{ mipcs_main, { "mipcs", "--dir", DIRECTORY, "-s", "-i", "0" } },
	{ mipcs_main, { "mipcs", "--dir", DIRECTORY, "-q", "-i", "0" } },
	{ mipcs_main, { "mipcs", "--dir", DIRECTORY, "-q", "-i", "1" } },
	{ mipcs_main, { "mipcs", "--dir", DIRECTORY, "-q", "-i", "2" } },
	{ mipcs_main, { "mipcs", "--dir", DIRECTORY, "--waits" } },
	{ mipcs_main, { "mipcs", "--dir", DIRECTORY, "--orphans" } },
	{ mipcs_main, { "mipcs", "--dir", DIRECTORY, "--peek", "0" } },
	{ mipcs_main, { "mipcs", "--dir", DIRECTORY, "--peek", "1" } },
	{ mipcs_main, { "mipcs", "--dir", DIRECTORY, "-aJ" } },
	{ mipcs_main, { "mipcs", "--dir", DIRECTORY, "--raw" } },
	{ mipcrm_main, { "mipcrm", "--dir", DIRECTORY, "--dry-run", "-a" } },
	{ mipcck_main, { "mipcck", "--dir", DIRECTORY, "-v" } },
};
enum { FORMS = sizeof(forms) / sizeof(forms[0]) };

/* In a child; never returns. */
static void
run_form(const struct form *form, char *dir)
{
	char *argv[9] = { NULL };
	int argc, null = open("/dev/null", O_RDWR);

	if (null == -1 || dup2(null, 1) == -1 || (option.quiet ||
	    option.count > 1 ? dup2(null, 2) : 2) == -1)
		_exit(STRANGE);
	for (argc = 0; form->words[argc] != NULL; argc++)
		argv[argc] = strcmp(form->words[argc], DIRECTORY) == 0 ? dir :
		    (char *)(uintptr_t)form->words[argc];
	signal(SIGALRM, SIG_DFL);
	alarm(SECONDS);
	exit(form->run(argc, argv));
}

/* --- mutants ----------------------------------------------------------- */

static int
list_files(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	struct stat st;

	if (d == NULL)
		return -1;
	while ((e = readdir(d)) != NULL && nfiles < FILES)
		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) ==
		    0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
		    strncmp(e->d_name, option.only, strlen(option.only)) ==
		    0) {
			snprintf(files[nfiles].name, sizeof(files[0].name),
			    "%.63s", e->d_name);
			files[nfiles++].size = st.st_size;
		}
	closedir(d);
	return nfiles > 0 ? 0 : -1;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct file *)a)->name,
	    ((const struct file *)b)->name);
}

/* Where there is something: half of them among the first bytes. */
static off_t
draw_place(struct rng *r, int fd, off_t size)
{
	const off_t few = size < 2048 ? size : 2048;
	off_t at, data;

	if (rng_chance(r, 50))
		return (off_t)rng_below(r, (unsigned)few);
	at = (off_t)(rng_next(r) % (uint64_t)size);
	data = lseek(fd, at, SEEK_DATA);
	if (data == -1)
		data = lseek(fd, 0, SEEK_DATA);
	if (data == -1 || data == at)
		return at;
	data += (off_t)rng_below(r, 4096);
	return data < size ? data : at;
}

/* Words that look like numbers, places or lives; or bytes. */
static void
draw_bytes(struct rng *r, struct mutant *m)
{
	static const uint64_t known[] = { 0, 1, 2, UINT64_MAX, INT64_MAX,
	    UINT32_MAX, INT32_MAX, 0xffff, 0x8000, 4096, 512, 63 };
	const unsigned kind = rng_below(r, 4);
	uint64_t word;

	for (size_t i = 0; i < m->size; i += sizeof(word)) {
		memcpy(&word, m->before + i, sizeof(word));
		if (kind == 0)
			word = rng_next(r);
		else if (kind == 1)
			word = known[rng_below(r, sizeof(known) /
			    sizeof(known[0]))];
		else if (kind == 2)
			word += (uint64_t)rng_below(r, 9) - 4;
		else
			word ^= 1ull << rng_below(r, 64);
		memcpy(m->after + i, &word, sizeof(word));
	}
}

static int
draw(unsigned number, int dirfd, struct mutant *m)
{
	struct rng r;
	int fd;

	rng_seed(&r, option.seed + number * 0x9e3779b97f4a7c15ull);
	m->form = number % FORMS;
	m->file = &files[rng_below(&r, nfiles)];
	fd = openat(dirfd, m->file->name, O_RDWR | O_CLOEXEC);
	if (fd == -1)
		return -1;
	m->at = draw_place(&r, fd, m->file->size);
	if (rng_chance(&r, 70))
		m->at &= ~(off_t)7;
	m->size = 8u << rng_below(&r, rng_chance(&r, 90) ? 3 : 7);
	if ((off_t)m->size > m->file->size - m->at)
		m->size = (size_t)(m->file->size - m->at);
	memset(m->before, 0, sizeof(m->before));
	if (pread(fd, m->before, m->size, m->at) != (ssize_t)m->size) {
		close(fd);
		return -1;
	}
	draw_bytes(&r, m);
	return fd;
}

/* mipcck's is 4 if anything is damaged, as fsck's. */
static bool
may_end_with(const struct form *form, int code)
{
	return form->run == mipcck_main ? code == 0 || code == 4 : code <= 3;
}

/* What became of it: NULL, or what it should not have. */
static const char *
judge(int status, const struct form *form, char words[64])
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		return "hangs";
	if (WIFSIGNALED(status))
		snprintf(words, 64, "is killed by signal %d",
		    WTERMSIG(status));
	else if (!may_end_with(form, WEXITSTATUS(status)))
		snprintf(words, 64, "ends with %d", WEXITSTATUS(status));
	else
		return NULL;
	return words;
}

static bool
try(unsigned number, char *dir, int dirfd)
{
	char words[64];
	struct mutant m;
	const char *bad = "cannot be made";
	int fd = draw(number, dirfd, &m), status = 0;
	pid_t pid = -1;

	if (fd != -1 && pwrite(fd, m.after, m.size, m.at) ==
	    (ssize_t)m.size) {
		pid = fork();
		if (pid == 0)
			run_form(&forms[m.form], dir);
	}
	if (pid != -1 && waitpid(pid, &status, 0) == pid)
		bad = judge(status, &forms[m.form], words);
	if (fd != -1 && (pwrite(fd, m.before, m.size, m.at) !=
	    (ssize_t)m.size || close(fd) == -1))
		bad = "cannot be undone";
	if (bad == NULL)
		return true;
	tap_note("--seed %llu --first %u --count 1: %s, %zu bytes at %lld: "
	    "%s %s %s %s", (unsigned long long)option.seed, number,
	    m.file->name, m.size, (long long)m.at, forms[m.form].words[0],
	    forms[m.form].words[3], forms[m.form].words[4] == NULL ? "" :
	    forms[m.form].words[4], bad);
	return false;
}

/* Every WORKERS-th of them, on a copy of its own. */
static int
work(unsigned worker, const char *copy)
{
	char dir[PATH_MAX + 16], command[3 * PATH_MAX];
	int fd;

	snprintf(dir, sizeof(dir), "%s.%u", copy, worker);
	snprintf(command, sizeof(command), "cp -a --sparse=always '%s' '%s'",
	    copy, dir);
	if (system(command) != 0 ||
	    (fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return 1;
	for (unsigned i = worker; i < option.count && *over == 0;
	    i += WORKERS)
		if (!try(option.first + i, dir, fd))
			*over = 1;
	return *over != 0;
}

static bool
run_all(const char *copy)
{
	pid_t pid[WORKERS];
	bool good = true;
	int status;

	over = harness_shared(sizeof(*over));
	for (unsigned i = 0; i < WORKERS; i++) {
		pid[i] = fork();
		if (pid[i] == 0)
			_exit(work(i, copy));
	}
	for (unsigned i = 0; i < WORKERS; i++)
		good &= waitpid(pid[i], &status, 0) == pid[i] && status == 0;
	return good;
}

/* Each form ends well before anything is changed. */
static bool
forms_are_fine(char *copy)
{
	int status;
	pid_t pid;

	for (unsigned i = 0; i < FORMS; i++) {
		pid = fork();
		if (pid == 0)
			run_form(&forms[i], copy);
		if (waitpid(pid, &status, 0) != pid || status != 0) {
			tap_note("%s %s: status %#x", forms[i].words[0],
			    forms[i].words[3], (unsigned)status);
			return false;
		}
	}
	return true;
}

static bool
take_options(int argc, char **argv)
{
	option.seed = rng_entropy();
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "0";

		if (strcmp(argv[i], "--quiet") == 0) {
			option.quiet = true;
			continue;
		}
		if (strcmp(argv[i], "--only") == 0)
			option.only = value;
		else if (strcmp(argv[i], "--seed") == 0)
			option.seed = strtoull(value, NULL, 0);
		else if (strcmp(argv[i], "--count") == 0)
			option.count = (unsigned)strtoul(value, NULL, 0);
		else if (strcmp(argv[i], "--first") == 0)
			option.first = (unsigned)strtoul(value, NULL, 0);
		else
			return false;
		i++;
	}
	return true;
}

int
main(int argc, char **argv)
{
	char dir[PATH_MAX], copy[PATH_MAX];
	double begun = harness_now();
	int status = 1;
	pid_t pid;
	bool good;

	if (!take_options(argc, argv))
		return 2;
	snprintf(dir, sizeof(dir), "%s/scene", harness_dir());
	snprintf(copy, sizeof(copy), "%s/copy", harness_dir());
	tap_plan(2);
	/* Another process's, so that this one knows no namespace. */
	pid = fork();
	if (pid == 0)
		_exit(mutate_scene(dir, copy) == -1);
	waitpid(pid, &status, 0);
	good = status == 0 && list_files(copy) == 0 && forms_are_fine(copy);
	tap_ok(good, "every command can look at what there is");
	qsort(files, nfiles, sizeof(files[0]), by_name);
	good = good && run_all(copy);
	tap_ok(good, "%u mutants of %u files neither crash nor hang any",
	    option.count, nfiles);
	tap_note("--seed %llu, %.0f s", (unsigned long long)option.seed,
	    harness_now() - begun);
	return tap_end();
}
