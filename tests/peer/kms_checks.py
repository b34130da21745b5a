# SPDX-License-Identifier: GPL-2.0-or-later
"""How the tests of a real mikey-kms run: groups of checks, each a generator of
words and of a function that says whether they are true. KTAP."""

import os

BUILD = os.environ.get("MIKEY_BUILD", os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                                   "..", "..", "build"))


def run_checks(make_world, groups, log=None):
    """Run the groups in the world, which is stopped in any case; its log(world) is
    shown when something failed. Exit status."""
    if not os.path.exists(f"{BUILD}/mikey-kms"):
        print("TAP version 13\n1..0 # SKIP no mikey-kms: make programs")
        return 1
    world, failed, number = make_world(), 0, 0
    print("TAP version 13")
    try:
        for checks in groups:
            for what, check in checks(world):
                number += 1
                try:
                    good = bool(check())
                except Exception as e:  # pylint: disable=broad-except
                    good = False
                    print(f"#   {e!r}")
                failed += not good
                print(f"{'ok' if good else 'not ok'} {number} {what}", flush=True)
        if failed and log:
            print("".join(f"# {line}\n" for line in log(world).splitlines()[-60:]))
    finally:
        world.stop()
    print(f"1..{number}")
    return 1 if failed else 0
