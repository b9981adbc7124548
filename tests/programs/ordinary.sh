# SPDX-License-Identifier: BSD-2-Clause
# ordinary.sh - programs on mipc for an ordinary user, fakeroot above all; to be
# sourced.
#
# Root becomes such a user, who reaches copies of what is run; $home is that
# user's, and has the namespace.

by=

# become_ordinary: from now on as_user is somebody, though root asks.
become_ordinary()
{
	[ "$(id -u)" -ne 0 ] ||
	    by="setpriv --reuid=65534 --regid=65534 --clear-groups"
}

# as_user COMMAND...
as_user()
{
	$by "$@"
}

# settle BUILD DIRECTORY: copies from the one, and $home, in the other; fails
# where that user cannot run them.
settle()
{
	copies=$(cd "$2" && pwd -P)
	home=$copies/home
	chmod 755 "$copies"
	mkdir "$home" "$copies/.libs"
	[ -z "$by" ] || chown 65534:65534 "$home"
	cp "$1/mipcrun" "$copies"
	cp "$1/.libs/mipc-preload.so" "$copies/.libs"
	as_user "$copies/mipcrun" --version >/dev/null 2>&1
}

# daemons: fakeroot's, of the namespace.
daemons()
{
	for comm in $(grep -lx faked-sysv /proc/[0-9]*/comm 2>/dev/null); do
		tr '\0' '\n' 2>/dev/null <"${comm%/comm}/environ" |
		    grep -qxF "MIPC_DIR=$home/namespace" || continue
		pid=${comm#/proc/}
		echo "${pid%/comm}"
	done
}

stop_daemons()
{
	for pid in $(daemons 2>/dev/null); do
		kill -KILL "$pid" 2>/dev/null
	done
}
