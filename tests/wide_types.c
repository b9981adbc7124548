/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wide_types.c - messages whose types a long of 32 bits does not hold: sent by
 * a program of 64 bits, and received by one of 32, which says what it gets.
 *
 *	PROGRAM send	then	PROGRAM receive
 */
#include <sys/msg.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { KEY = 0x7769, SIZE = 4 };

struct letter {
	long type;
	char text[SIZE];
};

static int
send_all(void)
{
	const long long types[] = { 0x100000005, 5, 0x80000000, LLONG_MAX, 7 };
	struct letter letter = { 0, "abc" };
	int id = msgget(KEY, IPC_CREAT | IPC_EXCL | 0600);

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		letter.type = (long)types[i];
		if (msgsnd(id, &letter, SIZE, IPC_NOWAIT) == -1)
			return 1;
	}
	return 0;
}

static int
receive_all(void)
{
	const long wanted[] = { 5, -6, 0, 0, LONG_MIN, 0, 0 };
	struct letter letter;
	int id = msgget(KEY, 0);

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		letter.type = 0;
		errno = 0;
		printf("%ld: ", wanted[i]);
		printf("%d ", (int)msgrcv(id, &letter, SIZE, wanted[i],
		    IPC_NOWAIT));
		printf("%ld %s\n", letter.type, strerror(errno));
	}
	return msgctl(id, IPC_RMID, NULL) == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	return argc > 1 && strcmp(argv[1], "send") == 0 ? send_all() :
	    receive_all();
}
