"""The original, with its addresses pinned, has the kernel state of the hand-written script."""

from pathlib import Path
from typing import Any

import kernel
import live
import machine
import pytest
from original import ORIGINAL

pytestmark = pytest.mark.live

TOPOLOGY = live.GOLDEN / "original.topo"


@pytest.fixture(scope="module")
def lab() -> live.Lab:
    return live.lab_of("original", TOPOLOGY, prefix="device")


def as_with_dummies(facts: dict[str, Any]) -> dict[str, Any]:
    """Facts as on a kernel with dummy devices; see `live.without_dummy`."""
    if machine.has("dummy"):
        return facts
    links = {
        name: what.replace("ifb", "dummy") if name.startswith("dummy") else what
        for name, what in facts["links"].items()
    }
    return facts | {"links": links}


@pytest.mark.every_kernel
def test_kernel_state_is_that_of_the_original(lab: live.Lab) -> None:
    with live.host_unchanged(lab), live.running(lab):
        found = {ns: as_with_dummies(kernel.facts(ns)) for ns in ORIGINAL}
    for ns, facts in ORIGINAL.items():
        assert found[ns] == facts, ns


@pytest.mark.every_kernel("dummy", "guest")
def test_loading_dummy_makes_no_device_on_the_host() -> None:
    """The module makes a device in the host's namespace, unless it is told not to."""
    live.succeed("modprobe", "-r", "dummy")
    assert not Path("/sys/module/dummy").exists()
    loading = live.lab_of("loading", "host a address 10.0.0.1/32 on dummy0")
    with live.host_unchanged(loading), live.running(loading):
        assert kernel.links("loading-a")["dummy0"].startswith("dummy up")


def test_mptcp_gains_over_one_path(lab: live.Lab) -> None:
    """The original's own shaping gains nothing (`make bench`); shaping at the sending ends does.

    The gain is smaller than with inferred endpoints: three subflows share two paths.
    """
    with live.running(lab):
        gain = live.gain("deviceb", "devicea", "b", enough=1.5, seconds=10, rounds=3)
    assert gain >= 1.5
