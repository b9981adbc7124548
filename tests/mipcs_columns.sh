#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# mipcs_columns.sh - mipcs has all columns of System V's, BSD's and Linux's
# ipcs, and of lsipc, by their names, and those that none of these has.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/command.sh"
command=mipcs

# cells OPTION COLUMN,... VALUE: the cells of those columns, in one line, are
# just that.
cells()
{
	case $1 in
	-m)	id=$shm ;;
	-s)	id=$sem ;;
	*)	id=$msg ;;
	esac
	./mipcs --dir "$work/ns" "$1" -i "$id" --list --raw --noheadings \
	    --output "$2" >"$work/out" || return
	same out "$3"
}

# column KIND NAME VALUE: what each of the tables below says.
column()
{
	check "-$1 $2" cells "-$1" "$2" "$3"
}

# known NAME: some kind has it.
known()
{
	./mipcs --dir "$work/ns" --output "$1" >/dev/null
}

# all_known NAME...: each of them.
all_known()
{
	[ $# -gt 0 ] || return
	for name; do
		known "$name" || return
	done
}

# lsipc_columns: as it lists them, but those of its summary.
lsipc_columns()
{
	lsipc --help | awk '/^Summary columns/ { exit }
	    /^[A-Z].* columns/ { columns = 1; next }
	    columns && NF > 0 { print $1 }'
}

# ipcs_options: the long ones that it lists.
ipcs_options()
{
	ipcs --help | sed -n 's/.*\(--[a-z][a-z]*\).*/\1/p'
}

options_known()
{
	./mipcs --help >"$work/out"
	[ $# -gt 0 ] || return
	for option; do
		has out "$option( |\$)" || return
	done
}

# lsipc OPTION...: what it shows of the namespace, by the preload module.
lsipc_here()
{
	LC_ALL=C ./mipcrun --dir "$work/ns" -- lsipc "$@"
}

# newline_alike KIND COLUMN,...: --newline and --shell are as lsipc's, but that
# its names are upper case and identifiers have one name there.
newline_alike()
{
	lsipc_here "-$1" -n -y -o "$2" | awk -F= -v OFS== \
	    '{ $1 = tolower($1); print }' >"$work/wanted"
	[ -s "$work/wanted" ] || return
	./mipcs --dir "$work/ns" "-$1" -ny --output "$2" |
	    sed 's/^\(shm\|sem\|msq\)id=/id=/' | diff "$work/wanted" -
}

# What is no letter becomes one, and a percent sign is spelled.
names_alike()
{
	./mipcs --dir "$work/ns" -l --newline --shell |
	    grep -o '^use_[^=]*' | sort -u >"$work/names"
	same names use_pct && lsipc_here -g -n -y | grep -qi '^use_pct='
}

# Objects that were made then, days ago.
make_past()
{
	$CC -shared -fPIC -o "$work/past.so" -x c - <<-'END' || return
	#include <stdlib.h>
	#include <time.h>
	time_t time(time_t *out)
	{
		struct timespec now;
		(void)out;
		clock_gettime(CLOCK_REALTIME, &now);
		return now.tv_sec - 86400 * atol(getenv("DAYS"));
	}
	END
	for days in 1 8 20 200 400; do
		DAYS=$days LD_PRELOAD=$work/past.so ./mipcmk --dir \
		    "$work/ns" -s 1 >/dev/null || return
	done
}

# times_alike FORMAT: each time is as lsipc writes it.
times_alike()
{
	lsipc_here -s --raw --noheadings --time-format="$1" -o ctime \
	    >"$work/wanted"
	[ "$(wc -l <"$work/wanted")" -ge 2 ] && ./mipcs --dir "$work/ns" \
	    -s --raw --noheadings --time-format "$1" --output ctime |
	    diff "$work/wanted" -
}

need python3
need jq
need_module
make_work
cp "$srcdir/tests/use.py" "$work/use"
plan 84
begin use && ok "objects are used" || not_ok "objects are used"
set -- $said
pid=$1 sleeper=$2 receiver=$3 shm=$4 sem=$5 msg=$6 uid=$7 gid=$8
me=$(id -un) group=$(id -gn)
./mipcs --dir "$work/ns" -a -J >"$work/all"

# time_of KIND COLUMN: as JSON has it.
time_of()
{
	jq -r ".$1[0].$2" "$work/all"
}

while read -r kind name value; do
	[ -z "$kind" ] || column "$kind" "$name" "$value"
done <<END
m key 0x00000071
m id $shm
m shmid $shm
m t m
m mode --rw--w----
m perms 620
m owner $me
m user $me
m uid $uid
m group $group
m gid $gid
m creator $me
m cuser $me
m cuid $uid
m cgroup $group
m cgid $gid
m nattch 6
m segsz 5000
m size 5000
m bytes 5000
m cpid $pid
m lpid $pid
m atime $(time_of segments atime)
m attach $(time_of segments atime)
m dtime -
m detach -
m ctime $(time_of segments ctime)
m status -
m born $(time_of segments born)
m alive yes
m used $(time_of segments used)
m lockpid -
m locked -
m attached $pid*2,$sleeper*2,$receiver*2

s key 0x00000071
s id $sem
s semid $sem
s t s
s mode --ra-r-----
s nsems 3
s otime $(time_of sets otime)
s ctime $(time_of sets ctime)
s cpid $pid
s alive yes
s undo $pid:2:-7
s sleepers $sleeper\\x20semaphore\\x201:\\x20-4\\x20since\\x20$(
    jq -r '.sets[0].sleepers' "$work/all" | sed 's/.* //')

q key 0x00000071
q id $msg
q msqid $msg
q t q
q mode -Rrw----r--
q cbytes 40
q usedbytes 40
q bytes 40
q qnum 3
q msgs 3
q messages 3
q qbytes 16384
q lspid $pid
q lrpid $pid
q stime $(time_of queues stime)
q send $(time_of queues stime)
q rtime $(time_of queues rtime)
q recv $(time_of queues rtime)
q ctime $(time_of queues ctime)
q cpid $pid
q types 5:2,6:1
END
check "the creator's command line" has all '"command": ".*python3.*/use'
check "names in whatever case" cells -m "SHMID,NATTCH" "$shm 6"
check "each has a time that is one" holds '
    .segments[0] as $m | .sets[0] as $s | .queues[0] as $q |
    [$m.atime, $m.ctime, $m.born, $s.otime, $s.ctime, $q.stime, $q.rtime,
    $q.ctime] | all(. > 1700000000 and . < now + 1)' all
if command -v lsipc >/dev/null && command -v ipcs >/dev/null; then
	check "all columns that lsipc lists" all_known $(lsipc_columns)
	check "all options that ipcs lists" options_known $(ipcs_options)
else
	skip "all columns that lsipc lists" "lsipc is not installed"
	skip "all options that ipcs lists" "ipcs is not installed"
fi
CC=${CC:-cc}
if command -v "${CC%% *}" >/dev/null; then
	check "objects are made long ago" make_past
else
	skip "objects are made long ago" "${CC%% *} is not installed"
fi
if command -v lsipc >/dev/null; then
	check "lines and names of segments as lsipc's" \
	    newline_alike m key,id,owner,nattch,cpid,lpid,command
	check "... of sets" newline_alike s key,id,owner,nsems
	check "... of queues" newline_alike q key,id,owner,lspid,lrpid
	check "... and of what is no letter" names_alike
	# Again, for midnight may have passed.
	for format in short full iso; do
		check "--time-format=$format as lsipc's" \
		    eval times_alike $format '||' times_alike $format
	done
else
	for what in 1 2 3 4 5 6 7; do
		skip "as lsipc's: $what of 7" "lsipc is not installed"
	done
fi
check "a format of times that is none" \
    exits 2 ./mipcs --dir "$work/ns" --time-format long
check "... which the message says" \
    has err '^mipcs: --time-format long: not short, full or iso$'
check "times that are words are strings in JSON" json '
    [.sets[].ctime] | length > 1 and all(type == "string")' --time-format iso
finish
