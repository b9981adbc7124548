#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# mipcs_options.sh - each option of mipcs, mipcmk and mipcrm stands in its
# manual page, and a test calls the command with it.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

# listed COMMAND: its options, letter and name, as --help has them.
listed()
{
	"./$1" --help | sed -n 's/^  -\(.\), --\([a-z-]*\).*/\1 \2/p
	    s/^      --\([a-z-]*\).*/- \1/p'
}

# in_manual COMMAND LETTER NAME: an entry of its own.
in_manual()
{
	if [ "$2" = - ]; then
		grep -q "^\.It Fl Fl $3\( \|\$\)" "$srcdir/man/$1.1"
	else
		grep -q "^\.It Fl $2.* , Fl Fl $3\( \|\$\)" "$srcdir/man/$1.1"
	fi
}

# in_tests COMMAND LETTER NAME: a call with it, by name or by letter.
in_tests()
{
	grep -qE -e "(^|[^a-z-])--$3([^a-z-]|\$)" $(tests_of "$1") ||
	    { [ "$2" != - ] && grep -qE -e \
	    "(^|[ \"'(])-[a-zA-Z]?$2[0-9]*([ \"')=]|\$)" $(tests_of "$1"); }
}

tests_of()
{
	for test in "$srcdir/tests/$1".sh "$srcdir/tests/$1"_*.sh \
	    "$srcdir/tests/options.sh" "$srcdir/tests/terminal.py"; do
		case $test in
		*_options.sh|*_catch.sh|*\**)
			;;
		*)
			[ ! -f "$test" ] || printf '%s ' "$test"
			;;
		esac
	done
}

# each COMMAND PROOF: true of every option; --completion, which the makefile
# calls, is completion.sh's.
each()
{
	listed "$1" >"$work/listed"
	[ "$(wc -l <"$work/listed")" -ge 5 ] || return
	missing=
	while read -r letter name; do
		[ "$name" = completion ] || "$2" "$1" "$letter" "$name" ||
		    missing="$missing --$name"
	done <"$work/listed"
	echo "missing:$missing"
	[ -z "$missing" ]
}

make_work
plan 8
check "an option that nobody wrote down is seen" \
    refused in_manual mipcs - nonsense
check "... and one that nobody tests" refused in_tests mipcs - untested-one
for command in mipcs mipcmk mipcrm; do
	check "$command: each option is in the manual" each $command in_manual
	check "$command: each option is tested" each $command in_tests
done
