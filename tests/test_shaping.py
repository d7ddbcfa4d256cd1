"""Shaping: queue lengths, bursts, and which queueing disciplines a direction gets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labs import codes, end_of, lab_of

from compiler.backend.traffic import qdiscs
from compiler.frontend.units import Queue
from compiler.ir.lab import Reshaping, Shaping

FRAME = 1514
ALONE = "root handle 1: tbf rate 1000gbit burst 1514b limit 1514b"
"""Takes packets apart that are handed down in one piece."""


def shaping(attributes: str) -> Shaping:
    return end_of(lab_of(f"host a b\nlink a -- b {attributes}"), "a:b").shaping


def commands(attributes: str) -> list[str]:
    end = end_of(lab_of(f"host a b\nlink a -- b {attributes}"), "a:b")
    return [" ".join(words).removeprefix("qdisc add dev b ") for words in qdiscs(end)]


@pytest.mark.parametrize(
    ("attributes", "wanted"),
    [
        ("", []),
        ("rate 5mbit", ["root handle 1: tbf rate 5mbit burst 6056b limit 15625b"]),
        ("rate 1gbit", ["root handle 1: tbf rate 1gbit burst 500000b limit 3125000b"]),
        ("rate 5mbit burst 20kb", ["root handle 1: tbf rate 5mbit burst 20480b limit 15625b"]),
        ("rate 5mbit queue 64kb", ["root handle 1: tbf rate 5mbit burst 6056b limit 65536b"]),
        (
            "rate 5mbit queue 10p",
            ["root handle 1: tbf rate 5mbit burst 6056b limit 6056b", "parent 1:1 pfifo limit 10"],
        ),
        ("delay 20ms", ["root handle 1: netem limit 16513 delay 20ms"]),
        ("loss 1%", [ALONE, "parent 1:1 handle 10: netem limit 1000 loss 1%"]),
        (
            "loss 1% mtu 9000",
            [
                "root handle 1: tbf rate 1000gbit burst 9014b limit 9014b",
                "parent 1:1 handle 10: netem limit 1000 loss 1%",
            ],
        ),
        ("delay 1500us jitter 1ms", ["root handle 1: netem limit 2065 delay 1500us 1ms"]),
        ("rate 5mbit delay 20ms", ["root handle 1: netem limit 37 delay 20ms rate 5mbit"]),
        ("rate 5mbit delay 20ms queue 100p", ["root handle 1: netem limit 100 delay 20ms rate 5mbit"]),
        (
            "rate 5mbit delay 20ms queue 64kb",
            [
                "root handle 1: netem limit 16513 delay 20ms",
                "parent 1:1 handle 10: tbf rate 5mbit burst 6056b limit 65536b",
            ],
        ),
        (
            "rate 5mbit delay 20ms burst 10kb queue 100p",
            [
                "root handle 1: netem limit 16513 delay 20ms",
                "parent 1:1 handle 10: tbf rate 5mbit burst 10240b limit 10240b",
                "parent 10:1 pfifo limit 100",
            ],
        ),
        (
            "delay 1ms loss 0.1% duplicate 0.2%",
            [
                ALONE,
                "parent 1:1 handle 10: netem limit 1000 delay 1ms loss 0.1% duplicate 0.2%",
            ],
        ),
        (
            "delay 1ms corrupt 0.3% reorder 0.4%",
            [ALONE, "parent 1:1 handle 10: netem limit 1000 delay 1ms corrupt 0.3% reorder 0.4%"],
        ),
        (
            "rate 5mbit delay 20ms reorder 1% queue 100p burst 10kb",
            [
                ALONE,
                "parent 1:1 handle 10: netem limit 16513 delay 20ms reorder 1%",
                "parent 10:1 handle 20: tbf rate 5mbit burst 10240b limit 10240b",
                "parent 20:1 pfifo limit 100",
            ],
        ),
        ("queue 50p", []),
    ],
)
def test_disciplines(attributes: str, wanted: list[str]) -> None:
    assert commands(attributes) == wanted


@pytest.mark.parametrize("share", ["loss 1%", "duplicate 1%", "corrupt 1%", "reorder 1%"])
def test_events_that_bring_a_share_find_packets_alone(share: str) -> None:
    """So the kinds of a direction's queueing disciplines stay, and its events change them in place."""
    lab = lab_of(f"host a b\nlink a -- b delay 2ms\nat 1s shape a -> b {share}\nat 2s shape b -> a delay 9ms")
    assert [end_of(lab, name).shaping.alone for name in ("a:b", "b:a")] == [FRAME, None]
    changes = [change for event in lab.events for change in event.changes]
    assert [isinstance(one, Reshaping) and one.shaping.alone for one in changes] == [FRAME, None]


@pytest.mark.parametrize(
    "attribute", ["delay 0ms", "jitter 0ms", "loss 0%", "duplicate 0%", "delay 0ms loss 0%"]
)
def test_nothing_is_no_delay_line(attribute: str) -> None:
    """What takes back a default needs no discipline of its own."""
    assert commands(f"rate 5mbit {attribute}") == commands("rate 5mbit")
    assert commands(attribute) == []


@given(st.integers(1, 10_000), st.integers(1, 300), st.integers(0, 20), st.sampled_from([1400, 1500, 9000]))
def test_a_delay_line_holds_the_product(mbit: int, delay: int, jitter: int, mtu: int) -> None:
    """The bandwidth-delay product and more, in packets of full size."""
    own = shaping(f"rate {mbit}mbit delay {delay}ms jitter {jitter}ms mtu {mtu}")
    product = mbit * 10**6 / 8 * (delay + jitter) / 1000
    assert own.burst is None
    assert own.queue is not None
    assert own.queue.packets
    assert own.queue.amount * (mtu + 14) >= 3 * product


@given(st.integers(1000, 10**10))
def test_a_token_bucket_holds_a_fortieth_of_a_second(bits: int) -> None:
    own = shaping(f"rate {bits}bit")
    assert own.burst is not None
    assert own.queue == Queue(max(bits // 320, 4 * FRAME), packets=False)
    assert own.burst == max(bits // 2000, 4 * FRAME)


def test_a_delay_without_a_rate_holds_what_a_fast_link_sends() -> None:
    assert shaping("delay 100ms").held == -(-(10**10 // 8 // 10) // FRAME)


def test_each_direction_has_its_own() -> None:
    lab = lab_of(
        "default link delay 1ms rate 1mbit\nprofile fast rate 50mbit loss 1%\nhost a b\n"
        "link a -- b fast rate 20mbit\nshape b -> a rate 5mbit jitter 1ms"
    )
    there, back = end_of(lab, "a:b").shaping, end_of(lab, "b:a").shaping
    assert (there.rate, there.delay, there.loss, there.jitter) == (20_000_000, 1000, 1_000_000, None)
    assert (back.rate, back.delay, back.loss, back.jitter) == (5_000_000, 1000, 1_000_000, 1000)


def test_a_shape_takes_a_profile() -> None:
    lab = lab_of(
        "profile slow rate 1mbit delay 9ms\nhost a b\nlink a -- b rate 8mbit\nshape a -> b slow rate 2mbit"
    )
    assert end_of(lab, "a:b").shaping.rate == 2_000_000
    assert end_of(lab, "a:b").shaping.delay == 9000
    assert end_of(lab, "b:a").shaping.delay is None


def test_a_shape_means_all_parallel_links_or_one() -> None:
    text = "host a b\nlink a -- b\nlink a -- b\nshape a -> "
    both, one = (lab_of(f"{text}{target} rate 1mbit") for target in ("b", "b:a.2"))
    assert [end_of(both, name).shaping.rate for name in ("a:b", "a:b.2", "b:a")] == [10**6, 10**6, None]
    assert [end_of(one, name).shaping.rate for name in ("a:b", "a:b.2")] == [None, 10**6]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("link a -- b rate 5mbit burst 1000b", "MPC707"),
        ("link a -- b rate 5mbit burst 1500b mtu 9000", "MPC707"),
        ("link a -- b rate 100mbit delay 100ms queue 100p", "MPC706"),
        ("link a -- b rate 100mbit delay 100ms queue 64kb", "MPC706"),
        ("link a -- b queue 100p", "MPC709"),
        ("link a -- b burst 16kb", "MPC709"),
        ("link a -- b\nhost x\nlink x -- a\nshape x -> b rate 1mbit", "MPC702"),
        ("link a -- b\nprofile p rate 1mbit", "MPC708"),
        ("link a -- b reorder 1%", "MPC303"),
        ("link a -- b rate 1mbit rate 1mbit", "MPC206"),
        ("link a -- b\nshape a -> b rate 1mbit\nshape a -> b rate 1mbit", "MPC206"),
        ("link a -- b\nshape a -> b mtu 1400", "MPC302"),
        ("profile p mtu 1400\nlink a -- b\nshape a -> b p", "MPC302"),
        ("link a -- b rate 5", "MPC301"),
        ("link a -- b unknown rate 5mbit", "MPC204"),
    ],
)
def test_errors_and_warnings(text: str, code: str) -> None:
    assert code in codes(f"host a b\n{text}")


def test_a_whole_packet_and_a_whole_product_are_enough() -> None:
    assert codes(f"host a b\nlink a -- b rate 5mbit burst {FRAME}b") == []
    assert codes("host a b\nlink a -- b rate 100mbit delay 100ms queue 826p") == []


def test_a_delay_line_holds_no_more_than_tc_takes() -> None:
    """Of tiny frames under way for half an hour, at the highest rate that it is made for."""
    lab = lab_of("host a b\nlink a -- b mtu 68 jitter 2147s")
    assert [end.shaping.held for end in lab.links[0].ends] == [2**31 - 1] * 2
