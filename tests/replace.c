/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replace.c - what mipc_replace_file() keeps, follows and refuses.
 */
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "mipc.h"

enum { LARGE = 100000, TIMES = 200 };

static char large[LARGE];

static bool
fails(int result, int error)
{
	return result == -1 && errno == error;
}

static int
put(const char *path, const char *text)
{
	return mipc_replace_file(path, text, strlen(text), 0666);
}

/* Either text, in one look. */
static bool
holds_either(const char *path, const char *a, const char *b)
{
	char found[100] = "";
	int fd = open(path, O_RDONLY);
	ssize_t n = fd == -1 ? -1 : read(fd, found, sizeof(found) - 1);

	close(fd);
	return n >= 0 && (strcmp(found, a) == 0 || strcmp(found, b) == 0);
}

static bool
holds(const char *path, const char *text)
{
	return holds_either(path, text, text);
}

static struct stat
stat_of(const char *path)
{
	struct stat st = { .st_mode = 0 };

	stat(path, &st);
	return st;
}

/* Files whose names begin with a dot. */
static int
count_hidden(void)
{
	struct dirent *e;
	DIR *d = opendir(".");
	int n = -2;

	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] == '.';
	closedir(d);
	return n;
}

static void
test_modes(void)
{
	const uid_t uid = geteuid() == 0 ? 1234 : geteuid();

	umask(027);
	tap_ok(put("new", "one") == 0 && holds("new", "one") &&
	    (stat_of("new").st_mode & 07777) == 0640,
	    "a new file has its mode, less the umask");
	chmod("new", 04751);
	tap_ok(put("new", "two") == 0 && holds("new", "two") &&
	    (stat_of("new").st_mode & 07777) == 04751,
	    "one that is replaced passes on its mode");
	if (chown("new", uid, (gid_t)-1) != 0)
		tap_note("chown: %s", strerror(errno));
	chmod("new", 0604);
	tap_ok(put("new", "") == 0 && holds("new", "") &&
	    stat_of("new").st_uid == uid &&
	    (stat_of("new").st_mode & 07777) == 0604, "and its owner");
	if (setxattr("new", "user.mipc", "kept", 4, 0) != 0) {
		tap_skip("no extended attributes here", "and its attributes");
	} else {
		char value[8] = "";

		tap_ok(put("new", "three") == 0 && getxattr("new",
		    "user.mipc", value, sizeof(value)) == 4 &&
		    strcmp(value, "kept") == 0, "and its attributes");
	}
}

static void
test_links(void)
{
	mkdir("below", 0700);
	if (symlink("below/far", "near") != 0 || symlink("near", "next") != 0 ||
	    symlink("round", "round") != 0)
		tap_note("symlink: %s", strerror(errno));
	tap_ok(put("next", "one") == 0 && holds("below/far", "one") &&
	    put("next", "two") == 0 && holds("below/far", "two"),
	    "links are followed, to a file that is not there yet, too");
	tap_ok(readlink("next", large, 10) == 4 &&
	    readlink("near", large, 10) == 9, "and stay");
	tap_ok(fails(put("round", "x"), ELOOP), "one that leads to itself is "
	    "refused");
}

static void
test_refused(void)
{
	char name[300];

	memset(name, 'x', sizeof(name));
	name[299] = '\0';
	mkfifo("pipe", 0600);
	tap_ok(fails(put("below", "x"), EISDIR) &&
	    fails(put("below/", "x"), EISDIR) &&
	    fails(put("..", "x"), EISDIR) && fails(put("pipe", "x"), EINVAL) &&
	    fails(put("", "x"), ENOENT) && fails(put(NULL, "x"), EINVAL) &&
	    fails(put("none/x", "x"), ENOENT) &&
	    fails(put("new/x", "x"), ENOTDIR) &&
	    fails(put(name, "x"), ENAMETOOLONG),
	    "what is no file is refused");
	name[255] = '\0';
	tap_ok(put(name, "long") == 0 && holds(name, "long"),
	    "the longest name is none too long");
}

static void
write_too_much(void)
{
	const struct rlimit limit = { 1000, 1000 };

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	_exit(fails(mipc_replace_file("new", large, sizeof(large), 0600),
	    EFBIG) ? 0 : 1);
}

static void
test_errors(void)
{
	int status = 1;
	pid_t pid;

	put("new", "old");
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		write_too_much();
	waitpid(pid, &status, 0);
	tap_ok(status == 0 && holds("new", "old") && count_hidden() == 0,
	    "an error leaves the old file and nothing else");
}

/* Nobody who opens it sees anything but one of the two. */
static void
replace_often(const char *text)
{
	for (int i = 0; i < TIMES; i++)
		if (put("shared", text) != 0)
			_exit(1);
	_exit(0);
}

static void
test_together(void)
{
	static const char *const text[2] = { "one", "another" };
	int status, left = 2, bad = 0;
	unsigned looks = 0;
	pid_t pid;

	put("shared", text[0]);
	fflush(NULL);
	for (int i = 0; i < 2; i++)
		if (fork() == 0)
			replace_often(text[i]);
	while (left > 0) {
		bad += !holds_either("shared", text[0], text[1]);
		looks++;
		pid = waitpid(-1, &status, WNOHANG);
		left -= pid > 0;
		bad += pid > 0 && status != 0;
	}
	tap_ok(bad == 0 && count_hidden() == 0, "two that replace one file "
	    "%d times each do not disturb each other, in %u looks", TIMES,
	    looks);
}

int
main(void)
{
	if (chdir(harness_dir()) != 0)
		harness_die("%s: %s", harness_dir(), strerror(errno));
	tap_plan(11);
	test_modes();
	test_links();
	test_refused();
	test_errors();
	test_together();
	return tap_end();
}
