#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# mipcs.sh - mipcs shows what is in a namespace, and says what it cannot.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/command.sh"
command=mipcs

silent()
{
	[ ! -s "$work/$1" ] && return
	cat "$work/$1"
	return 1
}

mipcs()
{
	./mipcs --dir "$work/ns" "$@"
}

# table COLUMN,... OPTION...: blanks squeezed.
table()
{
	mipcs --noheadings --output "$@" | tr -s '\t ' '  ' |
	    sed 's/^ *//; s/ *$//' | sort
}

shows()
{
	columns=$1 wanted=$2
	shift 2
	found=$(table "$columns" "$@")
	[ "$found" = "$wanted" ] && return
	echo "found: $found"
	echo "expected: $wanted"
	return 1
}

# spoil KIND: metadata of nothing but zeros, of the size it had.
spoil()
{
	set -- "$work"/ns/"$1".*
	for file; do
		case $file in
		*.data)
			;;
		*)
			size=$(wc -c <"$file")
			: >"$file"
			truncate -s "$size" "$file"
			;;
		esac
	done
}

need python3
need jq
need_module
make_work
plan 67

MIPC_DIR=$work/none
export MIPC_DIR
check "no default namespace yet: an empty list" exits 0 ./mipcs --noheadings
check "... with nothing in it" silent out
check "... and a note" has err "$work/none.*no namespace"
check "... nor is one made" test ! -e "$work/none"
unset MIPC_DIR
check "a named directory must be there" exits 1 ./mipcs --dir "$work/none"
check "... the message names it" has err "$work/none"
mkdir "$work/foreign"
echo x >"$work/foreign/file"
check "a directory of something else is refused" \
    exits 1 ./mipcs --dir "$work/foreign"
check "... the message names it" has err "$work/foreign"
check "an unknown option is a wrong usage" exits 2 ./mipcs --nonsense
check "an unknown column is a wrong usage" exits 2 ./mipcs --output nonsense
check "... the message names it" has err nonsense

cat >"$work/make_two" <<'END'
from calls import *
ids = [libc.shmget(0x1234, 5000, 0o1600), libc.shmget(0x77, 1 << 20, 0o1640)]
sys.exit(ids.count(-1))
END
check "segments can be made to be shown" in_namespace make_two
check "key, size, mode and attaches are shown" \
    shows key,bytes,perms,nattch "0x00000077 1048576 640 0
0x00001234 5000 600 0"
check "--human has units" \
    shows key,bytes "0x00000077 1.0M
0x00001234 4.9K" --human
check "... but JSON numbers, and --bytes takes it back" eval '
    json "[.segments[].bytes] | sort == [5000, 1048576]" --human &&
    shows bytes "1048576
5000" --human --bytes'
check "--numeric-perms are as ever" shows key,perms "0x00000077 640
0x00001234 600" --numeric-perms
check "the default view has headings" exits 0 ./mipcs --dir "$work/ns"
check "... and they say what is what" \
    has out '^key[[:space:]]+shmid[[:space:]]+owner[[:space:]]+perms'
check "times are shown for people" exits 0 ./mipcs --dir "$work/ns" -t
check "... as dates" has out '[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}'
check "numbers are numbers in JSON" json '
    ([.segments[].bytes] | sort == [5000, 1048576]) and
    (.segments | all((.shmid | type) == "number" and .atime == null and
    .ctime > 1000000000))'
check "limits in JSON" json \
    '.limits | from_entries | .shmmni == 4096' -l
check "a summary in JSON" json \
    '.summary | from_entries | .segments == 2' -u

cat >"$work/make_sets" <<'END'
from calls import *
ids = [libc.semget(0x53, 3, 0o1600), libc.semget(0x54, 2, 0o1640)]
ids += [libc.semctl(ids[0], 1, SETVAL, 7), semop(ids[0], 2, 4)]
print(os.getpid(), ids[0])
sys.exit(ids.count(-1))
END

# Two wait in a set, one for the first semaphore and one for a zero of the
# second; the set is shown and then removed.
cat >"$work/show_waiters" <<'END'
from calls import *
id = libc.semget(0, 2, 0o600)
libc.semctl(id, 1, SETVAL, 7)
child(semop, id, 0, -1)
child(semop, id, 1, 0)
await_count(id, GETNCNT, 0)
await_count(id, GETZCNT, 1)
subprocess.run(["./mipcs", "-J", "--id", str(id)])
libc.semctl(id, 0, RMID)
os.wait(), os.wait()
END

# Pid and identifier of the set that make_sets operated on come before it.
semaphores_shown()
{
	shows key,nsems,perms "0x00000053 3 600
0x00000054 2 640" &&
	json "[.semaphores[] | [.semnum, .value, .ncnt, .zcnt, .pid]] ==
	    [[0, 0, 0, 0, 0], [1, 7, 0, 0, $1], [2, 4, 0, 0, $1]]" --id "$2"
}

waiters_shown()
{
	in_namespace show_waiters >"$work/json" || return
	holds '[.semaphores[] | [.value, .ncnt, .zcnt]] ==
	    [[0, 1, 0], [7, 0, 1]]' json
}

made=$(in_namespace make_sets)
check "sets and their semaphores are shown" semaphores_shown $made
check "who waits is counted" waiters_shown
check "segments and sets are two tables" exits 0 ./mipcs --dir "$work/ns"
check "... the first has its headings" has out '^key[[:space:]]+shmid'
check "... and the second its own" has out '^key[[:space:]]+semid'
check "-s shows sets alone" exits 0 ./mipcs --dir "$work/ns" -s
check "... and no segment" refused has out shmid
check "-m shows segments alone" exits 0 ./mipcs --dir "$work/ns" -m
check "... and no set" refused has out semid
check "both are in one JSON object" json '
    (.segments | length == 2) and ([.sets[].nsems] | sort == [2, 3]) and
    ([.sets[].otime == null] | sort == [false, true])'
check "... and in one summary" json \
    '.summary | from_entries | .semaphores == 5' -u
check "a set that is not there is an error" \
    exits 1 ./mipcs --dir "$work/ns" --id 4711
check "... that names it" has err 'set 4711'

cat >"$work/make_queues" <<'END'
from calls import *
ids = [libc.msgget(key, 0o1000 | 0o600) for key in (0x61, 0x62)]
ids += [send(ids[0], 1, b" " * 100), send(ids[0], 1, b" " * 20)]
ids += [send(ids[1], 1, b" " * 7), receive(ids[1], 0)]
print(os.getpid(), *ids[:2])
sys.exit(ids.count(-1))
END

# The pid and the identifiers that make_queues printed come before it.
queues_shown()
{
	shows key,messages,bytes,qbytes,perms "0x00000061 2 120 16384 600
0x00000062 0 0 16384 600" &&
	json "[.queues[] | [.msqid, .lspid, .lrpid, .rtime == null]] | sort ==
	    ([[$2, $1, 0, true], [$3, $1, $1, false]] | sort)" -q
}

queues=$(in_namespace make_queues)
check "queues and who used them are shown" queues_shown $queues
check "-q shows queues alone" exits 0 ./mipcs --dir "$work/ns" -q
check "... and no set" refused has out semid
last=${queues##* }
check "-q with an identifier shows that queue alone" json "
    [.queues[].msqid] == [$last]" -q --id "$last"
check "... for people" exits 0 ./mipcs --dir "$work/ns" -q --id "$last"
check "... with its times" has out '[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}'
check "a queue that is not there is an error" \
    exits 1 ./mipcs --dir "$work/ns" -q --id 4711
check "... that names it" has err 'queue 4711'
check "an identifier is not that of two kinds" \
    exits 2 ./mipcs --dir "$work/ns" -m -q --id "$last"
check "limits of queues" json '[.limits[] | [.name, .value]] ==
    [["msgmni", 32000], ["msgmax", 8192], ["msgmnb", 16384]]' -q -l
check "a summary of queues" json '[.summary[] | [.name, .value]] ==
    [["queues", 2], ["messages", 2], ["bytes", 120]]' -q -u

# Lines for programs, of a namespace of its own; times and pids are masked.
lines()
{
	./mipcs --dir "$work/lines" "$@" >"$work/listed" || return
	sed -e "s/\\<$me\\>/NAME/g; s/\\<$group\\>/NAME/g" \
	    -e 's/\<1[0-9]\{9\}\>/TIME/g' -e "s/ 10 0 $maker / 10 0 PID /" \
	    -e 's/ TIME [0-9][0-9]* - \([sq]\) / TIME PID - \1 /' \
	    -e "s/ \([msq]\) $uid $gid $uid $gid / \1 UID GID UID GID /" \
	    -e 's/ TIME [0-9][0-9]* no [^ ]* / TIME USED no MADE /' \
	    "$work/listed" >"$work/masked"
	diff - "$work/masked"
}

me=$(id -un) group=$(id -gn) uid=$(id -u) gid=$(id -g) maker=
./mipcmk --dir "$work/lines" -m 10 -k 0x77 -p 640 >/dev/null
./mipcmk --dir "$work/lines" -s 3 >/dev/null
./mipcmk --dir "$work/lines" -q >/dev/null
maker=$(./mipcs --dir "$work/lines" -m --noheadings --output cpid |
    tr -d ' ')
check "-t and -p add columns" lines -m -t -p --raw <<END
key shmid owner perms bytes nattch cpid lpid atime dtime ctime status
0x00000077 0 NAME 640 10 0 PID 0 - - TIME -
END
check "-b and -o are of what is shown" lines -m -b -o -r <<END
key shmid owner perms bytes nattch status
0x00000077 0 NAME 640 10 0 -
END
check "-a shows all, of all kinds" lines -a -r <<END
key shmid owner group creator cgroup perms bytes nattch cpid lpid atime \
dtime ctime status t uid gid cuid cgid mode lockpid locked born used alive \
command attached
0x00000077 0 NAME NAME NAME NAME 640 10 0 PID 0 - - TIME - m UID GID UID GID \
--rw-r----- - - TIME USED no MADE -

key semid owner group creator cgroup perms nsems otime ctime cpid status t \
uid gid cuid cgid mode lockpid locked born used alive command undo sleepers
0x00000000 0 NAME NAME NAME NAME 644 3 - TIME PID - s UID GID UID GID \
--ra-r--r-- - - TIME USED no MADE - -

key msqid owner group creator cgroup perms messages bytes qbytes lspid \
lrpid stime rtime ctime cpid status t uid gid cuid cgid mode lockpid locked \
born used alive command types sleepers
0x00000000 0 NAME NAME NAME NAME 644 0 0 16384 0 0 - - TIME PID - q UID GID \
UID GID --rw-r--r-- - - TIME USED no MADE - -
END
check "-c adds creators" lines -q -c --raw --noheadings <<END
0x00000000 0 NAME NAME NAME NAME 644 0 0 16384 -
END
check "--export is for shells" lines --export --noheadings <<END
key="0x00000077" shmid="0" owner="NAME" perms="640" bytes="10" nattch="0" \
status=""
key="0x00000000" semid="0" owner="NAME" perms="644" nsems="3" status=""
key="0x00000000" msqid="0" owner="NAME" perms="644" messages="0" bytes="0" \
qbytes="16384" status=""
END
check "blanks are no ends of cells" lines -l -q --raw <<END
name value used use% meaning
msgmni 32000 1 0.0 most\\x20queues
msgmax 8192 - - most\\x20bytes\\x20of\\x20a\\x20message
msgmnb 16384 - - most\\x20bytes\\x20of\\x20a\\x20queue\\x20that\\x20is\\x20made
END
./mipcmk --dir "$work/lines" --limit semmni=8 --limit semmns=12 \
    --limit shmall=4 --limit shmmni=1 --limit shmmax=1K
check "limits are shown with their use" lines -l -s -m --raw <<END
name value used use% meaning
shmmni 1 1 100.0 most\\x20segments
shmmax 1024 - - most\\x20bytes\\x20of\\x20a\\x20segment
shmall 4 1 25.0 most\\x20pages\\x20of\\x20all\\x20segments
shmmin 1 - - least\\x20bytes\\x20of\\x20a\\x20segment
semmni 8 1 12.5 most\\x20sets
semmsl 32000 - - most\\x20semaphores\\x20of\\x20a\\x20set
semmns 12 3 25.0 most\\x20semaphores\\x20of\\x20all\\x20sets
semopm 500 - - most\\x20operations\\x20of\\x20a\\x20call
semvmx 32767 - - highest\\x20value\\x20of\\x20a\\x20semaphore
barging 0 - - 1:\\x20who\\x20comes\\x20may\\x20overtake\\x20those\\x20\
who\\x20wait
END
check "one form at a time" exits 2 ./mipcs --raw --json

# Holds the segment of key 0x1234, removed meanwhile.
cat >"$work/hold" <<'END'
from calls import *
id = libc.shmget(0x1234, 0, 0o600)
held = libc.shmat(id, None, 0)
if held == ctypes.c_void_p(-1).value or libc.shmctl(id, RMID, None):
	sys.exit("shmat or shmctl failed")
tell("held")
END

begin hold && ok "a segment is removed while attached" ||
    not_ok "a segment is removed while attached"
check "it is shown as dest, with its attach and no key" \
    shows key,nattch,status "0x00000000 1 dest
0x00000077 0"
finish
check "it is gone with its last attach" \
    shows key,nattch,bytes "0x00000077 0 1048576"
spoil shm
check "a damaged segment is an error" exits 1 ./mipcs --dir "$work/ns"
check "... of which standard error tells" has err "index [0-9]+: "
check "... and its row" has out "index [0-9]+: "
spoil sem
check "a damaged set is an error" exits 1 ./mipcs --dir "$work/ns" -s
check "... of which standard error tells" has err "set of index [0-9]+: "
check "its semaphores are one too" \
    exits 1 ./mipcs --dir "$work/ns" --id "${made#* }"
spoil msg
check "a damaged queue is an error" exits 1 ./mipcs --dir "$work/ns" -q
check "... of which standard error tells" \
    has err "queue of index [0-9]+: "
check "... and it may be the one that is asked for" \
    exits 1 ./mipcs --dir "$work/ns" -q --id "$last"
