#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Does the second implementation reproduce tests/vectors byte for byte?
KTAP on standard output. If it does, what it says of the product counts."""
import json
import os
import sys

import cms
import mikey as m

VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "vectors")


def load(name):
    with open(f"{VECTORS}/{name}.json", encoding="utf-8") as f:
        return json.load(f)


def hexed(tree):
    """Bytes of a vector file's hex strings, by path."""
    return {k: hexed(v) if isinstance(v, dict) else
            bytes.fromhex(v) if isinstance(v, str) and k not in TEXT else v
            for k, v in tree.items()}


TEXT = ("psk_i_id", "psk_r_id", "id_i", "id_r", "id_kms", "profile", "suite")


def prf_checks():
    for n, v in enumerate(load("prf")):
        out = bytes.fromhex(v["outkey"])
        got = m.prf(m.PRF_DIGEST[v["prf"]], bytes.fromhex(v["inkey"]), bytes.fromhex(v["label"]), len(out))
        yield f"prf {n}", got == out


def exchange_checks(name):
    doc = load(name)
    v, want = hexed(doc["inputs"]), hexed(doc["messages"])
    suite, profile = m.SUITES[doc["suite"]], m.PROFILES[doc["profile"]]
    got = {k: m.Message(raw) for k, raw in want.items() if raw}
    ticket = got["request_resp"].ticket
    start, end = ticket.time(2), ticket.time(3)
    mpki, mpkr = m.mpk_pair(suite, v["mpk"], v["ticket_rand"])

    yield "request_init", m.make_request(
        suite, profile, v["psk_i"], v["psk_i_id"], v["id_kms"], v["id_i"], [v["id_r"]], start, end,
        bool(m.Policy(got["request_init"].first(m.TP)).flags & m.FLAGS["J"]), v["csb"][0], v["randr_i"],
        got["request_init"].t) == want["request_init"]
    body = m.make_ticket_body(
        suite, profile, v["tpk"], b"tpk-1", v["mpk"], v["traffic_key"], v["spi"],
        m.tp_payloads(v["id_kms"], v["id_i"], start, end, [v["id_r"]]), ticket.flags, v["ticket_rand"],
        m.walk(ticket.ticket_data[0], ticket.ticket_data, 9)[0][1][1:5])
    yield "ticket", body == ticket.from_type
    yield "request_resp", m.make_request_resp(
        suite, profile, v["psk_i"], want["request_init"], v["id_kms"], body, mpki, mpkr,
        v["traffic_key"], v["spi"], got["request_resp"].t) == want["request_resp"]
    for key in filter(got.get, ("transfer_init", "transfer_init_proof")):
        proof = got[key].first(m.EXT)
        yield key, m.make_transfer(
            suite, profile, body, mpki, mpkr, v["id_i"], v["id_r"], v["spi"], proof and proof[3:],
            v["csb"][1], v["transfer_randr_i"], got[key].t) == want[key]
    yield "resolve_init", m.make_resolve(
        suite, v["psk_r"], v["psk_r_id"], v["id_kms"], v["id_r"], want["transfer_init"], v["csb"][2],
        v["randr_r"], got["resolve_init"].t) == want["resolve_init"]
    yield "resolve_resp", m.make_resolve_resp(
        suite, profile, v["psk_r"], want["resolve_init"], v["id_kms"], v["id_r"], mpki, mpkr,
        v["traffic_key"], v["spi"], got["resolve_resp"].t, v["randr_kms"]) == want["resolve_resp"]
    opened = ticket.open(lambda _: v["tpk"], suite)
    yield "ticket opens", opened == (mpki, mpkr, (profile.traffic, v["traffic_key"], v["spi"]))
    keks = m.session_keys(suite, v["traffic_key"], v["transfer_randr_i"])
    yield "keks", keks == hexed(doc["derived"])["kek"]
    for form, der in hexed(doc["cms"]).items():
        yield f"cms {form}", cms.open_any(der, keks, v["spi"])[1] == v["mime"]
    rebuilt = cms.authenticated_enveloped(keks["auth"], keks["encr"], v["spi"], v["mime"])
    yield "cms round trip", cms.open_any(rebuilt, keks, v["spi"])[1] == v["mime"]


def main():
    results = list(prf_checks())
    for name in ("exchange-immediate-256", "exchange-annex-i-128"):
        results += [(f"{name} {what}", ok) for what, ok in exchange_checks(name)]
    print(f"TAP version 13\n1..{len(results)}")
    for n, (what, ok) in enumerate(results, 1):
        print(f"{'ok' if ok else 'not ok'} {n} {what}")
    return 0 if all(ok for _, ok in results) else 1


if __name__ == "__main__":
    sys.exit(main())
