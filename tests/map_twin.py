# SPDX-License-Identifier: BSD-2-Clause
"""map_twin.py - a mmap object of Python's and a map of mipc's, side by side.

The library is the one that the program's first argument names.
"""
import ctypes as c
import errno
import mmap
import os
import sys
import tempfile

READ, WRITE, COPY = 1, 2, 3
CREAT, EXCL = 1, 2
END = c.c_size_t(-1).value
SIZE = 5000


class How(c.Structure):
    _fields_ = [("access", c.c_int), ("prot", c.c_int), ("flags", c.c_int),
                ("options", c.c_int), ("mode", c.c_uint),
                ("offset", c.c_ulonglong)]


def load(path):
    lib = c.CDLL(path, use_errno=True)
    v, z, i = c.c_void_p, c.c_size_t, c.c_int
    how = c.POINTER(How)
    table = {
        "open": (v, c.c_char_p, z, how), "open_fd": (v, i, z, how),
        "name": (v, c.c_char_p, z, how), "anon": (v, z, how),
        "unlink": (i, c.c_char_p), "close": (i, v), "closed": (i, v),
        "free": (None, v), "granularity": (z,), "length": (z, v),
        "size": (c.c_longlong, v), "at": (v, v, z, z),
        "get": (i, v, z, z, c.c_char_p, z), "set": (i, v, z, z, c.c_char_p, z),
        "move": (i, v, z, z, z), "find": (c.c_ssize_t, v, c.c_char_p, z, z, z),
        "rfind": (c.c_ssize_t, v, c.c_char_p, z, z, z),
        "read": (c.c_ssize_t, v, c.c_char_p, z), "read_byte": (i, v),
        "readline": (c.c_ssize_t, v, c.c_char_p, z),
        "write": (c.c_ssize_t, v, c.c_char_p, z),
        "write_byte": (i, v, c.c_ubyte),
        "seek": (c.c_ssize_t, v, c.c_longlong, i), "tell": (c.c_ssize_t, v),
        "resize": (i, v, z), "flush": (i, v, z, z), "advise": (i, v, z, z, i),
    }
    for name, (result, *arguments) in table.items():
        function = getattr(lib, "mipc_map_" + name)
        function.restype, function.argtypes = result, arguments
    lib.mipc_open.restype = v
    lib.mipc_shmat.restype = v
    return lib


class Map:
    """mipc's, with the methods that a mmap object has."""

    swapped = {}                # a function's name: what is called for it

    def __init__(self, handle):
        self.handle = handle

    def call(self, name, *arguments):
        name = Map.swapped.get(name, name)
        answer = getattr(lib, "mipc_map_" + name)(self.handle, *arguments)
        if answer == -1:
            raise OSError(c.get_errno(), name)
        return answer

    def _searched(self, name, what, start, end):
        start, end = slice(start, end).indices(len(self))[:2]
        try:
            return self.call(name, what, len(what), start, end)
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise
            return -1

    def find(self, what, start, end):
        return self._searched("find", what, start, end)

    def rfind(self, what, start, end):
        return self._searched("rfind", what, start, end)

    def _taken(self, name, size):
        buf = c.create_string_buffer(size + 1)
        size = self.call(name, buf, size)
        return buf.raw[:size]

    def read(self, n):
        return self._taken("read", n)

    def readline(self):
        return self._taken("readline", len(self))

    def read_byte(self):
        return self.call("read_byte")

    def write(self, data):
        return self.call("write", data, len(data))

    def write_byte(self, byte):
        self.call("write_byte", byte)

    def seek(self, position, whence=0):
        self.call("seek", position, whence)

    def tell(self):
        return self.call("tell")

    def move(self, to, start, count):
        if min(to, start, count) < 0:
            raise ValueError
        self.call("move", to, start, count)

    def resize(self, size):
        self.call("resize", size)

    def size(self):
        return self.call("size")

    def flush(self, *range_):
        self.call("flush", *(range_ or (0, END)))

    def madvise(self, option, start, length):
        self.call("advise", start, length, option)

    def close(self):
        self.call("close")

    @property
    def closed(self):
        return bool(lib.mipc_map_closed(self.handle))

    def __len__(self):
        return self.call("length")

    def __getitem__(self, where):
        start, end = where.indices(len(self))[:2]
        size = max(end - start, 0)
        buf = c.create_string_buffer(size + 1)
        self.call("get", start, start + size, buf, size)
        return buf.raw[:size]

    def __setitem__(self, where, data):
        start, end = where.indices(len(self))[:2]
        self.call("set", start, max(start, end), data, len(data))


lib = load(sys.argv[1])
work = tempfile.mkdtemp(prefix="mipc-python-", dir=os.environ.get(
    "MIPC_TEST_DIR", "/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
files = 0


def how(**fields):
    return c.byref(How(**fields))


def new_file(data):
    global files
    files += 1
    path = "%s/%d" % (work, files)
    with open(path, "wb") as file:
        file.write(data)
    return path


def have(handle):
    assert handle, os.strerror(c.get_errno())
    return Map(handle)


def pair(data=None):
    """A mmap object and a map, of two files with the same bytes."""
    if data is None:
        data = (b"line one\nline two\nand more\n" * 200)[:SIZE]
    with open(new_file(data), "r+b") as file:
        theirs = mmap.mmap(file.fileno(), 0)
    return theirs, have(lib.mipc_map_open(new_file(data).encode(), 0, None))


def answer(call):
    """What a call gives, or only that it fails."""
    try:
        return call()
    except (ValueError, OSError, TypeError, IndexError):
        return "error"


def agree(call, both=None):
    theirs, ours = both or pair()
    a, b = answer(lambda: call(theirs)), answer(lambda: call(ours))
    assert a == b, "%.100r there, %.100r here" % (a, b)
    if not ours.closed:
        if theirs.tell() > len(theirs):     # cut off; ours is at the end
            theirs.seek(0, 2)
        assert theirs[:] == ours[:], "other bytes"
        assert theirs.tell() == ours.tell()
