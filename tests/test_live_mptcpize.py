"""MPTCP for programs in containers that ask for TCP: over both paths, and what it cannot do is said."""

import dataclasses
import re
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import engine
import kernel
import live
import pytest
from test_live_containers import by, drifts, lab_of

from compiler.driver import Compilation
from compiler.scripts.bash import Style

pytestmark = pytest.mark.live

DIAMOND = f"""
lab wrapped
container a image "{engine.IMAGE}" command "redis-server --save '' --protected-mode no" mptcpize on ready 6379
container b image "{engine.IMAGE}" command "sleep 9999" options "--stop-signal KILL" mptcpize on
container c image "{engine.IMAGE}" command "sleep 9999" options "--stop-signal KILL" mptcpize off
router p q
link {{a,b,c}} -- {{p,q}} rate 5mbit
mptcp a -- b
mptcp a -- c
"""
STATIC = "warning: the first program of wrapped-b is static, so that mptcpize cannot give it MPTCP"


@pytest.fixture(scope="module", autouse=True, params=["podman", "docker"])
def box(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[engine.Engine]:
    with engine.private(request.param, tmp_path_factory.mktemp(request.param)) as found:
        yield found


@pytest.fixture(autouse=True)
def nothing_left(box: engine.Engine) -> Iterator[None]:
    with engine.nothing_left(box):
        yield


def connections(node: str) -> int:
    """How many MPTCP connections a namespace has asked for."""
    told = live.succeed("ip", "netns", "exec", f"wrapped-{node}", "nstat", "-asz", "MPTcpExtMPCapableSYNTX")
    return int(told.split("MPTcpExtMPCapableSYNTX")[1].split()[0])


def sent(node: str) -> dict[str, int]:
    """The bytes that a namespace has sent to each router."""
    rows = kernel.rows("ip", "-s", "-j", "-n", f"wrapped-{node}", "link")
    return {row["ifname"]: row["stats64"]["tx"]["bytes"] for row in rows if row["ifname"] != "lo"}


def test_programs_have_mptcp_over_both_paths(box: engine.Engine) -> None:
    """Where it is on; else they have TCP. A static one is named, and what is started beside it has MPTCP."""
    text = by(box, DIAMOND)
    lab = lab_of(text)
    try:
        up = lab.up()
        assert up.returncode == 0, up.stderr
        # busybox is static; redis is not, wherever it is started.
        assert [line for line in up.stderr.splitlines() if "warning" in line] == [f"wrapped: {STATIC}"]
        assert drifts(text) == []
        writes = "redis-benchmark -h a -t set -n 150 -d 10000 -c 1 -q".split()
        for node, wrapped in (("b", True), ("c", False)):
            connected = connections(node)
            box.call("exec", f"wrapped-{node}", *writes)
            assert (connections(node) > connected) == wrapped
        assert min(sent("b").values()) > 200_000
    finally:
        assert lab.down().returncode == 0


def received(box: engine.Engine, *options: str) -> float:
    """Mbit/s that a program in one container receives from one in another."""
    box.call("exec", "--detach", "replicas-first", "iperf3", "-s", "-1")
    live.wait_until(lambda: ":5201" in live.succeed("ip", "netns", "exec", "replicas-first", "ss", "-Hltn"))
    client = ("iperf3", "-c", "first", "-t", "4", "-O", "1", "-f", "m", "-C", "reno")
    told = box.call("exec", *options, "replicas-leader", *client)
    (line,) = (line for line in told.splitlines() if line.endswith("receiver"))
    return float(line.split()[-3])


def test_replicas_over_two_paths(box: engine.Engine) -> None:
    """The lab of docs/containers.md: one connection has both paths; replicas are alike after one broke."""
    text = (live.GOLDEN / "replicas.topo").read_text().replace("localhost/redis:7", engine.IMAGE)
    text = "\n" + text[text.index("lab ") :]
    loaded, idle = by(box, text), by(box, re.sub("^run +client.*$", "", text, flags=re.MULTILINE))
    with live.running(lab_of(idle)):
        tcp = max(received(box, "--env", "LD_PRELOAD=") for _ in range(2))
        assert max(received(box) for _ in range(3)) > 1.7 * tcp
    with live.running(lab_of(loaded)):
        play = live.run("bash", "-s", stdin=Compilation("-", loaded).script("play"), seconds=30)
        assert play.returncode == 0, play.stderr
        live.succeed("ip", "netns", "pids", "replicas-client")
        live.run("bash", "-c", "ip netns pids replicas-client | xargs -r kill")
        live.wait_until(lambda: len({offset(box, name) for name in ("leader", "first", "second")}) == 1, 30)
        assert offset(box, "leader") > 100_000


def offset(box: engine.Engine, node: str) -> int:
    """How many bytes of writes a store has seen."""
    told = box.call("exec", f"replicas-{node}", "redis-cli", "info", "replication")
    key = "master_repl_offset" if node == "leader" else "slave_repl_offset"
    return int(next(line.split(":")[1] for line in told.splitlines() if line.startswith(f"{key}:")))


def test_the_plain_style_has_it_too(box: engine.Engine) -> None:
    text = by(box, DIAMOND)
    lab = dataclasses.replace(lab_of(text), up_script=Compilation("-", text).up(Style.PLAIN))
    with live.running(lab):
        assert drifts(text) == []
        box.call("exec", "wrapped-b", "redis-cli", "-h", "a", "ping")
        assert connections("b") == 1


def test_a_library_that_is_not_there_is_named(box: engine.Engine, tmp_path: Path) -> None:
    (tmp_path / "mptcpize").write_text("#!/bin/sh\n")
    (tmp_path / "mptcpize").chmod(0o755)
    result = lab_of(by(box, DIAMOND)).up(tmp_path)
    assert result.returncode == 1
    assert "the library libmptcpwrap, which `mptcpize run` preloads" in result.stderr


@pytest.fixture
def musl(box: engine.Engine, tmp_path: Path) -> Iterator[str]:
    """An image whose one program is linked against musl, and has its dynamic linker."""
    if not shutil.which("musl-gcc"):
        pytest.skip("a program for musl needs musl-gcc (package musl-tools)")
    (tmp_path / "waits.c").write_text("#include <unistd.h>\nint main(void) { for (;;) pause(); }\n")
    live.succeed("musl-gcc", "-o", tmp_path / "waits", tmp_path / "waits.c")
    (linker,) = Path("/lib").glob("ld-musl-*.so.1")
    with tarfile.open(tmp_path / "image.tar", "w") as archive:
        archive.add(linker.resolve(), f"lib/{linker.name}")
        archive.add(tmp_path / "waits", "waits")
    box.call("import", str(tmp_path / "image.tar"), "localhost/musl:1")
    yield "localhost/musl:1"
    box.call("rmi", "localhost/musl:1")


def test_a_program_for_musl_does_not_start(box: engine.Engine, musl: str) -> None:
    """Up says how it has ended, and takes all back; without `mptcpize on` the same program runs."""
    text = f"""
lab wrapped
container a image "{musl}" command "/waits" options "--stop-signal KILL"
host b
link a -- b
"""
    with live.running(lab_of(by(box, text))):
        assert drifts(by(box, text)) == []
    result = lab_of(by(box, text.replace("options", "mptcpize on ready 80 options"))).up()
    assert result.returncode == 1
    assert "the container wrapped-a has ended with 127" in result.stderr
