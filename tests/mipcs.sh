#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# mipcs.sh - mipcs shows what is in a namespace, and says what it cannot.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

# exits STATUS COMMAND...: what it prints is in $work/out and $work/err.
exits()
{
	wanted=$1
	shift
	"$@" >"$work/out" 2>"$work/err"
	status=$?
	[ "$status" -eq "$wanted" ] && return
	echo "exit status $status, expected $wanted"
	cat "$work/err"
	return 1
}

# Both of a file and an extended regular expression for one of its lines.
says()
{
	grep -qE -- "$2" "$work/$1" && return
	echo "$1 has no line like $2:"
	cat "$work/$1"
	return 1
}

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

# A table of columns, blanks squeezed.
table()
{
	mipcs --noheadings -o "$1" | tr -s '\t ' '  ' |
	    sed 's/^ *//; s/ *$//' | sort
}

shows()
{
	found=$(table "$1")
	[ "$found" = "$2" ] && return
	echo "found: $found"
	echo "expected: $2"
	return 1
}

# json EXPRESSION: true of what mipcs --json printed, as `d`.
json()
{
	expression=$1
	shift
	mipcs --json "$@" >"$work/json" || return
	python3 -c '
import json, sys
d = json.load(open(sys.argv[1]))
assert eval("(" + sys.argv[2] + ")"), d' "$work/json" "$expression"
}

# program NAME: a python program of standard input, which finds libc as `libc`.
program()
{
	{
		cat <<-'END'
		import ctypes, sys
		libc = ctypes.CDLL(None, use_errno=True)
		libc.shmat.restype = ctypes.c_void_p
		END
		cat
	} >"$work/$1"
}

in_namespace()
{
	./mipcrun --dir "$work/ns" -- python3 "$work/$1"
}

# Holds the segment of key 0x1234, removed meanwhile, until a line comes.
hold_removed()
{
	program hold <<-'END'
	id = libc.shmget(0x1234, 0, 0o600)
	held = libc.shmat(id, None, 0)
	if held == ctypes.c_void_p(-1).value or libc.shmctl(id, 0, None):
	    sys.exit("shmat or shmctl failed")
	print("held", flush=True)
	sys.stdin.readline()
	END
	mkfifo "$work/said" "$work/told"
	exec 3<>"$work/said" 4<>"$work/told"
	(in_namespace hold || echo failed) <&4 >&3 &
	holder=$!
	tap_cleanup='release'
	read -r said <&3
	[ "$said" = held ]
}

release()
{
	tap_cleanup=:
	echo >&4
	wait "$holder"
}

# Metadata of nothing but zeros, of the size it had.
spoil()
{
	set -- "$work"/ns/shm.*
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
need_module
make_work
plan 26

MIPC_DIR=$work/none
export MIPC_DIR
check "no default namespace yet: an empty list" exits 0 ./mipcs --noheadings
check "... with nothing in it" silent out
check "... and a note" says err "$work/none.*no namespace"
check "... nor is one made" test ! -e "$work/none"
unset MIPC_DIR
check "a named directory must be there" exits 1 ./mipcs --dir "$work/none"
check "... the message names it" says err "$work/none"
mkdir "$work/foreign"
echo x >"$work/foreign/file"
check "a directory of something else is refused" \
    exits 1 ./mipcs --dir "$work/foreign"
check "... the message names it" says err "$work/foreign"
check "an unknown option is a wrong usage" exits 2 ./mipcs --nonsense
check "an unknown column is a wrong usage" exits 2 ./mipcs -o nonsense
check "... the message names it" says err nonsense

program make_two <<'END'
ids = [libc.shmget(0x1234, 5000, 0o1600), libc.shmget(0x77, 1 << 20, 0o1640)]
sys.exit(ids.count(-1))
END
check "segments can be made to be shown" in_namespace make_two
check "key, size, mode and attaches are shown" \
    shows key,bytes,perms,nattch "0x00000077 1048576 640 0
0x00001234 5000 600 0"
check "the default view has headings" exits 0 ./mipcs --dir "$work/ns"
check "... and they say what is what" \
    says out '^key[[:space:]]+shmid[[:space:]]+owner[[:space:]]+perms'
check "times are shown for people" exits 0 ./mipcs --dir "$work/ns" -t
check "... as dates" says out '[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}'
check "numbers are numbers in JSON" json "
sorted(s['bytes'] for s in d['segments']) == [5000, 1 << 20] and
all(type(s['shmid']) is int for s in d['segments']) and
all(s['atime'] is None and s['ctime'] > 10 ** 9 for s in d['segments'])"
check "limits in JSON" json \
    "{l['name']: l['value'] for l in d['limits']}['shmmni'] == 4096" -l
check "a summary in JSON" json \
    "{l['name']: l['value'] for l in d['summary']}['segments'] == 2" -u

hold_removed && ok "a segment is removed while attached" ||
    not_ok "a segment is removed while attached"
check "it is shown as dest, with its attach and no key" \
    shows key,nattch,status "0x00000000 1 dest
0x00000077 0"
release
check "it is gone with its last attach" shows key "0x00000077"
spoil
check "a damaged segment is an error" exits 1 ./mipcs --dir "$work/ns"
check "... of which standard error tells" says err "index [0-9]+: "
check "... and its row" says out "index [0-9]+: "
