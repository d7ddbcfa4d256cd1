"""The effects of a rate, a burst and a queue on packets, measured at the ends of the link."""

from collections.abc import Iterator
from functools import partial

import live
import packets
import pytest

pytestmark = [pytest.mark.live, pytest.mark.every_kernel]

TOPOLOGY = """
routing none
host a b
link a:rate -- b:rate  rate 2mbit
link a:burst -- b:burst  rate 200kbit burst 64kb
link a:packets -- b:packets  rate 200kbit queue 20p
link a:bytes -- b:bytes  rate 200kbit queue 60kb
link a:pieces -- b:pieces  rate 200kbit burst 31260b queue 20p
link a:low -- b:low  rate 8bit burst 60kb queue 1p
route a to 192.0.2.1 via b:burst
route a to 192.0.2.2 via b:packets
route a to 192.0.2.3 via b:bytes
route a to 192.0.2.4 via b:pieces
route a to 192.0.2.5 via b:low
"""
# Frames that a burst of so many bytes, or a queue, holds.
BURST, QUEUE = 64 * 1024 // packets.FRAME, 60 * 1024 // packets.FRAME
LEAST = 4
"""The least default size of a burst and of a queue in frames, at low rates."""
RATE = 200_000 / (8 * packets.FRAME)
"""Frames a second that leave during sending."""


@pytest.fixture(scope="module")
def lab() -> Iterator[live.Lab]:
    """The lab, after neighbour discovery."""
    with live.running(live.lab_of("rates", TOPOLOGY)) as lab:
        for name in ("rate", "burst", "packets", "bytes", "pieces", "low"):
            assert live.pings(lab.ns("a"), f"{name}.b")
        yield lab


def test_rate_is_that_of_frames(lab: live.Lab) -> None:
    """1.5 times the rate is offered, in frames of 1442 bytes with 1400 bytes of data."""
    options = ["--udp", "--bitrate", "3M", "--length", "1400"]
    offer = partial(live.iperf, lab.ns("b"), lab.ns("a"), "rate.b", seconds=3, options=options)
    expected = 2e6 * 1400 / 1442
    assert live.most(offer, enough=0.9 * expected) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize(
    ("link", "target", "held"),
    [
        ("burst", "192.0.2.1", BURST + LEAST),
        ("packets", "192.0.2.2", LEAST + 20),
        ("bytes", "192.0.2.3", LEAST + QUEUE),
    ],
)
def test_burst_and_queue_hold_so_much_and_no_more(lab: live.Lab, link: str, target: str, held: int) -> None:
    """Of many frames at once, the burst leaves and the queue is filled; the rest is lost."""
    found = packets.carried(lab, link, target, 80)
    assert held <= found.frames <= held + 1 + found.seconds * RATE


def test_a_queue_takes_pieces_apart(lab: live.Lab) -> None:
    """Of 20 GSO packets of ten segments, the burst holds 30 segments and the queue 20, not 20 GSO packets."""
    assert 50 <= packets.carried_of_pieces(lab, "pieces", "192.0.2.4", 20) <= 100


def test_a_burst_is_kept_at_the_lowest_rate(lab: live.Lab) -> None:
    """It takes 17 hours at 8 bit/s. A remainder below a full frame would still pass a ping."""
    assert packets.passed(lab, "low", "192.0.2.5", 60) == 60 * 1024 // packets.FRAME
