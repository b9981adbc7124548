#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# check_style.sh - the form of the sources, as far as a machine sees it.
#
#	width		no line above 80 columns, tabs being 8 wide
#	indent		tabs first, then less than 8 spaces; none at the end
#	function	80 lines between the braces in column 1 at most
#	file		600 lines at most
#	licence		SPDX-License-Identifier in the first two lines
#
# Each rule is first shown a file that breaks it, and one that just keeps it.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

# style FILE...: a line for each violation.
style()
{
	awk '
	function tell(what) {
		printf "%s:%d: %s\n", FILENAME, FNR, what
	}
	function width(line,    n, i, c) {
		n = 0
		for (i = 1; i <= length(line); i++) {
			c = substr(line, i, 1)
			n = c == "\t" ? n + 8 - n % 8 : n + 1
		}
		return n
	}
	# What the file before this one is blamed for at its end.
	function finish() {
		if (last_file != "" && !licensed)
			print last_file ": licence"
		if (last_file != "" && last_line > 600)
			print last_file ": file of " last_line " lines"
	}
	FNR == 1 { finish(); licensed = 0; opened = 0 }
	{ last_file = FILENAME; last_line = FNR }
	FNR <= 2 && /SPDX-License-Identifier: BSD-2-Clause/ { licensed = 1 }
	width($0) > 80 { tell("width " width($0)) }
	/[ \t]$/ { tell("indent: blanks at the end") }
	/^\t* +\t/ || (FILENAME !~ /\.(py|pl)$/ && /^\t*        /) {
		tell("indent: spaces where a tab belongs")
	}
	FILENAME ~ /\.[ch]$/ && /^\{/ { opened = FNR }
	FILENAME ~ /\.[ch]$/ && /^\}/ {
		if (opened && FNR - opened - 1 > 80)
			tell("function of " FNR - opened - 1 " lines")
		opened = 0
	}
	END { finish() }' "$@"
}

# every_source: what the rules are for.
every_source()
{
	find "$srcdir/lib" "$srcdir/preload" "$srcdir/utils" \
	    "$srcdir/tests" "$srcdir/bench" "$srcdir/examples" -type f \
	    \( -name '*.[ch]' -o -name '*.sh' -o -name '*.map' -o \
	    -name '*.pl' -o -name '*.py' \)
	for top in configure.ac Makefile.am utils/local.am bench/local.am \
	    autogen.sh quickstart .ci/run; do
		[ ! -f "$srcdir/$top" ] || echo "$srcdir/$top"
	done
}

clean()
{
	said=$(style "$@")
	[ -z "$said" ] || {
		echo "$said"
		return 1
	}
}

# seen RULE FILE: exactly one violation, of that rule.
seen()
{
	said=$(style "$2")
	case $said in
	*"
"*)
		;;
	*": $1"*)
		return 0
		;;
	esac
	echo "expected $1, found: ${said:-nothing}"
	return 1
}

# lines N [TEXT]: so many lines.
lines()
{
	awk -v n="$1" -v text="${2-}" \
	    'BEGIN { for (i = 0; i < n; i++) print text }'
}

spdx="/* SPDX-License-Identifier: BSD-2-Clause */"
columns=$(printf '%80s' x | tr ' ' x)

self_test()
{
	file=$work/sample.c
	{
		echo "$spdx"
		echo "$columns"
		printf '\t    four spaces continue a line\n'
		printf '{\n'
		lines 80
		printf '}\n'
		lines 515
	} >"$file"
	check "a file that just keeps every rule is let pass" clean "$file"

	printf '%s\n%sx\n' "$spdx" "$columns" >"$file"
	check "81 columns are seen" seen width "$file"
	printf '%s\n%.74s\t\n' "$spdx" "$columns" | sed 's/\t$/\tx/' >"$file"
	check "a tab counts to its stop" seen width "$file"
	printf '%s\n        eight spaces\n' "$spdx" >"$file"
	check "eight spaces at the start are seen" seen indent "$file"
	printf '%s\n  \tspaces, then a tab\n' "$spdx" >"$file"
	check "a tab behind spaces is seen" seen indent "$file"
	printf '%s\nblank \n' "$spdx" >"$file"
	check "a blank at the end is seen" seen indent "$file"
	{
		echo "$spdx"
		echo "{"
		lines 81
		echo "}"
	} >"$file"
	check "a function of 81 lines is seen" seen function "$file"
	{
		echo "$spdx"
		lines 600
	} >"$file"
	check "a file of 601 lines is seen" seen file "$file"
	echo "int x;" >"$file"
	check "a file without a licence is seen" seen licence "$file"
}

make_work
plan 10
self_test
every_source >"$work/sources"
set --
while read -r file; do
	set -- "$@" "$file"
done <"$work/sources"
check "the form of all $# sources" clean "$@"
