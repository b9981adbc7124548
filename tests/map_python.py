# SPDX-License-Identifier: BSD-2-Clause
"""map_python.py - mipc beside Python's mmap, shared_memory and System V IPC.

	map_python.py LIBRARY MANUAL [--calls N] [--seed N]

Every row of the tables in mipc(7) is a test: what its left side does, and what
the function on its right does, come to the same.  A row without a test, a test
without a row and a method without a row are failures.  Then random calls are
made on a mmap object and on a map alike, which must agree on every answer and
every byte; and with one function taken for another they must not.
"""
import ctypes as c
import errno
import mmap
import os
import random
import re
import shutil
import sys
from multiprocessing import resource_tracker, shared_memory

from map_twin import (COPY, CREAT, EXCL, READ, SIZE, Map, agree, answer,
                      have, how, lib, new_file, pair, work)

IPC_CREAT, IPC_RMID, IPC_STAT = 0o1000, 0, 2
SETVAL, GETVAL = 16, 12


class Sembuf(c.Structure):
    _fields_ = [("num", c.c_ushort), ("op", c.c_short), ("flags", c.c_short)]


class Message(c.Structure):
    _fields_ = [("type", c.c_long), ("text", c.c_char * 16)]


class Wait(c.Structure):
    _fields_ = [("seconds", c.c_long), ("nanoseconds", c.c_long)]


# ---- Python's mmap, by row ----

def by_open():
    data = b"by path and by descriptor"
    path = new_file(data)
    with open(path, "r+b") as file:
        theirs = mmap.mmap(file.fileno(), 0)
        by_fd = have(lib.mipc_map_open_fd(file.fileno(), 0, None))
    by_path = have(lib.mipc_map_open(path.encode(), 0, how(access=READ)))
    assert theirs[:] == by_fd[:] == by_path[:] == data
    theirs[0:2] = b"BY"
    assert by_fd[:2] == by_path[:2] == b"BY"
    by_fd[3:7] = b"PATH"
    assert theirs[3:7] == b"PATH"


def by_anon():
    agree(lambda m: (m[:], m.write(b"x"), m[:2], len(m)),
          (mmap.mmap(-1, 100), have(lib.mipc_map_anon(100, None))))


def by_close():
    agree(lambda m: (m.close(), m.close(), m.closed))
    agree(lambda m: (m.close(), m.read(1)))
    lib.mipc_map_free(pair()[1].handle)


def by_flush():
    agree(lambda m: (m.write(b"new"), m.flush(), m.flush(4096, 100)) and 0)
    agree(lambda m: m.flush(4096, 5000))


def by_advise():
    agree(lambda m: m.madvise(mmap.MADV_WILLNEED, 0, 4096))
    agree(lambda m: m.madvise(4711, 0, 4096))
    agree(lambda m: m.madvise(mmap.MADV_WILLNEED, 1, 4096))


def by_memoryview():
    theirs, ours = pair()
    view = memoryview(theirs)
    at = lib.mipc_map_at(ours.handle, 10, 50)
    assert c.string_at(at, 50) == bytes(view[10:60])
    view.release()


def by_resize():
    for size in 1, 4096, SIZE, 100000:
        agree(lambda m: (m.seek(5), m.resize(size), len(m), m.size()))
    agree(lambda m: m.resize(-1 if isinstance(m, mmap.mmap) else 0))
    for access in READ, COPY:
        path = new_file(b"a" * 100)
        with open(path, "r+b") as file:
            theirs = mmap.mmap(file.fileno(), 0, access=access)
        ours = have(lib.mipc_map_open(path.encode(), 0, how(access=access)))
        assert answer(lambda: theirs.resize(200)) == "error"
        assert answer(lambda: ours.resize(200)) == "error"
        theirs.close()


def each(*calls):
    return lambda: [agree(call) for call in calls]


by_python = {
    "mmap.mmap(fd, length, ...)": by_open,
    "mmap.mmap(-1, length)": by_anon,
    "m.close()": by_close,
    "m.closed": each(lambda m: m.closed, lambda m: (m.close(), m.closed)),
    "m.find(sub, start, end)": each(
        lambda m: m.find(b"two", 0, SIZE), lambda m: m.find(b"two", 20, 50),
        lambda m: m.find(b"two", 14, 16), lambda m: m.find(b"", 3, 9),
        lambda m: m.find(b"no", 0, SIZE), lambda m: m.find(b"one", -30, -1)),
    "m.flush(offset, size)": by_flush,
    "m.madvise(option, start, length)": by_advise,
    "m.move(dest, src, count)": each(
        lambda m: m.move(3, 0, 4000), lambda m: m.move(0, 3, 4000),
        lambda m: m.move(4000, 0, 1001), lambda m: m.move(0, 0, SIZE),
        lambda m: m.move(SIZE, 0, 0), lambda m: m.move(1, 0, SIZE)),
    "m.read(n)": each(lambda m: (m.read(10), m.read(0), m.read(90000))),
    "m.read_byte()": each(lambda m: m.read_byte(),
                          lambda m: (m.seek(0, 2), m.read_byte())),
    "m.readline()": each(
        lambda m: (m.readline(), m.readline(), m.seek(-3, 2), m.readline(),
                   m.readline())),
    "m.resize(newsize)": by_resize,
    "m.rfind(sub, start, end)": each(
        lambda m: m.rfind(b"two", 0, SIZE), lambda m: m.rfind(b"two", 0, 50),
        lambda m: m.rfind(b"two", 14, 16), lambda m: m.rfind(b"", 3, 9)),
    "m.seek(pos, whence)": each(
        lambda m: (m.seek(7), m.tell(), m.seek(-2, 1), m.tell(),
                   m.seek(-1, 2), m.tell(), m.seek(0, 2)) and 0,
        lambda m: m.seek(-1), lambda m: m.seek(1, 2), lambda m: m.seek(0, 9)),
    "m.size()": each(lambda m: m.size()),
    "m.tell()": each(lambda m: m.tell(), lambda m: (m.read(9), m.tell())),
    "m.write(bytes)": each(
        lambda m: (m.write(b"written"), m.tell()),
        lambda m: (m.seek(-2, 2), m.write(b"too long")),
        lambda m: (m.seek(-2, 2), m.write(b"ok"))),
    "m.write_byte(byte)": each(
        lambda m: m.write_byte(65), lambda m: (m.seek(0, 2), m.write_byte(65))),
    "len(m)": each(len),
    "m[i:j]": each(lambda m: (m[2:9], m[-5:], m[9:2], m[:99999])),
    "m[i:j] = bytes": each(
        lambda m: m.__setitem__(slice(2, 9), b"1234567"),
        lambda m: m.__setitem__(slice(2, 9), b"123456"),
        lambda m: m.__setitem__(slice(2, 9), b"12345678")),
    "memoryview(m)": by_memoryview,
    "mmap.ALLOCATIONGRANULARITY": lambda: same(
        lib.mipc_map_granularity(), mmap.ALLOCATIONGRANULARITY),
}


def same(a, b):
    assert a == b, "%r, not %r" % (a, b)


# ---- shared_memory, by row ----

name = "mipc-python-%d" % os.getpid()


def by_create():
    ours = have(lib.mipc_map_name(name.encode(), SIZE, how(
        options=CREAT | EXCL)))
    try:
        theirs = shared_memory.SharedMemory(name)
        same(theirs.size, len(ours))
        ours[0:4] = b"mipc"
        same(bytes(theirs.buf[:4]), b"mipc")
        assert not lib.mipc_map_name(name.encode(), SIZE, how(
            options=CREAT | EXCL))
        same(c.get_errno(), errno.EEXIST)
        theirs.close()
    finally:
        theirs.unlink()
    assert not lib.mipc_map_name(name.encode(), 0, None)
    same(c.get_errno(), errno.ENOENT)


def theirs_and_ours(test):
    def run():
        theirs = shared_memory.SharedMemory(name, True, SIZE)
        try:
            test(theirs, have(lib.mipc_map_name(name.encode(), 0, None)))
        finally:
            theirs.close()
            try:
                theirs.unlink()
            except FileNotFoundError:
                resource_tracker.unregister(theirs._name, "shared_memory")
    return run


def by_buf(theirs, ours):
    theirs.buf[3:9] = b"theirs"
    same(c.string_at(lib.mipc_map_at(ours.handle, 3, 6), 6), b"theirs")
    c.memmove(lib.mipc_map_at(ours.handle, 3, 4), b"ours", 4)
    same(bytes(theirs.buf[3:9]), b"oursrs")


def by_unlink(theirs, ours):
    same(lib.mipc_map_unlink(b"/" + theirs.name.encode()), 0)
    same(lib.mipc_map_unlink(theirs.name.encode()), -1)
    same(ours[:2], bytes(theirs.buf[:2]))


def by_shm_close(theirs, ours):
    ours.close()
    assert ours.closed
    theirs.buf[0:1] = b"x"
    lib.mipc_map_free(ours.handle)


def by_list():
    theirs = shared_memory.ShareableList([1, 2.5, "text", None], name=name)
    try:
        ours = have(lib.mipc_map_name(name.encode(), 0, None))
        theirs[0] = 0x0123456789
        at = ours[:].index((0x0123456789).to_bytes(8, sys.byteorder))
        ours[at:at + 8] = (4711).to_bytes(8, sys.byteorder)
        same(theirs[0], 4711)
    finally:
        theirs.shm.close()
        theirs.shm.unlink()


by_shared_memory = {
    "SharedMemory(name, True, size)": by_create,
    "SharedMemory(name)": theirs_and_ours(
        lambda theirs, ours: same(ours[:], bytes(theirs.buf))),
    "s.buf": theirs_and_ours(by_buf),
    "s.name": theirs_and_ours(lambda theirs, ours: same(theirs.name, name)),
    "s.size": theirs_and_ours(
        lambda theirs, ours: same(len(ours), theirs.size)),
    "s.close()": theirs_and_ours(by_shm_close),
    "s.unlink()": theirs_and_ours(by_unlink),
    "ShareableList(sequence)": by_list,
}


# ---- System V calls, by row ----

def namespace():
    global ns
    if ns is None:
        ns = c.c_void_p(lib.mipc_open((work + "/ns").encode(), 1))
        assert ns, os.strerror(c.get_errno())
    return ns


ns = None


def good(value):
    assert value != -1, os.strerror(c.get_errno())
    return value


def removed(call, identifier, *arguments):
    good(call(namespace(), identifier, *arguments))
    same(call(namespace(), identifier, *arguments), -1)


def shared():
    return good(lib.mipc_shmget(namespace(), 0, SIZE, IPC_CREAT | 0o600))


def by_shmget():
    a = good(lib.mipc_shmget(namespace(), 5, SIZE, IPC_CREAT | 0o600))
    same(lib.mipc_shmget(namespace(), 5, 0, 0), a)
    removed(lib.mipc_shmctl, a, IPC_RMID, None)


def by_shmat():
    a = shared()
    at = lib.mipc_shmat(namespace(), a, None, 0)
    again = lib.mipc_shmat(namespace(), a, None, 0)
    c.memmove(at, b"seen by both", 12)
    same(c.string_at(again, 12), b"seen by both")
    for where in at, again:
        good(lib.mipc_shmdt(namespace(), c.c_void_p(where)))
    same(lib.mipc_shmdt(namespace(), c.c_void_p(at)), -1)
    removed(lib.mipc_shmctl, a, IPC_RMID, None)


def by_shmctl():
    a = shared()
    status = c.create_string_buffer(500)
    good(lib.mipc_shmctl(namespace(), a, IPC_STAT, status))
    assert SIZE.to_bytes(c.sizeof(c.c_size_t), sys.byteorder) in status.raw
    removed(lib.mipc_shmctl, a, IPC_RMID, None)


def by_sem():
    a = good(lib.mipc_semget(namespace(), 6, 1, IPC_CREAT | 0o600))
    same(lib.mipc_semget(namespace(), 6, 0, 0), a)
    good(lib.mipc_semctl(namespace(), a, 0, SETVAL, 3))
    op = Sembuf(0, -2, 0)
    good(lib.mipc_semop(namespace(), a, c.byref(op), c.c_size_t(1)))
    same(lib.mipc_semctl(namespace(), a, 0, GETVAL), 1)
    same(lib.mipc_semtimedop(namespace(), a, c.byref(op), c.c_size_t(1),
                             c.byref(Wait(0, 1000))), -1)
    same(c.get_errno(), errno.EAGAIN)
    good(lib.mipc_semctl(namespace(), a, 0, IPC_RMID))


def by_msg():
    a = good(lib.mipc_msgget(namespace(), 7, IPC_CREAT | 0o600))
    same(lib.mipc_msgget(namespace(), 7, 0), a)
    sent, got = Message(3, b"a message"), Message()
    good(lib.mipc_msgsnd(namespace(), a, c.byref(sent), c.c_size_t(9), 0))
    same(lib.mipc_msgrcv(namespace(), a, c.byref(got), c.c_size_t(16),
                         c.c_long(0), 0), 9)
    same((got.type, got.text), (3, b"a message"))
    removed(lib.mipc_msgctl, a, IPC_RMID, None)


def by_ftok():
    libc = c.CDLL(None)
    for number in 1, 65, 255:
        same(lib.mipc_ftok(work.encode(), number),
             libc.ftok(work.encode(), number))


by_system_v = {
    "ftok": by_ftok, "shmget": by_shmget, "shmat": by_shmat,
    "shmdt": by_shmat, "shmctl": by_shmctl, "semget": by_sem,
    "semop": by_sem, "semtimedop": by_sem, "semctl": by_sem,
    "msgget": by_msg, "msgsnd": by_msg, "msgrcv": by_msg, "msgctl": by_msg,
}


# ---- the table ----

def rows_of(manual, section):
    with open(manual) as page:
        text = page.read().split(".Ss %s\n" % section, 1)[1]
    text = re.split(r"^\.S[sh] ", text, flags=re.M)[0]
    return [(left, re.findall(r"Fn (\w+)", right)) for left, right in
            re.findall(r"^\.It (.*?) Ta (.*)$", text, flags=re.M)]


def complete(rows, tests, methods):
    lefts = [left for left, _ in rows]
    same(sorted(lefts), sorted(tests))
    for left, functions in rows:
        assert functions, left
        for function in functions:
            assert hasattr(lib, function), "no " + function
    missing = [m for m in methods
               if not any(re.search(r"\b%s\b" % m, left) for left in lefts)]
    assert not missing, "no row for " + ", ".join(missing)


def public(kind):
    return [m for m in dir(kind) if not m.startswith("_")]


# ---- random calls ----

def some_bytes(r):
    return bytes(r.choice(b"ab\n") for _ in range(r.choice((0, 1, 2, 3, 9))))


def random_call(r, n):
    def at():
        return r.choice((r.randrange(n + 1), r.randrange(n + 1),
                         r.randrange(-n - 3, n + 9)))
    a, b, k, data = at(), at(), r.randrange(n + 3), some_bytes(r)
    return r.choice((
        ("find", lambda m: m.find(data, a, b)),
        ("rfind", lambda m: m.rfind(data, a, b)),
        ("read", lambda m: m.read(k)),
        ("readline", lambda m: m.readline()),
        ("read_byte", lambda m: m.read_byte()),
        ("write", lambda m: m.write(data)),
        ("write_byte", lambda m: m.write_byte(k % 256)),
        ("seek", lambda m: m.seek(a, k % 3)),
        ("seek back", lambda m: m.seek(abs(a) % (n + 1))),
        ("move", lambda m: m.move(a, b, k)),
        ("get", lambda m: m[a:b]),
        ("set", lambda m: m.__setitem__(slice(a, a + len(data)), data)),
        ("size", lambda m: (m.size(), len(m), m.tell())),
        ("resize", lambda m: m.resize(1 + k)),
    ))


def differ(seed, calls):
    """The first call on which they differ, or None."""
    r = random.Random(seed)
    both = pair(b"".join(some_bytes(r) for _ in range(100)))
    for turn in range(calls):
        called, call = random_call(r, len(both[0]))
        if called == "resize" and r.random() < 0.9:
            continue
        try:
            agree(call, both)
        except AssertionError as error:
            return "seed %d, call %d, %s: %s" % (seed, turn, called, error)
    both[0].close()
    lib.mipc_map_free(both[1].handle)
    return None


def all_agree(seed, calls):
    for n in range(0, calls, 2000):
        said = differ(seed + n, 2000)
        assert said is None, said


def seen(name_, other):
    Map.swapped = {name_: other}
    try:
        assert any(differ(seed, 2000) for seed in range(5)), "not seen"
    finally:
        Map.swapped = {}


count = 0
failed = False


def test(what, run):
    global count, failed
    count += 1
    try:
        run()
        print("ok %d - %s" % (count, what))
    except Exception as error:
        failed = True
        print("not ok %d - %s" % (count, what))
        print("# %s: %s" % (type(error).__name__, error))
    sys.stdout.flush()


def option(which, default):
    return int(sys.argv[sys.argv.index(which) + 1]) if which in sys.argv \
        else default


def main():
    manual, seed = sys.argv[2], option("--seed", 1)
    for section, tests, methods in (
            ("Python's mmap", by_python, public(mmap.mmap)),
            ("Python's multiprocessing.shared_memory", by_shared_memory,
             public(shared_memory.SharedMemory)),
            ("System V calls", by_system_v, [])):
        rows = rows_of(manual, section)
        test("every one of %s has a row, and every row a test" % section,
             lambda: complete(rows, tests, methods))
        for left, _ in rows:
            test("%s: %s" % (section, left), tests.get(left, lambda: same(
                "a row", "one with a test")))
    for name_, other in (("find", "rfind"), ("read", "readline"),
                         ("readline", "read")):
        test("%s in place of %s is seen" % (other, name_),
             lambda: seen(name_, other))
    test("random calls give the same", lambda: all_agree(
        seed, option("--calls", 20000)))
    print("1..%d" % count)


try:
    main()
finally:
    shutil.rmtree(work)
sys.exit(failed)
