#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# skips.sh - a test that cannot be made says why: who starts it by hand has
# status 77, and the driver of TAP a skip, of each test of a large program.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

# by_hand SCRIPT...: where nothing is installed.
by_hand()
{
	for script; do
		status=0
		said=$(env -u TAP_DRIVEN PATH="$work/bin" srcdir="$srcdir" \
		    "$shell" "$script" 2>"$work/error") || status=$?
		case "$status $said" in
		"77 1..0 # SKIP "?*) ;;
		*)
			echo "$script: status $status: $said"
			cat "$work/error"
			return 1 ;;
		esac
	done
}

# driven SCRIPT: what the driver makes of it.
driven()
{
	PATH=$work/bin TAP_DRIVEN=yes srcdir=$srcdir "$shell" "$1" \
	    >"$work/said" 2>&1
	status=$?
	grep -q '^1\.\.0 # SKIP no-such-program' "$work/said" || return
	"$shell" "$driver" --test-name skips --log-file "$work/log" \
	    --trs-file "$work/trs" --color-tests no -- \
	    "$shell" -c 'cat "$1"; exit "$2"' sh "$work/said" "$status" &&
	    cat "$work/trs" &&
	    grep -q '^:test-result: SKIP' "$work/trs" &&
	    ! grep -qE '^:test-result: (ERROR|FAIL)' "$work/trs"
}

# Status 77, which other drivers take for a skip, is an error to this one.
error_seen()
{
	"$shell" "$driver" --test-name skips --log-file "$work/log" \
	    --trs-file "$work/trs" --color-tests no -- \
	    "$shell" -c 'echo "1..0 # SKIP x"; exit 77'
	grep -q '^:test-result: ERROR' "$work/trs"
}

shell=$(command -v "${SHELL:-sh}")
driver=$srcdir/build-aux/tap-driver.sh
make_work
mkdir "$work/bin"
ln -s "$(command -v timeout)" "$work/bin"
printf '. "$srcdir/tests/tap.sh"\nneed no-such-program\n' >"$work/test"
plan 3
check "what is missing is told to who starts a test by hand" \
    by_hand "$work/test" $(grep -l '^plan ' "$srcdir"/tests/programs/*.sh)
check "the driver takes it for a skip" driven "$work/test"
check "... as it would not take the status" error_seen
