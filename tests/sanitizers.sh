#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# sanitizers.sh - the clause and unit tests under the address and undefined
# behaviour sanitizers, and threads on one set and on one queue under the one
# for threads.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
MAKE=${MAKE:-make}
processors=$(getconf _NPROCESSORS_ONLN)
jobs=-j$processors
programs="tests/check_unit tests/check_map tests/check_shm tests/diff_shm
tests/check_sem
tests/check_msg tests/diff_sem tests/diff_msg tests/soak_kill
tests/sem_threads tests/msg_threads tests/publish tests/share
tests/replace"

# The programs hold the library: it is compiled once.
build()
{
	cd "$work" &&
	    "$source/configure" -q --enable-sanitizers --disable-shared &&
	    $MAKE $jobs -s check TESTS= && cd "$home"
}

# The sanitizers are there and stop a program that errs.
sees()
{
	cat >"$work/bad.c" <<-'END'
	#include <stdlib.h>
	int main(int argc, char **argv)
	{
		char *p = malloc(argc);
		return p[argc + (argv == NULL)];
	}
	END
	$CC -fsanitize=address,undefined -o "$work/bad" "$work/bad.c" &&
	    ! "$work/bad" 2>/dev/null
}

# Its own kind of build: the sanitizer for threads goes with no other.
build_threads()
{
	mkdir "$work/threads" && cd "$work/threads" &&
	    "$source/configure" -q --disable-preload --disable-shared \
	    CC="$CC -fsanitize=thread" &&
	    $MAKE $jobs -s tests/sem_threads tests/msg_threads \
		tests/publish_threads && cd "$home"
}

# Two threads that race are told of.
sees_race()
{
	cat >"$work/race.c" <<-'END'
	#include <pthread.h>
	static int shared;
	static void *
	add(void *arg)
	{
		for (int i = 0; i < 1000; i++)
			shared++;
		return arg;
	}
	int
	main(void)
	{
		pthread_t thread;

		pthread_create(&thread, NULL, add, NULL);
		add(NULL);
		pthread_join(thread, NULL);
		return 0;
	}
	END
	$CC -fsanitize=thread -pthread -o "$work/race" "$work/race.c" &&
	    ! "$work/race" 2>/dev/null
}

# run_all: the programs, one on each processor; what they say is kept.  Of
# queues all but the crowds (M7 to M9), for which each process is too large
# here, on the store whose files can be spoilt.
run_all()
{
	printf '%s\n' $programs | xargs -n 1 -P "$processors" sh -c '
	name=${2##*/}
	[ "$name" != check_msg ] || set -- "$1" "$2" --on directory "?[!789]*"
	cd "$1" && program=$2 && shift 2 && "./$program" "$@" >"said.$name" 2>&1
	echo $? >"status.$name"' run "$work"
}

# clean PROGRAM: it ran to its end, and said nothing is wrong.
clean()
{
	cat "$work/said.${1##*/}"
	return "$(cat "$work/status.${1##*/}")"
}

clean_threads()
{
	"$work/threads/tests/$1"
}

home=$(pwd)
source=$(cd "$srcdir" && pwd)
CC=${CC:-cc}
make_work
plan 21
check "a program that errs is stopped" sees
check "it builds with --enable-sanitizers" build
run_all
for program in $programs; do
	if [ -x "$program" ]; then
		check "$program finds nothing" clean "$program"
	else
		skip "$program finds nothing" "built without libcheck"
	fi
done
check "threads that race are seen" sees_race
check "it builds with the thread sanitizer" build_threads
check "threads on one set do not race" clean_threads sem_threads
check "threads on one queue do not race" clean_threads msg_threads
check "threads on one publication do not race" clean_threads publish_threads
