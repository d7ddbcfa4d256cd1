"""A lab as a page of HTML that needs no other file: the picture, facts on hover, and ways at two clicks.

The page predicts nothing: it has the predictions of the pairs that the lab names, and of others up to a
bound.
"""

import json
import re
from collections.abc import Iterator
from html import escape
from itertools import permutations

from compiler import resources
from compiler.model.lab import Lab
from compiler.model.nodes import Role
from compiler.pictures.courses import COLOURS, Pair, courses, places
from compiler.pictures.drawing import svg
from compiler.pictures.picture import Course, Picture, pairs
from compiler.prediction.export import Json
from compiler.prediction.predict import Prediction, Predictor
from compiler.prediction.show import table

MOST_TRIPS, MOST_RATED = 2_000, 500
"""After how many trips no further pair is predicted, and no further pair's transfers."""

FLOWS = 8
"""Of TCP at once, as in `mpc paths`."""

_PLACE = re.compile(r"\{\{(title|svg|data)\}\}")


def page(lab: Lab, picture: Picture, chosen: Pair | None) -> str:
    """The page; `chosen` are two nodes whose ways are shown first."""
    drawn = svg(picture._replace(courses=()))
    data = json.dumps(_data(lab, picture, chosen)).replace("<", "\\u003c")
    parts = {"title": escape(picture.name), "svg": drawn[drawn.index("<svg") :], "data": data}
    return _PLACE.sub(lambda place: parts[place[1]], resources.read("compiler/pictures/parts/page.html"))


def _data(lab: Lab, picture: Picture, chosen: Pair | None) -> Json:
    place = {node.name: number for number, node in enumerate(picture.nodes)}
    return {
        "colours": list(COLOURS),
        "nodes": [
            {"name": node.name, "role": node.role.value, "facts": list(node.facts)} for node in picture.nodes
        ],
        "lines": [{"ends": list(line.ends), "facts": list(line.facts)} for line in picture.lines],
        "predictions": {
            f"{place[source]} {place[target]}": found for (source, target), found in _predictions(lab, chosen)
        },
        "chosen": [place[name] for name in chosen] if chosen else None,
    }


def _predictions(lab: Lab, chosen: Pair | None) -> Iterator[tuple[Pair, Json]]:
    predictor, lines, trips = Predictor(lab), places(lab), 0
    for pair in dict.fromkeys([*([chosen] if chosen else []), *_pairs(lab)]):
        if trips > MOST_TRIPS:
            return
        families = predictor.families(*pair)
        found = courses(families, lines)
        trips += 1 + sum(len(prediction.trips) + len(prediction.detours) for prediction in families)
        rates = _rates(families) if trips <= MOST_RATED or pair == chosen else []
        yield pair, {"courses": [_course(course) for course in found], "rates": rates}


def _pairs(lab: Lab) -> Iterator[Pair]:
    """Those that the lab names, in both directions, then those of hosts, then those with routers. The VRFs of
    a router are no nodes of a picture."""
    drawn = {node.name: node for node in lab.ip_nodes if not node.vrf}
    expected = ((one.source.node, one.target.node) for one in lab.expectations)
    for source, target in (*pairs(lab), *expected):
        if source != target and {source, target} <= drawn.keys():
            yield from ((source, target), (target, source))
    yield from permutations(
        [node.name for node in drawn.values() if node.role in (Role.HOST, Role.CONTAINER)], 2
    )
    yield from permutations(drawn, 2)


def _course(course: Course) -> Json:
    return {"said": course.said, "over": list(course.over), "bottleneck": course.bottleneck}


def _rates(families: list[Prediction]) -> list[Json]:
    return [line for prediction in families if prediction.working for line in table(prediction, FLOWS)]
