# SPDX-License-Identifier: BSD-2-Clause
# command.sh - what a command prints, for tests of one; to be sourced after
# tap.sh.  $command is its name, $work/ns the namespace.

# same FILE TEXT: what was printed there is just that.
same()
{
	[ "$(cat "$work/$1")" = "$2" ] && return
	echo "expected: $2"
	echo "found in $1:"
	cat "$work/$1"
	return 1
}

# prints STATUS OUT ERR OPTION...: just that; ERR without the command's name.
prints()
{
	status=$1 out=$2 err=$3
	shift 3
	exits "$status" "./$command" --dir "$work/ns" "$@" &&
	    same out "$out" && same err "${err:+$command: $err}"
}

# wrong MESSAGE OPTION...: a wrong usage, told above how it would be right.
wrong()
{
	message=$1
	shift
	exits 2 "./$command" --dir "$work/ns" "$@" && same out "" &&
	    sed -n 1p "$work/err" >"$work/first" &&
	    same first "$command: $message"
}
