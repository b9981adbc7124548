#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# exact.sh - what mipcs, mipcmk, mipcrm and mipcck print, to the letter.
#
# exact.txt has command lines, each behind a "$ ", and below each what it
# prints, standard error first, and its exit status unless it is 0.  They are
# run in that order on namespaces that nothing else uses; each option of each
# command is in one of them.  `tests/exact.sh --print`, in the build directory,
# prints what the file is to be once it has been read and found right.
#
# What no two runs have in common is masked: the filter is mask(), below.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/command.sh"

# The commands as exact.txt calls them: `mipcs` is on the namespace in use, the
# others on the one that they make.
mipcs()
{
	./mipcs --dir "$work/ns" "$@"
}

for command in mipcs mipcmk mipcrm mipcck; do
	[ "$command" = mipcs ] ||
	    eval "$command() { ./$command --dir \"\$work/made\" \"\$@\"; }"
done

# break_set: bytes of zeros where the set 1 was.
break_set()
{
	dd if=/dev/zero of="$work/made/sem.1" bs=4096 count=1 conv=notrunc \
	    2>/dev/null
}

# one_line: JSON without what is blank, each table in a line of its own.
one_line()
{
	jq -c 'to_entries[] | {(.key): .value}'
}

# mask: the three processes, users and groups by name and number, the command
# line of the program, the test's directory, times, ages, what is taken up on
# the disk or in memory, lives, the version; how many blanks there are, and
# tabs in place of them where there is no libsmartcols; what 32 bits hold.
mask()
{
	id="\\(\\<[0-9]*\\>\\)"
	sed -e "s,$work,WORK,g" \
	    -e 's/\(x20\|\<\)1[7-9][0-9]\{8\}\>/\1TIME/g' \
	    -e 's,[^"	 ]*python3[0-9.]*\( \|\\x20\)WORK/use,COMMAND,g' \
	    -e 's/[0-9]\{4\}-[0-9][0-9]-[0-9][0-9] [0-9:]\{8\}/DATE/g' \
	    -e 's/[0-9]*-[0-9]*-[0-9]*T[0-9:]*[+-][0-9:]*/ISO/g' \
	    -e 's/[A-Z]..[ ]*[A-Z]..[ ]*[0-9]* [0-9:]* [0-9]\{4\}/FULL/g' \
	    -e "s/\\<$pid\\>/PID/g; s/\\<$sleeper\\>/SLEEPER/g" \
	    -e "s/\\<$receiver\\>/RECEIVER/g; s/\\<p[0-9]\\{6,\\}/LIFE/g" \
	    -e "s/\\<$me\\>/NAME/g; s/\\<$group\\>/NAME/g" \
	    -e 's/"\(c*[ug]id\)":[0-9][0-9]*/"\1":NUMBER/g' \
	    -e "s/ \\([msq]\\) $id $id $id $id / \\1 UID GID UID GID /" \
	    -e 's/"\(age\|seconds\)":[0-9][0-9]*/"\1":SOME/g' \
	    -e 's/"used":[0-9]*,\("alive\|"age\|"lock\)/"used":SOME,\1/g' \
	    -e 's/\(used_bytes{.*}\) [0-9]*/\1 SOME/' \
	    -e 's/^\(resident\|swapped\)\([	 ]*\)[0-9]*/\1\2SOME/' \
	    -e 's/, [0-9]* s"/, SOME s"/' \
	    -e 's/creator [0-9]* has/creator PID has/' \
	    -e 's/"use%":0\.0/"use%":0/' \
	    -e 's/18446744073692774399\|4278190079/MOST/' \
	    -e "s/(mipc) $version/(mipc) VERSION/" |
	    tr -s '\t ' '  ' | sed -e 's/ *$//; s/^ //' \
	    -e 's/ \(TIME\|DATE\) [0-9][0-9]* \(yes\|no\) / \1 SOME \2 /' \
	    -e 's/\( yes\| no\) \(TIME\|DATE\) [0-9][0-9]*/\1 \2 SOME/' \
	    -e 's/ [0-9]* no$/ SOME no/' \
	    -e 's/ [0-9]* [0-9]* PID COMMAND/ SOME SOME PID COMMAND/'
}

# transcript: each command line of exact.txt with what it prints now; `finish`,
# which is one of them, ends the three processes.
transcript()
{
	while read -r dollar line; do
		[ "$dollar" = '$' ] || continue
		printf '$ %s\n' "$line"
		eval "$line" >"$work/out" 2>"$work/err" </dev/null
		status=$?
		cat "$work/err" "$work/out" | mask
		[ $status -eq 0 ] || echo "exit status $status"
	done <"$srcdir/tests/exact.txt"
}

# usable: no pid can be taken for another number that is printed.
usable()
{
	for number in $pid $sleeper $receiver; do
		! grep -qw -e "$number" "$srcdir/tests/exact.txt" || return
	done
}

# All have --dir.  The others have tests of their own: a watch and events do not
# end, the kernel's objects are somebody's, and completion.sh and options.sh
# compare what is completed and helped with the tables.
elsewhere='dir watch events kernel completion help h'

# missing COMMAND: its options, short and long, that no command line has.
missing()
{
	"./$1" --help | sed -n 's/^  -\(.\), --\([a-z-]*\).*/-\1\n--\2/p
	    s/^      --\([a-z-]*\).*/--\1/p' >"$work/options"
	[ "$(wc -l <"$work/options")" -ge 9 ] || echo "no options of $1"
	while read -r option; do
		name=${option#-}
		case " $elsewhere " in
		*" ${name#-} "*)
			continue
			;;
		--*)
			pattern="\\<$1 (.* )?$option([ =]|\$)"
			;;
		*)
			pattern="\\<$1 (.* )?-[A-Za-z]*${option#-}"
			;;
		esac
		grep '^\$ ' "$srcdir/tests/exact.txt" |
		    grep -qE -e "$pattern" || echo "$1 $option"
	done <"$work/options"
}

all_there()
{
	for command in mipcs mipcmk mipcrm mipcck; do
		missing "$command"
	done >"$work/missing"
	same missing ""
}

print=${1-}
need python3
need jq
need_module
make_work
cp "$srcdir/tests/use.py" "$work/use"
while begin use; do
	set -- $said
	pid=$1 sleeper=$2 receiver=$3
	usable && break
	finish
	rm -rf "$work/ns"
done
me=$(id -un) group=$(id -gn) uid=$(id -u)
version=$(./mipcs --version | sed 's/.* //')
if [ "$print" = --print ]; then
	transcript
	exit
fi
plan 2
check "each option is called" all_there
transcript >"$work/found"
check "what is printed is as it was" diff "$srcdir/tests/exact.txt" \
    "$work/found"
