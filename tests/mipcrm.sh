#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# mipcrm.sh - mipcrm removes what it is asked to, tells of it, and no more.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/command.sh"
command=mipcrm

# make OPTIONS...: a new namespace of an object each.
make()
{
	rm -rf "$work/ns"
	for make_options; do
		./mipcmk --dir "$work/ns" $make_options >/dev/null || return
	done
}

# left TEXT: the objects' files but those of segments' bytes.
left()
{
	(cd "$work/ns" && ls -d shm.* sem.* msg.* 2>/dev/null) |
	    grep -v data | tr '\n' ' ' >"$work/left"
	same left "$1"
}

by_id()
{
	make "-m 1" "-m 1" "-m 1" "-s 1" "-s 1" "-q" &&
	prints 0 "" "" -m 0 2 -s 1 -q 0 && left "sem.0 shm.1 "
}

by_key()
{
	: >"$work/file"
	make "-m 1 -k 0x10" "-s 1 -k 0x10" "-q -k $work/file:7" "-q" &&
	prints 0 "" "" -M 16 -Q "$work/file:7" && left "msg.1 sem.0 "
}

all_removed()
{
	make "-m 1" "-s 1" "-q" "-q" && prints 0 "" "" -a && left ""
}

kinds_removed()
{
	make "-m 1" "-s 1" "-q" "-q" && prints 0 "" "" -a=msg &&
	left "sem.0 shm.0 " && prints 0 "" "" --all=shm -asem && left ""
}

told()
{
	make "-m 1 -k 9" "-s 1" "-q" &&
	prints 0 "removed segment 0, key 0x00000009, of owner $me
removed set 0, key 0x00000000, of owner $me
removed queue 0, key 0x00000000, of owner $me" "" -va && left ""
}

dry()
{
	make "-m 1 -k 9" "-s 1 -k 9" &&
	prints 0 "would remove segment 0, key 0x00000009, of owner $me
would remove set 0, key 0x00000009, of owner $me" "" --all --dry-run &&
	prints 0 "would remove set 0, key 0x00000009, of owner $me" "" \
	    -S 9 --dry-run && left "sem.0 shm.0 "
}

absent()
{
	make "-m 1" "-s 1" &&
	prints 1 "" "$work/ns: there is no segment 32768" -m 32768 0 &&
	left "sem.0 " &&
	prints 1 "" "$work/ns: no queue has key 0x0000000a" -Q 10 &&
	prints 1 "" "$work/ns: nothing matched" -a=msg && left "sem.0 "
}

forced()
{
	make "-s 1" &&
	prints 0 "" "" -f -m 0 -Q 10 && prints 0 "" "" -f -a=msg &&
	left "sem.0 " &&
	exits 0 ./mipcrm --dir "$work/none" -fa && same err "" &&
	exits 1 ./mipcrm --dir "$work/none" -a &&
	grep -q "^mipcrm: $work/none.*No such file" "$work/err"
}

# Whoever it belongs to: by name, by number, and nothing of others.
owned()
{
	make "-m 1" "-q" "-q" &&
	prints 0 "" "" -m 0 --owner "$(id -u)" &&
	prints 1 "" "$work/ns: nothing matched" --owner 4711 &&
	prints 1 "" "$work/ns: nothing matched" -q 0 --owner 4711 &&
	left "msg.0 msg.1 " &&
	prints 0 "" "" --owner "$me" && left ""
}

# Two hours ago everything was made; of each kind one is used now.
aged()
{
	make
	for options in "-m 1" "-m 1" "-s 1" "-s 1" "-q" "-q"; do
		LD_PRELOAD=$work/past.so ./mipcmk --dir "$work/ns" $options \
		    >/dev/null || return
	done
	./mipcrun --dir "$work/ns" -- python3 -c '
import ctypes, subprocess
libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_void_p
assert libc.shmat(1, None, 0) != ctypes.c_void_p(-1).value
assert subprocess.call(["./mipcrm", "-m1", "--older=1h"])
assert not libc.semop(1, (ctypes.c_short * 3)(0, 1, 0), 1)
assert not libc.msgsnd(1, (ctypes.c_long * 1)(1), 0, 0)
	' 2>"$work/err" && same err "mipcrm: $work/ns: nothing matched" &&
	prints 1 "" "$work/ns: nothing matched" --older 3h &&
	prints 1 "" "$work/ns: nothing matched" --older 1d &&
	prints 0 "would remove set 0, key 0x00000000, of owner $me" "" \
	    --older 119m -a=sem --dry-run &&
	prints 0 "" "" --older 1h && left "msg.1 sem.1 shm.1 " &&
	prints 0 "" "" --older 0 && left ""
}

# orphans_are FILE OBJECT...: --orphans has told there of those, each with the
# reason.
orphans_are()
{
	sed 's/creator [1-9][0-9]*/creator PID/; s/, key.* of owner [^:]*//' \
	    "$work/$1" >"$work/masked"
	shift
	for object; do
		case $object in
		se[gm]*) why="nobody has it attached" ;;
		*) why="who used it last lives no more, nobody waits in it" ;;
		esac
		echo "would remove $object: creator PID has ended; $why"
	done >"$work/expected"
	diff "$work/expected" "$work/masked"
}

# Whoever made them has ended; a process uses one of each and makes one more,
# lists the orphans and is killed.
orphans_told()
{
	make "-m 1" "-m 1" "-s 1" "-s 1" "-q" "-q" || return
	./mipcrun --dir "$work/ns" -- python3 -c '
import ctypes, os, signal, subprocess
libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_void_p
assert libc.shmat(1, None, 0) != ctypes.c_void_p(-1).value
assert not libc.semop(1, (ctypes.c_short * 3)(0, 1, 0), 1)
assert not libc.msgsnd(1, (ctypes.c_long * 1)(1), 0, 0)
assert libc.msgget(0, 0o600) == 2
assert not subprocess.call(["./mipcrm", "--orphans", "--dry-run"])
os.kill(os.getpid(), signal.SIGKILL)
	' >"$work/while"
	[ $? -eq 137 ] && orphans_are while "segment 0" "set 0" "queue 0" &&
	exits 0 ./mipcrm --dir "$work/ns" --orphans --dry-run &&
	orphans_are out "segment 0" "segment 1" "set 0" "set 1" \
	    "queue 0" "queue 1" "queue 2" || return
	prints 0 "" "" --orphans -q 1 && left "msg.0 msg.2 sem.0 sem.1 \
shm.0 shm.1 " && prints 0 "" "" --orphans && left ""
}

# One who waits uses a set, though he was not the last to change it, and so
# does one whom it is owed by; who has ended does not.
sleepers_are_no_orphans()
{
	make "-s 1" "-s 1" "-s 1" || return
	./mipcrun --dir "$work/ns" -- python3 -c '
import ctypes, os, signal, subprocess
libc = ctypes.CDLL(None)
def semop(id, op, flags):
	return libc.semop(id, (ctypes.c_short * 3)(0, op, flags), 1)
assert not semop(1, 1, 0o10000)
child = os.fork()
if child == 0:
	assert not semop(1, 1, 0)
	semop(0, -1, 0)
	os._exit(1)
while libc.semctl(0, 0, 14) != 1:
	pass
other = os.fork()
if other == 0:
	assert not semop(2, 1, 0) and not semop(1, 1, 0)
	os._exit(0)
assert os.waitpid(other, 0)[1] == 0
code = subprocess.call(["./mipcrm", "--orphans", "--dry-run"])
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
os._exit(code)
	' >"$work/while" || return
	orphans_are while "set 2" &&
	exits 0 ./mipcrm --dir "$work/ns" --orphans --dry-run &&
	orphans_are out "set 0" "set 1" "set 2"
}

# A segment stays for those that have it attached; it is removed once.
attached_once()
{
	make "-m 1" &&
	./mipcrun --dir "$work/ns" -- python3 -c '
import ctypes, subprocess, sys
libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_void_p
assert libc.shmat(0, None, 0) != ctypes.c_void_p(-1).value
sys.exit([subprocess.call([sys.argv[1], "-a"]) for i in (1, 2)] != [0, 1])
	' ./mipcrm 2>"$work/err" && same err "mipcrm: $work/ns: nothing matched"
}

# spoil FILE: nothing but zeros, of the size it had.
spoil()
{
	size=$(wc -c <"$1")
	: >"$1" && truncate -s "$size" "$1"
}

# What cannot be read is told of, and the rest is removed.
damaged()
{
	make "-s 1" "-s 1" "-s 1" && spoil "$work/ns/sem.1" &&
	prints 1 "removed set 0, key 0x00000000, of owner $me
removed set 2, key 0x00000000, of owner $me" \
	    "$work/ns: set of index 1: Input/output error" -va
}

as_nobody()
{
	setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

# Somebody else's, which stays; and by its owner, who removes his alone.
others_stay()
{
	rm -rf "$work/ns"
	./mipcrun --shared --dir "$work/ns" true && cp mipcmk mipcrm "$work" &&
	./mipcmk --dir "$work/ns" -q >/dev/null &&
	as_nobody "$work/mipcmk" --dir "$work/ns" -q >/dev/null || return
	exits 0 ./mipcs --dir "$work/ns" -q -r --noheadings --output owner &&
	same out "$me
$(id -un 65534 2>/dev/null || echo 65534)" &&
	exits 1 as_nobody "$work/mipcrm" --dir "$work/ns" -a &&
	same err "mipcrm: $work/ns: queue 0: Operation not permitted" &&
	left "msg.0 " &&
	as_nobody "$work/mipcmk" --dir "$work/ns" -q >/dev/null &&
	prints 0 "" "" --owner "$me" && left "msg.2 "
}

# What --owner and --older say they do not know, and other wrong usages.
usage_told()
{
	for usage in "nothing is named|" \
	    "nothing is named|-fv" \
	    "5: of what kind? Give -m, -s or -q before an identifier, -M, \
-S or -Q before a key|5" \
	    "--all=x: no such kind; there are shm, sem and msg|-a=x" \
	    "--all: with it nothing is named|-a -m 5" \
	    "--shmem-id 1x: not an identifier|-m 1 1x" \
	    "--queue-key 0: what is private has no key|-Q 0" \
	    "--semaphore-key x: not a number, 0xHEX or PATH:PROJ|-S x" \
	    "--owner no-such-user: no such user|--owner no-such-user" \
	    "--older 1y: not an age: digits, with s, m, h, d or w behind \
them|--older 1y" \
	    "5: name it before \"--\"|-m 1 -- 5"; do
		wrong "${usage%|*}" ${usage#*|} || return
	done
}

need python3 "${CC%% *}"
need_module
make_work
chmod 755 "$work"
me=$(id -un)
plan 16
check "objects are removed by identifier" by_id
check "... and by key" by_key
check "all are" all_removed
check "... or all of some kinds" kinds_removed
check "-v tells of each" told
check "--dry-run tells and removes nothing" dry
check "what is not there is a failure" absent
check "... but with -f" forced
check "an owner's objects" owned
cat >"$work/past.c" <<'END'
#include <time.h>
time_t
time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec -= 2 * 3600;
	if (out != NULL)
		*out = now.tv_sec;
	return now.tv_sec;
}
END
$CC -shared -fPIC -o "$work/past.so" "$work/past.c" &&
    check "what was not used for a time" aged ||
    not_ok "what was not used for a time: no compiler"
check "what nobody alive uses, and why" orphans_told
check "a sleeper and a debtor use a set" sleepers_are_no_orphans
check "an attached segment is removed once" attached_once
check "a damaged set keeps nothing else" damaged
if [ "$(id -u)" -ne 0 ]; then
	skip "what is somebody else's stays" "only root can try this"
elif ! as_nobody test -x "$work" 2>/dev/null; then
	skip "what is somebody else's stays" "only root can reach $work"
else
	check "what is somebody else's stays" others_stay
fi
check "wrong usage says what is wrong" usage_told
