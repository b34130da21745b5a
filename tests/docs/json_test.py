#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/mikeyctl-json.md names every member that mikeyctl and mikeyd write. TAP."""

import glob
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# What writes JSON for scripts, and how it names members.
WRITERS = [("helper/mikeyctl/*.c", r'\bjson_[a-z]+\(&?[\w>-]+, "(\w+)"'),
           ("helper/mikeyd/inbox_json.c", r'^\s+"(\w+)", |\(object, "(\w+)"|", "(\w+)", ')]


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def members():
    """The files that write JSON, and the members of each."""
    found = {}
    for pattern, expression in WRITERS:
        for path in sorted(glob.glob(os.path.join(TOP, pattern))):
            for groups in re.findall(expression, read(path), re.M):
                names = [groups] if isinstance(groups, str) else filter(None, groups)
                found.setdefault(os.path.relpath(path, TOP), set()).update(names)
    return found


def main():
    page = set(re.findall(r"`(\w+)`", read(os.path.join(TOP, "docs", "mikeyctl-json.md"))))
    files = members()
    print(f"TAP version 13\n1..{len(files)}")
    failed = 0
    for number, (path, names) in enumerate(files.items(), 1):
        missing = names - page
        failed += bool(missing)
        for name in sorted(missing):
            print(f"# {name} is not there")
        print(f"{'not ok' if missing else 'ok'} {number} {path}: {len(names)} members")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
