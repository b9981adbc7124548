/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mend.c - a namespace is checked, and what is damaged mended if asked.
 *
 * What is mended is what was found; then all is checked again, until nothing
 * is found or nothing more can be done.  At the end the library does for the
 * dead what it does for them anyhow.
 */
#include "mend.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define ROUNDS		8
#define WRONG_MOST	8192u

/* A file that is wrong, and the rules that it breaks. */
struct wrong {
	char where[272];
	uint64_t rules;
};
_Static_assert(MIPC_RULES <= 64, "a bit for each rule");

struct run {
	void (*tell)(void *arg, const struct mipc_check_finding *);
	void *arg;
	struct mipc_mender mender;
	struct wrong *wrong;
	uint32_t wrongs;
	uint32_t damaged;
	bool quiet;			/* nothing is told */
	int lock[MIPC_HOUSES];
	uint32_t locks;
};

static void
tell_as(struct run *run, enum mipc_check_weight weight, const char *where,
    const char *what)
{
	struct mipc_check_finding finding = { weight, where, what };

	if (!run->quiet)
		run->tell(run->arg, &finding);
}

void
mipc_mend_say(struct mipc_mender *m, const char *where, const char *format,
    ...)
{
	struct mipc_check_finding finding = { MIPC_CHECK_MENDED, where, NULL };
	char what[PATH_MAX + 100];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	finding.what = what;
	m->tell(m->arg, &finding);
	m->done++;
}

/* --- what is found ----------------------------------------------------- */

static void
note(void *arg, const struct mipc_said *said)
{
	struct run *run = arg;
	uint32_t i;

	tell_as(run, said->rule == MIPC_RULE_NOTE ? MIPC_CHECK_NOTE :
	    MIPC_CHECK_DAMAGE, said->where, said->what);
	if (said->rule == MIPC_RULE_NOTE && !said->copied)
		return;
	run->damaged += said->rule != MIPC_RULE_NOTE;
	if (run->wrong == NULL)
		return;
	for (i = 0; i < run->wrongs; i++)
		if (strcmp(run->wrong[i].where, said->where) == 0)
			break;
	if (i == WRONG_MOST)
		return;
	if (i == run->wrongs)
		memcpy(run->wrong[run->wrongs++].where, said->where,
		    sizeof(said->where));
	run->wrong[i].rules |= 1ull << said->rule;
}

static int
check_once(struct run *run, const char *dir, bool alone)
{
	struct mipc_checker *c = run->mender.c;
	int error;

	memset(c, 0, sizeof(*c));
	run->damaged = 0;
	run->wrongs = 0;
	if (run->wrong != NULL)
		memset(run->wrong, 0, WRONG_MOST * sizeof(struct wrong));
	c->tell = note;
	c->arg = run;
	c->alone = alone;
	error = mipc_check_begin(c, dir);
	if (error == 0)
		mipc_check_all(c);
	return error;
}

/* --- nobody lives here ------------------------------------------------- */

static bool
lock_house(struct run *run, uint64_t uid)
{
	char name[40];
	struct stat st;
	int fd;

	snprintf(name, sizeof(name), "life.%u.run", (unsigned)(uid - 1));
	fd = mipc_sys_open(run->mender.c->fd, name, O_RDWR | O_NOFOLLOW |
	    O_NONBLOCK, 0);
	if (fd < 0)
		return fd == -ENOENT || fd == -ELOOP;
	if (mipc_sys_fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		mipc_sys_close(fd);
		return true;
	}
	if (mipc_sys_lock_range(fd, F_WRLCK, 1, MIPC_SLOTS - 1,
	    false) != 0) {
		mipc_sys_close(fd);
		return false;
	}
	run->lock[run->locks++] = fd;
	return true;
}

static void
unlock_houses(struct run *run)
{
	while (run->locks > 0)
		mipc_sys_close(run->lock[--run->locks]);
}

/* Whoever is here holds a byte of one; whoever comes wants one. */
static bool
lock_houses(struct run *run)
{
	struct mipc_checker *c = run->mender.c;
	bool locked = !mipc_check_lived_in(c), twice;
	uint64_t uid;

	for (uint32_t i = 0; locked && i < MIPC_HOUSES; i++) {
		uid = mipc_peek(&c->space->house[i]);
		twice = false;
		for (uint32_t j = 0; j < i; j++)
			twice |= mipc_peek(&c->space->house[j]) == uid;
		if (uid != 0 && !twice && uid <= (uint64_t)UINT32_MAX + 1)
			locked = lock_house(run, uid);
	}
	if (!locked)
		unlock_houses(run);
	return locked;
}

/* --- mending ----------------------------------------------------------- */

static bool
breaks(const struct wrong *wrong, enum mipc_rule rule)
{
	return (wrong->rules >> rule & 1) != 0;
}

/* What is right but for words that its names and files tell. */
static void
mend_words(struct mipc_mender *m, const struct wrong *wrong,
    const struct mipc_name *object)
{
	if (breaks(wrong, MIPC_RULE_KEY))
		mipc_mend_key(m, object->kind, object->id);
	if (breaks(wrong, MIPC_RULE_PERM))
		mipc_mend_perm(m, object->kind, object->id);
}

static void
mend_one(struct mipc_mender *m, const struct wrong *wrong)
{
	const uint64_t simple = 1ull << MIPC_RULE_KEY |
	    1ull << MIPC_RULE_ENTRY | 1ull << MIPC_RULE_PERM;
	struct mipc_name object;

	if (strcmp(wrong->where, "namespace") == 0) {
		mipc_mend_space(m);
	} else if (mipc_check_name(wrong->where, &object)) {
		if (breaks(wrong, MIPC_RULE_NAME) ||
		    breaks(wrong, MIPC_RULE_ENTRY))
			mipc_mend_space(m);
		if (breaks(wrong, MIPC_RULE_NAME))
			mipc_mend_unlisted(m, wrong->where, &object);
		else if ((wrong->rules & ~simple) != 0)
			mipc_mend_object(m, object.kind, object.id,
			    wrong->rules);
		else
			mend_words(m, wrong, &object);
	} else if (breaks(wrong, MIPC_RULE_LIFE)) {
		mipc_mend_life(m, wrong->where);
	} else if (wrong->rules != 1) {
		mipc_mend_away(m, wrong->where);
	}
}

/* Under the houses' locks: check and mend, until that changes nothing. */
static int
mend_alone(struct run *run, const char *dir)
{
	uint32_t before;
	int error = 0;

	mipc_mend_clear(&run->mender);
	for (int i = 0; i < ROUNDS && error == 0 && run->wrongs > 0; i++) {
		before = run->mender.done;
		for (uint32_t w = 0; w < run->wrongs; w++)
			mend_one(&run->mender, &run->wrong[w]);
		if (run->mender.done == before)
			break;
		run->quiet = true;
		mipc_check_end(run->mender.c);
		error = check_once(run, dir, true);
		run->quiet = false;
	}
	return error;
}

/* Whoever looks at a set settles what the dead owe it. */
static void
settle_sets(struct mipc_ns *ns)
{
	size_t bytes = MIPC_INDEX_MAX * sizeof(int);
	void *memory;
	int *ids, n;

	if (mipc_view_private(bytes, &memory) != 0)
		return;
	ids = memory;
	n = mipc_look_ids(ns, MIPC_SEM, ids, MIPC_INDEX_MAX);
	for (int i = 0; i < n && i < (int)MIPC_INDEX_MAX; i++)
		mipc_semctl(ns, ids[i], 0, GETVAL);
	mipc_view_free(memory, bytes);
}

/* What the library does for the dead, and what it counts anew. */
static void
mend_live(const char *dir)
{
	struct mipc_ns *ns = mipc_open(dir, 0);
	struct mipc_gate gate;

	if (ns == NULL)
		return;
	mipc_gate_enter(&gate);
	if (mipc_ns_lock(ns, &gate) == 0) {
		for (enum mipc_kind kind = MIPC_SHM; kind <= MIPC_MSG; kind++)
			mipc_ns_recount(ns, kind);
		mipc_ns_unlock(ns);
	}
	mipc_sweep(ns, &gate);
	mipc_gate_leave(&gate);
	settle_sets(ns);
	mipc_close(ns);
}

static int
mend(struct run *run, const char *dir)
{
	struct mipc_mender *m = &run->mender;
	int error = 0;

	m->dir = dir;
	m->tell = run->tell;
	m->arg = run->arg;
	if (!m->c->usable || lock_houses(run)) {
		error = mend_alone(run, dir);
		unlock_houses(run);
	} else if (run->damaged > 0) {
		tell_as(run, MIPC_CHECK_NOTE, "namespace", "processes live "
		    "here: only what the library does anyhow is done");
	}
	if (error == 0)
		mend_live(dir);
	mipc_check_end(m->c);
	run->quiet = true;
	if (error == 0)
		error = check_once(run, dir, false);
	return error;
}

static int
check_and_mend(struct run *run, const char *dir, int flags)
{
	uint32_t found;
	int error = check_once(run, dir, false);

	found = run->damaged;
	if (error == 0 && (flags & MIPC_CHECK_REPAIR) != 0)
		error = mend(run, dir);
	mipc_check_end(run->mender.c);
	if (error != 0)
		return -error;
	return run->damaged > 0 ? MIPC_CHECK_DAMAGED :
	    found > 0 || run->mender.done > 0 ? MIPC_CHECK_REPAIRED :
	    MIPC_CHECK_CLEAN;
}

MIPC_PUBLIC int
mipc_check(const char *dir, int flags,
    void (*tell)(void *arg, const struct mipc_check_finding *), void *arg)
{
	size_t bytes = sizeof(struct run) + sizeof(struct mipc_checker) +
	    WRONG_MOST * sizeof(struct wrong);
	struct run *run;
	void *memory;
	int result = -EINVAL;

	if ((flags & ~MIPC_CHECK_REPAIR) == 0)
		result = -mipc_view_private(bytes, &memory);
	if (result == 0) {
		run = memory;
		run->tell = tell;
		run->arg = arg;
		run->mender.c = (void *)(run + 1);
		run->wrong = (void *)(run->mender.c + 1);
		result = check_and_mend(run, dir, flags);
		mipc_view_free(memory, bytes);
	}
	if (result >= 0)
		return result;
	errno = -result;
	return -1;
}
