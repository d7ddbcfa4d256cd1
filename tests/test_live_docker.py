"""What docker does otherwise than podman: containers beside an anchor, by a daemon that may fail."""

import io
import re
import signal
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import engine
import live
import pytest
from test_live_containers import PAIR, QUICK, by, drifts, hurried, lab_of

pytestmark = pytest.mark.live


@pytest.fixture(scope="module", autouse=True)
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[engine.Engine]:
    with engine.private("docker", tmp_path_factory.mktemp("docker")) as found:
        yield found


@pytest.fixture(autouse=True)
def nothing_left(box: engine.Engine) -> Iterator[None]:
    """After each test the machine is as before, and the engine has nothing."""
    with engine.nothing_left(box):
        yield


def test_what_is_started_again_is_in_its_namespace(box: engine.Engine) -> None:
    """After the end of an anchor, and of the daemon by SIGKILL; a check tells what has ended."""
    text = by(box, PAIR)
    assert box.daemon
    with live.running(lab_of(text)):
        box.call("kill", "boxes-a.net")
        live.wait_until(lambda: "Exited" in box.call("ps", "-a", "--format", "{{.Status}}"))
        assert drifts(text) == ["missing: the container boxes-a.net, which has ended with 137 (SIGKILL)"]
        box.call("start", "boxes-a.net")
        box.call("restart", "--time", "0", "boxes-a")
        assert drifts(text) == []
        box.daemon.stop(signal.SIGKILL)
        assert live.run("docker", "ps").returncode
        box.daemon.start()
        box.call("start", "boxes-a.net", "boxes-b.net")
        box.call("restart", "--time", "0", "boxes-a", "boxes-b")
        assert drifts(text) == []


def test_a_daemon_that_is_gone_keeps_the_claim(box: engine.Engine) -> None:
    """And down is run again when it is there: also what goes on without it is taken away."""
    lab = lab_of(by(box, PAIR))
    assert box.daemon
    with live.running(lab):
        box.daemon.stop(signal.SIGKILL)
        result = lab.down()
        assert result.returncode == 1
        assert "docker does not answer: " in result.stderr
        assert Path("/run/mpc-boxes").exists()
        assert lab.up().returncode == 1
        box.daemon.start()
    assert box.containers() == []


def test_a_daemon_that_hangs(box: engine.Engine, tmp_path: Path) -> None:
    """It is stopped by SIGSTOP: up ends without a change, and down keeps the claim."""
    lab = lab_of(by(box, PAIR))
    assert box.daemon
    with live.running(lab):
        box.daemon.process.send_signal(signal.SIGSTOP)
        try:
            result = hurried(lab.down_script, tmp_path)
            other = hurried(lab_of(by(box, PAIR).replace("lab boxes", "lab others")).up_script, tmp_path)
        finally:
            box.daemon.process.send_signal(signal.SIGCONT)
        assert result.returncode == other.returncode == 1
        for said in ("waiting for docker ps", "docker does not answer: `docker ps` has not ended in "):
            assert said in result.stderr
            assert said in other.stderr
        assert "  docker that answers\n" in other.stderr
        assert Path("/run/mpc-boxes").exists()
    assert box.containers() == []


def test_an_image_says_nothing_to_an_anchor(box: engine.Engine, tmp_path: Path) -> None:
    """Not who runs, what is preloaded, how its health is tried; and it needs no program of the image."""
    with tarfile.open(tmp_path / "image.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo("sleep"), io.BytesIO())
    said = ["USER 1000", "ENV LD_PRELOAD=/x.so LD_LIBRARY_PATH=/x", "VOLUME /data", "HEALTHCHECK CMD false"]
    said += ['ENTRYPOINT ["/host/usr/bin/sleep", "9999"]']
    box.call("import", *(f"--change={one}" for one in said), str(tmp_path / "image.tar"), "bare:1")
    mounts = "".join(f" -v {at}:{at}:ro" for at in ("/lib", "/lib64") if Path(at).exists())
    text = f"""
lab bare
container a b image "bare:1" engine docker options "{QUICK} -v /usr:/host/usr:ro{mounts}"
link a -- b
"""
    with live.running(lab_of(text)):
        assert drifts(text) == []
        asked = "{{.State.Pid}} {{.State.Health}} {{.Config.User}}"
        pid, health, user = box.call("inspect", "--format", asked, "bare-a.net").split()
        assert (health, user) == ("<nil>", "0")
        assert Path("/proc", pid, "comm").read_text() == "sleep\n"
        # SYS_ADMIN alone is bit 21.
        status = Path("/proc", pid, "status").read_text()
        assert "CapEff:\t0000000000200000\n" in status
        assert box.call("inspect", "--format", "{{.Config.User}}", "bare-a").split() == ["1000"]
    box.call("rmi", "bare:1")


def test_two_engines_in_one_lab(box: engine.Engine, tmp_path: Path) -> None:
    """Each has its own containers, and both are gone with the lab."""
    text = PAIR.replace("container a b", "container a").replace(
        "link", by(box, PAIR).split("\n")[2].replace(" a b ", " b ") + "\nlink", 1
    )
    with engine.private("podman", tmp_path) as other:
        with live.running(lab_of(text)):
            assert drifts(text) == []
            assert other.containers() == ["boxes-a"]
            assert box.containers() == ["boxes-b", "boxes-b.net"]
        assert other.containers() == box.containers() == []


def test_a_daemon_of_another_machine_is_refused(box: engine.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.1:2375")
    result = lab_of(by(box, PAIR)).up()
    monkeypatch.undo()
    assert result.returncode == 1
    assert "docker on this machine: the environment names another" in result.stderr


def test_what_is_not_ready_fails_up_in_its_time(box: engine.Engine) -> None:
    """A command that takes 5 seconds each time it is asked is asked for half a minute, not 100 times."""
    lab = lab_of(by(box, PAIR).replace('ready "true"', 'ready "sleep 9999"'))
    began = time.monotonic()
    result = lab.up()
    assert result.returncode == 1
    assert "is not ready: sleep 9999 does not succeed" in result.stderr
    assert time.monotonic() - began < 120


def test_an_anchor_that_cannot_enter_fails_up(box: engine.Engine, tmp_path: Path) -> None:
    """As where the daemon's user namespace gives no right to: here docker is told not to give that."""
    (tmp_path / "docker").write_text(
        '#!/bin/bash\nexec /usr/bin/docker "${@/#SYS_ADMIN/CHOWN}"\n',
    )
    (tmp_path / "docker").chmod(0o755)
    result = lab_of(by(box, PAIR)).up(tmp_path)
    assert result.returncode == 1
    assert re.search("the container (boxes-[ab])\\.net does not enter the namespace \\1", result.stderr)
    assert "reassociate to namespace 'ns/net' failed: Operation not permitted" in result.stderr
