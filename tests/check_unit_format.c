/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_unit_format.c - format 2 is what was published, and everything else
 * is refused.  A change here is another format, with another number.
 */
#include "check_unit.h"

#include <stdlib.h>
#include <string.h>

#define AT(type, field, offset) \
	must_eq(offsetof(struct type, field), (offset))

START_TEST(format_2_offsets_stay)
{
	must_eq(MIPC_FORMAT, 2);
	AT(mipc_space, magic, 0);
	AT(mipc_space, format, 4);
	AT(mipc_space, byte_order, 8);
	AT(mipc_space, page, 12);
	AT(mipc_space, limit, 32);
	AT(mipc_space, lock, 160);
	AT(mipc_space, intent, 184);
	AT(mipc_space, census, 448);
	AT(mipc_object, magic, 0);
	AT(mipc_object, format, 4);
	AT(mipc_object, id, 16);
	AT(mipc_object, lock, 24);
	AT(mipc_object, state, 320);
	AT(mipc_object, mode, 336);
	AT(mipc_segment, size, 768);
	AT(mipc_segment, entry, 896);
	AT(mipc_semset, nsems, 768);
	AT(mipc_semset, ready, 792);
	AT(mipc_semset, bell, 896);
	AT(mipc_semset, turn, 960);
	AT(mipc_semset, line, 968);
	AT(mipc_semset, era, 1016);
	AT(mipc_semset, otime, 1088);
	AT(mipc_semset, sem, 1096);
	AT(mipc_sleeper, blocking, 56);
	AT(mipc_sleeper, op, 80);
	AT(mipc_slot, gen, 0);
	AT(mipc_slot, canary, 16);
	AT(mipc_slot, command, 128);
	AT(mipc_house_head, high, 8);
	must_eq(sizeof(struct mipc_attach), 32);
	must_eq(sizeof(struct mipc_entry), 32);
}
END_TEST

START_TEST(format_has_no_padding_that_differs_by_word_size)
{
	must_eq(sizeof(mipc_u64), 8);
	must_eq(sizeof(mipc_u32), 4);
	must_eq(_Alignof(struct mipc_slot), _Alignof(mipc_u64));
	must_eq(offsetof(struct mipc_space, entry) % 8, 0);
	must_eq(sizeof(struct mipc_object) % 8, 0);
}
END_TEST

START_TEST(format_a_life_keeps_its_parts)
{
	static const struct {
		uint64_t gen;
		uint32_t house, slot;
	} parts[] = {
		{ 1, 0, 1 },
		{ 1, MIPC_HOUSES - 1, MIPC_SLOTS - 1 },
		{ MIPC_GEN_MAX, 0, 1 },
		{ MIPC_GEN_MAX, MIPC_HOUSES - 1, MIPC_SLOTS - 1 },
		{ 0x123456789, 77, 4711 },
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		mipc_life life = MIPC_LIFE(parts[i].house, parts[i].slot,
		    parts[i].gen);

		must_eq(MIPC_LIFE_GEN(life), parts[i].gen);
		must_eq(MIPC_LIFE_HOUSE(life), parts[i].house);
		must_eq(MIPC_LIFE_SLOT(life), parts[i].slot);
	}
}
END_TEST

/* What checking a namespace's head says after one number was changed. */
static int
check_with(void *field, uint32_t value, const struct mipc_space *space)
{
	uint32_t saved;
	const char *why = NULL;
	int error;

	memcpy(&saved, field, 4);
	memcpy(field, &value, 4);
	error = mipc_space_check(space, &why);
	memcpy(field, &saved, 4);
	must((why != NULL) == (error != 0));
	return error;
}

START_TEST(format_only_its_own_namespace_is_taken)
{
	struct mipc_space *space = calloc(1, sizeof(*space));

	must(space != NULL);
	mipc_space_init(space);
	must_eq(check_with(&space->magic, MIPC_MAGIC_SPACE, space), 0);
	must_eq(check_with(&space->magic, 0, space), EIO);
	must(check_with(&space->magic, MIPC_MAGIC_OBJECT, space) != 0);
	must_eq(check_with(&space->format, 1, space), EPROTONOSUPPORT);
	must_eq(check_with(&space->format, 0, space), EPROTONOSUPPORT);
	must_eq(check_with(&space->byte_order, 0x04030201, space),
	    EPROTONOSUPPORT);
	must_eq(check_with(&space->page, 512, space), EPROTONOSUPPORT);
	must_eq(check_with(&space->magic, MIPC_MAGIC_SPACE, space), 0);
	free(space);
}
END_TEST

void
add_format_tests(TCase *tc)
{
	testing_add(tc, format_2_offsets_stay);
	testing_add(tc, format_has_no_padding_that_differs_by_word_size);
	testing_add(tc, format_a_life_keeps_its_parts);
	testing_add(tc, format_only_its_own_namespace_is_taken);
}
