# SPDX-License-Identifier: BSD-2-Clause
# tap.sh - one line a test, for the tests written in shell; to be sourced.
#
# A test has a private directory, $work, from make_work; it is removed at the
# end, however the end comes.  Its base is $MIPC_TEST_DIR, else where the
# machine keeps temporary files.

tap_count=0
tap_failed=0
tap_cleanup=:
work=

# tap_end is run once, by the trap.
tap_end()
{
	tap_status=$?
	trap - EXIT
	trap '' HUP INT PIPE TERM
	eval "$tap_cleanup"
	if [ -n "$work" ]; then
		rm -rf "$work"
	fi
	[ "$tap_failed" -eq 0 ] || tap_status=1
	exit "$tap_status"
}
trap tap_end EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 141' PIPE
trap 'exit 143' TERM

make_work()
{
	work=$(mktemp -d "${MIPC_TEST_DIR:-${TMPDIR:-/tmp}}/mipc-test.XXXXXX")
}

# plan N: how many tests there will be.
plan()
{
	echo "1..$1"
}

# ok WHAT: a test that passed.
ok()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $*"
}

# not_ok WHAT: a test that failed; it is the last one for those who set
# $TAP_FIRST, and only want to know that one does.
not_ok()
{
	tap_count=$((tap_count + 1))
	tap_failed=1
	echo "not ok $tap_count - $*"
	[ -z "${TAP_FIRST-}" ] || exit 1
}

# skip WHAT REASON: a test that cannot be made here.
skip()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

# skip_all REASON: none of the tests can be made here.  Who hears TAP is told by
# it, and takes another status for an error; anybody else is told by the status.
skip_all()
{
	echo "1..0 # SKIP $*"
	[ -n "${TAP_DRIVEN-}" ] || exit 77
	exit 0
}

# explain: what standard input says, as a comment.
explain()
{
	sed 's/^/# /'
}

# check WHAT COMMAND...: a test that passes if the command succeeds; the end of
# what the command prints explains a failure.
check()
{
	check_what=$1
	shift
	if check_said=$("$@" 2>&1); then
		ok "$check_what"
	else
		not_ok "$check_what"
		printf '%s\n' "$check_said" | tail -n 60 | explain
	fi
}

# refused COMMAND...: it fails.
refused()
{
	! "$@"
}

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

# need PROGRAM...: skip everything where one of them is missing.
need()
{
	for need_program; do
		command -v "$need_program" >/dev/null 2>&1 ||
		    skip_all "$need_program is not installed"
	done
}

# need_module: skip everything where no program can be preloaded.
need_module()
{
	[ -f .libs/mipc-preload.so ] ||
	    skip_all "built without the preload module"
}
