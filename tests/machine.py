"""The features of this machine that live tests need; as a program, prints those that its kernel lacks."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

TOOLS = (
    "bash",
    "ip",
    "tc",
    "ss",
    "nft",
    "ping",
    "iperf3",
    "mptcpize",
    "sysctl",
    "tcpdump",
    "timeout",
    "unshare",
)
MPTCP = Path("/proc/sys/net/mptcp/enabled")

# Features that some kernels lack, each with a command that succeeds in an empty namespace if the kernel
# has it. A module that makes devices in the host's namespace is loaded first, and told to make none.
FEATURES = {
    "netem": "tc qdisc add dev lo root netem delay 1ms",
    "aqm": " && ".join(
        f"tc qdisc replace dev lo root {kind}"
        for kind in ("fq_codel", "cake", "pie", "red limit 100kb avpkt 1kb bandwidth 1mbit")
    ),
    "dummy": "modprobe -q dummy numdummies=0; ip link add name probe type dummy",
    "vlan": "ip link add name probe type bridge vlan_filtering 1"
    " && ip link add link probe name tagged type vlan id 10",
    "vrf": "ip link add name probe type vrf table 10",
    "vxlan": "ip link add name probe type vxlan id 1 local 127.0.0.1 remote 127.0.0.1 dstport 4789",
    "bond": "modprobe -q bonding max_bonds=0; ip link add name probe type bond mode balance-rr",
    "wireguard": "command -v wg && ip link add name probe type wireguard",
    # Modules that make devices in every namespace, so that they are tried in guests alone.
    "gre": "[[ -n ${MPC_GUEST:-} ]] && ip link add name probe type gretap local 127.0.0.1 remote 127.0.0.1",
    "ipip": "[[ -n ${MPC_GUEST:-} ]] && ip link add name probe type ipip local 127.0.0.1 remote 127.0.0.1",
    # Its devices are in the first namespace alone, and all labs share them: likewise.
    "teql": "[[ -n ${MPC_GUEST:-} ]] && modprobe sch_teql && modprobe -r sch_teql",
    "cgroup2": "[[ -e /sys/fs/cgroup/cgroup.controllers ]]",
    # An emulated machine that is thrown away, so that a test may unload modules; see tests/guest.
    "guest": "[[ -n ${MPC_GUEST:-} ]]",
}


def missing() -> list[str]:
    """What this machine lacks and all live tests need, as text."""
    lacking = [] if os.geteuid() == 0 else ["root"]
    if not MPTCP.exists() or MPTCP.read_text().strip() != "1":
        lacking.append("a kernel with MPTCP enabled")
    return lacking + [tool for tool in TOOLS if not shutil.which(tool)]


@cache
def has(feature: str) -> bool:
    """Whether this kernel has one of FEATURES."""
    argv = ["unshare", "--net", "bash", "-c", FEATURES[feature]]
    return subprocess.run(argv, capture_output=True, timeout=30, check=False).returncode == 0


if __name__ == "__main__":
    print(*(feature for feature in FEATURES if not has(feature)))
