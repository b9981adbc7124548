/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_msg_large.c - limits that were raised: messages of megabytes, queues
 * of many messages.  Clauses M1, M2 and M12 there.
 */
#include "check_msg.h"

#include <sys/stat.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "spoil.h"

#define MIB	(1UL << 20)

struct large {
	long type;
	char text[];
};

static struct large *
make_large(long type, size_t size)
{
	struct large *m = malloc(sizeof(*m) + size + 8);

	must(m != NULL);
	m->type = type;
	/* A block that does not repeat at any power of two. */
	fill(m->text, size < 4099 ? size : 4099, (unsigned)type);
	for (size_t i = 4099; i < size; i += 4099)
		memcpy(m->text + i, m->text, size - i < 4099 ? size - i :
		    4099);
	return m;
}

static void
put_large(int id, long type, size_t size)
{
	struct large *m = make_large(type, size);

	must_eq(ipc->msgsnd(id, m, size, IPC_NOWAIT), 0);
	free(m);
}

/* Flags may ask for a copy; `ask` is its number then. */
static void
must_take_large(int id, long ask, int flags, long type, size_t size)
{
	struct large *want = make_large(type, size);
	struct large *m = malloc(sizeof(*m) + size + 8);

	must(m != NULL);
	memset(m, 0x5a, sizeof(*m) + size + 8);
	must_eq(ipc->msgrcv(id, m, size + 8, ask, flags | IPC_NOWAIT),
	    size);
	must_eq(m->type, type);
	must(memcmp(m->text, want->text, size) == 0);
	must_eq(m->text[size], 0x5a);
	free(m);
	free(want);
}

static int
make_roomy(unsigned long msgmax, unsigned long msgmnb)
{
	set_limit("msgmax", msgmax);
	set_limit("msgmnb", msgmnb);
	must_eq(info(IPC_INFO).msgmax, msgmax);
	must_eq(info(IPC_INFO).msgmnb, msgmnb);
	return make_queue();
}

START_TEST(M12_messages_of_a_raised_limit_arrive_whole)
{
	static const size_t sizes[] = { MSGMAX + 1, 10000, 65535, 65536,
	    65537, 100000, MIB - 1, MIB };
	int id = make_roomy(MIB, 4 * MIB);

	must_eq(stat_of(id).msg_qbytes, 4 * MIB);
	for (size_t i = 0; i < COUNT(sizes); i++)
		put_large(id, 1 + (long)i, sizes[i]);
	must_eq(stat_of(id).msg_qnum, COUNT(sizes));
	/* The odd ones from behind, then what is left. */
	for (size_t i = COUNT(sizes); i-- > 0;)
		if (i % 2)
			must_take_large(id, 1 + (long)i, 0, 1 + (long)i,
			    sizes[i]);
	for (size_t i = 0; i < COUNT(sizes); i += 2)
		must_take_large(id, 0, 0, 1 + (long)i, sizes[i]);
	must_be(id, 0, 0);
	must_error(try_put_bytes(id, 0, 1, 0), EINVAL);
}
END_TEST

START_TEST(M12_a_raised_limit_is_a_limit)
{
	int id = make_roomy(MIB, 2 * MIB + 10);
	struct large *m = make_large(1, MIB + 1);

	must_error(ipc->msgsnd(id, m, MIB + 1, 0), EINVAL);
	put_large(id, 1, MIB);
	put_large(id, 2, MIB);
	must_error(ipc->msgsnd(id, m, 11, IPC_NOWAIT), EAGAIN);
	must_error(ipc->msgsnd(id, m, MIB, IPC_NOWAIT), EAGAIN);
	must_eq(ipc->msgsnd(id, m, 10, IPC_NOWAIT), 0);
	must_be(id, 3, 2 * MIB + 10);
	/* E2BIG and truncation, as for small ones. */
	must_error(ipc->msgrcv(id, m, MIB - 1, 2, 0), E2BIG);
	must_eq(ipc->msgrcv(id, m, MIB - 1, 2, MSG_NOERROR), MIB - 1);
	must_be(id, 2, MIB + 10);
	must_take_large(id, 0, 0, 1, MIB);
	free(m);
}
END_TEST

/* What a queue keeps for the next messages, where that can be seen. */
static void
must_have_little_space(int id)
{
	struct stat st;

	if (!backend_has(HAS_FILES))
		return;
	must_eq(stat(file_of_one(id), &st), 0);
	must(st.st_blocks * 512 <= (blkcnt_t)MIB);
}

/* As large as there is room for, where the kernel need not hold it. */
static size_t
largest(void)
{
	struct statvfs fs;

	if (backend_has(IS_KERNEL))
		return 4 * MIB;
	if (sizeof(void *) < 8)
		return 8 * MIB;		/* of address space */
	if (!backend_has(HAS_FILES))
		return 64 * MIB;
	fs = space();
	return fs.f_bavail * fs.f_frsize > 160 * MIB ? 64 * MIB : 8 * MIB;
}

static void
take_largest(void *arg)
{
	int id = *(int *)arg;
	size_t size = largest();
	struct large *m = malloc(sizeof(*m) + size), *want;

	must(m != NULL);
	board->value[FREE] = 1;
	must_eq(ipc->msgrcv(id, m, size, 0, 0), size);
	want = make_large(7, size);
	must(memcmp(m->text, want->text, size) == 0);
}

START_TEST(M12_a_message_of_64_MiB_arrives_whole)
{
	size_t size = largest();
	int id = make_roomy(size, size);
	pid_t pid;

	put_large(id, 5, size);
	must_error(try_put(id, 1, "x"), EAGAIN);
	must_take_large(id, 0, MSG_COPY, 5, size);
	must_be(id, 1, size);
	must_take_large(id, -9, 0, 5, size);
	must_be(id, 0, 0);
	must_have_little_space(id);
	/* And to one who waits for it. */
	pid = spawn(BY_FORK, take_largest, &id);
	await_value(FREE, 1);
	await_sleep(pid);
	put_large(id, 7, size);
	finish(pid);
	must_be(id, 0, 0);
	must_have_little_space(id);
	remove_queue(id);
}
END_TEST

/* An anonymous queue has room for it, but may not hold so much. */
static void
must_find_no_room(int id)
{
	struct large *m = make_large(2, 64 * MIB);

	must_error(ipc->msgsnd(id, m, 64 * MIB, IPC_NOWAIT),
	    backend_has(HAS_FILES) ? ENOMEM : EAGAIN);
	free(m);
}

/* Room that was found for a part of a message is everybody's again. */
START_TEST(room_for_a_part_of_a_message_is_given_back)
{
	int id = make_queue();		/* no larger than it needs be */

	set_limit("msgmax", 64 * MIB);
	set_limit("msgmnb", 12 * MIB);
	put(id, 1, "x");
	must_find_no_room(id);
	must_have_little_space(id);
	must_drain(id, "x");
	set_qbytes(id, 12 * MIB);
	put_large(id, 3, 12 * MIB);
	must_find_no_room(id);
	must_take_large(id, 0, 0, 3, 12 * MIB);
	must_be(id, 0, 0);
	must_have_little_space(id);
}
END_TEST

/* The same where it is the disk that is too small. */
START_TEST(space_for_a_part_of_a_message_is_given_back)
{
	int id;

	move_to_small_filesystem();
	id = make_roomy(64 * MIB, 64 * MIB);
	put(id, 1, "x");
	must_find_no_room(id);
	must(ipc->shmget(IPC_PRIVATE, 4 * MIB, 0600) != -1);
	put_large(id, 2, MIB);
	must_find_no_room(id);
	must_take_large(id, 2, 0, 2, MIB);
	must_drain(id, "x");
	must_have_little_space(id);
}
END_TEST

#define MANY	50000

START_TEST(M12_a_raised_queue_holds_many)
{
	int id = make_roomy(MSGMAX, 8 * MIB);
	struct message m;

	for (long i = 0; i < MANY; i++) {
		m.type = 1 + i % 1000;
		memcpy(m.text, &i, sizeof(i));
		must_eq(ipc->msgsnd(id, &m, sizeof(i) + (size_t)i % 50,
		    IPC_NOWAIT), 0);
	}
	must_eq(stat_of(id).msg_qnum, MANY);
	must_eq(info(MSG_INFO).msgmap, MANY);
	for (long i = 0; i < MANY; i++) {
		must_eq(take(id, &m, MSGMAX, 0, IPC_NOWAIT),
		    (long)sizeof(i) + i % 50);
		must_eq(m.type, 1 + i % 1000);
		must(memcmp(m.text, &i, sizeof(i)) == 0);
	}
	must_be(id, 0, 0);
}
END_TEST

/* What was made under another limit keeps its own until IPC_SET. */
START_TEST(M12_a_queue_grows_while_it_is_used)
{
	int id = make_queue();
	long sent = 0, got = 0;
	struct message m;

	for (unsigned long room = 100; room <= MSGMNB; room *= 2) {
		set_qbytes(id, room);
		while (try_put_bytes(id, 1 + sent, (size_t)sent % 97,
		    IPC_NOWAIT) == 0)
			sent++;
		must_eq(errno, EAGAIN);
		for (long n = sent / 3; n > 0; n--, got++) {
			if (got == sent)
				break;
			must_eq(take(id, &m, MSGMAX, 0, IPC_NOWAIT),
			    got % 97);
			must_eq(m.type, 1 + got);
			must_be_filled(m.text, (size_t)got % 97,
			    (unsigned)m.type);
		}
	}
	for (; got < sent; got++)
		must_eq(take(id, &m, MSGMAX, -LONG_MAX, IPC_NOWAIT),
		    got % 97);
	must_be(id, 0, 0);
}
END_TEST

void
add_room_tests(TCase *tc)
{
	testing_add(tc, room_for_a_part_of_a_message_is_given_back);
}

void
add_disk_tests(TCase *tc)
{
	testing_add(tc, space_for_a_part_of_a_message_is_given_back);
}

void
add_large_clauses(TCase *tc)
{
	testing_add(tc, M12_messages_of_a_raised_limit_arrive_whole);
	testing_add(tc, M12_a_raised_limit_is_a_limit);
	testing_add(tc, M12_a_message_of_64_MiB_arrives_whole);
	testing_add(tc, M12_a_raised_queue_holds_many);
	testing_add(tc, M12_a_queue_grows_while_it_is_used);
}
