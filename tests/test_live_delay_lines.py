"""The effects of netem on packets, measured at the ends of its link.

Apart from `delay`, each attribute is set in one direction, so that only requests are affected. The shares are
large, so that few packets measure them well.
"""

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from math import sqrt

import live
import packets
import pytest
from packets import Echoes

pytestmark = [pytest.mark.live, pytest.mark.every_kernel("netem")]

FAR = ("10.9.0.2", "fd00:9::2")
NAMES = ("delay", "jitter", "loss", "duplicate", "corrupt", "reorder")
TOPOLOGY = """
routing none
host a b
link a:delay -- b:delay  delay 20ms
link a:jitter -- b:jitter
link a:loss -- b:loss
link a:duplicate -- b:duplicate
link a:corrupt -- b:corrupt
link a:reorder -- b:reorder
link a:far -- b:far  delay 1600ms address 10.9.0.1/30 10.9.0.2/30 address fd00:9::1/64 fd00:9::2/64
shape a -> b:jitter  delay 20ms jitter 8ms
shape a -> b:loss  loss 20%
shape a -> b:duplicate  duplicate 50%
shape a -> b:corrupt  corrupt 20%
shape a -> b:reorder  delay 40ms reorder 50%
"""
LATE = 2.0
"""The most milliseconds of the fastest packet beyond its delay, in an emulated machine too."""
PACKETS = 1000


@pytest.fixture(scope="module")
def lab() -> Iterator[live.Lab]:
    with live.running(live.lab_of("lines", TOPOLOGY)) as lab:
        yield lab


@pytest.fixture(scope="module")
def pinged(lab: live.Lab) -> dict[str, Echoes]:
    """Pings all links in parallel, for ten seconds, after neighbour discovery."""
    options = ("-c", str(PACKETS), "-i", "0.01", "-W", "1")
    return packets.pinged(lab, NAMES, *options, seconds=60)


def about(share: float) -> object:
    """A share of the packets, within five standard deviations of a binomial distribution."""
    return pytest.approx(share, abs=5 * sqrt(share * (1 - share) / PACKETS))


def test_delay_is_one_way(pinged: dict[str, Echoes]) -> None:
    """The minimum counts, as load of the machine only adds delay."""
    of = pinged["delay"]
    assert 40 <= min(of.times) < 40 + LATE
    assert of.share == 1
    assert of.extra == 0


def test_jitter_varies_the_delay_by_as_much(pinged: dict[str, Echoes]) -> None:
    """12 to 28 ms, uniformly: a tenth takes more than 26.4 ms."""
    of = pinged["jitter"]
    assert 12 <= min(of.times) < 12 + LATE
    assert of.quantile(0.9) > 26.4 - LATE / 2
    assert of.share == 1


def test_jitter_keeps_the_order(pinged: dict[str, Echoes]) -> None:
    """Pings are sent 10 ms apart and take up to 16 ms longer than the next: 7 % would be overtaken unordered.

    A veth delivers packets on the sender's processor, so a few may be reordered if that changes.
    """
    sequence = pinged["jitter"].sequence
    overtaken = sum(later < earlier for earlier, later in pairwise(sequence))
    assert overtaken < PACKETS // 100


def test_a_neighbour_that_answers_late_is_found(lab: live.Lab) -> None:
    """After 3.2 s, later than the kernel's default limit; all waiting pings are sent then."""
    found = packets.side_by_side(lab.ns("a"), FAR, "-c", "3", "-W", "10", seconds=60)
    assert {target: of.answered for target, of in found.items()} == dict.fromkeys(FAR, 3)


def test_loss(pinged: dict[str, Echoes]) -> None:
    of = pinged["loss"]
    assert of.share == about(0.8)
    assert of.extra == 0


@pytest.mark.usefixtures("pinged")
def test_packets_of_one_piece_are_lost_one_by_one(lab: live.Lab) -> None:
    """A fifth of all segments is lost, and not of the GSO packets, of which there are a tenth as many."""
    lost = packets.lost_of_pieces(lab, "loss", "loss.b", PACKETS // 10)
    assert lost / PACKETS == about(0.2)


def test_duplicate(pinged: dict[str, Echoes]) -> None:
    of = pinged["duplicate"]
    assert of.extra / of.sent == about(0.5)
    assert of.share == 1


def test_corrupt(lab: live.Lab, pinged: dict[str, Echoes]) -> None:
    """A flipped bit of 98 bytes is found by checksums: ICMP's in 64, none in 6 of the source's MAC."""
    assert pinged["corrupt"].share == about(1 - 0.2 * 92 / 98)
    shown = live.in_ns(lab.ns("b"), "nstat", "-asz", "IcmpInCsumErrors").stdout
    assert int(shown.split()[-2]) > PACKETS * 0.2 * 64 / 98 / 2


def test_reorder_sends_a_share_without_delay(pinged: dict[str, Echoes]) -> None:
    of = pinged["reorder"]
    assert sum(time < 20 for time in of.times) / of.sent == about(0.5)
    assert list(of.sequence) != sorted(of.sequence)
    assert of.share == 1


@pytest.fixture(scope="module")
def queued() -> Iterator[live.Lab]:
    """A lab with delay lines and rates, after neighbour discovery."""
    topology = """
        routing none
        host a b
        link a:product -- b:product  rate 10mbit delay 20ms
        link a:packets -- b:packets  rate 200kbit delay 10ms queue 30p
        link a:bytes -- b:bytes  rate 200kbit delay 10ms queue 45420b
        link a:way -- b:way  rate 1mbit delay 500ms queue 8p
        route a to 192.0.2.1 via b:product
        route a to 192.0.2.2 via b:packets
        route a to 192.0.2.3 via b:bytes
        route a to 192.0.2.4 via b:way
    """
    with live.running(live.lab_of("queued", topology)) as lab:
        for name in ("product", "packets", "bytes", "way"):
            assert live.pings(lab.ns("a"), f"{name}.b")
        yield lab


def test_rate_with_delay_loses_nothing_that_nobody_asked_for(queued: live.Lab) -> None:
    """50 frames at once are more than the 34 that a sender has in flight in a round trip."""
    assert packets.carried(queued, "product", "192.0.2.1", 50).frames == 50


def test_rate_with_delay_is_reached(queued: live.Lab) -> None:
    send = partial(live.iperf, queued.ns("b"), queued.ns("a"), "product.b")
    expected = 0.95 * 10e6
    assert live.most(send, enough=0.9 * expected) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize(("link", "target"), [("packets", "192.0.2.2"), ("bytes", "192.0.2.3")])
def test_a_queue_is_as_long_in_either_unit(queued: live.Lab, link: str, target: str) -> None:
    """Of more frames at once, 4 leave, one is being sent, and 30 wait; one leaves in 60 ms."""
    found = packets.carried(queued, link, target, 60)
    assert 34 <= found.frames <= 36 + found.seconds * 200_000 / (8 * packets.FRAME)


def test_what_is_under_way_is_not_in_the_queue(queued: live.Lab) -> None:
    """40 frames are in flight for half a second, at little less than the rate; 8 may wait."""
    assert packets.carried(queued, "way", "192.0.2.4", 40, pause=0.013).frames == 40
