#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""restore_disk.py - what a loss of power may leave of a restored namespace.

	restore_disk.py MIPCSNAP PARENT NAME OLD NEW TRACE...

The traces are of system calls, as strace writes them with -y: of restorers
that ran in the directory PARENT one after another, of which only the last may
have come to its end.  PARENT/.before has links to what NAME was before them,
and PARENT/.after.1 to what it was when the first had ended, and so on.

Each call that changes names is an entry of a log, and so is the making of a
file, for its bytes.  fsync(2) makes the earlier entries of a directory, or of
a file, durable; syncfs(2) all.  After any call the power may fail: then all
durable entries are there, and of the others any may be.  Whatever NAME is then
is made of the files there are, and must be the checkpoint OLD or NEW, whole;
NEW, once a restorer has ended.  Says how many images there were, and whether
one was bad.
"""

import os
import random
import re
import shutil
import subprocess
import sys

FEW, SAMPLES = 10, 60

mipcsnap, parent, name, old, new = sys.argv[1:6]
parent = os.path.realpath(parent)


class Directory:
    """Names as they are now; and as they were when all of it began."""

    def __init__(self, of=None):
        self.names = dict(of or {})
        self.before = dict(self.names)


class File:
    """Where its bytes are to be had now."""

    def __init__(self, path=None):
        self.path = path


class Entry:
    def __init__(self, what, change, call):
        self.what, self.change, self.call = what, change, call
        self.durable = None


entries, calls, ended = [], 0, None
before = os.path.join(parent, ".before")
top = Directory({name: Directory({f: File(os.path.join(before, f))
                                  for f in os.listdir(before)})})


def find(path):
    """The directory or file that has this path now, if it is followed."""
    if path == parent:
        return top
    if not path.startswith(parent + "/"):
        return None
    at = top
    for part in path[len(parent) + 1:].split("/"):
        if not isinstance(at, Directory) or part not in at.names:
            return None
        at = at.names[part]
    return at


def change(*changes):
    """Names of directories, in one call: (directory, name, node or None)."""
    for where, text, node in changes:
        if node is None:
            where.names.pop(text, None)
        else:
            where.names[text] = node
    entries.append(Entry({id(where) for where, _, _ in changes},
                         changes, calls))


def make(where, text, node):
    if where is None or text in where.names:
        return
    if isinstance(node, File):
        entries.append(Entry({id(node)}, node, calls))
    change((where, text, node))


def sync(node, everything):
    for e in entries:
        if e.durable is None and (everything or id(node) in e.what):
            e.durable = calls


def where(fd, path):
    """The directory of a path, and the name in it."""
    base = re.match(r"[^<]*<([^>]*)>", fd)
    full = os.path.normpath(os.path.join(base.group(1) if base else "/", path))
    return find(os.path.dirname(full)), os.path.basename(full)


ARGS = re.compile(r'"(?:[^"\\]|\\.)*"|[^,"\s][^,"]*')


def take(line):
    """One line of a trace."""
    global calls, ended
    m = re.match(r"(?:\d+ +)?(\w+)\((.*)\) += (-?\d+)", line)
    if m is None or int(m.group(3)) < 0:
        return
    calls += 1
    call, text = m.group(1), m.group(2)
    args = [a.strip() for a in ARGS.findall(text)]
    names = [a[1:-1] for a in args if a.startswith('"')]
    if call in ("fsync", "fdatasync", "syncfs"):
        path = re.match(r"\d+<([^>]*)>", args[0]).group(1)
        sync(find(path), call == "syncfs")
    elif call == "openat" and "O_CREAT" in text:
        make(*where(args[0], names[0]), File())
    elif call == "mkdirat":
        make(*where(args[0], names[0]), Directory())
    elif call in ("linkat", "symlinkat"):
        fds = [a for a in args[1:] if re.match(r"\d+<", a)]
        at, last = where(fds[-1], names[-1])
        make(at, last, File())
    elif call in ("unlinkat", "rmdir"):
        at, last = where(args[0], names[0])
        if at is not None and last in at.names:
            change((at, last, None))
    elif call in ("renameat2", "renameat"):
        rename(text, args, names)


def rename(text, args, names):
    fds = [a for a in args if re.match(r"\d+<", a)]
    a, one = where(fds[0], names[0])
    b, other = where(fds[1], names[1])
    if a is None or one not in a.names:
        return
    if "RENAME_EXCHANGE" in text:
        change((a, one, b.names[other]), (b, other, a.names[one]))
    else:
        change((b, other, a.names[one]), (a, one, None))


def image(chosen):
    """What NAME is: its files by name, and whether their bytes are there."""
    names, lost = {}, {e.change for e in entries if isinstance(e.change, File)}
    for d in every_directory:
        names[d] = dict(d.before)
    for e in chosen:
        if isinstance(e.change, File):
            lost.discard(e.change)
            continue
        for d, text, node in e.change:
            if node is None:
                names[d].pop(text, None)
            else:
                names[d][text] = node
    at = names[top].get(name)
    if at is None:
        return None
    return frozenset((text, f, f in lost) for text, f in names[at].items())


def compare(directory, checkpoint):
    r = subprocess.run([mipcsnap, "diff", directory, checkpoint],
                       capture_output=True, text=True)
    return r.returncode == 0


judged = {}


def judge(state):
    """Which checkpoint it is: "old", "new" or "neither"."""
    if state in judged:
        return judged[state]
    found = "neither"
    if state is not None:
        path = os.path.join(parent, ".image")
        os.mkdir(path)
        for text, file, is_lost in state:
            to = os.path.join(path, text)
            if is_lost:
                open(to, "w").close()
            else:
                link(file.path, to)
        found = "old" if compare(path, old) else \
            "new" if compare(path, new) else "neither"
        shutil.rmtree(path)
    judged[state] = found
    return found


def link(source, to):
    """A segment's file is known by its inode."""
    if source is None:          # it is nowhere any more
        open(to, "w").close()
    else:
        os.link(source, to)


def choices(unsure, rng):
    n = len(unsure)
    if n <= FEW:
        for bits in range(1 << n):
            yield [e for i, e in enumerate(unsure) if bits >> i & 1]
        return
    yield []
    yield unsure
    for _ in range(SAMPLES):
        share = rng.random()
        yield [e for e in unsure if rng.random() < share]


def directories():
    """All that there ever were."""
    seen = [top] + [n for n in top.before.values()
                    if isinstance(n, Directory)]
    for e in entries:
        if isinstance(e.change, File):
            continue
        for _, _, node in e.change:
            if isinstance(node, Directory) and node not in seen:
                seen.append(node)
    return seen


for number, trace in enumerate(sys.argv[6:], 1):
    with open(trace) as f:
        for line in f:
            take(line)
    for text, file in top.names[name].names.items():
        if file.path is None:
            file.path = os.path.join(parent, ".after.%d" % number, text)
with open(sys.argv[-1]) as f:
    ended = "+++ exited with 0 +++" in f.read()
every_directory = directories()

images, bad = 0, None
rng = random.Random(1)
for call in range(calls + 1):
    if bad:
        break
    there = [e for e in entries if e.call <= call]
    sure = [e for e in there if e.durable is not None and e.durable <= call]
    unsure = [e for e in there if e not in sure]
    for some in choices(unsure, rng):
        state = image([e for e in there if e in sure or e in some])
        found = judge(state)
        images += 1
        if found == "neither" or (call == calls and ended and found != "new"):
            bad = "after call %d: %s" % (call, found)
            break
print("%d calls, %d entries, %d images of %d kinds: %s" %
      (calls, len(entries), images, len(judged), bad or "none is bad"))
