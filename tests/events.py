# SPDX-License-Identifier: BSD-2-Clause
# events.py - the scenario of mipcs_events.sh: events.py play NS FILE writes to
# the file what mipcs --events said of it, with names in place of pids.
#
# Each step waits for as many lines as it must make, so that nothing comes and
# goes between two looks; and what is too much makes a later line wrong.
import json, select
from calls import *

# Does what it reads, a line each; says the pid of a child that it makes.
if sys.argv[1] == "work":
	signal.alarm(0)
	print(os.getpid(), flush=True)
	for line in sys.stdin:
		exec(line)
	sys.exit()

ns, file = sys.argv[2:4]
events = subprocess.Popen(["./mipcs", "--dir", ns, "--events"],
	stdout=subprocess.PIPE)
worker = subprocess.Popen(["./mipcrun", "--dir", ns, "--", "python3",
	__file__, "work"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
	text=True)
names = {int(worker.stdout.readline()): "worker"}
seen, rest = [], b""
def await_lines(n):
	global rest
	while rest.count(b"\n") < n:
		if not select.select([events.stdout], [], [], PATIENCE)[0]:
			sys.exit("no more than %r after %r" % (rest, seen))
		rest += os.read(events.stdout.fileno(), 65536)
	lines = rest.split(b"\n")
	assert len(lines) == n + 1, rest
	rest = b""
	seen.extend(sorted(map(json.loads, lines[:n]),
		key=lambda e: e["event"]))
def step(n, line):
	worker.stdin.write(line + "\n")
	worker.stdin.flush()
	await_lines(n)
def name(who):
	names[int(worker.stdout.readline())] = who
def fork(n, who, line):
	worker.stdin.write("pid = child(%s); print(pid, flush=True)\n" %
		line)
	worker.stdin.flush()
	name(who)
	await_lines(n)
await_lines(1)
step(1, "sem = libc.semget(0x72, 2, 0o1600)")
fork(1, "sleeper", "semop, sem, 1, -2")
step(2, "semop(sem, 1, 2); os.wait()")
step(1, "msg = libc.msgget(0x73, 0o1600)")
fork(1, "receiver", "receive, msg, 5")
step(2, "os.kill(pid, 9); os.wait()")
step(1, "shm = libc.shmget(0x71, 4096, 0o1600)")
step(1, "at = libc.shmat(shm, None, 0)")
step(1, "libc.shmat(shm, None, 0)")
step(1, "libc.shmdt(ctypes.c_void_p(at))")
step(1, "libc.shmctl(shm, RMID, None)")
step(1, "libc.semctl(sem, 0, RMID)")
step(1, "libc.msgctl(msg, RMID, None)")
worker.stdin.close()
worker.wait()
await_lines(2)
events.send_signal(signal.SIGINT)
assert events.stdout.read() == b""
for e in seen:
	if "pid" in e:
		e["pid"] = names.get(e["pid"], e["pid"])
json.dump({"events": seen, "code": events.wait()},
	open(file, "w"), indent=1)
