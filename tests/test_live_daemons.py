"""Routing daemons that `run` starts: OSPF and BGP by FRR, of which no check is told that they are a drift."""

from collections.abc import Iterator
from pathlib import Path

import engine
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


@pytest.fixture
def box(tmp_path: Path) -> Iterator[engine.Engine]:
    with engine.private("podman", tmp_path) as found, engine.nothing_left(found):
        yield found


# The programs are this machine's, mounted into an image that has none of them.
MOUNTED = ("/usr:/usr:ro", "/usr/lib:/lib:ro", "/usr/lib64:/lib64:ro", "/etc/passwd:/etc/passwd:ro")
VOLUMES = " ".join(f"--volume {one}" for one in (*MOUNTED, "/etc/group:/etc/group:ro"))
START = live.ROOT / "tests" / "daemons" / "start.sh"


def test_in_containers(box: engine.Engine) -> None:
    """The daemons are in the containers, which are routers."""
    del box
    options = f"{VOLUMES} --volume {START}:/start.sh:ro --cap-add NET_ADMIN,NET_RAW,SYS_ADMIN"
    text = f"""
routing daemon
container r[0..2] image "{engine.IMAGE}" forward on command "bash /start.sh" options "{options}"
host a b
link r0 -- r1 -- r2 -- r0
link a -- r0
link b -- r1
route a to default via r0
route b to default via r1
route r0 to a via a
route r1 to b via b
run a "true" ready "ping -c 1 -W 1 b"
expect {{a,b}} -> {{a,b}} reachable
"""
    check = Compilation("-", f"lab boxed\n{text}").script("check")
    with live.running(live.lab_of("boxed", text)) as lab:
        assert "proto ospf" in live.succeed("ip", "-n", lab.ns("r0"), "route")
        assert "not ok" not in live.succeed("bash", "-s", stdin=check, seconds=60)
        live.succeed("ip", "-n", lab.ns("r0"), "link", "set", "dev", "r1", "down")
        assert _comes_back(lab)
