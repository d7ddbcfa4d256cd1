"""The kernel accepts all quantities within the bounds of the language reference."""

from typing import Any

import kernel
import live
import pytest
from bounds import BOUNDS

pytestmark = [pytest.mark.live, pytest.mark.every_kernel("netem")]

# All quantities at their bounds; each on its own link, as netem does not limit a rate.
TOPOLOGY = f"""
routing none
host a b
link a:low -- b:low  rate {BOUNDS["rate"].least}
link a:high -- b:high  rate {BOUNDS["rate"].most} queue {BOUNDS["queue length"].most}
link a:long -- b:long  rate 1gbit burst {BOUNDS["size"].most} queue {BOUNDS["size"].most}
link a:late -- b:late  delay {BOUNDS["delay"].most} jitter {BOUNDS["jitter"].most}
link a:rare -- b:rare  loss {BOUNDS["share"].step} corrupt {BOUNDS["share"].most}
"""


def _options(lab: live.Lab, name: str) -> dict[str, Any]:
    """The options of each queueing discipline of an interface in the kernel, by kind."""
    rows = kernel.rows("tc", "-n", lab.ns("a"), "-j", "qdisc", "show", "dev", name)
    return {row["kind"]: row["options"] for row in rows}


def test_the_kernel_has_what_is_told() -> None:
    with live.running(live.lab_of("bounds", TOPOLOGY)) as lab:
        rows = {name: _options(lab, name) for name in ("low", "high", "long", "late", "rare")}
    assert rows["low"]["tbf"]["rate"] == 1
    assert rows["high"]["tbf"]["rate"] == pytest.approx(2**60)
    assert rows["high"]["pfifo"]["limit"] == 2**32 - 1
    assert rows["long"]["tbf"]["burst"] == pytest.approx(2**32 - 1, rel=1e-6)
    assert rows["late"]["netem"]["delay"]["delay"] == pytest.approx(274.877906, rel=1e-5)
    assert rows["late"]["netem"]["delay"]["jitter"] == pytest.approx(2.147483, rel=1e-5)
    assert rows["rare"]["netem"]["loss-random"]["loss"] == pytest.approx(1e-8, rel=0.05)
    assert rows["rare"]["netem"]["corrupt"]["corrupt"] == 1
