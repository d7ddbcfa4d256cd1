"""How long no packet arrives after a link has failed: `tests/apart .venv/bin/python tests/gaps.py`.

Each lab is brought up; a and b ping each other a thousand times a second, and one second later a link is set
down, at both ends as `at ... down` does, or at one of them. What is printed is the longest time in which
answers were lost, in seconds, of both directions; `-` where there was none from then on.
"""

import json
import re
import subprocess
import tempfile
from itertools import pairwise
from pathlib import Path

import live

from compiler.driver import Compilation

SECONDS = 8
RING = """
router r[0..4]
for i in 0..4 { link r[i] -- r[(i+1) % 5] rate 20mbit }
host a b
link a -- r0
link b -- r2
"""
DIAMOND = "host a b\nrouter c d\nlink {a,b} -- {c,d} rate 20mbit"
ROUTED = "router a b c d\nlink {a,b} -- {c,d} rate 20mbit"
BGP = (live.ROOT / "tests" / "daemons" / "bgp.topo").read_text()
OSPF = (live.GOLDEN / "ospf.topo").read_text()
AC, AD = ("a", "c"), ("a", "d")
LABS: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "no link fails": (RING, ()),
    "a ring of five, `routing shortest`": (RING, (("r1", "r2"),)),
    "the same, `routing shortest failover`": (f"routing shortest failover\n{RING}", (("r1", "r2"),)),
    "a diamond, its ends hosts (ECMP)": (DIAMOND, (AC, AD)),
    "the same of hosts, `routing shortest failover`": (f"routing shortest failover\n{DIAMOND}", (AC, AD)),
    "a diamond, its ends routers (ECMP)": (ROUTED, (AC, AD)),
    "the same of routers, `routing shortest failover`": (f"routing shortest failover\n{ROUTED}", (AC, AD)),
    "a triangle, OSPF": (OSPF, (("r0", "r1"),)),
    "a triangle, BGP": (BGP, (("r0", "r1"),)),
}
"""Labs, and the links of which one fails: what is told is the worst."""


def main() -> None:
    for number, (what, (text, links)) in enumerate(LABS.items()):
        for both in (True, False) if links else (False,):
            found = [measured(f"gaps{number}", text, link, both=both) for link in links or ((),)]
            there, back = (_worst([one[side] for one in found]) for side in (0, 1))
            ends = "both ends" if both else "one end" if links else "none"
            print(f"| {what} | {ends} | {there} | {back} |", flush=True)
    _transfers()


def _transfers() -> None:
    """The longest time in which one connection brings nothing, of TCP and of MPTCP, by tenths of a second."""
    text = f"{DIAMOND}\nmptcp a -- b\nbench a -> b using tcp, mptcp for {SECONDS}s\nat 2s down a -- c"
    script = Compilation("-", f"lab gaps\n{text}").script("bench")
    with live.running(live.lab_of("gaps", text)):
        told = live.succeed(
            "bash", "-s", "--", "--during-play", "--json", "--repeat", "3", stdin=script, seconds=90
        )
    for one in json.loads(told)["measurements"]:
        received = [rate for _, rate in one["over_time"]["received"]]
        still = [len(run) for run in "".join("0" if rate == 0 else " " for rate in received).split()]
        print(f"| {one['transfer']} | {max(still, default=0) / 10} |", flush=True)


def _worst(found: list[str]) -> str:
    return "-" if "-" in found else max(found, key=float)


def measured(name: str, text: str, link: tuple[str, ...], *, both: bool) -> tuple[str, str]:
    """The longest times without an answer, from a to b and from b to a."""
    kept = "\n".join(line for line in text.splitlines() if not line.startswith("at "))
    with live.running(live.lab_of(name, kept)) as lab, tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, end) for end in "ab"]
        pings = [_ping(lab.ns(file.name), "b" if file.name == "a" else "a", file) for file in files]
        live.run("sleep", "1")
        for near, far in [link, link[::-1]][: 2 if both else 1] if link else ():
            live.succeed("ip", "-n", lab.ns(near), "link", "set", "dev", far, "down")
        for ping in pings:
            ping.wait(timeout=SECONDS + 5)
        return _gap(files[0].read_text()), _gap(files[1].read_text())


def _ping(ns: str, target: str, file: Path) -> subprocess.Popen[bytes]:
    ping = ("ip", "netns", "exec", ns, "ping", "-D", "-n", "-i0.001", target)
    with file.open("wb") as out:
        return subprocess.Popen(("timeout", "-s", "INT", str(SECONDS), *ping), stdout=out)


def _gap(printed: str) -> str:
    """The longest time between two answers where some between are lost; a busy machine stops at times."""
    found = re.findall(r"^\[([0-9.]+)\] [0-9]+ bytes from .* icmp_seq=([0-9]+)", printed, re.MULTILINE)
    times = [(float(time), int(number)) for time, number in found]
    if not times or times[-1][0] - times[0][0] < SECONDS - 2:
        return "-"
    gaps = [after - before for (before, one), (after, other) in pairwise(times) if other - one > 1]
    return f"{max(gaps):.3f}" if gaps else "0"


if __name__ == "__main__":
    main()
