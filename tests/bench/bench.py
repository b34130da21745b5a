#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How fast PROTECT and UNPROTECT are, next to others that do the same job.

usage: tests/bench/bench.py [options]

  --suites NAMES   some of sizes,exchanges,memory,tickets,scale (all)
  --bodies N,N,..  lengths of bodies (64,256,1024,4096,16384,65536,262144)
  --tickets N,N,.. numbers of live tickets (1,100,10000)
  --long           more repetitions, and 100000 tickets
  --native         the running kernel instead of machines
  --from FILE      no measurement: table and plot of an earlier bench.json
  --help           this text

Two machines: one that counts instructions, where a nanosecond is an instruction
and a figure the same in each run, and for two processors one that does not.
bench.json, bench.txt and bench.svg are left in build/bench.
"""
import json
import os
import subprocess
import sys
import time

from report import plot, table

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.path.join(TOP, os.environ.get("BUILD", "build")))
SUITES = ("sizes", "exchanges", "memory", "tickets", "scale")

# What the clock of each kind of run needs. Where instructions are counted one batch is
# as good as many, but it has to be long enough for what the kernel does later.
COUNTED = ("--batch", "32", "--batches", "1")
TIMED = ("--batch", "32", "--batches", "9")
LONG = ("--batch", "64", "--batches", "21", "--seconds", "60")


def options(arguments):
    """What is asked for, as a dictionary."""
    asked = {"suites": list(SUITES), "bodies": None, "tickets": None, "from": None,
             "long": False, "native": False}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        name = word[2:]
        if word == "--help":
            print(__doc__)
            sys.exit(0)
        if word in ("--long", "--native"):
            asked[name] = True
        elif word in ("--suites", "--bodies", "--tickets", "--from") and rest:
            value = rest.pop(0)
            asked[name] = value.split(",") if name == "suites" else value
        else:
            sys.exit(f"bench: '{word}' is no option, or wants a value (see --help)")
    strange = set(asked["suites"]) - set(SUITES)
    if strange:
        sys.exit(f"bench: no suite {', '.join(sorted(strange))} (see --help)")
    return asked


def run(machine, asked, repeat, suites):
    """mikey-bench in one machine; its lines as dictionaries."""
    guest = [os.path.join(TOP, "tests", "bench", "guest"), *repeat]
    if asked["bodies"]:
        guest += ["--bodies", asked["bodies"]]
    if asked["tickets"] or asked["long"]:
        guest += ["--tickets", asked["tickets"] or "1,100,10000,100000"]
    limit = "7200" if asked["long"] else "1800"
    command = [os.path.join(TOP, "tests", "vm", "run"), *machine, "--memory", "3072",
               "--timeout", limit, "--", *guest, *suites]
    rows = []
    with subprocess.Popen(command, cwd=TOP, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            rows.append(json.loads(line))
    if process.returncode:
        sys.exit(f"bench: the machine ended with status {process.returncode}")
    return rows


def measure(asked):
    start = time.monotonic()
    alone = [s for s in asked["suites"] if s != "scale"]
    rows = []
    if asked["native"]:
        rows = run(["--native"], asked, LONG if asked["long"] else TIMED, asked["suites"])
    else:
        if alone:
            print("# one processor, instructions counted", file=sys.stderr)
            rows += run(["--icount"], asked, COUNTED, alone)
        if "scale" in asked["suites"]:
            print("# two processors", file=sys.stderr)
            rows += run(["--cpus", "2"], asked, LONG if asked["long"] else TIMED, ["scale"])
    print(f"# {time.monotonic() - start:.0f} s", file=sys.stderr)
    return {"unit": "ns" if asked["native"] else "instructions", "rows": rows}


def main(arguments):
    asked = options(arguments)
    folder = os.path.join(BUILD, "bench")
    os.makedirs(folder, exist_ok=True)
    if asked["from"]:
        with open(asked["from"], encoding="utf-8") as f:
            result = json.load(f)
    else:
        result = measure(asked)
        with open(os.path.join(folder, "bench.json"), "w", encoding="utf-8") as f:
            json.dump(result, f, indent=1)
    text = table(result)
    print(text, end="")
    with open(os.path.join(folder, "bench.txt"), "w", encoding="utf-8") as f:
        f.write(text)
    plot(result, os.path.join(folder, "bench.svg"))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
