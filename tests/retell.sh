# SPDX-License-Identifier: BSD-2-Clause
# retell.sh - the tests of one program in one of several places, each as a
# test of its own; to be sourced.

# retell PLACE PROGRAM STATUS <TAP: its lines under the name of the place;
# what it failed to say is a failure.
retell()
{
	awk -v place="$1" -v program="${2##*/}" -v status="$3" '
	/^1\.\.0/ {
		sub(/^1\.\.0[ \t]*#?[ \t]*(SKIP)?[ \t]*/, "")
		print "ok - " place ": " program " # SKIP " $0
		n++
		next
	}
	/^1\.\.[0-9]+/ { sub(/^1\.\./, ""); planned = $1 + 0; next }
	/^(not )?ok/ {
		verdict = /^not/ ? "not ok" : "ok"
		bad += /^not/ ? 1 : 0
		sub(/^(not )?ok[ \t]*[0-9]*[ \t]*-?[ \t]*/, "")
		print verdict " - " place ": " program ": " $0
		n++
		next
	}
	/^Bail out!/ { print "not ok - " place ": " program ": " $0; bad++ }
	/^#/ { print }
	END {
		if (!n || (planned && planned != n) || (status && !bad))
			print "not ok - " place ": " program " made " n + 0 \
			    " of " planned + 0 " tests, status " status
	}'
}

# retold PLACE PROGRAM COMMAND...: run it, and retell that.
retold()
{
	retold_place=$1
	retold_program=$2
	shift 2
	status=0
	"$@" >"$work/said" || status=$?
	retell "$retold_place" "$retold_program" "$status" <"$work/said"
}

# adopt FILE: what was retold there is this test's own.
adopt()
{
	cat "$1"
	tap_count=$((tap_count + $(grep -Ec '^(not )?ok' "$1")))
	! grep -q '^not ok' "$1" || tap_failed=1
}

# said WHAT: a line of the last program says so.
said()
{
	grep -q "$1" "$work/said" && return
	cat "$work/said"
	return 1
}
