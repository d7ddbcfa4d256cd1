"""The forms of a picture, and the endings of files that have them."""

import json
from collections.abc import Callable

from compiler.model.lab import Lab
from compiler.pictures.courses import Pair, courses, places
from compiler.pictures.data import graph
from compiler.pictures.dot import dot
from compiler.pictures.drawing import svg
from compiler.pictures.mermaid import mermaid
from compiler.pictures.page import page
from compiler.pictures.picture import Picture, picture
from compiler.prediction.export import predictions_as_json
from compiler.prediction.predict import Predictor

FLOWS = 8
"""TCP flows at once to predict for, as in `mpc paths`."""


def _json(lab: Lab, pair: Pair | None) -> str:
    data = graph(lab)
    if pair:
        data["paths"] = predictions_as_json(Predictor(lab).families(*pair), FLOWS)
    return json.dumps(data, indent=2, allow_nan=False) + "\n"


FORMS: dict[str, Callable[[Lab, Pair | None], str]] = {
    "dot": lambda lab, pair: dot(_coloured(lab, pair)),
    "mermaid": lambda lab, pair: mermaid(_coloured(lab, pair)),
    "svg": lambda lab, pair: svg(_coloured(lab, pair)),
    "html": lambda lab, pair: page(lab, _between(lab, pair), pair),
    "json": _json,
}
"""Each makes a form of a lab, with the ways between two nodes if there are two."""

ENDINGS = {"dot": "dot", "gv": "dot", "mmd": "mermaid", "mermaid": "mermaid", "svg": "svg"}
ENDINGS |= {"html": "html", "htm": "html", "json": "json"}
"""The form of a file, by its ending."""


def _coloured(lab: Lab, pair: Pair | None) -> Picture:
    drawn = _between(lab, pair)
    if not pair:
        return drawn
    return drawn._replace(courses=courses(Predictor(lab).families(*pair), places(lab)))


def _between(lab: Lab, pair: Pair | None) -> Picture:
    """The picture with two nodes at its sides."""
    drawn = picture(lab)
    place = {node.name: number for number, node in enumerate(drawn.nodes)}
    return drawn._replace(ends=(place[pair[0]], place[pair[1]])) if pair else drawn
