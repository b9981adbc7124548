#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# squid.sh - Squid, which root starts and which drops to another user, with a
# cache on disk that a helper reads and writes: what is asked of it goes
# through two queues and a segment, which are named to it by arguments.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/programs/program.sh"

port=3128
helper=/usr/lib/squid/diskd
sizes="1 300 4096 20000 50000"	# lines of the files that are served

# All that is not asked for here is left out, above all other servers.
configure()
{
	mkdir "$home/files" "$home/cache"
	for size in $sizes; do
		seq "$size" >"$home/files/$size"
	done
	cat >"$home/configuration" <<-END
	http_port $address:$port
	http_access allow all
	visible_hostname localhost
	cache_dir diskd $home/cache 16 4 4
	diskd_program $helper
	cache_mem 0
	maximum_object_size_in_memory 0
	refresh_pattern . 1440 100% 1440
	pid_filename $home/pid
	access_log stdio:$home/requests
	cache_log /dev/stderr
	cache_store_log none
	coredump_dir $home
	netdb_filename none
	dns_nameservers $address
	udp_incoming_address $address
	pinger_enable off
	icp_port 0
	htcp_port 0
	shutdown_lifetime 1 second
	END
	: >"$home/calls"
	chmod 666 "$home/calls"
	[ -z "$root" ] || {
		echo "cache_effective_user proxy" >>"$home/configuration"
		chown -R proxy "$home"
	}
}

# What Squid asks when it does not have it: says what it was asked for.
start_origin()
{
	python3 -u -m http.server --bind "$address" --directory \
	    "$home/files" 8080 >&3 2>"$work/asked" 3>&- </dev/null &
	echo $! >"$work/origin"
	hear "Serving HTTP"
}

stop_origin()
{
	[ -f "$work/origin" ] || return 0
	kill "$(cat "$work/origin")"
	"$user" await "$(cat "$work/origin")"
	rm "$work/origin"
}

clean_up()
{
	stop_origin
	stop_members
}

started()
{
	options=--trace=$home/calls
	on_mipc squid -N -z -f "$home/configuration" &&
	    start_origin || return
	launch squid -N -f "$home/configuration"
	hear "Accepting HTTP" && list -m && [ "$(list -q | wc -l)" -eq 2 ] &&
	    find_helper
}

# find_helper: its process, which closes all that it could have open before it
# is executed.
find_helper()
{
	while kill -0 "$(cat "$home/pid")"; do
		for pid in $(members); do
			[ "$(readlink "/proc/$pid/exe")" = "$helper" ] ||
			    continue
			echo "$pid" >"$work/helper"
			return
		done
	done
	return 1
}

dropped()
{
	for pid in $(cat "$home/pid" "$work/helper"); do
		awk '/^Uid:/ { print $3 }' "/proc/$pid/status"
	done >"$work/uids"
	cat "$work/uids"
	[ "$(sort -u "$work/uids")" = "$(id -u proxy)" ] &&
	    [ "$(wc -l <"$work/uids")" -eq 2 ]
}

# served WORD: all files, by Squid, which says WORD of each.
served()
{
	: >"$home/requests"
	for size in $sizes; do
		get "$address:$port" "http://$address:8080/$size" \
		    >"$work/got" || return
		{ cat "$home/files/$size"; echo; } | cmp - "$work/got" ||
		    return
	done
	cat "$home/requests"
	[ "$(grep -c " $1/200 " "$home/requests")" -eq \
	    "$(echo "$sizes" | wc -w)" ]
}

# From the disk, for whom it came from is not there any more.
served_again()
{
	grep -c '"GET /' "$work/asked" >"$work/times"
	stop_origin
	served TCP_HIT
}

# Whoever asks is Squid, and whoever takes what is asked is its helper.
helper_called()
{
	grep "^$(cat "$work/helper") " "$home/calls" >"$work/calls"
	taken=$(grep -cE ' msgrcv\(.*\) += [1-9][0-9]*$' "$work/calls")
	told=$(grep -cE ' msgsnd\(.*\) += 0$' "$work/calls")
	echo "$taken taken, $told answered"
	[ "$taken" -gt 50 ] && [ "$taken" -eq "$told" ] &&
	    grep -qE ' shmat\(.*\) += 0x' "$work/calls" && nattch_right
}

# The helper ends when it sees that nobody talks to it any more.
stopped()
{
	kill -TERM "$(cat "$home/pid")"
	hear "ended with status 0" && none_left
}

PATH=$PATH:/usr/sbin
need squid perl python3
[ -x "$helper" ] || skip_all "squid has no $helper"
root=
[ "$(id -u)" -ne 0 ] || root=yes
prepare as_is
tap_cleanup=clean_up
own_address
configure
plan 8
step "Squid starts, with a helper for its disk" started
if [ -n "$root" ]; then
	step "both have dropped to proxy" dropped
else
	skip "both have dropped to proxy" "only root can try this"
fi
step "files are fetched and served" served TCP_MISS
step "they are served from the disk when nobody else has them" served_again
step "the helper has taken what it did from a queue" helper_called
step "what is stopped leaves nothing" stopped
check_trace squid diskd
