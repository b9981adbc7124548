#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# plain.sh - the clause tests and the differential tests in programs that know
# nothing of mipc, through the preload module.
#
# plain_shm, plain_sem and plain_msg are compiled against <sys/sem.h> and its
# like and linked with libc alone.  driven runs each of their tests as a
# process of its own, preloaded, on a namespace of its own, under a filter by
# which it dies of any System V IPC call that reaches the kernel; strace says
# the same of some.  plain_diff_* have the kernel on their other side: the
# filter lets through what carries their mark.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/retell.sh"

kinds="shm sem msg"
ops=20000			# of a differential test

# A clause's test is named by its letter and number.
is_clause='^([GHSM][0-9]+|ftok)_'

# clauses KIND: the clause tests that check_KIND makes of the directory store.
clauses()
{
	"./tests/check_$1" --list | grep -E "$is_clause"
}

# all_there KIND: every clause test is one of the plain program's.
all_there()
{
	clauses "$1" >"$work/wanted.$1"
	"./tests/plain_$1" --list >"$work/there.$1"
	[ -s "$work/wanted.$1" ] && cmp "$work/wanted.$1" "$work/there.$1"
}

# left_out KIND: the others by name, each with how often it is made.
left_out()
{
	"./tests/check_$1" --list | grep -Ev "$is_clause" |
	    cut -d' ' -f1 | uniq -c >"$work/left"
	awk -v kind="$1" '{ n += $1; print "#   " $2 " " $1 }
	    END { print "# left out of plain_" kind ", no clauses: " n }' \
	    "$work/left"
}

# through KIND: the clause tests, as lines in $work/results.KIND.
through()
{
	status=0
	./tests/driven "./tests/plain_$1" >"$work/said.$1" || status=$?
	retell 64 "plain_$1" "$status" <"$work/said.$1" >"$work/results.$1"
}

# differ KIND: the differential test, as lines in $work/differ.KIND.
differ()
{
	status=0
	./mipcrun --private -- "./tests/plain_diff_$1" --ops "$ops" \
	    >"$work/said.differ.$1" || status=$?
	retell 64 "plain_diff_$1" "$status" <"$work/said.differ.$1" \
	    >"$work/differ.$1"
}

# as_many KIND: none was forgotten on the way.
as_many()
{
	[ "$(grep -Ec '^(not )?ok' "$work/results.$1")" -eq \
	    "$(wc -l <"$work/wanted.$1")" ]
}

# knows_nothing PROGRAM: no name of mipc's is in it, nor a library but libc.
knows_nothing()
{
	! nm -a "$1" | grep -i mipc &&
	    [ "$(ldd "$1" | grep -vcE 'libc\.so|linux-vdso|ld-linux')" = 0 ]
}

# A call that reached the kernel would be seen.
dies_without()
{
	./tests/driven --bare "./tests/plain_$1" 'G1_*' >"$work/bare"
	grep -q '^not ok .* killed by SYS' "$work/bare" &&
	    ! grep -q '^ok' "$work/bare" && return
	cat "$work/bare"
	return 1
}

# Each call on mipc's side would be a call too many.
differs_without()
{
	"./tests/plain_diff_$1" --ops 100 >"$work/bare" 2>&1
	grep -q '^not ok .* agree: ' "$work/bare" &&
	    ! grep -q '^ok .* agree: ' "$work/bare" && return
	cat "$work/bare"
	return 1
}

# no_kernel_ipc KIND
no_kernel_ipc()
{
	strace -f -qq -o "$work/trace" -e trace=ipc,execve \
	    ./tests/driven "./tests/plain_$1" 'G[12]_*' >"$work/traced" || {
		cat "$work/traced"
		return 1
	}
	grep -q "execve(\"./tests/plain_$1\", .* = 0" "$work/trace" &&
	    ! grep -E '(shm|sem|msg)[a-z]*\(' "$work/trace"
}

need_module
[ -x ./tests/driven ] || skip_all "libcheck is not installed"
need strace
make_work
for kind in $kinds; do
	through "$kind" &
	differ "$kind" &
done
wait
for kind in $kinds; do
	cat "$work/results.$kind" "$work/differ.$kind"
	left_out "$kind"
done >"$work/all"
cat "$work/all"
tap_count=$(grep -Ec '^(not )?ok' "$work/all")
! grep -q '^not ok' "$work/all" || tap_failed=1
for kind in $kinds; do
	check "plain_$kind knows nothing of mipc" \
	    knows_nothing "./tests/plain_$kind"
	check "nor does plain_diff_$kind" \
	    knows_nothing "./tests/plain_diff_$kind"
	check "plain_$kind has every clause of check_$kind" all_there "$kind"
	check "... and each of them was run" as_many "$kind"
	check "without the module it dies of its first call" \
	    dies_without "$kind"
	check "... and its sides do not agree" \
	    differs_without "$kind"
	check "with it no call is the kernel's" no_kernel_ipc "$kind"
done
plan "$tap_count"
