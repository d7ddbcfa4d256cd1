"""Live tests of tunnels: full packets, the path of outer packets, the predicted rate, and drift."""

import kernel
import live
import pytest

from compiler.driver import Compilation

pytestmark = pytest.mark.live

DIAMOND = "host a b\nrouter c d\nlink {a,b} -- {c,d} rate 10mbit\n"
KINDS = [
    pytest.param("vxlan", marks=pytest.mark.every_kernel("vxlan")),
    pytest.param("gre", marks=pytest.mark.every_kernel("gre")),
    pytest.param("ipip", marks=pytest.mark.every_kernel("ipip")),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pool", ["10.0.0.0/8", "fd00::/48"])
def test_each_kind_is_as_planned_and_carries_full_packets(kind: str, pool: str) -> None:
    text = f"pool {pool}\n{DIAMOND}tunnel a -- b via {{c,d}} kind {kind}\nexpect a -> b reachable"
    compilation = Compilation("-", f"lab kind\n{text}")
    mtu = next(link.mtu for link in compilation.lab.links if link.tunnel) or 0
    with live.running(live.lab_of("kind", text)) as lab:
        result = live.run("bash", "-s", stdin=compilation.script("check"))
        assert result.returncode == 0, result.stdout
        header = 28 if "." in pool else 48
        assert live.pings(lab.ns("a"), "a.b", "-M", "do", "-s", str(mtu - header))
        assert not live.pings(lab.ns("a"), "a.b", "-M", "do", "-s", str(mtu - header + 1))


@pytest.mark.every_kernel("vxlan")
def test_what_is_in_a_tunnel_crosses_its_path_alone() -> None:
    text = f"{DIAMOND}router e\nlink c -- e -- d\ntunnel a:far -- b:far via c e d"
    with live.running(live.lab_of("path", text)) as lab:
        before = {node: sent(lab, node) for node in "cde"}
        assert live.pings(lab.ns("a"), "far.b", "-c", "20", "-i", "0.01")
        more = {node: sent(lab, node) - count for node, count in before.items()}
    assert all(count >= 40 for count in more.values())


def sent(lab: live.Lab, node: str) -> int:
    """The number of packets that a node has sent, over all interfaces."""
    links = kernel.rows("ip", "-n", lab.ns(node), "-json", "-statistics", "link")
    return sum(link["stats64"]["tx"]["packets"] for link in links)


@pytest.mark.every_kernel("vxlan")
def test_a_connection_has_what_is_predicted() -> None:
    with live.running(live.lab_of("rate", f"{DIAMOND}tunnel a -- b via c")) as lab:
        ends = lab.ns("b"), lab.ns("a"), "b"
        rate = live.most(lambda: live.iperf(*ends), enough=8.8e6)
    assert rate == pytest.approx(9.23e6, rel=0.05)


@pytest.mark.every_kernel("vxlan")
@pytest.mark.parametrize(
    ("drift", "told"),
    [
        ("ip link set dev b mtu 1400", "unexpected: link b mtu 1400 up"),
        ("ip link set dev b type vxlan remote 192.0.2.1", "unexpected: tunnel b vxlan id"),
        ("ip address del {outer}/32 dev lo", "missing: address {outer}/32 dev lo"),
    ],
)
def test_check_tells_what_became_of_a_tunnel(drift: str, told: str) -> None:
    text = f"{DIAMOND}tunnel a -- b via c"
    compilation = Compilation("-", f"lab drift\n{text}")
    (tunnel,) = (link.tunnel for link in compilation.lab.links if link.tunnel)
    assert tunnel.outer
    with live.running(live.lab_of("drift", text)) as lab:
        live.succeed("ip", "netns", "exec", lab.ns("a"), "sh", "-c", drift.format(outer=tunnel.outer[0]))
        result = live.run("bash", "-s", stdin=compilation.script("check"))
    assert result.returncode == 1
    assert told.format(outer=tunnel.outer[0]) in result.stdout
