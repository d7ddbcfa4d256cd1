"""The commands of nft(8) for per-packet load balancing, in the form in which nft lists its rules.

Each target has a chain that marks packets in weighted round robin; each mark selects the table of one next
hop. A router that cannot forward a packet answers with an ICMP error. The next hop on which the error arrives
is then avoided: its mark is put into a set whose elements expire, and packets with a mark in the set get the
next mark. Where the target is a prefix, it is avoided for the address that the error is about alone.
"""

from collections.abc import Collection, Iterable, Iterator

from compiler.infer.weights import interleaved
from compiler.model.networks import Network
from compiler.model.routes import Spray
from compiler.plan.facts import Arrivals

Line = tuple[str, ...]
"""The words of a command."""

NFT = ("inet", "mpc")
"""The family and the name of the table of nftables."""

SENT, PASSED, UNREACHED, AWAY = "sent", "passed", "unreached", "away"

CHAINS = {
    SENT: "type route hook output priority mangle;",
    PASSED: "type filter hook prerouting priority dstnat + 10;",
}
"""The hooks: of packets that the node itself sends, which are routed again; and of packets that it forwards,
after NAT has restored their destination addresses."""

SET = "type mark; size 64; flags dynamic,timeout; timeout 5s;"
"""The set of avoided marks. After 5 s a next hop is tried again, which loses packets if it still fails."""

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
"""Matches ICMP errors of routers without a route; where a packet is routed in a loop, its TTL expires."""

INNER = {4: "@th,192,32", 6: "@th,256,128"}
"""The destination address of the packet that an ICMP error quotes, as an offset and a length in bits."""

DESTINATION = {4: "@nh,128,32", 6: "@nh,192,128"}
"""The destination address of a packet, in the same form: nft(8) takes both as keys of one set."""

SET_OF_PREFIXES = "typeof meta mark . {}; size 4096; flags dynamic,timeout; timeout 5s;"
"""The set of avoided marks with the addresses that they are avoided for."""

MOST_OTHERS = 3
"""The most next hops in succession that a packet tries."""


def frame(sprays: Collection[Spray], arrivals: Arrivals = ()) -> Iterator[Line]:
    """The sets, chains and rules that all targets of a node share."""
    yield ("add", "set", *NFT, AWAY, f"{{ {SET} }}")
    prefixes = [spray for spray in sprays if is_prefix(spray)]
    for version in _versions(prefixes):
        yield (
            "add",
            "set",
            *NFT,
            f"{AWAY}{version}",
            f"{{ {SET_OF_PREFIXES.format(DESTINATION[version])} }}",
        )
    for name, form in CHAINS.items():
        yield ("add", "chain", *NFT, name, f"{{ {form} }}")
    yield ("add", "chain", *NFT, UNREACHED)
    for version in _versions(sprays):
        yield from (_rule(PASSED, f"{answer} goto {UNREACHED}") for answer in ANSWERS[version])
    noted = ((spray.version, turn) for spray in prefixes for turn in spray.turns)
    for version, interface, table in dict.fromkeys((v, turn.hop.interface, turn.table) for v, turn in noted):
        for name in _entrances(interface, arrivals):
            match = f'meta nfproto ipv{version} iifname "{name}"'
            yield _noted(match, table, f"{AWAY}{version} {{ meta mark . {INNER[version]} }}")


def forgotten(sprays: Collection[Spray]) -> Iterator[Line]:
    """What has a node try all next hops again at once."""
    names = [AWAY, *(f"{AWAY}{version}" for version in _versions(filter(is_prefix, sprays)))]
    yield from (("flush", "set", *NFT, name) for name in names)


def _versions(sprays: Iterable[Spray]) -> list[int]:
    return sorted({spray.version for spray in sprays})


def _entrances(interface: str, arrivals: Arrivals) -> tuple[str, ...]:
    """The interfaces by which packets come in that were sent to one."""
    return dict(arrivals).get(interface, (interface,))


def is_prefix(spray: Spray) -> bool:
    """Whether a target has several addresses."""
    return spray.target.num_addresses > 1


def lines(spray: Spray, arrivals: Arrivals = ()) -> Iterator[Line]:
    """The chain and the rules of one spray."""
    name = chain(spray)
    yield ("add", "chain", *NFT, name)
    turns, others = _turns(spray), f"meta mark @{AWAY}"
    if is_prefix(spray):
        others = f"meta mark . {DESTINATION[spray.version]} @{AWAY}{spray.version}"
    yield _rule(name, turns)
    yield from (_rule(name, f"{others} {turns}"),) if len(spray.turns) > 2 else ()
    for _ in range(min(len(spray.turns) - 1, MOST_OTHERS)):
        yield _rule(name, f"{others} {_next(spray)}")
    target = _target(spray.target)
    yield from (_rule(SENT, f"{target} goto {name}"),) if spray.own else ()
    entrances = (
        [f'iifname "{one}" ' for one in _entrances(spray.incoming, arrivals)] if spray.incoming else [""]
    )
    yield from (_rule(PASSED, f"{one}{target} goto {name}") for one in entrances if spray.passed)
    yield from _unreached(spray, arrivals)


def chain(spray: Spray) -> str:
    """The name of the chain of a spray."""
    length = "" if spray.target.num_addresses == 1 else f"-{spray.target.prefixlen}"
    incoming = "" if spray.incoming is None else f"-{spray.incoming}"
    return f"to-{str(spray.target.network_address).replace(':', '_')}{length}{incoming}"


def _rule(name: str, text: str) -> Line:
    return ("add", "rule", *NFT, name, *text.split(" "))


def _target(target: Network) -> str:
    """The expression that matches packets to a target."""
    if not target.prefixlen:
        return f"meta nfproto ipv{target.version}"
    address = target.network_address if target.num_addresses == 1 else target
    return f"{'ip' if target.version == 4 else 'ip6'} daddr {address}"


def _mark(table: int) -> str:
    return f"{table:#010x}"


def _turns(spray: Spray) -> str:
    """The statement that marks packets in weighted round robin."""
    places = interleaved([turn.hop.weight for turn in spray.turns])
    marks = (f"{number} : {_mark(spray.turns[place].table)}" for number, place in enumerate(places))
    return f"meta mark set numgen inc mod {len(places)} map {{ {', '.join(marks)} }}"


def _next(spray: Spray) -> str:
    """The statement that replaces a packet's mark by that of the following next hop."""
    tables = [turn.table for turn in spray.turns]
    following = sorted(zip(tables, [*tables[1:], tables[0]], strict=True))
    marks = (f"{_mark(table)} : {_mark(other)}" for table, other in following)
    return f"meta mark set meta mark map {{ {', '.join(marks)} }}"


def _unreached(spray: Spray, arrivals: Arrivals) -> Iterator[Line]:
    """Rules that avoid a next hop on which an ICMP error about a packet to the target arrives."""
    if is_prefix(spray):
        return
    inner = f"{INNER[spray.version]} {int(spray.target.network_address):#x}"
    for turn in spray.turns:
        for name in _entrances(turn.hop.interface, arrivals):
            yield _noted(f'iifname "{name}" {inner}', turn.table, f"{AWAY} {{ meta mark }}")


def _noted(match: str, table: int, element: str) -> Line:
    """The rule that adds a mark to a set: the mark of an ICMP error is set for that, and removed again."""
    return _rule(
        UNREACHED, f"{match} meta mark set {_mark(table)} update @{element} meta mark set 0x00000000"
    )
