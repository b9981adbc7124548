#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# uwsgi.sh - uWSGI, whose workers take turns at accepting, and at what the
# application chooses, by semaphores: one that has a lock is killed, and the
# others go on.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/programs/program.sh"

workers=4
ready="spawned uWSGI worker $workers "

configure()
{
	mkfifo "$home/told"
	chmod 666 "$home/told"
	cat >"$home/configuration.ini" <<-END
	[uwsgi]
	plugin = python3
	lock-engine = ipcsem
	thunder-lock = true
	master = true
	workers = $workers
	http-socket = $home/socket
	chdir = $home
	wsgi-file = $work/application.py
	disable-logging = true
	die-on-term = true
	pidfile = $home/pid
	END
}

# served N: so many requests, at a time.
served()
{
	requests=
	for n in $(seq "$1"); do
		get "$home/socket" /pid >"$work/got.$n" 2>&1 3>&- &
		requests="$requests $!"
	done
	wait $requests
	cat "$work"/got.* >"$work/answers"
	rm "$work"/got.*
	sort "$work/answers" | uniq -c
	[ "$(grep -cE '^worker [0-9]+$' "$work/answers")" -eq "$1" ]
}

started()
{
	launch uwsgi --ini "$home/configuration.ini"
	hear "lock engine: ipcsem" && hear "$ready" && holder
}

# The lock is that which keeps two workers from waiting at once.
accepter_killed()
{
	for round in 1 2 3; do
		victim=$(holder) && as_user kill -KILL "$victim" || return
		hear "$victim" && served 4 || return
	done
}

# The lock is the application's: two wait for it, and one more serves.
holder_killed()
{
	get "$home/socket" /hold >"$work/nothing" 2>&1 3>&- &
	clients=$!
	read -r victim <&4
	for n in 1 2; do
		get "$home/socket" /take >"$work/taken.$n" 2>&1 3>&- &
		clients="$clients $!"
		read -r taker <&4
		echo "taken by $taker" >>"$work/expected"
	done
	blocked 2 && served 4 || return
	as_user kill -KILL "$victim"
	wait $clients
	cat "$work"/taken.* | sort >"$work/found"
	sort "$work/expected" | diff - "$work/found" && hear "$victim" &&
	    served 4
}

stopped()
{
	as_user kill -TERM "$(cat "$home/pid")"
	hear "ended with status 0" && none_left
}

need uwsgi perl
plugins=/usr/lib/uwsgi/plugins
[ -e "$plugins/python3_plugin.so" ] ||
    skip_all "uwsgi-plugin-python3 is not installed"
prepare
cp "$srcdir/tests/programs/application.py" "$work"
configure
exec 4<>"$home/told"
plan 6
step "uWSGI starts, and a worker has the lock for accepting" started
step "requests are served" served 8
step "others go on when the one that has it is killed" accepter_killed
step "a lock of the application's is free when its holder is killed" \
    holder_killed
step "what is stopped leaves nothing" stopped
check_trace uwsgi
