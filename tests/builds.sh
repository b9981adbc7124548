#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# builds.sh - every way to configure it builds without a warning, outside the
# source tree, and what `make install` puts in place works from there.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

# What a make that runs this test says to its own children is not for ours.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
MAKE=${MAKE:-make}
jobs=-j$((($(getconf _NPROCESSORS_ONLN) + 1) / 2))	# two at a time

installed="bin/mipcmk bin/mipcrm bin/mipcrun bin/mipcs
include/mipc.h include/mipc_look.h
lib/libmipc.a lib/libmipc.so lib/libmipc-sysv.a lib/libmipc-sysv.so
lib/mipc/mipc-preload.so lib/mipc/mipc-raw.so
lib/pkgconfig/mipc.pc lib/pkgconfig/mipc-sysv.pc
share/bash-completion/completions/mipcmk
share/bash-completion/completions/mipcrm
share/bash-completion/completions/mipcrun
share/bash-completion/completions/mipcs
share/man/man1/mipcmk.1 share/man/man1/mipcrm.1 share/man/man1/mipcrun.1
share/man/man1/mipcs.1
share/man/man3/mipc.3
share/man/man7/mipc.7"

# build NAME GOALS OPTION...: configured and compiled in $work/NAME.  A warning
# is an error.  What it says is kept.
build()
{
	name=$1
	goals=$2
	shift 2
	mkdir "$work/$name" || return
	(
		cd "$work/$name" &&
		    "$source/configure" --enable-werror -q "$@" &&
		    $MAKE $jobs -s $goals
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
# distcheck.sh builds the tests with gcc; clang's are as long as all the rest.
build_all()
{
	! command -v clang >/dev/null ||
	    build clang "check TESTS=" CC=clang &
	build gcc all CC=gcc --prefix="$work/prefix"
	build small all --disable-preload --without-smartcols --disable-static
	build static all --disable-shared
	build crash all --enable-crash-points CFLAGS=-Os
	! makes_32 ||
	    build m32 all CC="gcc -m32" --host=i686-pc-linux-gnu \
	    --without-smartcols
	wait
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

test_32()
{
	set -- "gcc -m32 builds it" "built m32" \
	    "programs of 32 bits are compiled" "compile user32 -m32" \
	    "they run on it" "runs_32 user32" \
	    "... with times of 64 bits too" "compile user32t -m32 \
	    -D_TIME_BITS=64 -D_FILE_OFFSET_BITS=64" \
	    "they run on it" "runs_32 user32t" \
	    "no call is the kernel's" "no_kernel_ipc_32 user32" \
	    "nor with times of 64 bits" "no_kernel_ipc_32 user32t" \
	    "calls by an instruction of their own are answered" \
	    "raw_32 raw32 -m32" \
	    "... with times of 64 bits too" "raw_32 raw32t -m32 \
	    -D_TIME_BITS=64 -D_FILE_OFFSET_BITS=64" \
	    "programs of 32 and of 64 bits share segments" shared_by_both \
	    "they pass identifiers to each other" handed_by_both \
	    "messages' types convert as in the kernel" types_convert
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
plan 21
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
test_32
