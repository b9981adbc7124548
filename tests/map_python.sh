#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# map_python.sh - maps beside Python's, and every row of mipc(7)'s tables of
# what does what: see map_python.py.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

need python3
case ${CODE_CFLAGS-} in
*-fsanitize*)
	skip_all "python3 is not made for a library with sanitizers"
	;;
esac
[ -f .libs/libmipc.so ] || skip_all "libmipc.so is not built"
exec python3 -B "$srcdir/tests/map_python.py" .libs/libmipc.so \
    "$srcdir/man/mipc.7" "$@"
