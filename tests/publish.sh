#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# publish.sh - a writer of a publication is killed at some instructions, others
# each time (publish_long.sh: at each); and a library that names the newest
# version before its bytes are there is seen to err, by that and by processes
# that only read and write.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/retell.sh"

make_work
retold killed kill_publish ./tests/kill_publish --part 8 >"$work/results"
adopt "$work/results"
if ./tests/kill_publish_broken --broken --part 8 >"$work/said"; then :; fi
check "kills of a library that publishes too early are seen" \
    said '^ok\|SKIP'
if ./tests/publish_broken --mixture >"$work/said"; then :; fi
check "a mixture of its is seen" said '^not ok .*no mixture'
plan "$tap_count"
