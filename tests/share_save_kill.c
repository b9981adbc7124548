/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * share_save_kill.c - who saves what workers share, killed after each of its
 * system calls: there is the old file or the new, and the lock goes on.
 */
#include "kill.h"

#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mipc.h"
#include "victim.h"

enum { SIZE = 200000 };

static const struct timespec patience = { .tv_sec = 10 };
static char dir[PATH_MAX], path[PATH_MAX + 16];
static char *share;

static void
save(void)
{
	if (mipc_share_save(share, path, 1, &patience) != 0)
		_exit(1);
}

/* What the file holds: all of it the same, or '?'. */
static char
held(void)
{
	char *loaded = mipc_share_load(path, SIZE), found;

	if (loaded == NULL)
		return '?';
	found = memcmp(loaded, loaded + 1, SIZE - 1) == 0 ? loaded[0] : '?';
	mipc_share_leave(loaded);
	return found;
}

static void
write_old(void)
{
	memset(share, 'o', SIZE);
	save();
	memset(share, 'n', SIZE);
}

/* What is wrong when it is killed after so many calls. */
static const char *
kill_after(uint32_t calls, unsigned *deaths, unsigned found[2])
{
	const struct point p = { .calls = calls };
	bool drifted = false;
	pid_t born = 0, pid;
	int locked;
	char which;

	write_old();
	pid = victim_start(save);
	trace_to(pid, &p, &born, &drifted);
	victim_end(pid);
	which = held();
	if (which != 'o' && which != 'n')
		return "there is neither the old file nor the new";
	found[which == 'n']++;
	locked = mipc_share_lock(share, &patience);
	if (locked == -1)
		return "nobody gets the lock";
	*deaths += locked == 1;
	if (mipc_share_unlock(share) != 0)
		return "the lock is not given back";
	save();
	return held() != 'n' || harness_files(dir) != 1 ?
	    "the next save does not put it right" : NULL;
}

int
main(void)
{
	unsigned bad = 0, deaths = 0, found[2] = { 0, 0 };
	const char *what;
	uint32_t calls;
	pid_t pid;

	if (!trace_available()) {
		puts("1..0 # SKIP no single step on this machine");
		return 0;
	}
	snprintf(dir, sizeof(dir), "%s/save", harness_dir());
	if (mkdir(dir, 0700) != 0)
		harness_die("%s: %s", dir, strerror(errno));
	snprintf(path, sizeof(path), "%s/file", dir);
	share = mipc_share(SIZE);
	if (share == NULL)
		harness_die("mipc_share: %s", strerror(errno));
	tap_plan(1);
	write_old();
	pid = victim_start(save);
	calls = trace_calls(pid);
	victim_end(pid);
	for (uint32_t i = 0; i <= calls; i++) {
		what = kill_after(i, &deaths, found);
		if (what != NULL && bad++ == 0)
			tap_note("killed after call %u: %s", i, what);
	}
	tap_ok(bad == 0 && calls > 10 && deaths > 0 && found[0] > 0 &&
	    found[1] > 0, "killed after each of %u calls it leaves the old "
	    "file %u times and the new %u, and the lock to others, who are "
	    "told %u times", calls, found[0], found[1], deaths);
	return tap_end();
}
