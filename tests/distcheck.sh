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
	cd "$work" && "$source/configure" -q && $MAKE $jobs distcheck
}

source=$(cd "$srcdir" && pwd)
make_work
tap_cleanup='chmod -R u+w "$work"'
plan 1
check "make distcheck" distcheck
