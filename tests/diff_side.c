/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_side.c - one operation on one side.
 *
 * Addresses differ between the sides, so what is reported of them is what
 * may be compared: the distance from where the attach was asked to be.
 * Attaches at a chosen address lie in ranges reserved for each side, far from
 * where the kernel puts what has no address, so that neither side, nor
 * mipc's own maps, ever finds a hole there that the other does not.
 */
#include "diff.h"

#include <sys/mman.h>
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernel.h"

#define AREA_BASE \
	(sizeof(void *) < 8 ? 0x20000000 : (uintptr_t)(1ull << 45))
#define ODD		123	/* bytes off an aligned address */

/* ---- the kernel ---- */

static bool
write_sysctl(const char *name, unsigned long value)
{
	char path[64], text[32];

	snprintf(path, sizeof(path), "/proc/sys/kernel/%s", name);
	snprintf(text, sizeof(text), "%lu\n", value);
	return diff_write_kernel(path, text);
}

static const struct calls kernel = {
	kernel_shmget, kernel_shmat, kernel_shmdt, kernel_shmctl, write_sysctl
};

/* ---- the kernel once more, for the control ---- */

static const struct world *both;

/* Enter the IPC namespace of one side; what was errno stays. */
static void
enter(int side)
{
	const int error = errno;

	if (setns(both->namespace[side], CLONE_NEWIPC) == -1)
		harness_die("setns: %s", strerror(errno));
	errno = error;
}

static int
second_get(key_t key, size_t size, int flags)
{
	int value;

	enter(MIPC);
	value = kernel_shmget(key, size, flags);
	enter(KERNEL);
	return value;
}

static void *
second_at(int id, const void *addr, int flags)
{
	void *value;

	enter(MIPC);
	value = kernel_shmat(id, addr, flags);
	enter(KERNEL);
	return value;
}

static int
second_ctl(int id, int cmd, struct shmid_ds *ds)
{
	int value;

	enter(MIPC);
	value = kernel_shmctl(id, cmd, ds);
	enter(KERNEL);
	return value;
}

static bool
second_limit(const char *name, unsigned long value)
{
	bool good;

	enter(MIPC);
	good = write_sysctl(name, value);
	enter(KERNEL);
	return good;
}

static const struct calls second = {
	second_get, second_at, kernel_shmdt, second_ctl, second_limit
};

const struct calls *side_calls[SIDES] = { &kernel, &user_calls };

bool
side_open(struct world *w, bool create)
{
	both = w;
	if (w->store == STORE_KERNEL) {
		side_calls[MIPC] = &second;
		return true;
	}
	return user_open(w, create);
}

/* ---- address ranges ---- */

static char *
area(int side, int n)
{
	const uintptr_t step = AREA_BYTES * 2;	/* apart */

	return (char *)(AREA_BASE + (uintptr_t)(side * AREAS + n) * step);
}

static bool
reserve(int side, int n)
{
	char *p = mmap(area(side, n), AREA_BYTES, PROT_NONE, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

	if (p != MAP_FAILED && p != area(side, n))
		munmap(p, AREA_BYTES);
	return p == area(side, n);
}

bool
side_reserve(struct world *w)
{
	(void)w;
	for (int side = 0; side < SIDES; side++)
		for (int n = 0; n < AREAS; n++)
			if (!reserve(side, n))
				return false;
	return true;
}

/* Put the reservation back where an attach has left the range, or part. */
static void
reserve_again(int side, int n)
{
	munmap(area(side, n), AREA_BYTES);
	reserve(side, n);
}

/* ---- one operation ---- */

static void
run_get(const struct op *op, int side, struct result *r)
{
	r->value = side_calls[side]->get(op->key, op->size, op->flags);
	r->error = r->value == -1 ? errno : 0;
}

/* The address to ask for; the range is cleared where that is wanted. */
static char *
place_address(const struct op *op, int side)
{
	char *at = area(side, op->area);

	switch (op->place) {
	case PLACE_FREE:
		munmap(at, AREA_BYTES);
		return at;
	case PLACE_ROUND:
		munmap(at, AREA_BYTES);
		return at + ODD;
	case PLACE_ODD:
		return at + ODD;
	case PLACE_BUSY:
	case PLACE_REPLACE:
		return at;
	case PLACE_ROUND_ZERO:
		return (char *)1;
	default:
		return NULL;
	}
}

static bool
in_area(enum place place)
{
	return place == PLACE_FREE || place == PLACE_ROUND ||
	    place == PLACE_REPLACE;
}

/* What SHM_REMAP has replaced is no attach of ours any more. */
static void
forget_area(struct worker *me, int n)
{
	for (int i = 0; i < ATTACHES; i++)
		if (me->attach[i].used && me->attach[i].area == n)
			me->attach[i].used = false;
}

static void
run_at(struct worker *me, const struct op *op, int side, struct result *r)
{
	char *want = place_address(op, side), *got;

	got = side_calls[side]->at(op->id[side], want, op->flags);
	r->error = got == (void *)-1 ? errno : 0;
	r->value = r->error != 0 ? -1 : want == NULL ? 0 : got - want;
	if (r->error == 0) {
		struct attach *a = &me->attach[op->slot];

		if (op->place == PLACE_REPLACE && side == KERNEL)
			forget_area(me, op->area);
		a->base[side] = got;
		a->id[side] = op->id[side];
		a->size = op->size;
		a->readonly = (op->flags & SHM_RDONLY) != 0;
		a->area = in_area(op->place) ? op->area : -1;
		a->used = side == MIPC;	/* whole once both have it */
	} else if (op->place == PLACE_FREE || op->place == PLACE_ROUND) {
		reserve_again(side, op->area);
	}
}

static void
run_dt(struct worker *me, const struct op *op, int side, struct result *r)
{
	struct attach *a = &me->attach[op->slot];
	char *addr = (a->used ? a->base[side] : NULL) + op->shift;

	r->value = side_calls[side]->dt(addr);
	r->error = r->value == -1 ? errno : 0;
	if (r->error != 0)
		return;
	if (a->area != -1)
		reserve_again(side, a->area);
	if (side == MIPC)
		a->used = false;
}

void
side_control(int side, int id, const struct op *op, struct result *r)
{
	memset(r, 0, sizeof(*r));
	if (op->cmd == IPC_SET) {
		r->u.ds.shm_perm.uid = op->uid;
		r->u.ds.shm_perm.gid = op->gid;
		r->u.ds.shm_perm.mode = (unsigned short)op->mode;
	}
	r->value = side_calls[side]->ctl(id, op->cmd, &r->u.ds);
	r->error = r->value == -1 ? errno : 0;
}

/* A number that tells one content of whole pages from another. */
static long
digest(const char *base, size_t size)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const uint64_t *word = (const uint64_t *)base;
	uint64_t sum = 0;

	size = (size + page - 1) / page * page;
	for (size_t i = 0; i < size / sizeof(*word); i++)
		sum = (sum ^ word[i]) * 0x100000001b3u + (sum >> 29);
	return (long)(sum >> 1);
}

static void
run_memory(struct worker *me, const struct op *op, int side, struct result *r)
{
	struct attach *a = &me->attach[op->slot];
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	r->value = 0;
	if (op->kind == OP_READ) {
		r->value = digest(a->base[side], a->size);
	} else if (op->kind == OP_WRITE) {
		memset(a->base[side] + op->shift, op->byte, op->length);
	} else {
		r->value = mprotect(a->base[side], (a->size + page - 1) / page *
		    page, PROT_READ | PROT_WRITE);
		r->error = r->value == -1 ? errno : 0;
	}
}

static void
run_setuid(int side, struct result *r)
{
	r->value = 0;
	if (side != KERNEL)	/* the process changes once */
		return;
	if (setgroups(0, NULL) == -1 || setresgid(NOBODY, NOBODY, NOBODY) ==
	    -1 || setresuid(NOBODY, NOBODY, NOBODY) == -1)
		r->error = errno;
	user_changed();
}

void
side_run(struct world *w, struct worker *me, const struct op *op, int side,
    struct result *r)
{
	(void)w;
	memset(r, 0, sizeof(*r));
	switch (op->kind) {
	case OP_GET:
		run_get(op, side, r);
		break;
	case OP_AT:
		run_at(me, op, side, r);
		break;
	case OP_DT:
		run_dt(me, op, side, r);
		break;
	case OP_CTL:
		side_control(side, op->id[side], op, r);
		break;
	case OP_SETUID:
		run_setuid(side, r);
		break;
	default:
		run_memory(me, op, side, r);
		break;
	}
}
