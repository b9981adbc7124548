# SPDX-License-Identifier: BSD-2-Clause
# use.py - one object of each kind under the same key, used by a process and by
# its two children: attached twice, owed, slept in and with messages.
from calls import *

shm, sem, msg = (libc.shmget(0x71, 5000, 0o1620),
    libc.semget(0x71, 3, 0o1640), libc.msgget(0x71, 0o1604))
libc.semget(0x72, 1, 0o1600)
libc.shmat(shm, None, 0), libc.shmat(shm, None, 0)
semop(sem, 0, 1)
semop(sem, 2, 7, UNDO)
for type, size in (5, 10), (6, 0), (5, 30), (4, 3):
	send(msg, type, b"\1" * size)
receive(msg, 4)
sleeper = child(semop, sem, 1, -4)
receiver = child(receive, msg, -3)
await_count(sem, GETNCNT, 1)
await_sleep(receiver)
tell(os.getpid(), sleeper, receiver, shm, sem, msg, os.getuid(), os.getgid())
libc.semctl(sem, 0, RMID), libc.msgctl(msg, RMID, None)
os.wait(), os.wait()
