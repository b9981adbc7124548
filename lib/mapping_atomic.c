/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mapping_atomic.c - one number of a map, read or changed at once.
 *
 * The processor itself must touch it; no call of the kernel's compares and
 * swaps 64 bits.  So where somebody could take the page away, the access is
 * one that the library's handler for SIGBUS may leave (bus.h); private memory
 * needs none.  That the file still is so long is asked afterwards, as of a
 * copy.
 */
#include "mapping.h"

#include "atomic.h"
#include "bus.h"
#include "gate.h"

enum verb { LOAD, STORE, ADD, CAS };

struct access {
	enum verb verb;
	int bits;
	void *at;
	uint64_t value;
	uint64_t was;		/* in: what a CAS expects; out: what it was */
	int swapped;
};

#define DO(type, a) do {						\
	_Atomic type *word = (a)->at;					\
	type was = (type)(a)->was;					\
									\
	switch ((a)->verb) {						\
	case LOAD:							\
		was = atomic_load(word);				\
		break;							\
	case STORE:							\
		atomic_store(word, (type)(a)->value);			\
		break;							\
	case ADD:							\
		was = atomic_fetch_add(word, (type)(a)->value);		\
		break;							\
	case CAS:							\
		(a)->swapped = atomic_compare_exchange_strong(word,	\
		    &was, (type)(a)->value);				\
		break;							\
	}								\
	(a)->was = was;							\
} while (0)

static void
touch(void *arg)
{
	struct access *a = arg;

	switch (a->bits) {
	case 8:
		DO(uint8_t, a);
		break;
	case 16:
		DO(uint16_t, a);
		break;
	case 32:
		DO(uint32_t, a);
		break;
	default:
		DO(uint64_t, a);
		break;
	}
}

static bool
fits(uint64_t value, int bits)
{
	return bits == 64 || value >> bits == 0;
}

static bool
is_ready(void)
{
	static mipc_u32 ready;
	struct mipc_gate gate;

	if (mipc_take(&ready) == 0) {
		mipc_gate_enter(&gate);
		mipc_give(&ready, mipc_bus_ready());
		mipc_gate_leave(&gate);
	}
	return mipc_take(&ready) != 0;
}

static int
run(const struct mipc_map *map, size_t position, struct access *a)
{
	size_t size = (size_t)a->bits / 8;
	int prot = a->verb == LOAD ? PROT_READ : PROT_READ | PROT_WRITE;
	int error;

	if (!mipc_mapping_is_open(map))
		return EBADF;
	if ((a->bits != 8 && a->bits != 16 && a->bits != 32 &&
	    a->bits != 64) || position % size != 0 ||
	    !fits(a->value, a->bits) || !fits(a->was, a->bits))
		return EINVAL;
	error = mipc_mapping_check(map, position, size, prot);
	if (error != 0)
		return error;
	a->at = map->base + position;
	if (map->steady)
		touch(a);
	else if (!is_ready())
		return ENOMEM;
	else if (!mipc_bus_try(a->at, size, touch, a))
		return EIO;
	return mipc_mapping_is_cut(map, position + size) ? EIO : 0;
}

MIPC_PUBLIC int
mipc_map_load(const struct mipc_map *map, size_t position, int bits,
    unsigned long long *out)
{
	struct access a = { .verb = LOAD, .bits = bits };
	int error = run(map, position, &a);

	if (error == 0)
		*out = a.was;
	return mipc_mapping_end(error);
}

MIPC_PUBLIC int
mipc_map_store(struct mipc_map *map, size_t position, int bits,
    unsigned long long value)
{
	struct access a = { .verb = STORE, .bits = bits, .value = value };

	return mipc_mapping_end(run(map, position, &a));
}

MIPC_PUBLIC int
mipc_map_add(struct mipc_map *map, size_t position, int bits,
    unsigned long long value, unsigned long long *before)
{
	struct access a = { .verb = ADD, .bits = bits, .value = value };
	int error = run(map, position, &a);

	if (error == 0 && before != NULL)
		*before = a.was;
	return mipc_mapping_end(error);
}

MIPC_PUBLIC int
mipc_map_cas(struct mipc_map *map, size_t position, int bits,
    unsigned long long *expected, unsigned long long value)
{
	struct access a = { .verb = CAS, .bits = bits, .value = value,
	    .was = *expected };
	int error = run(map, position, &a);

	if (error != 0)
		return mipc_mapping_end(error);
	*expected = a.was;
	return a.swapped;
}
