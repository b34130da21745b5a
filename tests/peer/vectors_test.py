#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Does the second implementation reproduce tests/vectors byte for byte? KTAP
on standard output. prf.json and the two exchanges without "mode" are not its
own: if it reproduces those, what it says of the product and in the other
vectors counts."""
import json
import os
import sys

import cms
import dissect
import exchange as x
import judge
import keys as k
import make_vectors
import mikey as m

VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "vectors")
FOREIGN = ("exchange-immediate-256", "exchange-annex-i-128")
TEXT = ("psk_i_id", "psk_r_id", "id_i", "id_r", "id_kms", "profile", "suite")


def load(name):
    with open(f"{VECTORS}/{name}.json", encoding="utf-8") as f:
        return json.load(f)


def hexed(tree):
    """Bytes of a vector file's hex strings, by path."""
    return {name: hexed(v) if isinstance(v, dict) else
            bytes.fromhex(v) if isinstance(v, str) and name not in TEXT else v
            for name, v in tree.items()}


def prf_checks():
    for n, v in enumerate(load("prf")):
        out = bytes.fromhex(v["outkey"])
        got = k.prf(v["prf"], bytes.fromhex(v["inkey"]), bytes.fromhex(v["label"]), len(out))
        yield f"prf {n}", got == out


def foreign_checks(name):
    """Every message of an exchange that others made, made again."""
    doc = load(name)
    v, want = hexed(doc["inputs"]), hexed(doc["messages"])
    suite, profile = k.SUITES[doc["suite"]], k.PROFILES[doc["profile"]]
    got = {what: m.Message(raw) for what, raw in want.items() if raw}
    ticket = got["request_resp"].ticket
    start, end = ticket.time(m.TRS), ticket.time(m.TRE)
    mpki, mpkr = k.mpk_pair(suite, v["mpk"], v["ticket_rand"])
    keys = (mpki, mpkr, v["traffic_key"], v["spi"])

    yield "request_init", x.make_request(
        suite, profile, v["psk_i"], v["psk_i_id"], v["id_kms"], v["id_i"], [v["id_r"]], start, end,
        m.Policy(got["request_init"].first(m.TP)).flags, None, v["csb"][0], v["randr_i"],
        got["request_init"].t) == want["request_init"]
    issued = ticket.parts()[1][m.T]
    body = x.make_ticket(
        suite, profile, v["tpk"], "tpk-1", v["mpk"], v["traffic_key"], v["spi"],
        x.tp_payloads(v["id_kms"], v["id_i"], start, end, [v["id_r"]]), ticket.flags, v["ticket_rand"],
        m.Stamp(issued[1:], issued[0]))
    yield "ticket", body == ticket.from_type
    yield "request_resp", x.make_request_resp(
        suite, profile, v["psk_i"], want["request_init"], v["id_kms"], body, *keys,
        got["request_resp"].t) == want["request_resp"]
    for key in filter(got.get, ("transfer_init", "transfer_init_proof")):
        proof = got[key].first(m.EXT)
        yield key, x.make_transfer(
            suite, profile, body, mpki, mpkr, v["id_i"], v["id_r"], v["spi"], proof and proof[3:],
            v["csb"][1], v["transfer_randr_i"], got[key].t) == want[key]
    yield "resolve_init", x.make_resolve(
        suite, v["psk_r"], v["psk_r_id"], v["id_kms"], v["id_r"], want["transfer_init"], v["csb"][2],
        v["randr_r"], got["resolve_init"].t) == want["resolve_init"]
    yield "resolve_resp", x.make_resolve_resp(
        suite, profile, v["psk_r"], want["resolve_init"], v["id_kms"], v["id_r"], *keys,
        got["resolve_resp"].t, v["randr_kms"]) == want["resolve_resp"]
    opened = ticket.open(v["tpk"], suite)
    yield "ticket opens", opened == (mpki, mpkr, (profile.traffic, v["traffic_key"], v["spi"]))
    keks = k.session_keys(suite, v["traffic_key"], v["transfer_randr_i"])
    yield "keks", keks == hexed(doc["derived"])["kek"]
    for form, der in hexed(doc["cms"]).items():
        yield f"cms {form}", cms.open_any(der, keks, v["spi"])[1] == v["mime"]
        yield f"cms {form} again", remade(der, keks, v["spi"]) == der


def remade(der, keks, spi):
    """The same object from what is in it."""
    seen = cms.explain(der, keks, spi)
    fixed = {"key": seen["content_key"]}
    if "nonce" in seen:
        fixed["nonce"] = seen["nonce"]
    if "iv" in seen:
        fixed = {"auth_key": seen["content_key"], "key": seen["inner_content_key"], "iv": seen["iv"]}
    return cms.protect(seen["form"], keks, spi, seen["entity"], **fixed)


def judged(doc):
    """Is every message one that an honest peer takes?"""
    suite, profile = k.SUITES[doc["suite"]], k.PROFILES[doc["profile"]]
    want = {what: bytes.fromhex(raw) for what, raw in doc["messages"].items() if raw}
    for what, raw in want.items():
        msg = m.Message(raw)
        dissect.dissect(raw)
        if what == "request_init":
            judge.request_init(msg, suite)
        elif what == "request_resp":
            judge.request_resp(msg, suite, want["request_init"])
        elif what.startswith("transfer_init"):
            judge.transfer_init(msg, suite)
        elif what == "resolve_init":
            judge.resolve_init(msg, suite)
        elif what == "resolve_resp":
            judge.resolve_resp(msg, suite, want["resolve_init"], profile)


def refused(raw, base):
    """Why a recipient refuses it who knows the keys of the exchange, or what
    the KMS tells of Vr."""
    suite = k.SUITES[base["suite"]]
    keys = {what: bytes.fromhex(v) for what, v in base["derived"].items() if isinstance(v, str)}
    try:
        msg = m.Message(raw)
        judge.transfer_init(msg, suite)
        judge.must(msg.idr(m.R) in msg.ticket.ids(m.R), "IDRr")
        _, auth, _ = k.message_keys(suite, keys["mpki"], msg.csb_id, randr_i=msg.randr(m.I))
        judge.must(msg.verify(auth, msg.idr(m.I), msg.idr(m.R)), "V")
        data = msg.ticket.initiator_data
        judge.must(k.mac(suite.auth, keys["vr_auth"], data[:-suite.mac_len]) == data[-suite.mac_len:], "Vr")
        judge.must(msg.spi.hex() == base["inputs"]["spi"], "SPI")
    except m.Bad as e:
        return str(e)
    return None


def refusal_checks(doc):
    base = load(doc["base"].removesuffix(".json"))
    yield "refusals: the good one is taken", refused(bytes.fromhex(doc["good"]), base) is None
    for row in doc["refusals"]:
        why = refused(bytes.fromhex(row["message"]), base)
        yield f"refusals: {row['name']}: {why}", why is not None


def own_checks():
    """The files that make_vectors.py writes."""
    names = set()
    for name, text in make_vectors.files():
        names.add(name)
        with open(f"{VECTORS}/{name}", encoding="utf-8") as f:
            yield f"{name} is made again", f.read() == text
        if name.startswith("refusals-"):
            yield from refusal_checks(json.loads(text))
            continue
        try:
            judged(json.loads(text))
            verdict = True
        except m.Bad as e:
            print(f"# {name}: {e}")
            verdict = False
        yield f"{name} is what an honest peer takes", verdict
    there = {n for n in os.listdir(VECTORS) if n.endswith(".json")}
    yield "there is no other file", there == names | {f"{n}.json" for n in FOREIGN} | {"prf.json"}


def main():
    results = list(prf_checks())
    for name in FOREIGN:
        results += [(f"{name} {what}", ok) for what, ok in foreign_checks(name)]
        judged(load(name))
    results += own_checks()
    print(f"TAP version 13\n1..{len(results)}")
    for n, (what, ok) in enumerate(results, 1):
        print(f"{'ok' if ok else 'not ok'} {n} {what}")
    return 0 if all(ok for _, ok in results) else 1


if __name__ == "__main__":
    sys.exit(main())
