"""Ansible beside machines: playbooks of a lab that `mpc compile -o` wrote, run by ansible-playbook."""

import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import live
import pytest
from machines import Machines

SCRIPTS = Path(sysconfig.get_path("scripts"))


def environment(own: Machines, home: Path) -> dict[str, str]:
    """Where Ansible finds programs and machines, and keeps what it makes.

    A connection that stayed for the next play would be one to a machine that is off by then.
    """
    return {
        "ANSIBLE_HOME": str(home),
        "ANSIBLE_LOCAL_TEMP": str(home / "tmp"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_SSH_ARGS": "-o ControlMaster=auto -o ControlPersist=1s",
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(home / "cp"),
        "PATH": f"{SCRIPTS}:{own.environment['PATH']}",
    }


class Playbooks:
    """The playbooks of a lab in a folder, for machines that are there."""

    def __init__(self, own: Machines, text: str, folder: Path, home: Path) -> None:
        self.folder = folder
        topology = folder / "wide.topo"
        topology.write_text(text)
        live.succeed(live.MPC, "compile", "-o", folder / "out", topology, seconds=90)
        self.environment = own.environment | environment(own, home) | {"PWD": str(folder)}

    def command(self, kind: str, *options: str) -> list[str]:
        return ["ansible-playbook", "-i", "out/wide.inventory.yml", f"out/wide.{kind}.yml", *options]

    def run(self, kind: str, *options: str, seconds: float = 120) -> live.Result:
        return subprocess.run(
            live.bounded(seconds, *self.command(kind, *options)),
            cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def start(self, kind: str, *options: str) -> subprocess.Popen[str]:
        """Begins a play, which is one that can be interrupted."""
        return subprocess.Popen(
            self.command(kind, *options),
            cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip

    def succeed(self, kind: str, *options: str) -> str:
        result = self.run(kind, *options)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout


@contextmanager
def home() -> Iterator[Path]:
    """A folder for Ansible's own files, with a short name, as those of sockets are short."""
    if not (SCRIPTS / "ansible-playbook").exists():
        pytest.skip("playbooks need ansible-core")
    with TemporaryDirectory(prefix="mpc", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def playbooks(own: Machines, text: str, folder: Path) -> Iterator[Playbooks]:
    """Compiles a lab into a folder, for some machines."""
    folder.mkdir(exist_ok=True)
    with home() as kept:
        yield Playbooks(own, text, folder, kept)
