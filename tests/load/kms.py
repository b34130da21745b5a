#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How many tickets a second: mikey-kms, next to MIT Kerberos' krb5kdc answering
TGS requests, in one run on one machine, for each number of users and processes.

So many clients at a time each wait for their answer and then ask again, as any
of the users: at mikey-kms for a ticket and then for what is in it (both count as
an answer), over HTTP connections that stay; at krb5kdc for a service ticket, over
UDP. All answers are verified and decrypted. mikey-kms has its defaults, without rate limits; each
answer's entry in the replay record is on the disk before it leaves. krb5kdc
writes nothing to the disk but its log.

What counts are the ratios: the times are this machine's, and generator and
server share its processors. Ends with status 1 if an answer was wrong, missing
or a refusal.
"""

import argparse
import contextlib
import json
import os
import platform
import signal
import sys
import time

import kerberos
import parts

STORES = ("sqlite", "pgsql", "memory")


def say(text):
    print(f"# {text}", file=sys.stderr, flush=True)


def measured(pids, generate, database=None):
    """One run of a generator, and what the servers used meanwhile."""
    begin = parts.usage_of(pids)
    begin_database = parts.usage_of([database]) if database else (0, 0)
    result, status = generate()
    end, used = parts.usage_of(pids), parts.usage_of([database]) if database else (0, 0)
    good, seconds = result["good"], result["seconds"]
    cpu = end[0] - begin[0] + used[0] - begin_database[0]
    result |= {
        "per_second": round(good / seconds, 1),
        "cpu_ms_each": round(1000 * cpu / good, 3) if good else None,
        "server_cpu": round(cpu / seconds, 2),
        "generator_cpu": round(result["cpu"] / seconds, 2),
        "rss": end[1],
        "database_rss": used[1],
        "status": status,
    }
    return result


class Runs:
    def __init__(self, options, where):
        self.options, self.where, self.results = options, where, []
        self.pgsql = None

    def add(self, server, users, processes, result):
        result |= {"server": server, "users": users, "processes": processes}
        self.results.append(result)
        say(f"{server}, {users} users, {processes} process{'es' if processes > 1 else ''}: "
            f"{result['per_second']:.0f} answers a second")

    def kerberos(self, users):
        say(f"krb5kdc: {users} principals")
        with parts.folder(self.where) as where:
            kdc = kerberos.Kdc(where, users)
            for processes in self.options.processes:
                with kdc.serving(processes) as servers:
                    self.add("krb5kdc", users, processes, measured(
                        [s.pid for s in servers],
                        lambda: kdc.generate(self.options.connections, self.options.seconds)))

    def fill(self, store, what):
        say(f"mikey-kms: importing {store.users} users into {what}")
        begin = time.monotonic()
        store.fill()
        say(f"mikey-kms: imported in {time.monotonic() - begin:.0f} s")

    def kms(self, kind, original):
        users = original.users
        with parts.folder("/dev/shm" if kind == "memory" else self.where) as where:
            url = None
            if kind == "pgsql":
                self.pgsql = self.pgsql or parts.Pgsql(self.where, "shared_buffers = 256MB",
                                                       "max_wal_size = 4GB")
                url = self.pgsql.schema()
            store = parts.Store(where, users, self.options.settings, url)
            if url:
                self.fill(store, "PostgreSQL")
                self.pgsql.sql("VACUUM ANALYZE")
            else:
                store.copy(original)
            for processes in self.options.processes:
                with store.serving(processes) as (servers, ports):
                    self.add(f"mikey-kms, {kind}", users, processes, measured(
                        [s.pid for s in servers],
                        lambda ports=ports: parts.generate([
                            parts.GENERATOR, "run", "--ports", ",".join(map(str, ports)),
                            "--users", users, "--connections", self.options.connections,
                            "--seconds", self.options.seconds]),
                        self.pgsql.pid if url else None))

    def users(self, users):
        if self.options.kerberos:
            self.kerberos(users)
        with parts.folder(self.where) as where:
            original = parts.Store(where, users)
            if set(self.options.stores) - {"pgsql"}:
                self.fill(original, "SQLite")
            for kind in self.options.stores:
                self.kms(kind, original)

    def all(self):
        try:
            for users in self.options.users:
                self.users(users)
        finally:
            if self.pgsql:
                self.pgsql.stop()


def milliseconds(times):
    return "/".join(f"{times[p] / 1000:.3g}" for p in ("50", "90", "99", "99.9"))


def exchanges(result):
    return [n for n in ("request", "resolve", "tgs") if result.get(n, {}).get("us")]


def table(results):
    base = {(r["users"], r["processes"]): r["per_second"] for r in results
            if r["server"] == "krb5kdc"}
    print(f"\n{'users':>8} {'server':18}{'proc.':>6}{'answers/s':>11}{'ratio':>7}"
          f"{'CPU each':>11}{'servers':>9}{'gen.':>6}{'RSS':>8}   p50/p90/p99/p99.9 ms")
    for r in results:
        reference = base.get((r["users"], r["processes"]))
        ratio = f"{r['per_second'] / reference:.2f}" if reference else "-"
        rss = f"{r['rss'] >> 20} MB"
        first, *more = exchanges(r) or [None]
        print(f"{r['users']:8} {r['server']:18}{r['processes']:6}{r['per_second']:11.0f}{ratio:>7}"
              f"{r['cpu_ms_each'] or 0:8.2f} ms{r['server_cpu']:9.2f}{r['generator_cpu']:6.2f}"
              f"{rss:>8}   " + (f"{first} {milliseconds(r[first]['us'])}" if first else ""))
        for name in more:
            print(f"{'':87}{name} {milliseconds(r[name]['us'])}")
    print("ratio: to krb5kdc with as many users and processes. CPU each: of server and database,"
          "\nfor an answer. servers, gen.: processors that they and the generator kept busy.")


def faults(results):
    for r in results:
        where = f"{r['server']}, {r['users']} users, {r['processes']} processes"
        if not r["good"]:
            yield f"{where}: no answer"
        for what in ("busy", "lost", "refused"):
            if r.get(what):
                yield f"{where}: {r[what]} {what}"
        if r["status"] and not any(r.get(w) for w in ("busy", "lost", "refused")):
            yield f"{where}: the generator ended with status {r['status']}"


def numbers(text):
    values = [int(n) for n in text.split(",")]
    if min(values) < 1:
        raise argparse.ArgumentTypeError("from 1 on")
    return values


def stores(text):
    if set(text.split(",")) - set(STORES):
        raise argparse.ArgumentTypeError(f"of {', '.join(STORES)}")
    return text.split(",")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=int, default=6, help="of each measurement (6)")
    parser.add_argument("--users", type=numbers, default=[1, 10000, 1000000],
                        help="1,10000,1000000")
    parser.add_argument("--stores", type=stores, default=list(STORES),
                        help="sqlite,pgsql,memory, which is SQLite on a tmpfs")
    parser.add_argument("--processes", type=numbers, default=[1, 3], help="1,3")
    parser.add_argument("--connections", type=int, default=16, help="clients at a time (16)")
    parser.add_argument("--settings", default="", metavar="TEXT",
                        help="more of mikey-kms.conf(5), such as 'audit-sync = true;'")
    parser.add_argument("--no-kerberos", dest="kerberos", action="store_false",
                        help="mikey-kms alone")
    parser.add_argument("--dir", type=os.path.abspath, default=os.path.join(parts.BUILD, "load"),
                        help="on whose disk the stores are (build/load)")
    parser.add_argument("--json", metavar="FILE", help="write all figures there")
    return parser.parse_args()


def main():
    options = arguments()
    if options.kerberos and kerberos.missing():
        sys.exit(f"kms: missing: {', '.join(kerberos.missing())} (tests/deps load)")
    os.makedirs(options.dir, exist_ok=True)
    with contextlib.suppress(AttributeError):
        options.processors = len(os.sched_getaffinity(0))
    with parts.folder(options.dir) as where:
        os.chmod(where, 0o755)      # the database has a user of its own
        runs = Runs(options, where)
        machine = {"processors": options.processors, "kernel": platform.release(),
                   "sync_ms": parts.sync_ms(where), "load": os.getloadavg()[0]}
        say(f"{machine['processors']} processors, {machine['sync_ms']} ms until something is on "
            f"the disk, load {machine['load']:.1f}")
        runs.all()
    table(runs.results)
    if options.json:
        with open(options.json, "w", encoding="ascii") as f:
            json.dump({"machine": machine, "runs": runs.results}, f, indent=1)
    wrong = list(faults(runs.results))
    for line in wrong:
        print(f"NOT as it must be: {line}")
    print("" if wrong else "Every answer was right.")
    return 1 if wrong else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main())
    except parts.Failed as failed:
        sys.exit(f"kms: {failed}")
    except KeyboardInterrupt:
        sys.exit(130)
