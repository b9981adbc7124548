#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# postgresql.sh - PostgreSQL with all its shared memory in segments: a cluster
# is made, pgbench runs, backends and the postmaster are killed.  The count of
# attaches is what keeps a second postmaster from data that a backend of a
# dead one may still write.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/programs/program.sh"

clients=4
transactions=50			# of each client
ready="database system is ready to accept connections"

make_cluster()
{
	on_mipc "$bin/initdb" -D "$home/data" -U postgres -A trust -E UTF8 \
	    --no-locale --no-sync --no-instructions || return
	cat >>"$home/data/postgresql.conf" <<-END
	shared_memory_type = sysv
	dynamic_shared_memory_type = sysv
	shared_buffers = 4MB
	listen_addresses = ''
	unix_socket_directories = '$home'
	fsync = off
	autovacuum = off
	max_logical_replication_workers = 0
	END
}

postmaster()
{
	sed 1q "$home/data/postmaster.pid"
}

start()
{
	launch "$bin/postgres" -D "$home/data"
	hear "$ready"
}

# ask [SETTING...] QUERY
ask()
{
	for statement; do
		set -- "$@" -c "$statement"
		shift
	done
	as_user "$bin/psql" -h "$home" -U postgres -XqAt "$@"
}

# is EXPECTED [SETTING...] QUERY
is()
{
	expected=$1
	shift
	answer=$(ask "$@") && [ "$answer" = "$expected" ] && return
	echo "answer \"$answer\", expected \"$expected\""
	return 1
}

bench()
{
	as_user "$bin/pgbench" -h "$home" -U postgres "$@" postgres
}

# Every transaction adds the same amount in four tables.
sums_agree()
{
	is "t|$1" "select
	    (select sum(abalance) from pgbench_accounts) = sum(delta) and
	    (select sum(tbalance) from pgbench_tellers) = sum(delta) and
	    (select sum(bbalance) from pgbench_branches) = sum(delta),
	    count(*) from pgbench_history"
}

benched()
{
	bench -i -q && bench -c "$clients" -j 2 -t "$transactions" &&
	    sums_agree $((clients * transactions))
}

# Workers meet the one that asks in a segment, which is gone afterwards; those
# for statistics stay.
summed_in_parallel()
{
	query="select sum(aid) from pgbench_accounts"
	set -- "set max_parallel_workers_per_gather = 2" \
	    "set min_parallel_table_scan_size = 0" \
	    "set parallel_setup_cost = 0" "set parallel_tuple_cost = 0"
	ask "$@" "explain (analyze) $query" >"$work/plan" &&
	    cat "$work/plan" && grep -q 'Workers Launched: 2' "$work/plan" &&
	    settled 0 || return
	awk '{ print $1 }' "$work/segments" >"$work/before"
	is 5000050000 "$@" "$query" && settled 0 || return
	awk '{ print $1 }' "$work/segments" | diff "$work/before" -
}

# family: the postmaster and its children, of which each attaches all.
family()
{
	echo $(($(wc -w <"/proc/$1/task/$1/children") + 1))
}

# settled CLIENTS: two segments are attached by all, and those are so many
# clients' backends besides the processes that are always there; others by
# who has used them.  A client does not wait for the end of its backend, hence
# the tries.
settled()
{
	expected=$(($(cat "$work/always") + $1))
	for try in $(seq 20); do
		nattch_right >"$work/found" &&
		    [ "$(family "$(postmaster)")" -eq "$expected" ] &&
		    awk -v n="$expected" '$2 == n { all++ }
		    END { exit all != 2 }' "$work/segments" && return
	done
	cat "$work/found"
	return 1
}

# Its memory, and the table of the dynamic segments.
in_two_segments()
{
	family "$(postmaster)" >"$work/always"
	settled 0 && is sysv "show shared_memory_type" &&
	    is sysv "show dynamic_shared_memory_type" &&
	    [ -z "$(ls "$home/data/pg_dynshmem")" ]
}

# begin_session: a backend that waits for what comes through descriptor 4;
# answers come through descriptor 5.
begin_session()
{
	as_user "$bin/psql" -h "$home" -U postgres -XqAt <"$work/questions" \
	    >"$work/answers" 2>/dev/null 3>&- 4>&- 5>&- &
	session=$!
	echo "select pg_backend_pid();" >&4
	read -r backend <&5
}

# A client whose server has gone fails.
end_session()
{
	echo '\q' >&4
	wait "$session" || :
}

# Clients that wait for a lock of the session's come and go.
counted()
{
	begin_session
	echo "select pg_advisory_lock(1), 'locked';" >&4
	read -r answer <&5 && [ "$answer" = "|locked" ] || return
	cat >"$work/script" <<-'END'
	select pg_advisory_lock_shared(1);
	select pg_advisory_unlock_shared(1);
	END
	bench -n -c "$clients" -t 1 -f "$work/script" \
	    >"$work/benched" 2>&1 3>&- 4>&- 5>&- &
	settled $((clients + 1)) || return
	echo "select pg_advisory_unlock(1);" >&4
	read -r answer <&5 && wait "$!" && settled 1 || return
	end_session
	settled 0
}

# The postmaster ends all others, and begins anew with other segments.
backend_killed()
{
	begin_session
	as_user kill -KILL "$backend"
	end_session
	hear "$ready" && settled 0 && sums_agree $((clients * transactions))
}

# A stopped backend does not see that its postmaster has ended.
postmaster_killed()
{
	begin_session
	killed=$(postmaster)
	as_user kill -STOP "$backend" && as_user kill -KILL "$killed" || return
	reaped "$killed"
	! on_mipc timeout 20 "$bin/postgres" -D "$home/data" \
	    >"$work/refusal" 2>&1
	cat "$work/refusal"
	grep -q 'pre-existing shared memory block .* still in use' \
	    "$work/refusal" && [ -n "$(mapping "$home/namespace/shm.")" ] ||
		return
	as_user kill -CONT "$backend"
	end_session
	hear "ended with status"
	for pid in $(members); do
		"$user" await "$pid"
	done
}

accepted()
{
	start && settled 0 && sums_agree $((clients * transactions))
}

stop()
{
	as_user kill -INT "$(postmaster)"
	hear "ended with status 0"
}

stopped()
{
	stop && none_left
}

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)
[ -x "$bin/postgres" ] || skip_all "postgresql is not installed"
prepare
cd "$work"
mkfifo "$work/questions" "$work/answers"
exec 4<>"$work/questions" 5<>"$work/answers"
plan 11
step "a cluster is made" make_cluster
step "the server starts" start
step "its memory is two segments that all its processes attach" \
    in_two_segments
step "pgbench's transactions add up" benched
step "workers in parallel share a segment, and the sum is right" \
    summed_in_parallel
step "clients that come and go are counted" counted
step "a backend is killed, and the server is there again" backend_killed
step "a second postmaster is refused while a backend lives" \
    postmaster_killed
step "it is accepted when the backend has ended" accepted
step "a server that is stopped leaves nothing" stopped
check_trace postgres
