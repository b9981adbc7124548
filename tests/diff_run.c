/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_run.c - rounds, lies, options and TAP of the differential tests.
 *
 *	--seed N	repeat a run
 *	--ops N		operations in all rounds together
 *	--round NAME	only the rounds of this name, as long as one would be
 *	--skip A-B,...	leave out these steps (of a test that can)
 *	--broken KIND	one side lies; the run must end at a difference
 *	--known		list the known differences
 *
 * The first round compares the kernel with itself, in two IPC namespaces: a
 * difference there is the test's own.  The last lines each show that a lie of
 * one kind is seen.
 */
#include "diff_run.h"

#include <sys/mman.h>
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

#include "kernel.h"

#define PATIENCE	1500.0	/* seconds for a round */

struct diff_can can;

static const struct diff_test *test;
static unsigned *steps;		/* of the last sequence; shared */
static unsigned made;		/* in all sequences of a round */
static struct spans skip;	/* --skip */

/* ---- an IPC namespace of our own ---- */

static bool
write_text(int fd, const char *text)
{
	bool good;

	if (fd == -1)
		return false;
	good = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return good;
}

bool
diff_write_file(const char *path, const char *text)
{
	return write_text(open(path, O_WRONLY | O_CLOEXEC), text);
}

bool
diff_write_kernel(const char *path, const char *text)
{
	return write_text(kernel_open(path, O_WRONLY | O_CLOEXEC), text);
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
	if (!diff_write_file("/proc/self/uid_map", map) ||
	    !diff_write_file("/proc/self/setgroups", "deny"))
		return false;
	snprintf(map, sizeof(map), "%u %u 1\n", gid, gid);
	if (!diff_write_file("/proc/self/gid_map", map))
		return false;
	drop_capabilities();
	return true;
}

bool
diff_enter_namespace(void)
{
	return unshare(CLONE_NEWIPC) == 0 || enter_as_user();
}

void
diff_enter_two(int namespace[SIDES])
{
	for (int side = SIDES - 1; side >= 0; side--) {
		if (unshare(CLONE_NEWIPC) == -1)
			harness_die("unshare: %s", strerror(errno));
		namespace[side] = open("/proc/self/ns/ipc",
		    O_RDONLY | O_CLOEXEC);
		if (namespace[side] == -1)
			harness_die("/proc/self/ns/ipc: %s", strerror(errno));
	}
}

void *
diff_memory(size_t size, int *fd)
{
	void *p;

	*fd = (int)syscall(SYS_memfd_create, "diff", 0);
	if (*fd == -1 || ftruncate(*fd, (off_t)size) == -1)
		harness_die("memfd: %s", strerror(errno));
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (p == MAP_FAILED)
		harness_die("mmap: %s", strerror(errno));
	return p;
}

/* ---- what can be done here, each tried in a child ---- */

static bool
has_oracle(void)
{
	return diff_enter_namespace() && test->oracle();
}

static bool
is_admin(void)
{
	return unshare(CLONE_NEWIPC) == 0 &&
	    diff_write_kernel("/proc/sys/kernel/shmmni", "24\n");
}

static bool
can_change_uid(void)
{
	return geteuid() == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
	    setresuid(NOBODY, NOBODY, NOBODY) == 0 &&
	    access(harness_dir(), X_OK) == 0;
}

static bool
in_child(bool (*tried)(void))
{
	const pid_t pid = fork();

	if (pid == -1)
		harness_die("fork: %s", strerror(errno));
	if (pid == 0)
		_exit(!tried());
	return harness_reap(pid, PATIENCE) == 0;
}

/* ---- a round: sequences in processes of their own ---- */

int
diff_sequence(const struct config *c, bool silent)
{
	static unsigned number;
	int status;
	pid_t pid;

	number++;
	pid = harness_fork();
	if (pid == 0) {
		if (silent && freopen("/dev/null", "w", stdout) == NULL)
			_exit(SEQUENCE_TROUBLE);
		status = test->sequence(c, number, steps);
		fflush(stdout);
		_exit(status);
	}
	status = harness_reap(pid, PATIENCE);
	return status != -1 && WIFEXITED(status) ? WEXITSTATUS(status) :
	    SEQUENCE_TROUBLE;
}

unsigned
diff_steps(void)
{
	return *steps;
}

/* One sequence after the other, till there were as many operations. */
static int
round_status(const struct config *shape, size_t number)
{
	struct config c = *shape;
	unsigned left = shape->ops;
	int status;

	made = 0;
	for (;;) {
		c.ops = c.stretch != 0 && c.stretch < left ? c.stretch : left;
		/* The differences of a liar are expected, so not told. */
		status = diff_sequence(&c, c.broken != NULL);
		made += *steps;
		if (status != SEQUENCE_EQUAL && status != SEQUENCE_PARTED)
			break;
		if (*steps >= left)
			return SEQUENCE_EQUAL;
		left -= *steps;
		c.seed += 1000;
	}
	if (status == SEQUENCE_DIFFERS && c.broken == NULL &&
	    test->bad != NULL)
		test->bad(&c, number);
	return status;
}

/* ---- the program ---- */

static const char *
lacks(const struct config *c)
{
	if ((c->store == STORE_KERNEL || c->forced) && !can.admin)
		return "needs CAP_SYS_ADMIN and a writable /proc/sys/kernel";
	return NULL;
}

/* The status of a round or lie, with what is to be said after it. */
static int
whole_status(const struct config *c, size_t number)
{
	const int status = round_status(c, number);

	if (test->done != NULL)
		test->done(c);
	return status;
}

static void
test_round(size_t number, unsigned ops, uint64_t seed)
{
	struct config c = test->rounds[number];

	c.ops = c.ops * ops / 100 + 1;	/* shares are percent */
	c.seed = seed;
	c.skip = skip.n > 0 ? &skip : NULL;
	if (lacks(&c) != NULL)
		tap_skip(lacks(&c), "%s", c.name);
	else
		tap_ok(whole_status(&c, number) == SEQUENCE_EQUAL,
		    "%u operations agree: %s, seed %llu", c.ops, c.name,
		    (unsigned long long)seed);
}

/* Whether there are rounds on this store, in this program. */
static bool
is_there(enum store store)
{
	return !kernel_is_apart || store == STORE_DIR;
}

/* What processes lie about on one side they may lie about on any. */
static enum store
store_of(const struct lie *lie)
{
	return kernel_is_apart && lie->store == STORE_KERNEL ? STORE_DIR :
	    lie->store;
}

static int
lie_status(const struct lie *lie, uint64_t seed)
{
	const struct config c = {
		.name = lie->kind, .store = store_of(lie), .observe = 1,
		.ops = test->lie_ops, .stretch = test->rounds[0].stretch,
		.seed = seed, .broken = lie->kind, .hasty = true
	};

	return lacks(&c) != NULL ? -1 : whole_status(&c, 0);
}

static void
test_lie(const struct lie *lie, uint64_t seed)
{
	const struct config c = { .store = store_of(lie) };
	const int status = lie_status(lie, seed);

	if (status == -1)
		tap_skip(lacks(&c), "a lie about %s", lie->kind);
	else
		tap_ok(status == SEQUENCE_DIFFERS, "a lie about %s is seen",
		    lie->kind);
}

static int
count_tests(void)
{
	int n = 0;

	for (size_t i = 0; i < test->nrounds; i++)
		n += is_there(test->rounds[i].store);
	for (size_t i = 0; i < test->nlies; i++)
		n += is_there(store_of(&test->lies[i]));
	return n;
}

static int
run_all(uint64_t seed, unsigned ops, const char *only)
{
	tap_plan(count_tests());
	tap_note("--seed %llu --ops %u", (unsigned long long)seed, ops);
	test->note();
	for (size_t i = 0; i < test->nrounds; i++)
		if (!is_there(test->rounds[i].store))
			continue;
		else if (only == NULL || strcmp(only, test->rounds[i].name) ==
		    0)
			test_round(i, ops, seed + i);
		else
			tap_skip("not chosen", "%s", test->rounds[i].name);
	for (size_t i = 0; i < test->nlies; i++)
		if (!is_there(store_of(&test->lies[i])))
			continue;
		else if (only == NULL)
			test_lie(&test->lies[i], seed + i);
		else
			tap_skip("not chosen", "a lie about %s",
			    test->lies[i].kind);
	return tap_end();
}

static int
run_broken(const char *kind, uint64_t seed)
{
	for (size_t i = 0; i < test->nlies; i++) {
		int status;

		if (strcmp(test->lies[i].kind, kind) != 0)
			continue;
		status = lie_status(&test->lies[i], seed);
		tap_note("a lie about %s: %s in %u steps", kind,
		    status == SEQUENCE_DIFFERS ? "seen" : "not seen", made);
		return status;
	}
	harness_die("--broken %s: no such kind", kind);
}

/* "3-7,9": what --skip leaves out. */
static void
parse_skip(const char *text)
{
	while (*text != '\0' && skip.n < SPANS) {
		char *end;

		skip.first[skip.n] = (unsigned)strtoul(text, &end, 10);
		skip.last[skip.n] = *end != '-' ? skip.first[skip.n] :
		    (unsigned)strtoul(end + 1, &end, 10);
		if (end == text || (*end != ',' && *end != '\0'))
			harness_die("--skip %s: not a list of steps", text);
		skip.n++;
		text = *end == ',' ? end + 1 : end;
	}
}

int
diff_main(int argc, char **argv, const struct diff_test *which)
{
	const char *only = NULL, *broken = NULL;
	unsigned ops = which->ops;
	uint64_t seed = rng_entropy();

	test = which;
	if (argc == 2 && strcmp(argv[1], "--known") == 0) {
		test->note();
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
		else if (strcmp(name, "--skip") == 0)
			parse_skip(value);
		else if (strcmp(name, "--broken") == 0)
			broken = value;
		else
			harness_die("%s: unknown option", name);
	}
	kernel_guard();
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
