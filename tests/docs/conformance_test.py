#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Does docs/conformance.md name things that are there?

Each row of its tables ends with the places that implement the clause and the
tests that prove it. A place is a file or folder in backquotes; a test is
`suite:name`, where suite is the path of a source file below tests/ without its
ending and name occurs in that file. A row whose "where" is "not implemented"
says why instead of naming a test. A renamed test or file fails here, and so
does a row without a test. KTAP on standard output.
"""
import os
import re
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
PAGE = "docs/conformance.md"
NOT = "not implemented"
TEST = re.compile(r"`([\w./-]+):([^`]+)`")
PLACE = re.compile(r"`([\w./*-]+)`")
ENDINGS = (".c", ".py", ".sh", "")


def rows():
    """(line number, cells) of each table row that is no head and no rule."""
    with open(os.path.join(TOP, PAGE), encoding="utf-8") as page:
        for number, line in enumerate(page, 1):
            cells = [c.strip() for c in line.strip().strip("|").split("|")]
            if line.startswith("|") and cells[0] != "clause" and not re.match(r"-+$", cells[0]):
                yield number, cells


def source_of(suite):
    for ending in ENDINGS:
        path = os.path.join(TOP, "tests", suite + ending)
        if os.path.isfile(path):
            with open(path, encoding="utf-8") as f:
                return f.read()
    return None


def wrong_places(cell):
    for place in PLACE.findall(cell):
        if not os.path.exists(os.path.join(TOP, place)):
            yield f"there is no {place}"


def wrong_tests(cell):
    found = TEST.findall(cell)
    if not found:
        yield "names no test"
    for suite, names in found:
        source = source_of(suite)
        if source is None:
            yield f"there is no tests/{suite}"
            continue
        for name in (n.strip() for n in names.split(";")):
            if name not in source:
                yield f"tests/{suite} has no {name}"


def faults(cells):
    if len(cells) != 4:
        return [f"has {len(cells)} cells, not 4"]
    if cells[2].startswith(NOT):
        return [] if len(cells[3]) > 10 else ["does not say why"]
    if not PLACE.search(cells[2]):
        return ["names no place"]
    return [*wrong_places(cells[2]), *wrong_tests(cells[3])]


def main():
    table = list(rows())
    print(f"TAP version 13\n1..{len(table)}")
    bad = 0
    for n, (number, cells) in enumerate(table, 1):
        wrong = faults(cells)
        print(f"{'not ok' if wrong else 'ok'} {n} {PAGE}:{number} {cells[0]}")
        for fault in wrong:
            print(f"# {fault}")
        bad += bool(wrong)
    return 1 if bad or not table else 0


if __name__ == "__main__":
    sys.exit(main())
