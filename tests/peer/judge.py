# SPDX-License-Identifier: GPL-2.0-or-later
"""What an honest peer of the test suite demands of a message before it touches
a key, each with the clause that says so. Stricter than a receiver has to be:
order and every fixed byte are those that a sender should write."""
import fnmatch
import re

import keys as k
import mikey as m

RULES = (   # RFC 6043 6.10: what implies what
    ("not D", "L"), ("G", "F"), ("not G", "H"), ("not H", "G"), ("I", "E"), ("K", "D"), ("M", "F"))
TICKET_TYPES = ((2, 1, 1), (1, 1, 1))
IDR = {role: (m.IDR, role) for role in (m.I, m.R, m.KMS, m.PSK, m.APP)}
RANDR = {role: (m.RANDR, role) for role in (m.I, m.R, m.KMS)}
REQUEST_INIT = [m.T, RANDR[m.I], IDR[m.I], IDR[m.KMS], m.TP, IDR[m.PSK], m.V]
REQUEST_RESP = [m.T, IDR[m.KMS], m.TICKET, m.KEMAC, m.V]
TRANSFER_INIT = [m.T, RANDR[m.I], IDR[m.I], IDR[m.R], m.TICKET, m.V]
RESOLVE_INIT = [m.T, RANDR[m.R], IDR[m.R], IDR[m.KMS], m.TICKET, IDR[m.PSK], m.V]
RESOLVE_RESP = [m.T, IDR[m.KMS], m.KEMAC, m.V]
FORKED_RESP = [m.T, IDR[m.KMS], m.KEMAC, IDR[m.R], RANDR[m.KMS], m.V]


def must(condition, why):
    if not condition:
        raise m.Bad(why)


def matches(pattern, uid):
    """? stands for zero or more characters."""
    pattern, uid = (x.decode("utf-8", "replace") for x in (pattern, uid))
    return fnmatch.fnmatchcase(uid, re.sub(r"([*\[])", r"[\1]", pattern).replace("?", "*"))


def is_set(bits, rule):
    return not bits & k.FLAGS[rule[4:]] if rule.startswith("not ") else bits & k.FLAGS[rule]


def flags(bits):
    """RFC 6043 6.10, then one of the two profiles; the profile's row."""
    for one, other in RULES:
        must(not is_set(bits, one) or is_set(bits, other), f"{one} implies {other} (RFC 6043 6.10)")
    profile = k.profile_of(bits)
    mode = 1 if bits & k.FLAGS["D"] else 3
    bare = bits & ~k.flags("JK")
    allowed = [profile.bits(mode, reusable=False)]
    if not profile.forked:
        allowed.append(profile.bits(mode, reusable=False, cacheable=True))
    must(bare in allowed, f"flags {k.letters(bits)} are no profile's (TS 33.328 I.4)")
    return profile


def header(msg, data_type, suite, v, order):
    must(msg.data_type == data_type, f"data type {msg.data_type}")
    must(msg.version == 1, "version")
    must(msg.prf == suite.prf, "PRF func of HDR is the suite's")
    must(msg.v_flag == v, "V flag (RFC 6043 4.2)")
    must(msg.order == order, f"order of payloads: {msg.order}")
    must(msg.v()[0] == suite.auth, "MAC algorithm of the suite")


def no_sessions(msg):
    must((msg.num_cs, msg.map_type) == (0, m.EMPTY_MAP), "#CS 0 and the Empty map (RFC 4563)")


def rand(suite, data):
    must(len(data) >= suite.key_len, "a RAND shorter than the longest key (RFC 6043 12.1)")


def identity(msg_or_body, role, id_type):
    body = msg_or_body.need(m.IDR, role) if isinstance(msg_or_body, m.Message) else msg_or_body
    must(body[1] == id_type and len(body) > 4, f"ID type of role {role}")


def policy(p, suite, requested):
    """A Ticket Policy; the profile's row."""
    profile = flags(p.flags)
    must((p.ticket_type, p.subtype, p.version) in TICKET_TYPES, "Ticket Type (TS 33.328 6.2.3.4.2)")
    must(p.prf == suite.prf, "PRF of the policy is the suite's")
    kinds = [(kind, b[0]) if kind in (m.IDR, m.TR) else kind for kind, b, _ in p.tp]
    fixed = [IDR[m.KMS], IDR[m.I], (m.TR, m.TRS), (m.TR, m.TRE)]
    if (m.TR, m.TRR) in kinds:
        fixed.append((m.TR, m.TRR))
    if requested:
        fixed.append(m.KEMAC)
    fixed += [IDR[m.APP]] + [IDR[m.R]] * kinds.count(IDR[m.R])
    must(kinds == fixed and kinds[-1] == IDR[m.R], f"TP Data (RFC 6043 6.10): {kinds}")
    for kind, body, _ in p.tp:
        if kind == m.IDR:
            identity(body, body[0], {m.KMS: m.URI, m.APP: m.BYTES}.get(body[0], m.NAI))
        if kind == m.TR:
            must(body[1] == m.NTP_UTC_32, "TS type of TR")
    must(p.ids(m.APP) == [b"PSK/MIME"], "IDRapp (TS 33.328 I.4)")
    if requested:
        (kind, key, spi), = p.wanted()
        must(kind == profile.traffic and key == bytes(suite.key_len) and len(spi) == 8,
             "the wanted key (RFC 6043 6.10)")
    return profile


def request_init(msg, suite):
    header(msg, m.REQUEST_INIT, suite, 1, REQUEST_INIT)
    no_sessions(msg)
    rand(suite, msg.randr(m.I))
    for role, kind in ((m.I, m.NAI), (m.KMS, m.URI), (m.PSK, m.BYTES)):
        identity(msg, role, kind)
    p = m.Policy(msg.need(m.TP))
    must(not p.flags & k.FLAGS["K"], "K is 0 in a request (RFC 6043 6.10)")
    must(p.flags & k.FLAGS["D"], "a requested ticket is made by the KMS (D)")
    return policy(p, suite, True)


def response(msg, initial):
    """What every response repeats of its initial message."""
    q = m.Message(initial)
    must((msg.version, msg.prf, msg.csb_id, msg.cs) == (q.version, q.prf, q.csb_id, q.cs),
         "a response repeats version, PRF, CSB ID, #CS and map type (RFC 6043 4.2)")


def kemac(msg, suite):
    body = msg.need(m.KEMAC)
    must(body[0] == suite.encr and body[-1] == k.NULL, "algorithms of KEMAC")


def request_resp(msg, suite, request):
    """Against what was asked for; the profile's row."""
    header(msg, m.REQUEST_RESP, suite, 0, REQUEST_RESP)
    response(msg, request)
    kemac(msg, suite)
    granted, wanted = msg.ticket, m.Policy(m.Message(request).need(m.TP))
    profile = ticket(granted, suite)
    must(profile is k.profile_of(wanted.flags), "another profile was granted")
    must(granted.initiator_data == b"", "Initiator Data in REQUEST_RESP (RFC 6043 6.10)")
    must(granted.ids(m.I) == wanted.ids(m.I), "another initiator was granted")
    must(set(granted.ids(m.R)) <= set(wanted.ids(m.R)), "other responders were granted")
    bare = [[body for kind, body, _ in p.tp if kind != m.KEMAC] for p in (granted, wanted)]
    changed = bare[0] != bare[1] or (granted.flags ^ wanted.flags) & ~k.FLAGS["K"]
    must(bool(changed) == bool(granted.flags & k.FLAGS["K"]), "K tells of changes (RFC 6043 6.10)")
    return profile


def entries(found, profile, suite, forked):
    """The keys of a KEMAC: MPKi, with forking another MPK, the traffic key."""
    kinds = [kind for kind, _, _ in found]
    must(kinds == [k.MPK] * (2 if forked else 1) + [profile.traffic], f"key types {kinds}")
    must(all(len(key) == suite.key_len for _, key, _ in found), "key lengths of the suite")
    must(all(len(spi) == 8 for _, _, spi in found), "SPIs of eight bytes")
    return found


def ticket(t, suite):
    """A ticket without looking into it; the profile's row."""
    profile = policy(t, suite, False)
    _, by = t.parts()
    must([kind for kind in by] == [m.T, m.RAND, m.KEMAC, m.IDR, m.V], "Ticket Data (RFC 6043 A)")
    rand(suite, by[m.RAND][1:])
    return profile


def transfer_init(msg, suite):
    order = TRANSFER_INIT if msg.first(m.EXT) is None else \
        TRANSFER_INIT[:-1] + [m.EXT, m.V]
    header(msg, m.TRANSFER_INIT, suite, 0, order)
    must((msg.num_cs, msg.map_type, msg.cs_id, msg.prot, msg.s_p, msg.session_data) ==
         (1, m.GENERIC_ID, 1, m.PROT_PSK_MIME, 0, b"\0\0"), "the one crypto session (TS 33.328 I.4)")
    must(len(msg.spi) == 8, "SPI of eight bytes")
    rand(suite, msg.randr(m.I))
    for role in (m.I, m.R):
        identity(msg, role, m.NAI)
    t = msg.ticket
    profile = ticket(t, suite)
    must(t.ids(m.I) == [msg.idr(m.I)], "IDRi of ticket and TRANSFER_INIT differ")
    start, end = (int.from_bytes(t.time(r), "big") for r in (m.TRS, m.TRE))
    must(start <= int.from_bytes(msg.t.value[:4], "big") <= end, "T outside the validity period")
    must((msg.first(m.EXT) is None) or profile.forked, "proof of origin without the I flag")
    initiator_data(t.initiator_data, suite, profile)
    if profile.forked:
        must(t.initiator_data[3:3 + suite.mac_len] == msg.v()[1], "Vi is V (RFC 6043 6.10)")
    return profile


def initiator_data(data, suite, profile):
    if not profile.forked:
        must(data == b"", "Initiator Data without the I flag (RFC 6043 6.10)")
        return
    must(len(data) == 5 + 2 * suite.mac_len and data[:3] == bytes([m.V, m.V, suite.auth]) and
         data[3 + suite.mac_len:5 + suite.mac_len] == bytes([m.LAST, suite.auth]),
         "Initiator Data = First Payload, Vi, Vr (RFC 6043 6.10)")


def resolve_init(msg, suite):
    header(msg, m.RESOLVE_INIT, suite, 1, RESOLVE_INIT)
    no_sessions(msg)
    rand(suite, msg.randr(m.R))
    for role, kind in ((m.R, m.NAI), (m.KMS, m.URI), (m.PSK, m.BYTES)):
        identity(msg, role, kind)
    profile = ticket(msg.ticket, suite)
    initiator_data(msg.ticket.initiator_data, suite, profile)
    return profile


def resolve_resp(msg, suite, resolve, profile):
    header(msg, m.RESOLVE_RESP, suite, 0, FORKED_RESP if profile.forked else RESOLVE_RESP)
    response(msg, resolve)
    kemac(msg, suite)
    if profile.forked:
        rand(suite, msg.randr(m.KMS))


def error(msg, faulty):
    q = m.Message(faulty)
    must((msg.version, msg.prf, msg.csb_id, msg.v_flag) == (q.version, q.prf, q.csb_id, 0),
         "an Error repeats version, PRF and CSB ID, V is 0 (RFC 6043 5.4)")
    must(msg.order in ([m.T, m.ERR], [m.T, m.ERR, m.V]), f"Error: {msg.order}")
