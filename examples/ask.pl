#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
# ask.pl ask KEY TEXT - make a segment under a key and leave a text in it.
# ask.pl read KEY - print what is there now.
# ask.pl remove KEY - remove it.
#
# Perl's own shmget, shmwrite, shmread and shmctl; it knows nothing of mipc.

use strict;
use warnings;

use constant { CREAT => 01000, RMID => 0, SIZE => 4096 };

my ($verb, $key, $text) = @ARGV;
die "usage: ask.pl ask|read|remove KEY [TEXT]\n" unless defined $key;
$key = oct $key;

my $flags = $verb eq "ask" ? CREAT | 0600 : 0600;
my $id = shmget($key, $verb eq "ask" ? SIZE : 0, $flags);
die "shmget: $!\n" unless defined $id;

if ($verb eq "ask") {
	shmwrite($id, $text, 0, SIZE) or die "shmwrite: $!\n";
} elsif ($verb eq "read") {
	my $found;

	shmread($id, $found, 0, SIZE) or die "shmread: $!\n";
	$found =~ s/\0.*//s;
	print "$found\n";
} elsif ($verb eq "remove") {
	shmctl($id, RMID, 0) or die "shmctl: $!\n";
} else {
	die "$verb: no such verb\n";
}
