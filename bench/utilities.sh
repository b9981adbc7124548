#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# utilities.sh - how long lists of 30,000 sets take: mipcs over a namespace,
# util-linux's ipcs over the kernel's in an IPC namespace of their own.
#
#	bench/utilities.sh [SETS]	in the build directory
#
# Each line is the quickest of nine runs: milliseconds by the clock, and of the
# processor.  What libsmartcols takes of it is what the table takes more than
# the lines for programs, which need all but it.

sets=${1:-30000}
base=${MIPC_TEST_DIR:-/dev/shm}
work=$(mktemp -d "$base/mipc-bench.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

command -v python3 >/dev/null || { echo "skipped: no python3"; exit 0; }

cat >"$work/time.py" <<'END'
import os, resource, subprocess, sys, time
least = None
for _ in range(9):
	before = resource.getrusage(resource.RUSAGE_CHILDREN)
	begun = time.monotonic()
	subprocess.run(sys.argv[2:], stdout=subprocess.DEVNULL, check=True)
	wall = time.monotonic() - begun
	after = resource.getrusage(resource.RUSAGE_CHILDREN)
	cpu = (after.ru_utime + after.ru_stime -
	    before.ru_utime - before.ru_stime)
	if least is None or wall < least[0]:
		least = wall, cpu
print("%-28s %8.1f ms %8.1f ms of the processor" %
    (sys.argv[1], least[0] * 1000, least[1] * 1000), flush=True)
END

cat >"$work/make.py" <<'END'
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
for n in range(int(sys.argv[1])):
	if libc.semget(n + 1, 1, 0o1600) == -1:
		sys.exit("set %d: errno %d" % (n, ctypes.get_errno()))
END

./mipcrun --dir "$work/ns" -- python3 "$work/make.py" "$sets" || exit 1
for form in -u -s "-s --raw" "-s --json"; do
	# shellcheck disable=SC2086
	python3 "$work/time.py" "mipcs $form" ./mipcs --dir "$work/ns" $form
done >"$work/said"
cat "$work/said"
awk '/mipcs -s  / { table = $(NF - 4) } /--raw/ { raw = $(NF - 4) }
    END { printf "%-28s %8s    %8.1f ms of the processor\n",
    "  the table by libsmartcols", "", table - raw }' "$work/said"

# The kernel's, where it gives room for so many.
if ! unshare -i true 2>/dev/null; then
	echo "ipcs: skipped: no IPC namespace of its own (unshare)"
elif ! command -v ipcs >/dev/null; then
	echo "ipcs: skipped: it is not installed"
else
	# shellcheck disable=SC2016
	unshare -i sh -c 'python3 "$0/make.py" "$1" || exit
	    for form in -u -s; do
		python3 "$0/time.py" "ipcs $form" ipcs $form
	    done' "$work" "$sets" || echo "ipcs: skipped: no room for $sets"
fi
