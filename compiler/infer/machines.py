"""Pass: the network identifiers of links between machines, and what these ask of a machine's card."""

from collections import defaultdict
from dataclasses import replace

from compiler.ground.diagnostics import Diagnostics
from compiler.ground.units import format_rate
from compiler.infer.shaping import ETHERNET_HEADER
from compiler.infer.slots import hashed_numbers
from compiler.model.lab import Lab
from compiler.model.links import MOST_VNI, OVERHEAD, Link, LinkKind
from compiler.model.machines import Machine


def number(lab: Lab, diagnostics: Diagnostics) -> Lab:
    """Gives each link between machines a network identifier, by a hash of the lab's name and the link.

    The labs of one machine share these, so one that another has can be pinned away.
    """
    crossing = [link for link in lab.links if link.underlay]
    taken = {link.underlay.number for link in crossing if link.underlay and link.underlay.pinned}
    own = {f"{lab.name} {link.identity}" for link in crossing if link.underlay and not link.underlay.pinned}
    numbers = hashed_numbers(own, 1, MOST_VNI, taken)

    def numbered(link: Link) -> Link:
        if link.underlay is None or link.underlay.pinned:
            return link
        found = numbers[f"{lab.name} {link.identity}"]
        return link._replace(underlay=link.underlay._replace(number=found))

    made = replace(lab, links=tuple(map(numbered, lab.links)))
    for machine in lab.machines:
        if machine.rate:
            _check_card(machine, machine.rate, made, diagnostics)
    return made


def _check_card(machine: Machine, rate: int, lab: Lab, diagnostics: Diagnostics) -> None:
    """Warns where the links to other machines carry more than the card does, in either direction.

    A frame of the card has the bytes that the VXLAN adds beside those that tc(8) counts, and its own header.
    """
    on = {node.name: node.machine for node in lab.nodes}
    loads: defaultdict[str, int] = defaultdict(int)
    assert machine.span
    for link in (link for link in lab.links if link.underlay):
        overhead = OVERHEAD[LinkKind.VXLAN, machine.address.version]
        for near, far in link.directions:
            way = {on[near.node]: "out of", on[far.node]: "into"}.get(machine.name)
            if way and near.shaping.rate is None:
                message = f"this link has no rate, and the card of `{machine.name}` has one"
                help = "set a `rate`: how much it carries depends on what other links carry"
                diagnostics.warning("MPC792", message, link.span, f"{way} `{machine.name}`", help)
                return
            if way and near.shaping.rate:
                whole = link.packet + overhead + ETHERNET_HEADER
                loads[way] += near.shaping.rate * whole // (link.packet + ETHERNET_HEADER)
    for way, load in loads.items():
        if load > rate:
            message = f"the links {way} `{machine.name}` carry {load / 10**6:.1f} Mbit/s with their VXLANs"
            label = f"its card has {format_rate(rate)}"
            help = "what is predicted holds as long as less is sent: lower rates, or place nodes otherwise"
            diagnostics.warning("MPC791", message, machine.span, label, help)
            return
