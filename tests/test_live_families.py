"""The diamond with both families, and with IPv6 alone."""

from collections.abc import Iterator

import kernel
import live
import pytest

pytestmark = pytest.mark.live

DIAMOND = live.DIAMOND + "mptcp a -- b"
POOLS = {
    "dual": ("pool 10.0.0.0/8\npool fd00:10::/32", ["-4", "-6"]),
    "six": ("pool fd00:10::/32", ["-6"]),
}
CASES = [(name, family) for name, (_, families) in POOLS.items() for family in families]
PAIRS = ["ab", "ba", "ac", "ca", "db", "bd"]


@pytest.fixture(scope="module", params=CASES, ids="".join)
def case(request: pytest.FixtureRequest) -> Iterator[tuple[live.Lab, str]]:
    name, family = request.param
    with live.running(live.lab_of(name, POOLS[name][0] + DIAMOND)) as lab:
        yield lab, family


@pytest.mark.parametrize("pair", PAIRS)
def test_reaches_by_name(case: tuple[live.Lab, str], pair: str) -> None:
    lab, family = case
    assert live.pings(lab.ns(pair[0]), pair[1], family)


@pytest.mark.parametrize("name", ["c.b", "d.b", "a.c"])
def test_interfaces_have_names(case: tuple[live.Lab, str], name: str) -> None:
    lab, family = case
    assert live.pings(lab.ns("a"), name, family)


def test_mptcp_fills_both_paths(case: tuple[live.Lab, str]) -> None:
    lab, family = case
    ends = lab.ns("b"), lab.ns("a"), "b"
    assert live.gain(*ends, enough=1.7, options=[family]) >= 1.7


def test_ipv6_alone_has_no_ipv4() -> None:
    with live.running(live.lab_of("alone", POOLS["six"][0] + DIAMOND)) as lab:
        by_device = kernel.addresses(lab.ns("a"))
    assert by_device
    assert "." not in str(by_device.values())
