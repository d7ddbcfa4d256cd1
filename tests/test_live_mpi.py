"""Live tests of Open MPI over the paths of a lab: the commands of docs/mpi.md, and what is received."""

import os
import re
import shutil
from pathlib import Path

import live
import pytest

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not shutil.which("mpicc") or not shutil.which("mpirun"), reason="needs Open MPI"),
]

PAGE = (live.ROOT / "docs" / "mpi.md").read_text()
AGENT = live.ROOT / "docs" / "mpi" / "agent"
EQUAL = "host a b\nrouter c d\nlink {a,b} -- {c,d} rate 10mbit"
CROSSED = """
host   a b
router c d
link   a -- c rate 10mbit
link   a -- d rate 5mbit
link   b -- d rate 5mbit
link   b -- c rate 10mbit
tunnel a:p1 -- b:p1 via c
tunnel a:p2 -- b:p2 via d
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program of the page, compiled."""
    made = tmp_path_factory.mktemp("mpi") / "goodput"
    live.succeed("mpicc", "-Wall", "-Wextra", "-Werror", "-O2", "-o", made, AGENT.with_name("goodput.c"))
    return made


def received(lab: live.Lab, program: Path, **parameters: str) -> float:
    """Mbit/s that a rank on b receives from one on a, with parameters of Open MPI."""
    known = {"plm_rsh_agent": str(AGENT), "pml": "ob1", "mpi_yield_when_idle": "1", **parameters}
    environment = [f"LAB={lab.name}", *(f"OMPI_MCA_{name}={value}" for name, value in known.items())]
    mpirun = (AGENT, "a", "mpirun", "--allow-run-as-root", "-H", "a,b", "-np", "2", "--map-by", "node")
    return float(live.succeed("env", *environment, *mpirun, program, "6", seconds=90).split()[0])


def test_mpi_fills_equal_paths_by_itself(program: Path) -> None:
    """One path has 9.5 Mbit/s, and both have 19.1 together."""
    with live.running(live.lab_of("equal", EQUAL)) as lab:
        assert live.most(lambda: received(lab, program), enough=14) > 11


def test_tunnels_pair_the_interfaces_of_crossed_links(program: Path) -> None:
    """Twice the slower path is 9.3 Mbit/s, and both paths have 13.8 together."""
    tunnels = {"btl_tcp_if_include": "p1,p2", "btl_tcp_bandwidth_p1": "10", "btl_tcp_bandwidth_p2": "5"}
    with live.running(live.lab_of("crossed", CROSSED)) as lab:
        assert live.most(lambda: received(lab, program, **tunnels), enough=11) > 10.5


def test_the_commands_of_the_page(tmp_path: Path) -> None:
    """Unequal paths: twice what the slower one has, and with the rates told what both have together."""
    commands = "".join(re.findall(r"^```bash\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
    for name in ("docs", "tests"):
        (tmp_path / name).symlink_to(live.ROOT / name)
    environment = ["-C", str(tmp_path), f"PATH={live.MPC.parent}:{os.environ['PATH']}"]

    def told() -> float:
        """The rate with the rates told; without them it is never more than twice the slower path's."""
        output = live.succeed("env", *environment, "bash", "-euo", "pipefail", "-c", commands, seconds=150)
        untold, told = re.findall(r"^([\d.]+) Mbit/s$", output, re.MULTILINE)
        assert float(untold) < 10
        return float(told)

    try:
        assert live.most(told, enough=11) > 10.5
    finally:
        live.lab_of("mpi", live.GOLDEN / "mpi.topo").down()
