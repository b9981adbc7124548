#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# map_catch.sh - the tests of maps see what they are for.
#
# One line of the library is made wrong, the file that it is in is linked
# before the right one's, and the tests named must fail.  A change that finds
# no line to be made in fails too.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

# FILE, TESTS and what sed makes of it, in three lines.
wrong()
{
	cat <<-'END'
	mapping_copy.c
	a_file_cut_off_is_an_error
	s/return mipc_mapping_is_cut(.*/return 0;/
	mapping_copy.c
	a_file_cut_off_is_an_error
	s/r = mipc_sys_copy(\(.*\));/r = (memcpy(\1), 1 << 20);/
	mapping_copy.c
	access_says_*
	s/position, size, PROT_WRITE/position, size, 0/
	mapping_copy.c
	slices_are_checked
	s/end - start != size/0/
	mapping.c
	slices_are_checked
	s/length > map->length - position/0/
	mapping_copy.c
	move_copies_*
	s/to < from ? done/1 ? done/
	mapping_atomic.c
	a_file_cut_off_is_an_error
	s/!mipc_bus_try(a->at, size, touch, a)/(touch(a), 0)/
	mapping_atomic.c
	a_number_is_*
	s/position % size != 0/0/
	mapping_atomic.c
	a_number_is_*
	s/was = atomic_fetch_add(word,/was = 0 * atomic_fetch_add(word,/
	bus.c
	a_file_cut_off_is_an_error
	/pthread_sigmask/d
	mapping_find.c
	find_crosses_windows
	s/s->size + 1) {/0) {/
	mapping_find.c
	find_and_rfind_agree_*
	s/k < c->at \&\& error == 0/0/
	mapping_find.c
	find_and_rfind_*
	s/s->end > s->map->length/0/
	mapping_cursor.c
	the_cursor_*
	s/offset < -from || //
	mapping_lock.c
	a_forked_child_holds_no_lock
	/mipc_sys_close(locked->lock_fd);/d
	mapping_lock.c
	parent_and_child_*
	s/open_again(map->fd)/mipc_sys_dup_above(map->fd, 0)/
	mapping_lock.c
	a_range_is_locked_*
	s/map->offset + position, length, deadline/position, length, deadline/
	mapping.c
	who_waits_*
	s/|| deadline == 0)/|| !forever)/
	mapping.c
	a_sparse_file_*
	s/if (sparse)/if (0)/
	mapping.c
	a_new_file_*
	s/if (sparse)/if (1)/
	mapping.c
	without_space_*
	/mipc_sys_block(&signals)/d
	mapping_size.c
	what_is_behind_*
	s/(uint64_t)st->st_size <= old_end/1/
	mapping_size.c
	resize_is_refused_*
	s/return EPERM;/return 0;/
	mapping_size.c
	flush_writes_*
	s/(-mipc_sys_flush(/(0 * mipc_sys_flush(/
	mapping_open.c
	each_unknown_flag_*
	s/(how->flags & ~known_flags) != 0/0/
	mapping_open.c
	what_is_unknown_*
	s/how->prot != 0 || (how->flags & ~MAP_ANONYMOUS) != 0/0/
	mapping_open.c
	a_temporary_file_*
	s/ && map->opener == mipc_sys_pid()//
	mapping_open.c
	an_empty_file_*
	s/return ENODATA/return EINVAL/
	mapping_make.c
	a_new_file_*
	s/flags | O_NONBLOCK |/flags | O_TRUNC |/
	mapping_send.c
	what_comes_*
	s/letter->length <= (uint64_t)st.st_size - letter->offset/1/
	mapping_send.c
	what_comes_*
	s/mipc_sys_close(fds\[i\]);/;/
	END
}

# spoil FILE EDIT: $work/wrong has this change of the library's.
spoil()
{
	sed "$2" "$srcdir/lib/$1" >"$work/$1" &&
	    ! cmp -s "$work/$1" "$srcdir/lib/$1" &&
	    $CC $CODE_CFLAGS -include config.h -include string.h -I. \
	    -I"$srcdir/lib" -w -c -o "$work/wrong.o" "$work/$1" &&
	    $CC $CODE_CFLAGS -o "$work/wrong" tests/check_map-*.o \
	    "$work/wrong.o" .libs/libcore.a $(pkg-config --libs check) -pthread
}

# catches FILE TESTS EDIT
catches()
{
	spoil "$1" "$3" >"$work/said" 2>&1 || {
		cat "$work/said"
		return 1
	}
	"$work/wrong" "$2" >"$work/said" 2>&1
	grep '^not ok' "$work/said"
}

[ -x ./tests/check_map ] && ls tests/check_map-*.o >/dev/null 2>&1 ||
    skip_all "libcheck is not installed"
CC=${CC:-cc}
CODE_CFLAGS=${CODE_CFLAGS-}
make_work
wrong >"$work/wrong.list"
plan $(($(wc -l <"$work/wrong.list") / 3))
while read -r file && read -r tests && read -r edit; do
	check "$tests see $file with $edit" catches "$file" "$tests" "$edit"
done <"$work/wrong.list"
