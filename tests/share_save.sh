#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# share_save.sh - what forked workers share is saved as a checkpoint that
# mipcsnap knows; a saver who is killed leaves a whole one; and one who does
# without the lock is seen.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/command.sh"
. "$srcdir/tests/retell.sh"
command=mipcsnap

listed()
{
	exits 0 ./mipcsnap list --json "$work/c" && holds '[.objects[] |
	    [.kind, .id, .key, .perms, .size, .alone]] == [
	    ["segment", 0, "0x00000000", "600", 20001, true]]' out
}

whole()
{
	exits 0 ./mipcsnap verify "$work/c" &&
	    has out ": whole: of one segment, [0-9]+ bytes, taken 20"
}

# The segment is there, more can be made beside it, and nothing is damaged.
restored()
{
	exits 0 ./mipcsnap --dir "$work/ns" restore "$work/c" || return
	PYTHONPATH=$srcdir/tests PYTHONDONTWRITEBYTECODE=1 \
	    ./mipcrun --dir "$work/ns" -- python3 -c 'from calls import *
a = libc.shmat(0, None, 0o10000)
b = ctypes.string_at(a, 20001)
print(b == b"b" + bytes(8999) + b"m" * 100 + bytes(10900) + b"e")' \
	    >"$work/out" && same out True &&
	    exits 0 ./mipcsnap --dir "$work/ns" save "$work/again" -m 0 &&
	    exits 0 ./mipcsnap diff "$work/c" "$work/again" &&
	    exits 0 ./mipcmk --dir "$work/ns" -m 5000 -k 7 &&
	    exits 0 ./mipcmk --dir "$work/ns" -s 5 &&
	    exits 0 ./mipcck --dir "$work/ns"
}

unlocked_is_seen()
{
	! ./tests/share_save_broken --changes >"$work/said" &&
	    said '^not ok .* changes by .* a mixture$'
}

make_work
retold "a saver" share_save_kill ./tests/share_save_kill >"$work/kills"
plan "$((4 + $(grep -Ec '^(not )?ok' "$work/kills")))"
./tests/share_save --make "$work/c"
check "what is saved is listed as one segment" listed
check "it is verified" whole
check "it is restored as a namespace" restored
check "a saver that does not take the lock is seen" unlocked_is_seen
adopt "$work/kills"
