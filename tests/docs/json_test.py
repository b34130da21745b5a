#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/mikeyctl-json.md names every member that mikeyctl and mikeyd write,
docs/control.md every counter, docs/logs.md every event. TAP."""

import glob
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# What writes for scripts, how it names what it writes, and the page that has it.
JSON, CONTROL, LOGS = "mikeyctl-json.md", "control.md", "logs.md"
LEVEL = "(?:ERROR|WARNING|INFO|DEBUG)"
WRITERS = [("helper/mikeyctl/*.c", r'\bjson_[a-z]+\(&?[\w>-]+, "(\w+)"', JSON),
           ("helper/mikeyd/inbox_json.c", r'^\s+"(\w+)", |\(object, "(\w+)"|", "(\w+)", ', JSON),
           ("helper/mikeyd/counters.c", r'^\s+"(\w+)", (?:SUM|SECONDS|NOW), ', CONTROL),
           ("helper/kms/*.c", r'log_event\(' + LEVEL + r',\s+"([a-z-]+)"|'
            r'log_fields\([^"]*"([a-z-]+)"', LOGS),
           ("helper/mikeyd/*.c", r'_event\((?:[^"(]+, )?' + LEVEL + r',\s+"([a-z-]+)"|'
            r'log_fields\([^"]*"([a-z-]+)"(?: : "([a-z-]+)")?', LOGS)]


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def members():
    """The files that write, with the page of each, and what they write."""
    found = {}
    for pattern, expression, page in WRITERS:
        for path in sorted(glob.glob(os.path.join(TOP, pattern))):
            for groups in re.findall(expression, read(path), re.M):
                names = [groups] if isinstance(groups, str) else filter(None, groups)
                found.setdefault((os.path.relpath(path, TOP), page), set()).update(names)
    return found


def main():
    files = members()
    print(f"TAP version 13\n1..{len(files)}")
    failed = 0
    for number, ((path, page), names) in enumerate(files.items(), 1):
        missing = names - set(re.findall(r"`([\w-]+)`", read(os.path.join(TOP, "docs", page))))
        failed += bool(missing)
        for name in sorted(missing):
            print(f"# {name} is not there")
        print(f"{'not ok' if missing else 'ok'} {number} {path}: {len(names)} names")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
