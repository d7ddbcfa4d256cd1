"""podman and docker for live tests: with a store of its own, and an image of this machine's programs."""

import os
import re
import shutil
import signal
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import kernel
import live
import pytest

IMAGE = "localhost/mpc-test:1"
TOOLS = ("runc", "busybox", "redis-cli", "redis-check-rdb", "redis-benchmark", "iperf3")
PROGRAMS = {name: f"usr/bin/{name}" for name in TOOLS[2:]} | {"redis-check-rdb": "usr/bin/redis-server"}
"""What the image has beside busybox. The server of redis is the program redis-check-rdb by another name."""

STORE = """
[storage]
driver = "overlay"
graphroot = "{0}/graph"
runroot = "{0}/run"
"""
ENGINE = """
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "none"
lock_type = "file"
tmp_dir = "{0}/engine"
"""


class Engine:
    """An engine by its name, and the daemon of docker."""

    def __init__(self, name: str, daemon: "Daemon | None") -> None:
        self.name = name
        self.daemon = daemon

    def call(self, *arguments: str, seconds: float = 60) -> str:
        return live.succeed(self.name, *arguments, seconds=seconds)

    def containers(self) -> list[str]:
        """The names of all containers, also of those that podman has only begun to make."""
        begun = ["--external"] if self.name == "podman" else []
        return sorted(self.call("ps", "--all", *begun, "--format", "{{.Names}}").split())

    def volumes(self) -> list[str]:
        return self.call("volume", "ls", "--quiet").split()

    def logs(self, name: str) -> str:
        """What a container has printed, on both of its streams."""
        found = live.run(self.name, "logs", name)
        return found.stdout + found.stderr


@contextmanager
def private(name: str, folder: Path) -> Iterator[Engine]:
    """Has an engine keep all that it has in a folder, which is gone with it, and know the image."""
    if missing := [tool for tool in (SERVER[name], *TOOLS) if not shutil.which(tool)]:
        pytest.skip(f"containers of {name} need {', '.join(missing)}")
    with ExitStack() as stack:
        live.succeed("mount", "-t", "tmpfs", "tmpfs", str(folder))
        stack.callback(live.run, "umount", "--recursive", "--lazy", str(folder))
        found = Engine(name, stack.enter_context(_podman(folder) if name == "podman" else _docker(folder)))
        write_image(folder / "image.tar")
        found.call("import", str(folder / "image.tar"), IMAGE, seconds=120)
        try:
            yield found
        finally:
            for one in found.containers():
                live.run(name, "rm", "--force", one)


SERVER = {"podman": "podman", "docker": "dockerd"}


@contextmanager
def _podman(folder: Path) -> Iterator[None]:
    files = {"CONTAINERS_STORAGE_CONF": STORE, "CONTAINERS_CONF": ENGINE}
    for name, text in files.items():
        (folder / name).write_text(text.format(folder))
    with _environment({name: str(folder / name) for name in files}):
        yield


class Daemon:
    """A dockerd with all that it has in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = f"unix://{folder}/docker.sock"
        self.start()

    def start(self) -> None:
        """Waits until it answers; skips the test where it cannot run."""
        argv = ["dockerd", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--bridge=none"]
        argv += ["--host", self.socket]
        argv += ["--data-root", f"{self.folder}/data", "--exec-root", f"{self.folder}/exec"]
        argv += ["--pidfile", f"{self.folder}/pid"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(argv, stdout=log, stderr=log)
        live.wait_until(lambda: self._answers() or self.process.poll() is not None, 60)
        if self.process.poll() is not None:
            pytest.skip(f"dockerd does not run here: {(self.folder / 'log').read_text()[-500:]}")

    def _answers(self) -> bool:
        return live.run("docker", "--host", self.socket, "version").returncode == 0

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(sign)
        self.process.wait(60)


@contextmanager
def _docker(folder: Path) -> Iterator[Daemon]:
    """The daemon, and the client of its own package."""
    with _environment({"PATH": f"/usr/bin:{os.environ['PATH']}"}):
        daemon = Daemon(folder)
        try:
            with _environment({"DOCKER_HOST": daemon.socket}):
                yield daemon
        finally:
            daemon.stop()


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Has variables of the environment for a while."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


def write_image(path: Path) -> None:
    """Writes a root file system of busybox and the programs with their libraries."""
    box = shutil.which("busybox") or ""
    found = {name: shutil.which(name) or "" for name in PROGRAMS}
    linked = live.run("ldd", *found.values()).stdout
    with tarfile.open(path, "w") as archive:
        for name in ("tmp", "proc", "sys", "dev", "etc", "run"):
            archive.addfile(_entry(name, tarfile.DIRTYPE))
        archive.add(os.path.realpath(box), "bin/busybox")
        for applet in live.succeed(box, "--list").split():
            if applet != "busybox":
                archive.addfile(_entry(f"bin/{applet}", tarfile.SYMTYPE, "/bin/busybox"))
        for name, inside in PROGRAMS.items():
            archive.add(os.path.realpath(found[name]), inside)
        for library in sorted(set(re.findall(r"(/\S+) \(0x", linked))):
            archive.add(os.path.realpath(library), library.lstrip("/"))


def _entry(name: str, kind: bytes, to: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname, entry.mode = kind, to, 0o755
    return entry


@contextmanager
def nothing_left(box: Engine) -> Iterator[None]:
    """Holds that the machine is as before in the end, and that the engine has nothing."""
    before = kernel.snapshot()
    yield
    kernel.assert_same(before, kernel.snapshot())
    assert box.containers() == box.volumes() == []
