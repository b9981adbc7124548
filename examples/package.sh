#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# package.sh DIRECTORY - build a small Debian package there, hello.deb, whose
# files are root's: under fakeroot anybody can.
#
# It says when all is ready, and packs when its standard input ends.

set -e
cd "$1"
umask 022
mkdir -p hello/DEBIAN hello/usr/share/hello
cat >hello/DEBIAN/control <<-END
Package: hello
Version: 1.0
Architecture: all
Maintainer: nobody <nobody@localhost>
Description: a greeting
END
echo "hello, world" >hello/usr/share/hello/greeting
chown -R 0:0 hello
echo "ready to pack what is $(stat -c %U hello/usr/share/hello/greeting)'s"
cat >/dev/null
dpkg-deb --build hello hello.deb >/dev/null
