#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# plain.sh - the clause tests and the differential tests in programs that know
# nothing of mipc, through the preload module; of this machine's word size and
# of 32 bits.
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

# What a make that runs this test says to its own children is not for ours.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
MAKE=${MAKE:-make}

kinds="shm sem msg"
ops=20000			# of a differential test

# A clause's test is named by its letter and number.
is_clause='^([GHSM][0-9]+|ftok)_'

# ---- programs --------------------------------------------------------------

# build BITS: where mipcrun, the module and the programs of a word size are.
# Processes of others execute and load them as well.
build()
{
	echo "$work/m$1"
}

copy_64()
{
	mkdir -p "$work/m64/.libs" "$work/m64/tests" &&
	    cp mipcrun "$work/m64" &&
	    cp .libs/mipc-preload.so "$work/m64/.libs" &&
	    cp tests/plain_shm tests/plain_sem tests/plain_msg \
	    tests/plain_diff_shm tests/plain_diff_sem tests/plain_diff_msg \
	    "$work/m64/tests"
}

# makes_32: programs of 32 bits can be compiled and run.
makes_32()
{
	echo 'int main(void) { return 0; }' >"$work/tiny.c"
	gcc -m32 -o "$work/tiny" "$work/tiny.c" 2>/dev/null && "$work/tiny"
}

# build_32: what is needed of a build of 32 bits; in a process of its own.
build_32()
{
	source=$(cd "$srcdir" && pwd) && mkdir "$work/m32" &&
	    cd "$work/m32" &&
	    "$source/configure" -q CC="gcc -m32" CFLAGS="-O2 -Wno-psabi" \
	    --host=i686-pc-linux-gnu --enable-werror --disable-static \
	    --without-smartcols &&
	    $MAKE -s -j"$(getconf _NPROCESSORS_ONLN)" mipcrun \
	    mipc-preload.la $(printf 'tests/plain_%s tests/plain_diff_%s ' \
	    shm shm sem sem msg msg) && : >"$work/built"
}

# knows_nothing PROGRAM: no name of mipc's is in it, nor a library but libc.
knows_nothing()
{
	! nm -a "$1" | grep -i mipc &&
	    [ "$(ldd "$1" | grep -vcE 'libc\.so|linux-|ld-linux')" = 0 ]
}

# ---- the clauses -----------------------------------------------------------

# names: of tests, each once, in the order of a list.
names()
{
	cut -d' ' -f1 | uniq
}

# all_there KIND BITS: every clause of which check_KIND has a test is tested.
# Rows of a test's table that a long of 32 bits cannot hold are not there.
all_there()
{
	"./tests/check_$1" --list | grep -E "$is_clause" >"$work/wanted"
	"$(build "$2")/tests/plain_$1" --list >"$work/there.$1.$2"
	if [ "$2" = 32 ]; then
		names <"$work/there.$1.$2" >"$work/there"
		names <"$work/wanted" >"$work/names" &&
		    mv "$work/names" "$work/wanted"
	else
		cp "$work/there.$1.$2" "$work/there"
	fi
	[ -s "$work/wanted" ] && cmp "$work/wanted" "$work/there"
}

# as_many KIND BITS: none was forgotten on the way.
as_many()
{
	[ "$(grep -Ec '^(not )?ok' "$work/clauses.$1.$2")" -eq \
	    "$(wc -l <"$work/there.$1.$2")" ]
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

# run_clauses KIND BITS: lines in $work/clauses.KIND.BITS.
run_clauses()
{
	at=$(build "$2")
	status=0
	./tests/driven --mipcrun "$at/mipcrun" "$at/tests/plain_$1" \
	    >"$work/said.$1.$2" || status=$?
	retell "$2" "plain_$1" "$status" <"$work/said.$1.$2" \
	    >"$work/clauses.$1.$2"
}

# A call that reached the kernel would be seen.
dies_without()
{
	./tests/driven --bare "$(build "$2")/tests/plain_$1" 'G1_*' \
	    >"$work/bare"
	grep -q '^not ok .* killed by SYS' "$work/bare" &&
	    ! grep -q '^ok' "$work/bare" && return
	cat "$work/bare"
	return 1
}

# no_kernel_ipc KIND BITS
no_kernel_ipc()
{
	at=$(build "$2")
	strace -f -qq -o "$work/trace" -e trace=ipc,execve \
	    ./tests/driven --mipcrun "$at/mipcrun" "$at/tests/plain_$1" \
	    'G[12]_*' >"$work/traced" || {
		cat "$work/traced"
		return 1
	}
	grep -qF "execve(\"$at/tests/plain_$1\"," "$work/trace" &&
	    ! grep -E '(ipc|(shm|sem|msg)[a-z0-9_]*)\(' "$work/trace"
}

# ---- the differential tests ------------------------------------------------

# differ KIND BITS: lines in $work/differ.KIND.BITS.
differ()
{
	at=$(build "$2")
	status=0
	"$at/mipcrun" --private -- "$at/tests/plain_diff_$1" --ops "$ops" \
	    >"$work/said.differ.$1.$2" || status=$?
	retell "$2" "plain_diff_$1" "$status" <"$work/said.differ.$1.$2" \
	    >"$work/differ.$1.$2"
}

# Each call on mipc's side would be a call too many.
differs_without()
{
	"$(build "$2")/tests/plain_diff_$1" --ops 100 >"$work/bare" 2>&1
	grep -q '^not ok .* agree: ' "$work/bare" &&
	    ! grep -q '^ok .* agree: ' "$work/bare" && return
	grep -q '^1\.\.0 # SKIP' "$work/bare" && return
	cat "$work/bare"
	return 1
}

# ---- both word sizes -------------------------------------------------------

# letters COMMAND64 COMMAND32: who reads what the other has written.  Types
# that one of them cannot hold are among it.
letters()
{
	for type in 1 2147483647 2147483648 4294967301 1099511627781 7; do
		$1 put "$type"
	done
	$2 take 0			# 1
	$2 take 5			# none: it is compared as it is
	$2 take -2147483647		# 7
	$2 take 2147483647
	for turn in 1 2 3; do
		$2 take 0		# what is left of a larger type
	done
	$2 put 9
	$2 put -3
	$1 take -100			# 9
	$1 take 0
}

# As the kernel has it for programs of both, so has the module.
letters_agree()
{
	cat >"$work/letter.c" <<-'END'
	#include <sys/msg.h>
	#include <stdio.h>
	#include <stdlib.h>
	#include <string.h>

	int
	main(int argc, char **argv)
	{
		struct { long type; char text[8]; } m = { 0, "letter" };
		int id = msgget(0x6c, IPC_CREAT | 0600);
		long type = argc > 2 ? (long)atoll(argv[2]) : 0;

		m.type = type;
		if (strcmp(argv[1], "put") == 0)
			printf("%d ", msgsnd(id, &m, 7, IPC_NOWAIT));
		else
			printf("%d ", (int)msgrcv(id, &m, 8, type,
			    IPC_NOWAIT));
		printf("%ld %s %m\n", m.type, m.text);
		return 0;
	}
	END
	gcc -D_GNU_SOURCE -o "$work/letter64" "$work/letter.c" &&
	    gcc -m32 -D_GNU_SOURCE -o "$work/letter32" "$work/letter.c" ||
	    return
	( letters "$work/m64/mipcrun --dir $work/both $work/letter64" \
	    "$work/m32/mipcrun --dir $work/both $work/letter32"
	) >"$work/letters"
	cat >"$work/letters.sh" <<-END
	$(sed -n '/^letters()/,/^}/p' "$srcdir/tests/plain.sh")
	letters "$work/letter64" "$work/letter32"
	END
	unshare -i sh "$work/letters.sh" >"$work/letters.kernel"
	[ "$(wc -l <"$work/letters.kernel")" -eq 17 ] &&
	    diff "$work/letters.kernel" "$work/letters"
}

# ---- all of it -------------------------------------------------------------

# run_all BITS: all at once, for some of it waits; until what was begun before
# has ended, too.
run_all()
{
	for kind in $kinds; do
		run_clauses "$kind" "$1" &
		differ "$kind" "$1" &
	done
	wait
}

# tell_all BITS
tell_all()
{
	for kind in $kinds; do
		cat "$work/clauses.$kind.$1" "$work/differ.$kind.$1"
	done >"$work/all"
	adopt "$work/all"
	for kind in $kinds; do
		at=$(build "$1")/tests
		check "$1: plain_$kind knows nothing of mipc" \
		    knows_nothing "$at/plain_$kind"
		check "$1: nor does plain_diff_$kind" \
		    knows_nothing "$at/plain_diff_$kind"
		check "$1: plain_$kind has every clause of check_$kind" \
		    all_there "$kind" "$1"
		check "$1: ... and each of its tests was run" \
		    as_many "$kind" "$1"
		check "$1: without the module it dies of its first call" \
		    dies_without "$kind" "$1"
		check "$1: ... and sides do not agree" \
		    differs_without "$kind" "$1"
		check "$1: with it no call is the kernel's" \
		    no_kernel_ipc "$kind" "$1"
	done
}

need_module
[ -x ./tests/driven ] || skip_all "libcheck is not installed"
need strace
umask 022
make_work
chmod 755 "$work"
copy_64
makes_32 && has_32=yes || has_32=
[ -z "$has_32" ] || (build_32) >"$work/said.build" 2>&1 &
run_all 64
for kind in $kinds; do
	left_out "$kind"
done
tell_all 64
if [ -z "$has_32" ]; then
	skip "the same in 32 bits" "gcc makes no programs of 32 bits here"
elif [ ! -e "$work/built" ]; then
	not_ok "it builds in 32 bits"
	tail -n 40 "$work/said.build" | explain
else
	ok "it builds in 32 bits"
	run_all 32
	tell_all 32
	if unshare -i true 2>/dev/null; then
		check "types of messages are cut as by the kernel" \
		    letters_agree
	else
		skip "types of messages are cut as by the kernel" \
		    "no IPC namespace of its own (unshare)"
	fi
fi
plan "$tap_count"
