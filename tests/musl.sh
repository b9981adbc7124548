#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# musl.sh - the library built with musl, in programs linked statically: the
# clause tests, death and threads.
#
# libcheck does not link with musl: held_shm, held_sem and held_msg hold the
# library, and driven, a program of the machine's own libc, runs each of their
# tests by libcheck as a process of its own.  musl makes a thread's robust list
# at its first robust lock, and a thread has no rseq area of musl's: sem_death
# and soak_kill fail where canaries and bells are not armed all the same.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/retell.sh"

unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
MAKE=${MAKE:-make}
processors=$(getconf _NPROCESSORS_ONLN)
kinds="shm sem msg"
stores="directory anonymous"
alone="sem_death soak_kill death sem_threads msg_threads"
beside="sem_death_broken_watchman soak_late soak_broken_bell soak_broken_txn"
# A clause's test is named by its letter and number.
is_clause='^([GHSM][0-9]+|ftok)_'

# goals PREFIX NAME...
goals()
{
	prefix=$1
	shift
	for name; do
		printf '%s ' "$prefix$name"
	done
}

build()
{
	mkdir "$work/musl" && cd "$work/musl" &&
	    "$source/configure" -q CC=musl-gcc --enable-werror \
	    --disable-shared --disable-preload --without-smartcols &&
	    $MAKE -j"$processors" -s LDFLAGS=-all-static mipcs \
	    $(goals tests/held_ $kinds map) $(goals tests/ $alone $beside) &&
	    cd "$home"
}

# is_static PROGRAM: musl's, and nothing is loaded with it.
is_static()
{
	! readelf -d "$work/musl/tests/$1" | grep NEEDED &&
	    grep -q 'CC = musl-gcc' "$work/musl/Makefile"
}

# run_all: what libcheck drives on each store, and the programs that speak for
# themselves, one on each processor; what they say is kept.
run_all()
{
	{
		for kind in $kinds; do
			for store in $stores; do
				echo "held_$kind $store"
			done
		done
		echo "held_map directory"
		printf '%s alone\n' $alone
	} >"$work/runs"
	xargs -n 2 -P "$processors" sh -c '
	musl=$1/musl/tests
	case $3 in
	alone)
		set -- "$2" "$1/$2" "$musl/$2" ;;
	*)
		set -- "$2" "$1/$2.$3" ./tests/driven --on "$3" "$musl/$2" ;;
	esac
	to=$2
	shift 2
	"$@" >"$to.said" 2>&1
	echo $? >"$to.status"' run "$work" <"$work/runs"
}

# tell NAME PROGRAM: what one of them said, each line a test.
tell()
{
	retell musl "$2" "$(cat "$work/$1.status")" <"$work/$1.said" \
	    >"$work/$1.told"
	cat "$work/$1.told"
}

# as_many KIND STORE: each clause test of check_KIND was run.
as_many()
{
	"./tests/check_$1" --list | grep -Ec "$is_clause" >"$work/wanted"
	grep -Ec '^(not )?ok' "$work/held_$1.$2.told" >"$work/run"
	echo "# clause tests of check_$1: $(cat "$work/wanted");" \
	    "run with musl, $2 store: $(cat "$work/run")" >>"$work/counts"
	[ "$(cat "$work/wanted")" -gt 0 ] && cmp "$work/wanted" "$work/run"
}

# A test that its program does not have is seen.
sees()
{
	printf '#!/bin/sh\n[ "$1" != --list ] || exec "%s" "$@"\nexit 2\n' \
	    "$work/musl/tests/held_shm" >"$work/held_shm"
	chmod +x "$work/held_shm"
	./tests/driven --on directory "$work/held_shm" 'ftok_*' >"$work/bad"
	grep -q '^not ok' "$work/bad" && ! grep -q '^ok' "$work/bad"
}

need musl-gcc readelf
[ -x ./tests/driven ] || skip_all "libcheck is not installed"
home=$(pwd)
source=$(cd "$srcdir" && pwd)
make_work
check "it builds with musl-gcc without a warning" build
[ "$tap_failed" -eq 0 ] || {
	plan 1
	exit
}
for kind in $kinds; do
	check "held_$kind is linked statically" is_static "held_$kind"
done
check "a test that fails is seen" sees
run_all
{
	for kind in $kinds; do
		for store in $stores; do
			tell "held_$kind.$store" "held_$kind"
		done
	done
	tell held_map.directory held_map
	for program in $alone; do
		tell "$program" "$program"
	done
} >"$work/all"
adopt "$work/all"
for kind in $kinds; do
	for store in $stores; do
		check "each clause test of check_$kind is run, $store store" \
		    as_many "$kind" "$store"
	done
done
cat "$work/counts"
plan "$tap_count"
