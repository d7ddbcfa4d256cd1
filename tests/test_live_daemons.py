"""Routing daemons that `run` starts: OSPF and BGP by FRR, of which no check is told that they are a drift."""

from pathlib import Path

import live
import pytest

from compiler.driver import Compilation

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not Path("/usr/lib/frr/zebra").exists(), reason="needs FRR"),
]

LABS = {"ospf": live.GOLDEN / "ospf.topo", "bgp": live.ROOT / "tests" / "daemons" / "bgp.topo"}


@pytest.mark.parametrize("name", LABS)
def test_routes_follow_a_link_that_fails(name: str) -> None:
    """Before, while and after: `expect` holds, and all is as planned but for the link itself."""
    path = LABS[name]
    check = Compilation(path.name, path.read_bytes()).script("check")
    with live.running(live.lab_of(name, path)) as lab:
        assert "not ok" not in live.succeed("bash", "-s", stdin=check, seconds=60)
        routes = live.succeed("ip", "-n", lab.ns("r0"), "route")
        assert f"proto {name}" in routes
        live.succeed("ip", "-n", lab.ns("r0"), "link", "set", "dev", "r1", "down")
        assert _comes_back(lab)
        told = live.run("bash", "-s", stdin=check, seconds=60).stdout
        assert "ok 7 - a -> b reachable" in told
        assert "ok 4 - the namespace" in told
        live.succeed("ip", "-n", lab.ns("r0"), "link", "set", "dev", "r1", "up")
        assert any("via" in line and "dev r1" in line for line in _after(lab).splitlines())
        assert "not ok" not in live.succeed("bash", "-s", stdin=check, seconds=60)


def _comes_back(lab: live.Lab) -> bool:
    """Whether b answers within half a minute."""
    return any(live.pings(lab.ns("a"), "b") for _ in range(10))


def _after(lab: live.Lab) -> str:
    """The routes of r0 when one of them leads over the link again."""
    for _ in range(100):
        routes = live.succeed("ip", "-n", lab.ns("r0"), "route", "show", "dev", "r1")
        if "via" in routes:
            break
        live.run("sleep", "0.2")
    return live.succeed("ip", "-n", lab.ns("r0"), "route")
