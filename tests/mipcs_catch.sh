#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# mipcs_catch.sh - the tests of mipcs see what they are for: in each of these
# builds one line is wrong, and the test that is named sees it.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

limit=10			# seconds, for a test that waits for ever

# place: a build directory in which mipcs alone is another.
place()
{
	rm -rf "$work/at"
	mkdir "$work/at" || return
	ln -s "$build"/* "$build/.libs" "$work/at" && rm "$work/at/mipcs"
}

# objects SOURCE: all of mipcs, the source's own being the one made here.
objects()
{
	for object in utils/mipcs-*.o; do
		[ "$object" != "utils/mipcs-${1%.c}.o" ] || continue
		printf '%s ' "$object"
	done
	echo "$work/broken.o"
}

# broken SOURCE SED: in $work/at; refused if nothing is other then.
broken()
{
	sed "$2" "$source/utils/$1" >"$work/$1" || return
	! cmp -s "$source/utils/$1" "$work/$1" || {
		echo "nothing of $1 is changed"
		return 1
	}
	place && $CC -std=gnu11 -w -include config.h -I"$source/lib" \
	    -I"$source/utils" $smartcols_cflags -c -o "$work/broken.o" \
	    "$work/$1" && $CC -o "$work/at/mipcs" $(objects "$1") \
	    .libs/libcore.a $smartcols_libs -pthread
}

# catches TEST: it fails there, or waits for what does not come.  Its first
# failure is its end.
catches()
{
	(cd "$work/at" && srcdir=$source MIPC_TEST_PATIENCE=3 \
	    TAP_FIRST=yes MIPC_TEST_DIR=$work timeout -k 5 "$limit" \
	    sh "$source/tests/$1.sh") >"$work/said" 2>&1
	case $? in
	124|137)		# its time was over
		return 0
		;;
	esac
	grep -q '^not ok' "$work/said" && return
	cat "$work/said"
	return 1
}

variable()
{
	sed -n "s/^$1 = //p" Makefile
}

need jq python3
[ -f utils/mipcs-orphan.o ] || skip_all "mipcs is not built here"
CC=${CC:-cc}
build=$(pwd)
source=$(cd "$srcdir" && pwd)
smartcols_cflags=$(variable SMARTCOLS_CFLAGS)
smartcols_libs=$(variable SMARTCOLS_LIBS)
[ -f utils/mipcs-table_smartcols.o ] || smartcols_libs=
make_work

# What is wrong, which test sees it, in what file, and how it is made.
cat >"$work/all" <<'END'
orphans: the ended count|mipcs_look|orphan.c
	s/alive = .*->alive;/alive = 1;/
orphans: none attaches|mipcs_look|orphan.c
	/^is_attached/,/^}/s/return any_/return 0 * any_/
orphans: none sleeps|mipcs_look|orphan.c
	/^is_slept_in/,/^}/s/return any_/return 0 * any_/
orphans: none owes|mipcs_look|orphan.c
	/^is_owed/,/^}/s/return any_/return 0 * any_/
orphans: creators are dead|mipcs_look|orphan.c
	s/o->creator.alive ? 1/0 ? 1/
orphans: who used it last|mipcs_look|orphan.c
	/^lives/,/^}/s/return true/return false/
orphans: all kinds|mipcs_look|mipcs_orphans.c
	s/cmd->kinds == 0 ||/1 ||/
peek: all types|mipcs_look|mipcs_peek.c
	s/cmd->by_type \&\&/0 \&\&/
peek: no end|mipcs_look|mipcs_peek.c
	s/left -= left > 0/left -= 0/
peek: wrong bytes|mipcs_look|mipcs_peek.c
	s/" %02x", text\[at + i\]/" %02x", text[i]/
peek: no text|mipcs_look|mipcs_peek.c
	s/if (is_text(/if (0 \&\& is_text(/
peek: bytes as text|mipcs_detail|mipcs_peek.c
	s/if (is_text(.*/if (1)/
waits: who gives not|mipcs_waits|mipcs_waits.c
	s/debt->amount > 0 :/debt->amount < 0 :/
waits: who adds not|mipcs_waits|mipcs_waits.c
	s/debt->amount < 0;/debt->amount > 0;/
waits: all deadlocked|mipcs_waits|mipcs_waits.c
	s/w->cycle = .*/w->cycle = is_edge(w) ||/
waits: none deadlocked|mipcs_waits|mipcs_waits.c
	s/w->cycle = .*/w->cycle = 0 \&\& is_edge(w) \&\&/
waits: cycles of one alone|mipcs_waits|mipcs_waits.c
	s/next\[n++\] = i;/(void)next;/
waits: no status|mipcs_waits|mipcs_waits.c
	s/? EXIT_DEADLOCK :/? EXIT_FINE :/
waits: black|mipcs_waits|mipcs_waits.c
	s/color=red/color=black/
waits: since ever|mipcs_waits|mipcs_waits.c
	s/now - w->since));/now));/
detail: debts turned|mipcs_detail|mipcs_detail.c
	s/d->amount);/-d->amount);/
detail: no attaches|mipcs_detail|mipcs_detail.c
	s/say_pid(a->process.pid, pid)/say_pid(0, pid)/
detail: types apart|mipcs_detail|gather.c
	s/if (i == 0 .. all\[i\].type.*/if (1)/
detail: not asleep|mipcs_detail|mipcs_detail.c
	s/say_time(cmd, s->since, since)/since[0] = 0/
detail: the dead live|mipcs_detail|mipcs_detail.c
	s/yes(o->creator.alive)/yes(1)/
detail: --list has all|mipcs_detail|mipcs_detail.c
	s/ !cmd->list \&\& ns/ ns/
columns: no letters|mipcs_columns|mipcs_users.c
	s/'R' : '-'/'-' : '-'/
columns: never twice|mipcs_columns|mipcs_users.c
	s/all\[i\].count == 1 ?/1 ?/
columns: debts turned|mipcs_columns|mipcs_users.c
	s/all\[i\].semnum, all\[i\].amount/all[i].amount, all[i].semnum/
columns: one name less|mipcs_columns|mipcs_list.c
	s/"attach", "atime"/"attach", "dtime"/
kernel: an old one has none|mipcs_kernel|kernel.c
	s/ask->unknown = highest.*/ask->unknown = 0;/
kernel: nothing used|mipcs_kernel|kernel.c
	s/number_at(line, l->rss)/0/
kernel: the dead live|mipcs_kernel|kernel.c
	s/if (fd == -1)/if (p->alive = 1, fd == -1)/
watch: nothing marked|mipcs_watch|frame.c
	s/if (marked \&\& end > word)/if (0)/
watch: by place|mipcs_watch|frame.c
	s/same_words(line, before->line\[i\], 2)/i == 3/
watch: modes stay|mipcs_watch|watch.c
	s/tcsetattr(STDIN_FILENO, TCSADRAIN.*/;/
watch: no cursor|mipcs_watch|watch.c
	s/"\\033\[m\\033\[?25h/"\\033[m/
watch: long lines|mipcs_watch|frame.c
	s/(\*room)--;/;/
watch: escapes pass|mipcs_watch|frame.c
	s/putchar(c < ' '.*/putchar(c);/
watch: a stop keeps it|mipcs_watch|watch.c
	/^leave/,/^}/s/	end(s);//
watch: ^C kills|mipcs_watch|watch.c
	/case SIGINT:/,/QUIT/s/QUIT/DEADLY/
events: no wake|mipcs_events|mipcs_events.c
	/tell("wake"/d
events: the dead sleep on|mipcs_events|mipcs_events.c
	s/if (!p->alive)/if (0)/
events: counts are lost|mipcs_events|mipcs_events.c
	s/one->count > b->all\[j\].count/0/
events: removed stay|mipcs_events|mipcs_events.c
	s/(o->ds.perm.mode \& SHM_DEST) != 0/0/
events: no reader|mipcs_events|hint.c
	s/fd\[0\].revents != 0/0/
events: no hint|mipcs_events|hint.c
	s/listen ? h->fd : -1/-1/
events: no end|mipcs_events|hint.c
	s/if (is_gone(h))/if (0)/
metrics: no end|mipcs_metrics|mipcs_metrics.c
	s/"# EOF\\n"/""/
metrics: not escaped|mipcs_metrics|mipcs_metrics.c
	s/printf("\\\\%c", \*s)/putchar(*s)/
metrics: no unit|mipcs_metrics|mipcs_metrics.c
	s/if (f->unit != NULL)/if (0)/
metrics: the dead sleep|mipcs_metrics|mipcs_metrics.c
	s/alive += .*/alive += 2;/
END
plan "$(($(wc -l <"$work/all") / 2 + 1))"

sed -n 's/|mipcs_.*//p' "$work/all" | sort | uniq -d >"$work/twice"
check "each is named once" test ! -s "$work/twice"
while IFS='|' read -r what test file <&3 && read -r change <&3; do
	if ! said=$(broken "$file" "$change" 2>&1); then
		not_ok "$test sees $what"
		printf '%s\n' "$said" | explain
		continue
	fi
	check "$test sees $what" catches "$test"
done 3<"$work/all"
