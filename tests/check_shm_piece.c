/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_shm_piece.c - detaching, and what a program does to an attach by
 * munmap(2), mprotect(2), mremap(2) and SHM_REMAP: clauses H4 and H5.
 */
#include "check_shm.h"

#include <sys/mman.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

START_TEST(H4_each_attach_is_a_new_address)
{
	int id = make_segment(PAGE);
	char *p[8];

	for (int i = 0; i < 8; i++) {
		p[i] = attach(id);
		for (int j = 0; j < i; j++)
			must(p[i] != p[j]);
		p[i][i] = (char)i;
	}
	for (int i = 0; i < 8; i++)
		for (int j = 0; j < 8; j++)
			must_eq(p[i][j], j);
	must_eq(attached(id), 8);
	for (int i = 0; i < 8; i++)
		detach(p[i]);
	must_eq(attached(id), 0);
}
END_TEST

START_TEST(H4_detach_wants_the_exact_base)
{
	int id = make_segment(3 * PAGE);
	char *p = attach(id);

	must_error(ipc->shmdt(p + 1), EINVAL);
	must_error(ipc->shmdt(p + PAGE), EINVAL);
	must_error(ipc->shmdt(p - PAGE), EINVAL);
	must_error(ipc->shmdt(NULL), EINVAL);
	must_eq(attached(id), 1);
	detach(p);
	must_error(ipc->shmdt(p), EINVAL);
}
END_TEST

START_TEST(H4_detach_leaves_what_is_not_a_segment)
{
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	must(p != MAP_FAILED);
	must_error(ipc->shmdt(p), EINVAL);
	p[0] = 1;
}
END_TEST

START_TEST(H4_detach_unmaps_every_page)
{
	int id = make_segment(3 * PAGE);
	unsigned char core[3];
	char *p = attach(id);

	detach(p);
	must_error(mincore(p, 3 * PAGE, core), ENOMEM);
	must_error(mincore(p + PAGE, PAGE, core), ENOMEM);
	must_error(mincore(p + 2 * PAGE, PAGE, core), ENOMEM);
}
END_TEST

START_TEST(H4_detach_removes_all_pieces_of_the_attach)
{
	int id = make_segment(7 * PAGE);
	char *p = attach(id), *other = attach(id);
	unsigned char core;

	must_eq(mprotect(p + 2 * PAGE, PAGE, PROT_READ), 0);
	must_eq(munmap(p + 4 * PAGE, PAGE), 0);
	detach(p);
	for (int i = 0; i < 7; i++)
		must_error(mincore(p + i * PAGE, PAGE, &core), ENOMEM);
	must_eq(attached(id), 1);
	other[6 * PAGE] = 1;
}
END_TEST

START_TEST(H4_the_data_stays_when_nobody_is_attached)
{
	int id = make_segment(PAGE);
	char *p = attach(id);

	strcpy(p, "kept");
	detach(p);
	must(strcmp(attach(id), "kept") == 0);
}
END_TEST

START_TEST(H4_a_thousand_attaches)
{
	int id = make_segment(1);
	static char *p[1000];

	for (int i = 0; i < 1000; i++)
		p[i] = attach(id);
	must_eq(attached(id), 1000);
	for (int i = 0; i < 1000; i += 2)
		detach(p[i]);
	must_eq(attached(id), 500);
	for (int i = 1; i < 1000; i += 2)
		detach(p[i]);
	must_eq(attached(id), 0);
}
END_TEST

START_TEST(H4_an_address_can_serve_again)
{
	int a = make_segment(PAGE), b = make_segment(2 * PAGE);
	char *p = free_range(2 * PAGE);

	for (int i = 0; i < 10; i++) {
		must(ipc->shmat(a, p, 0) == p);
		must_eq(attached(a), 1);
		must_eq(attached(b), 0);
		detach(p);
		must(ipc->shmat(b, p, SHM_RDONLY) == p);
		must_eq(attached(a), 0);
		must_eq(attached(b), 1);
		detach(p);
	}
}
END_TEST

START_TEST(H5_nattch_counts_mappings_or_attaches)
{
	int id = make_segment(3 * PAGE);
	char *p = attach(id);

	must_eq(mprotect(p + PAGE, PAGE, PROT_READ), 0);
	must_eq(attached(id), backend_has(COUNTS_PIECES) ? 3 : 1);
	detach(p);
	must_eq(attached(id), 0);
}
END_TEST

START_TEST(H5_a_munmap_of_part_leaves_the_attach)
{
	int id = make_segment(3 * PAGE);
	char *p = attach(id);

	must_eq(munmap(p + PAGE, PAGE), 0);
	must_eq(attached(id), backend_has(COUNTS_PIECES) ? 2 : 1);
	p[0] = p[2 * PAGE] = 1;
	must_eq(munmap(p, PAGE), 0);	/* the base itself */
	must_eq(attached(id), 1);
	p[2 * PAGE] = 2;
	detach(p);
	must_eq(attached(id), 0);
}
END_TEST

START_TEST(H5_remap_over_an_attach_takes_its_place)
{
	int a = make_segment(2 * PAGE), b = make_segment(2 * PAGE);
	char *p = attach(a);

	must(ipc->shmat(b, p, SHM_REMAP) == p);
	must_eq(attached(a), 0);
	must_eq(attached(b), 1);
	detach(p);
	must_eq(attached(b), 0);
	must_error(ipc->shmdt(p), EINVAL);
}
END_TEST

START_TEST(H5_remap_over_part_of_an_attach_leaves_the_rest)
{
	int a = make_segment(3 * PAGE), b = make_segment(PAGE);
	char *p = attach(a);

	p[0] = p[2 * PAGE] = 1;
	must(ipc->shmat(b, p + PAGE, SHM_REMAP) == p + PAGE);
	must(attached(a) >= 1);
	must_eq(attached(b), 1);
	must_eq(p[PAGE], 0);
	detach(p + PAGE);
	must_eq(attached(b), 0);
	must_eq(p[0] + p[2 * PAGE], 2);
	detach(p);
	must_eq(attached(a), 0);
}
END_TEST

START_TEST(H5_remap_over_itself)
{
	int id = make_segment(PAGE);
	char *p = attach(id);

	p[9] = 9;
	must(ipc->shmat(id, p, SHM_REMAP | SHM_RDONLY) == p);
	must_eq(p[9], 9);
	must_eq(attached(id), 1);
	must_error(mprotect(p, PAGE, PROT_READ | PROT_WRITE), EACCES);
	detach(p);
	must_eq(attached(id), 0);
}
END_TEST

START_TEST(H5_a_failed_remap_leaves_the_attach)
{
	int a = make_segment(2 * PAGE), b = make_segment(PAGE);
	char *p = attach(a);

	remove_segment(b);
	p[0] = 1;
	must_error((intptr_t)ipc->shmat(b, p, SHM_REMAP), EINVAL);
	must_error((intptr_t)ipc->shmat(a, p + 1, SHM_REMAP), EINVAL);
	must_eq(p[0], 1);
	must_eq(attached(a), 1);
	detach(p);
}
END_TEST

START_TEST(H5_attaches_side_by_side_are_two)
{
	int id = make_segment(PAGE);
	char *p = free_range(2 * PAGE);

	must(ipc->shmat(id, p, 0) == p);
	must(ipc->shmat(id, p + PAGE, 0) == p + PAGE);
	must_eq(attached(id), 2);
	p[0] = 5;
	must_eq(p[PAGE], 5);
	detach(p);
	must_eq(attached(id), 1);
	must_eq(p[PAGE], 5);
	detach(p + PAGE);
	must_eq(attached(id), 0);
}
END_TEST

void
add_piece_clauses(TCase *tc)
{
	testing_add(tc, H4_each_attach_is_a_new_address);
	testing_add(tc, H4_detach_wants_the_exact_base);
	testing_add(tc, H4_detach_leaves_what_is_not_a_segment);
	testing_add(tc, H4_detach_unmaps_every_page);
	testing_add(tc, H4_detach_removes_all_pieces_of_the_attach);
	testing_add(tc, H4_the_data_stays_when_nobody_is_attached);
	testing_add(tc, H4_a_thousand_attaches);
	testing_add(tc, H4_an_address_can_serve_again);
	testing_add(tc, H5_nattch_counts_mappings_or_attaches);
	testing_add(tc, H5_a_munmap_of_part_leaves_the_attach);
	testing_add(tc, H5_remap_over_an_attach_takes_its_place);
	testing_add(tc, H5_remap_over_part_of_an_attach_leaves_the_rest);
	testing_add(tc, H5_remap_over_itself);
	testing_add(tc, H5_a_failed_remap_leaves_the_attach);
	testing_add(tc, H5_attaches_side_by_side_are_two);
}
