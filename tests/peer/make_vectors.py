#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Write the test vectors tests/vectors/exchange-*-mode[13]*.json and
refusals-*.json.

  make_vectors.py [FOLDER]

Nothing in them is random: each input is SHAKE-256 of the exchange's and its
own name, so that writing them again gives the same bytes. README.md in
tests/vectors describes the format.
"""
import hashlib
import json
import os
import sys

import cms
import dissect
import exchange as x
import keys as k
import make_refusals
import mikey as m

VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "vectors")
KMS_ID, ALICE, BOB = "https://kms.example.test", "alice@example.test", "bob@example.test"
MIME = "Content-Type: text/plain; charset=utf-8\r\n\r\nVector — naïve café ✓\r\n".encode()
TEAM, LIST = "team@example.test", "list@example.test"
TIMES = {"valid_from": "ee000000", "valid_until": "ee001c20", "request_init": "ee000000",
         "ticket": "ee000010", "request_resp": "ee000020", "transfer_init": "ee000030",
         "resolve_init": "ee000040", "resolve_resp": "ee000050", "error": "ee000060"}
# What a case may set, and what it is otherwise.
USUAL = {"mode": 1, "reusable": True, "cacheable": False, "rekey": None, "responders": [BOB],
         "recipient": BOB, "stamps": {}, "types": (2, 1, 1), "zk": False}
BODY = {"auth-enveloped": "auth_enveloped_gcm", "auth-enveloped-ccm": "auth_enveloped_ccm",
        "authenticated": "authenticated", "authenticated-enveloped": "authenticated_enveloped"}
PROOF = {"auth_enveloped_gcm": "transfer_init_proof", "auth_enveloped_ccm": "transfer_init_proof_ccm",
         "authenticated": "transfer_init_proof_authenticated",
         "authenticated_enveloped": "transfer_init_proof_authenticated_enveloped"}


def cases():
    """(name, profile, suite, what is not usual, in words)"""
    for profile in k.PROFILES:
        for suite in k.SUITES:
            yield f"{profile}-{suite}-mode1", profile, suite, {}, \
                "The ticket is made by the KMS (RFC 6043 4.1.1, mode 1)."
            yield f"{profile}-{suite}-mode3", profile, suite, {"mode": 3}, \
                "The ticket is made by the initiator with its PSK as TPK (mode 3)."
    yield "immediate-256-mode1-single-use", "immediate", "256", {"reusable": False}, \
        "The J flag is not set: the ticket serves one message."
    yield "immediate-256-mode1-group", "immediate", "256", \
        {"responders": [TEAM], "recipient": TEAM}, \
        "The ticket names a group whose members the KMS knows; IDRr of TRANSFER_INIT is the " \
        "group, of the Ticket Resolve exchange the member."
    yield "immediate-256-mode1-wildcard", "immediate", "256", {"responders": ["?@example.test"]}, \
        "IDRr of the ticket has a wildcard: ? stands for any characters."
    yield "immediate-256-mode1-list", "immediate", "256", \
        {"responders": [LIST, BOB, "carol@example.test"], "recipient": LIST}, \
        "A URI-list message: the ticket names the list service and the members."
    yield "annex-i-256-mode1-list", "annex-i", "256", \
        {"responders": [BOB, "carol@example.test"], "recipient": LIST}, \
        "A URI-list message of Annex I: the ticket names the members only, IDRr of " \
        "TRANSFER_INIT is the list service."
    yield "immediate-256-mode1-rekey", "immediate", "256", {"rekey": 600}, \
        "The ticket has a TRr payload: rekeying after 600 seconds."
    yield "annex-i-128-mode1-cacheable", "annex-i", "128", {"cacheable": True}, \
        "The E flag is not set: the responder may keep what it resolved."
    yield "annex-i-256-mode3-cacheable", "annex-i", "256", {"mode": 3, "cacheable": True}, \
        "The E flag is not set, and the ticket is made by the initiator."
    yield "immediate-256-mode1-ntp-utc", "immediate", "256", \
        {"stamps": {"request_init": (m.NTP_UTC, "ee00000080000000"),
                    "resolve_init": (m.NTP_UTC, "ee00004040000000")}}, \
        "T of REQUEST_INIT and RESOLVE_INIT is NTP-UTC, 64 bits."
    yield "annex-i-128-mode1-counter", "annex-i", "128", \
        {"stamps": {"request_init": (m.COUNTER, "00000007"),
                    "resolve_init": (m.COUNTER, "00000001")}}, \
        "T of REQUEST_INIT and RESOLVE_INIT is COUNTER."
    yield "immediate-256-mode1-base-ticket", "immediate", "256", {"types": (1, 1, 1)}, \
        "Ticket Type, Subtype and Version are those of RFC 6043's MIKEY base ticket."
    yield "immediate-256-mode1-zk", "immediate", "256", {"zk": True}, \
        "The recipient's KMS asks the sender's over TLS (TS 33.328, Zk): zk_resolve_init and " \
        "zk_resolve_resp with NULL algorithms."


class Vector:
    """One file in the making."""

    def __init__(self, name, profile, suite, unusual, about):
        self.name, self.about, self.case = name, about, {**USUAL, **unusual}
        self.suite_name, self.suite, self.profile = suite, k.SUITES[suite], k.PROFILES[profile]
        self.derivations, self.macs, self.kemacs, self.messages = [], [], [], {}
        self.objects, self.steps, self.errors, self.derived = {}, {}, {}, {}
        n = self.suite.key_len
        self.inputs = {what: self.chosen(what, n) for what in (
            "psk_i", "psk_r", "tpk", "mpk", "traffic_key", "randr_i", "randr_r",
            "transfer_randr_i", "ticket_rand", "randr_kms")}
        self.inputs["spi"] = self.chosen("spi", 8)
        self.csb = [int.from_bytes(self.chosen(f"csb {n}", 4), "big") for n in range(3)]
        self.tpk_id = "tpk-1"
        if self.case["mode"] == 3:
            self.inputs["tpk"], self.tpk_id = self.inputs["psk_i"], "btid-a@bsf.example.test"
        self.bits = self.profile.bits(self.case["mode"], self.case["reusable"], self.case["cacheable"])

    def chosen(self, what, size):
        return hashlib.shake_256(f"mikey-ticket vector {self.name} {what}".encode()).digest(size)

    def stamp(self, what):
        kind, value = self.case["stamps"].get(what, (m.NTP_UTC_32, TIMES[what]))
        return m.Stamp(bytes.fromhex(value), kind)

    # --- what is noted ----------------------------------------------------

    def derive(self, name, inkey, label, length):
        out = k.prf(self.suite.prf, inkey, label, length)
        self.derivations.append({"name": name, "prf": self.suite.prf, "inkey": inkey.hex(),
                                 "label": label.hex(), "outkey": out.hex()})
        where = self.derived
        *path, last = name.split(".")
        for step in path:
            where = where.setdefault(step, {})
        where[last] = out
        return out

    def three(self, name, inkey, label):
        return [self.derive(f"{name}.{what}", inkey, label(c), n)
                for what, (c, n) in zip(("encr", "auth", "salt"), k.lengths(self.suite))]

    def note_mac(self, name, key, *covered):
        covered = b"".join(covered)
        out = k.mac(self.suite.auth, key, covered)
        self.macs.append({"name": name, "auth_alg": self.suite.auth, "key": key.hex(),
                          "input": covered.hex(), "mac": out.hex()})
        return out

    def note_v(self, name, key, *behind):
        msg = m.Message(self.messages[name])
        if self.note_mac(name, key, msg.covered(), *behind) != msg.v()[1]:
            raise m.Bad(f"V of {name}")

    def note_kemac(self, name, keys, csb_id, t, sealed):
        encr, _, salt = keys
        plain = k.aes_cm(encr, salt, csb_id, t.bits64, sealed)
        self.kemacs.append({"name": name, "encr_alg": self.suite.encr, "encr": encr.hex(),
                            "salt": salt.hex(), "csb_id": csb_id, "t": f"{t.bits64:016x}",
                            "iv": k.iv_of(salt, csb_id, t.bits64).hex(), "plain": plain.hex(),
                            "sealed": sealed.hex()})

    # --- the exchanges ----------------------------------------------------

    def make_ticket(self):
        i, c = self.inputs, self.case
        keys = self.three("ticket", i["tpk"], lambda c: k.label_ticket(c, i["ticket_rand"]))
        mpks = [self.derive(name, i["mpk"], k.label_mpk(c, i["ticket_rand"]), self.suite.key_len)
                for name, c in (("mpki", k.MPK_I), ("mpkr", k.MPK_R))]
        times = [bytes.fromhex(TIMES[t]) for t in ("valid_from", "valid_until")]
        types = dict(zip(("ticket_type", "subtype", "version"), c["types"]))
        if c["mode"] == 1:
            self.request(times, types)
        ticket = x.make_ticket(
            self.suite, self.profile, i["tpk"], self.tpk_id, i["mpk"], i["traffic_key"], i["spi"],
            x.tp_payloads(KMS_ID, ALICE, *times, c["responders"], rekey=c["rekey"]),
            self.bits, i["ticket_rand"], self.stamp("ticket"), **types)
        opened = m.Ticket(ticket + b"\0\0")
        self.note_mac("ticket", keys[1], ticket[:-self.suite.mac_len])
        sealed = opened.parts()[1][m.KEMAC][3:-1]
        self.note_kemac("ticket", keys, 0xFFFFFFFF, self.stamp("ticket"), sealed)
        return ticket, mpks

    def request(self, times, types):
        i, c = self.inputs, self.case
        _, auth, _ = self.three("request_init", i["psk_i"],
                                lambda c: k.label_message(c, self.csb[0], i["randr_i"]))
        self.messages["request_init"] = x.make_request(
            self.suite, self.profile, i["psk_i"], "btid-a@bsf.example.test", KMS_ID, ALICE,
            c["responders"], *times, self.bits, c["rekey"], self.csb[0], i["randr_i"],
            self.stamp("request_init"), **types)
        self.note_v("request_init", auth, ALICE.encode(), KMS_ID.encode())
        self.error("request_init", m.INVALID_TPPAR, auth)

    def grant(self, ticket, mpks):
        i = self.inputs
        keys = self.three("request_resp", i["psk_i"], lambda c: k.label_message(
            c, self.csb[0], i["randr_i"], response=True))
        self.messages["request_resp"] = x.make_request_resp(
            self.suite, self.profile, i["psk_i"], self.messages["request_init"], KMS_ID, ticket,
            *mpks, i["traffic_key"], i["spi"], self.stamp("request_resp"))
        self.note_v("request_resp", keys[1], self.messages["request_init"])
        self.note_kemac("request_resp", keys, self.csb[0], self.stamp("request_resp"),
                        m.Message(self.messages["request_resp"]).kemac()[1])

    def transfer(self, name, ticket, mpks, proof):
        i = self.inputs
        self.messages[name] = x.make_transfer(
            self.suite, self.profile, ticket, *mpks, ALICE, self.case["recipient"], i["spi"],
            proof, self.csb[1], i["transfer_randr_i"], self.stamp("transfer_init"))
        self.note_v(name, self.derived["transfer_init"]["auth"], ALICE.encode(),
                    self.case["recipient"].encode())
        if self.profile.forked:
            data = m.Message(self.messages[name]).ticket.initiator_data
            self.note_mac(f"{name} Vr", self.derived["vr_auth"], data[:-self.suite.mac_len])

    def content(self):
        """The CMS objects; each content key and nonce has a name."""
        n = self.suite.key_len
        for form in k.FORMS:
            name = BODY[form]
            enveloped = form.startswith("auth-enveloped")
            fixed = {"key": self.chosen(f"{name} content key", n if form != "authenticated" else 32)}
            if enveloped:
                fixed["nonce"] = self.chosen(f"{name} nonce", 12)
            if form == "authenticated-enveloped":
                fixed["iv"] = self.chosen(f"{name} iv", 16)
                fixed["auth_key"] = self.chosen(f"{name} MAC key", 32)
            der = cms.protect(form, self.derived["kek"], self.inputs["spi"], MIME, **fixed)
            self.objects[name] = der
            self.steps[name] = {
                what: value.hex() if isinstance(value, bytes) else value for what, value in
                cms.explain(der, self.derived["kek"], self.inputs["spi"]).items() if what != "entity"}
            self.steps[name]["sha256"] = hashlib.sha256(der).hexdigest()

    def resolve(self, mpks):
        i = self.inputs
        _, auth, _ = self.three("resolve_init", i["psk_r"], lambda c: k.label_message(
            c, self.csb[2], randr_r=i["randr_r"]))
        keys = self.three("resolve_resp", i["psk_r"], lambda c: k.label_message(
            c, self.csb[2], randr_r=i["randr_r"], response=True))
        for name, inkey, constant in (("mpkr_forked", mpks[1], k.FORK_MPK),
                                      ("tgk_forked", i["traffic_key"], k.FORK_TGK)):
            self.derive(name, inkey, k.label_fork(constant, BOB.encode(), i["randr_kms"]), len(inkey))
        self.messages["resolve_init"] = x.make_resolve(
            self.suite, i["psk_r"], "btid-b@bsf.example.test", KMS_ID, BOB,
            self.messages["transfer_init"], self.csb[2], i["randr_r"], self.stamp("resolve_init"))
        self.note_v("resolve_init", auth, BOB.encode(), KMS_ID.encode())
        self.error("resolve_init", m.INVALID_TICKET, auth)
        self.messages["resolve_resp"] = x.make_resolve_resp(
            self.suite, self.profile, i["psk_r"], self.messages["resolve_init"], KMS_ID, BOB, *mpks,
            i["traffic_key"], i["spi"], self.stamp("resolve_resp"), i["randr_kms"])
        self.note_v("resolve_resp", keys[1], self.messages["resolve_init"])
        sealed = m.Message(self.messages["resolve_resp"]).kemac()[1]
        self.note_kemac("resolve_resp", keys, self.csb[2], self.stamp("resolve_resp"), sealed)
        self.derived["resolved_keys"] = [
            {"type": kind, "key": key.hex(), "spi": spi.hex()} for kind, key, spi in
            m.read_key_data(bytes.fromhex(self.kemacs[-1]["plain"]))]

    def zk(self, mpks):
        i = self.inputs
        i["zk_csb_id"], i["zk_randr_r"] = self.chosen("zk csb", 4), self.chosen("zk randr", 32)
        self.messages["zk_resolve_init"] = x.make_zk_resolve(
            self.suite, KMS_ID, BOB, self.messages["transfer_init"],
            int.from_bytes(i["zk_csb_id"], "big"), i["zk_randr_r"], self.stamp("resolve_init"))
        self.messages["zk_resolve_resp"] = x.make_zk_resolve_resp(
            self.suite, self.profile, self.messages["zk_resolve_init"], KMS_ID, BOB, *mpks,
            i["traffic_key"], i["spi"], i["randr_kms"], self.stamp("resolve_resp"))

    def error(self, name, number, auth):
        """Error messages that could have been the answer."""
        bare, signed = (x.make_error(self.suite, self.messages[name], number, key, self.stamp("error"))
                        for key in (None, auth))
        self.note_mac(f"error to {name}", auth, signed[:-self.suite.mac_len])
        self.errors[name] = {"number": number, "without_v": bare.hex(), "with_v": signed.hex()}

    def make(self):
        i, c = self.inputs, self.case
        ticket, mpks = self.make_ticket()
        if c["mode"] == 1:
            self.grant(ticket, mpks)
        self.three("transfer_init", mpks[0], lambda c: k.label_message(
            c, self.csb[1], i["transfer_randr_i"]))
        self.derive("vr_auth", mpks[1], k.label_vr(), self.suite.mac_len)
        for name, constant in (("tek", k.CS_TEK), ("auth", k.CS_AUTH), ("encr", k.CS_ENCR)):
            self.derive(f"kek.{name}", i["traffic_key"],
                        k.label_session(constant, i["transfer_randr_i"]), self.suite.key_len)
        self.content()
        self.transfer("transfer_init", ticket, mpks, None)
        if self.profile.forked:
            for name, der in self.objects.items():
                self.transfer(PROOF[name], ticket, mpks, hashlib.sha256(der).digest())
        self.resolve(mpks)
        if c["zk"]:
            self.zk(mpks)
        return self.document()

    def document(self):
        """In the order in which the file has it."""
        i, c = self.inputs, self.case
        texts = {"psk_i_id": "btid-a@bsf.example.test", "psk_r_id": "btid-b@bsf.example.test",
                 "id_i": ALICE, "id_r": BOB, "id_kms": KMS_ID}
        names = ("request_init", "request_resp", "transfer_init", *PROOF.values(), "resolve_init",
                 "resolve_resp", *(["zk_resolve_init", "zk_resolve_resp"] if c["zk"] else []))
        order = ("request_init", "request_resp", "ticket", "mpki", "mpkr", "transfer_init",
                 "vr_auth", "resolve_init", "resolve_resp", "mpkr_forked", "tgk_forked", "kek",
                 "resolved_keys")
        return {
            "about": self.about, "profile": self.profile.name, "suite": self.suite_name,
            "mode": c["mode"],
            "policy": {
                "ticket_type": c["types"][0], "subtype": c["types"][1], "version": c["types"][2],
                "flags": k.letters(self.bits), "valid_from": TIMES["valid_from"],
                "valid_until": TIMES["valid_until"], "rekey": c["rekey"],
                "responders": c["responders"]},
            "recipient": c["recipient"], "thdr": b"KMS001".hex(), "tpk_id": self.tpk_id,
            "times": {what: {"ts_type": s.kind, "value": s.value.hex()} for what, s in (
                (what, self.stamp(what)) for what in TIMES if not what.startswith("valid"))},
            "inputs": {what: v.hex() for what, v in i.items()} | texts |
                      {"csb": self.csb, "mime": MIME.hex(), "cs_id": 1},
            "derived": {what: hexed(self.derived.get(what)) for what in order},
            "messages": {what: hexed(self.messages.get(what)) for what in names},
            "cms": hexed(self.objects),
            "derivations": self.derivations, "macs": self.macs, "kemacs": self.kemacs,
            "cms_steps": self.steps, "errors": self.errors,
            "fields": {what: dissect.dissect(raw) for what, raw in self.messages.items()},
        }


def hexed(value):
    if isinstance(value, dict):
        return {what: hexed(v) for what, v in value.items()}
    return value.hex() if isinstance(value, bytes) else value


def text_of(value, depth=0):
    """JSON with a list of plain values on one line."""
    if not isinstance(value, (dict, list)) or not value or \
            isinstance(value, list) and not any(isinstance(v, (dict, list)) for v in value):
        return json.dumps(value)
    pad, rows = " " * (depth + 1), []
    if isinstance(value, dict):
        rows = [f"{pad}{json.dumps(name)}: {text_of(v, depth + 1)}" for name, v in value.items()]
    else:
        rows = [pad + text_of(v, depth + 1) for v in value]
    start, end = "{}" if isinstance(value, dict) else "[]"
    return start + "\n" + ",\n".join(rows) + "\n" + " " * depth + end


def files():
    """(name, text) of each file."""
    for name, *more in cases():
        vector = Vector(name, *more)
        yield f"exchange-{name}.json", text_of(vector.make()) + "\n"
        if name == make_refusals.BASE:
            yield "refusals-transfer-init.json", text_of(make_refusals.document(vector)) + "\n"


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else VECTORS
    for name, text in files():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            f.write(text)


if __name__ == "__main__":
    main()
