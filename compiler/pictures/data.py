"""A lab as nodes and links in JSON, in the form of networkx's node_link_graph and of D3.

Rates are bits a second, times microseconds, probabilities parts of 1.
"""

from typing import TYPE_CHECKING

from compiler.ground.units import format_queue
from compiler.model.lab import Lab
from compiler.model.links import Link, Port, Shaping
from compiler.model.nodes import Node
from compiler.model.vrfs import whole
from compiler.pictures import wording

if TYPE_CHECKING:
    from compiler.prediction.export import Json

PARTS = ("loss", "duplicate", "corrupt", "reorder")
CERTAIN = 100 * 10**6
"""The probability 1, in the lab's millionths of a percent."""


def graph(lab: Lab) -> "dict[str, Json]":
    lab = whole(lab)
    return {
        "directed": False,
        "multigraph": True,
        "graph": {"name": lab.name},
        "nodes": [_node(node) for node in lab.nodes],
        "links": [_link(lab, place, link) for place, link in enumerate(lab.links)],
    }


def _node(node: Node) -> "Json":
    return {
        "id": node.name,
        "role": node.role.value,
        "namespace": node.namespace,
        "does": list(wording.marks(node)),
        "addresses": [str(own.address) for own in node.all_addresses],
    }


def _link(lab: Lab, place: int, link: Link) -> "Json":
    """`key` tells links between the same two nodes apart; `ends` are those of `source` and `target`."""
    tunnel = link.tunnel
    return {
        "source": link.left.node,
        "target": link.right.node,
        "key": place,
        "kind": link.kind.value,
        "mtu": link.packet,
        "spare": link.spare,
        "over": [f"{near} -- {far}" for near, far in tunnel.links] if tunnel else [],
        "ends": [_end(lab, end) for end in link.ends],
    }


def _end(lab: Lab, end: Port) -> "Json":
    interface = lab.interfaces.get(end.id)
    return {
        "interface": end.name,
        "addresses": [str(own) for own in interface.addresses] if interface else [],
        **_shaping(end.shaping),
    }


def _shaping(shaping: Shaping) -> "dict[str, Json]":
    return {
        "rate": shaping.rate,
        "delay": shaping.delay or 0,
        "jitter": shaping.jitter or 0,
        **({"queue": format_queue(queue)} if (queue := shaping.queue) and queue.discipline else {}),
        **{part: (getattr(shaping, part) or 0) / CERTAIN for part in PARTS},
    }
