#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# mipcrun.sh - mipcrun: what it passes on, what it refuses, where it keeps
# the namespace.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

user=$PWD/tests/ipc_user
module=$PWD/.libs/mipc-preload.so

# is STATUS TEXT COMMAND...: it exits so and prints so, both streams taken
# together; in TEXT, * stands for anything.
is()
{
	is_status=$1
	is_text=$2
	shift 2
	found=$("$@" 2>&1) && status=0 || status=$?
	case "$status $found" in
	"$is_status "$is_text) ;;
	*)
		echo "$*: status $status, \"$found\""
		return 1 ;;
	esac
}

outcomes_pass()
{
	for how in "--dir $work/n" --private; do
		is 0 "" ./mipcrun $how -- true &&
		is 7 "" ./mipcrun $how -- sh -c 'exit 7' &&
		is 0 "signal 15" "$user" ends ./mipcrun $how -- \
		    sh -c 'kill -TERM $$' &&
		is 0 "signal 9" "$user" ends ./mipcrun $how -- \
		    sh -c 'kill -KILL $$' || return
	done
}

# One that is ready is told, and answers by its status.
signals_pass()
{
	mkfifo "$work/up" "$work/never"
	for signal in TERM USR1 USR2 WINCH 40; do
		./mipcrun --private -- sh -c 'trap "exit 7" '$signal'
		    echo up >"$1"
		    while :; do read -r x <"$2"; done' sh \
		    "$work/up" "$work/never" &
		pid=$!
		read -r word <"$work/up"
		kill -$signal $pid
		status=0
		wait $pid || status=$?
		[ "$status $word" = "7 up" ] || {
			echo "$signal: $status"
			return 1
		}
	done
	rm "$work/up" "$work/never"
}

stops_and_goes_on()
{
	mkfifo "$work/up" "$work/go"
	is 0 "stopped
exit 7" "$user" stops "$work/up" "$work/go" ./mipcrun --private -- \
	    sh -c 'echo up >"$1"; read -r x <"$2"; exit 7' sh \
	    "$work/up" "$work/go" || return
	rm "$work/up" "$work/go"
}

# The signals and descriptors that a program starts with.
state_passes()
{
	for closed in '7</dev/null' '<&-' '>/dev/null 2>&- </dev/null'; do
		for how in "--dir $work/n" --private; do
			eval 'sh "$work/state.sh" '"$closed"
			mv "$work/state" "$work/expected"
			eval './mipcrun $how -- sh "$work/state.sh" '"$closed"
			diff "$work/expected" "$work/state" || return
		done
	done
}

# SIGUSR1 is 10 and SIGCHLD 17.
ignored_stays_ignored()
{
	for how in "--dir $work/n" --private; do
		set=$(env --ignore-signal=USR1,CHLD ./mipcrun $how -- \
		    sed -n 's/^SigIgn:[^0-9a-f]*//p' /proc/self/status) &&
		    [ $((0x$set & 0x10200)) -eq $((0x10200)) ] || {
			echo "$how: $set"
			return 1
		}
	done
}

# What mipcrun names in LD_PRELOAD: nothing there can quote a space.
module_word()
{
	case $module in
	*" "*)	echo mipc-preload.so ;;
	*)	echo "$module" ;;
	esac
}

preload_appended()
{
	echo 'int nothing_much;' >"$work/other.c"
	${CC:-cc} -shared -fPIC -o "$work/other.so" "$work/other.c" || return
	is 0 "$work/other.so:$(module_word)" \
	    env LD_PRELOAD="$work/other.so" \
	    ./mipcrun -- sh -c 'echo $LD_PRELOAD' &&
	    is 0 "$(module_word)" ./mipcrun -- ./mipcrun -- \
		sh -c 'echo $LD_PRELOAD'
}

module_with_space()
{
	mkdir "$work/a space"
	cp "$module" "$work/a space/mipc-preload.so"
	is 0 "*$work/a space/*" \
	    env MIPC_PRELOAD="$work/a space/mipc-preload.so" \
	    ./mipcrun -- grep mipc-preload /proc/self/maps
}

module_missing()
{
	is 125 "*$work/none.so*" \
	    env MIPC_PRELOAD="$work/none.so" ./mipcrun -- sh -c 'echo run'
}

not_run()
{
	is 127 "mipcrun: $work/none: No such file*" ./mipcrun "$work/none" &&
	is 127 "mipcrun: no-such-program: *" \
	    env PATH=/usr/bin:/bin ./mipcrun no-such-program &&
	is 126 "mipcrun: $srcdir/tests/tap.sh: Permission denied" \
	    ./mipcrun "$srcdir/tests/tap.sh" &&
	is 127 "mipcrun: $work/none: *" ./mipcrun --private "$work/none"
}

usage_told()
{
	for wrong in "" "--private --dir x true" "--shared true" "--dir" \
	    "--none true" "--limit shmmax true" "--limit =1 true" \
	    "--limit shmmax= true" "--limit shmmax=-1 true" \
	    "--limit shmmax=1T true" "--limit shmmax=1KB true" \
	    "--limit shmmax=99999999999999999999 true" \
	    "--limit shmmax=99999999999999G true"; do
		is 2 "?*" ./mipcrun $wrong || return
	done
	is 0 "Usage: *--private*" ./mipcrun --help &&
	    is 0 "mipcrun (mipc) [0-9]*" ./mipcrun --version
}

limits_set()
{
	is 0 2097152 ./mipcrun --private --limit shmmax=2M \
	    --limit shmmni=1K -- "$user" limit &&
	is 0 5120 ./mipcrun --dir "$work/n" --limit shmmax=5k -- \
	    "$user" limit &&
	is 0 7 env MIPC_DIR="$work/by default" ./mipcrun \
	    --limit shmmax=7 -- "$user" limit
}

sem_limits_set()
{
	is 0 "32000 1024000000 500 32000" ./mipcrun --private -- \
	    "$user" semlimits &&
	is 0 "7 1048576 3 32768" ./mipcrun --dir "$work/sem" \
	    --limit semmsl=7 --limit semmns=1M --limit semopm=3 \
	    --limit semmni=32K --limit barging=1 -- "$user" semlimits &&
	is 0 "*barging*1 *" ./mipcs --dir "$work/sem" --limits
}

msg_limits_set()
{
	is 0 "8192 16384 32000" ./mipcrun --private -- "$user" msglimits &&
	is 0 "1048576 2097152 32768" ./mipcrun --private \
	    --limit msgmax=1M --limit msgmnb=2M --limit msgmni=32K -- \
	    "$user" msglimits
}

limits_refused()
{
	for how in "--dir $work/n" --private; do
		is 2 "*no such limit" ./mipcrun $how --limit shmfoo=1 -- \
		    echo run &&
		is 2 "*out of its range" ./mipcrun $how \
		    --limit shmmni=1M -- echo run || return
		for limit in semmsl=32001 semopm=501 semmni=32769 \
		    barging=2 msgmax=2G msgmni=32769; do
			is 2 "*out of its range" ./mipcrun $how \
			    --limit $limit -- echo run || return
		done
	done
}

# A relative name means the same after the program has gone elsewhere.
relative_dir()
(
	PATH=$PWD:$PATH
	MIPC_PRELOAD=$module
	export PATH MIPC_PRELOAD
	cd "$work" &&
	is 0 "" mipcrun --dir "a name" -- sh -c 'cd / && "$@"' sh \
	    "$user" store 1 text &&
	is 0 text mipcrun --dir "$work/a name" -- "$user" load 1 &&
	is 0 "$PWD/a name" mipcrun --dir "./a name" -- \
	    sh -c 'echo "$MIPC_DIR"' &&
	is 0 "$PWD/by name" env MIPC_DIR="by name" mipcrun -- \
	    sh -c 'echo "$MIPC_DIR"'
)

mode_of()
{
	find "$1" -prune -perm "$2" | grep -q .
}

modes()
{
	./mipcrun --shared --dir "$work/everybody's" -- true &&
	    mode_of "$work/everybody's" 1777 || return
	[ "$(id -u)" -eq 0 ] || mode_of "$work/n" 700
}

bad_dirs()
{
	: >"$work/file"
	mkdir "$work/full" "$work/open"
	: >"$work/full/something"
	chmod 777 "$work/open"
	for bad in "$work/file" "$work/file/below" "$work/none/below" \
	    "$work/full" "$work/open" ""; do
		is 125 "mipcrun: ?*" ./mipcrun --dir "$bad" -- echo run ||
		    return
	done
	[ "$(ls "$work/full" "$work/open" | grep -c some)" = 1 ]
}

# tells WHY PROGRAM: with a sentence, whatever the namespace.
tells()
{
	for how in "--dir $work/untouched" --private; do
		is 126 "mipcrun: $2 is not run, *$1" ./mipcrun $how -- "$2" ||
		    return
	done
	[ ! -e "$work/untouched" ]
}

static_refused()
{
	tells "it is statically linked" "$work/static" || return
	printf '#!%s\n' "$work/static" >"$work/script"
	chmod +x "$work/script"
	tells "interpreter $work/static, it is statically linked" \
	    "$work/script" || return
	is 126 "mipcrun: $work/static is not run*" \
	    env PATH="$work:$PATH" ./mipcrun -- static
}

test_static()
{
	echo 'int main(void) { return 7; }' >"$work/static.c"
	if ${CC:-cc} -static -o "$work/static" "$work/static.c" 2>/dev/null
	then
		check "a static program, or interpreter, is refused" \
		    static_refused
	else
		skip "a static program is refused" \
		    "no static libc is installed"
	fi
}

# Its word size is in the fifth byte of an ELF file.
other_machine_refused()
{
	{
		head -c 4 "$user"
		printf '\001'
		tail -c +6 "$user"
	} >"$work/other size"
	chmod +x "$work/other size"
	tells "it is of another word size than the module" \
	    "$work/other size"
}

# Of one's own, set-user-ID changes nothing.
own_set_user_id()
{
	cp "$user" "$work/own"
	chmod 4755 "$work/own"
	is 2 "usage: *" ./mipcrun -- "$work/own"
}

set_user_id_refused()
{
	cp "$user" "$work/set-uid"
	cp "$user" "$work/set-gid"
	chown 65534:65534 "$work/set-uid" "$work/set-gid" &&
	    chmod 4755 "$work/set-uid" && chmod 2755 "$work/set-gid" || return
	tells "it is set-user-ID" "$work/set-uid" &&
	    tells "it is set-group-ID" "$work/set-gid"
}

# as_nobody ARGUMENT...: mipcrun's, by somebody whom nothing belongs to.
as_nobody()
{
	setpriv --reuid=65534 --regid=65534 --clear-groups \
	    env MIPC_PRELOAD="$work/mipc-preload.so" "$work/mipcrun" "$@"
}

capabilities_refused()
{
	cp "$user" "$work/capable"
	setcap cap_net_raw+ep "$work/capable" &&
	    is 2 "usage: *" ./mipcrun -- "$work/capable" &&
	    is 126 "mipcrun: $work/capable is not run, *file capabilities" \
		as_nobody --private -- "$work/capable"
}

# Whether it is static cannot be known; it is run with a warning.
unreadable_doubted()
{
	cp "$user" "$work/unreadable"
	chmod 711 "$work/unreadable"
	is 2 "mipcrun: $work/unreadable may use *cannot be read*usage: *" \
	    as_nobody --private -- "$work/unreadable" &&
	is 126 "mipcrun: $work/unreadable is not run, *cannot be read*" \
	    as_nobody --private --strict -- "$work/unreadable"
}

# A filesystem may let nothing gain privileges.
gains_nothing()
{
	cp "$(command -v id)" "$work/gain"
	chown 65534 "$work/gain" && chmod 4755 "$work/gain" &&
	    [ "$("$work/gain" -u)" != 65534 ]
}

# root_only WHAT COMMAND: a test that takes root, unless $why says why not.
root_only()
{
	if [ -n "$why" ]; then
		skip "$1" "$why"
	else
		check "$1" "$2"
	fi
}

test_privileges()
{
	why=
	if [ "$(id -u)" -ne 0 ]; then
		why="only root can try this"
	elif gains_nothing; then
		why="this filesystem is mounted nosuid"
	fi
	root_only "a set-user-ID program is refused" set_user_id_refused
	cp ./mipcrun "$module" "$work"
	for program in setcap setpriv; do
		[ -n "$why" ] || command -v $program >/dev/null ||
		    why="$program is not installed"
	done
	[ -n "$why" ] || as_nobody --version >/dev/null 2>&1 ||
	    why="only root can reach $work"
	root_only "a program with file capabilities is refused" \
	    capabilities_refused
	root_only "a program that cannot be read is doubted" \
	    unreadable_doubted
}

need_module
make_work
chmod 755 "$work"
cat >"$work/state.sh" <<END
{
	grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status
	for fd in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
		[ ! -e /proc/\$\$/fd/\$fd ] || readlink /proc/\$\$/fd/\$fd
	done
} >"$work/state"
END
MIPC_DIR=$work/default
export MIPC_DIR
plan 23
check "exit status and death by a signal are passed on" outcomes_pass
check "signals are passed on" signals_pass
check "it stops when the program stops, and goes on" stops_and_goes_on
check "the program gets signals and descriptors as they were" state_passes
check "what was ignored is ignored" ignored_stays_ignored
check "the module is added to LD_PRELOAD, once" preload_appended
check "the module's path may have a space" module_with_space
check "without the module nothing is run" module_missing
check "what cannot be executed is 126, what is not there 127" not_run
check "wrong usage is 2" usage_told
check "limits are set" limits_set
check "limits of semaphores are set" sem_limits_set
check "limits of queues are set" msg_limits_set
check "limits that are none are refused" limits_refused
check "--dir may be relative and have a space" relative_dir
check "--shared is for everybody" modes
check "directories that will not do are refused" bad_dirs
test_static
check "a program of another word size is refused" other_machine_refused
check "a set-user-ID program of one's own is run" own_set_user_id
test_privileges
