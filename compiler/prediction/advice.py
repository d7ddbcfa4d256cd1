"""Warnings about pins with an adverse effect: sysctls, and endpoints and limits of MPTCP.

Inferred settings need no such warnings. Pins are evaluated by predicting the subflows of the path manager.
"""

import re

from compiler.ground.diagnostics import Diagnostics
from compiler.infer.paths import disjoint_paths
from compiler.model.lab import Lab
from compiler.model.multipath import MPTCP_MOST, Pair
from compiler.model.nodes import Node
from compiler.prediction.predict import Predictor
from compiler.prediction.subflows import Connection

FORWARDING = ("net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding", "net.ipv6.conf.all.forwarding")
HASHES = ("net.ipv4.fib_multipath_hash_policy", "net.ipv6.fib_multipath_hash_policy")
ALL_STRICT = "net.ipv4.conf.all.rp_filter"
"""The kernel takes the larger of this value and the interface's: 2 is loose, 1 strict (ip-sysctl.rst)."""

STRICT = re.compile(r"net\.ipv4\.conf\.[^ ]+\.rp_filter")


def has_pins(lab: Lab) -> bool:
    """Whether a lab pins anything that is checked here."""
    return any(map(_is_pinned, lab.pairs)) or any(node.sysctls for node in lab.ip_nodes)


def advise(predictor: Predictor, diagnostics: Diagnostics) -> None:
    """Reports pins that do not have their apparent effect."""
    lab = predictor.lab
    paired = {name for pair in lab.pairs for name in (pair.left, pair.right)}
    for node in lab.ip_nodes:
        for (key, value), place in zip(node.sysctls, node.sysctl_places, strict=True):
            if why := _against(node, key, value, predictor, node.name in paired):
                message = f"`{key}` of `{node.name}` works against the lab"
                diagnostics.warning("MPC731", message, place, why, "leave it out, and what is needed is set")
    for pair in lab.pairs:
        if _is_pinned(pair):
            _Pinned(predictor, pair).check(diagnostics)


def _is_pinned(pair: Pair) -> bool:
    return bool(pair.pins) or pair.subflows is not None or pair.accept is not None


def _against(node: Node, key: str, value: str, predictor: Predictor, paired: bool) -> str:
    """The adverse effect of a sysctl; an empty text if it has none."""
    if value == "0" and key in FORWARDING and node.forwards:
        return "it is a router"
    if value == "0" and key in HASHES and any(len(route.nexthops) > 1 for route in node.routes):
        return "its multipath routes send all flows of two addresses one way"
    strict = value == "1" and dict(node.sysctls).get(ALL_STRICT) != "2" and STRICT.fullmatch(key)
    if strict and len(predictor.lookup.interfaces(node.name)) > 1:
        return "what comes in by another interface than answers leave by is dropped"
    if value == "0" and key == "net.mptcp.enabled" and paired:
        return "its end of an MPTCP pair then refuses every MPTCP socket"
    return ""


class _Pinned:
    """A pair with pinned endpoints or limits."""

    def __init__(self, predictor: Predictor, pair: Pair) -> None:
        self.predictor = predictor
        self.pair = pair

    def check(self, diagnostics: Diagnostics) -> None:
        """Reports an end whose connections stay on one path although there are several."""
        pair, paths = self.pair, self._paths()
        for client, server in pair.openings if paths > 1 else ():
            found = self.predictor.between(client, server).connections
            alone = [one for one in found if _begun(one) < 2]
            if alone:
                some = "" if len(alone) == len(found) else "some "
                message = f"{some}connections that `{client}` opens to `{server}` stay on one path of {paths}"
                help = "see `mpc explain MPC732` for what keeps subflows from being made"
                diagnostics.warning("MPC732", message, pair.span, "has no second subflow", help)

    def _paths(self) -> int:
        """The number of link-disjoint paths, in the family that has the most."""
        left, right = self.pair.left, self.pair.right
        return max(
            len(disjoint_paths(graph, left, right, MPTCP_MOST)) for graph in self.predictor.graphs.values()
        )


def _begun(connection: Connection) -> int:
    """The most distinct paths that subflows take at once, backup subflows included."""
    ways = {trip.out.links for subflow in connection.subflows for trip in subflow.trips}
    return min(len(ways), len(connection.subflows))
