# SPDX-License-Identifier: GPL-2.0-or-later
"""The end-to-end tests' frame: functions whose names begin with test_ run in
the order in which they stand; one that raises has failed. KTAP."""

import inspect
import sys
import time
import traceback


class Skip(Exception):
    pass


def equal(got, wanted, what):
    if got != wanted:
        def short(value):
            text = repr(value)
            return text if len(text) < 300 else text[:300] + f"... ({len(text)} characters)"
        raise AssertionError(f"{what}: {short(got)} instead of {short(wanted)}")


def true(value, what):
    if not value:
        raise AssertionError(what)
    return value


def status(response, code):
    """A SIP response with that status; its words help if it is another."""
    got = response.first if response else "no answer"
    if not response or response.status != code:
        raise AssertionError(f"{code} expected: {got} {response.all('warning') if response else ''}")
    return response


def main(module, on_failure=None, **arguments):
    """Run the tests of a module. arguments are given to those that name them;
    on_failure tells more after a failed one."""
    tests = [(name, f) for name, f in vars(module).items()
             if name.startswith("test_") and callable(f)]
    chosen = sys.argv[1:]
    tests = [t for t in tests if not chosen or t[0] in chosen]
    failed = 0
    print(f"TAP version 13\n1..{len(tests)}", flush=True)
    for number, (name, test) in enumerate(tests, 1):
        label = (inspect.getdoc(test) or name[5:].replace("_", " ")).split("\n")[0]
        start, verdict, more = time.monotonic(), "ok", ""
        try:
            test(**{k: v for k, v in arguments.items() if k in inspect.signature(test).parameters})
        except Skip as why:
            more = f" # SKIP {why}"
        except Exception as e:  # pylint: disable=broad-except
            failed += 1
            verdict = "not ok"
            told = f"{type(e).__name__}: {e}\n" + "".join(traceback.format_tb(e.__traceback__)[1:])
            told += on_failure() if on_failure else ""
            for line in told.splitlines():
                print("# " + line)
        print(f"# {time.monotonic() - start:.1f} s")
        print(f"{verdict} {number} {label}{more}", flush=True)
    return 1 if failed else 0
