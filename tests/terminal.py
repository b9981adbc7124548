# SPDX-License-Identifier: BSD-2-Clause
# terminal.py - mipcs --watch on a terminal: terminal.py DIR MIPCS FACT.
#
# It waits for what must come and presses keys: nothing depends on how long
# anything takes, since a look is due only once a minute.
from calls import PATIENCE
import fcntl, os, pty, re, select, signal, struct, subprocess, sys, termios

ns, mipcs, fact = sys.argv[1:4]
ENTER, LEAVE = b"\033[?1049h", b"\033[?1049l"
END = b"\033[J"				# of a frame
MARK = re.compile(rb"\033\[7m(.*?)\033\[m")

class Terminal:
	def __init__(self, *options, rows=24, columns=100, program=None):
		self.master, self.slave = pty.openpty()
		self.resize(rows, columns)
		self.before = termios.tcgetattr(self.slave)
		self.said = b""
		self.at = 0
		self.process = subprocess.Popen(program or [mipcs, "--dir",
		    ns, "--watch=60", *options], stdin=self.slave,
		    stdout=self.slave, stderr=self.slave,
		    preexec_fn=self.become)
	# Whoever started the test may have had signals ignored.
	def become(self):
		for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP, \
		    signal.SIGQUIT, signal.SIGTSTP:
			signal.signal(number, signal.SIG_DFL)
		os.setsid()
		fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
	def resize(self, rows, columns):
		fcntl.ioctl(self.master, termios.TIOCSWINSZ,
		    struct.pack("HHHH", rows, columns, 0, 0))
	# What is said up to `text`, behind what was awaited before.
	def until(self, text):
		while text not in self.said[self.at:]:
			if not select.select([self.master], [], [],
			    PATIENCE)[0]:
				sys.exit("no %r in %r" % (text,
				    self.said[self.at:]))
			self.said += os.read(self.master, 65536)
		end = self.said.index(text, self.at) + len(text)
		part, self.at = self.said[self.at:end], end
		return part
	def frame(self, key=None):
		if key is not None:
			self.press(key)
		return self.until(END)
	def press(self, key):
		os.write(self.master, key)
	def marks(self, key=b" "):
		return MARK.findall(self.frame(key))
	# It ended so, and all is as it was.
	def ended(self, code):
		self.until(LEAVE)
		found = self.process.wait(PATIENCE)
		assert found == code, found
		assert termios.tcgetattr(self.slave) == self.before
		assert self.said.count(ENTER) == self.said.count(LEAVE)
		assert self.said.count(b"\033[?25l") == \
		    self.said.count(b"\033[?25h")

def run(*words):
	return subprocess.run(words, check=True, stdout=subprocess.PIPE,
	    text=True).stdout.strip()

def draws():
	t = Terminal()
	frame = t.frame()
	assert ENTER in frame and b"0x00000071" in frame
	assert b"0x00000072" in frame and b"q quits" in frame
	assert not MARK.findall(frame), "nothing was before"
	t.press(b"q")
	t.ended(0)

def restores():
	t = Terminal()
	t.frame()
	mode = termios.tcgetattr(t.slave)
	assert not mode[3] & (termios.ICANON | termios.ECHO)
	t.press(b"q")
	t.ended(0)

def interrupts():
	t = Terminal()
	t.frame()
	t.press(b"\003")
	t.ended(0)

def dies():
	for number in signal.SIGTERM, signal.SIGHUP:
		t = Terminal()
		t.frame()
		t.process.send_signal(number)
		t.ended(-number)

# Only a job of its own can be stopped, with a parent in its session: this
# program starts itself as that.
def stops():
	t = Terminal(program=[sys.executable, __file__, ns, mipcs, "as_job"])
	t.frame()
	t.press(b"\032")
	t.until(LEAVE)
	t.until(b"stopped and as it was")
	assert ENTER in t.frame()
	t.press(b"q")
	t.ended(0)

def as_job():
	before = termios.tcgetattr(0)
	pid = os.fork()
	if pid == 0:
		signal.signal(signal.SIGTTOU, signal.SIG_IGN)
		os.setpgid(0, 0)
		os.tcsetpgrp(0, os.getpid())
		signal.signal(signal.SIGTTOU, signal.SIG_DFL)
		os.execv(mipcs, [mipcs, "--dir", ns, "--watch=60"])
	_, status = os.waitpid(pid, os.WUNTRACED)
	assert os.WIFSTOPPED(status), status
	assert termios.tcgetattr(0) == before
	print("stopped and as it was", flush=True)
	os.kill(pid, signal.SIGCONT)
	_, status = os.waitpid(pid, 0)
	sys.exit(os.WEXITSTATUS(status))

def marks():
	id = run("./mipcmk", "--dir", ns, "-q", "-k", "0x73")
	t = Terminal("-q")
	t.frame()
	assert t.marks() == []
	run("./mipcrun", "--dir", ns, "--", sys.executable, "-c", """
import ctypes, sys
libc = ctypes.CDLL(None)
libc.msgsnd(int(sys.argv[1]), (ctypes.c_long * 2)(1), 7, 0)""", id)
	assert t.marks() == [b"1", b"7"], "messages and bytes"
	assert t.marks() == []
	t.press(b"q")
	t.ended(0)

def marks_new():
	t = Terminal("-s")
	t.frame()
	id = run("./mipcmk", "--dir", ns, "-s", "5")
	found = t.marks()
	assert found[0] == b"0x00000000" and b"5" in found, found
	assert len(found) == len(set(found)), found
	run("./mipcrm", "--dir", ns, "-s", id)
	assert t.marks() == []
	t.press(b"q")
	t.ended(0)

def resizes():
	t = Terminal("-m", "-a", columns=300)
	assert b"command" in t.frame()
	t.resize(5, 20)
	t.process.send_signal(signal.SIGWINCH)
	frame = re.sub(rb"\033\[[?0-9]*[A-Za-z]", b"", t.frame())
	lines = frame.replace(b"\r", b"").split(b"\n")
	assert len(lines) <= 5, lines
	assert all(len(line) <= 20 for line in lines), lines
	t.press(b"q")
	t.ended(0)

def escapes():
	os.environ["MIPC_DIR"] = ns
	odd = ns + "\033[2J"
	os.symlink(ns, odd)
	t = Terminal("--dir", odd)
	frame = t.frame()
	assert b"?[2J" in frame and b"\033[2J" not in frame, frame
	t.press(b"q")
	t.ended(0)

def limits():
	t = Terminal("-l")
	assert b"shmmni" in t.frame()
	t.press(b"q")
	t.ended(0)

globals()[fact]()
