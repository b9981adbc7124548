/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_map_share.c - locks of ranges, and maps handed to others.
 */
#include "check_map.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct timespec at_once, soon = { 0, 30000000 };

static char path[PATH_MAX];
static struct mipc_map *mine;

static struct mipc_map *
lockable(void)
{
	snprintf(path, sizeof(path), "%s", a_file("file", 4 * PAGE));
	return have(mipc_map_open(path, 0, NULL));
}

#define LOCK(map, at, n, kind, timeout) \
	mipc_map_lock((map), (at), (n), MIPC_MAP_##kind, (timeout))

START_TEST(a_range_is_locked_shared_or_exclusive)
{
	struct mipc_map *a = lockable();
	struct mipc_map *b = have(mipc_map_open(path, 0, NULL));
	struct mipc_map *later = have(mipc_map_open(path, 0,
	    HOW(.offset = PAGE)));

	must_eq(LOCK(a, 0, 10, EXCLUSIVE, NULL), 0);
	must_error(LOCK(b, 0, 10, EXCLUSIVE, &at_once), EAGAIN);
	must_error(LOCK(b, 9, 1, SHARED, &at_once), EAGAIN);
	must_eq(LOCK(b, 10, 10, EXCLUSIVE, &at_once), 0);
	must_eq(LOCK(a, 0, 10, SHARED, NULL), 0);
	must_eq(LOCK(b, 0, 10, SHARED, &at_once), 0);
	must_error(LOCK(a, 0, 10, EXCLUSIVE, &at_once), EAGAIN);
	must_eq(mipc_map_unlock(b, 0, 5), 0);
	must_eq(LOCK(a, 0, 5, EXCLUSIVE, &at_once), 0);
	must_error(LOCK(a, 5, 1, EXCLUSIVE, &at_once), EAGAIN);
	/* The range is the file's. */
	must_eq(LOCK(later, 0, 1, EXCLUSIVE, &at_once), 0);
	must_error(LOCK(a, PAGE, 1, SHARED, &at_once), EAGAIN);
	must_eq(LOCK(a, 2 * PAGE, MIPC_MAP_END, EXCLUSIVE, &at_once), 0);
	must_error(LOCK(later, 3 * PAGE - 1, 1, SHARED, &at_once), EAGAIN);
	must_eq(mipc_map_close(a), 0);
	must_eq(LOCK(later, PAGE, 2 * PAGE, EXCLUSIVE, &at_once), 0);
}
END_TEST

START_TEST(a_bad_lock_is_refused)
{
	struct mipc_map *map = lockable();
	struct mipc_map *forgot = have(mipc_map_open(path, 0,
	    HOW(.options = MIPC_MAP_FORGET)));
	const struct timespec bad = { 0, 1000000000 }, negative = { -1, 0 };

	must_error(LOCK(forgot, 0, 1, SHARED, NULL), EBADF);
	must_error(mipc_map_lock(map, 0, 1, 0, NULL), EINVAL);
	must_error(mipc_map_lock(map, 0, 1, 3, NULL), EINVAL);
	must_error(LOCK(map, 0, 1, SHARED, &bad), EINVAL);
	must_error(LOCK(map, 0, 1, SHARED, &negative), EINVAL);
	must_error(LOCK(map, 0, 0, SHARED, NULL), EINVAL);
	must_error(LOCK(map, 4 * PAGE, 1, SHARED, NULL), ERANGE);
	must_error(LOCK(map, 1, 4 * PAGE, SHARED, NULL), ERANGE);
	must_error(LOCK(have(mipc_map_anon(1, COPY)), 0, 1, SHARED, NULL),
	    EBADF);
}
END_TEST

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void
lock_and_die(void *unused)
{
	(void)unused;
	must_eq(LOCK(mine, 0, 1, EXCLUSIVE, NULL), 0);
	reach(1);
	await(100);
}

START_TEST(a_lock_waits_for_a_time_and_ends_at_death)
{
	struct mipc_map *map = lockable();
	uint64_t start;
	pid_t pid;

	mine = map;
	pid = spawn(BY_FORK, lock_and_die, NULL);
	await(1);
	start = now_ns();
	must_error(LOCK(map, 0, 1, EXCLUSIVE, &soon), EAGAIN);
	must(now_ns() - start >= 30000000u);
	kill_and_reap(pid);
	must_eq(LOCK(map, 0, 1, EXCLUSIVE, &at_once), 0);
}
END_TEST

static void
lock_and_tell(void *timeout)
{
	reach(1);
	must_eq(LOCK(mine, 0, 1, EXCLUSIVE, timeout), 0);
	reach(2);
}

START_TEST(who_waits_has_it_when_it_is_free)
{
	static const struct timespec long_time = { 50, 0 };
	pid_t pid;

	mine = lockable();
	must_eq(LOCK(mine, 0, 1, EXCLUSIVE, NULL), 0);
	pid = spawn(BY_FORK, lock_and_tell,
	    _i == 0 ? NULL : (void *)(uintptr_t)&long_time);
	await(1);
	await_sleep(pid);
	must_eq(mipc_map_unlock(mine, 0, 1), 0);
	await(2);
	finish(pid);
	must_eq(LOCK(mine, 0, 1, EXCLUSIVE, &at_once), 0);
}
END_TEST

static void
hold_on(void *unused)
{
	(void)unused;
	reach(2);
	await(100);
}

static void
lock_fork_and_die(void *unused)
{
	(void)unused;
	must_eq(LOCK(mine, 0, 1, EXCLUSIVE, NULL), 0);
	board->value[0] = spawn(BY_FORK, hold_on, NULL);
	await(2);
	reach(3);
	await(100);
}

/* It has its parent's map, and would keep a lock of the open file alive. */
START_TEST(a_forked_child_holds_no_lock)
{
	struct mipc_map *map = lockable();
	pid_t pid;

	mine = map;
	pid = spawn(BY_FORK, lock_fork_and_die, NULL);
	await(3);
	must_error(LOCK(map, 0, 1, SHARED, &at_once), EAGAIN);
	kill_and_reap(pid);
	must_eq(LOCK(map, 0, 1, EXCLUSIVE, &at_once), 0);
	kill((pid_t)board->value[0], SIGKILL);
}
END_TEST

static void
lock_in_child(void *unused)
{
	(void)unused;
	must_error(LOCK(mine, 0, 1, EXCLUSIVE, &at_once), EAGAIN);
	must_eq(LOCK(mine, 1, 1, EXCLUSIVE, &at_once), 0);
	reach(1);
	await(2);
}

/* Parent and child have one open file, by whichever way it was made. */
START_TEST(parent_and_child_exclude_each_other)
{
	pid_t pid;

	mine = _i < 2 ? have(mipc_map_anon(100, NULL)) : lockable();
	must_eq(LOCK(mine, 0, 1, EXCLUSIVE, NULL), 0);
	pid = spawn(_i % 2 == 0 ? BY_FORK : BY_RAW_CLONE, lock_in_child,
	    NULL);
	await(1);
	must_error(LOCK(mine, 1, 1, EXCLUSIVE, &at_once), EAGAIN);
	reach(2);
	finish(pid);
	must_eq(LOCK(mine, 1, 1, EXCLUSIVE, &at_once), 0);
}
END_TEST

static void
on_alarm(int sig)
{
	(void)sig;
}

START_TEST(a_handler_ends_the_wait_for_a_lock)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct mipc_map *map = lockable();
	struct mipc_map *other = have(mipc_map_open(path, 0, NULL));
	const struct timespec long_time = { 50, 0 };

	must_eq(LOCK(map, 0, 1, EXCLUSIVE, NULL), 0);
	sigaction(SIGALRM, &action, NULL);
	ualarm(20000, 20000);
	must_error(LOCK(other, 0, 1, EXCLUSIVE, _i == 0 ? NULL : &long_time),
	    EINTR);
}
END_TEST

/* ---- handing over ---- */

static void
receive_and_use(void *socket)
{
	struct mipc_map *map = have(mipc_map_receive(*(int *)socket, NULL));

	must_eq(mipc_map_length(map), 10000);
	must_hold(map, 0, "from the maker");
	put(map, 9000, "from the other");
	must_error(LOCK(map, 0, 1, EXCLUSIVE, &at_once), EAGAIN);
	must_eq(mipc_map_resize(map, 20000), 0);
	must_eq(send(*(int *)socket, "x", 1, 0), 1);
}

/* The receiver has nothing of the sender's but the socket. */
START_TEST(a_map_is_handed_over_a_socket)
{
	struct mipc_map *map;
	int pair[2];
	char byte;
	pid_t pid;

	must_eq(socketpair(AF_UNIX, _i % 2 == 0 ? SOCK_STREAM :
	    SOCK_SEQPACKET, 0, pair), 0);
	pid = spawn(BY_FORK, receive_and_use, &pair[1]);
	map = have(_i < 2 ? mipc_map_anon(10000, NULL) :
	    mipc_map_memfd("handed", 10000, NULL));
	put(map, 0, "from the maker");
	must_eq(LOCK(map, 0, 1, EXCLUSIVE, NULL), 0);
	must_eq(mipc_map_send(map, pair[0]), 0);
	must_eq(recv(pair[0], &byte, 1, 0), 1);
	must_hold(map, 9000, "from the other");
	must_eq(mipc_map_size(map), 20000);
	finish(pid);
}
END_TEST

/* One message: these bytes, and so many copies of a descriptor. */
static void
send_raw(int socket, const uint64_t letter[3], int fd, int n)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(8 * sizeof(int))];
	} control;
	struct iovec part = { (void *)(uintptr_t)letter, 24 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	memset(&control, 0, sizeof(control));
	if (n > 0) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE((size_t)n * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
	}
	for (int i = 0; i < n; i++)
		memcpy(CMSG_DATA(&control.header) + (size_t)i * sizeof(int),
		    &fd, sizeof(int));
	must_eq(sendmsg(socket, &message, 0), 24);
}

START_TEST(what_comes_over_a_socket_is_not_trusted)
{
	const uint64_t magic = 0x70616d6370696d31u;
	int pair[2], file, dir, fds;

	lockable();
	must_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	file = open(path, O_RDWR);
	dir = open(testing_dir, O_RDONLY);
	fds = open_descriptors();
	const struct {
		uint64_t letter[3];
		int fd, n;
	} bad[] = {
		{ { magic + 1, 0, PAGE }, file, 1 },
		{ { magic, 0, 5 * PAGE }, file, 1 },
		{ { magic, 1, PAGE }, file, 1 },
		{ { magic, 0, 0 }, file, 1 },
		{ { magic, 4 * PAGE, PAGE }, file, 1 },
		{ { magic, UINT64_MAX - PAGE + 1, PAGE }, file, 1 },
		{ { magic, PAGE, UINT64_MAX }, file, 1 },
		{ { magic, 0, PAGE }, dir, 1 },
		{ { magic, 0, PAGE }, pair[0], 1 },
		{ { magic, 0, PAGE }, file, 0 },
		{ { magic, 0, PAGE }, file, 2 },
		{ { magic, 0, PAGE }, file, 8 },
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		send_raw(pair[0], bad[i].letter, bad[i].fd, bad[i].n);
		must(mipc_map_receive(pair[1], NULL) == NULL);
		must_eq(errno, EPROTO);
		must_eq(open_descriptors(), fds);
	}
	must(file_size(path) == (off_t)(4 * PAGE));
	must_eq(send(pair[0], "short", 5, 0), 5);
	must(mipc_map_receive(pair[1], NULL) == NULL && errno == EPROTO);
	send_raw(pair[0], (const uint64_t[]){ magic, PAGE, PAGE }, file, 1);
	must_eq(mipc_map_read_byte(have(mipc_map_receive(pair[1], READ))),
	    'a' + (int)(PAGE % 26));
	must(mipc_map_receive(pair[1], HOW(.offset = PAGE)) == NULL);
	must_eq(errno, EINVAL);
	close(pair[0]);
	must(mipc_map_receive(pair[1], NULL) == NULL && errno == ENODATA);
	must_error(mipc_map_send(have(mipc_map_anon(1, COPY)), pair[1]),
	    EBADF);
}
END_TEST

void
add_map_share_tests(TCase *tc)
{
	testing_add(tc, a_range_is_locked_shared_or_exclusive);
	testing_add(tc, a_bad_lock_is_refused);
	testing_add(tc, a_lock_waits_for_a_time_and_ends_at_death);
	testing_add_loop(tc, who_waits_has_it_when_it_is_free, 0, 2);
	testing_add(tc, a_forked_child_holds_no_lock);
	testing_add_loop(tc, parent_and_child_exclude_each_other, 0, 4);
	testing_add_loop(tc, a_handler_ends_the_wait_for_a_lock, 0, 2);
	testing_add_loop(tc, a_map_is_handed_over_a_socket, 0, 4);
	testing_add(tc, what_comes_over_a_socket_is_not_trusted);
}
