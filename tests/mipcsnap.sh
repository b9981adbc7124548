#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# mipcsnap.sh - checkpoints hold all of a namespace, are refused when anything
# is amiss, and are made into what they were made of.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/command.sh"
command=mipcsnap

# What the programs here find by keys 1, 2 and 3.
fill()
{
	./mipcmk --dir "$work/ns" -m 300000 -k 1 -p 600 &&
	    ./mipcmk --dir "$work/ns" -s 5 -k 2 -p 640 &&
	    ./mipcmk --dir "$work/ns" -q -k 3 &&
	    ./mipcmk --dir "$work/ns" -q && ./mipcrm --dir "$work/ns" -q 1 &&
	    ./mipcmk --dir "$work/ns" -m 1 -p 0 || return
	cat >"$work/fill.py" <<-'END'
	from calls import *
	s, q, m = libc.semget(2, 0, 0), libc.msgget(3, 0), libc.shmget(1, 0, 0)
	libc.semctl(s, 3, SETVAL, 32767)
	semop(s, 1, 5)
	semop(s, 4, 1)
	send(q, 5, b"five")
	send(q, 1, b"x" * 99)
	send(q, 3, b"three")
	send(q, 2 ** 62, b"")
	send(q, 1, b"last")
	receive(q, 3)
	a = libc.shmat(m, None, 0)
	ctypes.memmove(a, b"begin", 5)
	ctypes.memmove(a + 299997, b"end", 3)
	END
	in_namespace fill.py
}

# look DIR: all that its objects show, and what is in them.
look()
{
	cat >"$work/look.py" <<-'END'
	from calls import *
	s, q, m = libc.semget(2, 0, 0), libc.msgget(3, 0), libc.shmget(1, 0, 0)
	print([libc.semctl(s, i, 12) for i in range(5)])
	print([libc.semctl(s, i, 11) for i in range(5)])
	letter = Letter()
	for i in range(4):
	    n = libc.msgrcv(q, ctypes.byref(letter), 100, i, 0o44000)
	    print(n, letter.type, letter.text[:n])
	a = libc.shmat(m, None, 0o10000)
	print(ctypes.string_at(a, 6), ctypes.string_at(a + 299996, 4))
	END
	for list in "-m shmid,key,owner,group,creator,perms,bytes,cpid,ctime" \
	    "-s semid,key,owner,group,creator,perms,nsems,otime,ctime" \
	    "-q msqid,key,perms,messages,bytes,qbytes,lspid,lrpid,stime,rtime"
	do
		./mipcs --dir "$1" ${list% *} --output ${list#* } || return
	done
	./mipcs --dir "$1" -l || return
	PYTHONPATH=$srcdir/tests PYTHONDONTWRITEBYTECODE=1 \
	    ./mipcrun --dir "$1" -- python3 "$work/look.py"
}

listed()
{
	exits 0 ./mipcsnap list --json "$work/c" && holds '[.objects[] |
	    [.kind, .id, .key, .perms, .size, .messages]] == [
	    ["segment", 0, "0x00000001", "600", 300000, null],
	    ["segment", 1, "0x00000000", "000", 1, null],
	    ["set", 0, "0x00000002", "640", 5, null],
	    ["queue", 0, "0x00000003", "644", 107, 4]]' out
}

same_again()
{
	look "$work/ns" >"$work/before" 2>&1 &&
	    exits 0 ./mipcsnap --dir "$work/ns" save "$work/c" &&
	    [ "$(sed 's/: .*//' "$work/out")" = "segment 0
segment 1" ] && ! grep -qvE ': (page by page|reflink)$' "$work/out" &&
	    exits 0 ./mipcsnap --dir "$work/new" restore "$work/c" &&
	    look "$work/new" >"$work/after" 2>&1 &&
	    diff "$work/before" "$work/after" &&
	    grep -q "b'begin.x00' b'.x00end'" "$work/after"
}

next_ids()
{
	for object in "-m 1" "-s 1" -q; do
		[ "$(./mipcmk --dir "$work/new" $object)" = \
		    "$(./mipcmk --dir "$work/ns" $object)" ] || return
	done
}

nothing_beside()
{
	[ "$(ls -A "$work" | grep -E '^\.')" = "" ]
}

# differs TEXT PATH PATH
differs()
{
	text=$1
	shift
	exits 3 ./mipcsnap diff "$@" && same out "$text"
}

told_apart()
{
	./mipcmk --dir "$work/other" -m 4096 >/dev/null &&
	    ./mipcmk --dir "$work/other" -s 2 >/dev/null &&
	    ./mipcsnap --dir "$work/other" save "$work/o1" &&
	    exits 0 ./mipcsnap diff "$work/o1" "$work/other" || return
	cat >"$work/change.py" <<-'END'
	from calls import *
	libc.semctl(0, 1, SETVAL, 1)
	ctypes.memmove(libc.shmat(0, None, 0), b"x", 1)
	END
	PYTHONPATH=$srcdir/tests ./mipcrun --dir "$work/other" -- \
	    python3 "$work/change.py" &&
	    ./mipcmk --dir "$work/other" -q >/dev/null &&
	    differs "queue 0: only in $work/other
segment 0: another bytes
set 0: another values" "$work/o1" "$work/other"
}

cut_off_seen()
{
	for size in 0 4096 299999; do
		rm -rf "$work/cut"
		./mipcmk --dir "$work/cut" -m 300000 &&
		    truncate -s "$size" "$work/cut/shm.0.data" &&
		    prints 1 "" "segment 0: Input/output error" \
		    --dir "$work/cut" save "$work/cut.c" &&
		    [ ! -e "$work/cut.c" ] || return
	done
}

# Every byte counts, and every length.
damage_seen()
{
	cat >"$work/damage.py" <<-'END'
	import subprocess, sys
	source, file, target = sys.argv[1:]
	whole = open(source, "rb").read()
	def refused(data, what):
	  with open(file, "wb") as f:
	    f.write(data)
	  r = subprocess.run(["./mipcsnap", "--dir", target, "restore", file],
	      capture_output=True, text=True)
	  said = r.stderr.startswith("mipcsnap: " + file + ": ")
	  if r.returncode != 1 or not said:
	    print(what, r)
	    sys.exit(1)
	for at in range(0, len(whole), 11):
	  refused(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) +
	      whole[at + 1:], ("byte", at))
	for length in range(0, len(whole), 13):
	  refused(whole[:length], ("length", length))
	refused(whole + b"\0", "more")
	END
	python3 "$work/damage.py" "$work/o1" "$work/bad" "$work/none" &&
	    [ ! -e "$work/none" ] && nothing_beside
}

# names OFFSET BYTES TEXT: a head that is changed so is refused so.
names()
{
	cp "$work/o1" "$work/bad"
	printf "$2" | dd of="$work/bad" bs=1 seek="$1" conv=notrunc 2>/dev/null
	prints 1 "" "$work/bad: $3" verify "$work/bad"
}

generations()
{
	for n in 1 2 3 4; do
		./mipcmk --dir "$work/other" -q >/dev/null &&
		    ./mipcsnap --dir "$work/other" save --keep 3 \
		    "$work/g" || return
	done
	[ "$(ls "$work" | grep '^g' | tr '\n' ' ')" = "g g.1 g.2 " ] || return
	for n in g:5 g.1:4 g.2:3; do
		[ "$(./mipcsnap list "$work/${n%:*}" | grep -c queue)" -eq \
		    "${n#*:}" ] || return
	done
}

in_use_stays()
{
	cat >"$work/user.py" <<-'END'
	from calls import *
	semop(libc.semget(2, 0, 0), 0, 1)
	tell("there")
	END
	begin user.py || return
	exits 1 ./mipcsnap --dir "$work/ns" restore "$work/o1"
	status=$?
	finish
	[ "$status" -eq 0 ] &&
	    same err "mipcsnap: $work/ns: in use by a process" &&
	    [ "$(./mipcs --dir "$work/ns" -s --noheadings | wc -l)" -eq 2 ]
}

taken_over()
{
	./mipcsnap --dir "$work/ns" restore "$work/o1" &&
	    exits 0 ./mipcsnap diff "$work/o1" "$work/ns" && nothing_beside
}

need python3 jq
make_work
plan 20
check "a namespace with all kinds of objects" fill
check "is saved, and restored as it was" same_again
check "... with nothing left beside it" nothing_beside
check "its objects are listed" listed
check "it is verified" eval exits 0 ./mipcsnap verify "$work/c" '&&' \
    has out ': whole: 4 objects, [0-9]+ bytes, taken 20'
check "new objects get the identifiers they would have had" next_ids
check "what differs is told" told_apart
check "damage of any byte, and any length, is refused" damage_seen
check "... what is no checkpoint" names 0 X "not a checkpoint"
check "... one of another format" names 8 '\7' \
    "in another format than this library's"
check "... of another byte order" names 12 '\7' \
    "made on a machine of another byte order"
check "... none" prints 1 "" "$work/no: No such file or directory" \
    restore "$work/no"
check "generations are kept" generations
mv "$work/g" "$work/h"
check "... and the newest is taken where the last is missing" \
    exits 0 ./mipcsnap diff "$work/g" "$work/g.1"
check "a namespace in use is not replaced" in_use_stays
check "one that nobody uses is" taken_over
check "a directory of other files is not" eval mkdir "$work/full" '&&' : \
    '>"$work/full/file"' '&&' exits 1 ./mipcsnap --dir "$work/full" restore \
    "$work/o1" '&&' '[ -f "$work/full/file" ]' '&&' nothing_beside
check "a segment whose file was cut off is not taken for one of zeros" \
    cut_off_seen
check "a checkpoint that cannot be written" prints 1 "" \
    "$work/no/c: No such file or directory" save "$work/no/c"
for usage in "nothing to do: give save, restore, list, verify or diff|" \
    "sav: not something to do|sav x" \
    "diff: 2 operands are wanted|diff x" \
    "save: 1 operand is wanted|save" \
    "--keep 0: not a number of generations, 1 to 1000|save x --keep 0"; do
	wrong "${usage%|*}" ${usage#*|} || echo "failed: $usage"
done >"$work/wrong" 2>&1
check "wrong usage says what is wrong" same wrong ""
