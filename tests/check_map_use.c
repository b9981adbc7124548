/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_map_use.c - what is in a map: slices, pointers, searches, the cursor,
 * and numbers changed at once.
 */
#include "check_map.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct mipc_map *
text_map(const char *text)
{
	struct mipc_map *map = have(mipc_map_anon(strlen(text), COPY));

	put(map, 0, text);
	return map;
}

START_TEST(slices_are_checked)
{
	struct mipc_map *map = text_map("0123456789");
	char buf[10];

	must_eq(mipc_map_get(map, 2, 5, buf, 3), 0);
	must(memcmp(buf, "234", 3) == 0);
	must_eq(mipc_map_set(map, 0, 10, "abcdefghij", 10), 0);
	must_hold(map, 0, "abcdefghij");
	must_eq(mipc_map_get(map, 10, 10, buf, 0), 0);
	must_error(mipc_map_set(map, 2, 5, "xx", 2), EINVAL);
	must_error(mipc_map_set(map, 2, 5, "xxxx", 4), EINVAL);
	must_error(mipc_map_get(map, 2, 5, buf, 4), EINVAL);
	must_error(mipc_map_get(map, 5, 2, buf, 3), EINVAL);
	must_error(mipc_map_set(map, 8, 11, "xxx", 3), ERANGE);
	must_error(mipc_map_get(map, 8, 11, buf, 3), ERANGE);
	must_error(mipc_map_get(map, 0, (size_t)-1, buf, (size_t)-1), ERANGE);
	must_hold(map, 0, "abcdefghij");
	must_error(mipc_map_get(map, 0, 3, (void *)1, 3), EFAULT);
	must_error(mipc_map_set(map, 0, 3, (void *)1, 3), EFAULT);
}
END_TEST

START_TEST(a_pointer_is_checked)
{
	struct mipc_map *map = text_map("0123456789");
	char *p = mipc_map_at(map, 3, 7);

	must(p != NULL && memcmp(p, "3456789", 7) == 0);
	p[0] = 'x';
	must_hold(map, 2, "2x4");
	must(mipc_map_at(map, 10, 0) != NULL);
	must(mipc_map_at(map, 3, 8) == NULL && errno == ERANGE);
	must(mipc_map_at(map, 11, 0) == NULL && errno == ERANGE);
	must(mipc_map_at(map, 1, (size_t)-1) == NULL && errno == ERANGE);
}
END_TEST

START_TEST(move_copies_what_overlaps)
{
	struct mipc_map *map = text_map("0123456789");
	const size_t size = 50000;
	char *want = malloc(size), *p;

	must_eq(mipc_map_move(map, 2, 0, 5), 0);
	must_hold(map, 0, "0101234789");
	must_eq(mipc_map_move(map, 0, 2, 5), 0);
	must_hold(map, 0, "0123434789");
	must_error(mipc_map_move(map, 6, 0, 5), ERANGE);
	must_error(mipc_map_move(map, 0, 6, 5), ERANGE);
	must_error(mipc_map_move(map, 0, 1, (size_t)-1), ERANGE);
	map = have(mipc_map_anon(size, COPY));
	p = mipc_map_at(map, 0, size);
	for (size_t i = 0; i < size; i++)
		p[i] = want[i] = (char)(i * 7 + i / 256);
	memmove(want + 13, want, size - 13);
	must_eq(mipc_map_move(map, 13, 0, size - 13), 0);
	must(memcmp(p, want, size) == 0);
	memmove(want, want + 9000, size - 9000);
	must_eq(mipc_map_move(map, 0, 9000, size - 9000), 0);
	must(memcmp(p, want, size) == 0);
	free(want);
}
END_TEST

START_TEST(find_and_rfind_have_a_start_and_an_end)
{
	struct mipc_map *map = text_map("abcXabcYabc");

	must_eq(mipc_map_find(map, "abc", 3, 0, MIPC_MAP_END), 0);
	must_eq(mipc_map_find(map, "abc", 3, 1, MIPC_MAP_END), 4);
	must_eq(mipc_map_rfind(map, "abc", 3, 0, MIPC_MAP_END), 8);
	must_eq(mipc_map_rfind(map, "abc", 3, 0, 10), 4);
	must_eq(mipc_map_rfind(map, "abc", 3, 4, 7), 4);
	must_error(mipc_map_find(map, "abc", 3, 5, 10), ENOENT);
	must_error(mipc_map_rfind(map, "abc", 3, 5, 10), ENOENT);
	must_error(mipc_map_find(map, "abc", 3, 9, 20), ENOENT);
	must_error(mipc_map_find(map, "Z", 1, 0, MIPC_MAP_END), ENOENT);
	must_error(mipc_map_find(map, "a", 1, 5, 4), ENOENT);
	must_eq(mipc_map_find(map, "", 0, 3, MIPC_MAP_END), 3);
	must_eq(mipc_map_rfind(map, "", 0, 3, MIPC_MAP_END), 11);
}
END_TEST

/* What nobody would write, for it takes as long as it can. */
static ssize_t
find_slowly(const char *p, size_t size, const char *what, size_t length,
    bool back)
{
	const size_t places = size - length + 1;

	for (size_t i = 0; i < places; i++) {
		size_t at = back ? places - 1 - i : i;

		if (memcmp(p + at, what, length) == 0)
			return (ssize_t)at;
	}
	return -1;
}

/* Few letters, in periods, with a few of them changed. */
static void
draw(char *p, size_t size, uint64_t *seed)
{
	size_t period;

	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	period = 1 + (size_t)(*seed >> 33) % 40;
	for (size_t i = 0; i < size; i++) {
		*seed = *seed * 6364136223846793005u + 1442695040888963407u;
		p[i] = i >= period && *seed >> 54 != 0 ? p[i - period] :
		    (char)('a' + (*seed >> 40) % 2);
	}
}

START_TEST(find_and_rfind_agree_with_slow_ones)
{
	const size_t size = 24000;
	struct mipc_map *map = have(mipc_map_anon(size, COPY));
	char *p = mipc_map_at(map, 0, size), *what = malloc(size);
	uint64_t seed = 1;

	for (int i = 0; i < 600; i++) {
		size_t length = i % 3 == 0 ? 4097 + (size_t)i * 7 :
		    (size_t)i % 90 + 1;
		size_t at = (size_t)i * 31;

		draw(p, size, &seed);
		memcpy(what, p + at % (size - length), length);
		if (i % 4 == 0)
			what[length / 2] ^= 3;
		must_eq(mipc_map_find(map, what, length, 0, MIPC_MAP_END),
		    find_slowly(p, size, what, length, false));
		must_eq(mipc_map_rfind(map, what, length, 0, MIPC_MAP_END),
		    find_slowly(p, size, what, length, true));
	}
	free(what);
}
END_TEST

/*
 * Each place is one until much of it was compared: as many comparisons as both
 * have bytes, multiplied, take hours.
 */
START_TEST(find_and_rfind_end_whatever_is_sought)
{
	const size_t size = 8u << 20, length = 1u << 20;
	struct mipc_map *map = have(mipc_map_anon(size, COPY));
	char *p = mipc_map_at(map, 0, size), *what = malloc(length);

	memset(p, 'a', size);
	memset(what, 'a', length);
	what[length - 1] = 'b';
	must_error(mipc_map_find(map, what, length, 0, MIPC_MAP_END), ENOENT);
	must_error(mipc_map_rfind(map, what, length, 0, MIPC_MAP_END),
	    ENOENT);
	what[length - 1] = 'a';
	what[0] = 'b';
	must_error(mipc_map_find(map, what, length, 0, MIPC_MAP_END), ENOENT);
	must_error(mipc_map_rfind(map, what, length, 0, MIPC_MAP_END),
	    ENOENT);
	what[0] = 'a';
	what[length / 2] = 'b';
	must_error(mipc_map_find(map, what, length, 0, MIPC_MAP_END), ENOENT);
	must_eq(mipc_map_rfind(map, what, 4000, 0, MIPC_MAP_END),
	    size - 4000);
	free(what);
}
END_TEST

/* Longer than what is looked at at a time, and across its borders. */
START_TEST(find_crosses_windows)
{
	const size_t size = 20000;
	struct mipc_map *map = have(mipc_map_anon(size, COPY));
	char *p = mipc_map_at(map, 0, size), *what = malloc(10000);

	memset(p, 'a', size);
	memset(what, 'a', 10000);
	what[9999] = 'b';
	for (size_t at = 0; at + 10000 <= size; at += 4999) {
		p[at + 9999] = 'b';
		must_eq(mipc_map_find(map, what, 10000, 0, MIPC_MAP_END), at);
		must_eq(mipc_map_rfind(map, what, 10000, 0, MIPC_MAP_END),
		    at);
		must_eq(mipc_map_find(map, "ab", 2, 0, MIPC_MAP_END),
		    at + 9998);
		must_eq(mipc_map_rfind(map, "ab", 2, 0, MIPC_MAP_END),
		    at + 9998);
		p[at + 9999] = 'a';
	}
	for (size_t at = 1; at < size; at += at % 4096 == 2 ? 4092 : 1) {
		p[at] = 'b';
		must_eq(mipc_map_find(map, "ab", 2, 0, MIPC_MAP_END), at - 1);
		must_eq(mipc_map_rfind(map, "ab", 2, 0, MIPC_MAP_END),
		    at - 1);
		p[at] = 'a';
	}
	must_error(mipc_map_find(map, what, 10000, 0, MIPC_MAP_END), ENOENT);
	must_error(mipc_map_rfind(map, what, 10000, 0, MIPC_MAP_END), ENOENT);
	free(what);
}
END_TEST

START_TEST(the_cursor_reads_and_writes)
{
	struct mipc_map *map = text_map("one\ntwo\nthree");
	char buf[20];

	must_eq(mipc_map_tell(map), 0);
	must_eq(mipc_map_readline(map, buf, sizeof(buf)), 4);
	must(memcmp(buf, "one\n", 4) == 0);
	must_eq(mipc_map_readline(map, buf, 2), 2);
	must(memcmp(buf, "tw", 2) == 0);
	must_eq(mipc_map_readline(map, buf, sizeof(buf)), 2);
	must_eq(mipc_map_read_byte(map), 't');
	must_eq(mipc_map_readline(map, buf, sizeof(buf)), 4);
	must(memcmp(buf, "hree", 4) == 0);
	must_eq(mipc_map_readline(map, buf, sizeof(buf)), 0);
	must_eq(mipc_map_read(map, buf, sizeof(buf)), 0);
	must_error(mipc_map_read_byte(map), ENODATA);
	must_error(mipc_map_write(map, "x", 1), ERANGE);
	must_error(mipc_map_write_byte(map, 'x'), ERANGE);
	must_eq(mipc_map_seek(map, 4, SEEK_SET), 4);
	must_eq(mipc_map_write(map, "TWO", 3), 3);
	must_eq(mipc_map_write_byte(map, '!'), 0);
	must_eq(mipc_map_tell(map), 8);
	must_error(mipc_map_write(map, "123456", 6), ERANGE);
	must_eq(mipc_map_tell(map), 8);
	must_hold(map, 0, "one\nTWO!three");
	must_eq(mipc_map_seek(map, -3, SEEK_END), 10);
	must_eq(mipc_map_seek(map, -1, SEEK_CUR), 9);
	must_eq(mipc_map_read(map, buf, sizeof(buf)), 4);
	must_eq(mipc_map_seek(map, 0, SEEK_CUR), 13);
	must_error(mipc_map_seek(map, 1, SEEK_CUR), ERANGE);
	must_error(mipc_map_seek(map, -14, SEEK_END), ERANGE);
	must_error(mipc_map_seek(map, -1, SEEK_SET), ERANGE);
	must_error(mipc_map_seek(map, INT64_MIN, SEEK_END), ERANGE);
	must_error(mipc_map_seek(map, INT64_MAX, SEEK_CUR), ERANGE);
	must_error(mipc_map_seek(map, 0, 17), EINVAL);
	must_eq(mipc_map_tell(map), 13);
}
END_TEST

START_TEST(a_number_is_of_8_to_64_bits_and_aligned)
{
	struct mipc_map *map = have(mipc_map_anon(4100, NULL));
	unsigned long long got, max;

	for (int bits = 8; bits <= 64; bits *= 2) {
		max = ~0ull >> (64 - bits);
		must_eq(mipc_map_store(map, 64, bits, max), 0);
		must_eq(mipc_map_load(map, 64, bits, &got), 0);
		must(got == max);
		must_eq(mipc_map_add(map, 64, bits, 3, &got), 0);
		must(got == max);
		must_eq(mipc_map_load(map, 64, bits, &got), 0);
		must_eq(got, 2);
		must_eq(mipc_map_load(map, 64 + (size_t)bits / 8, 8, &got), 0);
		must_eq(got, 0);
		got = 1;
		must_eq(mipc_map_cas(map, 64, bits, &got, 7), 0);
		must_eq(got, 2);
		must_eq(mipc_map_cas(map, 64, bits, &got, 7), 1);
		must_eq(mipc_map_add(map, 64, bits, 0, NULL), 0);
		must_eq(mipc_map_load(map, 64, bits, &got), 0);
		must_eq(got, 7);
		must_eq(mipc_map_store(map, 64, bits, 0), 0);
		if (bits > 8)
			must_error(mipc_map_load(map, 65, bits, &got),
			    EINVAL);
		if (bits < 64)
			must_error(mipc_map_store(map, 64, bits, max + 1),
			    EINVAL);
	}
	must_error(mipc_map_load(map, 0, 24, &got), EINVAL);
	must_error(mipc_map_load(map, 0, 0, &got), EINVAL);
	must_error(mipc_map_load(map, 0, 128, &got), EINVAL);
	must_error(mipc_map_load(map, 4, 64, &got), EINVAL);
	must_error(mipc_map_load(map, 4096, 64, &got), ERANGE);
	must_error(mipc_map_load(map, 8192, 64, &got), ERANGE);
	must_eq(mipc_map_load(map, 4096, 32, &got), 0);
}
END_TEST

#define ADDS 20000

static void *
add_many(void *map)
{
	unsigned long long was;

	for (int i = 0; i < ADDS; i++) {
		must_eq(mipc_map_add(map, 8, 64, 1ull << 31, NULL), 0);
		must_eq(mipc_map_load(map, 16, 16, &was), 0);
		while (mipc_map_cas(map, 16, 16, &was,
		    (was + 1) & 0xffff) == 0)
			;
	}
	return NULL;
}

static void
add_in_child(void *map)
{
	add_many(map);
}

START_TEST(numbers_are_changed_at_once)
{
	struct mipc_map *map = have(mipc_map_open(a_file("file", 8), 24,
	    NULL));
	unsigned long long got;
	pthread_t thread;
	pid_t pid = spawn(BY_FORK, add_in_child, map);

	must_eq(pthread_create(&thread, NULL, add_many, map), 0);
	add_many(map);
	pthread_join(thread, NULL);
	finish(pid);
	must_eq(mipc_map_load(map, 8, 64, &got), 0);
	must(got == 3ull * ADDS << 31);
	must_eq(mipc_map_load(map, 16, 16, &got), 0);
	must_eq(got, 3 * ADDS & 0xffff);
}
END_TEST

void
add_map_use_tests(TCase *tc)
{
	testing_add(tc, slices_are_checked);
	testing_add(tc, a_pointer_is_checked);
	testing_add(tc, move_copies_what_overlaps);
	testing_add(tc, find_and_rfind_have_a_start_and_an_end);
	testing_add(tc, find_crosses_windows);
	testing_add(tc, find_and_rfind_agree_with_slow_ones);
	testing_add(tc, find_and_rfind_end_whatever_is_sought);
	testing_add(tc, the_cursor_reads_and_writes);
	testing_add(tc, a_number_is_of_8_to_64_bits_and_aligned);
	testing_add(tc, numbers_are_changed_at_once);
}
