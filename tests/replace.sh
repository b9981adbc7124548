#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# replace.sh - a file that is replaced is the old one or the new, whenever the
# process is killed or the power fails, with files that need no name and where
# they do; and an fsync that is left out is seen.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/retell.sh"

make_work
{
	retold "as it is" replace ./tests/replace_disk
	MIPC_NO_OTMPFILE=1
	export MIPC_NO_OTMPFILE
	retold "with names" replace ./tests/replace_disk
	retold "with names" replace ./tests/replace
	unset MIPC_NO_OTMPFILE
	retold "the file's fsync" replace ./tests/replace_broken_sync --broken
	retold "the directory's fsync" replace \
	    ./tests/replace_broken_directory --broken
} >"$work/results"
cat "$work/results"
plan "$(grep -Ec '^(not )?ok' "$work/results")"
! grep -q '^not ok' "$work/results"
