#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# apache2.sh - Apache, whose children, not root's any more, take turns at
# accepting by a semaphore that root has made and given them.  A child that is
# killed owes it, and the next one goes on.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/programs/program.sh"

modules=/usr/lib/apache2/modules
ready="resuming normal operations"

# Children take turns where there are several places to accept at.
configure()
{
	mkdir "$home/files" "$home/scripts"
	echo "a file's text" >"$home/files/file"
	mkfifo "$home/begun" "$home/go"
	chmod 666 "$home/begun" "$home/go"
	cat >"$home/scripts/slow" <<-END
	#!/bin/sh
	echo \$PPID >$home/begun
	printf 'Content-Type: text/plain\n\n'
	read -r word <$home/go
	echo "\$word"
	END
	chmod 755 "$home/scripts/slow"
	cat >"$home/configuration" <<-END
	ServerRoot $home
	ServerName localhost
	DefaultRuntimeDir $home
	PidFile $home/pid
	ErrorLog /dev/stderr
	LogLevel notice
	Mutex sysvsem default
	LoadModule mpm_prefork_module $modules/mod_mpm_prefork.so
	LoadModule authz_core_module $modules/mod_authz_core.so
	LoadModule alias_module $modules/mod_alias.so
	LoadModule env_module $modules/mod_env.so
	LoadModule cgi_module $modules/mod_cgi.so
	PassEnv LD_PRELOAD MIPC_DIR
	Listen $address:8081
	Listen $address:8082
	StartServers 4
	MinSpareServers 2
	MaxSpareServers 8
	MaxRequestWorkers 8
	DocumentRoot $home/files
	ScriptAlias /scripts/ $home/scripts/
	END
	[ -z "$root" ] || printf 'User www-data\nGroup www-data\n' \
	    >>"$home/configuration"
}

# served N: so many requests at each port, some at a time.
served()
{
	clients=
	for port in 8081 8082; do
		for n in $(seq "$1"); do
			get "$address:$port" /file >"$work/got.$port.$n" 2>&1 &
			clients="$clients $!"
		done
	done
	wait $clients
	for got in "$work"/got.*; do
		[ "$(cat "$got")" = "a file's text" ] || {
			cat "$got"
			return 1
		}
	done
	rm "$work"/got.*
}

parent()
{
	cat "$home/pid"
}

children()
{
	cat "/proc/$(parent)/task/$(parent)/children"
}

# In a process group of its own, which it ends as a whole.
start()
{
	launch setsid apache2 -D FOREGROUND -f "$home/configuration"
	hear "$ready"
}

# users: whose the children are.
users()
{
	for child in $(children); do
		awk '/^Uid:/ { print $3 }' "/proc/$child/status"
	done | sort -u
}

# A child that was just made has not dropped yet.
all_dropped()
{
	for try in $(seq 200); do
		[ "$(users)" != "$(id -u www-data)" ] || return 0
	done
	users
	return 1
}

# slow FILE: a request that runs until it is told to end.
slow()
{
	get "$address:8081" /scripts/slow >"$1" 2>&1 3>&- &
	read -r running <"$home/begun"
}

# The requests that run are not disturbed.
holders_killed()
{
	slow "$work/slow"
	client=$!
	for round in 1 2 3; do
		victim=$(holder) && [ "$victim" != "$running" ] || return
		kill -KILL "$victim"
		served 2 || return
	done
	echo finished >"$home/go"
	wait "$client"
	[ "$(cat "$work/slow")" = finished ]
}

# Who has lost its child hears no more, and the next are served.
all_killed()
{
	slow "$work/slow"
	client=$!
	kill -KILL $(children)
	wait "$client" || :
	served 4 || return
	echo over >"$home/go"
}

# A request that runs is finished by its child of before.
restarted()
{
	slow "$work/slow"
	client=$!
	before=$running
	kill -USR1 "$(parent)"
	hear "$ready" && served 4 && kill -0 "$before" || return
	echo finished >"$home/go"
	wait "$client"
	[ "$(cat "$work/slow")" = finished ] && "$user" await "$before" &&
	    served 1 && [ "$(sets)" = "$(cat "$work/sets")" ]
}

sets()
{
	list -s --output semid | wc -l
}

started()
{
	start && sets >"$work/sets" && cat "$work/sets" &&
	    [ "$(sets)" -ge 1 ] && holder
}

stopped()
{
	kill -TERM "$(parent)"
	hear "ended with status 0" && none_left
}

PATH=$PATH:/usr/sbin
need apache2 perl setsid
root=
[ "$(id -u)" -ne 0 ] || root=yes
prepare as_is
own_address
configure
plan 8
step "Apache starts, and a child has the semaphore" started
if [ -n "$root" ]; then
	step "all children have dropped to www-data" all_dropped
else
	skip "all children have dropped to www-data" "only root can try this"
fi
step "requests are served" served 8
step "others go on when the one that has the semaphore is killed" \
    holders_killed
step "all children are killed while they serve, and others come" all_killed
step "a graceful restart loses no request" restarted
step "what is stopped leaves nothing" stopped
check_trace apache2
