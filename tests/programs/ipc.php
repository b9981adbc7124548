<?php
// SPDX-License-Identifier: BSD-2-Clause
// ipc.php VERB [ARGUMENT]... - PHP's extensions sysvmsg, sysvsem, sysvshm and
// shmop, for tests/programs/php.sh.  Prints why it fails.
//
//	extensions	fails where one that is used here is missing

const KEY = 0x70687031;
const VALUES = ["text" => "ein Öl", "list" => [1, [2.5, null]], "n" => -7];

set_error_handler(function ($number, $text) {
	fail($text);
});

function fail($why)
{
	fwrite(STDERR, "$why\n");
	exit(1);
}

function expect($what, $found, $expected)
{
	if ($found !== $expected)
		fail("$what: " . var_export($found, true));
}

function block($mode, $size)
{
	return shmop_open(KEY, $mode, $mode === "c" ? 0600 : 0, $size);
}

$verbs = [
	"extensions" => function () {
		expect("missing", array_diff(["pcntl", "posix", "shmop",
		    "sysvmsg", "sysvsem", "sysvshm"],
		    get_loaded_extensions()), []);
	},
	"block" => function () {
		$block = block("c", 100);
		expect("written", shmop_write($block, "some text", 50), 9);
	},
	"block-read" => function () {
		$block = block("a", 0);
		expect("size", shmop_size($block), 100);
		expect("read", shmop_read($block, 49, 11), "\0some text\0");
		expect("deleted", shmop_delete($block), true);
	},
	"variables" => function () {
		$segment = shm_attach(KEY, 20000, 0600);
		foreach (array_values(VALUES) as $i => $value)
			shm_put_var($segment, $i, $value);
		shm_put_var($segment, 9, "removed again");
		shm_remove_var($segment, 9);
		shm_detach($segment);
	},
	"variables-read" => function () {
		$segment = shm_attach(KEY);
		foreach (array_values(VALUES) as $i => $value)
			expect("variable $i", shm_get_var($segment, $i), $value);
		expect("removed", shm_has_var($segment, 9), false);
		expect("removal", shm_remove($segment), true);
	},
	"send" => function () {
		$queue = msg_get_queue(KEY, 0600);
		foreach ([3 => "third", 1 => VALUES, 2 => "second"] as $type => $m)
			expect("sent", msg_send($queue, $type, $m), true);
		expect("raw", msg_send($queue, 4, "raw bytes", false), true);
	},
	"receive" => function () {
		$queue = msg_get_queue(KEY);
		expect("number", msg_stat_queue($queue)["msg_qnum"], 4);
		expect("lowest", msg_receive($queue, -3, $type, 4096, $m), true);
		expect("type", $type, 1);
		expect("message", $m, VALUES);
		msg_receive($queue, 0, $type, 4096, $m);
		expect("first", $m, "third");
		msg_receive($queue, 4, $type, 4096, $m, false);
		expect("raw", $m, "raw bytes");
		expect("too large", msg_receive($queue, 2, $type, 1, $m, true,
		    MSG_IPC_NOWAIT, $error), false);
		expect("error", posix_strerror($error),
		    "Argument list too long");
		expect("removed", msg_remove_queue($queue), true);
	},
	// Print a line, and stay until killed; what goes out of scope is
	// released.
	"hold" => function () {
		$set = sem_get(KEY, 1, 0600);
		expect("taken", sem_acquire($set), true);
		echo "held ", getmypid(), "\n";
		while (true)
			sleep(60);
	},
	"busy" => function () {
		expect("taken", sem_acquire(sem_get(KEY, 1, 0600), true), false);
	},
	"take" => function () {
		$set = sem_get(KEY, 1, 0600);
		expect("taken", sem_acquire($set), true);
		expect("released", sem_release($set), true);
		expect("removed", sem_remove($set), true);
	},
];

$verbs[$argv[1]]();
