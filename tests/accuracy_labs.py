"""Labs in which transfers and round trips from a to b are measured and compared with predictions."""

from dataclasses import dataclass

from compiler.driver import Compilation


@dataclass(frozen=True)
class Lab:
    """A lab with transfers from a to b."""

    name: str
    title: str
    text: str
    plain: bool = False
    """Whether it is measured by plain TCP with several congestion controls, and by UDP."""

    @property
    def seconds(self) -> int:
        """The duration of a transfer: with losses, long enough for some hundred of them."""
        return 180 if "loss" in self.text else 6 if self.plain else 10

    def compiled(self) -> Compilation:
        return Compilation("-", f"lab {self.name}\n{self.text}")


def parallel(*links: str, more: str = "mptcp a -- b") -> str:
    """Paths from a to b over one router each, with given attributes for both of its links."""
    lines = ["host a b"]
    for number, attributes in enumerate(links):
        lines += [f"router r{number}", f"link {{a,b}} -- r{number} {attributes}"]
    return "\n".join([*lines, more])


BEHIND = """\
host a b
router e c d f
link a -- e rate 100mbit
link e -- {c,d} -- f rate 10mbit
link f -- b rate 100mbit
route e to b via c, d per-packet
route f to a via c, d per-packet"""

PLAIN = {
    "one5": ("one path of 5", parallel("rate 5mbit")),
    "one20": ("one path of 20", parallel("rate 20mbit")),
    "two5": ("two paths of 5", parallel(*["rate 5mbit"] * 2)),
    "two10": ("two paths of 10", parallel(*["rate 10mbit"] * 2)),
    "two20": ("two paths of 20", parallel(*["rate 20mbit"] * 2)),
    "two10c": ("two paths of 10, `a -> b`", parallel(*["rate 10mbit"] * 2, more="mptcp a -> b")),
    "three5": ("three paths of 5", parallel(*["rate 5mbit"] * 3)),
    "three10": ("three paths of 10", parallel(*["rate 10mbit"] * 3)),
    "four5": ("four paths of 5", parallel(*["rate 5mbit"] * 4)),
    "four10": ("four paths of 10", parallel(*["rate 10mbit"] * 4)),
    "u20x10": ("20 and 10", parallel("rate 20mbit", "rate 10mbit")),
    "u10x5": ("10 and 5", parallel("rate 10mbit", "rate 5mbit")),
    "u20x5": ("20 and 5", parallel("rate 20mbit", "rate 5mbit")),
    "u30x20x10": ("30, 20 and 10", parallel("rate 30mbit", "rate 20mbit", "rate 10mbit")),
    "u12x8x4": ("12, 8, 8 and 4", parallel("rate 12mbit", "rate 8mbit", "rate 8mbit", "rate 4mbit")),
    "sp10": ("two of 10, `spray`", parallel(*["rate 10mbit"] * 2, more="spray a -- b")),
    "sp10x5": ("10 and 5, `spray`", parallel("rate 10mbit", "rate 5mbit", more="spray a -- b")),
    "sp3": ("three of 10, `spray`", parallel(*["rate 10mbit"] * 3, more="spray a -- b")),
    "spdeep": ("two of 10 behind a router, `per-packet`", BEHIND),
    "mid": (
        "over a router in the middle",
        "host a b\nrouter c d e f g\nlink a -- {c,d} -- e -- {f,g} -- b rate 10mbit\nmptcp a -> b",
    ),
    "ring": (
        "a ring of 6",
        "router a r1 b r3 r4 r5\nlink a -- r1 -- b -- r3 -- r4 -- r5 -- a rate 10mbit\nmptcp a -- b",
    ),
    "share": (
        "10 and 10 over one of 15",
        "host a b\nrouter c d e\nlink a -- {c,d} -- e rate 10mbit\nlink e -- b rate 15mbit\nmptcp a -> b",
    ),
    "six": ("IPv6, two of 10", "pool fd00::/48\n" + parallel(*["rate 10mbit"] * 2)),
    "mtu": ("two of 10, MTU 600", parallel(*["rate 10mbit mtu 600"] * 2)),
    "u20x2": ("20 and 2", parallel("rate 20mbit", "rate 2mbit")),
    "u20x1": ("20 and 1", parallel("rate 20mbit", "rate 1mbit")),
    "single": (
        "one interface at a",
        "host a b\nrouter c\nlink a -- c rate 50mbit\n" + "link c -- b rate 10mbit\n" * 2 + "mptcp a -> b",
    ),
}

DELAYED = {
    "base": ("one path of 10, no delay", parallel("rate 10mbit")),
    "d10": ("10, 20 ms", parallel("rate 10mbit delay 10ms")),
    "d20": ("20, 40 ms", parallel("rate 20mbit delay 20ms")),
    "dapart": (
        "a delay of 20 ms, then 10",
        "host a b\nrouter c\nlink a -- c delay 20ms\nlink c -- b rate 10mbit",
    ),
    "dd10": ("two of 10, 20 ms", parallel(*["rate 10mbit delay 5ms"] * 2)),
    "spd": (
        "two of 10, 20 and 60 ms, `spray`",
        parallel("rate 10mbit delay 5ms", "rate 10mbit delay 15ms", more="spray a -- b"),
    ),
    "dd10far": ("two of 10, 20 and 80 ms", parallel("rate 10mbit delay 5ms", "rate 10mbit delay 20ms")),
    "dd20x10": ("20 and 10, 20 and 40 ms", parallel("rate 20mbit delay 5ms", "rate 10mbit delay 10ms")),
    "ddd5": (
        "three of 5, 20, 40 and 60 ms, `a -> b`",
        parallel(
            "rate 5mbit delay 5ms", "rate 5mbit delay 10ms", "rate 5mbit delay 15ms", more="mptcp a -> b"
        ),
    ),
    "dddd5": ("four of 5, 20 ms", parallel(*["rate 5mbit delay 5ms"] * 4)),
    "l01": ("20, 40 ms, 0.1 %", "host a b\nlink a -- b rate 20mbit delay 20ms\nshape a -> b loss 0.1%"),
    "l1": ("20, 40 ms, 1 %", "host a b\nlink a -- b rate 20mbit delay 20ms\nshape a -> b loss 1%"),
    "l1short": ("10, 20 ms, 1 %", "host a b\nlink a -- b rate 10mbit delay 10ms\nshape a -> b loss 1%"),
    "l3": ("10, 60 ms, 3 %", "host a b\nlink a -- b rate 10mbit delay 30ms\nshape a -> b loss 3%"),
    "l5": ("10, 20 ms, 5 %", "host a b\nlink a -- b rate 10mbit delay 10ms\nshape a -> b loss 5%"),
    "l10": ("10, 20 ms, 10 %", "host a b\nlink a -- b rate 10mbit delay 10ms\nshape a -> b loss 10%"),
    "l10both": ("10, 20 ms, 10 % both ways", "host a b\nlink a -- b rate 10mbit delay 10ms loss 10%"),
    "dl1": (
        "two of 10, 20 ms, 0.5 %",
        parallel(*["rate 10mbit delay 5ms"] * 2) + "\nshape a -> r0 loss 0.5%\nshape a -> r1 loss 0.5%",
    ),
    "dl1far": (
        "two of 5, 40 ms, 1 %",
        parallel(*["rate 5mbit delay 10ms"] * 2) + "\nshape a -> r0 loss 1%\nshape a -> r1 loss 1%",
    ),
    "dlone": (
        "two of 10, 20 ms, one loses 1 %",
        parallel(*["rate 10mbit delay 5ms"] * 2) + "\nshape a -> r0 loss 1%",
    ),
    "jitter": ("10, 40 ms, jitter 2 ms", parallel("rate 10mbit delay 10ms jitter 1ms")),
}


TEN, FIVE, FAST = "rate 10mbit", "rate 5mbit", "rate 100mbit"


def behind(*between: str, weights: str = "c, d") -> str:
    """Paths over c and d between two routers that spray for the hosts behind them."""
    names = "cd"[: len(between)]
    links = [f"link e -- {name} -- f {attributes}" for name, attributes in zip(names, between, strict=True)]
    turns = f"route e to b via {weights} per-packet\nroute f to a via {weights} per-packet"
    ends = f"link a -- e {FAST}\nlink f -- b {FAST}"
    return "\n".join(["host a b\nrouter e c d f", ends, *links, turns])


def carried(hops: int, kind: str, rate: str = TEN, pool: str = "") -> str:
    """A tunnel from a to b over some routers in a row."""
    row = " ".join(f"r{number}" for number in range(hops))
    chain = " -- ".join(["a", *row.split(), "b"])
    tunnel = f"tunnel a:t -- b:t via {row} kind {kind}"
    return f"{pool}router a b {row}\nlink {chain} {rate} cost 9\n{tunnel}\nrouting shortest by cost"


def two_tunnels(kind: str, *rates: str, weight: int = 1) -> str:
    """A tunnel over each of two routers, whose packets take turns."""
    lines = ["router a b c d"]
    for name, far, rate in zip("cd", "tu", rates, strict=True):
        lines += [f"link a -- {name} -- b {rate}", f"tunnel a:{far} -- b:{far} via {name} kind {kind}"]
    for source, target in ("ab", "ba"):
        hops = f"{target}:t weight {weight}, {target}:u"
        lines.append(f"route {source} to {target} via {hops} per-packet")
    return "\n".join(lines)


SPRAY = "spray a -- b"

IN_TURN = {
    "t10": ("two of 10, `spray`", parallel(TEN, TEN, more=SPRAY)),
    "t10x5": ("10 and 5, `spray`", parallel(TEN, FIVE, more=SPRAY)),
    "t20x5": ("20 and 5, `spray`", parallel("rate 20mbit", FIVE, more=SPRAY)),
    "t15x10": ("15 and 10, `spray`", parallel("rate 15mbit", TEN, more=SPRAY)),
    "t3": ("three of 10, `spray`", parallel(TEN, TEN, TEN, more=SPRAY)),
    "t10x5x5": ("10, 5 and 5, `spray`", parallel(TEN, FIVE, FIVE, more=SPRAY)),
    "teven": ("10 and 5, equal turns", parallel(TEN, FIVE, more="spray a -- b weights r0 1 r1 1")),
    "tfar": (
        "10 and 5, where the second link is of 5",
        f"host a b\nrouter c d\nlink a -- c -- b {TEN}\nlink a -- d {TEN}\nlink d -- b {FIVE}\n{SPRAY}",
    ),
    "tdelay": ("two of 10, 20 ms, `spray`", parallel(*[f"{TEN} delay 5ms"] * 2, more=SPRAY)),
    "tapart": ("two of 10, 20 and 60 ms", parallel(f"{TEN} delay 5ms", f"{TEN} delay 15ms", more=SPRAY)),
    "tboth": ("10 and 5, 20 and 40 ms", parallel(f"{TEN} delay 5ms", f"{FIVE} delay 10ms", more=SPRAY)),
    "t6": ("IPv6, two of 10, `spray`", "pool fd00::/48\n" + parallel(TEN, TEN, more=SPRAY)),
    "t6x5": ("IPv6, 10 and 5, `spray`", "pool fd00::/48\n" + parallel(TEN, FIVE, more=SPRAY)),
    "tb": ("two of 10 behind a router, `per-packet`", behind(TEN, TEN)),
    "tb5": ("10 and 5 behind a router, `per-packet`", behind(TEN, FIVE, weights="c weight 2, d")),
    "tvx": ("VXLAN over 1 router", carried(1, "vxlan")),
    "tgre": ("GRE over 2 routers", carried(2, "gre")),
    "tipip": ("IPIP over 3 routers", carried(3, "ipip", f"{TEN} delay 2ms")),
    "tvx6": ("VXLAN over IPv6, 1 router", carried(1, "vxlan", pool="pool fd00::/48\n")),
    "tgt": ("two GRE tunnels of 10, `spray`", two_tunnels("gre", TEN, TEN)),
    "tgt5": ("VXLAN tunnels of 10 and 5, `spray`", two_tunnels("vxlan", TEN, FIVE, weight=2)),
    "tecmp": ("two of 10, ECMP", parallel(TEN, TEN, more="")),
}
"""Packets in turn, tunnels, and ECMP beside them."""

TWO = f"host a b\nlink a -- b {TEN}\nlink a -- b {TEN}\n"
THREE = f"{TWO}link a -- b {TEN}\n"
UNEQUAL = f"host a b\nlink a -- b {TEN}\nlink a -- b {FIVE}\n"
FAR = f"host a b\nlink a -- b {TEN} delay 5ms\nlink a -- b {TEN} delay 5ms\n"


def over_routers(kind: str, logical: str, *rates: str) -> str:
    """A bond or a teql of tunnels, one over each path."""
    routers = "{" + ",".join(f"r{number}" for number in range(len(rates))) + "}"
    return parallel(*rates, more=f"tunnel a -- b via {routers} kind {kind}\n{logical} a -- b")


LATE = f"""host a b
router c d
link a -- c -- b {TEN}
link a -- d {TEN}
link d -- b {FIVE}
tunnel a -- b via {{c,d}}
bond a -- b"""

LOGICAL = {
    "b2": ("`bond` of two of 10", f"{TWO}bond a -- b"),
    "b3": ("`bond` of three of 10", f"{THREE}bond a -- b"),
    "bfar": ("`bond` of two of 10, 10 ms", f"{FAR}bond a -- b"),
    "bone": ("`bond` of two of 10, active-backup", f"{TWO}bond a -- b mode active-backup"),
    "b2x1": ("`bond` of 10 and 5", f"{UNEQUAL}bond a -- b"),
    "bt2x1": ("`bond` of tunnels of 10 and 5, where the second link is of 5", LATE),
    "b6": ("IPv6, `bond` of two of 10", f"pool fd00::/48\n{TWO}bond a -- b"),
    "bt": ("`bond` of two VXLAN tunnels", over_routers("vxlan", "bond", TEN, TEN)),
    "bt3": ("`bond` of three VXLAN tunnels", over_routers("vxlan", "bond", TEN, TEN, TEN)),
    "q2": ("`teql` of two of 10", f"{TWO}teql a -- b"),
    "q3": ("`teql` of three of 10", f"{THREE}teql a -- b"),
    "q2x1": ("`teql` of 10 and 5", f"{UNEQUAL}teql a -- b"),
    "q6": ("IPv6, `teql` of two of 10", f"pool fd00::/48\n{TWO}teql a -- b"),
    "qt": ("`teql` of two VXLAN tunnels", over_routers("vxlan", "teql", TEN, TEN)),
    "qt3": ("`teql` of three GRE tunnels", over_routers("gre", "teql", TEN, TEN, TEN)),
}
"""One flow over bonds and teqls, of links and of tunnels."""


def labs(which: dict[str, tuple[str, str]], *, plain: bool = False) -> list[Lab]:
    return [Lab(name, title, text, plain) for name, (title, text) in which.items()]
