#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How many messages a second: sipp to sipp, in one run, on one machine,

  kamailio    plain, through Kamailio alone
  plain       plain, through mikeyd, Kamailio, mikeyd
  protected   protected, through mikeyd, Kamailio, mikeyd

each first as fast as it goes (a fixed number of messages under way at any
time), then for a while at a share of that. What counts are the ratios: the
times are this machine's.

Ends with status 1 if in the second part any message was lost, came twice or
was refused, or if a mikeyd went on growing (Kamailio has a pool of its own, which
it comes to touch all of).
"""

import argparse
import csv
import json
import os
import signal
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "e2e"))
import stage as s   # pylint: disable=wrong-import-position

HERE = os.path.dirname(os.path.abspath(__file__))
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
SENDER, RECEIVER = 5090, 5080
# Bytes that wait for a sipp which does not get to run for a while. After a 100 it
# does not ask again, as RFC 3261 17.1.2.2 would have it: an answer that finds its
# buffer full is never seen.
SIPP_BUFFER = 4 << 20
# Growth of a process in the second half of the soak that is nobody's leak.
GROWTH_ALLOWED = 2 << 20


def say(text):
    print(f"# {text}", file=sys.stderr, flush=True)


def usage_of(process):
    """CPU seconds and resident bytes of a process and those of its session."""
    cpu = rss = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as f:
                fields = f.read().rpartition(")")[2].split()
        except OSError:
            continue    # it has just ended
        if int(fields[3]) == process.pid:
            cpu += int(fields[11]) + int(fields[12])
            rss += int(fields[21]) * PAGE
    return cpu / TICKS, rss


def allow_buffers():
    """Of so many bytes; of this machine, which is the load's own."""
    for limit in ("rmem_max", "wmem_max"):
        path = f"/proc/sys/net/core/{limit}"
        with open(path, encoding="ascii") as f:
            if int(f.read()) >= SIPP_BUFFER:
                continue
        with open(path, "w", encoding="ascii") as f:
            f.write(str(SIPP_BUFFER))


class Way:
    """One way for messages from alice to bob."""

    def __init__(self, name, stage, alice, bob, settings):
        self.name, self.stage, self.alice, self.bob = name, stage, alice, bob
        self.direct = settings is None
        if not self.direct:
            for terminal in (alice, bob):
                terminal.configure(log_level="warning", **settings)
                terminal.restart() if terminal.mikeyd else terminal.start()
        self.parts = {"kamailio": stage.kamailio}
        if not self.direct:
            self.parts |= {"mikeyd of alice": alice.mikeyd, "mikeyd of bob": bob.mikeyd}
        self.runs = 0

    def entry(self):
        return f"{s.PROXY[0]}:{s.PROXY[1]}" if self.direct else "127.0.0.1:5062"

    def sipp(self, terminal, scenario, port, *words):
        log = os.path.join(terminal.dir, f"{self.name}-{scenario}-{self.runs}")
        path = os.path.join(HERE, "sipp", f"{scenario}.xml")
        if scenario == "register":
            path = os.path.join(s.HERE, "sipp", "register.xml")
        process = s.Process(f"sipp {scenario}", [
            *terminal.prefix(), "sipp", self.entry(), "-sf", path, "-s", "bob",
            "-i", terminal.address if self.direct else "127.0.0.1", "-p", port, "-t", "u1",
            "-buff_size", SIPP_BUFFER,
            "-nostdin", "-trace_err", "-trace_stat", "-stf", log + ".csv", "-fd", "1", *words],
            log + ".log", cwd=terminal.dir)
        self.stage.processes.append(process)
        process.csv = log + ".csv"
        return process

    def send(self, count, *pace):
        """So many messages; what came of them."""
        self.runs += 1
        registering = self.sipp(self.bob, "register", RECEIVER, "-m", 1)
        s.wait_for(lambda: not registering.alive(), 60, "bob to register")
        receiver = self.sipp(self.bob, "receiver", RECEIVER)
        s.wait_for(lambda: s.run("ip", "netns", "exec", self.bob.netns, "ss", "-Hlun",
                                 f"sport = :{RECEIVER}").stdout, 30, "the receiver")
        texts = os.path.join(self.alice.dir, "texts.csv")
        before = {name: usage_of(p) for name, p in self.parts.items()}
        begin = time.monotonic()
        sender = self.sipp(self.alice, "sender", SENDER, "-m", count, "-inf", texts,
                           "-trace_rtt", "-rtt_freq", 500, *pace)
        middle, told = None, begin
        while sender.alive():
            time.sleep(0.5)
            last = statistics(sender)
            done = int(last.get("SuccessfulCall(C)", 0))
            if middle is None and done >= count // 2:
                middle = {name: usage_of(p) for name, p in self.parts.items()}
            if time.monotonic() - told > 30:
                told = time.monotonic()
                say(f"  {done} of {count}, {last.get('FailedCall(C)', 0)} failed")
        seconds = time.monotonic() - begin
        after = {name: usage_of(p) for name, p in self.parts.items()}
        time.sleep(2)   # so that what was sent twice can come twice
        receiver.stop(signal.SIGUSR1, 10)
        sent, got = statistics(sender), statistics(receiver)
        latencies = response_times(self.alice.dir)
        return {
            "messages": count,
            "seconds": round(seconds, 2),
            "answered": int(sent["SuccessfulCall(C)"]),
            "failed": int(sent["FailedCall(C)"]),
            "repeated": int(sent["Retransmissions(C)"]),
            "received": int(got["IncomingCall(C)"]),
            "ms": percentiles(latencies),
            "cpu_ms_each": {n: round(1000 * (after[n][0] - before[n][0]) / count, 3)
                            for n in after},
            "rss": {n: after[n][1] for n in after},
            "growth": {n: after[n][1] - middle[n][1] for n in after} if middle else {},
        }


def first_error(folder):
    """The first thing that a sipp there complained of, but for late answers."""
    for name in sorted(os.listdir(folder)):
        if name.endswith("_errors.log"):
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as f:
                told = [e for e in f.read().split("\n'") if "Dead call" not in e]
                return told[0][:1200] if told else ""
    return ""


def tell_why(way):
    """What the parts of a way said last, when something went wrong on it."""
    for name, part in way.parts.items():
        say(f"-- {name}, its last words:\n{part.output()[-2000:]}")
    for terminal in (way.alice, way.bob):
        say(f"-- sipp of {terminal.name}, its first complaint:\n{first_error(terminal.dir)}")


def statistics(process):
    """The last line of sipp's statistics, by column."""
    try:
        with open(process.csv, encoding="ascii", errors="replace", newline="") as f:
            rows = list(csv.reader(f, delimiter=";"))
    except OSError:
        return {}
    return dict(zip(rows[0], rows[-1])) if len(rows) > 1 else {}


def response_times(folder):
    """All response times that sipp wrote there, in ms; its files go."""
    found = []
    for name in os.listdir(folder):
        if name.endswith("_rtt.csv"):
            path = os.path.join(folder, name)
            with open(path, encoding="ascii", newline="") as f:
                for row in csv.reader(f, delimiter=";"):
                    try:
                        found.append(float(row[1]))
                    except (IndexError, ValueError):
                        continue
            os.unlink(path)
    return sorted(found)


def percentiles(times):
    return {str(p): round(times[min(len(times) - 1, int(len(times) * p / 100))], 1)
            for p in (50, 95, 99)} if times else {}


def faults(way, soak):
    """What must not be in a soak."""
    found = []
    for key in ("answered", "received"):
        if soak[key] != soak["messages"]:
            found.append(f"{way}: {soak[key]} of {soak['messages']} {key}")
    if soak["failed"]:
        found.append(f"{way}: {soak['failed']} failed")
    for name, growth in soak["growth"].items():
        if growth > GROWTH_ALLOWED and name.startswith("mikeyd"):
            found.append(f"{way}: {name} grew by {growth} bytes in the second half")
    return found


def table(results):
    print(f"\n{'':12}{'messages/s':>12}{'ratio':>8}   {'CPU per message: kamailio':26}"
          f"{'alice':>9}{'bob':>9}{'RSS of mikeyds':>18}{'p50/p95/p99 ms at the share':>30}")
    base = next(iter(results.values()))["rate"]
    for name, r in results.items():
        cpu, soak = r["peak"]["cpu_ms_each"], r["soak"]
        rss = [soak["rss"].get(f"mikeyd of {u}", 0) >> 20 for u in ("alice", "bob")]
        print(f"{name:12}{r['rate']:12.0f}{r['rate'] / base:8.2f}   {cpu['kamailio']:23.2f} ms"
              f"{cpu.get('mikeyd of alice', 0):6.2f} ms{cpu.get('mikeyd of bob', 0):6.2f} ms"
              f"{rss[0]:11} + {rss[1]} MB" +
              f"{'/'.join(str(v) for v in soak['ms'].values()):>28}")


# Each with the settings of both mikeyds, if they are there.
WAYS = {"kamailio": None, "plain": {"outgoing": "pass", "unprotected": "mark"}, "protected": {}}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--messages", type=int, default=2000, help="of the first part (2000)")
    parser.add_argument("--under-way", type=int, default=16, help="at a time, there (16)")
    parser.add_argument("--seconds", type=int, default=60, help="of the second part (60)")
    parser.add_argument("--share", type=float, default=0.8, help="of the maximum, there (0.8)")
    parser.add_argument("--bytes", type=int, default=160, help="of text (160)")
    parser.add_argument("--ways", type=lambda text: text.split(","), default=list(WAYS),
                        help="which, the first being what the ratios are of (all three)")
    parser.add_argument("--json", metavar="FILE", help="write all figures there")
    options = parser.parse_args()
    if set(options.ways) - set(WAYS):
        parser.error(f"--ways: there are {', '.join(WAYS)}")
    return options


def main():
    options = arguments()
    allow_buffers()
    results, wrong = {}, []
    with s.Stage() as stage:
        alice, bob = stage.terminal("alice", start=False), stage.terminal("bob", start=False)
        texts = os.path.join(alice.dir, "texts.csv")
        with open(texts, "w", encoding="ascii") as f:
            f.write("SEQUENTIAL\n" + "x" * options.bytes + "\n")
        os.chmod(texts, 0o644)
        for name in options.ways:
            way = Way(name, stage, alice, bob, WAYS[name])
            way.send(50, "-r", 1000, "-l", 4)      # tickets, caches
            say(f"{name}: {options.messages} messages, {options.under_way} at a time")
            peak = way.send(options.messages, "-r", 100000, "-l", options.under_way)
            rate = peak["answered"] / peak["seconds"]
            paced = max(1, round(rate * options.share))
            say(f"{name}: {rate:.0f} a second; now {paced} a second for {options.seconds} s")
            soak = way.send(paced * options.seconds, "-r", paced)
            results[name] = {"rate": rate, "peak": peak, "soak": soak}
            found = faults(name, soak)
            wrong += found
            say(f"{name}: {soak['answered']} answered, {soak['received']} received, "
                f"{soak['failed']} failed, {soak['repeated']} repeated")
            if found:
                tell_why(way)
    table(results)
    if options.json:
        with open(options.json, "w", encoding="ascii") as f:
            json.dump(results, f, indent=1)
    for line in wrong:
        print(f"NOT as it must be: {line}")
    print("Nothing was lost, and nothing came twice." if not wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
