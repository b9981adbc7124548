/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * board.c - processes that know nothing of each other share a file by its
 * path.
 *
 *	cc board.c $(pkg-config --cflags --libs mipc)
 *
 *	board FILE		say what is written on the board
 *	board FILE TEXT		write on it
 *	board FILE --next	wait until somebody does, and say it
 *
 * The file holds a publication: who reads it sees the old text or the new.  It
 * is there with all its bytes as soon as it has its name; whoever comes first
 * makes it a board, under a lock that ends with its process.
 */
#include <mipc.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST	1000		/* bytes of a text */
#define BUFFERS	3

static void
fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

/* The board in a file, which is mapped for as long as the process lives. */
static void
open_board(const char *path, struct mipc_publication *board)
{
	const struct mipc_map_how how = { .access = MIPC_MAP_WRITE,
	    .options = MIPC_MAP_CREAT };
	size_t size = mipc_publish_size(MOST, BUFFERS);
	struct mipc_map *map = mipc_map_open(path, size, &how);
	void *memory;

	if (map == NULL)
		fail(path);
	memory = mipc_map_at(map, 0, size);
	if (mipc_map_lock(map, 0, size, MIPC_MAP_EXCLUSIVE, NULL) == -1)
		fail("mipc_map_lock");
	if (mipc_publish_open(board, memory, size, 0) == -1 &&
	    (mipc_publish_init(memory, size, MOST, BUFFERS) == -1 ||
	    mipc_publish_open(board, memory, size, 0) == -1))
		fail("mipc_publish_open");
	mipc_map_unlock(map, 0, size);
}

int
main(int argc, char **argv)
{
	struct mipc_publication board;
	char text[MOST + 1];
	uint64_t version;
	ssize_t n;

	if (argc < 2 || argc > 3) {
		fputs("usage: board FILE [TEXT | --next]\n", stderr);
		return EXIT_FAILURE;
	}
	open_board(argv[1], &board);
	if (argc == 3 && strcmp(argv[2], "--next") != 0) {
		if (mipc_publish(&board, argv[2], strlen(argv[2]), NULL) == -1)
			fail("mipc_publish");
		return EXIT_SUCCESS;
	}
	version = mipc_publish_version(&board);
	if (argc == 3 && mipc_publish_wait(&board, version, NULL) == -1)
		fail("mipc_publish_wait");
	n = mipc_publish_read(&board, text, MOST, &version);
	if (n == -1)
		fail("nothing is written there");
	text[n] = '\0';
	printf("%lu: %s\n", (unsigned long)version, text);
	return EXIT_SUCCESS;
}
