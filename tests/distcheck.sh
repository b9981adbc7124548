#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# distcheck.sh - the tarball holds all that it takes to build, test, install
# and uninstall it from a source tree that cannot be written; and that is
# without a warning where nothing is optimised.
#
# Of the tests those are run that read the source tree: a program is the same
# wherever it was built.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
MAKE=${MAKE:-make}
jobs=-j$(getconf _NPROCESSORS_ONLN)

distcheck()
{
	cd "$work" && "$source/configure" -q &&
	    $MAKE $jobs distcheck TESTS="$($MAKE -s list-scripts)" \
	    DISTCHECK_CONFIGURE_FLAGS="--enable-werror CC=gcc CFLAGS=-O0" &&
	    return
	grep -hE -B 8 '^(not ok|Bail out!|ERROR)' \
	    "$work"/mipc-*/_build/sub/test-suite.log
	return 1
}

source=$(cd "$srcdir" && pwd)
make_work
tap_cleanup='chmod -R u+w "$work"'
plan 1
check "make distcheck" distcheck
