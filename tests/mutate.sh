#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# mutate.sh - random bytes over the files of a namespace, and what looks at it
# or makes something in it: nothing crashes, nothing hangs.  MIPC_SEED repeats a
# run.
#
#	mutate.sh [MUTANTS [RUNS]]	(mutate_long.sh: many)

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

mutants=${1:-2000}
runs=${2:-20}
seed=${MIPC_SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}

need timeout od
make_work
plan 5

check "$mutants mutants neither crash nor hang who looks at them" \
    ./tests/mutate --seed "$seed" --count "$mutants"

# Bytes of the seed's, and of the number that is given.
random()
{
	printf '%s' "$seed $1" | cksum | cut -d' ' -f1
}

# spoil NUMBER: 48 bytes of some file, which differ from run to run.
spoil()
{
	n=$(random "$1")
	file=$(find "$work/mutant" -type f -size +0 | sort |
	    sed -n "$((n % $(find "$work/mutant" -type f -size +0 |
	    wc -l) + 1))p")
	at=$(random "at $1")
	at=$((at % 2 ? at % 2048 : at % 40960))
	printf '%s' "$(random "a $1")$(random "b $1")$(random "c $1")" |
	    md5sum | dd of="$file" bs=1 seek="$at" count=32 conv=notrunc \
	    2>/dev/null
}

# ends COMMAND...: by itself, soon, with a status that it has.
ends()
{
	timeout -k 1 20 "$@" >"$work/out" 2>"$work/err"
	status=$?
	[ "$status" -le 3 ] && return
	# Damaged, or nothing that can be checked.
	case $1:$status in
	*mipcck:4|*mipcck:8)
		return 0
		;;
	esac
	echo "seed $seed, run $run: $*: status $status"
	tail -n 5 "$work/err"
	return 1
}

make_origin()
{
	for kind in "-m 10000" "-s 5" -q "-s 200 -k 9"; do
		# shellcheck disable=SC2086
		./mipcmk --dir "$work/origin" $kind || return
	done
}

# run_all PROGRAM FORM...: each on mutants of its own.
run_all()
{
	program=$1
	shift
	run=0
	while [ "$run" -lt "$runs" ]; do
		for form; do
			run=$((run + 1))
			rm -rf "$work/mutant"
			cp -a "$work/origin" "$work/mutant"
			spoil "$run"
			# shellcheck disable=SC2086
			ends "./$program" --dir "$work/mutant" $form ||
			    return
		done
	done
}

run_writers()
{
	run_all mipcrm "--dry-run -a" "--dry-run --orphans" &&
	    run_all mipcmk "-m 4096" "-s 3" -q
}

# mipcck looks, and then mends: what is still damaged after it is found there.
checks()
{
	run=0
	while [ "$run" -lt "$runs" ]; do
		run=$((run + 1))
		rm -rf "$work/mutant"
		cp -a "$work/origin" "$work/mutant"
		spoil "$run"
		ends ./mipcck --dir "$work/mutant" -v &&
		    ends ./mipcck --dir "$work/mutant" --repair || return
		[ "$status" -gt 1 ] ||
		    ./mipcck --dir "$work/mutant" >"$work/out" || {
			echo "seed $seed, run $run: repaired, and damaged"
			return 1
		}
	done
}

make_origin >"$work/ids"
check "... nor the programs themselves" run_all mipcs -a -u -l "-m -i 0" \
    "-s -i 0" "-q -i 0" --waits --orphans "--peek 0" --json --raw
check "mipcck neither, and what it repairs is not damaged" checks
check "mipcrm neither, nor mipcmk, which writes there" run_writers

# ---- what it is for ----

# Where one bound is left out it says so.
broken()
{
	./tests/mutate_broken --seed "$seed" --count 12000 --quiet \
	    --only msg. \
	    >"$work/said" && return 1
	grep -q "^ok 1" "$work/said"
}
check "a reference that is believed is found out" broken
