# SPDX-License-Identifier: GPL-2.0-or-later
"""Whose page is whose: the frames that each process has mapped
(Documentation/admin-guide/mm/pagemap.rst)."""

import array
import mmap
import os

import memory
import stage as s

PRESENT, FRAME = 1 << 63, (1 << 55) - 1
USERS = {uid: name for name, uid in s.UIDS.items()}


def who(pid):
    """What a process is called here: the test is the SIP clients, too."""
    if pid == os.getpid():
        return "client"
    with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as f:
        name = f.read().strip()
    user = USERS.get(os.stat(f"/proc/{pid}").st_uid)
    return f"{name} of {user}" if user else name


def frames(pid):
    found = []
    with open(f"/proc/{pid}/pagemap", "rb", buffering=0) as f:
        for start, end in memory.regions(pid):
            if end >= 1 << 63:
                continue
            f.seek(start // mmap.PAGESIZE * 8)
            entries = array.array("Q")
            entries.frombytes(f.read((end - start) // mmap.PAGESIZE * 8))
            found += [e & FRAME for e in entries if e & PRESENT]
    return found


def table():
    """Name of a process -> its frames, for all of them."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            found.setdefault(who(int(pid)), []).extend(frames(pid))
        except (FileNotFoundError, ProcessLookupError):
            continue        # it has ended
    return {name: at for name, at in found.items() if at}


def invert(found):
    """Frame -> names; mikeyd's come first."""
    owners = {}
    for name in sorted(found, key=lambda n: (not n.startswith("mikeyd"), n)):
        for frame in found[name]:
            owners.setdefault(frame, []).append(name)
    return owners
