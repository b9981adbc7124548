#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# mipcsnap_segment.sh - a checkpoint of one segment has that alone, whatever
# the others are like, and takes nothing away where it is restored.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/command.sh"
command=mipcsnap

# on DIR CODE: python3 in a namespace.
on()
{
	PYTHONPATH=$srcdir/tests PYTHONDONTWRITEBYTECODE=1 \
	    ./mipcrun --dir "$1" -- python3 -c "from calls import *
$2"
}

# Segment 1, of key 7, has a word at either end; 0, 2 and the others are near.
fill()
{
	for object in "-m 90000 -k 6" "-m 300000 -k 7 -p 640" "-m 90000" \
	    "-s 5 -k 7" "-q -k 7"; do
		./mipcmk --dir "$work/ns" $object >/dev/null || return
	done
	on "$work/ns" 'a = libc.shmat(1, None, 0)
ctypes.memmove(a, b"begin", 5)
ctypes.memmove(a + 299997, b"end", 3)'
}

# shown DIR: all that mipcs shows of segment 1, and what is in it.
shown()
{
	./mipcs --dir "$1" -m --noheadings --raw --output shmid,key,owner,\
group,creator,cgroup,perms,bytes,cpid,lpid,atime,dtime,ctime |
	    grep '^1 ' || return
	on "$1" 'a = libc.shmat(libc.shmget(7, 0, 0), None, 0o10000)
print(ctypes.string_at(a, 6), ctypes.string_at(a + 299996, 4))'
}

same_again()
{
	exits 0 ./mipcsnap --dir "$work/ns" save "$work/c" --segment 1 &&
	    has out '^segment 1: (page by page|reflink)$' &&
	    [ "$(wc -l <"$work/out")" -eq 1 ] &&
	    shown "$work/ns" >"$work/before" &&
	    exits 0 ./mipcsnap --dir "$work/new" restore "$work/c" &&
	    shown "$work/new" >"$work/after" &&
	    diff "$work/before" "$work/after" &&
	    grep -q "b'begin.x00' b'.x00end'" "$work/after"
}

alone()
{
	exits 0 ./mipcs --dir "$work/new" --noheadings -m &&
	    [ "$(wc -l <"$work/out")" -eq 1 ] || return
	for kind in -s -q; do
		exits 0 ./mipcs --dir "$work/new" --noheadings $kind &&
		    same out "" || return
	done
}

# by_key KEY: the same as by its identifier.
by_key()
{
	rm -f "$work/k" && exits 0 ./mipcsnap --dir "$work/ns" save "$work/k" \
	    --key "$1" && exits 0 ./mipcsnap diff "$work/k" "$work/c"
}

by_file()
{
	: >"$work/file"
	id=$(./mipcmk --dir "$work/files" -m 5000 -k "$work/file:a") &&
	    exits 0 ./mipcsnap --dir "$work/files" save "$work/f" \
	    -M "$work/file:a" && same out "segment $id: page by page" ||
	    same out "segment $id: reflink"
}

told()
{
	exits 0 ./mipcsnap list --json "$work/c" && holds '[.objects[] |
	    [.kind, .id, .key, .perms, .size, .alone]] == [
	    ["segment", 1, "0x00000007", "640", 300000, true]]' out &&
	    exits 0 ./mipcsnap verify "$work/c" &&
	    has out ": whole: of one segment, [0-9]+ bytes, taken 20" &&
	    exits 0 ./mipcsnap --dir "$work/ns" save "$work/all" &&
	    exits 0 ./mipcsnap list --json "$work/all" &&
	    holds '[.objects[].alone] == [false, false, false, false, false]' \
	    out
}

# differs TEXT PATH PATH
differs()
{
	text=$1
	shift
	exits 3 ./mipcsnap diff "$@" && same out "$text"
}

# Whatever else is in the namespace, in either order.
compared_alone()
{
	for with in "$work/ns" "$work/all" "$work/c"; do
		exits 0 ./mipcsnap diff "$work/c" "$with" && same out "" &&
		    exits 0 ./mipcsnap diff "$with" "$work/c" &&
		    same out "" || return
	done
	on "$work/new" 'ctypes.memmove(libc.shmat(1, None, 0), b"x", 1)' &&
	    differs "segment 1: another bytes" "$work/c" "$work/new" &&
	    differs "segment 1: another bytes" "$work/new" "$work/c" || return
	./mipcmk --dir "$work/none" -s 1 >/dev/null &&
	    differs "segment 1: only in $work/c" "$work/c" "$work/none" &&
	    ./mipcsnap --dir "$work/ns" save "$work/c0" -m 0 >/dev/null &&
	    differs "segment 1: only in $work/c
segment 0: only in $work/c0" "$work/c" "$work/c0"
}

# refused TEXT NAMING...: and the checkpoint that was there stays.
refused()
{
	text=$1
	shift
	cp "$work/c" "$work/old" &&
	    prints 1 "" "$text" save "$work/c" "$@" &&
	    cmp "$work/c" "$work/old"
}

none_there()
{
	refused "segment 3: there is none" -m 3 &&
	    refused "segment 2147483647: there is none" -m 2147483647 &&
	    refused "$work/ns: no segment has key 0x00000009" -M 9
}

# One whose index another one has now, and one that is attached still.
removed()
{
	set -- $(./mipcmk --dir "$work/ns" -m 1)
	./mipcrm --dir "$work/ns" -m "$1" &&
	    refused "segment $1: there is none" -m "$1" || return
	while :; do
		set -- "$1" "$(./mipcmk --dir "$work/ns" -m 1)"
		[ $(($2 % 32768)) -ne $(($1 % 32768)) ] || break
		./mipcrm --dir "$work/ns" -m "$2"
	done
	[ "$1" -ne "$2" ] && refused "segment $1: there is none" -m "$1" &&
	    ./mipcrm --dir "$work/ns" -m "$2" || return
	cat >"$work/user.py" <<-'PYTHON'
	from calls import *
	m = libc.shmget(0, 4096, 0o1600)
	libc.shmat(m, None, 0)
	libc.shmctl(m, 0, None)
	tell(m)
	PYTHON
	begin user.py || return
	refused "segment $said: it was removed" -m "$said"
	status=$?
	finish
	return $status
}

as_nobody()
{
	setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

# What another one may not read he cannot save; of what he may, all the same.
not_permitted()
{
	./mipcrun --shared --dir "$work/shared" true &&
	    cp mipcsnap "$work" && mkdir -m 777 "$work/his" || return
	for mode in 600 644; do
		./mipcmk --dir "$work/shared" -m 5000 -p "$mode" \
		    >/dev/null || return
	done
	exits 1 as_nobody "$work/mipcsnap" --dir "$work/shared" \
	    save "$work/his/c" -m 0 &&
	    same err "mipcsnap: segment 0: Permission denied" &&
	    [ -z "$(ls -A "$work/his")" ] &&
	    exits 0 as_nobody "$work/mipcsnap" --dir "$work/shared" \
	    save "$work/his/c" -m 1 &&
	    exits 0 ./mipcsnap diff "$work/his/c" "$work/shared"
}

# One has lost its bytes, and one its head: all cannot be saved.
others_are_not_read()
{
	./mipcsnap --dir "$work/torn" restore "$work/all" &&
	    rm "$work/torn/shm.0.data" &&
	    exits 1 ./mipcsnap --dir "$work/torn" save "$work/t" &&
	    size=$(wc -c <"$work/torn/shm.2") && : >"$work/torn/shm.2" &&
	    truncate -s "$size" "$work/torn/shm.2" &&
	    exits 1 ./mipcsnap --dir "$work/torn" save "$work/t" &&
	    exits 0 ./mipcsnap --dir "$work/torn" save "$work/t" -m 1 &&
	    exits 0 ./mipcsnap diff "$work/t" "$work/c" &&
	    exits 0 ./mipcsnap diff "$work/t" "$work/torn"
}

is_left()
{
	same err "mipcsnap: $1: is there, and the checkpoint is of one \
segment: everything else in it would be lost"
}

# Not by it, and by the whole one.
nothing_taken_away()
{
	mkdir "$work/empty"
	./mipcsnap --dir "$work/ns" save "$work/all" >/dev/null || return
	for there in "$work/ns" "$work/empty"; do
		exits 1 ./mipcsnap --dir "$there" restore "$work/c" &&
		    is_left "$there" || return
	done
	exits 0 ./mipcsnap diff "$work/all" "$work/ns" &&
	    [ -z "$(ls -A "$work" | grep '^\.')" ] &&
	    exits 0 ./mipcsnap --dir "$work/ns" restore "$work/all"
}

# What looks for it is told that it is not there yet.
made_meanwhile()
{
	set -- ./mipcsnap --dir "$work/empty" restore "$work/c"
	strace -qq -o "$work/trace" -e trace=%%stat "$@" 2>/dev/null
	name=$(sed -n 's/^\([a-z0-9]*\)(.*"empty".*/\1/p' "$work/trace")
	[ -n "$name" ] || return
	number=$(grep "^$name(" "$work/trace" | grep -n '"empty"')
	exits 1 strace -qq -o "$work/trace" -e trace="$name,renameat2" \
	    -e inject="$name:error=ENOENT:when=${number%%:*}" "$@" &&
	    is_left "$work/empty" &&
	    grep -q '^renameat2(.*EEXIST' "$work/trace" &&
	    rmdir "$work/empty" && [ -z "$(ls -A "$work" | grep '^\.')" ]
}

# A set in place of the segment, a segment more, none: with the right sums.
forged()
{
	cat >"$work/forge.py" <<-'PYTHON'
	import struct, subprocess, sys
	whole = open(sys.argv[1], "rb").read()
	M = 2 ** 64 - 1
	def add(sum, data):
	  for (word,) in struct.iter_unpack("=Q", data):
	    sum = (sum ^ word) * 0x9e3779b97f4a7c15 & M
	    sum = ((sum << 29 | sum >> 35) + 0xd1b54a32d192ed03) & M
	  return sum
	def records():
	  at = 48
	  while at < len(whole):
	    type, zero, length = struct.unpack_from("=IIQ", whole, at)
	    padded = length + 7 & ~7
	    yield type, length, whole[at + 16:at + 16 + padded]
	    at += 16 + padded + 8
	# `of`: how many objects the file says that it has.
	def write(format, of, chosen):
	  out = whole[:8] + struct.pack("=I", format) + whole[12:40]
	  sum = add(0, out)
	  out += struct.pack("=Q", sum)
	  for n, (type, length, data) in enumerate(chosen):
	    if type == 1:
	      data = data[:-8] + struct.pack("=Q", of)
	    if type == 5:
	      data = struct.pack("=Q", n)
	    record = struct.pack("=IIQ", type, 0, length) + data
	    sum = add(sum, record)
	    out += record + struct.pack("=Q", sum)
	  with open(sys.argv[2], "wb") as f:
	    f.write(out)
	  return subprocess.run(["./mipcsnap", "verify", sys.argv[2]],
	      capture_output=True, text=True)
	def kind(r):
	  return struct.unpack_from("=Q", r[2])[0]
	parts = list(records())
	objects = [r for r in parts if r[0] == 2]
	segments = [r for r in objects if kind(r) == 0]
	sets = [r for r in objects if kind(r) == 1]
	first, last = parts[0], parts[-1]
	def said(format, chosen):
	  r = write(format, len(chosen), [first] + chosen + [last])
	  print(format, r.stderr.split(": ")[-1].strip() or "whole")
	said(1, segments[:2])
	said(2, segments[:1])
	said(2, segments[:2])
	said(2, sets[:1])
	said(2, [])
	PYTHON
	python3 "$work/forge.py" "$work/all" "$work/bad" >"$work/out" &&
	    same out "1 whole
2 whole
2 its end is not where it should be
2 it is to be of a segment
2 its end is not where it should be"
}

usage()
{
	wrong "list: a segment is named for save alone" list x -m 1 &&
	    wrong "one segment is saved: give one of --segment and --key" \
	    save x -m 1 -M 7 &&
	    wrong "--segment x: not an identifier" save x --segment x &&
	    wrong "--key x: not a number, 0xHEX or PATH:PROJ" save x --key x &&
	    wrong "--key 0: what is private has no key" save x --key 0
}

need python3 jq
make_work
chmod 755 "$work"
plan 16
check "three segments, a set and a queue" fill
check "one segment is saved, and restored as it was" same_again
check "... with nothing beside it" alone
check "it is named by its key" by_key 7
check "... in hexadecimal" by_key 0x7
check "... by a file" by_file
check "list and verify tell that it is of one segment" told
check "it is compared with that segment alone" compared_alone
check "one that is not there is refused, and the old checkpoint stays" \
    none_there
check "... one that was removed" removed
if as_nobody true 2>/dev/null; then
	check "... one that may not be read" not_permitted
else
	skip "... one that may not be read" "only root can try this"
fi
check "others may be as damaged as they like" others_are_not_read
check "it is restored over nothing that is there" nothing_taken_away
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0; export ASAN_OPTIONS
if strace -qq -o /dev/null true 2>/dev/null; then
	check "... nor over what somebody makes meanwhile" made_meanwhile
else
	skip "... what is made meanwhile" "tracing is not allowed here"
fi
check "what is said to be of one segment, and is not, is refused" forged
check "wrong usage says what is wrong" usage
