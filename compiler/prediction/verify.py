"""What the topology alone decides: explicit routes that lose packets, and expectations that cannot come true.

It looks at the lab as up makes it; what events change later does not count.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address

from compiler.frontend.diagnostics import Diagnostics, listed
from compiler.ir.lab import Address, InterfaceName, Lab, Network
from compiler.ir.trials import Expectation, Reachability, RoundTrip, Throughput
from compiler.prediction import quantities
from compiler.prediction.advice import advise, has_pins
from compiler.prediction.predict import Predictor
from compiler.prediction.trips import Trip
from compiler.prediction.ways import Fate, Way, ways

PROCESSING = 10_000
"""Microseconds that the nodes of an idle lab add to a round trip, at most."""

LOST = (Fate.NO_ROUTE, Fate.NOT_FORWARDED, Fate.FILTERED)
"""How ways end that lose packets; circles are reported where routes are made."""

MOST_SAMPLES = 3
"""Addresses that are tried of what a route leads to."""


def verify(lab: Lab, diagnostics: Diagnostics) -> None:
    """Reports what will not work; costs nothing where all is inferred and nothing is expected."""
    if diagnostics.failed or not (lab.explicit_routes or lab.expectations or has_pins(lab)):
        return
    predictor = Predictor(lab)
    advise(predictor, diagnostics)
    _Routes(predictor, diagnostics).check()
    expectations = _Expectations(predictor, diagnostics)
    for expectation in lab.expectations:
        expectations.check(expectation)


FAMILY: dict[int, type[Address]] = {4: IPv4Address, 6: IPv6Address}


class _Routes:
    """Explicit routes to addresses of the lab, each tried from its node."""

    def __init__(self, predictor: Predictor, diagnostics: Diagnostics) -> None:
        self.lookup = predictor.lookup
        self.lab = predictor.lab
        self.diagnostics = diagnostics

    def check(self) -> None:
        for asked in self.lab.explicit_routes:
            for address in self._addresses(asked.target)[:MOST_SAMPLES]:
                if lost := self._lost(asked.source, address):
                    message = f"packets from `{asked.source}` to `{_named(asked.target, address)}` are lost"
                    label = f"{lost.fate} `{lost.at}`"
                    self.diagnostics.warning("MPC730", message, asked.span, label, mend(lost))
                    break

    def _lost(self, source: str, address: Address) -> Way | None:
        """A way that does not arrive."""
        found = ways(self.lookup, source, address)
        return next((way for way in found if way.fate in LOST), None)

    def _addresses(self, target: str | InterfaceName | Network) -> list[Address]:
        """The addresses of the lab that a route is for; what only a default route leads to is outside."""
        match target:
            case "default":
                return []
            case InterfaceName():
                return [own.ip for own in self.lookup.ends[target].addresses]
            case str():
                return [own.address.ip for own in self.lookup.nodes[target].addresses]
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


def mend(lost: Way) -> str:
    if lost.fate is Fate.FILTERED:
        return f"set `rp_filter` of `{lost.at}` to 0, or to 2"
    if lost.fate is Fate.NOT_FORWARDED:
        return f"declare `{lost.at}` a router, or with `forward on`"
    return f"write a `route` for `{lost.at}` as well"


class _Expectations:
    def __init__(self, predictor: Predictor, diagnostics: Diagnostics) -> None:
        self.predictor = predictor
        self.diagnostics = diagnostics
        self.help = "the lab is as up makes it: events do not count" if predictor.lab.events else ""

    def check(self, expectation: Expectation) -> None:
        match expectation.claim:
            case Reachability(reachable):
                self._reachability(expectation, reachable)
            case RoundTrip() as times:
                self._round_trip(expectation, times)
            case Throughput() as rate:
                self._throughput(expectation, rate)

    def _refute(self, code: str, expectation: Expectation, message: str, label: str) -> None:
        self.diagnostics.error(code, message, expectation.span, label, self.help)

    def _trips(self, expectation: Expectation) -> Iterator[tuple[Trip, ...]]:
        """The ways to each of the target's own addresses."""
        for own in self.predictor.lookup.nodes[expectation.target].addresses:
            yield self.predictor.between(expectation.source, expectation.target, own.address.ip).trips

    def _reachability(self, expectation: Expectation, reachable: bool) -> None:
        source, target = expectation.source, expectation.target
        for found in self._trips(expectation):
            broken = next((trip for trip in found if not trip.works), None)
            if reachable and broken:
                message = f"`{source}` does not reach `{target}`"
                self._refute("MPC811", expectation, message, why(broken))
            elif not reachable and found and not broken:
                message = f"`{source}` reaches `{target}`"
                label = f"over {listed(f'`{name}`' for name in found[0].out.nodes)}"
                self._refute("MPC811", expectation, message, label)
            else:
                continue
            return

    def _round_trip(self, expectation: Expectation, times: RoundTrip) -> None:
        trips = [trip for found in self._trips(expectation) for trip in found]
        if broken := next((trip for trip in trips if not trip.works), None):
            message = f"`{expectation.source}` does not reach `{expectation.target}`"
            self._refute("MPC811", expectation, message, why(broken))
            return
        for trip in trips:
            least, most = trip.rtt
            if times.most < least or times.least > most + PROCESSING:
                message = f"a round trip from `{expectation.source}` to `{expectation.target}` takes"
                label = f"over {listed(f'`{name}`' for name in trip.out.nodes)}"
                self._refute("MPC812", expectation, f"{message} {quantities.times(trip.rtt)}", label)
                return

    def _throughput(self, expectation: Expectation, claim: Throughput) -> None:
        prediction = self.predictor.between(expectation.source, expectation.target)
        if not prediction.working:
            message = f"`{expectation.source}` does not reach `{expectation.target}`"
            self._refute("MPC811", expectation, message, why(next(iter(prediction.trips), None)))
            return
        found = prediction.most(claim.transfer)
        if claim.least > found.most:
            links = listed(f"`{link}`" for link in found.limits)
            message = (
                f"from `{expectation.source}` to `{expectation.target}`, {claim.transfer} carries at most"
                f" {quantities.rate(found.most)} of data"
            )
            self._refute("MPC813", expectation, message, f"limited by {links}")


def why(broken: Trip | None) -> str:
    """Where packets, or the answers to them, end."""
    if broken is None:
        return "no address of that family"
    if not broken.out.delivered:
        return f"{broken.out.fate} `{broken.out.at}`"
    back = next(iter(broken.back), None)
    return f"the answers: {back.fate} `{back.at}`" if back else "the answers have no way"
