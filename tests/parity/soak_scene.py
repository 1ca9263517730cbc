"""The scene of the differential tester: a tree that is edited by small
operations, compiles in it, and what a compile changed.

An operation is a tuple, its paths are relative to the tree; one that cannot be
done (the file is gone) does nothing, so that a log of operations stays runnable
when parts of it are left out. `{R}` in texts, arguments and variables stands for
the tree's absolute path.
"""
import hashlib
import os
import re
import shutil
import signal
import stat
import subprocess
import time

TICK_NS = 20_000_000  # well above the tick of the clock that stamps files
COARSE = 5  # CLOCK_REALTIME_COARSE: the clock that stamps files
TIMEOUT = 30
# Names of temporary files in messages are random.
RANDOM_NAME = re.compile(rb"\bcc\w{6}\.|(?<=/tmp/)[^ :/'\"]*-[0-9a-f]{6,}\.")


def settle():
    """Waits until a later change gets another time stamp than the earlier ones."""
    now = time.clock_gettime_ns(time.CLOCK_REALTIME)
    while time.clock_gettime_ns(COARSE) <= now:
        time.sleep(0.0005)


def stamp_name(name, text):
    return hashlib.sha256((name + "\0" + text).encode()).hexdigest()[:16]


def remove_tree(path):
    for at, _, _ in os.walk(path):
        os.chmod(at, 0o700)
    shutil.rmtree(path)


class Node:
    """One file: what lstat says, and its content, link target or device number."""
    __slots__ = ("kind", "mode", "data", "inode", "links", "mtime")

    def __init__(self, st, data):
        self.kind, self.mode = stat.S_IFMT(st.st_mode), stat.S_IMODE(st.st_mode)
        self.data, self.inode, self.links, self.mtime = data, st.st_ino, st.st_nlink, st.st_mtime_ns


class Tree:
    def __init__(self, root):
        self.root = root
        self.known = {}  # stat tuple -> content, for tuples that are old enough to be trusted
        os.makedirs(root + "/tmp")

    def path(self, name):
        assert ".." not in name.split("/") and not name.startswith("/")
        return f"{self.root}/{name}"

    def scan(self):
        """Everything in the tree but TMPDIR: {name: Node}."""
        found, todo = {}, [""]
        while todo:
            below = todo.pop()
            with os.scandir(self.root + "/" + below) as entries:
                for e in entries:
                    name = below + e.name
                    if name == "tmp":
                        continue
                    st = e.stat(follow_symlinks=False)
                    if stat.S_ISDIR(st.st_mode):
                        todo.append(name + "/")
                    found[name] = Node(st, self.content(name, st))
        return found

    def content(self, name, st):
        if stat.S_ISLNK(st.st_mode):
            return os.readlink(self.path(name))
        if not stat.S_ISREG(st.st_mode):
            return st.st_rdev
        key = (st.st_ino, st.st_size, st.st_mtime_ns, st.st_ctime_ns)
        if key in self.known:
            return self.known[key]
        with open(self.path(name), "rb") as f:
            data = f.read()
        if time.time_ns() - st.st_ctime_ns > TICK_NS:
            self.known[key] = data
        return data

    def restore(self, was):
        """Takes the tree back to a scan. Files that did not change keep every stamp."""
        now = self.scan()
        for name, n in now.items():
            if stat.S_ISDIR(n.kind) and not n.mode & 0o200:
                os.chmod(self.path(name), 0o755)
                n.mode = 0o755
        for name in sorted(now, reverse=True):
            a, b = now[name], was.get(name)
            if b and (a.kind, a.data, a.inode, a.mode) == (b.kind, b.data, b.inode, b.mode):
                if a.mtime != b.mtime and stat.S_ISREG(a.kind):
                    os.utime(self.path(name), ns=(b.mtime, b.mtime))
                continue
            if stat.S_ISDIR(a.kind):
                if b and stat.S_ISDIR(b.kind):
                    continue
                try:
                    os.rmdir(self.path(name))
                except OSError:  # a race wrote into it
                    pass
            else:
                os.unlink(self.path(name))
        there = {}
        for name, n in sorted(was.items()):
            path = self.path(name)
            if not os.path.lexists(path):
                self.make(path, n, there.get(n.inode) or next(
                    (self.path(m) for m, o in now.items() if o.inode == n.inode and m in was and was[m].inode == n.inode and os.path.lexists(self.path(m))),
                    None))
            if stat.S_ISREG(n.kind):
                there[n.inode] = path
        for name, n in was.items():
            if stat.S_ISDIR(n.kind) and (name not in now or now[name].mode != n.mode):
                os.chmod(self.path(name), n.mode)

    @staticmethod
    def make(path, n, twin):
        if stat.S_ISLNK(n.kind):
            os.symlink(n.data, path)
        elif stat.S_ISDIR(n.kind):
            os.mkdir(path)
        elif twin and n.links > 1:
            os.link(twin, path)
        elif stat.S_ISREG(n.kind):
            with open(path, "wb") as f:
                f.write(n.data)
            os.chmod(path, n.mode)
            os.utime(path, ns=(n.mtime, n.mtime))

    # ---- operations ----------------------------------------------------------------

    def apply(self, op):
        try:
            getattr(self, "op_" + op[0])(*op[1:])
        except OSError:
            pass

    def stamp(self, name, text):
        """Where the first modification time that a name had with a text is kept."""
        return f"{self.root}.stamps/{stamp_name(name, text)}"

    def op_write(self, name, text, times):
        """times: "new"; "keep" the file's old one; "first", the one it had when it first held this text."""
        path, stamp = self.path(name), self.stamp(name, text)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        before = os.lstat(path) if times == "keep" else None
        if os.path.islink(path):
            os.unlink(path)
        with open(path, "wb") as f:
            f.write(text.replace("{R}", self.root).encode())
        if before:
            os.utime(path, ns=(before.st_mtime_ns, before.st_mtime_ns))
        if times == "first" and os.path.exists(stamp):
            st = os.stat(stamp)
            os.utime(path, ns=(st.st_mtime_ns, st.st_mtime_ns))
        if not os.path.exists(stamp):
            os.makedirs(os.path.dirname(stamp), exist_ok=True)
            open(stamp, "w").close()
            st = os.stat(path)
            os.utime(stamp, ns=(st.st_mtime_ns, st.st_mtime_ns))

    def op_remove(self, name):
        path = self.path(name)
        if os.path.isdir(path) and not os.path.islink(path):
            remove_tree(path)
        else:
            os.unlink(path)

    def op_rename(self, name, to):
        os.rename(self.path(name), self.path(to))

    def op_symlink(self, name, target):
        path = self.path(name)
        if os.path.lexists(path):
            self.op_remove(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.symlink(target, path)

    def op_link(self, name, to):
        os.link(self.path(name), self.path(to))

    def op_chmod(self, name, mode):
        os.chmod(self.path(name), mode)

    def op_mkdir(self, name):
        os.makedirs(self.path(name))

    def op_touch(self, name, seconds):
        path = self.path(name)
        if seconds is None:
            os.utime(path)
        else:
            os.utime(path, (seconds, seconds))


# ---- compiles -----------------------------------------------------------------------


class Result:
    def __init__(self, status, out, err, tree, temp, start):
        self.status, self.out, self.err = status, RANDOM_NAME.sub(b"ccXXXXXX.", out), RANDOM_NAME.sub(b"ccXXXXXX.", err)
        self.tree, self.temp, self.start = tree, temp, start


def environment(tree, compile_, base):
    env = dict(base, TMPDIR=tree.root + "/tmp", PWD=f"{tree.root}/{compile_['cwd']}")
    for name, value in compile_["env"].items():
        if value is None:
            env.pop(name, None)
        else:
            env[name] = value.replace("{R}", tree.root)
    return env


def words(tree, compile_, compiler):
    return [compiler] + [a.replace("{R}", tree.root) for a in compile_["args"]]


def run(tree, compile_, argv, env, meanwhile=None):
    """Runs one command in the tree. meanwhile: (seconds, operations) done while it runs."""
    start = time.clock_gettime_ns(COARSE)
    joined = subprocess.STDOUT if compile_.get("joined") else subprocess.PIPE
    process = subprocess.Popen(argv, cwd=f"{tree.root}/{compile_['cwd']}", env=env, umask=compile_["umask"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=joined, start_new_session=True)
    if meanwhile:
        time.sleep(meanwhile[0])
        for op in meanwhile[1]:
            tree.apply(op)
    try:
        out, err = process.communicate(timeout=TIMEOUT)
        status = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        status = "timeout"
    temp = sorted(os.listdir(tree.root + "/tmp"))
    for name in temp:
        tree.op_remove("tmp/" + name)
    return Result(status, out, err or b"", tree.scan(), len(temp), start)


def renewed(before, name, node):
    return name in before and stat.S_ISREG(node.kind) and node.mtime != before[name].mtime


def differences(before, want, got, varies=()):
    """One line for each difference of two results that began with the same tree. varies: names whose bytes the compiler
    does not repeat; what they are for is compared where they are used."""
    bad = []
    if want.status != got.status:
        bad.append(f"exit status {got.status}, the compiler's {want.status}")
    for stream in ("out", "err"):
        a, b = getattr(want, stream), getattr(got, stream)
        if a != b:
            bad.append(f"std{stream}: {show(b)}\n      the compiler's: {show(a)}")
    if want.temp != got.temp:
        bad.append(f"{got.temp} files left in TMPDIR, by the compiler {want.temp}")
    for name in sorted(set(want.tree) | set(got.tree)):
        a, b = want.tree.get(name), got.tree.get(name)
        if b is None:
            bad.append(f"{name} is missing")
        elif a is None:
            bad.append(f"{name} should not be there")
        elif (a.kind, a.mode) != (b.kind, b.mode):
            bad.append(f"{name} has mode {b.kind | b.mode:o}, the compiler's {a.kind | a.mode:o}")
        elif name in before and before[name].links > 1 and b.data == before[name].data:
            pass  # a compiler writes through the other name of a hard link, a hit must not
        elif a.data != b.data and name not in varies:
            bad.append(f"{name} differs{first_difference(a.data, b.data)}")
        elif stat.S_ISREG(a.kind) and a.links != b.links and (name not in before or before[name].links == 1):
            bad.append(f"{name} has {b.links} links, the compiler's {a.links}")
        elif renewed(before, name, a) != renewed(before, name, b):
            bad.append(f"{name} was {'' if renewed(before, name, b) else 'not '}renewed, unlike the compiler's")
        elif stat.S_ISREG(b.kind) and name not in before and b.mtime < got.start - TICK_NS:
            bad.append(f"{name} is older than the compile")
    return bad


def first_difference(a, b):
    if not isinstance(a, bytes) or not isinstance(b, bytes):
        return f": {b!r}, the compiler's {a!r}"
    at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    low = max(0, at - 16)
    return (f" at byte {at} (of {len(b)}, the compiler's {len(a)})\n      got  {b[low:at + 48]!r}\n      want {a[low:at + 48]!r}")


def show(data):
    return f"{len(data)} bytes " + repr(data[:1200].decode("utf-8", "backslashreplace"))
