#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# ckpt.sh - checkpoints under load are of one moment, and one who is killed at
# any system call while one is written or restored leaves the old or the new.
#
# Of each a library or a copy that errs is seen to.  (Calls that change nothing
# on disk are sampled while one is restored; ckpt_long.sh takes all, and all
# rounds of ckpt_publish.)

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

# tokens PROGRAM TIMES [busy]: how many were wrong is in $wrong.
tokens()
{
	rm -rf "$work/ns"
	program=$1
	shift
	said=$("$program" "$work/ns" "$work/c" "$@") || return
	echo "$said"
	wrong=${said%% *}
}

always_of_one_moment()
{
	tokens ./tests/ckpt_tokens 500 && [ "$wrong" -eq 0 ] &&
	    case $said in *" 0 not made") ;; *) false ;; esac
}

moments_are_mixed()
{
	tokens ./tests/ckpt_tokens_broken 200 && [ "$wrong" -gt 0 ]
}

# Movers that never pause, on every processor.
always_made()
{
	tokens ./tests/ckpt_tokens 3 busy && [ "$wrong" -eq 0 ] &&
	    case $said in *" 0 not made") ;; *) false ;; esac
}

torn_values_are_seen()
{
	./tests/ckpt_publish_torn --torn
}

late_values_are_seen()
{
	./tests/ckpt_publish_late --late
}

# calls COMMAND...: each system call that it makes, as NAME NUMBER.
calls()
{
	strace -qq -o "$work/trace" "$@" >/dev/null &&
	    sed -n 's/^\([a-z_0-9]*\)(.*/\1/p' "$work/trace" |
	    awk '$1 !~ /^(execve|exit_group)$/ { print $1, ++n[$1] }'
}

# killed_at NAME NUMBER COMMAND...
killed_at()
{
	name=$1 number=$2
	shift 2
	strace -qq -o /dev/null -e trace="$name" \
	    -e inject="$name:signal=KILL:when=$number" "$@" >/dev/null 2>&1
}

is()
{
	./mipcsnap diff "$1" "$2" >/dev/null 2>&1
}

# Two namespaces, a checkpoint of each.
two()
{
	rm -rf "$work/a" "$work/b"
	./mipcmk --dir "$work/a" -m 70000 && ./mipcmk --dir "$work/a" -s 3 &&
	    ./mipcmk --dir "$work/b" -q && ./mipcmk --dir "$work/b" -s 2 &&
	    ./mipcsnap --dir "$work/a" save "$work/old" &&
	    ./mipcsnap --dir "$work/b" save "$work/new" &&
	    ./mipcmk --dir "$work/other" -m 50000 &&
	    ./mipcsnap --dir "$work/other" save "$work/one" --segment 0
}

# old_or_new_saved NEW OPTION...: there is the old one; then what NEW is a copy
# of is written there.
old_or_new_saved()
{
	new=$1
	shift
	rm -rf "$work/at" && mkdir "$work/at" && cp "$work/old" "$work/at/c"
	calls ./mipcsnap save --keep 2 "$work/at/c" "$@" \
	    >"$work/calls" && [ "$(wc -l <"$work/calls")" -gt 20 ] || return
	while read -r name number; do
		rm -rf "$work/at" && mkdir "$work/at" &&
		    cp "$work/old" "$work/at/c"
		killed_at "$name" "$number" ./mipcsnap save --keep 2 \
		    "$work/at/c" "$@"
		is "$work/at/c" "$work/old" || is "$work/at/c" "$new" || {
			echo "killed at $name $number"
			return 1
		}
	done <"$work/calls"
	./mipcsnap save --keep 2 "$work/at/c" "$@" >/dev/null &&
	    is "$work/at/c" "$new" &&
	    [ "$(ls -A "$work/at" | tr '\n' ' ')" = "c c.1 " ]
}

old_or_new_restored()
{
	./mipcsnap --dir "$work/n" restore "$work/old" &&
	    calls ./mipcsnap --dir "$work/n" restore "$work/new" \
	    >"$work/calls" && [ "$(wc -l <"$work/calls")" -gt 50 ] || return
	while read -r name number; do
		case $name in
		open*|close|pread*|read|mmap|munmap|fstat|newfstatat|fcntl| \
		    mprotect|rt_sig*|brk|geteuid|getegid|getgroups|lseek)
			[ $((number % part)) -eq 0 ] || continue
			;;
		esac
		./mipcsnap --dir "$work/n" restore "$work/old" || return
		killed_at "$name" "$number" ./mipcsnap --dir "$work/n" \
		    restore "$work/new"
		is "$work/n" "$work/old" || is "$work/n" "$work/new" || {
			echo "killed at $name $number"
			return 1
		}
	done <"$work/calls"
	./mipcsnap --dir "$work/n" restore "$work/new" &&
	    is "$work/n" "$work/new" && [ ! -e "$work/.n.restore" ]
}

# A copy is no checkpoint: cut off half way, it is neither.
copy_is_seen()
{
	head -c 300 "$work/new" >"$work/half"
	! is "$work/half" "$work/old" && ! is "$work/half" "$work/new"
}

part=${1:-8}
make_work
plan $((part > 1 ? 10 : 11))
check "500 checkpoints under load are of one moment each" always_of_one_moment
check "... which a library that does not look again is seen to miss" \
    moments_are_mixed
check "3 are made where others never pause" always_made
check "what is published is torn by a library that copies it as it comes" \
    torn_values_are_seen
check "and of another moment by one that takes it later" late_values_are_seen
[ "$part" -gt 1 ] ||
    check "and by ours it never is" ./tests/ckpt_publish --all
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0; export ASAN_OPTIONS
what="at any system call"
if ! command -v strace >/dev/null || ! strace -qq -o /dev/null true; then
	for name in "two namespaces" "killed while it saves" "one segment" \
	    "half a file" "killed while it restores"; do
		skip "$name" "tracing is not allowed here"
	done
	exit
fi
check "two namespaces, and checkpoints of them" two
check "killed $what while it saves: the old one or the new" \
    old_or_new_saved "$work/new" --dir "$work/b"
check "... one segment" old_or_new_saved "$work/one" --dir "$work/other" -m 0
check "... which half of one is seen not to be" copy_is_seen
check "killed while it restores: the old one or the new" old_or_new_restored
