#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# mipcs_read.sh - mipcs reads a directory that no process uses, a copy of one
# in use, one that nothing can be written into and one that is damaged, and is
# held up by nobody who stops.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/command.sh"
command=mipcs

# json FILTER ARGUMENT...: the filter is true of what mipcs -J prints.
json()
{
	filter=$1
	shift
	timeout 20 ./mipcs --dir "$dir" -J "$@" >"$work/json" || return
	jq -e "$filter" "$work/json" >/dev/null && return
	cat "$work/json"
	return 1
}

# every STATUS: each form of mipcs ends with that, or with 0.
every()
{
	$as sh "$work/every" "$1" "${bin:-.}/mipcs" "$dir" "$shm" "$sem" "$msg"
}

# state DIRECTORY: all that a change in it would change.
state()
{
	(cd "$1" && find . -printf '%p %s %m %U %T@ %C@\n' | sort &&
	    find . -type f -exec cksum {} + | sort)
}

# untouched COMMAND...: nothing in $dir has changed by it.
untouched()
{
	state "$dir" >"$work/before"
	"$@" || return
	state "$dir" >"$work/after"
	diff "$work/before" "$work/after"
}

need python3
need jq
need timeout
need_module
make_work
chmod 755 "$work"
plan 36

cat >"$work/every" <<'END'
wanted=$1 mipcs=$2 dir=$3 shm=$4 sem=$5 msg=$6
for form in -a -u -l "-m -i $shm" "-s -i $sem" "-q -i $msg" --waits \
    --orphans "--peek $msg" -aJ "-a --raw" "-a --export" -t -p; do
	# shellcheck disable=SC2086
	said=$(timeout 20 "$mipcs" --dir "$dir" $form 2>&1)
	status=$?
	[ "$status" -eq 0 ] || [ "$status" -eq "$wanted" ] && continue
	echo "mipcs $form: status $status"
	echo "$said"
	exit 1
done
END

cat >"$work/calls.py" <<'END'
import ctypes, os, signal, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
signal.alarm(120)
class Letter(ctypes.Structure):
	_fields_ = [("type", ctypes.c_long), ("text", ctypes.c_char * 100)]
class Operation(ctypes.Structure):
	_fields_ = [(n, ctypes.c_short) for n in ("num", "op", "flags")]
def semop(id, num, op, flags=0):
	return libc.semop(id, ctypes.byref(Operation(num, op, flags)), 1)
END
# One of each, used; somebody sleeps; killed ones have left their marks.
cat >"$work/use.py" <<'END'
from calls import *
shm = libc.shmget(0x71, 5000, 0o1644)
sem = libc.semget(0x72, 3, 0o1644)
msg = libc.msgget(0x73, 0o1644)
at = libc.shmat(shm, None, 0)
ctypes.memmove(at, b"what is in it", 13)
semop(sem, 0, 5, 0o10000)
libc.msgsnd(msg, ctypes.byref(Letter(4, b"abcd")), 4, 0)
if os.fork() == 0:
	semop(sem, 1, 2, 0o10000)
	os.kill(os.getpid(), signal.SIGKILL)
os.wait()
sleeper = os.fork()
if sleeper == 0:
	semop(sem, 2, -1)
while libc.semctl(sem, 2, 14) != 1:
	pass
print(os.getpid(), sleeper, shm, sem, msg, flush=True)
sys.stdin.readline()
os.kill(sleeper, signal.SIGKILL)
os.wait()
END

begin()
{
	mkfifo "$work/said" "$work/told"
	exec 3<>"$work/said" 4<>"$work/told"
	(./mipcrun --dir "$work/ns" -- python3 "$work/use.py" ||
	    echo failed) <&4 >&3 &
	user=$!
	tap_cleanup=finish
	read -r pid sleeper shm sem msg <&3
	[ "$pid" -gt 0 ]
}

finish()
{
	tap_cleanup=:
	echo >&4
	wait "$user"
}

bin= as=

# ---- one in use, and what nobody uses ----

begin && ok "a namespace is in use" || not_ok "a namespace is in use"
dir=$work/ns
check "who looks writes nothing where others live" untouched every 0
check "who uses it is alive" json "
    .segments[0].nattch == 2 and .attached[0].alive" -m -i "$shm"
cp -a "$work/ns" "$work/copy"
dir=$work/copy
check "a copy of it can be read in every form" every 0
check "... and nothing is written there" untouched every 0
check "... where nobody is attached" json "
    .segments[0].nattch == 0 and (.attached | length == 2 and
    .[0].pid == $pid and all(.alive == false))" -m -i "$shm"
check "... nor alive, who owes" json '
    .debts | length == 1 and all(.alive == false)' -s -i "$sem"
check "... or sleeps" json ".sleepers | length == 1 and
    all(.pid == $sleeper and .alive == false)" -s -i "$sem"
check "values are those at the time" json '
    [.semaphores[].value] == [5, 0, 0] and .semaphores[2].ncnt == 1' \
    -s -i "$sem"
check "so are messages" json '.messages == [{ "type": 4, "size": 4 }]' \
    -q -i "$msg"
check "all of it is orphaned" json '.orphans | length == 3' --orphans
dir=$work/ns
check "the origin is still in use" json "
    .attached[0].alive" -m -i "$shm"
finish
cp -a "$work/ns" "$work/later"
dir=$work/later
check "a copy of what the dead left" untouched every 0
check "... is so in the copy" json '.segments[0].nattch == 0 and
    .segments[0].key == "0x00000071"' -m -i "$shm"

# ---- without permission to write ----

# Finds, reads and attaches; each change gets the error.
cat >"$work/read.py" <<'END'
from calls import *
shm, sem, msg = libc.shmget(0x71, 0, 0), libc.semget(0x72, 0, 0), \
    libc.msgget(0x73, 0)
error = int(sys.argv[1])
def refused(what, *args):
	ctypes.set_errno(0)
	r = getattr(libc, what)(*args)
	e = ctypes.get_errno()
	assert r in (-1, 2**64 - 1) and e == error, (what, args, r, e)
buf = ctypes.create_string_buffer(512)
at = libc.shmat(shm, None, 0o10000)
assert at != 2**64 - 1, ctypes.get_errno()
assert ctypes.string_at(at, 13) == b"what is in it"
assert libc.shmctl(shm, 2, buf) == 0
assert libc.semctl(sem, 0, 2, buf) == 0
assert libc.msgctl(msg, 2, buf) == 0
assert libc.semctl(sem, 0, 12) >= 0
if os.fork() == 0:
	assert ctypes.string_at(at, 13) == b"what is in it"
	assert libc.shmdt(ctypes.c_void_p(at)) == 0
	os._exit(0)
assert os.wait()[1] == 0
assert libc.shmdt(ctypes.c_void_p(at)) == 0
# Of what needs no more than to read, too.
refused("shmat", shm, None, 0) if os.getuid() == 0 else None
refused("semop", sem, ctypes.byref(Operation(2, 0, 0)), 1)
refused("msgrcv", msg, buf, 10, 0, 0)
refused("msgsnd", msg, ctypes.byref(Letter(1, b"x")), 1, 0)
refused("semctl", sem, 0, 16, 1)
refused("semctl", sem, 0, 17, buf)
for call, id in ("shmctl", shm), ("semctl", sem), ("msgctl", msg):
	args = (id, 0, 0) if call == "semctl" else (id, 0)
	refused(call, *args, buf)
refused("shmget", 0x1234, 100, 0o1600)
refused("semget", 0x1234, 1, 0o1600)
refused("msgget", 0x1234, 0o1600)
END

mkdir "$work/at"
apart="unshare -m --propagation private"
# mounted COMMAND...: with the copy at $work/at, read-only.
mounted()
{
	# shellcheck disable=SC2016
	$apart sh -c 'mount --bind "$0" "$1" &&
	    mount -o remount,ro,bind "$1" && shift 2 && "$@"' \
	    "$work/later" "$work/at" mounted "$@"
}

if mounted true 2>/dev/null; then
	check "one on a read-only mount can be read" mounted \
	    sh "$work/every" 0 ./mipcs "$work/at" "$shm" "$sem" "$msg"
	check "... and shmat reads, what would write is refused" mounted \
	    ./mipcrun --dir "$work/at" -- python3 "$work/read.py" 30
else
	for what in "one on a read-only mount can be read" \
	    "... and shmat reads, what would write is refused"; do
		skip "$what" "mounting is not allowed here"
	done
fi

nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"
if $nobody true 2>/dev/null; then
	mkdir "$work/bin"
	cp mipcs "$work/bin"
	find "$work/later" -type f -exec chmod a+r {} +
	chmod 755 "$work/later"
	dir=$work/later bin=$work/bin as=$nobody
	check "one that may only be read can be" untouched every 0
	as= bin=
else
	skip "one that may only be read can be" "only root can try this"
fi

# ---- damage ----

dir=$work/copy
dd if=/dev/zero of="$dir/sem.$sem" bs=64 count=1 conv=notrunc 2>/dev/null
: >"$dir/shm.$shm"
rm "$dir/msg.$msg"
check "a damaged one can be read as far as it goes" every 1
exits 1 ./mipcs --dir "$dir"
check "... a cut off file is a row that says so" has out \
    "$shm .*index $((shm % 32768)): Input/output error"
check "... and one of zeros" has out \
    "$sem .*index $((sem % 32768)): Input/output error"
check "... and one that is not there" has out \
    "$msg .*index $((msg % 32768)): No such file"
check "... each told on standard error" has err "queue of index"

# ---- who stops ----

# stopped CALL PLACE: a process stands still there.
stopped()
{
	dir=$work/stop
	rm -rf "$dir"
	mkfifo "$work/line"
	exec 5<>"$work/line"
	rm "$work/line"
	./tests/stop_amidst "$dir" "$@" >&5 &
	holder=$!
	tap_cleanup=end_holder
	read -r pid shm sem msg <&5
	read -r said <&5
	[ "$said" = stopped ]
}

end_holder()
{
	tap_cleanup=:
	kill -KILL "$holder"
	wait "$holder" 2>/dev/null || :
}

# held KIND: the one list says by whom.
held()
{
	timeout 20 ./mipcs --dir "$dir" "$1" >"$work/out" &&
	    has out "held by $pid for [0-9]+ s"
}

if [ -x tests/stop_amidst ]; then
	for case in "shmctl -m" "semctl -s" "msgctl -q"; do
		# shellcheck disable=SC2086
		set -- $case
		stopped "$1" "redo: word" &&
		    check "who stops amidst $1 holds nobody up" untouched \
		    every 0
		check "... and is told with its pid" held "$2"
		check "... and in the detail" json \
		    ".object[0].lockpid == $pid" "$2" -i "$shm"
		end_holder
	done
	for case in "semget ns: intent" "semop txn: committed" \
	    "msgsnd txn: committed" "semop txn: recorded"; do
		stopped "${case%% *}" "${case#* }" &&
		    check "nor who stops in ${case%% *}, ${case#* }" \
		    untouched every 0
		end_holder
	done
	# Its transactions are for space, for a place and to send.
	stopped msgsnd "txn: committed" 3
	exits 0 timeout 20 ./mipcs --dir "$dir" -q
	check "... and a queue that is being changed is marked" has out \
	    changing
	end_holder
else
	for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do
		skip "who stops holds nobody up" "built without libcheck"
	done
fi
