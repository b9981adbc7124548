# SPDX-License-Identifier: BSD-2-Clause
# oracle.sh - the same program on mipc and on the kernel; to be sourced after
# tap.sh, by a test that has a function on_mipc.

# find_oracle: set $apart, which runs a command where the kernel's System V
# IPC is nobody else's; empty where that cannot be had.
find_oracle()
{
	apart="unshare -i"
	$apart true 2>/dev/null || apart=
}

# as_kernel PROGRAM ARGUMENT...: it succeeds on mipc, and says there what it
# says on the kernel; or, if libc does not let it, what $instead says there.
as_kernel()
{
	status=0
	on_mipc "$@" >"$work/on_mipc" 2>&1 || status=$?
	[ -z "${instead-}" ] || {
		shift
		set -- "$instead" "$@"
	}
	if [ -n "$apart" ]; then
		$apart "$@" >"$work/on_kernel" 2>&1
		diff "$work/on_kernel" "$work/on_mipc" || return
	fi
	[ "$status" -eq 0 ] || cat "$work/on_mipc"
	return "$status"
}
