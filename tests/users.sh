#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# users.sh - several users in one namespace: two at once, and root who becomes
# another one.  Each may do what the modes say for whoever it is at the moment.
# The same on the kernel, which is the oracle.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/module.sh"
. "$srcdir/tests/oracle.sh"
. "$srcdir/tests/traced.sh"
. "$srcdir/tests/programs/ordinary.sh"

one=65533
other=65534
dropping="setuid setresuid setreuid seteuid setgid setresgid setregid setegid
    setgroups syscall"

# $work/as UID COMMAND...: in a group that others are in, too.  $work/two
# COMMAND...: of the one user, with what is left of $ones, and of the other.
write_scripts()
{
	cat >"$work/as" <<-'END'
	#!/bin/sh
	uid=$1
	shift
	exec setpriv --reuid="$uid" --regid="$uid" --groups=54321 "$@"
	END
	cat >"$work/two" <<-END
	#!/bin/sh
	"$work/as" $one "\$@" meet one \$ones &
	"$work/as" $other "\$@" meet other
	status=\$?
	wait \$! && exit "\$status"
	END
	chmod 755 "$work/as" "$work/two"
}

# both WHAT COMMAND...: of the program's, on mipc and on the kernel.
both()
{
	both_what=$1
	shift
	check "$both_what" $apart "$run" "$work/user" "$@"
	oracle unshare -i "$work/user" "$@"
}

oracle()
{
	if [ -z "$apart" ]; then
		skip "... as on the kernel" \
		    "no IPC namespace of its own (unshare)"
	else
		check "... as on the kernel" "$@"
	fi
}

nothing_left()
{
	! ls "$work/namespace" | grep -E '^(shm|sem|msg|key)\.'
}

met()
{
	$apart "$work/two" "$run" "$work/user" && nothing_left
}

met_untraced_by_kernel()
{
	strace -f -qq -o "$work/trace" -e trace=%ipc,execve -e signal=none \
	    "$work/two" "$run" "$work/user" && kernel_untouched user
}

# What ipcs shows of it, as three users, while both are there.
all_seen()
{
	mkfifo -m 666 "$work/ready" "$work/go"
	ones="$work/ready $work/go" $apart "$work/two" "$run" \
	    "$work/user" &
	read -r word <"$work/ready"
	for uid in 0 $one $other; do
		$apart "$work/as" "$uid" "$run" ipcs |
		    awk '/^0x/ { print $2, $3, $4 }' >"$work/seen.$uid"
	done
	echo go >"$work/go"
	wait $! || return
	cat "$work/seen.0"
	# Eight of each kind of each user, and a set.
	[ "$(grep -c " $one " "$work/seen.0")" -eq 25 ] &&
	    diff "$work/seen.0" "$work/seen.$one" &&
	    diff "$work/seen.0" "$work/seen.$other"
}

# differs_by PATTERN COMMAND...: not in what it says by other lines than these,
# which are refusals here (mipc(7)).
differs_by()
{
	pattern=$1
	shift
	on_mipc "$@" >"$work/on_mipc" || return
	[ -n "$apart" ] || return 0
	$apart "$@" >"$work/on_kernel" || return
	diff "$work/on_kernel" "$work/on_mipc" | grep '^[<>]' |
	    grep -vE "^(<.*: done|> ($pattern))\$" >"$work/more"
	cat "$work/more"
	[ "$(wc -l <"$work/on_kernel")" -eq "$(wc -l <"$work/on_mipc")" ] &&
	    [ ! -s "$work/more" ]
}

on_mipc()
{
	$apart "$run" "$@"
}

# able_by CHANGE: of who it is for files, and of its capabilities.
able_by()
{
	creator='.*changes_(shm|sem|msg): Operation not permitted'
	case $1 in
	*"and back")
		as_kernel "$work/user" able "$1" ;;
	*setfsuid|*"with CAP_IPC_OWNER")
		differs_by ".*: Permission denied" "$work/user" able "$1" ;;
	*"without any")
		differs_by "$creator" "$work/user" able "$1" ;;
	*)
		as_kernel "$work/user" able "$1" ;;
	esac
}

# A module that leaves this to libc fails the test, and the kernel's is not
# changed.
seen_without()
{
	refused $apart env MIPC_PRELOAD="$work/blind.so" "$run" "$work/user" \
	    "$1"
}

not_judged()
{
	(
		MIPC_PRELOAD=$work/blind.so
		export MIPC_PRELOAD
		refused able_by "$1"
	)
}

need_module
need setpriv strace ipcs
[ "$(id -u)" -eq 0 ] || skip_all "only root can try this"
make_work
settle . "$work" && cp tests/ipc_user "$work/user" ||
    skip_all "only root can reach $work"
find_oracle
"$work/user" able >"$work/changes"
write_scripts
cat >"$work/run" <<END
#!/bin/sh
exec "$work/mipcrun" --shared --dir "$work/namespace" -- "\$@"
END
chmod 755 "$work/run"
run=$work/run
"$run" true
plan $((14 + $(wc -l <"$work/changes")))
check "two users at once work with each other, by what modes allow" met
oracle unshare -i "$work/two" "$work/user"
check "no call of theirs is the kernel's" met_untraced_by_kernel
check "each one's ipcs shows what is both's" all_seen
both "root's child that drops uses what it was given, and no more" owners
both "when one thread drops by libc, all have" threads
while read -r change; do
	check "$change: every call is judged so" able_by "$change"
done <"$work/changes"
check "a module without libc's names is made" \
    without "$work/blind.so" $dropping
check "... and does not notice a child that drops" seen_without owners
check "... nor a thread" seen_without threads
check "a module without those of files and capabilities is made" \
    without "$work/blind.so" setfsuid setfsgid capset syscall
for change in "setfsgid and capset without any" "capset without either"; do
	check "... and does not notice $change" not_judged "$change"
done
