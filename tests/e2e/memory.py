# SPDX-License-Identifier: GPL-2.0-or-later
"""Search the memory of a process, all that root can read of it."""

import base64


def regions(pid):
    with open(f"/proc/{pid}/maps", encoding="ascii", errors="replace") as maps:
        for line in maps:
            span, rights = line.split()[:2]
            if rights.startswith("r") and not line.rstrip().endswith(("[vvar]", "[vsyscall]")):
                yield tuple(int(n, 16) for n in span.split("-"))


def search(pid, needles):
    """Names of the needles (name -> bytes) that are in a process, and how
    many bytes were searched."""
    found, total = set(), 0
    longest = max(map(len, needles.values()))
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for start, end in regions(pid):
            tail, at = b"", start
            while at < end:
                try:
                    mem.seek(at)
                    data = mem.read(min(1 << 20, end - at))
                except (OSError, ValueError, OverflowError):
                    break
                if not data:
                    break
                at, total = at + len(data), total + len(data)
                window = tail + data
                found |= {name for name, needle in needles.items() if needle in window}
                tail = window[-longest:]
    return found, total


def shapes(keys):
    """Each key (name -> bytes) as it may lie in memory: raw, in hexadecimal
    digits, in base64."""
    return {f"{name} ({shape})": needle for name, key in keys.items() for shape, needle in (
        ("bytes", key), ("hexadecimal", key.hex().encode()),
        ("HEXADECIMAL", key.hex().upper().encode()), ("base64", base64.b64encode(key)[:-4]))}
