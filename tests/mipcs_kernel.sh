#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# mipcs_kernel.sh - mipcs --kernel shows the kernel's own objects: what the
# kernel itself writes of them, in an IPC namespace of the test's own.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/command.sh"
command=mipcs

# raw COLUMN,... OPTION...: lines of cells.
raw()
{
	raw_columns=$1
	shift
	./mipcs --kernel --raw --noheadings --output "$raw_columns" "$@"
}

# written KIND HEADING,...: cells of the kernel's own table, as ours are.
written()
{
	awk -v names="$2" '
	NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
	{
		n = split(names, name, ",")
		for (i = 1; i <= n; i++) {
			cell = $at[name[i]]
			if (name[i] == "key")
				cell = sprintf("0x%08x", cell)
			else if (name[i] ~ /time$/ && cell == 0)
				cell = "-"
			printf "%s%s", cell, i < n ? " " : "\n"
		}
	}' "/proc/sysvipc/$1"
}

# agrees OPTION KIND COLUMN,... HEADING,...: what we print of a kind is what the
# kernel writes, and it is something.
agrees()
{
	written "$2" "$4" >"$work/wanted"
	raw "$3" "$1" >"$work/found"
	[ -s "$work/wanted" ] && diff "$work/wanted" "$work/found"
}

json()
{
	kernel_filter=$1
	shift
	./mipcs --kernel -J "$@" >"$work/json" && holds "$kernel_filter" json
}

# An old kernel: it does not know how to tell of what may not be read.
old()
{
	$CC -shared -fPIC -o "$work/old.so" -x c - <<-'END' || return
	#define _GNU_SOURCE
	#include <dlfcn.h>
	#include <errno.h>
	#include <stdarg.h>
	int semctl(int id, int num, int cmd, ...)
	{
		int (*real)(int, int, int, ...) = dlsym(RTLD_NEXT, "semctl");
		va_list list;
		void *p;
		va_start(list, cmd);
		p = va_arg(list, void *);
		va_end(list);
		if (cmd != 20)
			return real(id, num, cmd, p);
		errno = EINVAL;
		return -1;
	}
	END
	LD_PRELOAD=$work/old.so raw semid,nsems -s >"$work/out" &&
	    same out "$sem 3"
}

# A stranger sees what it may not read, but nothing of its inside.
stranger()
{
	exits 0 setpriv --reuid=4711 --clear-groups ./mipcs --kernel -s -i \
	    "$sem" --raw --noheadings --output semid,nsems,mode &&
	    same out "$sem 3 --ra-------" &&
	    setpriv --reuid=4711 --clear-groups ./mipcs --kernel -s -i "$sem" \
	    >"$work/out" && refused has out value
}

need python3
need jq
need unshare
if [ -z "${MIPC_TEST_INSIDE-}" ]; then
	unshare -ri true 2>/dev/null ||
	    skip_all "no IPC namespace of its own (unshare)"
	own=
	[ "$(id -u)" -eq 0 ] || own=-r
	MIPC_TEST_INSIDE=yes exec unshare $own -i sh "$0"
fi
make_work
chmod 755 "$work"
plan 23

cat >"$work/use" <<'END'
import sys
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
from calls import *
shm, sem, msg = (libc.shmget(0x71, 5000, 0o1640),
    libc.semget(0x71, 3, 0o1600), libc.msgget(0x72, 0o1600))
libc.shmget(0, 100, 0o1600)
ctypes.memset(libc.shmat(shm, None, 0), 1, 5000)
libc.semctl(sem, 1, SETVAL, 7)
semop(sem, 0, 1)
send(msg, 5, b" " * 10), send(msg, 6, b"x")
receive(msg, 5)
print(shm, sem, msg, os.getpid())
END
set -- $(python3 "$work/use" "$srcdir/tests")
shm=$1 sem=$2 msg=$3 pid=$4

check "segments are those that the kernel writes" agrees -m shm \
    key,shmid,bytes,nattch,cpid,lpid,uid,gid,cuid,cgid,atime,dtime,ctime \
    key,shmid,size,nattch,cpid,lpid,uid,gid,cuid,cgid,atime,dtime,ctime
check "... and take up what they do" eval \
    'written shm rss >"$work/wanted"; raw used -m >"$work/found";
    has wanted "^[1-9]" && diff "$work/wanted" "$work/found"'
check "sets are, too" agrees -s sem \
    key,semid,nsems,uid,gid,cuid,cgid,otime,ctime \
    key,semid,nsems,uid,gid,cuid,cgid,otime,ctime
check "queues are, too" agrees -q msg \
    key,msqid,bytes,messages,lspid,lrpid,uid,gid,stime,rtime,ctime \
    key,msqid,cbytes,qnum,lspid,lrpid,uid,gid,stime,rtime,ctime
check "all kinds in one overview, of numbers in JSON" json '
    (.segments | length == 2) and .sets[0].nsems == 3 and
    .queues[0].qbytes > 0 and .segments[0].bytes == 5000'
check "letters, and what the kernel knows nothing of" eval \
    'raw mode,alive,undo,sleepers -s >"$work/out" &&
    same out "--ra------- - - -"'
check "... in JSON" json '
    .segments[0] | .alive == false and .born == null and
    .lockpid == null and .attached == null and .mode == "--rw-r-----"' -m -a
check "a creator that lives, by its command line" eval \
    'python3 -c "
import sys
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
from calls import *
id = libc.shmget(0x99, 1, 0o1600)
subprocess.run([\"./mipcs\", \"--kernel\", \"-J\", \"-a\", \"-m\"])
libc.shmctl(id, RMID, None)" "$srcdir/tests" >"$work/json" &&
    holds ".segments | any(.key == \"0x00000099\" and .alive == true and
	(.command | test(\"python3 -c\")))" json'
check "a set's semaphores" json "
    .sets[0].semid == $sem and ([.semaphores[] | [.value, .pid]] ==
    [[1, $pid], [7, $pid], [0, 0]])" \
    -i "$sem"
check "... by its key" json ".sets[0].semid == $sem" --key 0x71 -s
check "a key of two kinds needs one" exits 2 ./mipcs --kernel --key 0x71
check "a segment alone" json \
    "(keys == [\"segments\"]) and .segments[0].shmid == $shm" -m -i "$shm"
check "a queue alone" json ".queues[0].msqid == $msg" -q -i "$msg"
check "one that is not there" exits 1 ./mipcs --kernel -i 4711
check "... is named" has err '^mipcs: the kernel: set 4711: '
check "limits with their use" json '
    (.limits | map({(.name): .}) | add) as $l |
    $l.shmmni.used == 2 and $l.semmns.used == 3 and $l.msgmni.used == 1 and
    $l.msgmax.value > 0 and ($l | has("barging") | not)' -l
check "a summary" json '
    .summary | from_entries | .segments == 2 and .semaphores == 3 and
    .messages == 1 and .bytes == 1' -u
check "it is no directory" exits 2 ./mipcs --kernel --dir "$work"
for option in --waits --orphans "--peek 0"; do
	check "$option: it is not told" exits 2 ./mipcs --kernel $option
done
CC=${CC:-cc}
if command -v "${CC%% *}" >/dev/null; then
	check "an old kernel tells of what may be read" old
else
	skip "an old kernel tells of what may be read" \
	    "${CC%% *} is not installed"
fi
if setpriv --reuid=4711 --clear-groups true 2>/dev/null; then
	check "a stranger sees that there are some" stranger
else
	skip "a stranger sees that there are some" "only root can try this"
fi
