#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# check_man.sh - the manual pages are mdoc without a fault.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

# lint PAGE: mandoc's warnings; what it only calls a matter of style or of
# the base system's habits (a page it does not find) is none.
lint()
{
	said=$(mandoc -T lint -W warning "$1" 2>&1) && [ -z "$said" ] && return
	echo "$said"
	return 1
}

need mandoc
make_work
set -- "$srcdir"/man/*.[1-8]
plan $(($# + 1))
printf '.Dd $Mdocdate$\n.Dt BAD 7\n.Os\n.Sh NAME\n.Xx unknown\n' \
    >"$work/bad.7"
check "a fault is seen" refused lint "$work/bad.7"
for page; do
	check "${page#"$srcdir"/}" lint "$page"
done
