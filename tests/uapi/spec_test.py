#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Do the YNL specifications and the uapi headers say the same?

Every attribute, counter, command and enumerated value of uapi/*.yaml must
stand in the header of the same family with the same number, and the other
way round: a line added to only one of the two fails here. KTAP on standard
output; needs python3-yaml.
"""
import os
import re
import sys

import yaml

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def header_enums(path):
    """Name -> {member: value} of each enum of a header."""
    text = re.sub(r"/\*.*?\*/", "", open(path, encoding="utf-8").read(), flags=re.S)
    enums = {}
    for name, body in re.findall(r"enum (\w+) \{(.*?)\};", text, flags=re.S):
        value = -1
        enums[name] = {}
        for item in filter(None, (i.strip() for i in body.split(","))):
            member, _, given = (p.strip() for p in item.partition("="))
            value = int(given, 0) if given else value + 1
            enums[name][member] = value
    return enums


def members(enums, name, prefix):
    return {k[len(prefix):].lower().replace("_", "-"): v
            for k, v in enums[name].items()
            if not k.startswith("__") and not k.endswith("_UNSPEC")}


def numbered(names, start=1):
    return {n: start + i for i, n in enumerate(names)}


def checks():
    for family in ("mikey_ticket", "mikey_mime"):
        spec = yaml.safe_load(open(f"{TOP}/uapi/{family}.yaml", encoding="utf-8"))
        enums = header_enums(f"{TOP}/uapi/{family}.h")
        up = family.upper()
        short = family.split("_")[1]
        sets = {s["name"]: [a["name"] for a in s["attributes"]]
                for s in spec["attribute-sets"]}
        yield (f"{family} attributes", members(enums, f"{family}_attr", f"{up}_A_"),
               numbered(sets[short]))
        yield (f"{family} counters", members(enums, f"{family}_stat", f"{up}_S_"),
               numbered(sets["stats"]))
        yield (f"{family} commands", members(enums, f"{family}_cmd", f"{up}_CMD_"),
               numbered(o["name"] for o in spec["operations"]["list"]))
        prefixes = {"content-alg": "MIKEY_CONTENT_", "form": "MIKEY_FORM_",
                    "proved": "MIKEY_PROVED_", "profile": "MIKEY_PROFILE_",
                    "suite": "MIKEY_SUITE_", "role": "MIKEY_ROLE_"}
        for d in spec["definitions"]:
            enum = f"{family}_{d['name'].replace('-', '_')}"
            yield (f"{family} {d['name']}",
                   members(enums, enum, prefixes[d["name"]]),
                   numbered(d["entries"], d["value-start"]))
        known = set(sets[short])
        used = {a for o in spec["operations"]["list"]
                for part in [*o.get("do", {}).values(), o.get("event", {})]
                for a in part.get("attributes", [])}
        yield (f"{family} commands use known attributes only", used - known, set())


def main():
    results = list(checks())
    print(f"TAP version 13\n1..{len(results)}")
    bad = 0
    for n, (name, header, spec) in enumerate(results, 1):
        if header == spec:
            print(f"ok {n} {name}")
            continue
        bad += 1
        print(f"not ok {n} {name}\n# header: {header}\n# spec:   {spec}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
