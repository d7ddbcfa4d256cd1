"""Errors that the topology alone decides: explicit routes that lose packets, and unsatisfiable expectations.

The lab is checked as up makes it; later events are not considered.
"""

from bisect import bisect_left, bisect_right
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address

from compiler.ground.diagnostics import Diagnostics
from compiler.model.lab import Lab
from compiler.model.links import InterfaceName
from compiler.model.networks import Address, Network
from compiler.model.routes import ExplicitRoute
from compiler.prediction.advice import advise, has_pins
from compiler.prediction.causes import REFUSED, mend
from compiler.prediction.expectations import Expectations
from compiler.prediction.inlets import check as check_inlets
from compiler.prediction.predict import Predictor
from compiler.prediction.turns import check as check_turns
from compiler.prediction.turns import has_turns
from compiler.prediction.unnoticed import check as check_unnoticed
from compiler.prediction.ways import Fate, Way, ways

LOST = (Fate.NO_ROUTE, Fate.NOT_FORWARDED, Fate.FILTERED, *REFUSED)
"""The fates of lost packets; circles are reported by `infer.circles`."""

MOST_SAMPLES = 3
"""The most addresses in a route's target that are tried."""


def verify(lab: Lab, diagnostics: Diagnostics) -> None:
    """Reports what will not work; costs nothing where all is inferred and nothing is expected."""
    stated = lab.explicit_routes or lab.expectations or lab.sprays or lab.port_forwards
    if diagnostics.failed or not (stated or has_pins(lab)):
        return
    predictor = Predictor(lab)
    advise(predictor, diagnostics)
    if lab.daemon:
        return
    _Routes(predictor, diagnostics).check()
    if has_turns(lab):
        check_turns(predictor, diagnostics)
        check_unnoticed(lab, diagnostics)
    check_inlets(predictor, diagnostics)
    Expectations(predictor, diagnostics).check()


FAMILY: dict[int, type[Address]] = {4: IPv4Address, 6: IPv6Address}


class _Routes:
    """Explicit routes to addresses of the lab, each tried from its node."""

    def __init__(self, predictor: Predictor, diagnostics: Diagnostics) -> None:
        self.lookup = predictor.lookup
        self.lab = predictor.lab
        self.diagnostics = diagnostics

    def check(self) -> None:
        for asked in self.lab.explicit_routes:
            if asked.refusal:
                continue
            for address in self._addresses(asked.target)[:MOST_SAMPLES]:
                if lost := self._lost(asked, address):
                    message = f"packets from `{asked.source}` to `{_named(asked.target, address)}` are lost"
                    label = f"{lost.fate} `{lost.at}`"
                    self.diagnostics.warning("MPC730", message, asked.span, label, mend(lost))
                    break

    def _lost(self, asked: ExplicitRoute, address: Address) -> Way | None:
        """A path of a packet that does not arrive; None if all arrive, or none that a route is for is
        sent."""
        within, source = asked.within, None
        if within:
            source = next((own for own in self.lookup.own[asked.source] if own in within), None)
            if source is None:
                return None
        found = ways(self.lookup, asked.source, address, source)
        return next((way for way in found if way.fate in LOST), None)

    def _addresses(self, target: str | InterfaceName | Network) -> list[Address]:
        """The addresses of the lab in a route's target; those of a default route are outside of the lab."""
        match target:
            case "default":
                return []
            case InterfaceName():
                return [own.ip for own in self.lookup.ends[target].addresses]
            case str():
                return [*self.lab.meanings.all(target)]
            case _:
                known = self._known[target.version]
                first = bisect_left(known, int(target.network_address))
                end = bisect_right(known, int(target.broadcast_address))
                return [FAMILY[target.version](one) for one in known[first : min(end, first + MOST_SAMPLES)]]

    @cached_property
    def _known(self) -> dict[int, list[int]]:
        """All addresses of the lab, by family, in order."""
        found: dict[int, list[int]] = {4: [], 6: []}
        for address in (address for own in self.lookup.own.values() for address in own):
            found[address.version].append(int(address))
        return {version: sorted(own) for version, own in found.items()}


def _named(target: str | InterfaceName | Network, address: Address) -> str:
    return f"{target}" if isinstance(target, str | InterfaceName) else f"{address}"
