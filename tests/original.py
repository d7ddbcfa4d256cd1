"""Facts: the kernel state of the hand-written original, namespace by namespace.

Read with ip(8), tc(8) and nft(8) by `kernel.facts` after running the original itself, on Linux 6.1 with dummy
devices and on Linux 6.18 with ifb devices under their names; both gave this table. Three things differ from
that output:

- `ifb0` of devicea and deviceb is not among the links. It is how wondershaper shapes ingress, and its effect
  is in the rates of the opposite ends: veth1 and veth3 send into devicea at 5120 kbit/s, its ingress rate,
  and veth5 and veth7 into deviceb likewise. (The original has one ifb0 and one class for both; that both
  share it is the fault that the README's table shows.)
- Routes have no protocol: the original's are partly `boot`, partly `static`.
- The FORWARD rules are left out. They accept what the policy accepts anyway.
"""

from typing import Any, Final

RATE: Final = 5_120_000

# The same in all four: the kernel's default rules of IPv4, then of IPv6.
RULES: Final = [
    "0: from all lookup local",
    "32766: from all lookup main",
    "32767: from all lookup default",
    "0: from all lookup local",
    "32766: from all lookup main",
]

ORIGINAL: Final[dict[str, dict[str, Any]]] = {
    "devicea": {
        "links": {
            "lo": "loopback up mtu 65536",
            "veth0": "veth up mtu 1500 to devicec:veth1",
            "veth2": "veth up mtu 1500 to deviced:veth3",
            "dummy0": "dummy up mtu 1500",
        },
        "addresses": {"veth0": ["10.0.0.1/30"], "veth2": ["10.2.0.1/30"], "dummy0": ["10.10.10.10/30"]},
        "routes": [
            "10.0.0.0/30 dev veth0 scope link prefsrc 10.0.0.1",
            "10.10.10.8/30 dev dummy0 scope link prefsrc 10.10.10.10",
            "10.100.100.100 nexthop via 10.0.0.2 dev veth0 weight 1 nexthop via 10.2.0.2 dev veth2 weight 1",
            "10.2.0.0/30 dev veth2 scope link prefsrc 10.2.0.1",
            "10.3.0.1 via 10.0.0.2 dev veth0",
            "10.4.0.1 via 10.2.0.2 dev veth2",
        ],
        "rules": RULES,
        "endpoints": ["10.0.0.1 id 1 signal dev veth0", "10.2.0.1 id 2 signal dev veth2"],
        "limits": ["add_addr_accepted 2 subflows 2"],
        "rates": {"veth0": RATE, "veth2": RATE},
        "masquerade": ["dummy0", "veth0", "veth2"],
    },
    "deviceb": {
        "links": {
            "lo": "loopback up mtu 65536",
            "veth4": "veth up mtu 1500 to devicec:veth5",
            "veth6": "veth up mtu 1500 to deviced:veth7",
            "dummy1": "dummy up mtu 1500",
        },
        "addresses": {"veth4": ["10.3.0.1/30"], "veth6": ["10.4.0.1/30"], "dummy1": ["10.100.100.100/30"]},
        "routes": [
            "10.0.0.1 via 10.3.0.2 dev veth4",
            "10.10.10.10 nexthop via 10.3.0.2 dev veth4 weight 1 nexthop via 10.4.0.2 dev veth6 weight 1",
            "10.100.100.100/30 dev dummy1 scope link prefsrc 10.100.100.100",
            "10.2.0.1 via 10.4.0.2 dev veth6",
            "10.3.0.0/30 dev veth4 scope link prefsrc 10.3.0.1",
            "10.4.0.0/30 dev veth6 scope link prefsrc 10.4.0.1",
        ],
        "rules": RULES,
        "endpoints": ["10.3.0.1 id 1 signal dev veth4", "10.4.0.1 id 2 signal dev veth6"],
        "limits": ["add_addr_accepted 2 subflows 2"],
        "rates": {"veth4": RATE, "veth6": RATE},
        "masquerade": ["dummy1", "veth4", "veth6"],
    },
    "devicec": {
        "links": {
            "lo": "loopback up mtu 65536",
            "veth1": "veth up mtu 1500 to devicea:veth0",
            "veth5": "veth up mtu 1500 to deviceb:veth4",
        },
        "addresses": {"veth1": ["10.0.0.2/30"], "veth5": ["10.3.0.2/30"]},
        "routes": [
            "10.0.0.0/30 dev veth1 scope link prefsrc 10.0.0.2",
            "10.10.10.10 via 10.0.0.1 dev veth1",
            "10.100.100.100 via 10.3.0.1 dev veth5",
            "10.2.0.1 via 10.0.0.1 dev veth1",
            "10.3.0.0/30 dev veth5 scope link prefsrc 10.3.0.2",
            "10.4.0.1 via 10.3.0.1 dev veth5",
        ],
        "rules": RULES,
        "endpoints": [],
        "limits": ["add_addr_accepted 0 subflows 2"],
        "rates": {"veth1": RATE, "veth5": RATE},
        "masquerade": ["veth1", "veth5"],
    },
    "deviced": {
        "links": {
            "lo": "loopback up mtu 65536",
            "veth3": "veth up mtu 1500 to devicea:veth2",
            "veth7": "veth up mtu 1500 to deviceb:veth6",
        },
        "addresses": {"veth3": ["10.2.0.2/30"], "veth7": ["10.4.0.2/30"]},
        "routes": [
            "10.0.0.1 via 10.2.0.1 dev veth3",
            "10.10.10.10 via 10.2.0.1 dev veth3",
            "10.100.100.100 via 10.4.0.1 dev veth7",
            "10.2.0.0/30 dev veth3 scope link prefsrc 10.2.0.2",
            "10.3.0.1 via 10.4.0.1 dev veth7",
            "10.4.0.0/30 dev veth7 scope link prefsrc 10.4.0.2",
        ],
        "rules": RULES,
        "endpoints": [],
        "limits": ["add_addr_accepted 0 subflows 2"],
        "rates": {"veth3": RATE, "veth7": RATE},
        "masquerade": ["veth3", "veth7"],
    },
}
