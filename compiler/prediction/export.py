"""A prediction as plain data, for `mpc paths --format json`.

Rates are bits a second, times microseconds, losses and shares parts of 1. A way is open to flows between
these addresses with its chance, and has its share of flows on average, or of the packets of all flows: of one
that takes it, it has so many `packets`. A rate is null where nothing bounds
it, and where nothing is predicted, which `bounded` and `predicted` tell apart.
"""

from collections.abc import Sequence
from math import inf

from compiler.model.links import InterfaceName
from compiler.model.trials import Protocol, Transfer
from compiler.prediction.estimate import Estimate
from compiler.prediction.lookup import Crossing
from compiler.prediction.predict import Prediction
from compiler.prediction.subflows import Connection
from compiler.prediction.trips import Trip
from compiler.prediction.ways import Way

Json = dict[str, "Json"] | list["Json"] | str | int | float | None


def predictions_as_json(families: Sequence[Prediction], flows: int) -> Json:
    """The prediction for a number of concurrent TCP flows: for the address that the name resolves to first,
    and in `others` for the other families."""
    first, *others = (_family(prediction, flows) for prediction in families)
    return {**first, "others": [*others]}


def _family(prediction: Prediction, flows: int) -> dict[str, Json]:
    return {
        "from": prediction.named[0],
        "to": prediction.named[1],
        "address": str(prediction.address) if prediction.address else None,
        "ways": [_trip(trip) for trip in prediction.trips],
        "all_ways": prediction.is_whole,
        "rtt": _pair(prediction.rtt),
        "opener": prediction.opener,
        "connections": [_connection(one) for one in prediction.connections],
        "goodput": {
            str(transfer): _estimate(prediction.goodput(transfer))
            for transfer in (*map(Transfer, Protocol), Transfer(Protocol.TCP, flows), *prediction.backward)
        },
        "bound": {"rate": _finite(prediction.bound.rate), "links": _links(prediction.bound.cut)},
    }


def _trip(trip: Trip) -> Json:
    return {
        **_way(trip.out),
        "crossings": [_crossing(crossing) for crossing in trip.out.crossings],
        "share": float(trip.out.share),
        "chance": float(trip.out.chance),
        "packets": float(trip.out.turns),
        "rate": _finite(trip.rate),
        "bottleneck": str(trip.bottleneck) if trip.bottleneck else None,
        "delay": _pair(trip.delay),
        "rtt": _pair(trip.rtt) if trip.works else None,
        "loaded_rtt": round(trip.loaded_rtt) if trip.works and trip.loaded_rtt else None,
        "loss": trip.loss,
        "mtu": trip.mtu,
        "back": [_way(way) for way in trip.back],
    }


def _way(way: Way) -> dict[str, Json]:
    return {
        "source": str(way.source) if way.source else None,
        "target": str(way.target),
        "nodes": list(way.nodes),
        "ends": f"{way.fate} {way.at}",
    }


def _crossing(crossing: Crossing) -> Json:
    shaping = crossing.out.shaping
    return {
        "out": str(crossing.out.id),
        "into": str(crossing.into.id),
        "rate": shaping.rate,
        "delay": shaping.delay or 0,
        "mtu": crossing.mtu,
        "tunnel": str(crossing.tunnel) if crossing.tunnel else None,
    }


def _connection(connection: Connection) -> Json:
    return {
        "share": float(connection.share),
        "subflows": [
            {
                "source": str(subflow.source),
                "target": str(subflow.target),
                "backup": subflow.backup,
                "ways": [list(trip.out.nodes) for trip in subflow.trips],
            }
            for subflow in connection.subflows
        ],
    }


def _estimate(one: Estimate) -> Json:
    known, found = one.is_known, one.outcomes
    low, high = one.likely if known else (inf, inf)
    return {
        "predicted": known,
        "bounded": known and one.most < inf,
        "expected": _finite(one.expected) if known else None,
        "least": _finite(one.least) if known else None,
        "most": _finite(one.most) if known else None,
        "likely": [_finite(low), _finite(high)],
        "outcomes": [{"rate": _finite(rate), "chance": round(chance, 6)} for rate, chance in found],
        "links": _links(one.limits),
    }


def _links(links: tuple[InterfaceName, ...]) -> list[Json]:
    return [str(link) for link in links]


def _pair(pair: tuple[float, float] | None) -> Json:
    return [round(pair[0]), round(pair[1])] if pair else None


def _finite(rate: float) -> Json:
    return None if rate == inf else round(rate)
