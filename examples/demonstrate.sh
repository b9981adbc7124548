# SPDX-License-Identifier: BSD-2-Clause
# demonstrate.sh - what ./quickstart shows; sourced by it, at the top of the
# tree, with ./build made and $work to work in.
#
# The programs know nothing of mipc.  What is named is run as it is named, and
# what the programs say is what is expected, or the demonstration fails.

. tests/programs/ordinary.sh

# name COMMAND...: as one would type it.
name()
{
	printf '\n$'
	for word; do
		case $word in
		*[!A-Za-z0-9_./+@%=:,\&-]*)
			printf " '%s'" "$word"
			;;
		*)
			printf ' %s' "$word"
			;;
		esac
	done
	echo
}

# show COMMAND...: name it, then run it.
show()
{
	name "$@"
	"$@"
}

# begin COMMAND...: name it, and run it beside us, entered by what $enter says.
# Descriptor 3 leads to its standard input, 4 comes from its output; $begun is
# its pid.
begin()
{
	rm -f "$work/in" "$work/out"
	mkfifo "$work/in" "$work/out"
	name "$@" "&"
	$enter "$@" <"$work/in" >"$work/out" &
	begun=$!
	running="$begun $running"
	exec 3>"$work/in" 4<"$work/out"
}

# hear TEXT: the program that was begun last says so, and maybe when.
hear()
{
	heard=
	read -r heard <&4 || :
	case $heard in
	"$1"|"$1 "*)
		echo "$1"
		;;
	*)
		die "heard \"$heard\", not \"$1\""
		;;
	esac
}

# finish: the end of its input; it ends well.
finish()
{
	exec 3>&-
	wait "$begun" || die "it failed"
	exec 4<&-
	running=${running#"$begun "}
}

show_memory()
{
	say "Two programs that know nothing of mipc or of each other"
	question="what has python to say?"

	show $run perl examples/ask.pl ask "$key" "$question"

	begin $run python3 examples/answer.py "$key"
	hear "$question"

	echo
	echo "Python is still attached:"
	show build/mipcs --dir "$namespace"
	finish

	answer=$($run perl examples/ask.pl read "$key")
	show $run perl examples/ask.pl read "$key"
	case $answer in
	python*"$question")
		;;
	*)
		die "perl read \"$answer\""
		;;
	esac
	show $run perl examples/ask.pl remove "$key"
}

show_semaphores()
{
	say "A program is killed while it holds what another one waits for"
	semaphore="$run perl examples/semaphore.pl"

	show $semaphore make "$key" 1
	begin $semaphore hold "$key" "taken by"
	holder=$begun
	hear "taken by $holder"
	begin $semaphore take "$key" "taken by"
	$semaphore waiters "$key" 1

	echo
	echo "One process waits:"
	show build/mipcs --dir "$namespace" --semaphores --id 0
	show kill -KILL "$holder"
	quietly wait "$holder" || :
	hear "taken by $begun"
	finish
	running=
	show $semaphore remove "$key"
	show build/mipcs --dir "$namespace"
}

# lacking PROGRAM...: the first that is not here.
lacking()
{
	for program; do
		quietly command -v "$program" || {
			echo "$program"
			return
		}
	done
}

show_queues()
{
	say "An ordinary user builds a package whose files are root's"
	set -- fakeroot-sysv dpkg-deb
	[ "$(id -u)" -ne 0 ] || set -- "$@" setpriv
	absent=$(lacking "$@")
	if [ -n "$absent" ]; then
		echo "This is left out: $absent is not installed."
		return
	fi
	copies=$(mktemp -d "${TMPDIR:-/tmp}/mipc-demo.XXXXXX")
	become_ordinary
	if ! settle build "$copies"; then
		echo "This is left out: only root can run what is in $copies."
		return
	fi
	cp examples/package.sh "$copies"
	package
}

package()
{
	enter=as_user
	begin "$copies/mipcrun" --dir "$home/namespace" -- \
	    fakeroot-sysv sh "$copies/package.sh" "$home"
	enter=
	hear "ready to pack what is root's"

	echo
	echo "What fakeroot's programs and its daemon say goes through queues:"
	show build/mipcs --dir "$home/namespace" --queues
	finish
	show dpkg-deb --contents "$home/hello.deb"
	# The daemon was told to end, and removes them.
	until [ -z "$(daemons)" ]; do
		:
	done
	show build/mipcs --dir "$home/namespace" --queues
}

key=0x6d697063
namespace=$work/ns
run="build/mipcrun --dir $namespace --"
enter=

show_memory
show_semaphores
show_queues
cat <<-END

	The same by hand: build/mipcrun --dir DIR -- PROGRAM, and
	build/mipcs --dir DIR meanwhile.  build/mipc-bench --quick measures,
	./quickstart check tests.
END
