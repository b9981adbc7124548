#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# sanitizers.sh - the clause and unit tests under the address and undefined
# behaviour sanitizers.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
MAKE=${MAKE:-make}
jobs=-j$(getconf _NPROCESSORS_ONLN)
programs="tests/check_unit tests/check_shm tests/diff_shm"

build()
{
	cd "$work" && "$source/configure" -q --enable-sanitizers &&
	    $MAKE $jobs -s && $MAKE $jobs -s check TESTS= &&
	    cd "$home"
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

clean()
{
	cd "$work" && "./$1" && cd "$home"
}

home=$(pwd)
source=$(cd "$srcdir" && pwd)
CC=${CC:-cc}
make_work
plan 5
check "a program that errs is stopped" sees
check "it builds with --enable-sanitizers" build
for program in $programs; do
	if [ -x "$program" ]; then
		check "$program finds nothing" clean "$program"
	else
		skip "$program finds nothing" "built without libcheck"
	fi
done
