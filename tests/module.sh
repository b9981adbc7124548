# SPDX-License-Identifier: BSD-2-Clause
# module.sh - the preload module with something left out, which a test of that
# must see; to be sourced after tap.sh.

# link_module FILE MAP OBJECT...: the module of these objects.
link_module()
{
	linked=$1
	map=$2
	shift 2
	${CC:-cc} -shared -o "$linked" "$@" .libs/libcore.a -pthread -ldl \
	    -Wl,--version-script="$map"
}

# objects [NAME]: those of the module, but for one by this name.
objects()
{
	for object in preload/.libs/*.o; do
		case $object in
		*/raw.o|*/raw_signals.o|"preload/.libs/${1-}.o")
			;;
		*)
			echo "$object" ;;
		esac
	done
}

# changed FILE SOURCE SED: the module, in one of whose sources this is changed.
changed()
{
	sed "$3" "$srcdir/preload/$2.c" >"$work/$2.c"
	if cmp -s "$srcdir/preload/$2.c" "$work/$2.c"; then
		echo "nothing of $2.c is changed by $3"
		return 1
	fi
	${CC:-cc} -std=gnu11 -fPIC -fvisibility=hidden -pthread \
	    -include config.h -I. -I"$srcdir/lib" -I"$srcdir/preload" \
	    -c -o "$work/$2.o" "$work/$2.c" &&
	    link_module "$1" "$srcdir/preload/mipc-preload.map" \
	    $(objects "$2") "$work/$2.o"
}

# without FILE NAME...: the module, which leaves these names to libc.
without()
{
	linked=$1
	shift
	map=$work/map
	cp "$srcdir/preload/mipc-preload.map" "$map"
	for name; do
		grep -q "^	$name;" "$map" || {
			echo "the module has no name $name"
			return 1
		}
		sed -i "/^	$name;/d" "$map"
	done
	link_module "$linked" "$map" $(objects)
}
