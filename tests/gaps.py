"""How long no packet arrives after a link has failed: `tests/apart .venv/bin/python tests/gaps.py`.

Each lab is brought up; a and b ping each other a thousand times a second, and one second later a link is set
down, at both ends as `at ... down` does, or at one of them. What is printed is the longest time without an
answer, in seconds, of both directions; `-` where there was none from then on.
"""

import re
import subprocess
import tempfile
from itertools import pairwise
from pathlib import Path

import live

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
LABS = {
    "no link fails": (RING, ()),
    "a ring of five, `routing shortest`": (RING, ("r1", "r2")),
    "the same, `failover`": (f"routing shortest failover\n{RING}", ("r1", "r2")),
    "a diamond of routers, two next hops (ECMP)": (ROUTED, ("a", "c")),
    "the same, `failover`, a farther link": (f"routing shortest failover\n{ROUTED}", ("c", "b")),
    "a diamond with hosts at its ends, `failover`": (f"routing shortest failover\n{DIAMOND}", ("a", "c")),
    "a triangle, OSPF": (OSPF, ("r0", "r1")),
    "a triangle, BGP": (BGP, ("r0", "r1")),
}


def main() -> None:
    for number, (what, (text, link)) in enumerate(LABS.items()):
        for both in (True, False) if link else (False,):
            found = measured(f"gaps{number}", text, link, both=both)
            ends = "both ends" if both else "one end" if link else "none"
            print(f"{what} | {ends} | {found[0]} | {found[1]}", flush=True)


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
    command = ("ip", "netns", "exec", ns, "ping", "-D", "-n", "-i0.001", f"-w{SECONDS}", target)
    with file.open("wb") as out:
        return subprocess.Popen(command, stdout=out)


def _gap(printed: str) -> str:
    times = [float(one) for one in re.findall(r"^\[([0-9.]+)\] [0-9]+ bytes from", printed, re.MULTILINE)]
    if times[-1] - times[0] < SECONDS - 1:
        return "-"
    return f"{max(after - before for before, after in pairwise(times)):.3f}"


if __name__ == "__main__":
    main()
