"""`mpc sweep` on the kernel: every run, what is missing alone, and no lab that is left up."""

import json
import signal
import subprocess
import time
from pathlib import Path

import kernel
import live
import pytest

pytestmark = pytest.mark.live

LAB = """
lab swept
param rate = 3mbit
host a b
link a -- b rate [rate]
bench a -> b using tcp for 1s
"""


def command(folder: Path, *more: str) -> list[str]:
    (folder / "swept.topo").write_text(LAB)
    arguments = ["-D", "rate=2mbit..6mbit:4mbit", "--repeat", "2", "-o", str(folder / "out"), *more]
    return [str(live.MPC), "sweep", str(folder / "swept.topo"), *arguments]


def left() -> list[str]:
    return [name for name in kernel.namespaces() if name.startswith("swept-")]


def test_a_sweep_measures_each_point_and_what_is_missing(tmp_path: Path) -> None:
    said = live.run(*command(tmp_path), seconds=120)
    assert said.returncode == 0, said.stderr
    files = {path.name: path for path in (tmp_path / "out").glob("*.json")}
    assert sorted(files) == [f"swept.rate={rate}mbit.{n}.json" for rate in (2, 6) for n in (1, 2)]
    for rate in (2, 6):
        for number in (1, 2):
            found = json.loads(files[f"swept.rate={rate}mbit.{number}.json"].read_text())
            assert found["params"] == {"rate": f"{rate}mbit"}
            assert found["plan"] == found["up"]
            assert 0.5e6 * rate < found["measurements"][0]["received"] < 1e6 * rate
        assert f"rate {rate}mbit" in (tmp_path / "out" / f"swept.rate={rate}mbit.topo").read_text()
    files["swept.rate=6mbit.1.json"].write_text("{")
    times = {name: path.stat().st_mtime_ns for name, path in files.items()}
    said = live.run(*command(tmp_path), seconds=60)
    assert "mpc: 4 runs, 1 of them now" in said.stderr
    changed = [name for name, path in files.items() if path.stat().st_mtime_ns != times[name]]
    assert changed == ["swept.rate=6mbit.1.json"]
    assert not left()


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("after", [0.1, 0.2, 0.3, 0.5, 2.2])
def test_an_interrupted_sweep_takes_its_lab_down(tmp_path: Path, sign: signal.Signals, after: float) -> None:
    """And keeps whole results alone."""
    with subprocess.Popen(command(tmp_path), stderr=subprocess.PIPE) as process:
        assert process.stderr
        assert process.stderr.readline()  # it has begun
        time.sleep(after)
        process.send_signal(sign)
        assert process.wait(timeout=60) == 130
    assert not left()
    for path in (tmp_path / "out").glob("*"):
        assert path.suffix != ".json" or json.loads(path.read_text())["measurements"]


def test_a_lab_that_is_up_is_left_alone(tmp_path: Path) -> None:
    with live.running(live.lab_of("swept", LAB.replace("lab swept", ""))):
        said = live.run(*command(tmp_path), seconds=60)
        assert said.returncode == 2
        assert "up ended with 1" in said.stderr
        assert "4 runs, 4 of them now, of which 4 have no result;" in said.stderr
        assert left() == ["swept-a", "swept-b"]
        assert not list((tmp_path / "out").glob("*.json"))
