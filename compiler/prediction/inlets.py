"""Checks forwarded ports: that packets arrive at their targets, and that answers come back over the node."""

from collections.abc import Iterator

from compiler.ground.diagnostics import Diagnostics
from compiler.model.nodes import Inlet, PortForward
from compiler.prediction.predict import Predictor
from compiler.prediction.ways import Way, ways

MOST_CLIENTS = 100
"""The most nodes whose answers are followed, for each port."""


def check(predictor: Predictor, diagnostics: Diagnostics) -> None:
    """Warns of ports that are forwarded to who does not answer, or answers by another way."""
    for asked in predictor.lab.port_forwards:
        found = (inlet for inlet in predictor.lookup.nodes[asked.node].inlets if _is_of(inlet, asked))
        for message, label, help in (told for inlet in found for told in _problems(predictor, asked, inlet)):
            diagnostics.warning("MPC749", message, asked.span, label, help)
            break


def _is_of(inlet: Inlet, asked: PortForward) -> bool:
    return (inlet.protocol, inlet.port) == (asked.protocol, asked.port)


def _problems(predictor: Predictor, asked: PortForward, inlet: Inlet) -> Iterator[tuple[str, str, str]]:
    lookup = predictor.lookup
    for way in ways(lookup, asked.node, inlet.address):
        if not way.delivered or way.at != asked.target:
            message = f"what `{asked.node}` forwards to `{asked.target}` is lost"
            yield message, f"{way.fate} `{way.at}`", f"write a `route` for `{way.at}`"
    masked = [
        one for one in lookup.nodes[asked.node].masquerade if one.version in (None, inlet.address.version)
    ]
    if {one.interface for one in masked} >= set(inlet.interfaces):
        return
    clients = [name for name in lookup.nodes if name not in (asked.node, asked.target)]
    for client in clients[:MOST_CLIENTS]:
        if stray := _stray(predictor, asked, inlet, client):
            message = f"connections from `{client}` to this port get no answers"
            label = f"packets from `{asked.target}` to `{client}` do not pass `{asked.node}`"
            if not stray.delivered:
                label = f"the answers: {stray.fate} `{stray.at}`"
            interfaces = " and ".join(f"`{name}`" for name in inlet.interfaces)
            help = f"`masquerade` what leaves `{asked.node}` by {interfaces}, or `route` the answers over it"
            yield message, label, help


def _stray(predictor: Predictor, asked: PortForward, inlet: Inlet, client: str) -> Way | None:
    """A way of answers that does not lead over the node that forwards; None where all are well.

    So it is for a client that the node does not hear from, or whose packets leave by the interface that they
    came in by, and so have the address of that.
    """
    lookup, version = predictor.lookup, inlet.address.version
    own = [address for address in lookup.own[asked.node] if address.version == version]
    for address in own:
        for there in ways(lookup, client, address):
            if not (there.delivered and there.at == asked.node and there.crossings and there.source):
                continue
            if there.crossings[-1].into.name in inlet.interfaces:
                continue
            for back in ways(lookup, asked.target, there.source, source=inlet.address):
                if asked.node not in back.nodes:
                    return back
    return None
