"""A difference as plain data, for `mpc diff --format json`.

Rates are bits a second, times microseconds. `old` or `new` is null where a lab has no such thing, and a rate
is null where nothing bounds it or nothing is predicted. Values are texts in the words of the language.
"""

from collections.abc import Iterable
from math import inf

from compiler.compare.changes import Change, Value
from compiler.compare.difference import Broken, Difference
from compiler.compare.figures import Figures, Forecast
from compiler.compare.lines import Lines, Text
from compiler.compare.reached import Reachable, Sets
from compiler.compare.routes import RouteChange
from compiler.ground.diagnostics import Diagnostic, diagnostic_as_json

Json = dict[str, object]


def difference_as_json(found: Difference) -> Json:
    """All of a difference, without bounds except those of predictions, sets and statements."""
    return {
        "old": found.names[0],
        "new": found.names[1],
        "errors": {"old": [], "new": []},
        "differs": not found.is_empty,
        "in_network": found.in_network,
        "changes": [_change(one) for one in found.changes],
        "renamed": [{"old": old, "new": new} for old, new in found.renamed],
        "reachability": [_reachable(one) for one in found.reachable],
        "predictions": [_forecast(one) for one in found.forecasts.found],
        "not_predicted": found.forecasts.left_out,
        "addresses": [_value(one) for one in found.addresses],
        "settings": [_value(one) for one in found.settings],
        "routes": [_route(one) for one in found.routes],
        "warnings": {"gone": _diagnostics(found.warnings[0]), "new": _diagnostics(found.warnings[1])},
        "scripts": {kind: _lines(one) for kind, one in found.scripts.items()},
        "text": _text(found.text),
    }


def broken_as_json(found: Broken) -> Json:
    """What is known of two labs of which at least one does not compile."""
    old, new = map(_diagnostics, found.errors)
    return {
        "old": found.names[0],
        "new": found.names[1],
        "errors": {"old": old, "new": new},
        "text": _text(found.text),
    }


def _change(change: Change) -> Json:
    return {
        "kind": change.kind,
        "old": change.old,
        "new": change.new,
        "nodes": list(change.nodes),
        "values": [{**_value(one), "direction": one.direction or None} for one in change.values],
    }


def _value(value: Value) -> Json:
    return {"of": value.what, "old": value.old or None, "new": value.new or None}


def _reachable(found: Reachable) -> Json:
    return {
        "version": found.version,
        "lost": {"pairs": found.lost_pairs, "sets": [_sets(one) for one in found.lost]},
        "gained": {"pairs": found.gained_pairs, "sets": [_sets(one) for one in found.gained]},
        "known_nodes": found.looked_up[0],
        "common_nodes": found.looked_up[1],
    }


def _sets(found: Sets) -> Json:
    return {"from": list(found.sources), "to": list(found.targets), "mutual": found.mutual}


def _forecast(found: Forecast) -> Json:
    return {
        "from": found.source,
        "to": found.target,
        "version": found.version,
        "named": found.named,
        "old": _figures(found.old),
        "new": _figures(found.new),
    }


def _figures(found: Figures) -> Json:
    return {
        "ways": found.ways,
        "rtt": [round(time) for time in found.rtt] if found.rtt else None,
        "goodput": {name: _rate(rate) for name, rate in found.rates.items()},
        "bottleneck": list(found.bottleneck),
    }


def _rate(rate: float | None) -> Json:
    """As for `mpc paths`: `predicted` and `bounded` tell why a rate is null."""
    if rate is None or rate == inf:
        return {"predicted": rate is not None, "bounded": False, "expected": None}
    return {"predicted": True, "bounded": True, "expected": round(rate)}


def _route(found: RouteChange) -> Json:
    return {
        "node": found.node,
        "rule": found.rule or None,
        "targets": list(found.targets),
        "old": list(found.old),
        "new": list(found.new),
    }


def _diagnostics(found: Iterable[Diagnostic]) -> list[Json]:
    return [diagnostic_as_json(one) for one in found]


def _lines(found: Lines) -> Json:
    return {"gone": found.gone, "new": found.new}


def _text(found: Text) -> Json:
    return {
        "differs_in": str(found.wording),
        "lines": _lines(found.lines),
        "gone": list(found.gone),
        "new": list(found.new),
    }
