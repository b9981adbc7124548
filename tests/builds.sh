#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# builds.sh - every way to configure it builds without a warning, outside the
# source tree, and what `make install` puts in place works from there.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/oracle.sh"

# What a make that runs this test says to its own children is not for ours.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
MAKE=${MAKE:-make}
jobs=-j$((($(getconf _NPROCESSORS_ONLN) + 1) / 2))	# two at a time

installed="bin/mipcck bin/mipcmk bin/mipcrm bin/mipcrun bin/mipcs
bin/mipcsnap
include/mipc.h include/mipc_ckpt.h include/mipc_look.h include/mipc_map.h
include/mipc_publish.h include/mipc_share.h
lib/libmipc.a lib/libmipc.so lib/libmipc-sysv.a lib/libmipc-sysv.so
lib/pkgconfig/mipc.pc lib/pkgconfig/mipc-sysv.pc
share/bash-completion/completions/mipcck
share/bash-completion/completions/mipcmk
share/bash-completion/completions/mipcrm
share/bash-completion/completions/mipcrun
share/bash-completion/completions/mipcs
share/bash-completion/completions/mipcsnap
share/man/man1/mipcmk.1 share/man/man1/mipcrm.1 share/man/man1/mipcrun.1
share/man/man1/mipcs.1 share/man/man1/mipcsnap.1
share/man/man3/mipc.3 share/man/man3/mipc_checkpoint.3
share/man/man3/mipc_map.3
share/man/man3/mipc_publish.3 share/man/man3/mipc_share.3
share/man/man7/mipc.7
share/man/man8/mipcck.8"

# build NAME GOAL OPTION...: configured and compiled in $work/NAME.  A warning
# is an error.  What it says is kept.  One goal, for of two make would compile
# at the same time what both need.
build()
{
	name=$1
	goal=$2
	shift 2
	mkdir "$work/$name" || return
	(
		cd "$work/$name" &&
		    "$source/configure" --enable-werror -q "$@" &&
		    $MAKE $jobs -s $goal
	) >"$work/said.$name" 2>&1
	echo $? >"$work/status.$name"
}

# makes_32: programs of 32 bits can be compiled and run.
makes_32()
{
	echo 'int main(void) { return 0; }' >"$work/tiny.c"
	gcc -m32 -o "$work/tiny" "$work/tiny.c" 2>/dev/null && "$work/tiny"
}

# build_all: beside each other, so that no processor waits for a configure.
# clang's, with the tests, is as long as all the rest.  What it warns of it
# sees without optimising, and gcc optimises the first.
build_all()
{
	! command -v clang >/dev/null ||
	    build clang "check TESTS=" CC=clang CFLAGS=-O0 &
	build gcc all CC=gcc --prefix="$work/prefix"
	build small all --disable-preload --without-smartcols \
	    --disable-static CFLAGS=-O1
	build static all --disable-shared CFLAGS=-O1
	build crash all --enable-crash-points --without-smartcols CFLAGS=-Os
	! makes_32 ||
	    build m32 "check TESTS= check_PROGRAMS=tests/held_map
	    check_LTLIBRARIES=" CC="gcc -m32" CFLAGS=-O1 \
	    --host=i686-pc-linux-gnu --without-smartcols \
	    --prefix="$work/prefix"
	wait
}

# passes NAME TEST: the test does, in the build.
passes()
{
	(cd "$work/$1" && TAP_DRIVEN= srcdir=$source \
	    sh "$source/tests/$2.sh")
}

# built NAME: without an error.
built()
{
	cat "$work/said.$1"
	return "$(cat "$work/status.$1")"
}

installs()
{
	$MAKE -s -C "$work/gcc" install DESTDIR="$1" || return
	for file in $installed; do
		[ -f "$1$work/prefix/$file" ] || {
			echo "no $file"
			return 1
		}
	done
	for module in mipc-preload mipc-raw; do
		[ -f "$1$(module_of gcc "$module")" ] || return
	done
}

# module_of NAME MODULE: where that build installs it.
module_of()
{
	sed -n 's|^moduledir = ${exec_prefix}||p' "$work/$1/Makefile" |
	    sed "s|.*|$work/prefix&/$2.so|"
}

# links PACKAGE CALL HEADER: a program of the installed library's, by
# pkg-config, runs on a namespace of its own.
links()
{
	cat >"$work/user.c" <<-END
	#include <$3>
	#include <sys/shm.h>
	#include <stdio.h>
	int main(void)
	{
		int id = $2;
		if (id == -1)
			perror("shmget");
		return id == -1;
	}
	END
	PKG_CONFIG_PATH=$work/prefix/lib/pkgconfig
	export PKG_CONFIG_PATH
	$CC -o "$work/user" "$work/user.c" \
	    $(pkg-config --cflags --libs "$1") &&
	    MIPC_DIR=$work/namespace LD_LIBRARY_PATH=$work/prefix/lib \
	    "$work/user" &&
	    ls "$work/namespace" | grep -q '^shm\.' &&
	    rm -r "$work/namespace"
}

# The installed mipcrun finds the installed module.
installed_runs()
{
	$MAKE -s -C "$work/gcc" install &&
	    "$work/prefix/bin/mipcrun" --dir "$work/namespace" -- \
	    perl -e 'exit !defined shmget(0x6d, 4096, 01600)' &&
	    "$work/prefix/bin/mipcs" --dir "$work/namespace" >"$work/table" &&
	    grep -qi '6d' "$work/table" && rm -r "$work/namespace"
}

# on_32 PROGRAM...: with the module of 32 bits.
on_32()
{
	"$work/m32/mipcrun" --shared --dir "$work/namespace" -- "$@"
}

on_64()
{
	"$work/gcc/mipcrun" --dir "$work/namespace" -- "$@"
}

# compile NAME FLAG...: a program that knows nothing of mipc.
compile()
{
	program=$work/$1
	shift
	gcc "$@" -std=gnu11 -D_GNU_SOURCE -pthread -o "$program" \
	    "$source"/tests/ipc_*.c
}

# runs_32 NAME: its calls, structures and times, by name and by number.
runs_32()
{
	chmod 755 "$work"		# others live in the namespace, too
	for command in numbers sets queues multiplexed msgpointers undo \
	    unshares; do
		on_32 "$work/$1" $command || {
			echo "$command"
			return 1
		}
	done
	on_32 "$work/$1" credentials
	status=$?
	rm -r "$work/namespace"
	[ "$status" -eq 0 ] || [ "$status" -eq 77 ]
}

# faults_32 NAME: what faults.sh tries, each by name.  Between a program of 32
# bits and the kernel a bad structure is libc's to convert, and ends it.
faults_32()
{
	find_oracle
	compile user64 -m64 && "$work/user64" faults >"$work/names" || return
	instead=$work/user64
	while read -r name; do
		as_kernel "$work/$1" faults "$name" || return
	done <"$work/names"
	instead=
	as_kernel "$work/$1" wild && rm -r "$work/namespace"
}

on_mipc()
{
	$apart "$work/m32/mipcrun" --dir "$work/namespace" -- "$@"
}

# None of the calls is the kernel's, whatever name libc has for it.
no_kernel_ipc_32()
{
	for command in numbers sets queues multiplexed; do
		strace -f -o "$work/trace" -e trace=%ipc \
		    "$work/m32/mipcrun" --dir "$work/namespace" -- \
		    "$work/$1" $command || return
		! grep -E '(shm|sem|msg)[a-z]*\(' "$work/trace" || return
	done
	rm -r "$work/namespace"
}

# raw_32 NAME FLAG...: calls by the program's own instruction, none of which
# is the kernel's.
raw_32()
{
	program=$work/$1
	shift
	gcc "$@" -std=gnu11 -D_GNU_SOURCE -pthread -o "$program" \
	    "$source"/tests/raw_*.c || return
	for command in calls processes unshares executes handlers unblocked \
	    interrupted stacks; do
		strace -f -o "$work/trace" -e trace=%ipc -e signal=SIGSYS \
		    "$work/m32/mipcrun" --raw --dir "$work/namespace" -- \
		    "$program" $command || {
			echo "$command"
			return 1
		}
		begun=$(grep -cE '(shm|sem|msg|ipc)[a-z0-9_]*\(' "$work/trace")
		trapped=$(grep 'si_errno=28009' "$work/trace" |
		    grep -vc __NR_unshare)
		echo "$command: $begun calls, $trapped trapped"
		[ "$begun" -gt 0 ] && [ "$begun" -eq "$trapped" ] || return
	done
	rm -r "$work/namespace"
}

# What one writes the other reads, and the other way round.
shared_by_both()
{
	compile user64 -m64 &&
	    on_64 "$work/user64" store 9 "of 64 bits" &&
	    [ "$(on_32 "$work/user32" load 9)" = "of 64 bits" ] &&
	    on_32 "$work/user32" store 9 "of 32 bits" &&
	    [ "$(on_64 "$work/user64" load 9)" = "of 32 bits" ]
}

# Identifiers without a key, by each to the other.
handed_by_both()
{
	on_64 "$work/user64" hand "$work/m32/mipcrun" --dir "$work/namespace" \
	    -- "$work/user32" &&
	    on_32 "$work/user32" hand "$work/gcc/mipcrun" \
	    --dir "$work/namespace" -- "$work/user64"
}

# As a kernel of 64 bits does it for a program of 32.
types_convert()
{
	for bits in 32 64; do
		gcc -m$bits -o "$work/types$bits" \
		    "$source/tests/wide_types.c" || return
	done
	on_64 "$work/types64" send &&
	    on_32 "$work/types32" receive >"$work/found" &&
	    grep '^0: 4 -2147483648 ' "$work/found" || return
	! unshare -i true 2>/dev/null ||
	    unshare -i sh -c '"$1" send && "$2" receive' sh \
	    "$work/types64" "$work/types32" | diff - "$work/found"
}

# from_64 COMMAND...: run by the installed mipcrun, with its options.
from_64()
{
	"$work/prefix/bin/mipcrun" --dir "$work/namespace" "$@"
}

from_32()
{
	"$work/prefix/bin32/mipcrun" --dir "$work/namespace" "$@"
}

# A program of 32 bits has no module where only that of 64 is installed.
sister_missing()
{
	said=$(from_64 -- "$work/user64" exec execv "$work/user32" load 9 2>&1)
	case $said in
	*"mipc: $work/user32 will use the kernel's System V IPC: it is of \
another word size than the module"*) ;;
	*)
		echo "$said"
		return 1 ;;
	esac
	status=0
	from_64 --strict -- "$work/user64" exec execv "$work/user32" load 9 ||
	    status=$?
	[ "$status" -eq 13 ] || return		# EACCES
	status=0
	from_64 -- "$work/user32" load 9 || status=$?
	[ "$status" -eq 126 ]
}

# Both are where their loaders take $LIB to, whatever the other's is.
install_sister()
{
	$MAKE -s -C "$work/m32" install-module &&
	    $MAKE -s -C "$work/m32" install-binPROGRAMS \
	    bindir="$work/prefix/bin32" &&
	    [ -f "$(module_of m32 mipc-preload)" ] &&
	    [ -f "$(module_of m32 mipc-raw)" ] &&
	    [ "$(module_of m32 mipc-raw)" != "$(module_of gcc mipc-raw)" ]
}

# starts FROM PARENT CHILD [OPTION]...: what one has stored the program that
# it executes loads, and nobody is told of anything.
starts()
{
	from=$1
	parent=$work/$2
	child=$work/$3
	shift 3
	for way in execv posix_spawnp SYS_execve; do
		said=$($from --strict "$@" -- "$parent" store 9 "by $2" 2>&1 &&
		    $from --strict "$@" -- "$parent" exec $way \
		    "$child" load 9 2>&1) || {
			echo "$way: $said"
			return 1
		}
		[ "$said" = "by $2" ] || return
		$from --strict "$@" -- "$parent" hand "$child" || return
		$from --strict "$@" -- "$child" load 9 || return
	done
}

# both_ways [OPTION]...
both_ways()
{
	starts from_64 user64 user32 "$@" &&
	    starts from_64 user32 user64 "$@" &&
	    starts from_32 user32 user64 "$@" &&
	    starts from_32 user64 user32 "$@"
}

# Each word of LD_PRELOAD must be there; --raw has two.
raw_sister_missing()
{
	raw=$(module_of m32 mipc-raw)
	mv "$raw" "$raw.away" || return
	said=$(from_64 --raw -- "$work/user64" exec execv "$work/user32" \
	    load 9 2>&1)
	mv "$raw.away" "$raw"
	case $said in
	*"user32 will be killed at its first System V IPC call: it is of \
another word size than the module"*) ;;
	*)
		echo "$said"
		return 1 ;;
	esac
}

# Two build directories do, by a name that is given; the shell leaves $LIB be.
given_by_name()
{
	for build in gcc m32; do
		module=$(module_of $build mipc-preload)
		module=$work/given${module#"$work/prefix"}
		mkdir -p "${module%/*}" && ln -s \
		    "$work/$build/.libs/mipc-preload.so" "$module" || return
	done
	on_64 "$work/user64" store 9 "to both" || return
	MIPC_PRELOAD=$work/given/'$LIB/mipc/mipc-preload.so' on_64 \
	    "$work/user64" exec execv "$work/user32" load 9 >"$work/said" \
	    2>&1 && [ "$(cat "$work/said")" = "to both" ] && return
	cat "$work/said"
	return 1
}

# A static one of the other word size is told of as what it is.
static_sister()
{
	gcc -m32 -static -o "$work/static32" "$work/tiny.c" || return
	said=$(from_64 -- "$work/user64" exec execv "$work/static32" 2>&1)
	[ "$said" = "mipc: $work/static32 will use the kernel's System V \
IPC: it is statically linked" ] && return
	echo "$said"
	return 1
}

# maps_32: the tests of check_map, each run from outside.
maps_32()
{
	[ -x ./tests/driven ] || {
		echo "libcheck is not installed"
		return
	}
	./tests/driven --on directory "$work/m32/tests/held_map" \
	    >"$work/maps" || {
		grep '^not ok' "$work/maps"
		return 1
	}
	grep -q '^ok.*offsets_beyond_4_gib' "$work/maps"
}

test_32()
{
	set -- "gcc -m32 builds it" "built m32" \
	    "maps in programs of 32 bits are as in others" maps_32 \
	    "programs of 32 bits are compiled" "compile user32 -m32" \
	    "they run on it" "runs_32 user32" \
	    "... with times of 64 bits too" "compile user32t -m32 \
	    -D_TIME_BITS=64 -D_FILE_OFFSET_BITS=64" \
	    "they run on it" "runs_32 user32t" \
	    "a bad pointer is EFAULT, whatever argument of what call" \
	    "faults_32 user32" \
	    "... with times of 64 bits too" "faults_32 user32t" \
	    "no call is the kernel's" "no_kernel_ipc_32 user32" \
	    "nor with times of 64 bits" "no_kernel_ipc_32 user32t" \
	    "calls by an instruction of their own are answered" \
	    "raw_32 raw32 -m32" \
	    "... with times of 64 bits too" "raw_32 raw32t -m32 \
	    -D_TIME_BITS=64 -D_FILE_OFFSET_BITS=64" \
	    "programs of 32 and of 64 bits share segments" shared_by_both \
	    "they pass identifiers to each other" handed_by_both \
	    "messages' types convert as in the kernel" types_convert \
	    "without a module of 32 bits its programs are warned of" \
	    sister_missing \
	    "make install-module puts one beside that of 64" install_sister \
	    "programs of both start each other and share" both_ways \
	    "... with --raw, too" "both_ways --raw" \
	    "... for which its second module must be there, too" \
	    raw_sister_missing \
	    "MIPC_PRELOAD may have \$LIB in it" given_by_name \
	    "a static program of 32 bits is told of as such" static_sister
	while [ $# -gt 0 ]; do
		if [ -f "$work/status.m32" ]; then
			check "$1" $2
		else
			skip "$1" "gcc makes no programs of 32 bits here"
		fi
		shift 2
	done
}

source=$(cd "$srcdir" && pwd)
CC=${CC:-cc}
make_work
plan 41
build_all
check "gcc builds it, outside the source tree" built gcc
check "make install DESTDIR puts everything in place" installs "$work/dest"
check "the installed mipcrun finds the installed module" installed_runs
check "a program links with mipc by pkg-config" \
    links mipc 'mipc_shmget(mipc_default(), 5, 1, IPC_CREAT | 0600)' mipc.h
check "a program links with mipc-sysv by pkg-config" \
    links mipc-sysv 'shmget(5, 1, IPC_CREAT | 0600)' sys/ipc.h
if command -v clang >/dev/null; then
	check "clang builds it and its tests" built clang
else
	skip "clang builds it and its tests" "clang is not installed"
fi
check "without the module, libsmartcols and static libraries" built small
check "without shared libraries" built static
check "with crash points, and optimized for size" built crash
for name in mipcs mipcs_detail mipcs_look mipcs_waits mipcs_columns \
    mipcs_kernel mipcs_watch mipcs_events mipcs_metrics exact; do
	check "$name without libsmartcols" passes crash "$name"
done
test_32
