/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_inside.h - what the files of the check of a namespace share.
 *
 * Depends on: every file of the library that has a format.
 * Locks: none.  Nothing is written; files are read into private memory, so
 * that no byte of theirs can hurt whoever checks them.
 *
 *	check.c		findings, and what makes them
 *	check_read.c	files, entries and lives, read
 *	check_ns.c	the namespace's own file
 *	check_names.c	what the names in the directory say
 *	check_line.c	records of transactions, and lines of sleepers
 *	check_shm.c	a segment
 *	check_sem.c	a set
 *	check_msg.c	a queue, and its room
 *	check_index.c	messages in order and by type
 *	check_object.c	an object, by what the namespace says of it
 *
 * A namespace in use changes while it is read.  What was read counts if its
 * turns and sequences were the same before and after, and what a transaction
 * has committed is applied to the copy first, as whoever comes next would.
 * What is found all the same is looked for again: only what every reading
 * finds is told.
 */
#ifndef MIPC_CHECK_INSIDE_H
#define MIPC_CHECK_INSIDE_H

#include <sys/stat.h>

#include "msg.h"
#include "ns.h"
#include "sem.h"
#include "store_dir.h"

/* What a finding is against; each has a test that breaks it. */
enum mipc_rule {
	MIPC_RULE_NOTE,		/* nothing: it is a note */
	MIPC_RULE_SPACE,	/* magic, format, size of the namespace file */
	MIPC_RULE_LIMIT,
	MIPC_RULE_INTENT,
	MIPC_RULE_HOUSE,
	MIPC_RULE_ENTRY,
	MIPC_RULE_COUNT,
	MIPC_RULE_NAME,
	MIPC_RULE_KEY,
	MIPC_RULE_LIFE,
	MIPC_RULE_FILE,
	MIPC_RULE_HEAD,
	MIPC_RULE_LOCK,
	MIPC_RULE_REDO,
	MIPC_RULE_PERM,		/* modes of the files */
	MIPC_RULE_SEGMENT,
	MIPC_RULE_DATA,
	MIPC_RULE_ATTACH,
	MIPC_RULE_SET,
	MIPC_RULE_VALUE,
	MIPC_RULE_DEBT,
	MIPC_RULE_CHAIN,
	MIPC_RULE_LINE,
	MIPC_RULE_TXN,
	MIPC_RULE_QUEUE,
	MIPC_RULE_RING,
	MIPC_RULE_INDEX,
	MIPC_RULE_TREE,
	MIPC_RULE_BYTES,
	MIPC_RULE_PAGE,
	MIPC_RULE_ROOM,
	MIPC_RULES
};

struct mipc_said {
	enum mipc_rule rule;
	char where[272];		/* the file, as it can be shown */
	char what[160];
	bool copied;			/* a note that a repair heeds */
};
#define MIPC_SAID_MOST	1024u		/* of one subject */
struct mipc_said_list {
	struct mipc_said *said;
	uint32_t n;
};

struct mipc_checker {
	int fd;				/* of the directory */
	struct stat dir;
	uint32_t page;
	struct mipc_space *space;	/* a copy, refreshed when looked at */
	struct mipc_lives lives;
	struct mipc_ns ns;		/* the parts that looking needs */
	bool lived_in;			/* by others */
	bool alone;			/* nobody else lives, or can */
	bool usable;			/* the namespace's head is */
	bool torn;			/* what was read is no state */
	const char *where;		/* the subject */
	struct mipc_said_list now, kept;
	int guard[MIPC_HOUSES];		/* of lives that are mapped */
	uint32_t guards;
	/* What becomes of a finding. */
	void (*tell)(void *arg, const struct mipc_said *);
	void *arg;
};

/* --- check.c ----------------------------------------------------------- */

/* Say that something about the subject breaks a rule, or note something. */
void	mipc_check_say(struct mipc_checker *, enum mipc_rule,
	    const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Look at one subject as often as it takes. */
typedef void mipc_check_look(struct mipc_checker *, const void *arg);
void	mipc_check_subject(struct mipc_checker *, const char *where,
	    mipc_check_look *, const void *arg);
/*
 * All of a namespace, each finding told.  0, or why it cannot be read: the
 * checker is to be ended all the same.
 */
int	mipc_check_begin(struct mipc_checker *, const char *dir);
void	mipc_check_all(struct mipc_checker *);
void	mipc_check_end(struct mipc_checker *);

/* --- check_read.c ------------------------------------------------------ */

/* A file of the directory, in private memory. */
struct mipc_copy {
	char *base;
	uint64_t size;			/* of the file, and of the copy */
	struct stat st;
	int fd;				/* open for reading, still */
};
/* Bytes of the file; what is not there reads as 0. */
void	mipc_check_bytes(int fd, uint64_t at, void *to, size_t size);
static inline uint64_t
mipc_check_word(int fd, uint64_t at)
{
	uint64_t word;

	mipc_check_bytes(fd, at, &word, sizeof(word));
	return word;
}
/* Open a regular file; a descriptor, or a finding and -1. */
int	mipc_check_open(struct mipc_checker *, const char *name,
	    struct stat *);
/* Copy it, but for its holes; at most `most` bytes.  false: no memory. */
bool	mipc_check_copy(struct mipc_copy *, uint64_t most);
void	mipc_check_drop(struct mipc_copy *);
/* Read the namespace's head again, and its entries. */
void	mipc_check_refresh(struct mipc_checker *);
void	mipc_check_entry(struct mipc_checker *, int kind, uint64_t index,
	    struct mipc_entry *);
/* Can there be, or have been, such a life?  0 is none, and cannot. */
bool	mipc_check_life(struct mipc_checker *, mipc_life);
bool	mipc_check_dead(struct mipc_checker *, mipc_life);
/* Does anybody live here? */
bool	mipc_check_lived_in(struct mipc_checker *);
/* How lives are read: begin, once the namespace has been. */
void	mipc_check_lives(struct mipc_checker *);

/* --- the rules --------------------------------------------------------- */

void	mipc_check_space(struct mipc_checker *);
void	mipc_check_names(struct mipc_checker *);
void	mipc_check_objects(struct mipc_checker *);

/* What an object's name says: shm.5, shm.5.data; false: none of ours. */
struct mipc_name {
	enum mipc_kind kind;
	uint64_t id;
	bool data;
};
bool	mipc_check_name(const char *name, struct mipc_name *);
/* key.shm.0000002a.1 */
bool	mipc_check_key_name(const char *name, enum mipc_kind *, uint32_t *key,
	    uint32_t *n);
/* The id that a link of this kind leads to; false: nothing of ours. */
bool	mipc_check_link(struct mipc_checker *, const char *name,
	    enum mipc_kind, uint64_t *id);
/* Is the object found by this key? */
bool	mipc_check_has_key(struct mipc_checker *, enum mipc_kind,
	    uint32_t key, uint64_t id);
/* Name after name of the directory; `each` may change it. */
int	mipc_check_each(struct mipc_checker *,
	    void (*each)(struct mipc_checker *, const char *name));

void	mipc_check_segment(struct mipc_checker *, struct mipc_copy *,
	    uint64_t id);
bool	mipc_check_set(struct mipc_checker *, struct mipc_copy *,
	    struct mipc_opened *);
bool	mipc_check_queue(struct mipc_checker *, struct mipc_copy *,
	    struct mipc_opened *);
/* The lock and what a holder of it may leave. */
void	mipc_check_lock(struct mipc_checker *, const struct mipc_lock *);
/* Is the head that of the object?  false: nothing else is worth a look. */
bool	mipc_check_head(struct mipc_checker *, struct mipc_copy *,
	    enum mipc_kind, uint64_t id);
/* What the namespace counts for an object: pages, or semaphores. */
union mipc_any_head {
	struct mipc_object object;
	struct mipc_segment segment;
	struct mipc_semset set;
};
uint64_t mipc_check_weight(enum mipc_kind, const union mipc_any_head *);
/* The data of a segment: its file, in place. */
void	mipc_check_data(struct mipc_checker *, uint64_t id, uint64_t size,
	    uint64_t ino);

/* Has a board's turn a record, and is it one?  `most` parties. */
void	mipc_check_board(struct mipc_checker *, const struct mipc_board *,
	    uint32_t smalls, uint32_t larges);
/* A line of sleepers; `what` it is called. */
void	mipc_check_line(struct mipc_checker *, const struct mipc_line *,
	    const char *what, bool gone_is_wrong);

/*
 * Room of a queue: whose each part and page is.  A message or a held thing
 * takes what it consists of; false, and a finding, if that is no room or
 * somebody else's.
 */
struct mipc_rooms {
	struct mipc_checker *c;
	struct mipc_mq mq;
	/* Of each page its parts, as bits. */
	uint32_t *taken;		/* somebody's */
	uint32_t *listed;		/* a message in the index */
	uint32_t *leaf, *node;		/* of the tree of types */
	uint64_t bytes, messages;	/* of what is in the queue */
};
/* Set a message's bit; false: it is no message, or the bit is set. */
bool	mipc_check_mark(struct mipc_rooms *, uint32_t *bits, uint32_t ref);
/* A message in the queue: its room, its size and type. */
struct mipc_message *mipc_check_message(struct mipc_rooms *, uint32_t ref);
bool	mipc_check_take(struct mipc_rooms *, uint32_t ref, uint32_t shape,
	    const char *whose);
void	mipc_check_index(struct mipc_rooms *);

#endif
