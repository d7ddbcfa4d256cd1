"""The effects of scripts when bash runs them: only those of labs, for any hostile lab.

Every tool is a recorder, so the machine is unchanged; see `recorder.py`.
"""

import re
from itertools import count, islice
from pathlib import Path

import hostile
import pytest
import recorder
from labs import TESTS, compiled
from words import FILE_NAMES

from compiler.driver import Compilation, TopologyError

pytestmark = pytest.mark.live

SEED = 2
FUZZED = 6

ASCII = "".join(map(chr, range(32, 127))).replace("\\", "\\\\").replace('"', '\\"')

WORD = "'" + ASCII.replace("'", "") + "'"

HOSTILE = {
    "values": f"""
host a b
link a -- b
sysctl a net.ipv4.tcp_rmem="{ASCII}" net.ipv4.tcp_wmem="$(reboot)" net.ipv4.conf.b.rp_filter="`reboot`"
sysctl a net.ipv4.tcp_sack="'; reboot; '" net.ipv4.tcp_ecn="END" net.ipv4.tcp_fack="SYSCTL"
run a "{ASCII}" env X="{ASCII}"
run {{a,b}} "'; reboot; '" ready "true '; reboot; '"
run b ["-" ] env A=["$(reboot)"] ready 80
sysctl b net.ipv4.tcp_sack="; reboot" net.ipv4.tcp_ecn=" # " net.ipv4.tcp_rmem="\\\\" net.ipv4.tcp_wmem="-w"
""",
    "containers": f"""
container a b image "i:1" command "{WORD}" env X="{ASCII}" END=reboot ready "reboot '$(reboot)'"
container run image "podman" options "--volume '/; reboot:/x' --env `reboot` -v /a:/b -t" ready 80 netns image
container beside image "docker" engine docker command "{WORD}" options "--volume '/; reboot:/x'" ready 80 \\
  mptcpize on
router r
link {{a,b,run,beside}} -- r
run beside inside "{WORD}" env X="{ASCII}"
run a inside "{WORD}" env X="{ASCII}" ready "{WORD}"
run run inside reboot
""",
    "names": """
host {END,HOSTS,netns}
router IP TC SYSCTL NFT reboot
link {END,HOSTS} -- IP -- {TC,SYSCTL,reboot} rate 1mbit queue 5p
link IP:-batch -- NFT:-n delay 1ms
link IP:..x -- NFT:help
link netns -- NFT
switch bridge-slave stp on
switch {subnet,stp} stp on
link bridge-slave:-s -- subnet:..x
link subnet -- stp:state
link bridge-slave:listening -- NFT:master
mptcp END -- HOSTS
masquerade {IP,NFT}
run END reboot
expect END -> HOSTS reachable
expect HOSTS -> END rtt 0ms..2s
expect END -> HOSTS rate >= 1kbit using mptcp
bench END -> HOSTS using tcp, udp reverse, mptcp for 2s
at 1s shape IP -> TC rate 2mbit
at 2s down IP -- TC
run netns "END"
""",
}


ENDS = {
    "check": r"\n# \d+ of \d+ failed\n$",
    "bench": r"\n.* using .*, the last time:\n(?: +0 segments sent again\n)?$",
    "play": ": as up made it\n$",
}
"""The last output of scripts when tools print nothing."""


def deeds(compilation: Compilation) -> list[str]:
    """The effects of a lab's scripts that no lab should have; asserts that the scripts end normally."""
    record = recorder.record(compilation)
    name = compilation.lab.name
    assert record.said.count(f"{name}: up\n") == record.said.count(f"{name}: down\n") == 3, record.said
    assert not [line for line in record.said.splitlines() if not line.startswith(f"{name}: ")], record.said
    for kind, said in record.trials.items():
        assert re.search(ENDS[kind], said), said
    return recorder.strange(record)


RECORDED = [
    "attached",
    "bonds",
    "customers",
    "dual-stack",
    "homes",
    "masquerade",
    "office-vlans",
    "proved",
    "shaped",
    "spanning-tree",
    "spray",
    "teql",
    "tunnels-ipv6",
]


@pytest.mark.parametrize("name", RECORDED)
def test_golden(name: str) -> None:
    assert deeds(compiled((TESTS / "golden" / f"{name}.topo").read_text())) == []


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(name: str) -> None:
    assert deeds(compiled(HOSTILE[name])) == []


def test_hostile_file_name() -> None:
    """A name with a line end, which must not end the comment in the header of a script."""
    (name,) = (name for name in FILE_NAMES if "\n" in name)
    assert deeds(compiled("lab x\nhost a b\nlink a -- b", name)) == []


def fuzzed(number: int) -> Compilation | None:
    """A fuzzed lab; None unless it has nodes and no errors, all its sysctls exist, and up ends."""
    name, text = hostile.lab(SEED, number)
    compilation = compiled(text, name)
    try:
        plan = compilation.plan
        there = all(Path("/proc/sys", *key.split(".")).exists() for key in plan.sysctls)
        return compilation if plan.namespaces and there else None
    except TopologyError:
        return None


def test_fuzzed() -> None:
    for compilation in islice(filter(None, map(fuzzed, count())), FUZZED):
        assert deeds(compilation) == [], compilation.source.text


def test_what_is_strange_is_seen() -> None:
    """A command, a line of a batch, a file and a leftover that no lab has are all found."""
    calls = [recorder.Call(("ip", "link", "del", "eth0"), ""), recorder.Call(("ip", "-batch", "-"), "x\n")]
    found = recorder.strange(recorder.Record(calls, {"reboot"}, "/run/x\n", "", {}))
    assert [line.partition(":")[0].split()[0] for line in found] == ["call", "input", "written", "left"]
