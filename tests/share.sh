#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# share.sh - a lock that tells nobody that the last one to have it died is
# seen, among workers that are killed.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

make_work
plan 1
check "a death that nobody is told of is seen" \
    refused ./tests/share_broken --kills
