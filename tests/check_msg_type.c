/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_msg_type.c - which message a type selects: clause M4.
 */
#include "check_msg.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* A queue, as the types of a, b, c ...; what a request takes of it. */
static const struct type_row {
	long types[8];		/* up to 0 */
	long ask;
	int flags;
	char got;		/* 0: none */
} type_rows[] = {
	{ { 3, 1, 2 }, 0, 0, 'a' },
	{ { LONG_MAX, 1 }, 0, 0, 'a' },
	{ { 3, 1, 2 }, 0, MSG_EXCEPT, 'a' },
	/* The first that equals it. */
	{ { 3, 1, 2 }, 1, 0, 'b' },
	{ { 3, 1, 2, 1, 2 }, 2, 0, 'c' },
	{ { 3, 1, 2 }, 4, 0, 0 },
	{ { LONG_MAX, 1 }, LONG_MAX, 0, 'a' },
	{ { LONG_MAX - 1, 1 }, LONG_MAX, 0, 0 },
	/* The first that differs. */
	{ { 3, 1, 2 }, 3, MSG_EXCEPT, 'b' },
	{ { 3, 1, 2 }, 1, MSG_EXCEPT, 'a' },
	{ { 3, 3, 3, 1 }, 3, MSG_EXCEPT, 'd' },
	{ { 3, 3, 3 }, 3, MSG_EXCEPT, 0 },
	{ { 3, 3, 3 }, 9, MSG_EXCEPT, 'a' },
	{ { LONG_MAX }, LONG_MAX, MSG_EXCEPT, 0 },
	/* The first of the lowest up to it. */
	{ { 3, 1, 2 }, -1, 0, 'b' },
	{ { 3, 1, 2 }, -2, 0, 'b' },
	{ { 3, 1, 2 }, -9, 0, 'b' },
	{ { 3, 2, 4 }, -1, 0, 0 },
	{ { 3, 2, 4 }, -2, 0, 'b' },
	{ { 3, 2, 4 }, -3, 0, 'b' },
	{ { 3, 4, 5 }, -3, 0, 'a' },
	{ { 4, 3, 5 }, -4, 0, 'b' },
	{ { 5, 4, 3, 2, 1 }, -5, 0, 'e' },
	{ { 5, 4, 3, 2, 1 }, -3, 0, 'e' },
	{ { 5, 4, 3, 4, 3 }, -9, 0, 'c' },
	{ { 2, 2, 2 }, -2, 0, 'a' },
	{ { 3, 2, 2, 3 }, -3, 0, 'b' },
	{ { 7, 2, 7, 2 }, -7, 0, 'b' },
	{ { LONG_MAX, 4 }, -4, 0, 'b' },
	{ { LONG_MAX, LONG_MAX }, -LONG_MAX, 0, 'a' },
	{ { LONG_MAX, LONG_MAX - 1 }, -LONG_MAX, 0, 'b' },
	{ { LONG_MAX, LONG_MAX }, 1 - LONG_MAX, 0, 0 },
	{ { LONG_MAX, LONG_MAX - 1 }, 1 - LONG_MAX, 0, 'b' },
	{ { LONG_MAX, LONG_MAX }, LONG_MIN, 0, 'a' },
	{ { LONG_MAX, 6, 5, 5 }, LONG_MIN, 0, 'c' },
	/* MSG_EXCEPT is for types above 0. */
	{ { 3, 1, 2 }, -2, MSG_EXCEPT, 'b' },
	{ { 3, 4 }, -2, MSG_EXCEPT, 0 },
	{ { 3, 1 }, LONG_MIN, MSG_EXCEPT, 'b' },
#if LONG_MAX > INT_MAX
	/* All of a type counts. */
	{ { 1, 2, 0x100000001 }, 0x100000001, 0, 'c' },
	{ { 0x100000001 }, 1, 0, 0 },
	{ { 0x100000001 }, 1, MSG_EXCEPT, 'a' },
	{ { LONG_MAX }, INT_MIN, 0, 0 },
	{ { 0x100000001, 9 }, -9, 0, 'b' },
	{ { 0x100000001, 0x100000009 }, -9, 0, 0 },
#endif
};

START_TEST(M4_what_a_type_selects)
{
	const struct type_row *row = &type_rows[_i];
	int id = make_queue(), n = 0;
	char left[9] = "";
	size_t at = 0;

	for (; row->types[n] != 0; n++) {
		put(id, row->types[n], (char[]){ (char)('a' + n), '\0' });
		if ('a' + n != row->got)
			left[at++] = (char)('a' + n);
	}
	if (row->got == 0)
		must_find_none(id, row->ask, row->flags);
	else
		must_take(id, row->ask, row->flags, row->types[row->got -
		    'a'], (char[]){ row->got, '\0' });
	must_drain(id, left);
}
END_TEST

/* Who sleeps is served by the same choice. */
START_TEST(M4_a_type_selects_as_well_for_a_sleeper)
{
	const struct type_row *row = &type_rows[_i];
	int id = make_queue();
	const long *type = row->types;

	receiver_of(0, id, row->ask, MSGMAX, row->flags);
	for (; *type != 0; type++) {
		bool wanted = row->ask == 0 ||
		    (row->ask == LONG_MIN ? true :
		    row->ask < 0 ? *type <= -row->ask :
		    (*type == row->ask) != ((row->flags & MSG_EXCEPT) != 0));

		put(id, *type, "x");
		if (wanted)
			break;
		must_sleep(0);
	}
	if (*type != 0)
		must_receive(0, *type, 'x');
	else
		kill_sleeper(0);
	must_eq(stat_of(id).msg_qnum, type - row->types);
	end_sleepers();
}
END_TEST

START_TEST(M4_who_waits_for_a_lower_type_than_there_is_sleeps)
{
	int id = make_queue();

	put(id, 5, "high");
	receiver(0, id, -3);
	must_sleep(0);
	put(id, 3, "low");
	must_receive(0, 3, 'l');
	must_drain(id, "h");
	end_sleepers();
}
END_TEST

START_TEST(M4_taking_by_falling_type_sorts)
{
	int id = make_queue();
	static const char letters[] = "hgfedcba";

	for (int i = 0; i < 8; i++)
		put(id, 80 - i * 10, (char[]){ letters[i], '\0' });
	for (int i = 7; i >= 0; i--)
		must_take(id, -1000, 0, 80 - i * 10,
		    (char[]){ letters[i], '\0' });
	must_be(id, 0, 0);
}
END_TEST

START_TEST(M4_equal_types_keep_their_order)
{
	int id = make_queue();

	for (int i = 0; i < 26; i++)
		put(id, 1 + i % 3, (char[]){ (char)('a' + i), '\0' });
	must_take(id, 1, 0, 1, "a");
	must_take(id, 2, 0, 2, "b");
	must_take(id, -3, 0, 1, "d");
	must_take(id, 3, 0, 3, "c");
	must_take(id, 1, MSG_EXCEPT, 2, "e");
	must_take(id, 3, 0, 3, "f");
	must_take(id, -2, 0, 1, "g");
	must_take(id, -1, 0, 1, "j");
	must_take(id, 2, 0, 2, "h");
	must_drain(id, "iklmnopqrstuvwxyz");
}
END_TEST

/* ---- thousands ---- */

#define MANY	4000

static struct {
	long type[MANY];
	bool there[MANY];
} model;

static bool
better(int i, int than, long ask, int flags)
{
	long type = model.type[i], most = ask == LONG_MIN ? LONG_MAX : -ask;

	if (!model.there[i])
		return false;
	if (ask >= 0)
		return than == -1 && (ask == 0 || (type == ask) ==
		    ((flags & MSG_EXCEPT) == 0));
	return type <= most && (than == -1 || type < model.type[than]);
}

static void
must_take_as_the_model(int id, long ask, int flags)
{
	struct message m;
	int found = -1, got;

	for (int i = 0; i < MANY; i++)
		if (better(i, found, ask, flags))
			found = i;
	if (found == -1) {
		must_find_none(id, ask, flags);
		return;
	}
	must_eq(take(id, &m, sizeof(got), ask, flags | IPC_NOWAIT),
	    sizeof(got));
	memcpy(&got, m.text, sizeof(got));
	if (got != found)
		testing_fail(__FILE__, __LINE__, "type %ld gives message %d "
		    "of type %ld, not %d of type %ld", ask, got, m.type,
		    found, model.type[found]);
	must_eq(m.type, model.type[found]);
	model.there[found] = false;
}

static void
must_send_as_the_model(int id, int i, long type)
{
	struct message m = { .type = type };

	memcpy(m.text, &i, sizeof(i));
	must_eq(ipc->msgsnd(id, &m, sizeof(i), IPC_NOWAIT), 0);
	model.type[i] = type;
	model.there[i] = true;
}

/* Types: all distinct; few; spread far; rising; falling. */
static long
draw_type(int how, int i)
{
	switch (how) {
	case 0:
		return 1 + (long)i * 1237 % MANY;
	case 1:
		return 1 + rand() % 5;
	case 2:
		return 1 + (long)(((int64_t)rand() << 31 | rand()) &
		    LONG_MAX >> 1);
	case 3:
		return 1 + i;
	default:
		return MANY - i;
	}
}

static void
take_somehow(int id, int how)
{
	long type = draw_type(how, rand() % MANY);

	switch (rand() % 6) {
	case 0:
		must_take_as_the_model(id, 0, 0);
		break;
	case 1:
	case 2:
		must_take_as_the_model(id, type, 0);
		break;
	case 3:
		must_take_as_the_model(id, rand() % 9 == 0 ? LONG_MIN :
		    -type, 0);
		break;
	case 4:
		must_take_as_the_model(id, type, MSG_EXCEPT);
		break;
	default:
		must_take_as_the_model(id, model.type[rand() % MANY], 0);
	}
}

START_TEST(M4_thousands_of_types_behind_each_other)
{
	int id = make_queue();

	srand((unsigned)_i);
	for (int i = 0; i < MANY; i++)
		must_send_as_the_model(id, i, draw_type(_i, i));
	for (int n = 0; n < 2000; n++)
		take_somehow(id, _i);
	for (int n = 0; n < 300; n++)
		must_take_as_the_model(id, LONG_MIN, 0);
	while (stat_of(id).msg_qnum > 0)
		must_take_as_the_model(id, 0, 0);
	must_take_as_the_model(id, 0, 0);
}
END_TEST

/* A window that moves: one comes, one goes, and hundreds stay. */
START_TEST(M4_types_come_and_go)
{
	int id = make_queue();
	long next[8] = { 0 }, first[8] = { 0 };
	struct message m;

	srand((unsigned)_i);
	for (int n = 0; n < 12000; n++) {
		int t = rand() % 8;

		if (next[t] - first[t] < 150) {
			m.type = t + 1;
			memcpy(m.text, &next[t], sizeof(long));
			must_eq(ipc->msgsnd(id, &m, sizeof(long),
			    IPC_NOWAIT), 0);
			next[t]++;
		}
		t = rand() % 8;
		if (next[t] - first[t] > rand() % 150) {
			long got;

			must_eq(take(id, &m, sizeof(long), t + 1,
			    IPC_NOWAIT), sizeof(long));
			memcpy(&got, m.text, sizeof(got));
			must_eq(got, first[t]);
			first[t]++;
		}
	}
	for (int t = 0; t < 8; t++)
		for (; first[t] < next[t]; first[t]++)
			must_eq(take(id, &m, sizeof(long), -(t + 1),
			    IPC_NOWAIT), sizeof(long));
	must_be(id, 0, 0);
}
END_TEST

void
add_type_clauses(TCase *tc)
{
	testing_add_loop(tc, M4_what_a_type_selects, 0,
	    (int)COUNT(type_rows));
	testing_add_loop(tc, M4_a_type_selects_as_well_for_a_sleeper, 0,
	    (int)COUNT(type_rows));
	testing_add(tc,
	    M4_who_waits_for_a_lower_type_than_there_is_sleeps);
	testing_add(tc, M4_taking_by_falling_type_sorts);
	testing_add(tc, M4_equal_types_keep_their_order);
	testing_add_loop(tc, M4_thousands_of_types_behind_each_other, 0, 5);
	testing_add_loop(tc, M4_types_come_and_go, 0, 2);
}
