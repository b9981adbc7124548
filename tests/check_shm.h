/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_shm.h - what the clause tests of shared memory share.
 *
 * A test's name begins with its clause.  Each runs on every backend through
 * `ipc`; where they differ on purpose, the test asks backend_has().
 */
#ifndef CHECK_SHM_H
#define CHECK_SHM_H

#include "clauses.h"

#define PAGE	((size_t)4096)

/* Calls that must succeed. */
int	make_segment(size_t size);
int	make_mode(int mode);
void	*attach(int id);
void	*attach_flags(int id, const void *addr, int flags);
void	detach(const void *addr);
void	remove_segment(int id);
struct shmid_ds stat_of(int id);
struct shm_info info(void);
long	attached(int id);

/* Skip where a child is counted only when it runs. */
void	need_exact_forks(void);

/* After any one call nothing is left of a segment. */
void	must_be_gone(int id);
void	must_not_exist(int id);

/* What a child may do to one, by its struct rights, and no more. */
void	must_have_rights(void *rights);

/* Are files of the segment there? */
bool	has_files(int id);

/* A page-aligned range of address space that nobody uses. */
void	*free_range(size_t size);

void	add_get_clauses(TCase *tc);
void	add_id_clauses(TCase *tc);
void	add_at_clauses(TCase *tc);
void	add_piece_clauses(TCase *tc);
void	add_perm_clauses(TCase *tc);
void	add_life_clauses(TCase *tc);
void	add_gone_clauses(TCase *tc);
void	add_safe_clauses(TCase *tc);
void	add_many_clauses(TCase *tc);
void	add_ns_tests(TCase *tc);	/* both stores of mipc */
void	add_anon_tests(TCase *tc);	/* the anonymous one */
void	add_dir_tests(TCase *tc);	/* the directory store */
void	add_fault_tests(TCase *tc);
void	add_space_tests(TCase *tc);
void	add_hostile_tests(TCase *tc);
void	add_look_tests(TCase *tc);	/* both stores of mipc */
/* A role of run_fresh(), see check_shm_hostile.c. */
void	play_handlers(int id, int which);

#endif
