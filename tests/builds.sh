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

installed="bin/mipcrun bin/mipcs include/mipc.h lib/libmipc.a lib/libmipc.so
lib/libmipc-sysv.a lib/libmipc-sysv.so lib/mipc/mipc-preload.so
lib/pkgconfig/mipc.pc lib/pkgconfig/mipc-sysv.pc share/man/man1/mipcrun.1
share/man/man1/mipcs.1 share/man/man3/mipc.3 share/man/man7/mipc.7"

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

source=$(cd "$srcdir" && pwd)
CC=${CC:-cc}
make_work
plan 9
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
