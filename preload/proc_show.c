/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proc_show.c - what stands in /proc/sysvipc and in /proc/sys/kernel, letter
 * by letter as the kernel writes it: programs read it by column.
 *
 * Rows are made by snprintf() from integers alone, which allocates nothing.
 */
#include "proc.h"

#include "commands.h"

#include <sys/msg.h>
#include <sys/sem.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A size in a row of a segment, and how wide it is in the heading. */
#if __SIZEOF_LONG__ == 8
#define SIZE	"%21lu"
#define PAD	"           "
#else
#define SIZE	"%10lu"
#define PAD	""
#endif

enum { ROW = 256 };

struct text {
	int fd;
	uint64_t written;		/* bytes */
	size_t used;
	char bytes[16 * ROW];
};

static void
flush(struct text *text)
{
	if (text->used > 0)
		mipc_sys_pwrite(text->fd, text->bytes, text->used,
		    text->written);
	text->written += text->used;
	text->used = 0;
}

static void __attribute__((format(printf, 2, 3)))
put(struct text *text, const char *format, ...)
{
	va_list list;
	int n;

	if (sizeof(text->bytes) - text->used < ROW)
		flush(text);
	va_start(list, format);
	n = vsnprintf(text->bytes + text->used, ROW, format, list);
	va_end(list);
	if (n > 0)
		text->used += n < ROW ? (size_t)n : ROW - 1;
}

static unsigned long long
seconds(time_t time)
{
	return (unsigned long long)time;
}

/* --- tables ------------------------------------------------------------ */

/* Bytes of a segment that have memory: what its file has taken. */
static unsigned long
resident(int id)
{
	char path[PATH_MAX];
	struct stat st;
	size_t n;

	if (mipc_default_dir(path, sizeof(path)) == -1)
		return 0;
	n = strnlen(path, sizeof(path));
	if (snprintf(path + n, sizeof(path) - n, "/shm.%d.data", id) >=
	    (int)(sizeof(path) - n) ||
	    mipc_sys_stat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return (unsigned long)st.st_blocks * 512;
}

static void
show_shm(struct mipc_ns *ns, int fd)
{
	struct text text = { .fd = fd };
	struct shm_info info;
	struct shmid_ds ds;
	int id, top = mipc_shmctl(ns, 0, SHM_INFO, (struct shmid_ds *)&info);

	put(&text, "       key      shmid perms " PAD "      size  cpid  lpid "
	    "nattch   uid   gid  cuid  cgid      atime      dtime      ctime "
	    PAD "       rss " PAD "      swap\n");
	for (int i = 0; i <= top; i++) {
		id = mipc_shmctl(ns, i, SHM_STAT_ANY, &ds);
		if (id == -1)
			continue;
		put(&text, "%10d %10d  %4o " SIZE " %5u %5u  %5lu %5u %5u "
		    "%5u %5u %10llu %10llu %10llu " SIZE " " SIZE "\n",
		    ds.shm_perm.__key, id, ds.shm_perm.mode,
		    (unsigned long)ds.shm_segsz, ds.shm_cpid, ds.shm_lpid,
		    (unsigned long)ds.shm_nattch, ds.shm_perm.uid,
		    ds.shm_perm.gid, ds.shm_perm.cuid, ds.shm_perm.cgid,
		    seconds(ds.shm_atime), seconds(ds.shm_dtime),
		    seconds(ds.shm_ctime), resident(id), 0ul);
	}
	flush(&text);
}

static void
show_sem(struct mipc_ns *ns, int fd)
{
	struct text text = { .fd = fd };
	struct seminfo info;
	struct semid_ds ds;
	int id, top = mipc_semctl(ns, 0, 0, SEM_INFO, &info);

	put(&text, "       key      semid perms      nsems   uid   gid  cuid "
	    " cgid      otime      ctime\n");
	for (int i = 0; i <= top; i++) {
		id = mipc_semctl(ns, i, 0, SEM_STAT_ANY, &ds);
		if (id == -1)
			continue;
		put(&text, "%10d %10d  %4o %10lu %5u %5u %5u %5u %10llu "
		    "%10llu\n", ds.sem_perm.__key, id, ds.sem_perm.mode,
		    (unsigned long)ds.sem_nsems, ds.sem_perm.uid,
		    ds.sem_perm.gid, ds.sem_perm.cuid, ds.sem_perm.cgid,
		    seconds(ds.sem_otime), seconds(ds.sem_ctime));
	}
	flush(&text);
}

static void
show_msg(struct mipc_ns *ns, int fd)
{
	struct text text = { .fd = fd };
	struct msginfo info;
	struct msqid_ds ds;
	int id, top = mipc_msgctl(ns, 0, MSG_INFO, (struct msqid_ds *)&info);

	put(&text, "       key      msqid perms      cbytes       qnum lspid "
	    "lrpid   uid   gid  cuid  cgid      stime      rtime      "
	    "ctime\n");
	for (int i = 0; i <= top; i++) {
		id = mipc_msgctl(ns, i, MSG_STAT_ANY, &ds);
		if (id == -1)
			continue;
		put(&text, "%10d %10d  %4o  %10lu %10lu %5u %5u %5u %5u %5u "
		    "%5u %10llu %10llu %10llu\n", ds.msg_perm.__key, id,
		    ds.msg_perm.mode, (unsigned long)ds.__msg_cbytes,
		    (unsigned long)ds.msg_qnum, ds.msg_lspid, ds.msg_lrpid,
		    ds.msg_perm.uid, ds.msg_perm.gid, ds.msg_perm.cuid,
		    ds.msg_perm.cgid, seconds(ds.msg_stime),
		    seconds(ds.msg_rtime), seconds(ds.msg_ctime));
	}
	flush(&text);
}

/* --- numbers ----------------------------------------------------------- */

/* Between tabulators.  A wish for no identifier is -1, which an int shows. */
static void
show_numbers(struct mipc_ns *ns, const struct proc_file *file, int fd)
{
	struct text text = { .fd = fd };
	unsigned long long value;

	for (int i = 0; i < PROC_NUMBERS && file->number[i] != NULL; i++) {
		if (i > 0)
			put(&text, "\t");
		if (mipc_limit(ns, file->number[i], &value, NULL) == -1)
			value = 0;
		if (value == ~0ull && !file->wide)
			put(&text, "-1");
		else
			put(&text, "%llu", value);
	}
	put(&text, "\n");
	flush(&text);
}

#define KERNEL	"/proc/sys/kernel/"

const struct proc_file proc_files[] = {
	{ "/proc/sysvipc/shm", show_shm, { NULL }, false },
	{ "/proc/sysvipc/sem", show_sem, { NULL }, false },
	{ "/proc/sysvipc/msg", show_msg, { NULL }, false },
	{ KERNEL "shmmax", NULL, { "shmmax" }, true },
	{ KERNEL "shmall", NULL, { "shmall" }, true },
	{ KERNEL "shmmni", NULL, { "shmmni" }, false },
	{ KERNEL "shm_rmid_forced", NULL, { "shm_rmid_forced" }, false },
	{ KERNEL "shm_next_id", NULL, { "shm_next_id" }, false },
	{ KERNEL "sem", NULL, { "semmsl", "semmns", "semopm", "semmni" },
	    false },
	{ KERNEL "sem_next_id", NULL, { "sem_next_id" }, false },
	{ KERNEL "msgmax", NULL, { "msgmax" }, false },
	{ KERNEL "msgmnb", NULL, { "msgmnb" }, false },
	{ KERNEL "msgmni", NULL, { "msgmni" }, false },
	{ KERNEL "msg_next_id", NULL, { "msg_next_id" }, false },
	{ NULL, NULL, { NULL }, false }
};

void
proc_show(struct mipc_ns *ns, const struct proc_file *file, int fd)
{
	if (file->show != NULL)
		file->show(ns, fd);
	else
		show_numbers(ns, file, fd);
}
