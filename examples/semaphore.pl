#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
# semaphore.pl VERB KEY [ARGUMENT]... - perl's own semget, semop and semctl.
#
#	make KEY VALUE...	a new set with these values
#	add KEY NUMBER VALUE	to a semaphore, waiting if it must
#	values KEY		print all values
#	waiters KEY N		return when N wait for the first semaphore
#	take KEY TEXT		subtract 1 from the first, with SEM_UNDO; then
#				print TEXT and the time, in ms
#	hold KEY TEXT		the same, and stay until killed
#	time			print the time, in ms
#	remove KEY

use strict;
use warnings;

use constant { CREAT => 01000, EXCL => 02000, RMID => 0 };
use constant { GETALL => 13, GETNCNT => 14, SETALL => 17 };
use constant { UNDO => 010000 };

$| = 1;

# A program that would wait for ever ends, also as the first of its pid
# namespace, which no signal kills that it does not handle.
$SIG{ALRM} = sub { die "it waits for ever\n" };
alarm 30;

my ($verb, $key, @arguments) = @ARGV;

# To 10 ms; Time::HiRes is not in every perl.
sub now {
	open my $uptime, "<", "/proc/uptime" or die "/proc/uptime: $!\n";
	return int((split " ", <$uptime>)[0] * 1000);
}

sub set {
	my ($n, $flags) = @_;

	return semget(oct $key, $n, $flags) // die "semget: $!\n";
}

sub operate {
	my ($id, @operation) = @_;

	semop($id, pack "s3", @operation) or die "semop: $!\n";
}

sub control {
	return semctl($_[0], $_[1], $_[2], $_[3]) // die "semctl: $!\n";
}

my %verbs = (
	make => sub {
		my $id = set(scalar @_, CREAT | EXCL | 0600);

		control($id, 0, SETALL, pack "S*", @_);
	},
	add => sub {
		operate(set(0, 0600), @_, 0);
	},
	values => sub {
		my $packed = "";

		control(set(0, 0600), 0, GETALL, $packed);
		print join(" ", unpack "S*", $packed), "\n";
	},
	waiters => sub {
		my $id = set(0, 0600);

		1 until control($id, 0, GETNCNT, 0) == $_[0];
	},
	take => sub {
		operate(set(0, 0600), 0, -1, UNDO);
		print "$_[0] $$ ", now(), "\n";
	},
	remove => sub {
		control(set(0, 0600), 0, RMID, 0);
	},
	time => sub {
		print now(), "\n";
	},
);

$verbs{hold} = sub {
	$verbs{take}->(@_);
	sleep 1 while 1;
};

die "usage: semaphore.pl VERB KEY ...\n" unless exists $verbs{$verb // ""};
$verbs{$verb}->(@arguments);
