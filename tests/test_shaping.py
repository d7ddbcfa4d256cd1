"""Shaping: queue lengths, bursts, and the queueing disciplines of a direction."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labs import codes, lab_of, port_of

from compiler.ground.units import Queue
from compiler.infer.shaping import beside, standing
from compiler.model import losses
from compiler.model.events import Reshaping
from compiler.model.links import Shaping
from compiler.plan.commands import qdisc
from compiler.plan.traffic import qdiscs

FRAME = 1514
ALONE = "root handle 1: tbf rate 1000gbit burst 1514b limit 1514b"
"""A token bucket that only segments GSO packets."""
CUT = "peakrate 1000gbit mtu 1514"
"""The parameters of a token bucket with a rate that make it segment GSO packets."""


def shaping(attributes: str) -> Shaping:
    return port_of(lab_of(f"host a b\nlink a -- b {attributes}"), "a:b").shaping


def commands(attributes: str) -> list[str]:
    end = port_of(lab_of(f"host a b\nlink a -- b {attributes}"), "a:b")
    return [" ".join(qdisc(one, "add")).removeprefix("qdisc add dev b ") for one in qdiscs("lab-a", end)]


@pytest.mark.parametrize(
    ("attributes", "wanted"),
    [
        ("", []),
        ("rate 5mbit", ["root handle 1: tbf rate 5mbit burst 6056b limit 15625b"]),
        ("rate 1gbit", ["root handle 1: tbf rate 1gbit burst 500000b limit 3125000b"]),
        ("rate 5mbit burst 20kb", ["root handle 1: tbf rate 5mbit burst 20480b limit 15625b"]),
        ("rate 5mbit queue 64kb", [f"root handle 1: tbf rate 5mbit burst 6056b {CUT} limit 65536b"]),
        (
            "rate 5mbit queue 10p",
            [f"root handle 1: tbf rate 5mbit burst 6056b {CUT} limit 6056b", "parent 1:1 pfifo limit 10"],
        ),
        (
            "rate 2tbit queue 10p mtu 9000",
            [
                f"root handle 1: tbf rate 2000gbit burst {10**9}b peakrate 2250gbit mtu 9014 limit {10**9}b",
                "parent 1:1 pfifo limit 10",
            ],
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
        ("delay 1500us jitter 1ms", ["root handle 1: netem limit 2065 delay 1500us 1ms rate 1000gbit"]),
        (
            "rate 5mbit delay 20ms",
            [
                "root handle 1: tbf rate 5mbit burst 6056b limit 6056b",
                "parent 1:1 handle 10: netem limit 17533 delay 20ms",
                "parent 10:1 bfifo limit 42877b",
            ],
        ),
        (
            "rate 5mbit delay 20ms queue 100p",
            [
                f"root handle 1: tbf rate 5mbit burst 6056b {CUT} limit 6056b",
                "parent 1:1 handle 10: netem limit 16613 delay 20ms",
                "parent 10:1 pfifo limit 100",
            ],
        ),
        (
            "rate 5mbit delay 20ms burst 10kb queue 64kb",
            [
                f"root handle 1: tbf rate 5mbit burst 10240b {CUT} limit 10240b",
                "parent 1:1 handle 10: netem limit 18073 delay 20ms",
                "parent 10:1 bfifo limit 65536b",
            ],
        ),
        (
            "rate 5mbit loss 1%",
            [
                f"root handle 1: tbf rate 5mbit burst 6056b {CUT} limit 6056b",
                "parent 1:1 handle 10: netem limit 1372 loss 1%",
                "parent 10:1 bfifo limit 15625b",
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
        ("queue 50p", []),
    ],
)
def test_disciplines(attributes: str, wanted: list[str]) -> None:
    assert commands(attributes) == wanted


@pytest.mark.parametrize(
    ("attributes", "wanted"),
    [
        (
            "delay 9ms jitter 1ms distribution normal",
            "limit 10346 delay 9ms 1ms distribution normal rate 1000gbit",
        ),
        ("loss gemodel 1% 10%", "limit 1000 loss gemodel 1% 10% 100% 0%"),
        ("loss gemodel 1%", "limit 1000 loss gemodel 1% 99% 100% 0%"),
        ("loss gemodel 1% 10% 70% 0.1%", "limit 1000 loss gemodel 1% 10% 70% 0.1%"),
        ("loss 60% 1%", "limit 1000 loss 60% 1%"),
        ("loss 1% duplicate 45% 5%", "limit 1000 loss 1% duplicate 45% 5% corrupt 0% 0%"),
        ("duplicate 45% 5% corrupt 2%", "limit 1000 duplicate 45% 5% corrupt 2% 0%"),
        ("duplicate 45% 5% corrupt 45% 4%", "limit 1000 duplicate 45% 5% corrupt 45% 4%"),
        ("delay 1ms corrupt 50% 9% reorder 45% 5%", "limit 1000 delay 1ms corrupt 50% 9% reorder 45% 5%"),
        ("slot 10ms", "limit 8257 slot 10ms 10ms"),
        ("delay 1ms loss 1% slot 0ms 10ms", "limit 9082 delay 1ms loss 1% slot 0us 10ms"),
    ],
)
def test_words_of_netem(attributes: str, wanted: str) -> None:
    """Those of tc-netem(8) that take several; what is left out is as there."""
    assert commands(attributes)[-1].endswith(f"netem {wanted}")


@pytest.mark.parametrize(
    ("loss", "mean"),
    [
        ("1%", 1_000_000),
        ("gemodel 1% 10%", 9_090_909),
        ("gemodel 5% 20% 80% 1%", 16_800_000),
        ("gemodel 0% 0%", 0),
        ("10% 0%", 10_000_000),
        ("50% 90%", 50_000_000),
        ("0% 10%", 0),
    ],
)
def test_the_mean_of_losses(loss: str, mean: int) -> None:
    assert shaping(f"loss {loss}").loss == mean


@given(st.floats(0.01, 0.99), st.floats(1e-6, 0.95))
def test_a_correlation_moves_losses_away_from_a_half(loss: float, correlation: float) -> None:
    """That of the rest is what is not lost, and there are fewer the rarer they are."""
    found = losses.correlated(loss, correlation)
    assert found + losses.correlated(1 - loss, correlation) == pytest.approx(1, abs=2e-3)
    if loss < 0.5:
        assert found <= loss + 2e-3


@pytest.mark.parametrize(
    ("loss", "correlation", "mean"), [(0.1, 0.25, 0.0175), (0.1, 0.5, 0.00105), (0.3, 0.25, 0.2333)]
)
def test_correlated_losses_as_they_were_drawn(loss: float, correlation: float, mean: float) -> None:
    """By two million random numbers each."""
    assert losses.correlated(loss, correlation) == pytest.approx(mean, rel=0.05)


@given(st.floats(1e-6, 0.999), st.floats(1e-6, 0.99))
def test_the_share_that_has_a_mean(mean: float, correlation: float) -> None:
    assert losses.correlated(losses.wanted(mean, correlation), correlation) == pytest.approx(mean, abs=1e-6)


def test_a_correlation_that_keeps_nearly_all_is_computed_too() -> None:
    assert losses.correlated(0.5, 0.99999999) == pytest.approx(0.5, abs=1e-3)
    assert losses.correlated(0.4, 0.99999999) == pytest.approx(0, abs=1e-3)


def test_overhead_is_bytes_of_each_frame() -> None:
    """It takes from the rate, so a frame with it has to fit where one without did."""
    (found,) = commands("rate 5mbit overhead 24")
    assert (
        found
        == "root handle 1: tbf rate 5mbit burst 6056b overhead 24 peakrate 1000gbit mtu 1538 limit 15625b"
    )
    assert "peakrate 1000gbit mtu 1538" in commands("rate 5mbit overhead 24 queue 20p")[0]
    assert codes("host a b\nlink a -- b rate 5mbit overhead 24 burst 1530b") == ["MPC311"]
    assert codes("host a b\nlink a -- b overhead 24") == ["MPC709"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("loss gemodel", ["MPC314"]),
        ("loss gemodel 1% 1% 1% 1% 1%", ["MPC314"]),
        ("loss 1% 1% 1%", ["MPC314"]),
        ("loss 10% 25%", ["MPC758"]),
        ("loss 10% 100%", ["MPC301"]),
        ("duplicate 10% 25%", ["MPC758"]),
        ("corrupt 50% 25% 10%", ["MPC314"]),
        ("delay 1ms reorder 50% 25", ["MPC301"]),
        ("delay 1ms reorder 50% dealy 10ms", ["MPC102"]),
        ("duplicate gemodel 1%", ["MPC301"]),
        ("loss gemodel 1", ["MPC301"]),
        ("loss 1% dealy 10ms", ["MPC102"]),
        ("loss 1 %", ["MPC102"]),
        ("delay 1ms distribution normal", ["MPC315"]),
        ("delay 1ms jitter 1ms distribution gauss", ["MPC301"]),
        ("slot 20ms 10ms", ["MPC301"]),
        ("slot 0ms", ["MPC301"]),
        ("rate 5mbit overhead 24b", ["MPC301"]),
    ],
)
def test_what_netem_does_not_take(text: str, told: list[str]) -> None:
    assert codes(f"host a b\nlink a -- b {text}") == told


LONG = f"root handle 1: tbf rate 10mbit burst 6056b {CUT} limit 6056b"
"""A token bucket above a queue that is managed."""


@pytest.mark.parametrize(
    ("queue", "wanted"),
    [
        ("fq_codel", "fq_codel limit 10240 quantum 1514 noecn"),
        ("fq_codel ecn", "fq_codel limit 10240 quantum 1514 ecn"),
        ("cake", "cake"),
        ("pie", "pie limit 1000 noecn"),
        ("pie ecn", "pie limit 1000 ecn"),
        (
            "red ecn",
            "red limit 125000b min 10416b max 31250b avpkt 1514 burst 12 bandwidth 10mbit ecn",
        ),
    ],
)
def test_managed_queues(queue: str, wanted: str) -> None:
    """They stand where a queue does, below a token bucket and, with a delay, a delay line."""
    assert commands(f"rate 10mbit queue {queue}") == [LONG, f"parent 1:1 {wanted}"]
    delayed = commands(f"rate 10mbit delay 1us queue {queue}")
    assert delayed[0] == LONG
    assert delayed[2] == f"parent 10:1 {wanted}".replace(*RED)


RED = (
    "125000b min 10416b max 31250b avpkt 1514 burst 12",
    "137112b min 11426b max 34278b avpkt 1514 burst 13",
)
"""Limits of red, and those with a delay, for which two packets more are under way."""


def test_a_managed_queue_has_room_at_any_rate() -> None:
    assert "pie limit 16512" in commands("rate 1gbit queue pie")[1]
    assert commands("rate 1gbit queue pie mtu 9000")[1].startswith("parent 1:1 pie limit 2773 ")


@pytest.mark.parametrize(
    ("queue", "time"), [("100p", 121), ("fq_codel", 1), ("cake", 1), ("pie", 15), ("red", 25)]
)
def test_what_waits_beside_a_flow(queue: str, time: int) -> None:
    own = shaping(f"rate 10mbit queue {queue}")
    assert own.queue is not None
    assert beside(own.queue, 10**7, FRAME) == pytest.approx(1000 * time, rel=0.25)
    assert beside(own.queue, 10**7, FRAME) <= standing(own.queue, 10**7, FRAME)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("queue 10p ecn", ["MPC313"]),
        ("queue fq_codel ecn", ["MPC757"]),
        ("queue cake", []),
        ("queue codel", ["MPC301"]),
    ],
)
def test_marks_need_somebody(text: str, told: list[str]) -> None:
    assert codes(f"host a b\nlink a -- b rate 10mbit {text}") == told
    if told == ["MPC757"]:
        assert not codes(f"host a b\nlink a -- b rate 10mbit {text}\nsysctl a net.ipv4.tcp_ecn=1")


@pytest.mark.parametrize("share", ["loss 1%", "duplicate 1%", "corrupt 1%", "reorder 1%"])
def test_events_that_bring_a_share_find_packets_alone(share: str) -> None:
    """So the kinds of a direction's queueing disciplines stay, and its events change them in place."""
    lab = lab_of(f"host a b\nlink a -- b delay 2ms\nat 1s shape a -> b {share}\nat 2s shape b -> a delay 9ms")
    assert [port_of(lab, name).shaping.alone for name in ("a:b", "b:a")] == [FRAME, None]
    changes = [change for event in lab.events for change in event.changes]
    assert [isinstance(one, Reshaping) and one.shaping.alone for one in changes] == [FRAME, None]


@pytest.mark.parametrize(
    "attribute", ["delay 0ms", "jitter 0ms", "loss 0%", "duplicate 0%", "delay 0ms loss 0%"]
)
def test_nothing_is_no_delay_line(attribute: str) -> None:
    """An attribute of 0 that overrides a default needs no queueing discipline."""
    assert commands(f"rate 5mbit {attribute}") == commands("rate 5mbit")
    assert commands(attribute) == []


@given(st.integers(1, 10_000), st.integers(1, 300), st.integers(0, 20), st.sampled_from([1400, 1500, 9000]))
def test_an_inferred_queue_holds_two_products_and_a_fortieth_of_a_second(
    mbit: int, delay: int, jitter: int, mtu: int
) -> None:
    """Packets in flight are in the delay line, which has room for a far higher rate."""
    own = shaping(f"rate {mbit}mbit delay {delay}ms jitter {jitter}ms mtu {mtu}")
    product = mbit * 10**6 / 8 * (delay + jitter) / 1000
    assert own.queue is not None
    assert not own.queue.packets
    assert 0 <= own.queue.amount - 2 * product - max(mbit * 10**6 // 320, 4 * (mtu + 14)) <= 2 * (mtu + 14)
    assert own.held is not None
    assert own.held * (mtu + 14) >= product + own.queue.amount


@given(
    st.sampled_from(["", "delay 20ms", "loss 1%", "delay 5ms jitter 1ms", "delay 3ms reorder 1%"]),
    st.integers(1, 5000),
    st.booleans(),
    st.sampled_from([600, 1500, 9000]),
)
def test_a_written_queue_is_one_of_frames_behind_the_delay(
    line: str, frames: int, packets: bool, mtu: int
) -> None:
    """In any combination: the last discipline is the written queue, the first segments GSO packets, and the
    delay line between them has enough room."""
    frame = mtu + 14
    length = f"{frames}p" if packets else f"{frames * frame}b"
    own = commands(f"rate 50mbit {line} mtu {mtu} queue {length}")
    assert own[0].startswith("root handle 1: tbf rate 50mbit ")
    assert f" peakrate 1000gbit mtu {frame} " in own[0]
    assert own[-1].endswith(f" limit {length.removesuffix('p')}")
    if line:
        assert own[1].startswith("parent 1:1 handle 10: netem limit ")
        assert int(own[1].split()[6]) >= 1000 + frames
        assert own[2].startswith(f"parent 10:1 {'pfifo' if packets else 'bfifo'} ")


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
    there, back = port_of(lab, "a:b").shaping, port_of(lab, "b:a").shaping
    assert (there.rate, there.delay, there.loss, there.jitter) == (20_000_000, 1000, 1_000_000, None)
    assert (back.rate, back.delay, back.loss, back.jitter) == (5_000_000, 1000, 1_000_000, 1000)


def test_a_shape_takes_a_profile() -> None:
    lab = lab_of(
        "profile slow rate 1mbit delay 9ms\nhost a b\nlink a -- b rate 8mbit\nshape a -> b slow rate 2mbit"
    )
    assert port_of(lab, "a:b").shaping.rate == 2_000_000
    assert port_of(lab, "a:b").shaping.delay == 9000
    assert port_of(lab, "b:a").shaping.delay is None


def test_a_shape_means_all_parallel_links_or_one() -> None:
    text = "host a b\nlink a -- b\nlink a -- b\nshape a -> "
    both, one = (lab_of(f"{text}{target} rate 1mbit") for target in ("b", "b:a.2"))
    assert [port_of(both, name).shaping.rate for name in ("a:b", "a:b.2", "b:a")] == [10**6, 10**6, None]
    assert [port_of(one, name).shaping.rate for name in ("a:b", "a:b.2")] == [None, 10**6]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("link a -- b rate 5mbit burst 1000b", "MPC311"),
        ("link a -- b rate 5mbit burst 1500b mtu 9000", "MPC311"),
        ("link a -- b rate 10mbit queue 1000b", "MPC311"),
        ("link a -- b rate 10mbit queue 1b", "MPC311"),
        ("link a -- b rate 10mbit delay 10ms queue 1500b mtu 9000", "MPC311"),
        ("link a -- b rate 10mbit\nat 1s shape b -> a queue 1kb", "MPC311"),
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


@pytest.mark.parametrize(
    ("queue", "warnings"), [("100p", 1), ("64kb", 1), ("825p", 1), ("826p", 0), ("1251kb", 0)]
)
def test_a_queue_under_the_product_is_a_warning(queue: str, warnings: int) -> None:
    assert codes(f"host a b\nlink a -- b rate 100mbit delay 100ms queue {queue}") == ["MPC706"] * warnings


def test_a_whole_packet_and_a_whole_product_are_enough() -> None:
    assert codes(f"host a b\nlink a -- b rate 5mbit burst {FRAME}b") == []
    assert codes("host a b\nlink a -- b rate 100mbit delay 100ms queue 826p") == []


def test_a_delay_line_holds_no_more_than_tc_takes() -> None:
    """With tiny frames, a delay of four minutes, and the highest rate without a written one."""
    lab = lab_of("host a b\nlink a -- b mtu 68 delay 274s")
    assert [end.shaping.held for end in lab.links[0].ends] == [2**31 - 1] * 2


@pytest.mark.parametrize("unit", ["b", "p"])
@pytest.mark.parametrize("line", ["", "delay 3ms"])
@given(st.integers(68, 65535), st.integers(-1, 1))
def test_a_queue_holds_a_full_packet_or_is_refused(unit: str, line: str, mtu: int, more: int) -> None:
    amount = mtu + 14 + more if unit == "b" else 2 + more
    found = codes(f"host a b\nlink a -- b rate 10mbit {line} mtu {mtu} queue {amount}{unit}")
    assert found.count("MPC311") == (1 if unit == "b" and more < 0 else 0)


@given(st.integers(8, 10**5), st.integers(0, 2**32 - 1))
def test_a_burst_is_as_long_as_is_written(bits: int, size: int) -> None:
    """At any rate: the kernel gets its bytes (TCA_TBF_BURST), and not its time."""
    found = codes(f"host a b\nlink a -- b rate {bits}bit burst {max(size, FRAME)}b")
    assert found == []


PINNED_6 = {
    "host a b": ("address fd00:1::1/64 fd00:1::2/64", "a", "b"),
    "host a\nswitch b": ("address fd00:1::1/64", "a", "b"),
    "switch a\nhost b": ("address fd00:1::1/64", "a", "b"),
}


@pytest.mark.parametrize("declared", PINNED_6)
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("inferred", [False, True])
def test_ipv6_needs_its_mtu_at_either_end(declared: str, *, turned: bool, inferred: bool) -> None:
    """At the end with the address, in either written order."""
    pins, *ends = PINNED_6[declared]
    left, right = reversed(ends) if turned else ends
    pool, own = ("pool fd00:77::/48\n", "") if inferred else ("", pins)
    text = f"{pool}{declared}\nlink {left} -- {right} {own} mtu "
    assert "MPC307" in codes(f"{text}1279")
    assert "MPC307" not in codes(f"{text}1280")
