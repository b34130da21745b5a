# SPDX-License-Identifier: GPL-2.0-or-later
"""What a load run of the KMS is made of: folders, servers, what they use."""
import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("MIKEY_BUILD") or os.path.join(TOP, os.environ.get("BUILD", "build"))
KMS = os.path.join(BUILD, "mikey-kms")
GENERATOR = os.path.join(BUILD, "tests", "load-kms")
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
IDENTITY = "https://kms.example.test"


class Failed(Exception):
    """A part did not do what it should; the words say which, and what it said."""


def run(*words, **more):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, check=False,
                          **more)
    if done.returncode:
        raise Failed(f"{os.path.basename(str(words[0]))}: {done.stderr.strip() or done.stdout}")
    return done.stdout


@contextlib.contextmanager
def folder(where=None):
    path = tempfile.mkdtemp(prefix="mikey-load.", dir=where)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def free_ports(num):
    """They stay free until their servers take them: the kernel gives others to whoever
    connects."""
    taken = []
    while len(taken) < num:
        with contextlib.suppress(OSError):
            taken.append(socket.create_server(("127.0.0.1", random.randrange(10000, 30000))))
    ports = [s.getsockname()[1] for s in taken]
    for s in taken:
        s.close()
    return ports


def stop(process, seconds=60):
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def usage_of(pids):
    """Processor seconds and resident bytes of processes and their children."""
    cpu = rss = 0
    pids = {str(p) for p in pids}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
                fields = f.read().rpartition(")")[2].split()
        except OSError:
            continue    # it has just ended
        if pid in pids or fields[1] in pids:
            # what children used that have ended counts, too
            cpu += sum(int(n) for n in fields[11:15])
            rss += int(fields[21]) * PAGE
    return cpu / TICKS, rss


def sync_ms(where, times=100):
    """How long the disk takes until 600 more bytes of a file are on it."""
    path = os.path.join(where, "sync")
    fd = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    try:
        begin = time.monotonic()
        for _ in range(times):
            os.write(fd, b"x" * 600)
            os.fdatasync(fd)
        return round((time.monotonic() - begin) * 1000 / times, 3)
    finally:
        os.close(fd)
        os.unlink(path)


class Pgsql:
    """A server of the run's own, which writes to the disk what it commits."""

    def __init__(self, where, *settings):
        self.dir = tempfile.mkdtemp(prefix="pg.", dir=where)
        self.script = os.path.join(TOP, "tests", "pgsql")
        self.settings = ("fsync = on", "max_connections = 200", *settings)
        self.schemas = 0
        self.start()

    def start(self):
        """Also again, after it was killed, and the disk is back that was cut."""
        # until its parent has waited for it, the next server takes it for alive
        for name in ("data/postmaster.pid", ".s.PGSQL.5432.lock"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self.dir, name))
        self.url = run(self.script, "start", self.dir, *self.settings).strip()
        with open(os.path.join(self.dir, "data", "postmaster.pid"), encoding="ascii") as f:
            self.pid = int(f.readline())

    def processes(self):
        """Those that live: all stand in its folder."""
        data, found = os.path.realpath(os.path.join(self.dir, "data")), []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{pid}/cwd") == data:
                    found.append(int(pid))
        return found

    def kill(self):
        """SIGKILL to all of its processes."""
        while pids := self.processes():
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)

    def schema(self):
        self.schemas += 1
        self.sql(f"CREATE SCHEMA s{self.schemas}")
        return f"{self.url}&options=-csearch_path%3Ds{self.schemas}"

    def sql(self, text):
        return run(self.script, "sql", self.dir, text)

    def stop(self):
        run(self.script, "stop", self.dir)


class Load:
    """A generator in the background, which asks again where it may, and keeps
    what it is granted."""

    def __init__(self, where, ports, users):
        self.kept, self.out = os.path.join(where, "kept"), os.path.join(where, "load")
        with open(self.out, "wb") as out:
            self.process = subprocess.Popen(
                [GENERATOR, "run", "--ports", ",".join(map(str, ports)), "--users", str(users),
                 "--connections", "6", "--seconds", "600", "--patient", "--keep", self.kept],
                stdout=out)

    def size(self):
        return os.path.getsize(self.kept) if os.path.exists(self.kept) else 0

    def wait_for_more(self, size, seconds=300):
        """Until so many bytes more of tickets were granted."""
        end, want = time.monotonic() + seconds, self.size() + size
        while self.size() < want:
            if time.monotonic() > end or self.process.poll() is not None:
                raise Failed(f"no more is granted: {self.size()} of {want} bytes")
            time.sleep(0.02)

    def stop(self):
        """What came of it."""
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(120)
        with open(self.out, encoding="ascii") as f:
            text = f.read()
        if not text.startswith("{"):
            raise Failed(f"load-kms ended with status {status}")
        return json.loads(text), status

    def check(self, port):
        """Everything that was kept, asked for again."""
        return generate([GENERATOR, "kept", self.kept, "--ports", port])


class Store:
    """A store with so many users, or a copy of one."""

    def __init__(self, where, users, settings="", url=None):
        self.dir, self.users, self.settings = where, users, settings
        self.where = url or os.path.join(where, "store")
        self.config = os.path.join(where, "conf")
        self.configure("127.0.0.1:1")

    def ctl(self, *words):
        command = words[:2] if words[0] in ("import", "audit") else words[:1]
        return run(KMS, *command, "--config", self.config, *words[len(command):])

    def fill(self):
        """By an import, as an operator would."""
        listed = os.path.join(self.dir, "users.csv")
        self.ctl("init")
        with open(listed, "wb") as f:
            subprocess.run([GENERATOR, "users", str(self.users)], stdout=f, check=True)
        self.ctl("import", "users", listed)
        os.unlink(listed)

    def copy(self, original):
        """All of another one that is a file."""
        shutil.copy(os.path.join(original.dir, "key"), self.dir)
        shutil.copy(original.where, self.where)

    def configure(self, listen):
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(f'identity = "{IDENTITY}";\nlisten = "{listen}";\nstore = "{self.where}";\n'
                    f'store-key = "{self.dir}/key";\naudit = "{self.dir}/audit";\n'
                    f"rate-per-address = 0;\nrate-per-psk = 0;\n{self.settings}\n")

    def start(self, port):
        """One process that listens there."""
        self.configure(f"127.0.0.1:{port}")
        with open(os.path.join(self.dir, f"log-{port}"), "ab") as log:
            process = subprocess.Popen([KMS, "serve", "--config", self.config],
                                       stdout=log, stderr=log)
        self.wait_for(process, port)
        return process

    @contextlib.contextmanager
    def serving(self, processes):
        """So many processes: the list of them, and where they listen."""
        started, ports = [], free_ports(processes)
        try:
            for port in ports:
                started.append(self.start(port))
            yield started, ports
        finally:
            for process in started:
                stop(process)

    def wait_for(self, process, port):
        for _ in range(1200):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) == 0:
                    return
            if process.poll() is not None:
                break
            time.sleep(0.05)
        raise Failed(f"mikey-kms does not serve: {self.log(port)[-500:]}")

    def log(self, port):
        with open(os.path.join(self.dir, f"log-{port}"), encoding="utf-8", errors="replace") as f:
            return f.read()


def generate(command):
    """What a generator measured. Its progress goes to the terminal."""
    done = subprocess.run([str(w) for w in command], stdout=subprocess.PIPE, text=True, check=False)
    if not done.stdout.startswith("{"):
        raise Failed(f"{os.path.basename(command[0])} ended with status {done.returncode}")
    return json.loads(done.stdout), done.returncode
