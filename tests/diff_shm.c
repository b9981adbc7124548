/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_shm.c - shared memory: the same random operations on the kernel and
 * on mipc, compared step by step.  See diff.h for how.
 *
 *	--seed N	repeat a run
 *	--ops N		operations in all rounds together (default 15000)
 *	--round NAME	only the rounds of this name, as long as one would be
 *	--broken KIND	mipc's side lies; the run must end at a difference
 *	--known		list the known differences
 *
 * The first round compares the kernel with itself, in two IPC namespaces: a
 * difference there is the test's own.  The last lines each show that a lie of
 * one kind is seen.
 */
#include "diff.h"

#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE	1500.0	/* seconds for a round */
#define PARTED		5	/* exit status: a known difference, no way on */
#define LIE_OPS		3000	/* within which a lie must be seen */

/* What this process and machine allow; found out once. */
static struct {
	bool oracle;		/* an IPC namespace of our own with SysV IPC */
	bool admin;		/* by privilege, so also a second one */
	bool uids;		/* children can become somebody else */
} can;

/* ---- an IPC namespace of our own ---- */

static bool
write_file(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good;

	if (fd == -1)
		return false;
	good = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return good;
}

static void
drop_capabilities(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct data[2];

	memset(data, 0, sizeof(data));
	if (syscall(SYS_capset, &head, data) == -1)
		harness_die("capset: %s", strerror(errno));
}

/* As an ordinary user: a user namespace in which we are who we were. */
static bool
enter_as_user(void)
{
	const unsigned uid = geteuid(), gid = getegid();
	char map[64];

	if (unshare(CLONE_NEWUSER | CLONE_NEWIPC) == -1)
		return false;
	snprintf(map, sizeof(map), "%u %u 1\n", uid, uid);
	if (!write_file("/proc/self/uid_map", map) ||
	    !write_file("/proc/self/setgroups", "deny"))
		return false;
	snprintf(map, sizeof(map), "%u %u 1\n", gid, gid);
	if (!write_file("/proc/self/gid_map", map))
		return false;
	drop_capabilities();
	return true;
}

static bool
enter_own_namespace(void)
{
	return unshare(CLONE_NEWIPC) == 0 || enter_as_user();
}

/* Two IPC namespaces, and back into the first. */
static void
enter_two(struct world *w)
{
	for (int side = SIDES - 1; side >= 0; side--) {
		if (unshare(CLONE_NEWIPC) == -1)
			harness_die("unshare: %s", strerror(errno));
		w->namespace[side] = open("/proc/self/ns/ipc",
		    O_RDONLY | O_CLOEXEC);
		if (w->namespace[side] == -1)
			harness_die("/proc/self/ns/ipc: %s", strerror(errno));
	}
}

/* ---- what can be done here, each tried in a child ---- */

static bool
has_oracle(void)
{
	int id;

	if (!enter_own_namespace())
		return false;
	id = shmget(IPC_PRIVATE, 1, 0600);
	return id != -1 && shmctl(id, IPC_RMID, NULL) == 0;
}

static bool
is_admin(void)
{
	return unshare(CLONE_NEWIPC) == 0 &&
	    write_file("/proc/sys/kernel/shmmni", "24\n");
}

static bool
can_change_uid(void)
{
	return geteuid() == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
	    setresuid(NOBODY, NOBODY, NOBODY) == 0 &&
	    access(harness_dir(), X_OK) == 0;
}

static bool
in_child(bool (*test)(void))
{
	const pid_t pid = fork();

	if (pid == -1)
		harness_die("fork: %s", strerror(errno));
	if (pid == 0)
		_exit(!test());
	return harness_reap(pid, PATIENCE) == 0;
}

/* ---- a round: sequences in processes of their own ---- */

static unsigned *steps;		/* of the last sequence; shared */

static struct world *
make_world(const struct config *c, unsigned number)
{
	const int fd = (int)syscall(SYS_memfd_create, "diff", 0);
	struct world *w;

	if (fd == -1 || ftruncate(fd, sizeof(*w)) == -1)
		harness_die("memfd: %s", strerror(errno));
	w = mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (w == MAP_FAILED)
		harness_die("mmap: %s", strerror(errno));
	w->driver = getpid();
	w->store = c->store;
	w->fd = fd;
	snprintf(w->dir, sizeof(w->dir), "%.4000s/ns%u", harness_dir(),
	    number);
	return w;
}

static bool
may_map_executable(void)
{
	struct statvfs st;

	return statvfs(harness_dir(), &st) == 0 &&
	    (st.f_flag & ST_NOEXEC) == 0;
}

static void
run_round(const struct config *c, unsigned number)
{
	static struct driver d;
	bool equal;

	d.config = c;
	d.world = make_world(c, number);
	rng_seed(&d.rng, c->seed);
	if (c->store == STORE_KERNEL)
		enter_two(d.world);
	else if (!enter_own_namespace())
		harness_die("no IPC namespace: %s", strerror(errno));
	d.uids = can.uids && c->store != STORE_KERNEL;
	d.execs = c->store != STORE_DIR || may_map_executable();
	d.world->areas = side_reserve(d.world);
	if (!side_open(d.world, true))
		_exit(2);
	equal = drive(&d);
	tap_note("%s: %u steps; shmget %u shmat %u shmdt %u shmctl %u fork "
	    "%u kill %u", c->name, d.step + 1, d.count[OP_GET],
	    d.count[OP_AT], d.count[OP_DT], d.count[OP_CTL],
	    d.count[OP_FORK], d.count[OP_KILL]);
	*steps = d.step + 1;
	_exit(!equal ? 1 : d.parted ? PARTED : 0);
}

/* The exit status of a sequence: 0 equal, 1 a difference, else trouble. */
static int
sequence_status(const struct config *c)
{
	static unsigned number;
	int status;
	pid_t pid;

	number++;
	fflush(stdout);
	pid = fork();
	if (pid == -1)
		harness_die("fork: %s", strerror(errno));
	if (pid == 0) {
		harness_die_with_parent();
		if (c->broken != NULL &&	/* expected, so not told */
		    freopen("/dev/null", "w", stdout) == NULL)
			_exit(2);
		run_round(c, number);
	}
	status = harness_reap(pid, PATIENCE);
	return status != -1 && WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}

/* One sequence after the other, till there were as many operations. */
static int
round_status(const struct config *shape)
{
	struct config c = *shape;
	int status;

	for (;;) {
		status = sequence_status(&c);
		if (status != PARTED)
			return status;
		if (*steps >= c.ops)
			return 0;
		c.ops -= *steps;
		c.seed += 1000;
	}
}

/* ---- the program ---- */

static const struct config rounds[] = {
	{ .name = "kernel against itself", .store = STORE_KERNEL,
	    .observe = 1, .ops = 15 },
	{ .name = "directory", .store = STORE_DIR, .observe = 1, .ops = 35 },
	{ .name = "anonymous", .store = STORE_ANON, .observe = 1, .ops = 25 },
	{ .name = "directory seldom looked at", .store = STORE_DIR,
	    .observe = 7, .ops = 15 },
	{ .name = "directory with shm_rmid_forced", .store = STORE_DIR,
	    .forced = true, .observe = 1, .ops = 10 },
};
#define ROUNDS	(sizeof(rounds) / sizeof(rounds[0]))

static const char *const lies[] = {
	"nattch", "dest", "lpid", "time", "errno", "memory", "key"
};
#define LIES	(sizeof(lies) / sizeof(lies[0]))

static void
test_round(const struct config *shape, unsigned ops, uint64_t seed)
{
	struct config c = *shape;

	c.ops = c.ops * ops / 100 + 1;	/* shares are percent */
	c.seed = seed;
	if ((c.store == STORE_KERNEL || c.forced) && !can.admin)
		tap_skip("needs CAP_SYS_ADMIN and a writable "
		    "/proc/sys/kernel", "%s", c.name);
	else
		tap_ok(round_status(&c) == 0, "%u operations agree: %s, seed "
		    "%llu", c.ops, c.name, (unsigned long long)seed);
}

static void
test_lie(const char *kind, uint64_t seed)
{
	const struct config c = {
		.name = kind, .store = STORE_DIR, .observe = 1,
		.ops = LIE_OPS, .seed = seed, .broken = kind
	};

	tap_ok(round_status(&c) == 1, "a lie about %s is seen", kind);
}

static int
run_all(uint64_t seed, unsigned ops, const char *only)
{
	tap_plan(ROUNDS + LIES);
	tap_note("--seed %llu --ops %u", (unsigned long long)seed, ops);
	known_note();
	for (size_t i = 0; i < ROUNDS; i++)
		if (only == NULL || strcmp(only, rounds[i].name) == 0)
			test_round(&rounds[i], ops, seed + i);
		else
			tap_skip("not chosen", "%s", rounds[i].name);
	for (size_t i = 0; i < LIES; i++)
		if (only == NULL)
			test_lie(lies[i], seed + i);
		else
			tap_skip("not chosen", "a lie about %s", lies[i]);
	return tap_end();
}

static int
run_broken(const char *kind, uint64_t seed)
{
	struct config c = rounds[1];

	if (!model_can_spoil(kind))
		harness_die("--broken %s: no such kind", kind);
	c.ops = LIE_OPS;
	c.seed = seed;
	c.broken = kind;
	return round_status(&c);
}

int
main(int argc, char **argv)
{
	const char *only = NULL, *broken = NULL;
	unsigned ops = 15000;
	uint64_t seed = rng_entropy();

	if (argc == 4 && strcmp(argv[1], "--worker") == 0)
		worker_reborn(argv[2], argv[3]);
	if (argc == 2 && strcmp(argv[1], "--known") == 0) {
		known_note();
		return 0;
	}
	for (int i = 1; i < argc; i++) {
		const char *name = argv[i];
		const char *value = harness_value(argc, argv, &i);

		if (strcmp(name, "--seed") == 0)
			seed = strtoull(value, NULL, 0);
		else if (strcmp(name, "--ops") == 0)
			ops = (unsigned)strtoul(value, NULL, 0);
		else if (strcmp(name, "--round") == 0)
			only = value;
		else if (strcmp(name, "--broken") == 0)
			broken = value;
		else
			harness_die("%s: unknown option", name);
	}
	harness_dir();
	steps = harness_shared(sizeof(*steps));
	can.oracle = in_child(has_oracle);
	can.admin = in_child(is_admin);
	can.uids = in_child(can_change_uid);
	if (!can.oracle) {
		puts("1..0 # SKIP no IPC namespace of its own (unshare)");
		return 0;
	}
	return broken != NULL ? run_broken(broken, seed) :
	    run_all(seed, ops, only);
}
