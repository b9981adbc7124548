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

# has FILE PATTERN: what was printed there has a line like an extended regular
# expression.
has()
{
	grep -qE -- "$2" "$work/$1" && return
	echo "$1 has no line like $2:"
	cat "$work/$1"
	return 1
}

# holds FILTER FILE: jq's filter is true of the JSON that is there; of nothing
# none is, whatever jq's exit status says of it.
holds()
{
	[ -s "$work/$2" ] && jq -e "$1" "$work/$2" >/dev/null && return
	cat "$work/$2"
	return 1
}

# json FILTER OPTION...: the same of what the command prints in JSON.
json()
{
	filter=$1
	shift
	"./$command" --dir "$work/ns" -J "$@" >"$work/json" &&
	    holds "$filter" json
}

# in_namespace FILE ARGUMENT...: a python program that is there runs on the
# namespace; calls.py has the calls.
in_namespace()
{
	program=$1
	shift
	PYTHONPATH=$srcdir/tests PYTHONDONTWRITEBYTECODE=1 \
	    ./mipcrun --dir "$work/ns" -- python3 "$work/$program" "$@"
}

# begin FILE: the same, beside the test, until it prints a line, which is in
# $said; finish sends it one and waits for its end.
begin()
{
	rm -f "$work/said" "$work/told"
	mkfifo "$work/said" "$work/told"
	exec 3<>"$work/said" 4<>"$work/told"
	(in_namespace "$1" || echo failed) <&4 >&3 &
	begun=$!
	tap_cleanup=finish
	read -r said <&3
	[ "$said" != failed ]
}

finish()
{
	tap_cleanup=:
	echo >&4
	wait "$begun"
}
