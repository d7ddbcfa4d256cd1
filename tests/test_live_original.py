"""The pinned original makes, on the kernel, what the hand-written script made."""

from typing import Any

import kernel
import live
import pytest
from original import ORIGINAL

pytestmark = pytest.mark.live

TOPOLOGY = live.GOLDEN / "original.topo"


@pytest.fixture(scope="module")
def lab() -> live.Lab:
    return live.lab_of("original", TOPOLOGY, prefix="device")


def as_with_dummies(facts: dict[str, Any]) -> dict[str, Any]:
    """Facts as they are where the kernel has dummy devices; see `live.without_dummy`."""
    links = {
        name: what.replace("ifb", "dummy") if name.startswith("dummy") else what
        for name, what in facts["links"].items()
    }
    return facts | {"links": links}


def test_kernel_state_is_that_of_the_original(lab: live.Lab) -> None:
    with live.host_unchanged(lab), live.running(lab):
        found = {ns: as_with_dummies(kernel.facts(ns)) for ns in ORIGINAL}
    for ns, facts in ORIGINAL.items():
        assert found[ns] == facts, ns


def test_script_asks_for_dummies() -> None:
    """What the live comparison has replaced on a kernel without dummies is there in the script."""
    script = live.compiled(TOPOLOGY, "--style", "plain")
    assert "name dummy0 type dummy" in script
    assert "name dummy1 type dummy" in script


def test_mptcp_gains_over_one_path(lab: live.Lab) -> None:
    """The original's own shaping gains nothing (`make bench`); the same lab shaped where links leave does.

    Less surely than a lab whose endpoints are inferred: three subflows share its two paths.
    """
    with live.running(lab):
        gain = live.gain("deviceb", "devicea", "b", enough=1.5, seconds=10, rounds=3)
    assert gain >= 1.5
