"""What nft(8) is told to send packets by several next hops in turn, in the words in which it lists it.

A chain for each target marks its packets, a next hop after the other. A router that cannot send a packet on
says so (ICMP), and then the next hop by which that answer came is left out for a while: its mark is in a set
whose elements go by themselves, and packets with one of these marks get another.
"""

from collections.abc import Iterable, Iterator

from compiler.infer.weights import interleaved
from compiler.model.networks import Network
from compiler.model.routes import Spray

Line = tuple[str, ...]
"""The words of a command."""

NFT = ("inet", "mpc")
"""The family and the name of the table of nftables."""

SENT, PASSED, UNREACHED, AWAY = "sent", "passed", "unreached", "away"

CHAINS = {
    SENT: "type route hook output priority mangle;",
    PASSED: "type filter hook prerouting priority dstnat + 10;",
}
"""What packets of a node's own go through, which looks for their route again, and what those that come in do.
Where these go to is known once NAT has turned back their addresses."""

SET = "type mark; size 64; flags dynamic,timeout; timeout 5s;"
"""A next hop is left out for 5 s and then tried again, at the cost of what is lost until it answers."""

ANSWERS = {
    4: (
        "icmp type destination-unreachable icmp code { net-unreachable, host-unreachable }",
        "icmp type time-exceeded",
    ),
    6: (
        "icmpv6 type destination-unreachable icmpv6 code { no-route, addr-unreachable }",
        "icmpv6 type time-exceeded",
    ),
}
"""What routers answer that have no way on; of those that send packets back, the TTL ends."""

INNER = {4: "@th,192,32", 6: "@th,256,128"}
"""The target of the packet that an answer is about: its place in the answer."""

MOST_OTHERS = 3
"""How often another next hop is looked for."""


def frame(versions: Iterable[int]) -> Iterator[Line]:
    """What all targets of a node have in common."""
    yield ("add", "set", *NFT, AWAY, f"{{ {SET} }}")
    for name, form in CHAINS.items():
        yield ("add", "chain", *NFT, name, f"{{ {form} }}")
    yield ("add", "chain", *NFT, UNREACHED)
    for version in versions:
        yield from (_rule(PASSED, f"{answer} goto {UNREACHED}") for answer in ANSWERS[version])


def lines(spray: Spray) -> Iterator[Line]:
    """What one spray adds."""
    name = chain(spray)
    yield ("add", "chain", *NFT, name)
    turns, others = _turns(spray), f"meta mark @{AWAY}"
    yield _rule(name, turns)
    yield from (_rule(name, f"{others} {turns}"),) if len(spray.turns) > 2 else ()
    for _ in range(min(len(spray.turns) - 1, MOST_OTHERS)):
        yield _rule(name, f"{others} {_next(spray)}")
    target = _target(spray.target)
    incoming = "" if spray.incoming is None else f'iifname "{spray.incoming}" '
    yield from (_rule(SENT, f"{target} goto {name}"),) if spray.own else ()
    yield from (_rule(PASSED, f"{incoming}{target} goto {name}"),) if spray.passed else ()
    yield from _unreached(spray)


def chain(spray: Spray) -> str:
    """The name of the chain of a spray."""
    length = "" if spray.target.num_addresses == 1 else f"-{spray.target.prefixlen}"
    incoming = "" if spray.incoming is None else f"-{spray.incoming}"
    return f"to-{str(spray.target.network_address).replace(':', '_')}{length}{incoming}"


def _rule(name: str, text: str) -> Line:
    return ("add", "rule", *NFT, name, *text.split(" "))


def _target(target: Network) -> str:
    """What matches packets to a target."""
    if not target.prefixlen:
        return f"meta nfproto ipv{target.version}"
    address = target.network_address if target.num_addresses == 1 else target
    return f"{'ip' if target.version == 4 else 'ip6'} daddr {address}"


def _mark(table: int) -> str:
    return f"{table:#010x}"


def _turns(spray: Spray) -> str:
    """What marks packets in turn."""
    places = interleaved([turn.hop.weight for turn in spray.turns])
    marks = (f"{number} : {_mark(spray.turns[place].table)}" for number, place in enumerate(places))
    return f"meta mark set numgen inc mod {len(places)} map {{ {', '.join(marks)} }}"


def _next(spray: Spray) -> str:
    """What gives a packet the mark of the next hop after its own."""
    tables = [turn.table for turn in spray.turns]
    following = sorted(zip(tables, [*tables[1:], tables[0]], strict=True))
    marks = (f"{_mark(table)} : {_mark(other)}" for table, other in following)
    return f"meta mark set meta mark map {{ {', '.join(marks)} }}"


def _unreached(spray: Spray) -> Iterator[Line]:
    """What notes a next hop by which an answer came that a packet to the target has not arrived.

    Of a prefix, one address that nobody has would say that of all, so there it is not looked for.
    """
    if spray.target.num_addresses > 1:
        return
    inner = f"{INNER[spray.version]} {int(spray.target.network_address):#x}"
    for turn in spray.turns:
        noted = f"meta mark set {_mark(turn.table)} update @{AWAY} {{ meta mark }} meta mark set 0x00000000"
        yield _rule(UNREACHED, f'iifname "{turn.hop.interface}" {inner} {noted}')
