"""Machines that are not there: each with a network, processes, mounts, /run, /etc, /root and an sshd.

They are on one Ethernet, the bridge `lan` of this network, and may be on a second one, `data`. All share this
machine's kernel and its clock.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import live
import pytest
import sshd

NETWORKS = ("lan", "data")
APART = Path(__file__).with_name("apart")
BOOT = """\
mkdir /run/sshd
mount -t tmpfs tmpfs /root
install -m 644 "$KEY" /run/key
exec "$@"
"""
OWN_PACKAGES = """\
for folder in lib/dpkg cache/apt; do
  mkdir -p "/run/packages/$folder/upper" "/run/packages/$folder/work"
  own=upperdir=/run/packages/$folder/upper,workdir=/run/packages/$folder/work
  mount -t overlay overlay -o "lowerdir=/var/$folder,$own" "/var/$folder"
done
"""
WITHOUT_PYTHON = 'for path in /usr/bin/python3*; do mount --bind /dev/null "$path"; done\n'
WITH_USER = """\
echo "lab:x:1999:1999::/run/lab:/bin/bash" >>/etc/passwd
echo "lab:*:19000:0:99999:7:::" >>/etc/shadow
echo "lab:x:1999:" >>/etc/group
install -d -o 1999 -g 1999 /run/lab
echo "lab ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/lab
"""
"""A user who is not root, and may be by sudo."""


class Machines:
    """Machines m1, m2 and so on, with the addresses 192.0.2.1 and 2001:db8::1 and so on, which ssh knows by
    these names. On a second network they are 198.51.100.1 and so on.

    Bare ones have no Python, and ssh knows a user `lab` there, who may become root by sudo. What packages
    they have is their own.
    """

    def __init__(self, folder: Path, count: int, *, bare: bool = False) -> None:
        self.addresses = {f"m{number}": f"192.0.2.{number}" for number in range(1, count + 1)}
        self.configured = sshd.configure(folder, self.addresses, "lab" if bare else "root")
        self.boot = f"export KEY={folder}/own.pub\n{(OWN_PACKAGES + WITHOUT_PYTHON + WITH_USER) * bare}{BOOT}"
        self.environment = {**os.environ, "PATH": f"{self.configured.tools}:{os.environ['PATH']}"}
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def switch_on(self, name: str) -> None:
        """Boots a machine, and waits until its sshd answers."""
        key = ("-o", "AuthorizedKeysFile=/run/key")
        command = [str(APART), "sh", "-ec", self.boot, "sh", *self.configured.daemon, *key]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        self.running[name] = process
        own, its = Path("/proc/self/ns/net"), Path(f"/proc/{process.pid}/ns/net")
        live.wait_until(lambda: its.exists() and not its.samefile(own))
        number = int(name[1:])
        self._plug(name, "eth0", "lan", f"02:00:00:00:00:{number:02}", f"{self.addresses[name]}/24")
        self._in(name, "ip", "address", "add", f"2001:db8::{number}/64", "dev", "eth0", "nodad")
        self._plug(name, "eth1", "data", f"02:00:00:00:01:{number:02}", f"198.51.100.{number}/24")
        live.wait_until(lambda: sshd.answers(self.configured.tools, name))

    def _plug(self, name: str, card: str, network: str, mac: str, address: str) -> None:
        """Has a cable lead from a card of a machine to a network."""
        cable, peer = f"{name}-{network}", f"name {card} address {mac} netns {self.running[name].pid}".split()
        live.succeed("ip", "link", "add", "name", cable, "type", "veth", "peer", *peer)
        live.succeed("ip", "link", "set", "dev", cable, "master", network, "up")
        self._in(name, "ip", "address", "add", address, "dev", card)
        self._in(name, "ip", "link", "set", "dev", card, "up")

    def _in(self, name: str, *words: str) -> None:
        live.succeed("nsenter", f"--net=/proc/{self.running[name].pid}/ns/net", *words)

    def switch_off(self, name: str) -> None:
        """A machine loses its power: all that ran on it is gone."""
        if process := self.running.pop(name, None):
            process.kill()
            process.wait()
        for network in NETWORKS:
            live.run("ip", "link", "delete", "dev", f"{name}-{network}")

    def ssh(self, name: str, *words: str, stdin: str = "", seconds: float = 120) -> live.Result:
        """Runs a command on a machine."""
        return subprocess.run(
            live.bounded(seconds, "ssh", name, *words),
            input=stdin, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def start(self, name: str, command: str) -> subprocess.Popen[str]:
        """Has a machine run a command beside the test."""
        return subprocess.Popen(
            ["ssh", name, command], env=self.environment, stdout=subprocess.PIPE, text=True
        )

    def everywhere(self, scripts: dict[str, str], *arguments: str) -> dict[str, live.Result]:
        """Runs a script of bash on each machine, all at once."""

        def run(name: str) -> live.Result:
            return self.ssh(name, "bash", "-s", "--", *arguments, stdin=scripts[name])

        with ThreadPoolExecutor(len(scripts)) as pool:
            return dict(zip(scripts, pool.map(run, scripts), strict=True))

    def state(self, name: str) -> Sequence[str]:
        """What a lab may leave on a machine: namespaces, files, interfaces and ports of UDP."""
        files = "ls -d /etc/netns /run/netns /run/mpc-* 2>/dev/null"
        told = f"ip netns; {files}; ip -o link | cut -d: -f2 | cut -d@ -f1; ss -Huln"
        return sorted(self.ssh(name, told).stdout.splitlines())


@contextmanager
def machines(folder: Path, count: int, *, bare: bool = False) -> Iterator[Machines]:
    """Has some machines, until all of them are gone."""
    with ExitStack() as stack:
        if bare and not shutil.which("sudo"):
            pytest.skip("a user who may become root needs sudo")
        for network in NETWORKS:
            live.succeed("ip", "link", "add", "name", network, "type", "bridge")
            stack.callback(live.run, "ip", "link", "delete", "dev", network)
            live.succeed("ip", "link", "set", "dev", network, "up")
        live.succeed("ip", "address", "add", "192.0.2.254/24", "dev", "lan")
        own = Machines(folder, count, bare=bare)
        for name in own.addresses:
            stack.callback(own.switch_off, name)
            own.switch_on(name)
        yield own
