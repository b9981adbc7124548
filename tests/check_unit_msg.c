/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_unit_msg.c - a queue's insides without the calls around them: what is
 * sent is taken, by every choice and in the right order, and no room is lost.
 *
 * A queue in plain memory is compared with a list that does the same slowly.
 */
#include "msg.h"

#include "check_unit.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>


#undef lives		/* a member here */

#define ROOM	((uint64_t)32 << 20)

static struct mipc_ns ns;
static struct mipc_opened opened;
static struct mipc_msgqueue *memory;
static uint32_t rnd_state;

static uint32_t
rnd(uint32_t below)
{
	rnd_state = rnd_state * 1664525u + 1013904223u;
	return (uint32_t)(((uint64_t)rnd_state * below) >> 32);
}

static void
make_queue(uint64_t qbytes)
{
	memory = mmap(NULL, ROOM, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	must(memory != MAP_FAILED);
	ns.lives = &store->lives;
	opened.head = &memory->object;
	opened.map.size = ROOM;
	memory->object.magic = MIPC_MAGIC_OBJECT;
	mipc_ns_lay_queue(&ns, &opened, ROOM);
	mipc_put(&memory->qbytes, qbytes);
	mipc_put(&memory->ready[MIPC_M_POCKETS], MIPC_PARTIES);
}

static void
enter(struct mipc_mq *mq)
{
	memset(mq, 0, sizeof(*mq));
	mq->use.ns = &ns;
	mq->use.opened = &opened;
	mq->use.thread = mipc_thread();
	mq->head = memory;
	mq->layout = &opened.msg_layout;
	for (int i = 0; i < MIPC_BOARDS; i++)
		mq->board[i] = (struct mipc_board){ .site = &opened.site[i],
		    .self = own_life() };
	must_eq(mipc_pocket_take(mq), 0);
}

/* What a message of this seed contains. */
static void
fill(char *out, size_t size, uint32_t seed)
{
	for (size_t i = 0; i < size; i++) {
		seed = seed * 1103515245u + 12345;
		out[i] = (char)(seed >> 16);
	}
}

static int
send_message(struct mipc_mq *mq, uint64_t type, const void *from,
    uint32_t size)
{
	uint32_t place;
	int error;

	error = mipc_pocket_room(mq, size, &place);
	if (error != 0)
		return error;
	mipc_message_fill(mq, place, type, from, size);
	do {
		error = mipc_pass_try_send(mq, place, size);
	} while (error == EAGAIN);
	return error;
}

static int
take_message(struct mipc_mq *mq, const struct mipc_choice *choice,
    uint64_t room, void *to, uint64_t *size, uint64_t *type)
{
	uint32_t place, ref;
	int error;

	must_eq(mipc_pocket_free(mq, &place), 0);
	do {
		error = mipc_pass_try_take(mq, choice, room, place, size);
	} while (error == EAGAIN);
	if (error != 0)
		return error;
	ref = MIPC_HELD_REF(mipc_peek(&mq->pocket->held[place]));
	*type = mipc_peek(&mipc_msg_at(mq, ref)->type);
	must_eq(mipc_message_read(mq, ref, to, *size), 0);
	mipc_pocket_tidy(mq);
	return 0;
}

/* --- the slow list ----------------------------------------------------- */

#define MOST	4000
static struct item {
	uint64_t type;
	uint32_t size, seed;
} list[MOST];
static int length;
static uint64_t bytes;

static int
wanted(const struct mipc_choice *choice)
{
	int found = -1;

	for (int i = 0; i < length; i++) {
		if (!mipc_pass_matches(choice, list[i].type))
			continue;
		if (choice->rule != MIPC_UP_TO)
			return i;
		if (found == -1 || list[i].type < list[found].type)
			found = i;
	}
	return found;
}

static void
remove_item(int at)
{
	bytes -= list[at].size;
	length--;
	memmove(&list[at], &list[at + 1],
	    (size_t)(length - at) * sizeof(list[0]));
}

static char buffer[200000], expected[200000];

static void
check_counts(struct mipc_mq *mq)
{
	struct mipc_msg_counts counts;

	mipc_pass_count(mq, &counts);
	must_eq(counts.messages, length);
	must_eq(counts.bytes, bytes);
}

static void
check_send(struct mipc_mq *mq, uint64_t type, uint32_t size)
{
	struct item item = { type, size, rnd(1u << 30) };
	uint64_t most = mipc_peek(&memory->qbytes);
	bool fits = (uint64_t)length < most && bytes + size <= most &&
	    length < MOST;

	if (length == MOST)
		return;
	fill(buffer, size, item.seed);
	must_eq(send_message(mq, type, buffer, size), fits ? 0 : EBUSY);
	if (!fits)
		return;
	list[length++] = item;
	bytes += size;
}

static void
check_take(struct mipc_mq *mq, const struct mipc_choice *choice)
{
	int at = wanted(choice);
	uint64_t size, type;
	int error;

	error = take_message(mq, choice, UINT64_MAX, buffer, &size, &type);
	must_eq(error, at == -1 ? EBUSY : 0);
	if (at == -1)
		return;
	must_eq(type, list[at].type);
	must_eq(size, list[at].size);
	fill(expected, size, list[at].seed);
	must(memcmp(buffer, expected, size) == 0);
	remove_item(at);
}

static void
begin_list(uint32_t seed)
{
	length = 0;
	bytes = 0;
	rnd_state = seed;
}

/* A queue that is empty has all its room in pages that are spare or gone. */
static void
check_room(struct mipc_mq *mq)
{
	struct mipc_group *group = mipc_msg_table(mq, MIPC_M_GROUPS);
	uint64_t n = mipc_peek(&memory->ready[MIPC_M_GROUPS]), spare = 0;
	uint32_t state;

	for (int i = 0; i < 100; i++)
		must_eq(mipc_pages_give(mq, ~0u), 0);
	for (uint64_t i = 0; i < n * MIPC_GROUP_PAGES; i++) {
		state = MIPC_PAGE_STATE(mipc_peek(&group[
		    i / MIPC_GROUP_PAGES].page[i % MIPC_GROUP_PAGES]));
		must(state == MIPC_PAGE_SPARE || state == MIPC_PAGE_NONE);
		spare += state == MIPC_PAGE_SPARE;
	}
	must_eq(spare, MIPC_T_VALUE(mipc_peek(&memory->spares)));
}

static void
empty(struct mipc_mq *mq)
{
	const struct mipc_choice any = { .rule = MIPC_ANY };

	while (length > 0)
		check_take(mq, &any);
	check_take(mq, &any);
	check_counts(mq);
}

/* --- tests ------------------------------------------------------------- */

START_TEST(msg_as_a_slow_list_does)
{
	static const uint32_t types[] = { 1, 3, 40, 1000, 1u << 31 };
	static const uint32_t sizes[] = { 49, 300, 2000, 9000, 100000 };
	struct mipc_choice choice;
	struct mipc_mq mq;
	uint64_t scale;

	make_queue(1 << 20);
	enter(&mq);
	for (uint32_t round = 0; round < 25; round++) {
		begin_list(round + 1);
		scale = types[round % 5];
		for (int i = 0; i < 4000; i++) {
			uint64_t type = 1 + rnd((uint32_t)scale) * (1 +
			    (uint64_t)rnd(2) * 0x100000001ull);

			if (rnd(100) < (i < 2000 ? 60 : 40)) {
				check_send(&mq, type,
				    rnd(sizes[round / 5]));
				continue;
			}
			choice.rule = rnd(4);
			choice.type = type;
			check_take(&mq, &choice);
			if (i % 16 == 0)
				check_counts(&mq);
		}
		empty(&mq);
		if (round % 3 == 0)
			mipc_pages_trim(&mq);
		check_room(&mq);
	}
	must(MIPC_T_VALUE(mipc_peek(&memory->spares)) > 0);
	mipc_pocket_leave(&mq);
}
END_TEST

START_TEST(msg_a_put_back_one_stands_where_it_stood)
{
	const struct mipc_choice any = { .rule = MIPC_ANY };
	struct mipc_board *taking;
	struct mipc_txn txn;
	struct mipc_mq mq;
	uint64_t seen, size, type, number[8];
	uint32_t ref[8], place;
	char one = 'x';

	make_queue(1000);
	enter(&mq);
	taking = &mq.board[MIPC_TAKING];
	for (uint64_t i = 0; i < 8; i++)
		must_eq(send_message(&mq, 1 + i % 3, &one, 1), 0);
	must_eq(mipc_pass_drain(&mq, 8), EAGAIN);
	for (uint32_t i = 0; i < 8; i++) {
		ref[i] = mipc_index_at(&mq, i);
		number[i] = MIPC_T_VALUE(mipc_peek(
		    &mipc_msg_at(&mq, ref[i])->number));
	}
	/* Take any one out, put it back, and all are as they were. */
	for (uint32_t i = 0; i < 8; i++) {
		uint32_t first = i < 3 ? i : i % 3;

		seen = mipc_txn_begin(taking);
		mipc_txn_take(&txn, taking, mq.pocket_index);
		must_eq(mipc_index_remove(&mq, &txn, ref[first]), 0);
		must_eq(mipc_txn_finish(&txn, seen), 0);
		must(mipc_index_at(&mq, first) != ref[first]);
		seen = mipc_txn_begin(taking);
		mipc_txn_take(&txn, taking, mq.pocket_index);
		must_eq(mipc_index_put_back(&mq, &txn, ref[first],
		    (uint32_t)number[first]), 0);
		must_eq(mipc_txn_finish(&txn, seen), 0);
		for (uint32_t k = 0; k < 8; k++)
			must_eq(mipc_index_at(&mq, k), ref[k]);
	}
	for (uint64_t i = 0; i < 8; i++) {
		must_eq(take_message(&mq, &any, 1, buffer, &size, &type), 0);
		must_eq(type, 1 + i % 3);
	}
	must_eq(mipc_pocket_free(&mq, &place), 0);
	mipc_pocket_leave(&mq);
}
END_TEST

static void
change_index(struct mipc_mq *mq, uint32_t ref, int number)
{
	struct mipc_board *taking = &mq->board[MIPC_TAKING];
	uint64_t seen = mipc_txn_begin(taking);
	struct mipc_txn txn;

	mipc_txn_take(&txn, taking, mq->pocket_index);
	must_eq(number == -1 ? mipc_index_remove(mq, &txn, ref) :
	    mipc_index_put_back(mq, &txn, ref, (uint32_t)number), 0);
	must_eq(mipc_txn_finish(&txn, seen), 0);
}

/* Three of one type that others stand between, in every order. */
START_TEST(msg_several_put_back_stand_in_order)
{
	static const int order[6][3] = { { 0, 1, 2 }, { 0, 2, 1 },
	    { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	const struct mipc_choice equal = { MIPC_EQUAL, 1 };
	const struct mipc_choice any = { .rule = MIPC_ANY };
	struct mipc_mq mq;
	uint64_t size, type;
	uint32_t ref[8], passed;
	char one;

	make_queue(1000);
	enter(&mq);
	for (int i = 0; i < 8; i++) {
		one = (char)i;
		must_eq(send_message(&mq, 1 + (uint64_t)i % 2, &one, 1), 0);
	}
	must_eq(mipc_pass_drain(&mq, 8), EAGAIN);
	for (uint32_t i = 0; i < 8; i++)
		ref[i] = mipc_index_at(&mq, i);
	for (int i = 0; i < 3; i++) {
		must_eq(mipc_index_find(&mq, &equal, &passed), ref[2 * i]);
		change_index(&mq, ref[2 * i], -1);
	}
	if (_i >= 6)		/* none of the type has stayed */
		change_index(&mq, ref[6], -1);
	for (int i = 0; i < 3; i++)
		change_index(&mq, ref[2 * order[_i % 6][i]],
		    2 * order[_i % 6][i]);
	if (_i >= 6)
		change_index(&mq, ref[6], 6);
	for (int i = 0; i < 8; i++) {
		must_eq(mipc_index_at(&mq, 0), ref[i]);
		must_eq(take_message(&mq, _i % 2 == 0 && i % 2 == 0 ? &equal :
		    &any, 1, &one, &size, &type), 0);
		must_eq(one, i);
	}
	mipc_pocket_leave(&mq);
}
END_TEST

/* --- several at once --------------------------------------------------- */

#define THREADS		4
#define EACH		20000

static mipc_u64 received[THREADS], sum;
static mipc_u32 left;

static void *
send_many(void *arg)
{
	uint64_t me = *(const int *)arg, message[8];
	struct mipc_mq mq;
	int error;

	enter(&mq);
	for (uint64_t i = 1; i <= EACH; i++) {
		for (int k = 0; k < 8; k++)
			message[k] = me << 32 | i;
		do {
			error = send_message(&mq, 1 + me % 2, message,
			    sizeof(message));
			if (error == EBUSY)
				sched_yield();
		} while (error == EBUSY);
		must_eq(error, 0);
	}
	mipc_pocket_leave(&mq);
	return NULL;
}

static void *
take_many(void *arg)
{
	struct mipc_choice choice = { .rule = MIPC_EQUAL };
	uint64_t message[8], size, type, last[THREADS] = { 0 };
	uint64_t me = *(const int *)arg;
	struct mipc_mq mq;
	int error;

	enter(&mq);
	choice.type = 1 + me % 2;
	while (mipc_peek(&left) > 0) {
		error = take_message(&mq, &choice, sizeof(message), message,
		    &size, &type);
		if (error == EBUSY) {
			sched_yield();
			continue;
		}
		must_eq(error, 0);
		must_eq(size, sizeof(message));
		for (int k = 1; k < 8; k++)
			must_eq(message[k], message[0]);
		must(message[0] >> 32 < THREADS);
		/* One sender's come in order. */
		must((uint32_t)message[0] > last[message[0] >> 32]);
		last[message[0] >> 32] = (uint32_t)message[0];
		mipc_add(&received[message[0] >> 32], 1);
		mipc_add(&sum, (uint32_t)message[0]);
		mipc_add(&left, -1u);
	}
	mipc_pocket_leave(&mq);
	return NULL;
}

START_TEST(msg_each_is_taken_once)
{
	pthread_t thread[2 * THREADS];
	int number[THREADS];
	struct mipc_mq mq;

	make_queue(16384);
	own_life();
	mipc_put(&left, THREADS * EACH);
	for (int i = 0; i < THREADS; i++) {
		number[i] = i;
		must_eq(pthread_create(&thread[i], NULL, send_many,
		    &number[i]), 0);
		must_eq(pthread_create(&thread[THREADS + i], NULL, take_many,
		    &number[i]), 0);
	}
	for (int i = 0; i < 2 * THREADS; i++)
		must_eq(pthread_join(thread[i], NULL), 0);
	for (int i = 0; i < THREADS; i++)
		must_eq(mipc_peek(&received[i]), EACH);
	must_eq(mipc_peek(&sum), (uint64_t)THREADS * EACH * (EACH + 1) / 2);
	enter(&mq);
	for (int i = 1; i < 2 * THREADS; i++) {
		mipc_pocket_leave(&mq);
		must_eq(mipc_pocket_take(&mq), 0);
	}
	length = 0;
	bytes = 0;
	check_counts(&mq);
	mipc_pocket_leave(&mq);
}
END_TEST

/* --- pockets ----------------------------------------------------------- */

static void
take_a_pocket(void *arg)
{
	struct mipc_mq mq;

	(void)arg;
	enter(&mq);
	atomic_store(&board->value[0], mq.pocket_index);
	mipc_pocket_leave(&mq);
}

/* Else two that never meet there take its lines from each other. */
START_TEST(msg_each_process_uses_another_pocket)
{
	struct mipc_mq mq;

	make_queue(16384);
	own_life();
	enter(&mq);
	mipc_pocket_leave(&mq);
	finish(spawn(BY_FORK, take_a_pocket, NULL));
	must(mq.pocket_index != (uint32_t)atomic_load(&board->value[0]));
}
END_TEST

static uint32_t
places_in_use(const struct mipc_mq *mq)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < MIPC_HELD; i++)
		n += !mipc_pocket_is_free(mq, i);
	return n;
}

/* Of which a page has three parts. */
START_TEST(msg_room_for_many_comes_at_once_and_goes_at_once)
{
	struct mipc_choice any = { .rule = MIPC_ANY };
	static char text[1024];
	uint64_t size, type;
	struct mipc_mq mq;

	make_queue(1 << 20);
	own_life();
	enter(&mq);
	must_eq(send_message(&mq, 1, text, sizeof(text)), 0);
	must_eq(places_in_use(&mq), MIPC_HELD - 3);
	for (uint32_t i = 0; i < 2 * MIPC_HELD; i++)
		must_eq(send_message(&mq, 1, text, sizeof(text)), 0);
	for (uint32_t i = places_in_use(&mq); i < MIPC_HELD; i++)
		must_eq(take_message(&mq, &any, sizeof(text), text, &size,
		    &type), 0);
	must_eq(take_message(&mq, &any, sizeof(text), text, &size, &type), 0);
	must_eq(places_in_use(&mq), 3);
	mipc_pocket_leave(&mq);
}
END_TEST

void
add_msg_tests(TCase *tc)
{
	testing_add(tc, msg_as_a_slow_list_does);
	testing_add(tc, msg_a_put_back_one_stands_where_it_stood);
	testing_add_loop(tc, msg_several_put_back_stand_in_order, 0, 12);
	testing_add(tc, msg_each_is_taken_once);
	testing_add(tc, msg_each_process_uses_another_pocket);
	testing_add(tc, msg_room_for_many_comes_at_once_and_goes_at_once);
}
