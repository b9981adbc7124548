# SPDX-License-Identifier: BSD-2-Clause
# program.sh - what the tests of large programs share; to be sourced after
# tap.sh.
#
# A program runs in a namespace below $home, from copies of mipcrun and of the
# module that every user reaches, as an ordinary user: root makes itself one,
# and without prepare's `as_is` no other.  Where tracing is allowed it runs
# under strace, and what it does is $work/trace.
#
# Its processes are known by the module that they map, whoever their parent is
# and whatever they call themselves.  Those that are left at the end are
# killed, also when the time for all of it is over.

program_time=240		# seconds
if [ -z "${program_limited-}" ]; then
	program_limited=yes
	export program_limited
	exec timeout "$program_time" "${SHELL:-/bin/sh}" "$0" "$@"
fi

. "$srcdir/tests/traced.sh"
. "$srcdir/tests/programs/ordinary.sh"

user=$PWD/tests/ipc_user
tracer=
options=

# prepare [as_is]: make $work and $home, and find out how a program can run.
prepare()
{
	need_module
	make_work
	tap_cleanup=stop_members
	work=$(cd "$work" && pwd -P)
	module=$work/.libs/mipc-preload.so
	if [ "${1-}" != as_is ]; then
		[ "$(id -u)" -ne 0 ] || need setpriv
		become_ordinary
	fi
	settle . "$work" || skip_all "only root can reach $work"
	cp ./mipcs "$work"
	mkfifo "$work/said"
	exec 3<>"$work/said"
	choose_tracer
}

# Every process appends to one trace; it is stopped at no other call, where
# that can be had.
choose_tracer()
{
	: >"$work/trace"
	chmod 666 "$work/trace"
	for filter in --seccomp-bpf ""; do
		tracer="strace -f $filter -qq -A -o $work/trace
		    -e trace=%ipc,execve -e signal=none"
		as_user $tracer true 2>/dev/null && return
	done
	tracer=
}

# on_mipc PROGRAM...: with mipcrun's $options.
on_mipc()
{
	as_user $tracer "$work/mipcrun" $options --dir "$home/namespace" \
	    -- "$@"
}

# launch PROGRAM...: in the background, to be heard by hear.
launch()
{
	{
		on_mipc "$@"
		echo "ended with status $?"
	} >&3 2>&1 3>&- </dev/null &
}

# hear TEXT: until what was launched says it.
hear()
{
	while read -r heard <&3; do
		printf '%s\n' "$heard"
		case $heard in
		*"$1"*)
			return ;;
		"ended with status "*)
			return 1 ;;
		esac
	done
	return 1
}

# ended STATUS...: what was launched ends with these, in any order.
ended()
{
	for status; do
		hear "ended with status " || return
		echo "${heard##* }"
	done >"$work/statuses"
	[ "$(grep '^[0-9]*$' "$work/statuses" | sort)" = \
	    "$(printf '%s\n' "$@" | sort)" ] && return
	cat "$work/statuses"
	return 1
}

# own_address: of this machine, and no other running test's; it is $address.
own_address()
{
	address=127.$(($$ / 65536 + 1)).$(($$ / 256 % 256)).$(($$ % 256))
}

# get ADDRESS PATH: what is served there, a socket of the Internet's or a file;
# fails where no answer comes.
get()
{
	perl -MIO::Socket::INET -MIO::Socket::UNIX -e '
	$SIG{ALRM} = sub { die "no answer\n" };
	alarm 60;
	my $socket = ($ARGV[0] =~ m{^/} ?
	    IO::Socket::UNIX->new(Peer => $ARGV[0]) :
	    IO::Socket::INET->new(PeerAddr => $ARGV[0]))
	    // die "connect: $!\n";
	print $socket "GET $ARGV[1] HTTP/1.0\r\n\r\n";
	my $answer = do { local $/; <$socket> } // "";
	$answer =~ m{^HTTP/1.[01] 200 .*?\r\n\r\n(.*)}s or
	    die "no: $answer\n";
	print "$1\n";' "$1" "$2"
}

# mapping FILE: the processes that have it mapped.
mapping()
{
	for maps in $(grep -lF "$1" /proc/[0-9]*/maps 2>/dev/null); do
		maps=${maps#/proc/}
		echo "${maps%/maps}"
	done
}

members()
{
	mapping "$module"
}

# Some are born while others are killed.
stop_members()
{
	for pid in $(members); do
		kill -KILL "$pid" 2>/dev/null
		"$user" await "$pid"
	done
	[ -z "$(members)" ] || stop_members
}

# step WHAT COMMAND...: as check, for a test that those after it rest on.
step()
{
	check "$@"
	[ "$tap_failed" -eq 0 ] || exit
}

# list ARGUMENT...: mipcs's of the namespace.
list()
{
	as_user "$work/mipcs" --dir "$home/namespace" --noheadings "$@"
}

# semaphores: of all sets; number, value, who waits for more and for 0, pid.
semaphores()
{
	for set in $(list -s --output semid); do
		list -i "$set"
	done
}

# holder: the process that took a semaphore last, and has it.
holder()
{
	for try in $(seq 200); do
		semaphores >"$work/semaphores"
		while read -r number value ncnt zcnt pid; do
			[ "$value" = 0 ] && kill -0 "$pid" 2>/dev/null ||
			    continue
			echo "$pid"
			return
		done <"$work/semaphores"
	done
	return 1
}

# blocked N: until so many wait for semaphores of the namespace.
blocked()
{
	for try in $(seq 200); do
		waiting=$(semaphores | awk '{ n += $3 + $4 }
		    END { print n + 0 }')
		[ "$waiting" -lt "$1" ] || return 0
	done
	echo "$waiting wait, expected $1"
	return 1
}

# reaped PID: until its parent knows that it has ended.
reaped()
{
	while kill -0 "$1" 2>/dev/null; do
		:
	done
}

# none_left: no process, and nothing in the namespace.
none_left()
{
	for pid in $(members); do
		"$user" await "$pid"
	done
	objects=$(ls "$home/namespace" | grep -E '^(shm|sem|msg|key)\.')
	[ -z "$objects" ] && return
	echo "$objects"
	return 1
}

# nattch_right: of each segment, as many attaches as processes map it; none of
# them attaches one twice.
nattch_right()
{
	list -m --output shmid,nattch >"$work/segments" || return
	while read -r id nattch; do
		mapped=$(mapping "$home/namespace/shm.$id.data" | wc -l)
		echo "segment $id: $nattch attaches, $mapped processes"
		[ "$nattch" -eq "$mapped" ] || return
	done <"$work/segments"
}

# check_trace PROGRAM...: the last test of each.
check_trace()
{
	for traced; do
		if [ -n "$tracer" ]; then
			check "$traced made no SysV IPC system call" \
			    kernel_untouched "$traced"
			continue
		fi
		reason="tracing is not allowed here"
		command -v strace >/dev/null || reason="strace is not installed"
		skip "$traced made no SysV IPC system call" "$reason"
	done
}
