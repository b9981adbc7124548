#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# options.sh - what the command lines of all commands have in common.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

commands="mipcck mipcmk mipcrm mipcrun mipcs mipcsnap"

# says FILE TEXT: what was printed there has it.
says()
{
	grep -qF -- "$2" "$work/$1" && return
	echo "$1 does not say $2:"
	cat "$work/$1"
	return 1
}

# help COMMAND OPTION...: --help tells of each, in lines that fit.
help()
{
	command=$1
	shift
	exits 0 "./$command" --help && says out "Usage: $command" || return
	for option; do
		says out "--$option" || return
	done
	if grep '.\{80\}' "$work/out"; then
		return 1
	fi
}

# full COMMAND OPTION: what cannot be printed is no success.
full()
{
	! "./$1" "$2" >/dev/full 2>"$work/err" &&
	    says err "$1: standard output: No space left"
}

# wrong COMMAND WORD...: a usage error, and how it would be right.
wrong()
{
	exits 2 "./$@" && says err "Usage: $1" && says err "$1 --help"
}

make_work
plan $(($(echo $commands | wc -w) * 6))
for command in $commands; do
	check "$command: --help tells of its options" \
	    help $command dir help version
	check "$command: -h is as --help" exits 0 "./$command" -h
	check "$command: --version" \
	    eval exits 0 "./$command" -V '&&' says out "'$command (mipc) '"
	check "$command: an unknown option is refused" \
	    wrong $command --nonsense
	check "$command: an option without its argument is refused" \
	    wrong $command --dir
	check "$command: no room for --help is a failure" full $command --help
done
