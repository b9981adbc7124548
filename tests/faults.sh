#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# faults.sh - bad pointers through libc's names: each argument that is one, of
# each call and command, is EFAULT where it leads nowhere, to what may not be
# read or written, or only partly somewhere; and leaves what the kernel leaves.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/module.sh"
. "$srcdir/tests/oracle.sh"

user=$PWD/tests/ipc_user

on_mipc()
{
	$apart ./mipcrun --dir "$work/namespace" -- "$@"
}

# An answer that is wrong somewhere is seen.
trust_is_seen()
{
	${CC:-cc} -fPIC -c -o "$work/trusting.o" "$srcdir/tests/trusting.c" &&
	    link_module "$work/mipc-preload.so" \
	    "$srcdir/preload/mipc-preload.map" $(objects pages) \
	    "$work/trusting.o" || return
	MIPC_PRELOAD=$work/mipc-preload.so
	export MIPC_PRELOAD
	"$user" faults >"$work/names"
	while read -r name; do
		# libc's own answer, which is right without the module
		[ "$name" != "ftok path" ] || continue
		! as_kernel "$user" faults "$name" >/dev/null || {
			echo "$name: not seen"
			return 1
		}
	done <"$work/names"
	unset MIPC_PRELOAD
}

need_module
make_work
find_oracle
"$user" faults >"$work/names"
plan $(($(wc -l <"$work/names") + 2))
while read -r name; do
	check "$name" as_kernel "$user" faults "$name"
done <"$work/names"
check "addresses to attach at and to detach" as_kernel "$user" wild
check "a module that trusts all pointers is seen by each" trust_is_seen
