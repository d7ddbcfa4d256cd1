"""Pass: the network between a node with an uplink and the machine.

It is of a range that no real network has (RFC 2544), as the machine has a route to it: by the name of the
lab, a /30 beside whatever the lab pins.
"""

from dataclasses import replace
from ipaddress import ip_network

from compiler.ground.diagnostics import Diagnostics
from compiler.infer.slots import Slots
from compiler.infer.subnets import Pins
from compiler.model.lab import Lab
from compiler.model.networks import DEFAULT

RANGE = ip_network("198.18.0.0/15")


def join(lab: Lab, diagnostics: Diagnostics) -> Lab:
    """Gives the uplink its network, and reports what stands in its way."""
    assert lab.uplink
    uplink = lab.uplink
    taken = (*Pins(lab, Diagnostics()).networks, *(pool for pool in lab.pools if pool.version == 4))
    network = Slots(RANGE, 30, taken).take(lab.name)
    if network is None:
        message = f"the lab has all of {RANGE}, and an uplink needs addresses of that"
        diagnostics.error("MPC914", message, uplink.span, "no address is left", "write another `pool`")
    for route in lab.explicit_routes:
        if route.source == uplink.node and route.target in ("default", DEFAULT[4]):
            message = f"`{uplink.node}` has a default route of its own, and the uplink is another"
            help = "route what is meant by a prefix, or leave the uplink out"
            diagnostics.error("MPC915", message, route.span, "a second default route", help)
    return replace(lab, uplink=uplink._replace(network=network))
