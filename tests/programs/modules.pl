#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
# modules.pl VERB [ARGUMENT]... - IPC::SysV, its classes, and IPC::ShareLite,
# for tests/programs/perl_modules.sh.  Prints why it fails.

use strict;
use warnings;

use Fcntl qw(:flock);
use IPC::Msg;
use IPC::Semaphore;
use IPC::SharedMem;
use IPC::ShareLite;
use IPC::SysV qw(ftok shmat shmdt memread memwrite IPC_CREAT IPC_NOWAIT
    IPC_RMID S_IRUSR S_IWUSR SEM_UNDO);

use constant MODE => S_IRUSR | S_IWUSR;
use constant { TIMES => 200, LONG => 5000 };

$| = 1;

# One that would wait for ever ends.
$SIG{ALRM} = sub { die "it waits for ever\n" };
alarm 60;

sub expect {
	my ($what, $found, $expected) = @_;

	$found //= "nothing ($!)";
	die "$what: $found, expected $expected\n" if $found ne $expected;
}

# The key of a file that stays, as programs agree on one.
my $key = ftok($0, 7) // die "ftok: $!\n";

sub share {
	return IPC::ShareLite->new(-key => $key, -create => "yes",
	    -destroy => $_[0] // 0, -mode => 0600, -size => 1024) //
	    die "ShareLite: $!\n";
}

my %verbs = (
	memory => sub {
		my $memory = IPC::SharedMem->new($key, 100, IPC_CREAT | MODE)
		    // die "SharedMem: $!\n";

		$memory->attach;
		$memory->write("by the class", 10, 12);
		expect("attaches", $memory->stat->nattch, 1);
		$memory->detach;
	},
	"memory-read" => sub {
		my $memory = IPC::SharedMem->new($key, 0, 0)
		    // die "SharedMem: $!\n";
		my $at = shmat($memory->id, undef, 0) // die "shmat: $!\n";
		my $found;

		memread($at, $found, 10, 12);
		expect("text", $found, "by the class");
		memwrite($at, "other", 13, 5);
		$memory->attach;
		expect("through the class", $memory->read(10, 12),
		    "by otherlass");
		expect("attaches", $memory->stat->nattch, 2);
		shmdt($at) // die "shmdt: $!\n";
		$memory->remove // die "remove: $!\n";
	},
	send => sub {
		my $queue = IPC::Msg->new($key, IPC_CREAT | MODE)
		    // die "Msg: $!\n";

		$queue->snd(3, "third") && $queue->snd(1, "first") &&
		    $queue->snd(2, "second") or die "snd: $!\n";
		$queue->set(qbytes => 4096) // die "set: $!\n";
	},
	receive => sub {
		my $queue = IPC::Msg->new($key, 0) // die "Msg: $!\n";
		my $text;

		expect("number", $queue->stat->qnum, 3);
		expect("bytes", $queue->stat->qbytes, 4096);
		expect("type", $queue->rcv($text, 100, -3), 1);
		expect("lowest", $text, "first");
		$queue->rcv($text, 100, 0);
		expect("oldest", $text, "third");
		$queue->rcv($text, 100, 9, IPC_NOWAIT) and die "of type 9\n";
		$queue->remove // die "remove: $!\n";
	},
	set => sub {
		my $set = IPC::Semaphore->new($key, 3, IPC_CREAT | MODE)
		    // die "Semaphore: $!\n";

		$set->setall(4, 5, 6) // die "setall: $!\n";
		$set->op(0, -4, 0, 1, 2, 0, 2, -1, SEM_UNDO)
		    // die "op: $!\n";
		expect("values", join(" ", $set->getall), "0 7 5");
	},
	"set-read" => sub {
		my $set = IPC::Semaphore->new($key, 0, 0)
		    // die "Semaphore: $!\n";

		expect("values", join(" ", $set->getall), "0 7 6");
		expect("number", $set->stat->nsems, 3);
		$set->op(0, -1, IPC_NOWAIT) and die "it did not fail\n";
		$set->remove // die "remove: $!\n";
	},
	# A text that takes several segments.
	"share" => sub {
		my $share = share();

		$share->store("x" x LONG . "end") // die "store: $!\n";
		expect("segments", $share->num_segments > 4, 1);
	},
	"share-read" => sub {
		my $share = share();

		expect("text", $share->fetch, "x" x LONG . "end");
		$share->store(0);
		expect("segments", $share->num_segments, 1);
	},
	# One of several that count together.
	count => sub {
		my $share = share();

		for (1 .. TIMES) {
			$share->lock(LOCK_EX) // die "lock: $!\n";
			$share->store($share->fetch + 1);
			$share->unlock // die "unlock: $!\n";
		}
	},
	# The same, and killed half way through, with the lock.
	hold => sub {
		my $share = share();

		$share->lock(LOCK_EX) // die "lock: $!\n";
		print "held $$\n";
		sleep 1 while 1;
	},
	counted => sub {
		my $share = share(1);

		expect("sum", $share->fetch, $_[0] * TIMES);
	},
);

my $verb = shift // "";

exit 0 if $verb eq "";
$verbs{$verb}->(@ARGV);
