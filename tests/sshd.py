"""Real sshd and ssh, with keys of their own: one on a port of loopback, and what machines have."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import live
import pytest

PORT = 2222

DAEMON = """\
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/own.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
Subsystem sftp internal-sftp
"""
CLIENT = """\
Host *
  Port {port}
  User {user}
  IdentityFile {folder}/own
  UserKnownHostsFile {folder}/known
  StrictHostKeyChecking yes
  BatchMode yes
  ConnectTimeout 10
  ServerAliveInterval 2
"""
WRAPPER = '#!/bin/sh\nexec {program} -F {folder}/client "$@"\n'


class Configured(NamedTuple):
    """The command of a daemon, and a folder for the PATH whose `ssh` and `sftp` know the hosts."""

    daemon: tuple[str, ...]
    tools: Path


def configure(folder: Path, hosts: Mapping[str, str], user: str = "root") -> Configured:
    """Writes keys, a daemon's configuration and a client's, which knows addresses by alias."""
    sshd, ssh, sftp = (shutil.which(name, path="/usr/sbin:/usr/bin") for name in ("sshd", "ssh", "sftp"))
    if not (sshd and ssh and sftp):
        pytest.skip("ssh needs openssh-server and openssh-client")
    for name in ("host", "own"):
        live.succeed("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name)
    key = " ".join((folder / "host.pub").read_text().split()[:2])
    (folder / "known").write_text("".join(f"[{one}]:{PORT} {key}\n" for one in hosts.values()))
    aliases = "".join(f"Host {alias}\n  HostName {address}\n" for alias, address in hosts.items())
    (folder / "daemon").write_text(DAEMON.format(port=PORT, folder=folder))
    (folder / "client").write_text(aliases + CLIENT.format(port=PORT, user=user, folder=folder))
    tools = folder / "bin"
    tools.mkdir()
    for name, program in (("ssh", ssh), ("sftp", sftp)):
        (tools / name).write_text(WRAPPER.format(program=program, folder=folder))
        (tools / name).chmod(0o755)
    return Configured((sshd, "-D", "-e", "-f", str(folder / "daemon")), tools)


def answers(tools: Path, host: str) -> bool:
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
    return (
        subprocess.run(["ssh", host, "true"], env=environment, capture_output=True, check=False).returncode
        == 0
    )


@contextmanager
def running(folder: Path) -> Iterator[Path]:
    """Runs a daemon on loopback; gives a folder for the PATH whose `ssh` knows it as `lab`."""
    daemon, tools = configure(folder, {"lab": "127.0.0.1"})
    command = [*daemon, "-o", "ListenAddress=127.0.0.1"]
    with _empty_folder(), subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            live.wait_until(lambda: answers(tools, "lab"))
            yield tools
        finally:
            process.terminate()


@contextmanager
def _empty_folder() -> Iterator[None]:
    """Has the folder that sshd changes its root to."""
    folder = Path("/run/sshd")
    made = not folder.exists()
    folder.mkdir(mode=0o755, exist_ok=True)
    yield
    if made:
        folder.rmdir()
