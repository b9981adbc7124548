#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# distcheck.sh - the tarball holds all that it takes to build, test, install
# and uninstall it from a source tree that cannot be written.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
MAKE=${MAKE:-make}
jobs=-j$(getconf _NPROCESSORS_ONLN)

distcheck()
{
	cd "$work" && "$source/configure" -q && $MAKE $jobs distcheck && return
	grep -hE -B 8 '^(not ok|Bail out!|ERROR)' \
	    "$work"/mipc-*/_build/sub/test-suite.log
	return 1
}

source=$(cd "$srcdir" && pwd)
make_work
tap_cleanup='chmod -R u+w "$work"'
plan 1
check "make distcheck" distcheck
