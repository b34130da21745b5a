# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks that are named first and done last, when all programs have run. KTAP
on standard output."""
from later import Failed


def equal(got, wanted, what):
    if got != wanted:
        short = [repr(v)[:200] for v in (got, wanted)]
        raise AssertionError(f"{what}: {short[0]} instead of {short[1]}")


class Checks:
    def __init__(self):
        self.rows = []

    def add(self, name, function, *arguments):
        self.rows.append((name, function, arguments))

    def report(self):
        """Do all of them; the exit status."""
        failed = 0
        print(f"TAP version 13\n1..{len(self.rows)}")
        for number, (name, function, arguments) in enumerate(self.rows, 1):
            verdict = "ok"
            try:
                function(*arguments)
            except (AssertionError, Failed, LookupError, ValueError) as e:
                failed, verdict = failed + 1, "not ok"
                for line in f"{type(e).__name__}: {e}".splitlines():
                    print("# " + line)
            print(f"{verdict} {number} {name}", flush=True)
        return 1 if failed else 0
