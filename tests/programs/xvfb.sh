#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# xvfb.sh - an X server and its clients, who hand it the identifiers of
# segments without keys: pictures are put, and the screen is grabbed.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/programs/program.sh"

width=800
height=640

# The server chooses a number that is free, and says it when it is ready; its
# own picture of the screen is in a segment too.
started()
{
	launch Xvfb -displayfd 1 -screen 0 ${width}x${height}x24 -shmem -retro \
	    -nolisten tcp
	while read -r heard <&3; do
		echo "$heard"
		case $heard in
		"ended with"*)
			return 1 ;;
		*[!0-9]*|"")
			;;
		*)
			break ;;
		esac
	done
	echo ":$heard" >"$work/display"
	members >"$work/server"
	nattch_right && [ "$(wc -l <"$work/segments")" -eq 1 ]
}

# client PROGRAM...: what it says, and $home/calls, its calls.
client()
{
	rm -f "$home/calls"
	options=--trace=$home/calls
	DISPLAY=$(cat "$work/display") on_mipc "$@" >"$work/output" 2>&1
	status=$?
	cat "$work/output"
	return "$status"
}

# alone: only the screen's segment is left.  A server whose last client has
# gone begins anew, and forks.
alone()
{
	for try in $(seq 50); do
		nattch_right >"$work/found" &&
		    [ "$(wc -l <"$work/segments")" -eq 1 ] && return
	done
	cat "$work/found"
	return 1
}

# shared: the client has made a segment without a key, and it is gone.
shared()
{
	cat "$home/calls"
	grep -qE ' shmget\(IPC_PRIVATE, .*\) += [0-9]+$' "$home/calls" &&
	    grep -qE ' shmat\(.*\) += 0x' "$home/calls" && alone
}

# It sometimes begins before the server has told it of the extension, and
# then puts nothing.
put()
{
	for try in 1 2 3; do
		client x11perf -shmput500 -repeat 1 -time 1 || return
		! grep -q 'reps @' "$work/output" || break
	done
	grep -q 'reps @' "$work/output" && shared
}

# The same picture as by xwd, which asks for it through the connection.
grabbed()
{
	display=$(cat "$work/display")
	client ffmpeg -nostdin -v error -f x11grab -draw_mouse 0 \
	    -video_size ${width}x$height -i "$display" -frames:v 1 \
	    -f rawvideo -pix_fmt rgb24 "$home/grabbed" && shared || return
	client xwd -silent -root -out "$home/dumped.xwd" &&
	    client ffmpeg -nostdin -v error -i "$home/dumped.xwd" \
	    -f rawvideo -pix_fmt rgb24 "$home/dumped" || return
	[ "$(wc -c <"$home/grabbed")" -eq $((width * height * 3)) ] &&
	    cmp "$home/grabbed" "$home/dumped" && [ "$(tr -d '\000' \
	    <"$home/grabbed" | head -c 1 | wc -c)" -eq 1 ]
}

# It removes what it has outside $work.
end_server()
{
	for pid in $(cat "$work/server" 2>/dev/null); do
		as_user kill -TERM "$pid" && "$user" await "$pid"
	done 2>/dev/null
	stop_members
}

# The server leaves its screen, as on any system.
stopped()
{
	as_user kill -TERM $(cat "$work/server")
	hear "ended with status 0" && alone && [ -z "$(members)" ] &&
	    [ "$(list -m --output nattch | tr -d ' ')" = 0 ]
}

need Xvfb x11perf xwd ffmpeg
prepare
tap_cleanup=end_server
plan 7
step "Xvfb starts with the screen in a segment" started
step "x11perf puts pictures that are in a segment" put
step "the screen grabbed through a segment is what it is" grabbed
step "a server that is stopped leaves its screen, and no attach" stopped
check_trace Xvfb x11perf ffmpeg
