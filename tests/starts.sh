#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# starts.sh - programs that are started by vfork(), posix_spawn(), system() and
# popen(): they share all with their parent and take nothing from it; and one
# that the module cannot be loaded into is told, or with --strict not executed.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/module.sh"
. "$srcdir/tests/oracle.sh"

user=$PWD/tests/ipc_user
ways="vfork posix_spawn posix_spawnp system popen"

on_mipc()
{
	./mipcrun --dir "$work/namespace" "$@"
}

beside()
{
	on_mipc -- "$user" beside "$1" || return
	[ -z "$apart" ] || $apart "$user" beside "$1"
}

# by_shell WAY: a shell executes it, another one each time.
by_shell()
{
	[ "$1" = system ] || [ "$1" = popen ]
}

# tells COUNT WHY COMMAND...: the module says so, so often, and nothing is
# said else, but by a shell.  The status is left in $status.
tells()
{
	count=$1
	why=$2
	shift 2
	status=0
	on_mipc "$@" 2>"$work/said" >/dev/null || status=$?
	grep -v '^sh: ' "$work/said" >"$work/told"
	[ "$(wc -l <"$work/told")" -eq "$count" ] &&
	    [ "$(grep -c "^mipc: .*$why" "$work/told")" -eq "$count" ] &&
	    return
	echo "status $status, and not $count times \"$why\":"
	cat "$work/told"
	return 1
}

# warned STATUS WHY COMMAND WAY PROGRAM: one process is told of it once.
warned()
{
	times=1
	! by_shell "$4" || [ "$3" != start ] || times=3
	tells "$times" "will use the kernel's System V IPC: $2" -- "$user" \
	    "$3" "$4" 3 "$5" && [ "$status" -eq "$1" ]
}

# not_executed WHY COMMAND WAY PROGRAM: EACCES is 13, and 126 to a shell.
not_executed()
{
	expected=13
	! by_shell "$3" || [ "$2" != start ] || expected=126
	tells 1 "is not executed: $1" --strict -- "$user" "$2" "$3" 1 "$4" &&
	    [ "$status" -eq "$expected" ]
}

# both WHAT REASON ...: neither, if there is a reason not to.
both()
{
	both_what=$1
	reason=$2
	both_status=$3
	shift 3
	for both_way in $ways; do
		if [ -n "$reason" ]; then
			skip "$both_what, by $both_way: warned of" "$reason"
			skip "... with --strict not executed" "$reason"
			continue
		fi
		check "$both_what, by $both_way: warned of" warned \
		    "$both_status" "$1" "$2" "$both_way" "$3"
		check "... with --strict not executed" \
		    not_executed "$1" "$2" "$both_way" "$3"
	done
}

# A module without these two does not see who starts a shell.
missed()
{
	without "$work/mipc-preload.so" system popen || return
	for way in system popen; do
		refused env MIPC_PRELOAD="$work/mipc-preload.so" \
		    ./mipcrun --strict --dir "$work/namespace" -- \
		    sh -c '"$1" start-empty "$2" 1 true; [ $? -eq 13 ]' sh \
		    "$user" "$way" || return
	done
}

why_no_static()
{
	echo 'int main(void) { return 7; }' >"$work/static.c"
	${CC:-cc} -static -o "$work/static" "$work/static.c" 2>/dev/null ||
	    echo "no static libc is installed"
}

why_no_set_uid()
{
	cp /bin/true "$work/set-uid"
	if [ "$(id -u)" -ne 0 ]; then
		echo "only root can try this"
		return
	fi
	cp "$(command -v id)" "$work/gain"
	chown 65534 "$work/gain" "$work/set-uid"
	chmod 4755 "$work/gain" "$work/set-uid"
	[ "$("$work/gain" -u)" = 65534 ] ||
	    echo "this filesystem is mounted nosuid"
}

need_module
make_work
find_oracle
plan 36
for way in $ways; do
	check "by $way: all is shared, and nothing taken" beside "$way"
done
both "a static program" "$(why_no_static)" 7 "it is statically linked" \
    start "$work/static"
both "a set-user-ID program" "$(why_no_set_uid)" 0 "it is set-user-ID" \
    start "$work/set-uid"
both "an empty environment" "" 0 "its environment names no module" \
    start-empty /bin/true
check "who leaves system() and popen() to libc misses the last" missed
