/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msg_index.c - the messages that have been waiting for a while: in the order
 * of arrival, and by type (clause M4).
 *
 * A list runs through all of them, doubly linked.  Those of one type are a
 * list of their own, whose first stands as a leaf in a tree of types: whatever
 * is asked for, what is taken is the first of some type.  The tree is a binary
 * trie without one-way nodes: a node tells two halves apart by the highest bit
 * in which their types differ, so that the lowest type is the leftmost leaf.
 * n leaves need n - 1 nodes; each node stands in a message of its own among
 * those that are leaves, and moves when that one goes.
 *
 * Nothing here changes a word: changes are recorded in the caller's
 * transaction, and what was found is right if the turn is the same then.
 * Until that is known any reference may be stale, and any list a circle.
 */
#include "msg.h"

#include <errno.h>
#include <limits.h>

#define NODE(ref)	((ref) << 1 | 1)
#define LEAF(ref)	((ref) << 1)
#define REF(link)	((link) >> 1)
#define IS_NODE(link)	(((link) & 1) != 0)
#define DEEPEST		64		/* nodes above a leaf */
#define STALE_CURSOR	16u		/* steps that it should have saved */

/* --- words as they will be --------------------------------------------- */

static uint32_t
value(const struct mipc_txn *txn, const mipc_u64 *word)
{
	return MIPC_T_VALUE(mipc_txn_value(txn, word));
}

static void
set(struct mipc_txn *txn, mipc_u64 *word, uint32_t new)
{
	uint64_t old = mipc_peek(word);

	if (MIPC_T_VALUE(mipc_txn_value(txn, word)) != new)
		mipc_txn_change(txn, word, MIPC_T_NEXT(old, new));
}

static uint32_t
peek(const mipc_u64 *word)
{
	return MIPC_T_VALUE(mipc_peek(word));
}

static struct mipc_message *
at(const struct mipc_mq *mq, uint32_t ref)
{
	return mipc_msg_at(mq, ref);
}

static uint64_t
type_of(const struct mipc_message *m)
{
	return m == NULL ? 0 : mipc_peek(&m->type);
}

/* Steps along a list after which it is none; the count is input too. */
static uint64_t
most(const struct mipc_mq *mq)
{
	uint64_t n = peek(&mq->head->indexed), room = mq->layout->pages * 32;

	return n < room ? n : room;
}

/* --- the tree ---------------------------------------------------------- */

static mipc_u64 *
child(struct mipc_message *node, uint64_t type)
{
	return (type >> (peek(&node->bit) & 63) & 1) != 0 ? &node->right :
	    &node->left;
}

/*
 * The way to where a type is, or would be.
 *	link[i]		word that leads to node[i], the last one to the leaf
 */
struct path {
	mipc_u64 *link[DEEPEST + 1];
	uint32_t node[DEEPEST];
	uint32_t depth, leaf;
};

/* EAGAIN: this is no tree. */
static int
walk(const struct mipc_mq *mq, uint64_t type, struct path *p)
{
	struct mipc_message *m;
	uint32_t link;

	p->link[0] = &mq->head->root;
	for (p->depth = 0; p->depth < DEEPEST; p->depth++) {
		link = peek(p->link[p->depth]);
		if (!IS_NODE(link)) {
			p->leaf = REF(link);
			return 0;
		}
		p->node[p->depth] = REF(link);
		m = at(mq, REF(link));
		if (m == NULL)
			return EAGAIN;
		p->link[p->depth + 1] = child(m, type);
	}
	return EAGAIN;
}

/* Where a node is on the way that stands in this message; or depth. */
static uint32_t
hosted(const struct path *p, uint32_t ref)
{
	uint32_t i;

	for (i = 0; i < p->depth && p->node[i] != ref; i++)
		;
	return i;
}

/* The node on the way that stands in one message moves to another. */
static int
move_node(const struct mipc_mq *mq, struct mipc_txn *txn,
    const struct path *p, uint32_t from, uint32_t to)
{
	struct mipc_message *old = at(mq, from), *new = at(mq, to);
	uint32_t i = hosted(p, from);

	if (i == p->depth)
		return 0;
	if (old == NULL || new == NULL)
		return EAGAIN;
	set(txn, &new->bit, value(txn, &old->bit));
	set(txn, &new->left, value(txn, &old->left));
	set(txn, &new->right, value(txn, &old->right));
	/* Its parent is higher up than all that has changed. */
	set(txn, p->link[i], NODE(to));
	return 0;
}

/* A type that is not there yet: its first message becomes a leaf. */
static int
grow(const struct mipc_mq *mq, struct mipc_txn *txn, struct path *p,
    uint32_t ref)
{
	struct mipc_message *m = at(mq, ref), *other = at(mq, p->leaf), *node;
	uint64_t type = type_of(m), differs;
	uint32_t bit, i;
	bool right;

	if (p->leaf == 0) {
		set(txn, &mq->head->root, LEAF(ref));
		return 0;
	}
	differs = type ^ type_of(other);
	if (differs == 0)
		return EAGAIN;
	bit = 63 - (uint32_t)__builtin_clzll(differs);
	for (i = 0; i < p->depth; i++) {
		node = at(mq, p->node[i]);
		if (node == NULL)
			return EAGAIN;
		if (peek(&node->bit) < bit)
			break;
	}
	right = (type >> bit & 1) != 0;
	set(txn, &m->bit, bit);
	set(txn, right ? &m->right : &m->left, LEAF(ref));
	set(txn, right ? &m->left : &m->right, peek(p->link[i]));
	set(txn, p->link[i], NODE(ref));
	return 0;
}

/* The last message of a type goes: so do its leaf and one node. */
static int
shrink(const struct mipc_mq *mq, struct mipc_txn *txn, struct path *p,
    uint32_t ref)
{
	struct mipc_message *parent;
	uint32_t host, sibling;

	if (p->depth == 0) {
		set(txn, &mq->head->root, 0);
		return 0;
	}
	host = p->node[p->depth - 1];
	parent = at(mq, host);
	if (parent == NULL)
		return EAGAIN;
	sibling = peek(p->link[p->depth] == &parent->left ? &parent->right :
	    &parent->left);
	set(txn, p->link[p->depth - 1], sibling);
	p->depth--;
	return host == ref ? 0 : move_node(mq, txn, p, ref, host);
}

/* The first message of a type goes: the next one becomes its leaf. */
static int
succeed(const struct mipc_mq *mq, struct mipc_txn *txn, struct path *p,
    uint32_t ref, uint32_t next)
{
	struct mipc_message *m = at(mq, ref), *after = at(mq, next);

	if (m == NULL || after == NULL)
		return EAGAIN;
	set(txn, &after->last, peek(&m->last));
	set(txn, p->link[p->depth], LEAF(next));
	return move_node(mq, txn, p, ref, next);
}

/* --- changes ----------------------------------------------------------- */

static void
link_between(const struct mipc_mq *mq, struct mipc_txn *txn, uint32_t before,
    uint32_t ref, uint32_t after)
{
	struct mipc_message *m = at(mq, ref);
	struct mipc_message *b = at(mq, before), *a = at(mq, after);

	set(txn, &m->prev, before);
	set(txn, &m->next, after);
	set(txn, b == NULL ? &mq->head->first : &b->next, ref);
	set(txn, a == NULL ? &mq->head->last : &a->prev, ref);
}

/* Numbers go round. */
static bool
is_older(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/*
 * Among those of its type, one that came back: behind the older ones, who may
 * have come back as well.
 */
static int
return_to_type(const struct mipc_mq *mq, struct mipc_txn *txn,
    const struct path *p, uint32_t ref, uint32_t number)
{
	struct mipc_message *first = at(mq, p->leaf), *before = NULL, *next;
	struct mipc_message *m = at(mq, ref);
	uint32_t same = p->leaf;

	for (uint64_t n = 0; (next = at(mq, same)) != NULL &&
	    is_older(peek(&next->number), number); n++) {
		if (n > most(mq))
			return EAGAIN;
		before = next;
		same = peek(&next->same);
	}
	set(txn, &m->same, same);
	if (before != NULL) {
		set(txn, &before->same, ref);
		if (same == 0)
			set(txn, &first->last, ref);
		return 0;
	}
	set(txn, &m->last, peek(&first->last));
	set(txn, p->link[p->depth], LEAF(ref));
	return move_node(mq, txn, p, p->leaf, ref);
}

/* By type: behind all of its own, or where its number says. */
static int
add_type(const struct mipc_mq *mq, struct mipc_txn *txn, uint32_t ref,
    const uint32_t *number)
{
	struct mipc_message *m = at(mq, ref), *first, *last;
	struct path p;
	int error = walk(mq, type_of(m), &p);

	if (error != 0)
		return error;
	first = at(mq, p.leaf);
	if (first == NULL || type_of(first) != type_of(m)) {
		set(txn, &m->same, 0);
		set(txn, &m->last, ref);
		return grow(mq, txn, &p, ref);
	}
	if (number != NULL)
		return return_to_type(mq, txn, &p, ref, *number);
	last = at(mq, peek(&first->last));
	if (last == NULL)
		return EAGAIN;
	set(txn, &m->same, 0);
	set(txn, &last->same, ref);
	set(txn, &first->last, ref);
	return 0;
}

static void
count(const struct mipc_mq *mq, struct mipc_txn *txn, int more)
{
	set(txn, &mq->head->indexed,
	    peek(&mq->head->indexed) + (uint32_t)more);
}

int
mipc_index_add(const struct mipc_mq *mq, struct mipc_txn *txn, uint32_t ref,
    uint32_t number)
{
	struct mipc_message *m = at(mq, ref);

	if (m == NULL)
		return EAGAIN;
	set(txn, &m->number, number);
	link_between(mq, txn, peek(&mq->head->last), ref, 0);
	count(mq, txn, 1);
	return add_type(mq, txn, ref, NULL);
}

int
mipc_index_put_back(const struct mipc_mq *mq, struct mipc_txn *txn,
    uint32_t ref, uint32_t number)
{
	struct mipc_message *m = at(mq, ref), *a;
	uint32_t before = 0, after = peek(&mq->head->first);

	if (m == NULL)
		return EAGAIN;
	for (uint64_t n = 0; (a = at(mq, after)) != NULL &&
	    is_older(peek(&a->number), number); n++) {
		if (n > most(mq))
			return EAGAIN;
		before = after;
		after = peek(&a->next);
	}
	set(txn, &m->number, number);
	link_between(mq, txn, before, ref, after);
	set(txn, &mq->head->cursor, 0);
	count(mq, txn, 1);
	return add_type(mq, txn, ref, &number);
}

int
mipc_index_remove(const struct mipc_mq *mq, struct mipc_txn *txn,
    uint32_t ref)
{
	struct mipc_message *m = at(mq, ref), *before, *after;
	uint32_t prev, next, same;
	struct path p;
	int error;

	if (m == NULL)
		return EAGAIN;
	prev = peek(&m->prev);
	next = peek(&m->next);
	same = peek(&m->same);
	before = at(mq, prev);
	after = at(mq, next);
	set(txn, before == NULL ? &mq->head->first : &before->next, next);
	set(txn, after == NULL ? &mq->head->last : &after->prev, prev);
	if (peek(&mq->head->cursor) == ref)
		set(txn, &mq->head->cursor, next != 0 ? next : prev);
	count(mq, txn, -1);
	set(txn, &m->number, peek(&m->number) - 1);	/* see MSG_COPY */
	error = walk(mq, type_of(m), &p);
	if (error != 0 || p.leaf != ref)
		return EAGAIN;
	return same == 0 ? shrink(mq, txn, &p, ref) :
	    succeed(mq, txn, &p, ref, same);
}

/* --- questions --------------------------------------------------------- */

static uint32_t
lowest(const struct mipc_mq *mq)
{
	uint32_t link = peek(&mq->head->root);
	struct mipc_message *m;

	for (int i = 0; i < DEEPEST && IS_NODE(link); i++) {
		m = at(mq, REF(link));
		if (m == NULL)
			return 0;
		link = peek(&m->left);
	}
	return IS_NODE(link) ? 0 : REF(link);
}

/* M4 MSG_EXCEPT: the first that is not of this type. */
static uint32_t
other_than(const struct mipc_mq *mq, uint64_t type, uint32_t *passed)
{
	uint32_t ref = peek(&mq->head->first), next, steps = 0;
	struct mipc_message *m = at(mq, ref);

	*passed = 0;
	if (m == NULL || type_of(m) != type)
		return m == NULL ? 0 : ref;
	if (at(mq, peek(&mq->head->cursor)) != NULL)
		ref = peek(&mq->head->cursor);
	while ((m = at(mq, ref)) != NULL && type_of(m) == type) {
		next = peek(&m->next);
		if (steps++ > most(mq)) {
			*passed = 0;
			return 0;
		}
		if (steps > STALE_CURSOR)
			*passed = next != 0 ? next : ref;
		ref = next;
	}
	return m == NULL ? 0 : ref;
}

uint32_t
mipc_index_find(const struct mipc_mq *mq, const struct mipc_choice *choice,
    uint32_t *passed)
{
	struct mipc_message *m;
	struct path p;
	uint32_t ref;

	*passed = 0;
	switch (choice->rule) {
	case MIPC_ANY:
		return peek(&mq->head->first);
	case MIPC_EQUAL:
		if (walk(mq, choice->type, &p) != 0)
			return 0;
		m = at(mq, p.leaf);
		return m != NULL && type_of(m) == choice->type ? p.leaf : 0;
	case MIPC_EXCEPT:
		return other_than(mq, choice->type, passed);
	case MIPC_UP_TO:
		ref = lowest(mq);
		m = at(mq, ref);
		return m != NULL && type_of(m) <= choice->type ? ref : 0;
	}
	return 0;
}

uint32_t
mipc_index_at(const struct mipc_mq *mq, uint64_t number)
{
	uint32_t ref = peek(&mq->head->first);
	struct mipc_message *m;

	if (number >= most(mq))
		return 0;
	for (uint64_t i = 0; i < number && (m = at(mq, ref)) != NULL; i++)
		ref = peek(&m->next);
	return at(mq, ref) == NULL ? 0 : ref;
}
