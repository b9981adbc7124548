/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_line.c - records of transactions, and lines of sleepers.
 */
#include "check_inside.h"

/* --- a board ----------------------------------------------------------- */

static struct mipc_party *
party_at(const struct mipc_site *site, uint32_t index)
{
	return (struct mipc_party *)(void *)(index < MIPC_PARTIES ?
	    site->small + index * MIPC_PARTY_BYTES :
	    site->large + (index - MIPC_PARTIES) *
	    mipc_txn_large_bytes(site->large_words));
}

/* What is committed and not known to be applied. */
static void
check_record(struct mipc_checker *c, const struct mipc_site *site,
    uint32_t index)
{
	struct mipc_party *party = party_at(site, index);
	bool small = index < MIPC_PARTIES;
	struct mipc_entry_word *word = (void *)((char *)party +
	    (small ? site->record : sizeof(struct mipc_party)));
	uint64_t most = small ? site->small_words : site->large_words;
	uint64_t count = mipc_peek(&party->count), offset, now;

	if (count > most)
		mipc_check_say(c, MIPC_RULE_TXN, "a transaction of %llu "
		    "words, in a record of %llu", (unsigned long long)count,
		    (unsigned long long)most);
	for (uint64_t i = 0; i < count && i < most; i++) {
		offset = mipc_peek(&word[i].offset);
		if (offset % 8 != 0 || offset < sizeof(struct mipc_object) ||
		    offset > site->size - 8) {
			mipc_check_say(c, MIPC_RULE_TXN, "a transaction of a "
			    "word outside of it");
			continue;
		}
		memcpy(&now, site->base + offset, sizeof(now));
		if (now != mipc_peek(&word[i].old) &&
		    now != mipc_peek(&word[i].new))
			mipc_check_say(c, MIPC_RULE_TXN, "a transaction of a "
			    "word that is neither as it was nor as it will "
			    "be");
	}
	mipc_check_say(c, MIPC_RULE_NOTE, "a transaction is committed and not "
	    "all applied: whoever comes next does it");
}

static void
check_claims(struct mipc_checker *c, const struct mipc_site *site,
    uint32_t from, uint32_t n)
{
	struct mipc_party *party;
	mipc_life claim;

	for (uint32_t i = from; i < from + n; i++) {
		party = party_at(site, i);
		claim = mipc_peek(&party->claim);
		if (claim != 0 && !mipc_check_life(c, claim))
			mipc_check_say(c, MIPC_RULE_TXN,
			    "a record is held by who never lived");
	}
}

void
mipc_check_board(struct mipc_checker *c, const struct mipc_board *board,
    uint32_t smalls, uint32_t larges)
{
	const struct mipc_site *site = board->site;
	uint64_t turn = mipc_peek(site->turn);
	uint32_t index = (uint32_t)(turn & 0xff);

	if (index > MIPC_PARTIES ? index - MIPC_PARTIES > larges :
	    index > smalls) {
		mipc_check_say(c, MIPC_RULE_TXN, "the last transaction is in "
		    "a record that there is not");
		return;
	}
	check_claims(c, site, 0, smalls);
	check_claims(c, site, MIPC_PARTIES, larges);
	if (index != 0 && mipc_peek(&party_at(site, index - 1)->done) !=
	    turn >> 8)
		check_record(c, site, index - 1);
	mipc_txn_begin(board);		/* of the copy, as whoever is next */
}

/* --- a line ------------------------------------------------------------ */

static bool
sleeps(const struct mipc_place *place)
{
	return !mipc_line_ended(mipc_line_state(place));
}

static void
check_place(struct mipc_checker *c, const struct mipc_place *place,
    const char *what)
{
	mipc_life owner = mipc_peek(&place->owner);

	if (!sleeps(place))
		mipc_check_say(c, MIPC_RULE_LINE, "%s: one stands in the line "
		    "who does not sleep", what);
	if (!mipc_check_life(c, owner))
		mipc_check_say(c, MIPC_RULE_LINE, "%s: one stands in the line "
		    "who never lived", what);
	else if (mipc_check_dead(c, owner))
		mipc_check_say(c, MIPC_RULE_NOTE, "%s: process %u died "
		    "asleep: whoever comes next takes it out", what,
		    (unsigned)mipc_peek(&place->pid));
}

/* How many stand in it; the walk ends where it would be a circle. */
static uint32_t
walk(struct mipc_checker *c, const struct mipc_line *line, const char *what)
{
	uint32_t count = mipc_line_count(line), at, before = 0, n = 0;
	struct mipc_place *place;

	for (at = MIPC_T_VALUE(mipc_peek(&line->head->head)); at != 0;
	    at = MIPC_T_VALUE(mipc_peek(&place->next))) {
		if (at > count || n++ >= count) {
			mipc_check_say(c, MIPC_RULE_LINE, "%s: the line %s",
			    what, at > count ? "leads out of the table" :
			    "is a circle");
			return n;
		}
		place = mipc_line_place(line, at - 1);
		if (MIPC_T_VALUE(mipc_peek(&place->prev)) != before)
			mipc_check_say(c, MIPC_RULE_LINE, "%s: a link back "
			    "does not lead to the one before", what);
		check_place(c, place, what);
		before = at;
	}
	if (MIPC_T_VALUE(mipc_peek(&line->head->tail)) != before)
		mipc_check_say(c, MIPC_RULE_LINE, "%s: the line does not end "
		    "at its end", what);
	return n;
}

void
mipc_check_line(struct mipc_checker *c, const struct mipc_line *line,
    const char *what, bool gone_is_wrong)
{
	uint32_t n = walk(c, line, what), asleep = 0;
	struct mipc_place *place;
	uint32_t state;

	for (uint32_t i = 0; i < mipc_line_count(line); i++) {
		place = mipc_line_place(line, i);
		state = mipc_line_state(place) & 0xff;
		asleep += sleeps(place);
		if (state > MIPC_SLEEP_HANDED)
			mipc_check_say(c, MIPC_RULE_LINE, "%s: place %u is in "
			    "state %u, which there is not", what, (unsigned)i,
			    (unsigned)state);
	}
	if (MIPC_T_VALUE(mipc_peek(&line->head->sleepers)) != n)
		mipc_check_say(c, MIPC_RULE_LINE, "%s: %u sleep, and %u stand "
		    "in the line", what, (unsigned)MIPC_T_VALUE(
		    mipc_peek(&line->head->sleepers)), (unsigned)n);
	if (asleep != n)
		mipc_check_say(c, MIPC_RULE_LINE, "%s: %u places say that "
		    "they sleep, and %u stand in the line", what,
		    (unsigned)asleep, (unsigned)n);
	if (MIPC_T_VALUE(mipc_peek(&line->head->due)) > 1 ||
	    MIPC_T_VALUE(mipc_peek(&line->head->gone)) > 1)
		mipc_check_say(c, MIPC_RULE_LINE, "%s: neither due nor not",
		    what);
	else if (gone_is_wrong &&
	    MIPC_T_VALUE(mipc_peek(&line->head->gone)) != 0)
		mipc_check_say(c, MIPC_RULE_LINE, "%s: told that it is "
		    "removed, and the namespace lists it", what);
}
