# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures of make bench as a table in words and as a plot."""
import subprocess

CONTESTANTS = ("floor", "product", "openssl", "softhsm", "afalg")
TITLES = {
    "floor": "floor (round trip + raw crypto)",
    "product": "mikey_mime",
    "openssl": "one process, OpenSSL",
    "softhsm": "SoftHSM 2",
    "afalg": "AF_ALG",
}
AT = 1024       # bytes of the body that the targets are about


def pick(result, **want):
    """The rows that have all of these values."""
    return [r for r in result["rows"] if all(r.get(k) == v for k, v in want.items())]


def cost(result, contestant, op, size):
    rows = pick(result, suite="sizes", contestant=contestant, op=op, bytes=size)
    return rows[0]["ns"] if rows else None


def ratio(above, below):
    return above / below if above and below else None


def shown(value, form="{:.2f}"):
    return "-" if value is None else form.format(value)


def sizes_table(result):
    """One table for each operation: costs, and what the product's is of each."""
    lines = []
    sizes = sorted({r["bytes"] for r in pick(result, suite="sizes") if r["bytes"]})
    for op in ("protect", "unprotect"):
        if not sizes:
            break
        lines += ["", f"{op.upper()}, {result['unit']}; in brackets: mikey_mime's cost to this one's",
                  f"{'bytes':>8}" + "".join(f"{c:>20}" for c in CONTESTANTS)]
        for size in sizes:
            ours = cost(result, "product", op, size)
            cells = []
            for name in CONTESTANTS:
                theirs = cost(result, name, op, size)
                cells.append(f"{shown(theirs, '{:.0f}'):>12} ({shown(ratio(ours, theirs)):>5})")
            lines.append(f"{size:>8}" + "".join(f"{c:>20}" for c in cells))
    empty = pick(result, suite="sizes", op="nothing")
    if empty:
        lines += ["", f"empty netlink round trip: {empty[0]['ns']:.0f}"]
    return lines


def other_tables(result):
    lines = []
    for r in pick(result, suite="exchanges"):
        lines.append(f"{r['what']:<16}{r['ns']:>12.0f} {result['unit']}, "
                     f"{r['per_second']:.0f} in 10^9")
    for r in pick(result, suite="memory"):
        lines.append(f"memory of one {r['what']:<12}{r['bytes']:>8.0f} bytes")
    for r in pick(result, suite="tickets"):
        lines.append(f"{r['op']:<10} of {r['bytes']} bytes with {r['tickets']:>6} live tickets"
                     f"{r['ns']:>12.0f}")
    for r in pick(result, suite="scale"):
        lines.append(f"{r['contestant']:<10}{r['op']} on {r['cpus']} processors"
                     f"{r['per_second']:>12.0f} in a second")
    return [""] + lines if lines else []


def flatness(result):
    """The dearest count of tickets to the cheapest, of the worse operation."""
    worst = None
    for op in ("protect", "unprotect"):
        values = [r["ns"] for r in pick(result, suite="tickets", op=op)]
        if values:
            worst = max(worst or 0, max(values) / min(values))
    return worst


def scaling(result, contestant):
    one = pick(result, suite="scale", contestant=contestant, cpus=1)
    two = pick(result, suite="scale", contestant=contestant, cpus=2)
    return ratio(two[0]["per_second"], one[0]["per_second"]) if one and two else None


def targets(result):
    """Lines of (what, measured, whether that is good, the target)."""
    rows = []
    for op in ("protect", "unprotect"):
        ours = cost(result, "product", op, AT)
        for name, most in (("floor", 1.3), ("openssl", 1.0)):
            r = ratio(ours, cost(result, name, op, AT))
            rows.append((f"{op}: cost to {name}'s", r, r and r <= most, f"at most {most}"))
        for name, least in (("softhsm", 5), ("afalg", 3)):
            r = ratio(cost(result, name, op, AT), ours)
            rows.append((f"{op}: {name}'s cost to ours", r, r and r >= least,
                         f"at least {least}"))
    r = flatness(result)
    rows.append(("tickets: dearest to cheapest", r, r and r <= 1.1, "at most 1.1"))
    r = scaling(result, "product")
    rows.append(("two processors to one", r, r and r >= 1.8, "at least 1.8"))
    memory = pick(result, suite="memory", what="ticket")
    r = memory[0]["bytes"] if memory else None
    rows.append(("memory of a ticket", r, r and r < 1024, "below 1024"))
    return rows


def table(result):
    lines = sizes_table(result) + other_tables(result)
    lines += ["", f"Targets, at {AT} bytes"]
    for what, measured, good, wanted in targets(result):
        if measured is not None:
            lines.append(f"{what:<36}{measured:>8.2f}  {wanted:<14}"
                         f"{'met' if good else 'missed'}")
    return "\n".join(lines).lstrip("\n") + "\n"


def plot(result, path):
    """Cost over length, one picture for each operation, with gnuplot."""
    if not pick(result, suite="sizes", contestant="product"):
        return
    script = [f"set terminal svg size 1000,480 noenhanced background '#ffffff'\nset output '{path}'",
              "set multiplot layout 1,2",
              "set logscale xy\nset grid\nset key top left\nset xlabel 'bytes of the body'",
              f"set ylabel '{result['unit']} for one message'\nset format y '%.0s%c'"]
    for op in ("protect", "unprotect"):
        curves, data = [], []
        for name in CONTESTANTS:
            rows = sorted((r["bytes"], r["ns"]) for r in
                          pick(result, suite="sizes", contestant=name, op=op))
            if not rows:
                continue
            curves.append(f"'-' with linespoints linewidth 2 title '{TITLES[name]}'")
            data += [f"{size} {ns}" for size, ns in rows] + ["e"]
        script += [f"set title '{op.upper()}'", "plot " + ", ".join(curves), *data]
    subprocess.run(["gnuplot"], input="\n".join(script) + "\n", text=True, check=True)
