"""Containers where there are cgroups of version 2 alone, as in guests and on most machines."""

from pathlib import Path

import engine
import live
import pytest
from test_live_containers import drifts, lab_of

pytestmark = pytest.mark.live

LAB = f"""
lab limited
container a image "{engine.IMAGE}" command "sleep 9999" options "--memory 64m --stop-signal KILL" ready "true"
host b
link a -- b
"""


@pytest.mark.every_kernel("cgroup2")
def test_a_container_has_its_limit_and_its_network(tmp_path: Path) -> None:
    """By podman: also after a restart; and nothing is left."""
    with engine.private("podman", tmp_path) as box, engine.nothing_left(box), live.running(lab_of(LAB)):
        assert drifts(LAB) == []
        box.call("restart", "--time", "0", "limited-a")
        assert drifts(LAB) == []
        assert box.call("exec", "limited-a", "cat", "/sys/fs/cgroup/memory.max").split() == ["67108864"]
        live.succeed("ip", "netns", "exec", "limited-b", "ping", "-c", "1", "-w", "5", "a")
