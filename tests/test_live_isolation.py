"""A lab does not depend on the host's settings, and changes none of them."""

from collections.abc import Iterator
from pathlib import Path

import live
import pytest

from compiler.ground.names import MACHINE_SYSCTLS

pytestmark = pytest.mark.live

A = "isolated-a"
LAN = """
pool 10.0.0.0/8
pool fd00::/16
host a x y
router r1 r2
switch s
link {a,r1,r2,y} -- s
link r2 -- x
routing none
route a to x via r1
route a to y:s via r1
route r1 to x via r2
route r2 to x via x
route r2 to a via a
route x to default via r2
"""

NET = Path("/proc/sys/net")
CHANGED = {
    "core/devconf_inherit_init_net": "1",  # affects IPv6 too
    "ipv4/ip_forward": "1",
    "ipv4/conf/default/forwarding": "0",
    "ipv4/conf/all/arp_ignore": "8",
    "ipv4/conf/all/arp_filter": "1",
    "ipv4/conf/default/arp_announce": "2",
    "ipv4/conf/default/proxy_arp": "1",
    "ipv4/neigh/default/mcast_solicit": "0",
    "ipv4/neigh/default/app_solicit": "5",
    "ipv6/neigh/default/mcast_solicit": "0",
    "ipv6/conf/default/hop_limit": "1",
    "ipv6/conf/default/addr_gen_mode": "1",
}
"""Settings of a host with which a lab that inherits them does not work as planned."""


@pytest.fixture
def changed_host() -> Iterator[None]:
    before = {key: (NET / key).read_text() for key in CHANGED}
    for key, value in CHANGED.items():
        (NET / key).write_text(value)
    yield
    for key, value in before.items():
        (NET / key).write_text(value)


@pytest.mark.every_kernel("guest")
@pytest.mark.usefixtures("changed_host")
def test_settings_of_the_host_do_not_reach_a_lab() -> None:
    """Nodes reach each other, and every sysctl of a namespace is as on a host with default settings."""
    lab = live.lab_of("isolated", LAN)
    with live.running(lab):
        for name in "x", "s.r1", "s.r2", "s.y":
            for version in 4, 6:
                assert live.pings(A, name, f"-{version}"), (name, version)
        for key in CHANGED:
            if "/conf/" in key or "/neigh/" in key:
                family, kind, _, name = key.split("/")
                path = f"/proc/sys/net/{family}/{kind}/s/{name}"
                value = live.succeed("ip", "netns", "exec", A, "cat", path).strip()
                assert value == KERNELS[name], path


KERNELS = {
    "addr_gen_mode": "0",
    "app_solicit": "0",
    "arp_announce": "0",
    "arp_filter": "0",
    "arp_ignore": "0",
    "forwarding": "0",
    "hop_limit": "64",
    "mcast_solicit": "3",
    "proxy_arp": "0",
}


@pytest.mark.every_kernel
def test_a_router_does_not_lead_a_host_off_its_explicit_route() -> None:
    """r1 forwards packets back to the LAN that they came from, and so would send a redirect to a."""
    lab = live.lab_of("isolated", LAN)
    with live.running(lab):
        for target in "x", "s.y":
            for version in 4, 6:
                live.succeed("ip", "netns", "exec", A, "ping", f"-{version}nqc5", "-i0.2", target)
        for version in 4, 6:
            assert "redirected" not in live.succeed("ip", "-n", A, f"-{version}", "route", "show", "cache")


@pytest.mark.every_kernel("guest")
def test_sysctls_that_a_namespace_does_not_have_for_itself() -> None:
    """The sysctls of a namespace that change the host's are exactly those that the compiler rejects."""
    live.succeed("bash", "-c", "modprobe -q nf_conntrack; modprobe -q br_netfilter; modprobe -q ip_vs; true")
    before = all_sysctls()
    live.succeed("unshare", "--net", "bash", "-c", CHANGE_ALL, seconds=120)
    after = all_sysctls()
    leaked = {key for key, value in before.items() if after.get(key) != value}
    assert {f"net.{key.replace('/', '.')}" for key in leaked} <= set(MACHINE_SYSCTLS)
    assert leaked, "no known one shows: does this test still see any?"


CHANGE_ALL = r"""
ip link set dev lo up
while read -r path; do
  read -r now <"$path" && [[ $now =~ ^[0-9]+$ ]] || continue
  for value in $((now + 1)) $((now > 0 ? now - 1 : 0)) $((now ? 0 : 1)); do
    echo "$value" >"$path" && break
  done
done 2>/dev/null < <(find /proc/sys/net -type f -perm -200 ! -path '*/flush')
true
"""


def all_sysctls() -> dict[str, str]:
    found = {}
    for path in NET.rglob("*"):
        try:
            found[str(path.relative_to(NET))] = path.read_text()
        except OSError:
            continue
    return found


def test_names_that_nobody_has_fail_at_once() -> None:
    """The machine's own name resolves, and all others fail without a query to a server."""
    lab = live.lab_of("isolated", "host a b\nlink a -- b")
    with live.running(lab):
        own = "import socket; socket.gethostbyname(socket.gethostname())"
        live.succeed("ip", "netns", "exec", A, "python3", "-c", own, seconds=5)
        for name in "nobody", "nobody.example.org":
            assert live.in_ns(A, "getent", "ahosts", name, seconds=5).returncode == 2
