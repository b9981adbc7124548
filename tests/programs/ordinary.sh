# SPDX-License-Identifier: BSD-2-Clause
# ordinary.sh - fakeroot on mipc, for an ordinary user; to be sourced.
#
# Root becomes such a user, who reaches copies of what is run; $home is that
# user's, and has the namespace.

# as_user COMMAND...
as_user()
{
	if [ "$(id -u)" -eq 0 ]; then
		set -- setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	fi
	"$@"
}

# settle BUILD DIRECTORY: copies from the one, and $home, in the other; fails
# where that user cannot run them.
settle()
{
	copies=$(cd "$2" && pwd -P)
	home=$copies/home
	chmod 755 "$copies"
	mkdir "$home" "$copies/.libs"
	[ "$(id -u)" -ne 0 ] || chown 65534:65534 "$home"
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
