"""Checks the expectations of a lab against predictions from its links and routes."""

from collections.abc import Iterator

from compiler.ground.diagnostics import Diagnostics, listed
from compiler.model.networks import Address
from compiler.model.trials import Expectation, Reachability, RoundTrip, Throughput
from compiler.prediction import quantities
from compiler.prediction.causes import cause
from compiler.prediction.predict import Prediction, Predictor
from compiler.prediction.rounds import Rounds
from compiler.prediction.tcp import MOST_LOST
from compiler.prediction.trips import Trip

PROCESSING = 10_000
"""The microseconds that the nodes of an idle lab may add to a round trip."""

MOST_FOLLOWED, MOST_RATES = 2_000, 300
"""The most pairs whose paths are computed, and the most rates that are compared with predictions: some
seconds of work each."""

MANY = 4
"""The expectations on pings per node above which it is faster to compute the paths of all nodes at once."""

SURE = 0.95
"""The probability of an expected rate below which a warning says that it depends on hashes."""


class Expectations:
    """Checks the expectations of one lab; of many, the paths of all nodes are computed at once."""

    def __init__(self, predictor: Predictor, diagnostics: Diagnostics) -> None:
        self.predictor = predictor
        self.diagnostics = diagnostics
        self.rounds = Rounds(predictor.lab, predictor.lookup)
        self.help = "the lab is as up makes it: events do not count" if predictor.lab.events else ""
        on_pings = sum(not isinstance(one.claim, Throughput) for one in predictor.lab.expectations)
        self.many = on_pings > MANY * len(predictor.lab.ip_nodes)
        self.followed = self.rated = 0
        self.left_out: list[Expectation] = []

    def check(self) -> None:
        for expectation in self.predictor.lab.expectations:
            match expectation.claim:
                case Reachability(reachable):
                    self._reachability(expectation, reachable)
                case RoundTrip() as times:
                    self._round_trip(expectation, times)
                case Throughput() as rate:
                    self._throughput(expectation, rate)
        if self.left_out:
            message = f"{len(self.left_out)} expectations were not held against the lab"
            help = "`check` tries all of them"
            self.diagnostics.note("MPC815", message, self.left_out[0].span, "the first of them", help)

    def _tell_unknown(self, expectation: Expectation) -> None:
        """Notes that an expectation is not held against the lab, for an end of a link without an address."""
        message = f"what `{expectation.source}` sends to `{expectation.target}` is not predicted"
        label = "it meets a link with an end that has no address"
        help = "what the nodes at it do with packets is not in the lab; `check` tries it"
        self.diagnostics.note("MPC745", message, expectation.span, label, help)

    def _refute(self, code: str, expectation: Expectation, message: str, label: str, help: str = "") -> None:
        self.diagnostics.error(code, message, expectation.span, label, self.help or help)

    def _does_not_reach(self, expectation: Expectation, broken: Trip | None) -> None:
        """Reports that nothing arrives, or comes back, with the mend: who has to forward, or what is lost."""
        source, target = expectation.source.node, expectation.target.node
        label, help = cause(self.predictor.graphs.values(), source, target, broken)
        message = f"`{expectation.source}` does not reach `{expectation.target}`"
        self._refute("MPC811", expectation, message, label, help)

    def _addresses(self, expectation: Expectation) -> Iterator[Address]:
        yield from self.predictor.lab.meanings.between(expectation.source, expectation.target)

    def _trips(self, expectation: Expectation) -> Iterator[tuple[Trip, ...]]:
        """The trips to each address that stands for the target; none beyond MOST_FOLLOWED pairs."""
        self.followed += 1
        if self.followed > MOST_FOLLOWED:
            self.left_out.append(expectation)
            return
        for address in self._addresses(expectation):
            yield self.predictor.between(expectation.source, expectation.target, address).trips

    def _reachability(self, expectation: Expectation, reachable: bool) -> None:
        if self._is_known_to_hold(expectation, reachable):
            return
        source, target = expectation.source, expectation.target
        for found in self._trips(expectation):
            if not all(trip.is_known for trip in found):
                self._tell_unknown(expectation)
                return
            broken = next((trip for trip in found if not trip.works), None)
            surely = found and not broken and all(trip.lost_trips <= MOST_LOST for trip in found)
            if reachable and broken:
                self._does_not_reach(expectation, broken)
            elif surely and not reachable:
                message = f"`{source}` reaches `{target}`"
                label = f"over {listed(f'`{name}`' for name in found[0].out.nodes)}"
                self._refute("MPC811", expectation, message, label)
            else:
                continue
            return

    def _is_known_to_hold(self, expectation: Expectation, reachable: bool) -> bool:
        source, target = expectation.source.node, expectation.target.node
        if not self.many or expectation.source.interface or expectation.target.address:
            return False
        if reachable:
            found = (self.rounds.delays(source, target, own) for own in self._addresses(expectation))
            return all(delays is not None for delays in found)
        return all(self.rounds.none_arrives(source, own) for own in self._addresses(expectation))

    def _round_trip(self, expectation: Expectation, times: RoundTrip) -> None:
        if self._is_known_to_take(expectation, times):
            return
        trips = [trip for found in self._trips(expectation) for trip in found]
        if not all(trip.is_known for trip in trips):
            self._tell_unknown(expectation)
            return
        if broken := next((trip for trip in trips if not trip.works), None):
            self._does_not_reach(expectation, broken)
            return
        for trip in trips:
            least, most = trip.rtt
            if times.most < least or times.least > most + PROCESSING:
                message = f"a round trip from `{expectation.source}` to `{expectation.target}` takes"
                label = f"over {listed(f'`{name}`' for name in trip.out.nodes)}"
                self._refute("MPC812", expectation, f"{message} {quantities.times(trip.rtt)}", label)
                return

    def _is_known_to_take(self, expectation: Expectation, times: RoundTrip) -> bool:
        source, target = expectation.source, expectation.target
        if not self.many or source.interface or target.address:
            return False
        for address in self._addresses(expectation):
            found = self.rounds.delays(source.node, target.node, address)
            if found is None or found.longest_least > times.most:
                return False
            if times.least > found.shortest_most + PROCESSING:
                return False
        return True

    def _throughput(self, expectation: Expectation, claim: Throughput) -> None:
        self.rated += 1
        if self.rated > MOST_RATES:
            self.left_out.append(expectation)
            return
        prediction = self.predictor.between(expectation.source, expectation.target)
        if not all(trip.is_known for trip in prediction.trips):
            self._tell_unknown(expectation)
            return
        if not prediction.working:
            self._does_not_reach(expectation, next(iter(prediction.trips), None))
            return
        most = prediction.most(claim.transfer)
        if claim.least > most.rate:
            links = listed(f"`{link}`" for link in most.cut)
            message = (
                f"from `{expectation.source}` to `{expectation.target}`, {claim.transfer} carries at most"
                f" {quantities.rate(most.rate)} of data"
            )
            self._refute("MPC813", expectation, message, f"limited by {links}")
            return
        self._chance(expectation, claim, prediction)

    def _chance(self, expectation: Expectation, claim: Throughput, prediction: Prediction) -> None:
        """Warns if the hashes of multipath routes decide whether a rate is reached."""
        if not prediction.is_whole:
            return
        found = prediction.placed(claim.transfer)
        if len(found.distinct) < 2 or found.chance(claim.least) >= SURE:
            return
        message = (
            f"whether {claim.transfer} carries {quantities.rate(claim.least)} from `{expectation.source}` to"
            f" `{expectation.target}` depends on hashes"
        )
        label = f"a chance of {quantities.chance(found.chance(claim.least))} at most"
        help = f"what links allow is {', '.join(quantities.estimate(found))}"
        self.diagnostics.warning("MPC814", message, expectation.span, label, help)
