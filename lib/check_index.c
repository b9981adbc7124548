/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_index.c - messages in the order of arrival and by type: see
 * msg_index.c.
 */
#include "check_inside.h"

#define IS_NODE(link)	(((link) & 1) != 0)
#define REF(link)	((link) >> 1)
#define DEEPEST		64

static uint32_t
value(const mipc_u64 *word)
{
	return MIPC_T_VALUE(mipc_peek(word));
}

/* --- the list ---------------------------------------------------------- */

static uint32_t
walk_list(struct mipc_rooms *r)
{
	struct mipc_msgqueue *q = r->mq.head;
	uint32_t ref = value(&q->first), before = 0, n = 0, number = 0;
	struct mipc_message *m;

	for (; ref != 0; ref = value(&m->next), n++) {
		m = mipc_check_message(r, ref);
		if (m == NULL) {
			mipc_check_say(r->c, MIPC_RULE_INDEX, "the list of "
			    "messages breaks off behind %u of them",
			    (unsigned)n);
			return n;
		}
		mipc_check_mark(r, r->listed, ref);
		if (value(&m->prev) != before)
			mipc_check_say(r->c, MIPC_RULE_INDEX, "a message does "
			    "not lead back to the one before it");
		if (n > 0 && (int32_t)(value(&m->number) - number) <= 0)
			mipc_check_say(r->c, MIPC_RULE_INDEX, "messages are "
			    "not in the order of arrival");
		number = value(&m->number);
		before = ref;
	}
	if (value(&q->last) != before)
		mipc_check_say(r->c, MIPC_RULE_INDEX, "the list of messages "
		    "does not end at its end");
	return n;
}

/* --- the tree ---------------------------------------------------------- */

/* Messages of one type, from the first on: how many. */
static uint32_t
walk_type(struct mipc_rooms *r, uint32_t ref, uint32_t most)
{
	struct mipc_message *first = mipc_msg_at(&r->mq, ref), *m = first;
	uint32_t n = 0, at = ref;

	for (;;) {
		if (m == NULL || ++n > most ||
		    mipc_peek(&m->type) != mipc_peek(&first->type) ||
		    mipc_check_mark(r, r->listed, at)) {
			mipc_check_say(r->c, MIPC_RULE_TREE, "messages of one "
			    "type lead to one that is not");
			return n;
		}
		if (value(&m->same) == 0)
			break;
		at = value(&m->same);
		m = mipc_msg_at(&r->mq, at);
	}
	if (first != NULL && value(&first->last) != at)
		mipc_check_say(r->c, MIPC_RULE_TREE, "messages of one type do "
		    "not end at their last");
	return n;
}

struct count {
	uint32_t leaves, nodes, messages;
};

static void
visit(struct mipc_rooms *r, uint32_t link, uint32_t above, uint32_t most,
    struct count *n)
{
	struct mipc_message *m = mipc_msg_at(&r->mq, REF(link));
	uint32_t bit;

	if (m == NULL || n->leaves + n->nodes > 2 * most) {
		mipc_check_say(r->c, MIPC_RULE_TREE,
		    "the tree of types leads to no message");
		return;
	}
	if (!IS_NODE(link)) {
		n->leaves++;
		if (!mipc_check_mark(r, r->leaf, REF(link)))
			mipc_check_say(r->c, MIPC_RULE_TREE,
			    "a type stands twice in the tree");
		else
			n->messages += walk_type(r, REF(link), most);
		return;
	}
	bit = value(&m->bit);
	n->nodes++;
	if (bit >= above || !mipc_check_mark(r, r->node, REF(link))) {
		mipc_check_say(r->c, MIPC_RULE_TREE,
		    "the tree of types is none");
		return;
	}
	visit(r, value(&m->left), bit, most, n);
	visit(r, value(&m->right), bit, most, n);
}

/* Does the tree lead to the type of each message that it has? */
static bool
leads_to(struct mipc_rooms *r, struct mipc_message *wanted)
{
	uint32_t link = value(&r->mq.head->root);
	struct mipc_message *m;

	for (int i = 0; i < DEEPEST && IS_NODE(link); i++) {
		m = mipc_msg_at(&r->mq, REF(link));
		if (m == NULL)
			return false;
		link = value((mipc_peek(&wanted->type) >>
		    (value(&m->bit) & 63) & 1) != 0 ? &m->right : &m->left);
	}
	m = IS_NODE(link) ? NULL : mipc_msg_at(&r->mq, REF(link));
	return m != NULL && mipc_peek(&m->type) == mipc_peek(&wanted->type);
}

static void
check_leads(struct mipc_rooms *r, uint32_t n)
{
	uint32_t ref = value(&r->mq.head->first);
	struct mipc_message *m;

	for (uint32_t i = 0; i < n && ref != 0; i++) {
		m = mipc_msg_at(&r->mq, ref);
		if (m == NULL)
			return;
		if (!leads_to(r, m)) {
			mipc_check_say(r->c, MIPC_RULE_TREE, "the tree of "
			    "types does not lead to a message of the list");
			return;
		}
		ref = value(&m->next);
	}
}

void
mipc_check_index(struct mipc_rooms *r)
{
	struct mipc_msgqueue *q = r->mq.head;
	uint32_t n = walk_list(r), root = value(&q->root);
	struct count count = { 0, 0, 0 };

	if (value(&q->indexed) != n)
		mipc_check_say(r->c, MIPC_RULE_INDEX, "%u messages are in the "
		    "index, and %u in its list", (unsigned)value(&q->indexed),
		    (unsigned)n);
	if (root != 0)
		visit(r, root, DEEPEST, n, &count);
	if (count.messages != n)
		mipc_check_say(r->c, MIPC_RULE_TREE, "%u messages by type, "
		    "and %u in the list", (unsigned)count.messages,
		    (unsigned)n);
	if (count.leaves != 0 && count.nodes != count.leaves - 1)
		mipc_check_say(r->c, MIPC_RULE_TREE, "%u types, and %u nodes "
		    "above them", (unsigned)count.leaves,
		    (unsigned)count.nodes);
	check_leads(r, n);
}
