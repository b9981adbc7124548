#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# neighbours.sh - writers who store a word where a byte is theirs are seen to
# lose what their neighbours wrote.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

make_work
plan 1
check "a store that is too wide is seen" \
    refused ./tests/neighbours_broken
