#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# check_layers.sh - a file of the library uses only what stands above it in
# Makefile.am's list.
#
# Two proofs: of what the text includes, and of the names that the compiled
# objects take from each other.  Each is first shown a tree with one violation
# of every kind, so that a proof that sees nothing fails.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

# layers TREE: the library's files in the order of Makefile.am, each behind
# the number of its line: the files of a line, and of lines indented below it,
# are one layer.
layers()
{
	awk '
	/^(layers|libmipc_sysv_la_SOURCES) = / { in_list = 1; sub(/.*= /, "") }
	in_list {
		more = sub(/\\$/, "")
		if (!/^\t    /)
			line = NR
		for (i = 1; i <= NF; i++)
			print line, $i
		in_list = more
	}' "$1/Makefile.am"
}

# includes FILE: the project's headers that it includes, in any spelling.
includes()
{
	sed -n -e 's/^[ 	]*#[ 	]*include[ 	]*"\([^"]*\)".*/\1/p' \
	    -e 's/^[ 	]*#[ 	]*include[ 	]*<\(mipc[^>]*\)>.*/\1/p' "$1"
}

# unlisted TREE LIST: files of lib/ that have no place in the list, and the
# other way round.
unlisted()
{
	(cd "$1" && ls lib/*.[ch]) | sort >"$work/present"
	cut -d ' ' -f 2 "$2" | sort >"$work/listed"
	comm -3 "$work/present" "$work/listed" | tr -d '\t' |
	    sed 's/$/: in lib\/ or in the list, but not in both/'
}

# upward TREE LIST: what a file includes and may not.
upward()
{
	: >"$work/above"
	while read -r line file; do
		[ -f "$1/$file" ] || continue
		for header in $(includes "$1/$file"); do
			grep -qx "lib/$header" "$work/above" ||
			    echo "$file: includes $header, not above it"
		done
		echo "$file" >>"$work/above"
	done <"$2"
}

# outside TREE: what utils/, bench/ and examples/ include beside mipc.h and
# headers of their own.
outside()
{
	for file in "$1"/utils/*.[ch] "$1"/bench/*.[ch] "$1"/examples/*.[ch]
	do
		[ -f "$file" ] || continue
		for header in $(includes "$file"); do
			case $header in
			mipc.h)
				continue
				;;
			*lib/*)
				;;
			*)
				[ ! -f "$(dirname "$file")/$header" ] ||
				    continue
				;;
			esac
			echo "${file#"$1"/}: includes $header of lib/"
		done
	done
}

violations()
{
	layers "$1" >"$work/list"
	[ -s "$work/list" ] || echo "Makefile.am: no list of layers"
	unlisted "$1" "$work/list"
	upward "$1" "$work/list"
	outside "$1"
}

# names_upward LINE OBJECT...: names that an object takes from one of a later
# line.
names_upward()
{
	: >"$work/names"
	while [ $# -gt 0 ]; do
		echo "$1 $2:" >>"$work/names"
		nm "$2" >>"$work/names" || echo "no object $2"
		shift 2
	done
	awk '
	/:$/ { line = $1; file = $2; next }
	$1 == "U" || $1 == "w" { wanted[file " " $2] = line; next }
	$2 ~ /[TDBRC]/ { home[$3] = line; at[$3] = file }
	END {
		for (key in wanted) {
			split(key, part, " ")
			if (part[2] in home && home[part[2]] > wanted[key])
				print part[1], "uses", part[2], "of",
				    at[part[2]]
		}
	}' "$work/names"
}

none()
{
	said=$("$@")
	[ -z "$said" ] || {
		echo "$said"
		return 1
	}
}

some()
{
	said=$("$@")
	case $said in
	*"$expected"*)
		return 0
		;;
	esac
	echo "expected: $expected"
	echo "found: ${said:-nothing}"
	return 1
}

# sample: a tree in order, with the text given for its lower file.
sample()
{
	rm -rf "$work/tree"
	mkdir -p "$work/tree/lib" "$work/tree/utils"
	printf 'layers = \\\n\tlib/low.h lib/low.c \\\n\tlib/high.h\n' \
	    >"$work/tree/Makefile.am"
	: >"$work/tree/lib/low.h"
	printf '%s\n' "$1" >"$work/tree/lib/low.c"
	echo '#include "low.h"' >"$work/tree/lib/high.h"
	echo '#include "mipc.h"' >"$work/tree/utils/tool.c"
}

make_work
plan 7

sample '#include "low.h"'
check "a tree in order has no violation" none violations "$work/tree"

sample '# include "high.h"'
expected="lib/low.c: includes high.h"
check "a file that includes a higher one is seen" \
    some violations "$work/tree"

sample '#include "low.h"'
: >"$work/tree/lib/stray.c"
expected="lib/stray.c"
check "a file without a place in the list is seen" \
    some violations "$work/tree"

sample '#include "low.h"'
echo '#include "high.h"' >"$work/tree/utils/tool.c"
expected="utils/tool.c: includes high.h"
check "a tool that looks behind mipc.h is seen" \
    some violations "$work/tree"

check "every file includes only what stands above it" \
    none violations "$srcdir"

cc=${CC:-cc}
printf 'int above(void);\nint below(void) { return above(); }\n' \
    >"$work/low.c"
printf 'int above(void) { return 1; }\n' >"$work/high.c"
if (cd "$work" && $cc -c low.c high.c) >/dev/null 2>&1; then
	expected="low.o: uses above of"
	check "an object that uses a name of a higher one is seen" \
	    some names_upward 1 "$work/low.o" 2 "$work/high.o"
else
	skip "an object that uses a name of a higher one is seen" \
	    "no compiler"
fi

layers "$srcdir" | sed -n 's/\.c$/.o/p' >"$work/objects"
set --
while read -r line file; do
	[ -f "$file" ] || file=${file%/*}/.libs/${file##*/}
	set -- "$@" "$line" "$file"
done <"$work/objects"
check "every object uses only names from above it" none names_upward "$@"
