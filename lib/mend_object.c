/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mend_object.c - an object is made anew from what is sound of it.
 *
 * The library itself makes it, in a namespace of its own below lost+found;
 * then it gets what the old one said of itself, and takes its place by one
 * rename.  So what is linked and counted is right by construction.  The old
 * file stays in lost+found.
 *
 * Nobody lives here: so there are no attaches, no sleepers, no records, and
 * what the dead owe is paid.
 */
#include "mend.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "segment.h"

/* --- the namespace in which it is done --------------------------------- */

void
mipc_mend_clear(struct mipc_mender *m)
{
	char path[PATH_MAX];
	struct stat st;

	if (mipc_mend_path(m, MIPC_SCRATCH, path) &&
	    mipc_sys_stat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    mipc_destroy(path) != 0)
		rmdir(path);		/* killed before it was one */
}

struct mipc_ns *
mipc_mend_scratch(struct mipc_mender *m)
{
	struct mipc_ns *ns;
	char path[PATH_MAX];

	if (!mipc_mend_path(m, MIPC_LOST, path))
		return NULL;
	mipc_sys_mkdir(path, 0700);
	if (!mipc_mend_path(m, MIPC_SCRATCH, path))
		return NULL;
	ns = mipc_open(path, MIPC_CREAT);
	m->failed |= ns == NULL;
	return ns;
}

/* --- what it says of itself -------------------------------------------- */

static uint64_t wanted_id, found_key;

static void
look_for_key(struct mipc_checker *c, const char *name)
{
	enum mipc_kind kind;
	uint32_t key, n;
	uint64_t id;

	if (mipc_check_key_name(name, &kind, &key, &n) &&
	    kind == (enum mipc_kind)(wanted_id >> 32) &&
	    mipc_check_link(c, name, kind, &id) &&
	    id == (uint32_t)wanted_id)
		found_key = key;
}

/* The head, where it is sound; else what the directory says. */
static void
sound_head(struct mipc_mender *m, const struct mipc_copy *copy,
    enum mipc_kind kind, uint64_t id, struct mipc_object *out)
{
	struct mipc_lock none = { .since = 0 };

	memset(out, 0, sizeof(*out));
	memcpy(out, copy->base, copy->size < sizeof(*out) ?
	    (size_t)copy->size : sizeof(*out));
	out->magic = MIPC_MAGIC_OBJECT;
	out->format = MIPC_FORMAT;
	out->kind = (uint32_t)kind;
	out->page = m->c->page;
	mipc_put(&out->id, id);
	out->lock = none;
	mipc_put(&out->seq, 0);
	memset(&out->redo, 0, sizeof(out->redo));
	mipc_put(&out->state, MIPC_ALIVE);
	mipc_put(&out->unsettled, 0);
	out->command[MIPC_COMMAND - 1] = '\0';
	if ((mipc_peek(&out->mode) & ~(uint64_t)(0777 | 02000)) != 0)
		mipc_put(&out->mode, copy->st.st_mode & 0777);
	if (mipc_peek(&out->uid) > UINT32_MAX)
		mipc_put(&out->uid, copy->st.st_uid);
	if (mipc_peek(&out->gid) > UINT32_MAX)
		mipc_put(&out->gid, copy->st.st_gid);
	if (out->cuid > UINT32_MAX)
		out->cuid = copy->st.st_uid;
	if (out->cgid > UINT32_MAX)
		out->cgid = copy->st.st_gid;
	wanted_id = (uint64_t)kind << 32 | id;
	found_key = 0;
	mipc_check_each(m->c, look_for_key);
	mipc_put(&out->key, found_key);
}

/* --- into its place ---------------------------------------------------- */

static bool
write_at(int fd, const void *from, size_t size, uint64_t at)
{
	return mipc_sys_pwrite(fd, from, size, at) == (ssize_t)size;
}

/* The old one gets a name in lost+found, then the new one its name. */
static bool
replace(struct mipc_mender *m, const char *made, const char *name,
    const struct stat *old)
{
	char kept_as[PATH_MAX], fd_path[40];
	bool kept, listed;
	int fd = mipc_sys_open(m->c->fd, made, O_RDWR | O_NOFOLLOW, 0);

	if (fd < 0)
		return false;
	mipc_sys_fd_path(fd, fd_path);
	mipc_sys_chown_fd_path(fd, old->st_uid, old->st_gid);
	mipc_sys_chmod_fd(fd, old->st_mode & 0777);
	listed = mipc_mend_list(m, name, fd);
	mipc_sys_close(fd);
	if (!listed || !mipc_mend_lost(m, name, kept_as, &kept) || (!kept &&
	    linkat(m->c->fd, name, m->c->fd, kept_as, 0) != 0) ||
	    mipc_sys_rename(m->c->fd, made, name) != 0)
		return false;
	mipc_mend_say(m, name, "made anew from what is sound of it; as it "
	    "was it is %s", kept_as);
	return true;
}

/* --- each kind --------------------------------------------------------- */

/* A page of a head alone, for its data. */
static bool
make_segment(struct mipc_mender *m, const struct mipc_copy *copy,
    struct mipc_object *head, uint64_t id, char made[80])
{
	struct mipc_segment *page;
	struct stat data;
	void *memory;
	char name[64];
	int fd;
	bool done;

	snprintf(name, sizeof(name), "shm.%llu.data", (unsigned long long)id);
	if (mipc_sys_stat(m->c->fd, name, &data, AT_SYMLINK_NOFOLLOW) != 0 ||
	    !S_ISREG(data.st_mode) || data.st_size == 0 ||
	    mipc_view_private(m->c->page, &memory) != 0)
		return false;
	page = memory;
	if (copy->size >= sizeof(*page))
		memcpy(page, copy->base, sizeof(*page));
	page->object = *head;
	if (page->size == 0 || page->size > (uint64_t)data.st_size)
		page->size = (uint64_t)data.st_size;
	page->pages = (page->size + m->c->page - 1) / m->c->page;
	page->flags &= MIPC_SEGMENT_NORESERVE | MIPC_SEGMENT_HUGE;
	page->data = data.st_ino;
	mipc_put(&page->attached, mipc_peek(&page->attached) & 1);
	mipc_put(&page->used, 0);
	mipc_put(&page->claimed, mipc_segment_first_page(m->c->page));
	snprintf(made, 80, MIPC_SCRATCH "/shm.made");
	mipc_sys_unlink(m->c->fd, made, 0);
	fd = mipc_sys_open(m->c->fd, made, O_RDWR | O_CREAT | O_EXCL, 0600);
	done = fd >= 0 && write_at(fd, page, m->c->page, 0);
	if (fd >= 0)
		mipc_sys_close(fd);
	mipc_view_free(memory, m->c->page);
	m->failed |= !done;
	return done;
}

/* What the dead owe is paid, as far as it is a debt. */
static void
pay(const struct mipc_set *set, mipc_u64 *value)
{
	struct mipc_debt_walk p;
	const mipc_u64 *debt;
	uint64_t word;
	uint32_t num;
	int now;

	for (uint32_t i = 0; i < mipc_undo_entries(set); i++) {
		if (mipc_peek(&mipc_set_debtor(set, i)->owner) == 0 ||
		    !mipc_undo_counts(set, i))
			continue;
		p = (struct mipc_debt_walk){ .block = NULL };
		while ((debt = mipc_undo_next(set, i, &p)) != NULL) {
			word = mipc_peek(debt);
			num = MIPC_DEBT_SEM(word);
			if (num >= set->nsems)
				continue;
			now = (int)MIPC_SEM_VALUE(mipc_peek(&value[num])) +
			    MIPC_DEBT_ADJ(word);
			now = now < 0 ? 0 : now > MIPC_SEMVMX ?
			    MIPC_SEMVMX : now;
			mipc_put(&value[num], MIPC_SEM_BY(MIPC_SEM_PID(
			    mipc_peek(&value[num]))) | (uint64_t)now);
		}
	}
}

/* Values and who changed them last; false: they are not to be had. */
static bool
read_values(struct mipc_mender *m, struct mipc_copy *copy, mipc_u64 *value,
    uint64_t rules)
{
	struct mipc_semset *old = (void *)copy->base;
	struct mipc_opened opened = { .kind = MIPC_SEM,
	    .head = (void *)copy->base, .size = old->nsems };
	struct mipc_set set;

	mipc_sem_lay_out(&opened.layout, (uint32_t)old->room, m->c->page);
	if (opened.layout.size <= copy->size) {
		mipc_set_view(&set, &m->c->ns, &opened);
		if ((rules >> MIPC_RULE_TXN & 1) == 0)
			mipc_txn_begin(&set.board);
	}
	for (uint64_t i = 0; i < old->nsems; i++) {
		uint64_t word = mipc_peek(&old->sem[i]);

		if (MIPC_SEM_VALUE(word) > MIPC_SEMVMX)
			return false;
		mipc_put(&value[i], MIPC_SEM_BY(MIPC_SEM_PID(word)) |
		    MIPC_SEM_VALUE(word));
	}
	if (opened.layout.size <= copy->size)
		pay(&set, value);
	return true;
}

static bool
make_set(struct mipc_mender *m, struct mipc_copy *copy,
    struct mipc_object *head, uint64_t rules, char made[80])
{
	struct mipc_semset *old = (void *)copy->base;
	static mipc_u64 value[MIPC_SEMMSL_MOST];
	struct mipc_ns *scratch;
	bool done = false;
	int fd, id;

	if (copy->size < sizeof(*old) || old->nsems < 1 ||
	    old->nsems > old->room || old->room > MIPC_SEMMSL_MOST ||
	    copy->size < sizeof(*old) + old->nsems * sizeof(mipc_u64) ||
	    !read_values(m, copy, value, rules))
		return false;
	scratch = mipc_mend_scratch(m);
	if (scratch == NULL)
		return false;
	id = mipc_semget(scratch, IPC_PRIVATE, (int)old->nsems,
	    IPC_CREAT | 0600);
	mipc_close(scratch);
	snprintf(made, 80, MIPC_SCRATCH "/sem.%d", id);
	fd = id < 0 ? -1 : mipc_sys_open(m->c->fd, made, O_RDWR, 0);
	if (fd >= 0) {
		done = write_at(fd, head, sizeof(*head), 0) && write_at(fd,
		    value, (size_t)old->nsems * sizeof(mipc_u64),
		    offsetof(struct mipc_semset, sem)) && write_at(fd,
		    &old->changed, 8, offsetof(struct mipc_semset,
		    changed)) && write_at(fd, &old->otime, 8,
		    offsetof(struct mipc_semset, otime));
		mipc_sys_close(fd);
	}
	m->failed |= !done;
	return done;
}

static bool
make_queue(struct mipc_mender *m, struct mipc_copy *copy,
    struct mipc_object *head, char made[80])
{
	struct mipc_msgqueue *old = (void *)copy->base;
	struct mipc_ns *scratch;
	uint64_t qbytes;
	bool done = false;
	int fd, id;

	if (copy->size < sizeof(*old) ||
	    (scratch = mipc_mend_scratch(m)) == NULL)
		return false;
	id = mipc_mend_queue(m, copy, scratch);
	mipc_close(scratch);
	if (id < 0)
		return false;
	qbytes = mipc_peek(&old->qbytes);
	if (qbytes > (uint64_t)1 << 40)
		qbytes = mipc_peek(&m->c->space->limit[MIPC_MSGMNB]);
	snprintf(made, 80, MIPC_SCRATCH "/msg.%d", id);
	fd = mipc_sys_open(m->c->fd, made, O_RDWR, 0);
	if (fd >= 0) {
		done = write_at(fd, head, sizeof(*head), 0) &&
		    write_at(fd, &qbytes, 8, offsetof(struct mipc_msgqueue,
		    qbytes)) &&
		    write_at(fd, &old->lspid, 16,
		    offsetof(struct mipc_msgqueue, lspid)) &&
		    write_at(fd, &old->lrpid, 16,
		    offsetof(struct mipc_msgqueue, lrpid));
		mipc_sys_close(fd);
	}
	m->failed |= !done;
	return done;
}

/* --- all of them ------------------------------------------------------- */

static bool
make_anew(struct mipc_mender *m, struct mipc_copy *copy, const char *name,
    enum mipc_kind kind, uint64_t id, uint64_t rules)
{
	struct mipc_object head;
	struct mipc_ns *scratch;
	char made[80];
	bool done;

	if (copy->size < sizeof(head))
		return false;
	sound_head(m, copy, kind, id, &head);
	if (kind == MIPC_SHM) {
		scratch = mipc_mend_scratch(m);
		if (scratch == NULL)
			return false;
		mipc_close(scratch);
		done = make_segment(m, copy, &head, id, made);
	} else if (kind == MIPC_SEM) {
		done = make_set(m, copy, &head, rules, made);
	} else {
		done = make_queue(m, copy, &head, made);
	}
	if (done) {
		done = replace(m, made, name, &copy->st);
		m->failed |= !done;
	}
	mipc_mend_clear(m);
	return done;
}

void
mipc_mend_object(struct mipc_mender *m, enum mipc_kind kind, uint64_t id,
    uint64_t rules)
{
	struct mipc_copy copy = { .base = NULL };
	bool done = false, sound = false;
	char name[48];

	mipc_dir_object(kind, id, name);
	copy.fd = mipc_sys_open(m->c->fd, name, O_RDONLY | O_NOFOLLOW |
	    O_NONBLOCK, 0);
	if (copy.fd >= 0 && mipc_sys_fstat(copy.fd, &copy.st) == 0 &&
	    S_ISREG(copy.st.st_mode) && copy.st.st_size > 0 &&
	    (rules >> MIPC_RULE_DATA & 1) == 0)
		sound = true;
	m->failed = sound && !mipc_check_copy(&copy, MIPC_MSG_BYTES_MOST);
	if (sound && !m->failed)
		done = make_anew(m, &copy, name, kind, id, rules);
	mipc_check_drop(&copy);
	if (copy.fd >= 0)
		mipc_sys_close(copy.fd);
	if (done || m->failed)
		return;
	mipc_mend_give_up(m, kind, id);
	mipc_mend_space(m);		/* it is listed no more */
}
