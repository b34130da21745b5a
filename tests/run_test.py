#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Does tests/run count right? What a suite might say, and what is made of it.
KTAP on standard output."""
import contextlib
import importlib.machinery
import importlib.util
import io
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
LOADER = importlib.machinery.SourceFileLoader("run", os.path.join(HERE, "run"))
run = importlib.util.module_from_spec(importlib.util.spec_from_loader("run", LOADER))
LOADER.exec_module(run)

# (what, lines, status, passed, skipped, failures)
ROWS = (
    ("all pass", "1..2|ok 1 a|ok 2 - b", 0, 2, 0, []),
    ("one fails", "1..2|ok 1 a|not ok 2 b", 1, 1, 0, ["b"]),
    ("one fails and the status hides it", "1..1|not ok 1 - b", 0, 0, 0, ["b"]),
    ("a failure without a number", "1..1|not ok b", 1, 0, 0, ["b"]),
    ("none fails and the status is not 0", "1..1|ok 1 a", 3, 1, 0, ["ended with status 3"]),
    ("one did not run", "1..2|ok 1 a", 0, 1, 0, ["1 of 2 planned tests ran (status 0)"]),
    ("one ran that was not planned", "1..1|ok 1 a|ok 2 b", 0, 2, 0,
     ["2 of 1 planned tests ran (status 0)"]),
    ("no plan", "ok 1 a", 0, 1, 0, ["has no plan (status 0)"]),
    ("nothing at all", "", 0, 0, 0, ["has no plan (status 0)"]),
    ("killed before the plan", "", 137, 0, 0, ["has no plan (status 137)"]),
    ("an empty plan", "1..0 # SKIP no such machine", 0, 0, 0, ["has no tests"]),
    ("two groups with a plan each", "1..1|ok 1 a|1..2|ok 1 b|ok 2 c", 0, 3, 0, []),
    ("a skipped test", "1..2|ok 1 a|ok 2 b # SKIP no cable", 0, 1, 1, []),
    ("a skipped test that fails", "1..1|not ok 1 b # SKIP no cable", 1, 0, 0,
     ["b # SKIP no cable"]),
    ("a subtest", "1..1|    1..2|    ok 1 x|    not ok 2 y|ok 1 a", 0, 1, 0, []),
    ("words like a test's", "1..1|ok, let us begin|okay 1|ok|ok 1 a", 0, 1, 0, []),
    ("words like a plan", "1..1|1..9 are digits|ok 1 a", 0, 1, 0, []),
)


def counted(lines, status):
    suite = run.Suite("unit", "none", [])
    for line in lines.split("|"):
        suite.line(line)
    suite.end(status)
    return suite.passed, len(suite.skipped), suite.failures


MARKS = "# mikey-suite-begin {0}|1..1|ok 1 x||# mikey-suite-end {0} 0"
# (what, each machine's lines and status, failures of all suites)
MACHINES = (
    ("a machine ends well", [(f"{MARKS.format('a')}|{MARKS.format('b')}", 0)], []),
    ("it dies with all suites done", [(f"{MARKS.format('a')}|{MARKS.format('b')}", 125)],
     ["the machine ended with status 125"]),
    ("it dies in a suite, and the next one gets another",
     [("# mikey-suite-begin a|1..1|ok 1 x", 125), (MARKS.format("b"), 0)],
     ["the machine ended with status 125"]),
    ("it ends before its suites, with success",
     [(MARKS.format("a"), 0), ("# mikey-suite-begin b|1..1", 0)],
     ["the machine ended with status 0"]),
)


def machines(scripts):
    """The failures that run_in_guest() sees where machines say this."""
    scripts = list(scripts)

    def stream(_, on_line):
        lines, status = scripts.pop(0)
        for line in lines.split("|"):
            on_line(line)
        return status

    suites = [run.Suite("kselftest", name, []) for name in "ab"]
    run.stream = stream
    with tempfile.TemporaryDirectory() as run.LOG, contextlib.redirect_stdout(io.StringIO()):
        suites += run.run_in_guest("kselftest", suites, [])
    return [failure for suite in suites for failure in suite.failures]


def main():
    failed = 0
    print(f"TAP version 13\n1..{len(ROWS) + len(MACHINES) + 1}")
    for number, (what, lines, status, *wanted) in enumerate(ROWS, 1):
        got = counted(lines, status)
        ok = list(got) == wanted
        failed += not ok
        if not ok:
            print(f"# {got} instead of {wanted}")
        print(f"{'ok' if ok else 'not ok'} {number} {what}")
    for number, (what, scripts, wanted) in enumerate(MACHINES, len(ROWS) + 1):
        got = machines(scripts)
        failed += got != wanted
        if got != wanted:
            print(f"# {got} instead of {wanted}")
        print(f"{'ok' if got == wanted else 'not ok'} {number} {what}")
    ok = set(run.floors()) == set(run.GROUPS)
    print(f"{'ok' if ok else 'not ok'} {len(ROWS) + len(MACHINES) + 1} every group has a least"
          " number of tests")
    return 1 if failed or not ok else 0


if __name__ == "__main__":
    sys.exit(main())
