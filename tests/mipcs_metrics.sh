#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# mipcs_metrics.sh - mipcs --openmetrics prints what a collector of metrics
# reads, as the parser of Prometheus' own client judges.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/command.sh"
command=mipcs

# parse FILE: {"name labels": value}, labels by name, in $work/json; refused if
# it is not in the format.
parse()
{
	"$python" - "$work/$1" >"$work/parsed" <<'END' || return
import json, sys
from prometheus_client.openmetrics.parser import \
    text_string_to_metric_families
samples = {}
for family in text_string_to_metric_families(open(sys.argv[1]).read()):
	assert family.documentation, family
	assert family.type == ("counter" if "_sent_" in family.name
	    else "gauge"), family
	assert family.unit == ("bytes" if family.name.endswith("_bytes")
	    else ""), family
	for s in family.samples:
		assert s.name == family.name + ("_total"
		    if family.type == "counter" else ""), s
		labels = ",".join("%s=%s" % l for l in sorted(s.labels.items()))
		samples[s.name + " " + labels if labels else s.name] = s.value
json.dump(samples, sys.stdout, indent=1)
END
	mv "$work/parsed" "$work/json"
}

metrics()
{
	exits 0 ./mipcs --dir "$work/ns" --openmetrics "$@" && parse out
}

# broken SED: what is no longer in the format is refused.
broken()
{
	sed "$1" "$work/good" >"$work/bad"
	! cmp -s "$work/good" "$work/bad" && ! parse bad 2>/dev/null
}

# odd: a user's name that would end a label.
odd()
{
	$CC -shared -fPIC -o "$work/odd.so" -x c - <<-'END' || return
	#include <pwd.h>
	#include <stddef.h>
	struct passwd *getpwuid(uid_t uid)
	{
		static struct passwd pw = { .pw_name = "a\"b\\c\nd" };
		(void)uid;
		return &pw;
	}
	END
	LD_PRELOAD=$work/odd.so ./mipcs --dir "$work/ns" --openmetrics \
	    >"$work/odd" && parse odd &&
	    holds 'keys | any(test("owner=a\"b\\\\c\nd"))' json
}

need python3
need jq
need_module
for python in python3 /usr/bin/python3 ""; do
	[ -n "$python" ] ||
	    skip_all "python3-prometheus-client is not installed"
	! "$python" -c 'import prometheus_client.openmetrics.parser' \
	    2>/dev/null || break
done
make_work
cp "$srcdir/tests/use.py" "$work/use"
plan 19

begin use && ok "objects are used" || not_ok "objects are used"
set -- $said
shm=$4 sem=$5 msg=$6
of="key=0x00000071,owner=$(id -un)"
check "it is in the format" metrics
cp "$work/out" "$work/good"
check "... which has an end" broken '/^# EOF/d'
check "... and no family twice" broken '/TYPE mipc_objects/{p;}'
check "... nor its samples apart" broken '/^mipc_objects{kind="set"}/{h;d;}
    /^mipc_processes /G'
check "... labels in quotation marks" broken 's/id="0"/id=0/'
check "objects of each kind" holds '
    .["mipc_objects kind=segment"] == 1 and
    .["mipc_objects kind=set"] == 2 and .["mipc_objects kind=queue"] == 1 and
    .["mipc_unreadable_objects kind=set"] == 0' json
check "who lives there" holds '.mipc_processes == 3' json
check "limits" holds '.["mipc_limit name=msgmnb"] == 16384 and
    .["mipc_limit name=shmmni"] == 4096' json
check "a segment" holds "
    .[\"mipc_segment_size_bytes id=$shm,$of\"] == 5000 and
    .[\"mipc_segment_attaches id=$shm,$of\"] == 6 and
    .[\"mipc_segment_used_bytes id=$shm,$of\"] >= 8192" json
check "a set and its semaphores" holds "
    .[\"mipc_set_semaphores id=$sem,$of\"] == 3 and
    .[\"mipc_set_sleepers id=$sem,$of\"] == 1 and
    [.[\"mipc_semaphore_value id=$sem,$of,semnum=\" + (\"0\", \"1\", \"2\")]]
    == [1, 0, 7]" json
check "a queue" holds "
    .[\"mipc_queue_messages id=$msg,$of\"] == 3 and
    .[\"mipc_queue_size_bytes id=$msg,$of\"] == 40 and
    .[\"mipc_queue_limit_bytes id=$msg,$of\"] == 16384 and
    .[\"mipc_queue_sleepers id=$msg,$of\"] == 1" json
check "what was ever sent to it, also what is gone" holds "
    .[\"mipc_queue_sent_messages_total id=$msg,$of\"] == 4 and
    .[\"mipc_queue_sent_bytes_total id=$msg,$of\"] == 43" json
check "... a counter without its suffix is none" \
    broken 's/_messages_total{/_messages{/'
check "each family is told of" eval '
    [ "$(grep -c "^# HELP" "$work/good")" = 18 ] &&
    [ "$(grep -c "^# TYPE .* counter" "$work/good")" = 2 ] &&
    [ "$(grep -c "^# TYPE .* gauge" "$work/good")" = 16 ]'
check "of a kind alone" metrics -q
check "... there is nothing else" holds 'keys |
    all(test("kind=queue|msgm|mipc_queue|mipc_processes"))' json
CC=${CC:-cc}
if command -v "${CC%% *}" >/dev/null; then
	check "labels are escaped" odd
else
	skip "labels are escaped" "${CC%% *} is not installed"
fi
check "it is a form of its own" \
    wrong "--openmetrics: it is a form of its own" --openmetrics -J
finish
