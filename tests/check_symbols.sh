#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# check_symbols.sh - what the libraries and the module show to others.
#
# Exactly the names of the version script, functions and no variables; and
# they need nothing but libc.  Each check is first shown a library that
# breaks it.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

# promised MAP: the names of a version script.
promised()
{
	sed -n '/^global:/,/^local:/s/^	\([A-Za-z_0-9]*\);.*/\1/p' "$1" | sort
}

# optional MAP: patterns of names that only some machines have.
optional()
{
	sed -n '/[a-z]\*/s/^	\([a-z_]*\)\*\([a-z_0-9]*\);.*/^\1.*\2$/p' "$1"
}

# exported LIBRARY: the names it defines, without the version's own.
exported()
{
	readelf -W --dyn-syms "$1" | awk '
	$7 ~ /^[0-9]+$/ && $4 != "SECTION" && $5 != "LOCAL" {
		sub(/@.*/, "", $8)
		print $8
	}' | sort
}

# same_names LIBRARY MAP
same_names()
{
	promised "$2" >"$work/promised"
	optional "$2" >"$work/optional"
	exported "$1" | grep -vf "$work/optional" >"$work/exported"
	[ -s "$work/promised" ] || {
		echo "$2 promises nothing"
		return 1
	}
	diff -u "$work/promised" "$work/exported"
}

# functions_only LIBRARY: no variable of its is another's to write.
functions_only()
{
	variables=$(readelf -W --dyn-syms "$1" | awk '
	$7 ~ /^[0-9]+$/ && $5 != "LOCAL" && ($4 == "OBJECT" || $4 == "TLS") {
		print $8
	}')
	[ -z "$variables" ] || {
		echo "$1 exports variables:" $variables
		return 1
	}
}

# needs_only LIBRARY PATTERN: every library it asks for is libc (its loader
# is part of it) or matches.
needs_only()
{
	needs=$(readelf -W -d "$1" |
	    sed -n 's/.*(NEEDED).*\[\(.*\)\]$/\1/p')
	foreign=$(printf '%s\n' "$needs" |
	    grep -Ev "^(libc\.|ld-|linux-vdso|$2)")
	[ -n "$needs" ] && [ -z "$foreign" ] || {
		echo "$1 needs:" $needs
		return 1
	}
}

# no_text_written LIBRARY: nothing in it is both code and writable.
no_text_written()
{
	! readelf -W -d "$1" | grep -q TEXTREL ||
	    return 1
	! readelf -W -l "$1" | grep -Eq '(GNU_STACK|LOAD).* RWE '
}

self_test()
{
	mkdir "$work/bad"
	cat >"$work/bad/bad.c" <<-'END'
	#include <math.h>
	int leaked = 1;
	double promised(double x) { return leaked + cos(x); }
	double more(void) { return promised(2); }
	END
	printf 'V {\nglobal:\n\tpromised;\nlocal:\n\t*;\n};\n' \
	    >"$work/bad/bad.map"
	bad=$work/bad/bad.so
	if ! $CC -shared -fPIC -Wl,--no-as-needed -o "$bad" \
	    "$work/bad/bad.c" -lm >"$work/bad/said" 2>&1; then
		for what in "a name too many is seen" \
		    "a name of some machines only is let pass" \
		    "a variable is seen" "a library is seen"; do
			skip "$what" "no compiler"
		done
		return
	fi
	check "a name too many is seen" \
	    refused same_names "$bad" "$work/bad/bad.map"
	printf '	lea*ed;\n	mo*;\n' >>"$work/bad/bad.map"
	check "a name of some machines only is let pass" \
	    same_names "$bad" "$work/bad/bad.map"
	check "a variable that is exported is seen" \
	    refused functions_only "$bad"
	check "a library beside libc is seen" refused needs_only "$bad" -
}

# look_at LIBRARY MAP PATTERN
look_at()
{
	name=${1##*/}
	if ! [ -f "$1" ]; then
		for what in "its map's names" functions libc code; do
			skip "$name: $what" "$name is not built"
		done
		return
	fi
	check "$name exports exactly the names of ${2#"$srcdir"/}" \
	    same_names "$1" "$2"
	check "$name exports no variable" functions_only "$1"
	check "$name needs libc alone${3:+, and $3}" needs_only "$1" "${3:--}"
	check "$name has no writable code" no_text_written "$1"
}

case ${CODE_CFLAGS-} in
*-fsanitize*)
	skip_all "the sanitizers add names and libraries of their own"
	;;
esac
need readelf
CC=${CC:-cc}
make_work
plan 20
self_test
look_at .libs/libmipc.so "$srcdir/lib/libmipc.map" ""
look_at .libs/libmipc-sysv.so "$srcdir/lib/libmipc-sysv.map" libmipc
look_at .libs/mipc-preload.so "$srcdir/preload/mipc-preload.map" ""
look_at .libs/mipc-raw.so "$srcdir/preload/mipc-raw.map" ""
