"""What takes the facts of a lab away from a namespace that stays when the lab goes."""

from collections.abc import Iterator
from typing import assert_never

from compiler.plan.commands import AFTER_VRFS, LOCAL, family, local, route, selected
from compiler.plan.facts import (
    Attached,
    Bond,
    BondLeg,
    Bridge,
    BridgePort,
    Container,
    Device,
    Dummy,
    Fact,
    Hairpin,
    LocalRule,
    Mac,
    Mark,
    Marking,
    Masquerade,
    MptcpEndpoint,
    MptcpLimits,
    Namespace,
    Nat,
    NatIn,
    Nft,
    OwnAddress,
    PolicyRule,
    PortForward,
    PortVlan,
    Qdisc,
    Routes,
    Single,
    Sysctl,
    Teql,
    Tunnel,
    Turns,
    Up,
    Uplink,
    Veth,
    VlanDevice,
    Vrf,
    VrfPort,
    Vxlan,
)
from compiler.plan.plan import Plan
from compiler.plan.turns import NFT


def undo(plan: Plan, namespace: str) -> list[str]:
    """The rows by which a namespace is as before: commands of ip(8) and nft(8), and what only it can tell.

    With an interface go its addresses, queueing disciplines and routes. `endpoint ADDRESS` stands for one
    whose number the kernel has chosen, and `limits` for those that were there. Sysctls are not in the rows,
    as those that are set set others.
    """
    rows = [row for fact in plan.facts for here, row in _undone(fact) if here == namespace]
    return sorted(dict.fromkeys(rows), key=lambda row: not row.startswith("ip link "))


def _undone(fact: Fact) -> Iterator[tuple[str, str]]:
    """Namespaces, and the rows that take a fact away from them."""
    match fact:
        case Veth(ends):
            yield from ((end.namespace, f"ip link del dev {end.name}") for end in ends)
        case (
            Tunnel(here, name)
            | Vxlan(here, name)
            | Bond(here, name)
            | Dummy(here, name)
            | Bridge(here, name)
            | Vrf(here, name)
            | Device(here, name)
        ):
            yield here, f"ip link del dev {name}"
        case OwnAddress(here, device="lo"):
            yield here, f"ip address del {fact.address} dev lo"
        case PolicyRule(here) | LocalRule(here):
            yield from ((here, row) for row in _without_rule(fact))
        case MptcpEndpoint(here, endpoint):
            yield here, f"endpoint {endpoint.address}"
        case MptcpLimits(here):
            yield here, "limits"
        case Routes(here, targets) if fact.refusal:
            lines = (line for target in targets for line in route(fact, "del", target))
            yield from ((here, " ".join(("ip", *line))) for line in lines)
        case Nft(here):
            yield here, f"nft delete table {' '.join(NFT)}"
        case (
            Namespace() | Attached() | Mark() | Container()  # what is attached was there, and stays
            | BondLeg() | Qdisc() | Up() | Mac() | Single() | BridgePort()  # goes with its interface
            | VlanDevice() | PortVlan() | VrfPort()  # likewise
            | Routes() | OwnAddress()  # likewise
            | Nat() | Masquerade() | NatIn() | PortForward() | Hairpin()  # is in the table of nftables
            | Marking() | Turns()  # likewise
            | Teql()  # is given back before
            | Uplink()  # goes with its other end, before
            | Sysctl()  # is set back from what was noted
        ):  # fmt: skip
            pass
        case _:
            assert_never(fact)


def _without_rule(fact: PolicyRule | LocalRule) -> Iterator[str]:
    """The rows that delete a rule, or put that for own addresses back to where it was."""
    if isinstance(fact, PolicyRule):
        yield " ".join(("ip", *family(fact.rule), "rule", "del", *selected(fact.rule)))
        return
    for verb, priority in (("add", LOCAL), ("del", AFTER_VRFS)):
        yield " ".join(("ip", *family(fact), "rule", verb, *local(priority)))


def interfaces(plan: Plan, namespace: str) -> list[str]:
    """The interfaces that a lab makes in a namespace."""
    made = (
        row.removeprefix("ip link del dev ") for row in undo(plan, namespace) if row.startswith("ip link ")
    )
    return list(made)
