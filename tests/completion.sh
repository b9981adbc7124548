#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# completion.sh - bash completes the commands as their tables say.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

# completes EXPECTED WORD...: what bash offers for the last of the words of a
# command line, all in one line; a word "=" is one as bash cuts it.
completes()
{
	expected=$1
	shift
	found=$(bash -c '
	set -u
	. "./completions/$1" || exit
	set -- "$@"
	COMP_WORDS=("./$1" "${@:2}") COMP_CWORD=$(($# - 1)) COMPREPLY=()
	specification=($(complete -p "$1")) || exit
	"_$1" "./$1" "${@: -1}" "${@: -2:1}"
	printf "%s\n" "${COMPREPLY[@]}" | LC_ALL=C sort -u' bash "$@" 2>&1 |
	    tr '\n' ' ')
	[ "$found" = "$expected " ] && return
	echo "expected: $expected"
	echo "found: $found"
	return 1
}

# offers WORD COMMAND...: it is among what is offered.
offers()
{
	word=$1
	shift
	completes "" "$@" >/dev/null || :
	case " $found" in
	*" $word "*)
		return
		;;
	esac
	echo "no $word in: $found"
	return 1
}

# options COMMAND: those of --help, all and no others.
options()
{
	listed=$("./$1" --help |
	    sed -n 's/^  \(-.,\|   \) \(--[a-z-]*\).*/\2/p' |
	    LC_ALL=C sort | tr '\n' ' ')
	completes "${listed% }" "$1" --
}

# typed: bash itself, at a terminal, completes what was typed.
typed()
{
	python3 - "$work/ns" <<'END'
import os, pty, select, sys
pid, fd = pty.fork()
if pid == 0:
	os.environ.update(PS1="ready> ", TERM="dumb", INPUTRC="/dev/null")
	os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
def until(text):
	said = b""
	while text not in said:
		if not select.select([fd], [], [], 60)[0]:
			sys.exit("bash said only %r" % said)
		said += os.read(fd, 4096)
until(b"ready> ")
os.write(fd, b". completions/mipcrm\n")
until(b"\nready> ")
os.write(fd, b"./mipcrm --dir " + sys.argv[1].encode() + b" -S 0x\t")
until(b" -S 0x0000004f ")
os.close(fd)
os.waitpid(pid, 0)
END
}

need bash python3
[ -d completions ] || skip_all "built without completions"
make_work
mkdir "$work/a" "$work/b"
: >"$work/file"
for object in "-m1" "-m1 -k0x1234" "-s1 -k0x4f" "-q" "-q"; do
	./mipcmk --dir "$work/ns" $object >/dev/null
done
plan 24
for command in mipcck mipcmk mipcrm mipcrun mipcs mipcsnap; do
	check "the options of $command are those of its help" options $command
done
check "a part of an option" completes "--semaphore-id --semaphore-key" \
    mipcrm --sem
check "a directory" completes "$work/a $work/b $work/ns" \
    mipcs --dir "$work/"
check "... behind an equals sign" completes "$work/a" \
    mipcs --dir = "$work/a"
check "... behind one alone" offers lib mipcs --dir =
check "a user" offers root mipcrm --owner roo
check "limits" completes "msgmax= msgmnb= msgmni=" mipcmk --limit msg
check "... of a program's namespace" completes "shm_rmid_forced=" \
    mipcrun --limit shm_
check "an optional argument stands behind an equals sign" \
    completes "sem shm" mipcrm -a = s
check "... and nowhere else" completes "" mipcrm -a s
check "a list's first column" completes "semid" mipcs --output semi
check "... and its second" completes "key,semid" mipcs --output key,semi
check "identifiers of a kind" completes "0 1" \
    mipcrm --dir "$work/ns" -q ""
check "... several" completes "0 1" mipcrm --dir "$work/ns" -m 0 ""
check "... of the namespace that is named" completes "0" \
    mipcrm --dir = "$work/ns" -s ""
check "keys, but those that are none" completes "0x00001234" \
    mipcrm --dir "$work/ns" -M ""
check "a program" offers true mipcrun --dir "$work/ns" tru
check "... and what stands behind it is not mipcrun's" \
    completes "" mipcrun --dir "$work/ns" true --
check "at a terminal" typed
