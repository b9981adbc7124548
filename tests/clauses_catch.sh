#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# clauses_catch.sh - the clause tests see what they are for.
#
# check_shm, check_sem and check_msg run each clause's tests on an
# implementation in which one thing is made wrong; at least one of them must
# fail.  And every clause has both: tests, and something wrong that they see.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

check_shm=${CHECK_SHM:-./tests/check_shm}
check_sem=${CHECK_SEM:-./tests/check_sem}
check_msg=${CHECK_MSG:-./tests/check_msg}
clauses_shm="G1 G2 G3 G4 G5 G6 G7 G8 G9 G10
H1 H2 H3 H4 H5 H6 H7 H8 H9 H10 H11 H12 ftok"
clauses_sem="G1 G2 G3 G4 G5 G6 G7 G8
S1 S2 S3 S4 S5 S6 S7 S8 S9 S10 S11 S12 S13 S14 S15 S16 S17"
clauses_msg="G1 G2 G3 G4 G5 G6 G7 G8
M1 M2 M3 M4 M5 M6 M7 M8 M9 M10 M11 M12 S17"

# said_of_broken PROGRAM NAME PATTERN: again if nothing is seen, since on a
# machine that is late with all a wait that is too short looks long enough.
said_of_broken()
{
	for try in 1 2 3; do
		said=$("$1" --broken "$2" "$3")
		case $said in
		*"not ok "*|*"# SKIP "*)
			return ;;
		esac
	done
}

# catch PROGRAM NAME PATTERN: the tests that match fail on the broken one; what
# this user or machine cannot do is not there to fail.
catch()
{
	said_of_broken "$@"
	catch_what="${1##*/}: $3 see $2"
	case $said in
	*"not ok "*)
		ok "$catch_what"
		;;
	*"# SKIP "*)
		reason=${said#*"# SKIP "}
		skip "$catch_what" "${reason%%"
"*}"
		;;
	*)
		not_ok "$catch_what"
		printf '%s\n' "$said" | explain
		;;
	esac
}

# every_clause_is_broken_once LIST CLAUSE...
every_clause_is_broken_once()
{
	list=$1
	shift
	for clause; do
		grep -q " ${clause}_[^ ]*\$" "$list" || {
			echo "nothing breaks $clause"
			return 1
		}
	done
}

# catch_all PROGRAM LIST CLAUSE...
catch_all()
{
	program=$1
	list=$2
	shift 2
	check "${program##*/}: every clause has something wrong to see" \
	    every_clause_is_broken_once "$list" "$@"
	while read -r name clause; do
		catch "$program" "$name" "$clause"
	done <"$list"
}

make_work
for program in "$check_shm" "$check_sem" "$check_msg"; do
	"$program" --list-broken >"$work/${program##*/}" || {
		echo "Bail out! no $program"
		exit 99
	}
done
plan $(($(cat "$work"/check_* | wc -l) + 3))
catch_all "$check_shm" "$work/check_shm" $clauses_shm
catch_all "$check_sem" "$work/check_sem" $clauses_sem
catch_all "$check_msg" "$work/check_msg" $clauses_msg
