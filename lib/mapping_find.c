/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mapping_find.c - where bytes stand in a map.
 *
 * A map is looked through in windows that are copied out of it, for it may be
 * cut off meanwhile.  What is short is sought in one of them by libc.  For the
 * rest there is the two-way method (Crochemore and Perrin, 1991), which looks
 * at each byte of the map a bounded number of times, whatever is sought, and
 * needs no memory: what is sought is cut in two where it has its period, and
 * the right part is compared first, then the left.  Backward it is the same
 * with both read from their ends.
 */
#include "mapping.h"

#include <errno.h>
#include <string.h>

#define WINDOW		((size_t)8192)
#define SHORT		((size_t)4096)	/* sought in a window, forward */
#define SHORT_BACK	((size_t)32)	/* compared at every place */

struct window {
	size_t from, size;
	unsigned char bytes[WINDOW];
};

struct sought {
	const struct mipc_map *map;
	const char *bytes;
	size_t size;
	size_t start, end;	/* where it may stand, as a whole */
	bool back;
	struct window *window[2];	/* of the right part, and the left */
};

/* --- what is short ----------------------------------------------------- */

static int
forward(const struct sought *s, size_t *out)
{
	char window[WINDOW], *found;
	size_t n;
	int error;

	for (size_t at = s->start; s->end - at >= s->size; at += n -
	    s->size + 1) {
		n = s->end - at < WINDOW ? s->end - at : WINDOW;
		error = mipc_mapping_read(s->map, at, window, n);
		if (error != 0)
			return error;
		found = memmem(window, n, s->bytes, s->size);
		if (found != NULL) {
			*out = at + (size_t)(found - window);
			return 0;
		}
	}
	return ENOENT;
}

/* The last of the first `n` places of a window where it stands, or n. */
static size_t
last_in(const struct sought *s, const char *window, size_t n)
{
	const char *at = window + n;

	while (at != NULL && at > window) {
		at = memrchr(window, s->bytes[0], (size_t)(at - window));
		if (at != NULL && memcmp(at, s->bytes, s->size) == 0)
			return (size_t)(at - window);
	}
	return n;
}

static int
backward(const struct sought *s, size_t *out)
{
	size_t limit = s->end - s->size + 1, n, at;
	char window[WINDOW];
	int error;

	for (; limit > s->start; limit -= n) {
		n = limit - s->start < WINDOW - SHORT_BACK ?
		    limit - s->start : WINDOW - SHORT_BACK;
		error = mipc_mapping_read(s->map, limit - n, window,
		    n - 1 + s->size);
		if (error != 0)
			return error;
		at = last_in(s, window, n);
		if (at < n) {
			*out = limit - n + at;
			return 0;
		}
	}
	return ENOENT;
}

/* --- the two-way method ------------------------------------------------ */

/* The kth byte of what is sought, in the direction of the search. */
static unsigned char
byte_of(const struct sought *s, size_t k)
{
	return (unsigned char)s->bytes[s->back ? s->size - 1 - k : k];
}

/* Is the kth byte of the range this one?  0, ENOENT or an error. */
static int
compare(const struct sought *s, int part, size_t k, unsigned char byte)
{
	const size_t at = s->back ? s->end - 1 - k : s->start + k;
	struct window *w = s->window[part];
	size_t size = s->end - s->start;
	int error;

	if (at - w->from >= w->size) {
		if (size > WINDOW)
			size = WINDOW;
		w->from = !s->back ? at : at - s->start < size ? s->start :
		    at - size + 1;
		w->size = s->end - w->from < size ? s->end - w->from : size;
		error = mipc_mapping_read(s->map, w->from, w->bytes, w->size);
		if (error != 0) {
			w->size = 0;
			return error;
		}
	}
	return w->bytes[at - w->from] == byte ? 0 : ENOENT;
}

/*
 * The greatest suffix by one order of bytes or the other: where it begins, and
 * its period.
 */
static size_t
greatest_suffix(const struct sought *s, bool other, size_t *period)
{
	size_t begin = 0, at = 1, k = 0, p = 1;
	unsigned char a, b;

	while (at + k < s->size) {
		a = byte_of(s, begin + k);
		b = byte_of(s, at + k);
		if (a == b && k + 1 == p) {
			at += p;
			k = 0;
		} else if (a == b) {
			k++;
		} else if ((a > b) != other) {
			at += k + 1;
			k = 0;
			p = at - begin;
		} else {
			begin = at++;
			k = 0;
			p = 1;
		}
	}
	*period = p;
	return begin;
}

/* Where it is cut, how far it moves on, and what is known of it then. */
struct cut {
	size_t at, step, known;
};

static struct cut
cut(const struct sought *s)
{
	size_t period[2], at[2], k = 0, p;
	bool other;

	at[0] = greatest_suffix(s, false, &period[0]);
	at[1] = greatest_suffix(s, true, &period[1]);
	other = at[1] > at[0];
	p = period[other];
	while (k < at[other] && byte_of(s, k) == byte_of(s, k + p))
		k++;
	if (k == at[other])	/* all of it has this period */
		return (struct cut){ at[other], p, s->size - p };
	p = at[other] > s->size - at[other] ? at[other] :
	    s->size - at[other];
	return (struct cut){ at[other], p + 1, 0 };
}

/* Does it stand `moved` bytes on?  ENOENT with how far it is to move. */
static int
stands(const struct sought *s, const struct cut *c, size_t moved,
    size_t *known, size_t *step)
{
	size_t k = c->at > *known ? c->at : *known;
	int error = 0;

	for (; k < s->size && error == 0; k += error == 0)
		error = compare(s, 0, moved + k, byte_of(s, k));
	if (error == ENOENT) {
		*step = k - c->at + 1;
		*known = 0;
	}
	if (error != 0)
		return error;
	for (k = *known; k < c->at && error == 0; k++)
		error = compare(s, 1, moved + k, byte_of(s, k));
	*step = c->step;
	*known = c->known;
	return error;
}

static int
two_way(struct sought *s, size_t *out)
{
	struct window window[2] = { { .size = 0 }, { .size = 0 } };
	const size_t last = s->end - s->start - s->size;
	const struct cut c = cut(s);
	size_t known = 0, step = 0;
	int error = ENOENT;

	s->window[0] = &window[0];
	s->window[1] = &window[1];
	for (size_t moved = 0; moved <= last; moved += step) {
		error = stands(s, &c, moved, &known, &step);
		if (error == 0)
			*out = s->back ? s->end - moved - s->size :
			    s->start + moved;
		if (error != ENOENT)
			return error;
	}
	return ENOENT;
}

/* --- either ------------------------------------------------------------ */

/* The range within the map: 0, ENOENT if there is no place, or an error. */
static int
clip(struct sought *s)
{
	int error = mipc_mapping_check(s->map, 0, 0, PROT_READ);

	if (error != 0)
		return error;
	if (s->end > s->map->length)
		s->end = s->map->length;
	if (s->start > s->map->length)
		s->start = s->map->length;
	return s->start > s->end || s->end - s->start < s->size ? ENOENT : 0;
}

int
mipc_mapping_find(const struct mipc_map *map, const void *what, size_t size,
    size_t start, size_t end, size_t *out)
{
	struct sought s = { .map = map, .bytes = what, .size = size,
	    .start = start, .end = end };
	int error;

	error = clip(&s);
	if (error != 0)
		return error;
	if (size > 0)
		return size <= SHORT ? forward(&s, out) : two_way(&s, out);
	*out = s.start;
	return 0;
}

MIPC_PUBLIC ssize_t
mipc_map_find(const struct mipc_map *map, const void *what, size_t size,
    size_t start, size_t end)
{
	size_t at = 0;
	int error = mipc_mapping_find(map, what, size, start, end, &at);

	return error == 0 ? (ssize_t)at : mipc_mapping_end(error);
}

MIPC_PUBLIC ssize_t
mipc_map_rfind(const struct mipc_map *map, const void *what, size_t size,
    size_t start, size_t end)
{
	struct sought s = { .map = map, .bytes = what, .size = size,
	    .start = start, .end = end, .back = true };
	size_t at = 0;
	int error;

	error = clip(&s);
	if (error == 0 && size == 0)
		at = s.end;
	else if (error == 0)
		error = size <= SHORT_BACK ? backward(&s, &at) :
		    two_way(&s, &at);
	return error == 0 ? (ssize_t)at : mipc_mapping_end(error);
}
