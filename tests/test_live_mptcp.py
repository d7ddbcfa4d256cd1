"""MPTCP carries more than one path does, by the receiver's count; TCP and MPTCP of a test share one run."""

import live
import pytest

pytestmark = pytest.mark.live


def gain(lab: live.Lab, server: str, client: str, *options: str) -> float:
    """How many times more MPTCP carries than one TCP connection."""
    ends = lab.ns(server), lab.ns(client), server
    tcp = live.iperf(*ends, options=options)
    return live.iperf(*ends, mptcp=True, options=options) / tcp


def test_either_side_opens() -> None:
    with live.running(live.lab_of("either", live.DIAMOND + "mptcp a -- b")) as lab:
        assert gain(lab, "b", "a") >= 1.7
        assert gain(lab, "a", "b") >= 1.7


def test_client_opens() -> None:
    """The data of a connection that a opens may flow both ways."""
    with live.running(live.lab_of("client", live.DIAMOND + "mptcp a -> b")) as lab:
        assert gain(lab, "b", "a") >= 1.7
        assert gain(lab, "b", "a", "--reverse") >= 1.7


def test_three_equal_paths() -> None:
    with live.running(live.lab_of("three", live.THREE + "mptcp a -- b")) as lab:
        assert gain(lab, "b", "a") >= 2.4


def test_unequal_paths_carry_more_than_the_faster() -> None:
    """The interfaces of b have names, so one TCP connection can be sent over each path by itself."""
    with live.running(live.lab_of("unequal", live.UNEQUAL + "mptcp a -- b")) as lab:
        ends = lab.ns("b"), lab.ns("a")
        alone = [live.iperf(*ends, name) for name in ("c.b", "d.b")]
        assert live.iperf(*ends, "b", mptcp=True) > max(alone)


def test_without_mptcp_there_is_no_gain() -> None:
    """The same diamond without the `mptcp` line: the gain is that line's doing."""
    with live.running(live.lab_of("plain", live.DIAMOND)) as lab:
        assert gain(lab, "b", "a") < 1.3
