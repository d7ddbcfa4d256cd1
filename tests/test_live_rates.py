"""What a rate, a burst and a queue do to packets, measured from the ends of the link."""

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
"""Frames that a burst, and a queue, hold where none is written and the rate is low."""
RATE = 200_000 / (8 * packets.FRAME)
"""Frames a second that leave while the others are sent."""


@pytest.fixture(scope="module")
def lab() -> Iterator[live.Lab]:
    """Up, and with the neighbours found."""
    with live.running(live.lab_of("rates", TOPOLOGY)) as lab:
        for name in ("rate", "burst", "packets", "bytes", "pieces", "low"):
            assert live.pings(lab.ns("a"), f"{name}.b")
        yield lab


def test_rate_is_that_of_frames(lab: live.Lab) -> None:
    """Half as much again is offered, in frames of 1442 bytes with 1400 bytes of data."""
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
    """Of many frames at once, the burst leaves and the queue waits; the rest is lost."""
    found = packets.carried(lab, link, target, 80)
    assert held <= found.frames <= held + 1 + found.seconds * RATE


def test_a_queue_takes_pieces_apart(lab: live.Lab) -> None:
    """Of 20 pieces of ten packets each, the burst is 30 packets and the queue 20, and not 20 pieces."""
    assert 50 <= packets.carried_of_pieces(lab, "pieces", "192.0.2.4", 20) <= 100


def test_a_burst_is_kept_at_the_lowest_rate(lab: live.Lab) -> None:
    """It takes 17 hours at 8 bit/s. What is left of it by full frames was enough for a ping."""
    assert packets.passed(lab, "low", "192.0.2.5", 60) == 60 * 1024 // packets.FRAME
