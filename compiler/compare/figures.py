"""Round trips, rates and bottlenecks of pairs of nodes, as predicted for two labs.

Pairs that a statement names come first, then those that changed most among some near what changed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from math import inf
from typing import NamedTuple

from compiler.compare.changes import Change
from compiler.model.lab import Lab
from compiler.model.nodes import Role
from compiler.model.trials import Protocol, Throughput, Transfer
from compiler.prediction.predict import Prediction, Predictor

MOST_NAMED = 24
"""The most pairs that statements name which are predicted."""

MOST_TRIED, MOST_NEAR = 24, 4
"""The most other pairs that are predicted, and the nodes near a change that are an end of them."""

MOST_OTHERS = 8
"""The most other pairs that are told: those that changed most."""

SMALLEST = 0.01
"""The relative difference from which on a pair that no statement names is told."""

TCP, MPTCP = Transfer(), Transfer(Protocol.MPTCP)

Pair = tuple[str, str]


class Figures(NamedTuple):
    """What one lab predicts for a pair in one family: the working ways; the least and the most round trip in
    microseconds, None without answers; expected bits a second by transfer, infinite without a bound, None
    where nothing is predicted; and the links that bound the last transfer."""

    ways: int
    rtt: tuple[float, float] | None
    rates: dict[str, float | None]
    bottleneck: tuple[str, ...]


class Forecast(NamedTuple):
    """Both labs' figures for a pair in one family. `named` is whether a statement names the pair."""

    source: str
    target: str
    version: int
    named: bool
    old: Figures
    new: Figures


class Forecasts(NamedTuple):
    """The forecasts that differ, and how many pairs that statements name were left out."""

    found: tuple[Forecast, ...]
    left_out: int


def forecasts(
    old: Predictor, new: Predictor, changes: Sequence[Change], renamed: Mapping[str, str]
) -> Forecasts:
    """The forecasts that differ between two labs; `renamed` has the new names of old interfaces."""
    common = _common(old.lab, new.lab)
    ends = common | {str(id) for id in old.lab.interfaces.keys() & new.lab.interfaces.keys()}
    named = [pair for pair in _named(old.lab, new.lab) if ends.issuperset(pair)]
    wanted = _transfers(old.lab, new.lab)
    differing = _Differing(old, new, renamed)
    told = [one for pair in named[:MOST_NAMED] for one in differing(pair, wanted.get(pair, ()), named=True)]
    others = _others(differing, changes, set(named))
    return Forecasts((*told, *others), len(named[MOST_NAMED:]))


def _common(old: Lab, new: Lab) -> set[str]:
    return {node.name for node in old.ip_nodes} & {node.name for node in new.ip_nodes}


def _named(old: Lab, new: Lab) -> list[Pair]:
    """The pairs that statements name in either lab, those of transfers first."""
    transfers: set[Pair] = set()
    for lab in (old, new):
        transfers |= {(str(one.source), str(one.target)) for one in lab.benches}
        transfers |= {min(pair.openings) for pair in lab.pairs}
        transfers |= {(one.left, one.right) for one in lab.sprays}
    expected = {(str(one.source), str(one.target)) for lab in (old, new) for one in lab.expectations}
    return [*sorted(transfers), *sorted(expected - transfers)]


def _transfers(old: Lab, new: Lab) -> dict[Pair, tuple[Transfer, ...]]:
    """The transfers that statements name, by pair."""
    found: dict[Pair, tuple[Transfer, ...]] = {}
    for lab in (old, new):
        for bench in lab.benches:
            pair = str(bench.source), str(bench.target)
            found[pair] = (*found.get(pair, ()), *bench.transfers)
        for one in lab.expectations:
            if isinstance(one.claim, Throughput):
                pair = str(one.source), str(one.target)
                found[pair] = (*found.get(pair, ()), one.claim.transfer)
    return found


class _Differing:
    """The forecasts for a pair that differ between two labs."""

    def __init__(self, old: Predictor, new: Predictor, renamed: Mapping[str, str]) -> None:
        self.old = old
        self.new = new
        self.renamed = renamed

    def __call__(self, pair: Pair, wanted: Iterable[Transfer], *, named: bool) -> Iterator[Forecast]:
        before, after = ({_version(one): one for one in lab.families(*pair)} for lab in (self.old, self.new))
        for version in sorted({*before, *after}):
            left, right = before.get(version), after.get(version)
            with_mptcp = any(one and one.has_mptcp for one in (left, right))
            transfers = sorted({TCP, *([MPTCP] if with_mptcp else []), *wanted}, key=_order)
            old, new = (_figures(one, transfers) for one in (left, right))
            links = tuple(sorted(self.renamed.get(link, link) for link in old.bottleneck))
            old = old._replace(bottleneck=links)
            if old != new:
                yield Forecast(*pair, version, named, old, new)


def _order(transfer: Transfer) -> tuple[bool, str, int, bool]:
    """TCP before MPTCP and UDP, one flow before several, and before those in reverse."""
    return transfer.protocol is not Protocol.TCP, *transfer


def _version(prediction: Prediction) -> int:
    return prediction.address.version if prediction.address else 4


def _figures(prediction: Prediction | None, transfers: Iterable[Transfer]) -> Figures:
    if prediction is None or not prediction.working:
        return Figures(0, None, {str(one): 0.0 for one in transfers}, ())
    estimates = {str(one): prediction.goodput(one) for one in transfers}
    rates = {name: one.expected if one.is_known else None for name, one in estimates.items()}
    bound = estimates[MPTCP.protocol if MPTCP.protocol in estimates else TCP.protocol]
    return Figures(len(prediction.working), prediction.rtt, rates, tuple(sorted(map(str, bound.limits))))


def _others(differing: _Differing, changes: Sequence[Change], named: set[Pair]) -> list[Forecast]:
    """Of some pairs near what changed, those that changed most; of a pair both ways, the first."""
    candidates = _candidates(differing.old.lab, differing.new.lab, changes, named)
    tried = islice(candidates, MOST_TRIED)
    found = [one for pair in tried for one in differing(pair, (), named=False) if _weight(one) >= SMALLEST]
    return sorted(found, key=lambda one: -_weight(one))[:MOST_OTHERS]


def _candidates(old: Lab, new: Lab, changes: Sequence[Change], named: set[Pair]) -> Iterator[Pair]:
    """Pairs of a node near a change and another: hosts, or any nodes where there are fewer than two."""
    common = _common(old, new)
    every = (node for lab in (old, new) for node in lab.ip_nodes)
    hosts = {node.name for node in every if node.role in (Role.HOST, Role.CONTAINER)} & common
    ends = hosts if len(hosts) > 1 else common
    near = [name for name in _by_distance(old, new, changes) if name in ends][:MOST_NEAR]
    far = sorted(ends.difference(near))
    spread = far[:: max(1, len(far) // MOST_NEAR)]
    known = set(named)
    for source in near:
        for target in (*spread, *near):
            if source != target and not known & {(source, target), (target, source)}:
                known.add((source, target))
                yield source, target


def _by_distance(old: Lab, new: Lab, changes: Sequence[Change]) -> list[str]:
    """Nodes in order of their distance from those that changed, over the links of both labs; all nodes where
    a change is of the lab as a whole."""
    linked: dict[str, set[str]] = {node.name: set() for lab in (old, new) for node in lab.nodes}
    for left, right in (link.ends for lab in (old, new) for link in lab.links):
        linked[left.node].add(right.node)
        linked[right.node].add(left.node)
    changed = {name for change in changes for name in change.nodes}
    waiting = sorted(changed & linked.keys() if changed else linked)
    found = set(waiting)
    for name in waiting:
        further = sorted(linked[name] - found)
        found.update(further)
        waiting += further
    return waiting


def _weight(one: Forecast) -> float:
    """The largest relative change of a round trip or a rate."""
    old, new = one.old, one.new
    trips = [found.rtt or (inf, inf) for found in (old, new)]
    numbers = [(trips[0][0], trips[1][0]), (trips[0][1], trips[1][1])]
    numbers += [(old.rates[name] or 0.0, new.rates[name] or 0.0) for name in old.rates]
    return max(_relative(*both) for both in numbers)


def _relative(old: float, new: float) -> float:
    if old == new:
        return 0.0
    return inf if inf in (old, new) or 0.0 in (old, new) else abs(new - old) / min(old, new)
