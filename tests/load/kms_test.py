#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The load of mikey-kms in small: everything is answered, and answered right.
Nothing here depends on how fast. KTAP; needs no kernel module."""
import contextlib
import json
import os
import random
import sys

import parts

sys.path.insert(0, os.path.join(parts.TOP, "tests", "e2e"))
import ktap   # pylint: disable=wrong-import-position

SECONDS = 2
KEPT_BYTES = 200000    # of tickets, some eighty, before somebody is killed


def ask(ports, users, *more):
    return parts.generate([parts.GENERATOR, "run", "--ports", ",".join(map(str, ports)),
                           "--users", users, "--connections", 6, "--seconds", SECONDS, *more])


def all_good(result, status):
    ktap.equal(status, 0, "status of the generator")
    for kind in ("request", "resolve"):
        ktap.true(result[kind]["answers"] > 0, f"no {kind} was answered")
        times = result[kind]["us"]
        ktap.equal(sorted(times.values()), list(times.values()), "percentiles in order")
    ktap.equal(result["request"]["answers"] + result["resolve"]["answers"], result["good"],
               "answers of both kinds")
    for what in ("busy", "lost", "refused"):
        ktap.equal(result[what], 0, what)


def granted(store, event):
    """How often the audit trail says that it was granted; it must be in order."""
    store.ctl("audit", "verify")
    lines = json.loads(store.ctl("audit", "show", "--json", "--event", event))
    return sum(line["result"] == "granted" for line in lines)


def check(where, users, processes, *more, settings=""):
    store = parts.Store(where, users, settings)
    store.fill()
    with store.serving(processes) as (_, ports):
        result, status = ask(ports, users, *more)
        all_good(result, status)
    # a last request of each connection may have had no resolve, as time was up
    for event in ("request", "resolve"):
        ktap.equal(granted(store, event), result[event]["answers"], f"audited: {event}")
    return store, result


def test_one_user():
    """One user, one process: each answer is right, and in the audit trail"""
    with parts.folder() as where:
        check(where, 1, 1)


def test_many_users():
    """1000 users, two processes on one store, everything on the disk at once"""
    with parts.folder() as where:
        check(where, 1000, 2, settings="audit-sync = true;")


def all_kept(load, port):
    """What was granted is resolved, and no request is answered twice."""
    told, status = load.check(port)
    ktap.true(told["tickets"] > 50, "too little was kept")
    ktap.equal((told["resolved"], told["refused again"], status),
               (told["tickets"], told["tickets"], 0), f"{told}")


def test_killed():
    """Killed under load: what was granted is resolved, no request is answered twice"""
    with parts.folder() as where:
        store = parts.Store(where, 100)
        store.fill()
        with store.serving(2) as (servers, ports):
            load = parts.Load(where, ports, 100)
            try:
                load.wait_for_more(KEPT_BYTES)
                for server in servers:
                    server.kill()
                    server.wait()
            finally:
                told, _ = load.stop()
            ktap.equal(told["refused"], 0, "refused")
        with store.serving(1) as (_, ports):
            all_kept(load, ports[0])
        store.ctl("audit", "verify")


def test_database():
    """One of three processes is killed, then PostgreSQL: clients wait, no more"""
    with parts.folder() as where, contextlib.ExitStack() as stack:
        os.chmod(where, 0o755)
        pgsql = parts.Pgsql(where)
        stack.callback(pgsql.stop)
        store = parts.Store(where, 100, url=pgsql.schema())
        store.fill()
        servers, ports = stack.enter_context(store.serving(3))
        load = parts.Load(where, ports, 100)
        try:
            load.wait_for_more(KEPT_BYTES)
            victim = random.randrange(3)
            servers[victim].kill()
            servers[victim].wait()
            load.wait_for_more(KEPT_BYTES)
            servers[victim] = store.start(ports[victim])
            load.wait_for_more(KEPT_BYTES)
            pgsql.kill()
            pgsql.start()
            load.wait_for_more(KEPT_BYTES)
        finally:
            told, status = load.stop()
        ktap.equal((told["refused"], status), (0, 0), f"{told}")
        ktap.true(told["lost"] > 0, "nobody noticed the kill")
        all_kept(load, ports[0])
        store.ctl("audit", "verify")


def test_refusals_count():
    """Users whom the KMS does not know are refused, and the generator says so"""
    with parts.folder() as where:
        store = parts.Store(where, 1)
        store.fill()
        with store.serving(1) as (_, ports):
            result, status = ask(ports, 1000)
        ktap.true(result["refused"] > 0 and status == 1, f"status {status}, {result}")


if __name__ == "__main__":
    sys.exit(ktap.main(sys.modules[__name__]))
