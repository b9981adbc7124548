/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipcrun.c - run a program on mipc.
 *
 * Chooses the namespace, names it and the preload module in the environment
 * and becomes the program: no process stays in between.  Only --private
 * needs somebody who stays (guard.c).
 *
 * A program the module cannot be loaded into is refused: it would run, on
 * the kernel's IPC, and nobody would notice.
 */
#include "mipcrun.h"

#include "../preload/raw.h"
#include "../preload/sister.h"
#include "../preload/target.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODULE	"mipc-preload.so"

/* What separates the names in LD_LIBRARY_PATH. */
#define LIBRARY_SEPARATORS	":;"

/* Where the module is, and what it is called in LD_PRELOAD. */
struct module {
	char path[PATH_MAX];
	char name[PATH_MAX];
};

static int
take_limit(const struct option_row *row, void *command, const char *text)
{
	struct run *run = command;

	(void)row;
	return limits_add(&run->limits, text, EXIT_FAILED);
}

static int
take_trace(const struct option_row *row, void *command, const char *file)
{
	struct run *run = command;

	(void)row;
	run->trace = true;
	run->trace_file = file;
	return -1;
}

#define SET(field)	OPTION_SET(struct run, field, true)

static const struct option_row rows[] = {
	{ 0, "shared", NULL, "make the namespace of --dir usable by every "
	    "user (mode 1777)", SET(shared) },
	{ 0, "private", NULL, "use a new namespace, gone when PROGRAM and all "
	    "that it started are gone", SET(private) },
	{ 0, "limit", "NAME=VALUE", LIMITS_HELP, OPTION_CALL(take_limit) },
	{ 0, "raw", NULL, "also answer system calls that do not go through "
	    "libc; what cannot be preloaded is killed by them", SET(raw) },
	{ 0, "strict", NULL, "do not execute what cannot be preloaded later "
	    "on", SET(strict) },
	{ 0, "trace", "[FILE]", "write a line for each call to FILE, or to "
	    "standard error", OPTION_CALL(take_trace) },
	OPTIONS_COMMON(struct run)
};

static const char *const synopsis[] = {
	"[--dir DIR [--shared]] [options] [--] PROGRAM [ARGUMENT]...",
	"--private [options] [--] PROGRAM [ARGUMENT]...",
	NULL
};

static const struct option_table options = {
	.program = "mipcrun",
	.synopsis = synopsis,
	.about = "Run PROGRAM with mipc's System V IPC in place of the "
	    "kernel's. A namespace that is missing is made.",
	.rows = rows,
	.nrows = sizeof(rows) / sizeof(rows[0]),
	.exits = "Exits with PROGRAM's status; 125 if mipcrun fails, 126 if "
	    "PROGRAM cannot be executed or preloaded, 127 if it is not "
	    "found, 2 for wrong usage.",
	.failed = EXIT_FAILED,
	.runs = 1,
	.words = limits_words,
};

/* Read the command line.  Returns an exit code, or -1 to go on. */
static int
parse(int argc, char **argv, struct run *run)
{
	const int code = options_read(&options, argc, argv, run);

	if (code != -1)
		return code;
	run->argv = argv + optind;
	if (run->argv[0] == NULL)
		warnx("no program is named");
	else if (run->private && run->dir != NULL)
		warnx("--private: its namespace is a new one, not that of "
		    "--dir");
	else if (run->shared && run->dir == NULL)
		warnx("--shared: it needs --dir");
	else
		return -1;
	return options_refuse(&options);
}

/* 0, or an exit status after a message: PROGRAM must not be run. */
static int
judge(const struct run *run)
{
	enum target_verdict verdict;
	struct target target;
	char path[PATH_MAX];
	bool refused;

	if (!target_find(run->argv[0], path, sizeof(path)))
		return 0;		/* execvp() will say it best */
	verdict = target_judge(AT_FDCWD, path, 0, getenv("LD_PRELOAD"),
	    &target);
	if (verdict == TARGET_UNKNOWN || verdict == TARGET_GOOD)
		return 0;
	refused = verdict == TARGET_BARRED || run->strict;
	warnx("%s %s the kernel's System V IPC: %s%s%s%s", path,
	    refused ? "is not run, it would use" : "may use",
	    target.through[0] == '\0' ? "" : "of its interpreter ",
	    target.through, target.through[0] == '\0' ? "" : ", ",
	    target.why);
	return refused ? EXIT_NOT_RUN : 0;
}

/* The module of the build directory that this program is in, if it is. */
static bool
beside_program(char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 1);
	char *slash;

	if (n <= 0)
		return false;
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL)
		return false;
	n = slash - path;
	if (snprintf(slash, size - (size_t)n, "/.libs/" MODULE) >=
	    (int)(size - (size_t)n))
		return false;
	return access(path, R_OK) == 0;
}

/*
 * The absolute path of the module; false after a message.  Where a module
 * for other programs, too, is found by $LIB, the name has that in it; but a
 * name that LD_PRELOAD cannot express has not: see preload().
 */
static bool
find_module(struct module *module)
{
	const char *asked = getenv("MIPC_PRELOAD");
	char path[PATH_MAX];

	if (asked == NULL || *asked == '\0') {
		if (beside_program(module->path, PATH_MAX)) {
			strcpy(module->name, module->path);
			return true;
		}
		asked = MODULES "/" MODULE;
	}
	errno = ENAMETOOLONG;
	if (!sister_expand(asked, path, PATH_MAX) ||
	    realpath(path, module->path) == NULL ||
	    access(module->path, R_OK) == -1) {
		warnx("cannot read the preload module %s: %s", asked,
		    strerror(errno));
		return false;
	}
	strcpy(module->name, asked[0] == '/' && sister_exists(asked) &&
	    strpbrk(asked, SISTER_SEPARATORS) == NULL ? asked : module->path);
	return true;
}

/* True if `list` holds `word`, between separators or at an end. */
static bool
holds(const char *list, const char *word, const char *separators)
{
	size_t length = strlen(word);

	for (;;) {
		size_t n = strcspn(list, separators);

		if (n == length && strncmp(list, word, n) == 0)
			return true;
		if (list[n] == '\0')
			return false;
		list += n + 1;
	}
}

/* Add a word to a list in the environment, behind what is there. */
static bool
append(const char *name, const char *word, const char *separators)
{
	const char *old = getenv(name);
	char *list;
	int error;

	if (old == NULL || *old == '\0')
		return setenv(name, word, 1) == 0;
	if (holds(old, word, separators))
		return true;
	if (asprintf(&list, "%s:%s", old, word) == -1)
		return false;
	error = setenv(name, list, 1);
	free(list);
	return error == 0;
}

/*
 * The loader cuts LD_PRELOAD at spaces and colons and knows no way to quote
 * them.  Where the module's path has a space, its directory goes into
 * LD_LIBRARY_PATH, which is not cut there, and its name alone is preloaded.
 */
static bool
preload(char *path)
{
	char *slash = strrchr(path, '/');

	if (strpbrk(path, SISTER_SEPARATORS) == NULL)
		return append("LD_PRELOAD", path, SISTER_SEPARATORS);
	*slash = '\0';
	if (strpbrk(path, LIBRARY_SEPARATORS) != NULL) {
		errno = EINVAL;
		return false;
	}
	return append("LD_LIBRARY_PATH", path, LIBRARY_SEPARATORS) &&
	    append("LD_PRELOAD", slash + 1, SISTER_SEPARATORS);
}

/* The name of what is beside the module; false if it is too long. */
static bool
beside(const char *module, char out[static PATH_MAX])
{
	const char *slash = strrchr(module, '/');

	return snprintf(out, PATH_MAX, "%.*s/" RAW_MODULE,
	    (int)(slash - module), module) < PATH_MAX;
}

static bool
preload_raw(const struct module *module)
{
	struct module raw;

	errno = ENAMETOOLONG;
	if (!beside(module->path, raw.path) ||
	    !beside(module->name, raw.name) ||
	    access(raw.path, R_OK) == -1) {
		warnx("cannot read %s: %s", raw.path, strerror(errno));
		return false;
	}
	if (preload(raw.name) && setenv(RAW_ENVIRONMENT, "1", 1) == 0)
		return true;
	warnx("cannot preload %s: %s", raw.path, strerror(errno));
	return false;
}

/* Say in the environment what is to be preloaded; false after a message. */
static bool
preload_all(const struct run *run)
{
	struct module module;

	if (!find_module(&module) || (run->raw && !preload_raw(&module)))
		return false;
	if (preload(module.name))
		return true;
	warnx("cannot preload %s: %s", module.path, strerror(errno));
	return false;
}

/* A descriptor of a number that programs do not take, kept across exec. */
static int
put_away(int fd)
{
	static const int lowest[] = { 1000, 200, 10 };
	int high = -1;

	for (size_t i = 0; i < 3 && high == -1; i++)
		high = fcntl(fd, F_DUPFD, lowest[i]);
	return high;
}

/*
 * Open the trace and say in the environment where it is: the descriptor, what
 * it is open on, and the path, for those that have closed it.
 */
static bool
begin_trace(const char *file)
{
	char place[PATH_MAX + 80], path[PATH_MAX] = "";
	int fd = STDERR_FILENO, high;
	struct stat st;

	if (file != NULL) {
		fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND |
		    O_CLOEXEC | O_NOCTTY, 0666);
		if (fd == -1 || realpath(file, path) == NULL)
			return false;
	}
	high = put_away(fd);
	if (high == -1 || fstat(high, &st) == -1)
		return false;
	snprintf(place, sizeof(place), "%d:%ju:%ju:%s", high,
	    (uintmax_t)st.st_dev, (uintmax_t)st.st_ino, path);
	return setenv("MIPC_TRACE", place, 1) == 0;
}

int
execute(const struct run *run, const char *dir)
{
	int error;

	if (setenv("MIPC_DIR", dir, 1) == -1 ||
	    (run->strict && setenv("MIPC_STRICT", "1", 1) == -1)) {
		warn("environment");
		return EXIT_FAILED;
	}
	if (run->raw && !raw_begin()) {
		warn("--raw: no calls can be trapped");
		return EXIT_FAILED;
	}
	execvp(run->argv[0], run->argv);
	error = errno;
	warnx("%s: %s", run->argv[0], strerror(error));
	return error == ENOENT || error == ENOTDIR ? EXIT_NOT_FOUND :
	    EXIT_NOT_RUN;
}

/*
 * The absolute path of the namespace, for a relative one would mean another
 * place after a chdir().  One that was asked for exists by now; the default
 * one need not.  False with errno.
 */
static bool
absolute_dir(const struct run *run, char path[static PATH_MAX])
{
	char name[PATH_MAX];
	size_t n;

	if (run->dir != NULL)
		return realpath(run->dir, path) != NULL;
	if (mipc_default_dir(name, sizeof(name)) == -1)
		return false;
	path[0] = '\0';
	if (name[0] != '/' && getcwd(path, PATH_MAX) == NULL)
		return false;
	n = strlen(path);
	errno = ENAMETOOLONG;
	return snprintf(path + n, PATH_MAX - n, n > 0 ? "/%s" : "%s", name) <
	    (int)(PATH_MAX - n);
}

/* Open the namespace that was asked for, if it must be, and go. */
static int
run_shared(const struct run *run)
{
	struct mipc_ns *ns = NULL;
	char dir[PATH_MAX];
	int error;

	if (run->dir != NULL)
		ns = mipc_open(run->dir, MIPC_CREAT |
		    (run->shared ? MIPC_SHARED : 0));
	else if (run->limits.n > 0)
		ns = mipc_default();
	if (ns == NULL && (run->dir != NULL || run->limits.n > 0)) {
		warnx("%s", mipc_reason());
		return EXIT_FAILED;
	}
	error = ns == NULL ? -1 : limits_set(&run->limits, ns, EXIT_FAILED);
	if (error != -1)
		return error;
	if (!absolute_dir(run, dir)) {
		warnx("%s: %s", run->dir == NULL ? "default namespace" :
		    run->dir, strerror(errno));
		return EXIT_FAILED;
	}
	return execute(run, dir);
}

int
main(int argc, char **argv)
{
	struct run run = { .dir = NULL };
	int error;

	error = parse(argc, argv, &run);
	if (error != -1)
		return error;
	if (!preload_all(&run))
		return EXIT_FAILED;
	error = judge(&run);
	if (error != 0)
		return error;
	if (run.trace && !begin_trace(run.trace_file)) {
		warnx("%s: %s", run.trace_file == NULL ? "standard error" :
		    run.trace_file, strerror(errno));
		return EXIT_FAILED;
	}
	return run.private ? run_private(&run) : run_shared(&run);
}
