"""The sysctls of each namespace.

A new namespace copies some of the host's (devconf_inherit_init_net, in the kernel's
Documentation/admin-guide/sysctl/net.rst), so what matters to a lab is always set.
"""

import re

from compiler.ir.lab import Lab, Node, Switch
from compiler.ir.segments import segments

_OF_INTERFACE = re.compile(r"net\.\w+\.(?:conf|neigh)\.(?!(?:all|default|lo)\.)")

Values = dict[str, str]


class Settings:
    """The sysctls of the nodes of one lab; what the source sets stands over what is inferred."""

    def __init__(self, lab: Lab) -> None:
        self.versions = lab.versions
        self.mptcp = {name for pair in lab.pairs for name in (pair.left, pair.right)}
        found = segments(lab.links, [switch.name for switch in lab.switches])
        self.twice = {name for own in found for name in own.nodes if len(own.of(name)) > 1}
        """The nodes that have two interfaces on one segment."""

    def before_links(self, node: Node) -> Values:
        """What is set while there are no interfaces, as new ones copy `default`."""
        forward = str(int(node.forwards))
        inferred: Values = {}
        if 4 in self.versions:
            inferred["net.ipv4.ip_forward"] = forward  # first: it resets net.ipv4.conf
            inferred["net.ipv4.conf.all.rp_filter"] = "0"
            inferred["net.ipv4.conf.default.rp_filter"] = "0"
            inferred["net.ipv4.fib_multipath_hash_policy"] = "1"
        if 4 in self.versions and node.name in self.twice:
            inferred["net.ipv4.conf.all.arp_ignore"] = "1"  # each interface answers for its own address alone
            inferred["net.ipv4.conf.all.arp_announce"] = "2"
        if 6 in self.versions:
            for scope in ("all", "default"):
                inferred[f"net.ipv6.conf.{scope}.disable_ipv6"] = "0"
                inferred[f"net.ipv6.conf.{scope}.forwarding"] = forward
                inferred[f"net.ipv6.conf.{scope}.accept_dad"] = "0"
            inferred["net.ipv6.fib_multipath_hash_policy"] = "1"
        if node.name in self.mptcp:
            inferred["net.mptcp.enabled"] = "1"
        return inferred | _general(node)

    def of_switch(self, switch: Switch) -> Values:
        """What is set in the namespace of a switch: nothing in it speaks IPv6, as it has no addresses."""
        inferred: Values = {}
        if 6 in self.versions:
            inferred |= {f"net.ipv6.conf.{scope}.disable_ipv6": "1" for scope in ("all", "default")}
        return inferred | _general(switch)

    def after_links(self, node: Node | Switch) -> Values:
        """What the source sets for single interfaces."""
        return {key: value for key, value in node.sysctls if _OF_INTERFACE.match(key)}


def _general(node: Node | Switch) -> Values:
    """What the source sets for whole namespaces."""
    return {key: value for key, value in node.sysctls if not _OF_INTERFACE.match(key)}
