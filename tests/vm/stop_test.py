#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Ctrl-C while make demo and make check run, at several moments: they end at
once, not as if all were well, and leave no process, no mount, no network
namespace and no temporary file. KTAP."""

import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PR_SET_CHILD_SUBREAPER = 36


class Run:
    """A command in a process group of its own, as a shell would start it,
    with a folder of its own for temporary files."""

    def __init__(self, command):
        self.temporary = tempfile.mkdtemp(prefix="mikey-interrupt.")
        self.log = os.path.join(self.temporary, "log")
        os.mkdir(self.log)
        self.lines, self.mounts, self.networks = [], mounts(), networks()
        self.process = subprocess.Popen(
            command, cwd=TOP, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True, restore_signals=True,
            env=dict(os.environ, TMPDIR=self.temporary, MIKEY_LOG=self.log),
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.decode("utf-8", "replace").rstrip())

    def wait(self, condition, what):
        end = time.monotonic() + 300
        while not condition():
            if self.process.poll() is not None:
                raise AssertionError(f"ended with {self.process.returncode} before {what}")
            if time.monotonic() > end:
                raise AssertionError(f"waited in vain for {what}")
            time.sleep(0.05)

    def says(self, pattern):
        self.wait(lambda: any(re.search(pattern, line) for line in list(self.lines)), pattern)

    def boots(self):
        self.wait(lambda: "qemu-system-x86" in descendants(os.getpid()).values(), "a machine")

    def interrupt(self):
        """What the terminal does; then what must be so."""
        os.killpg(self.process.pid, signal.SIGINT)
        try:
            status = self.process.wait(20)
        except subprocess.TimeoutExpired:
            raise AssertionError("it goes on after SIGINT") from None
        if status == 0:
            raise AssertionError("status 0 after SIGINT")
        if any(re.search(r"^\d+ passed|as told \(", line) for line in self.lines):
            raise AssertionError("it speaks as if it had run to its end")
        self.reader.join(10)
        left = self.leftovers()
        if left:
            raise AssertionError(f"left behind: {left}")

    def leftovers(self):
        """What is still there; processes have two seconds to vanish."""
        for _ in range(40):
            reap()
            processes = descendants(os.getpid())
            if not processes:
                break
            time.sleep(0.05)
        files = [f for f in os.listdir(self.temporary) if f not in ("log", "build")]
        return [*(f"process {p} {n}" for p, n in processes.items()),
                *(f"mount {m}" for m in mounts() - self.mounts),
                *(f"namespace {n}" for n in networks() - self.networks),
                *(f"file {f}" for f in files)]

    def close(self):
        for pid in descendants(os.getpid()):
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        reap()
        shutil.rmtree(self.temporary)


def reap():
    """Orphans become our children; take those that have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def descendants(root):
    """Processes below root by number, with their names; not the dead."""
    parents, names = {}, {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat", encoding="ascii", errors="replace") as f:
                name, state, parent = re.match(r"\d+ \((.*)\) (\S) (\d+)", f.read()).groups()
        except (OSError, AttributeError):
            continue
        if state != "Z":
            parents[int(entry)], names[int(entry)] = int(parent), name
    found, more = {}, {root}
    while more:
        more = {p for p, parent in parents.items() if parent in more}
        found |= {p: names[p] for p in more}
    return found


def mounts():
    """Mounts that a run of ours can have made."""
    with open("/proc/self/mounts", encoding="utf-8", errors="replace") as f:
        return {line.split()[1] for line in f if "mikey" in line or TOP in line}


def networks():
    return {n for n in (os.listdir("/run/netns") if os.path.isdir("/run/netns") else ())
            if n.startswith("e2e-")}


def demo_while_compiling():
    """make demo, while it compiles"""
    build = tempfile.mkdtemp(prefix="mikey-interrupt-build.")
    try:
        run = Run(["make", "demo", f"BUILD={build}"])
        yield run
        run.says(r"^  CC ")
        yield run
    finally:
        shutil.rmtree(build)


def demo_while_booting():
    """make demo, while the machine boots"""
    run = Run(["make", "demo"])
    yield run
    run.boots()
    yield run


def demo_in_the_story():
    """make demo, in the middle of the story"""
    run = Run(["make", "demo"])
    yield run
    run.says(r"^2\. ")
    yield run


def check_with_unit_tests():
    """make check, between two unit tests, a machine beside them"""
    run = Run(["make", "check"])
    yield run
    run.says(r"^  ok   unit ")
    run.boots()
    yield run


def check_in_the_machine():
    """tests/run, between two suites in the machine"""
    run = Run(["tests/run", "kselftest"])
    yield run
    run.says(r"^  ok   kselftest ")
    yield run


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    tests = (demo_while_compiling, demo_while_booting, demo_in_the_story, check_with_unit_tests,
             check_in_the_machine)
    chosen = [t for t in tests if not sys.argv[1:] or t.__name__ in sys.argv[1:]]
    failed = 0
    print(f"TAP version 13\n1..{len(chosen)}", flush=True)
    for number, test in enumerate(chosen, 1):
        steps = test()
        run = next(steps)
        try:
            next(steps)
            run.interrupt()
            verdict = "ok"
        except AssertionError as e:
            failed, verdict = failed + 1, "not ok"
            print(*(f"# {line}" for line in [str(e), *run.lines[-20:]]), sep="\n")
        finally:
            run.close()
            steps.close()
        print(f"{verdict} {number} {test.__doc__}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
