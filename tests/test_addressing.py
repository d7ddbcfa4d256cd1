"""Addresses: stable under edits, disjoint, distinct from pinned ones, and in separate parts of the pool."""

import random
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labs import codes, interface_of, lab_of, node_of

from compiler.model.lab import Lab
from compiler.model.networks import Network

NODES = [f"n{i}" for i in range(9)]
PAIRS = list(combinations(NODES, 2))


def text_of(pairs: list[tuple[str, str]], *before: str) -> str:
    return "\n".join([*before, "router " + " ".join(NODES), *(f"link {a} -- {b}" for a, b in pairs)])


def addresses(lab: Lab) -> dict[str, list[str]]:
    """All addresses, by the node or interface that has them."""
    found = {node.name: [str(own.address) for own in node.addresses] for node in lab.ip_nodes}
    return found | {str(id): [str(own) for own in end.addresses] for id, end in lab.interfaces.items()}


def networks_of_links(lab: Lab) -> set[str]:
    return {str(own.network) for end in lab.interfaces.values() for own in end.addresses}


def networks(lab: Lab) -> list[Network]:
    """The distinct subnets of all links and node addresses."""
    found = [own.address.network for node in lab.ip_nodes for own in node.addresses]
    return found + [own.network for link in lab.links for own in lab.interfaces[link.left.id].addresses]


@given(st.permutations(PAIRS), st.integers(0, len(PAIRS)), st.randoms(use_true_random=False))
def test_edits_move_nothing_else(pairs: list[tuple[str, str]], kept: int, chance: random.Random) -> None:
    whole = addresses(lab_of(text_of(pairs)))
    flipped = [(b, a) if chance.random() < 0.5 else (a, b) for a, b in pairs[:kept]]
    part = addresses(lab_of(text_of(flipped)))
    assert part.items() <= whole.items()


@given(st.permutations(PAIRS[:20]))
def test_a_full_pool_does_not_know_the_order(pairs: list[tuple[str, str]]) -> None:
    """A /24 has 32 subnets for links, so 20 links have collisions."""
    assert addresses(lab_of(text_of(pairs, "pool 10.0.0.0/24"))) == addresses(
        lab_of(text_of(PAIRS[:20], "pool 10.0.0.0/24"))
    )


def test_a_flip_swaps_no_addresses() -> None:
    assert addresses(lab_of("router a b\nlink a -- b")) == addresses(lab_of("router a b\nlink b -- a"))


def test_the_lab_and_its_file_have_no_part_in_it() -> None:
    assert addresses(lab_of("lab x\nrouter a b\nlink a -- b")) == addresses(lab_of("router a b\nlink a -- b"))


def test_parallel_links_differ() -> None:
    lab = lab_of("router a b\nlink a -- b\nlink a -- b\nlink a:x -- b")
    assert len({own.network for link in lab.links for own in lab.interfaces[link.left.id].addresses}) == 3


@pytest.mark.parametrize(
    ("pool", "links", "loopbacks"),
    [
        ("10.0.0.0/8", "10.0.0.0/9", "10.192.0.0/10"),
        ("192.168.0.0/24", "192.168.0.0/25", "192.168.0.192/26"),
        ("fd00::/48", "fd00::/49", "fd00:0:0:c000::/50"),
    ],
)
def test_each_kind_has_its_part(pool: str, links: str, loopbacks: str) -> None:
    lab = lab_of(text_of(PAIRS[:10], f"pool {pool}"))
    for link in lab.links:
        left, right = (lab.interfaces[port.id].addresses[0].network for port in link.ends)
        assert left == right
        assert subnet(left, links)
        assert left.num_addresses == 4
    for node in lab.ip_nodes:
        assert subnet(node.addresses[0].address.network, loopbacks)
        assert node.addresses[0].address.network.num_addresses == 1


def subnet(inner: Network, outer: str) -> bool:
    return inner.subnet_of(ip_network(outer))  # type: ignore[arg-type]


POOLS = st.sampled_from(
    ["pool 10.0.0.0/23", "pool 10.0.0.0/8", "pool fd00::/48", "pool 10.0.0.0/22\npool fd00::/120"]
)


@given(
    POOLS,
    st.lists(st.sampled_from(PAIRS), min_size=1, max_size=30),
    st.sets(st.integers(0, 60), max_size=12),
    st.sets(st.integers(0, 31), max_size=5),
)
def test_no_two_subnets_overlap(
    pool: str, pairs: list[tuple[str, str]], slots: set[int], hosts: set[int]
) -> None:
    """Pinned subnets lie all over the pool, also in the part for loopbacks."""
    pins = [f"link p:p{i} -- q:p{i} subnet 10.0.0.{4 * i}/30" for i in sorted(slots)]
    pins += [f"host h{i} address 10.0.1.{200 + i}/32" for i in sorted(hosts)]
    lab = lab_of("\n".join([text_of(pairs, pool), "router p q", *pins]))
    for family in (IPv4Network, IPv6Network):
        found = sorted(network for network in networks(lab) if isinstance(network, family))
        for first, second in pairwise(found):
            assert int(first.broadcast_address) < int(second.network_address)


def test_pins_are_set_aside_first() -> None:
    free = lab_of("router a b c\nlink a -- b")
    wanted = interface_of(free, "a:b").addresses[0].network
    loopback = node_of(free, "a").addresses[0].address
    lab = lab_of(
        f"router a b c\nlink a -- b\nlink b -- c subnet {wanted}\nrouter z address {loopback}\nlink z -- a"
    )
    assert interface_of(lab, "b:c").addresses[0].network == wanted
    assert interface_of(lab, "a:b").addresses[0].network != wanted
    assert node_of(lab, "z").addresses[0].address == loopback
    assert node_of(lab, "a").addresses[0].address != loopback


def test_a_pin_of_one_family_leaves_the_other() -> None:
    lab = lab_of(
        "pool 10.0.0.0/8\npool fd00::/48\nhost a address 192.0.2.1/32\nrouter b\n"
        "link a -- b subnet fd00:1::/126"
    )
    assert [own.version for own in interface_of(lab, "a:b").addresses] == [4, 6]
    assert str(interface_of(lab, "a:b").addresses[1]) == "fd00:1::1/126"
    assert sorted(own.address.version for own in node_of(lab, "a").addresses) == [4, 6]


@pytest.mark.parametrize(
    ("pin", "left", "right"),
    [
        ("subnet 192.0.2.0/24", "192.0.2.1/24", "192.0.2.2/24"),
        ("subnet 192.0.2.0/31", "192.0.2.0/31", "192.0.2.1/31"),
        ("subnet fd00::/127", "fd00::/127", "fd00::1/127"),
        ("subnet fd00::/64", "fd00::1/64", "fd00::2/64"),
        ("address 192.0.2.9/29 192.0.2.14/29", "192.0.2.9/29", "192.0.2.14/29"),
    ],
)
def test_pins(pin: str, left: str, right: str) -> None:
    lab = lab_of(f"router a b\nlink a -- b {pin}")
    assert str(interface_of(lab, "a:b").addresses[-1]) == left
    assert str(interface_of(lab, "b:a").addresses[-1]) == right


def test_a_subnet_goes_over_links_in_written_order() -> None:
    lab = lab_of("router a b c d\nlink {b,a} -- {d,c} subnet 192.0.2.0/28")
    firsts = {str(link.left.id): str(lab.interfaces[link.left.id].addresses[0]) for link in lab.links}
    assert firsts == {
        "b:d": "192.0.2.1/30",
        "b:c": "192.0.2.5/30",
        "a:d": "192.0.2.9/30",
        "a:c": "192.0.2.13/30",
    }


@pytest.mark.parametrize(
    ("pool", "links"), [("10.0.0.0/29", 2), ("10.0.0.0/26", 9), ("10.0.0.0/31", 1), ("10.0.0.1/32", 1)]
)
def test_exhaustion_is_an_error(pool: str, links: int) -> None:
    assert "MPC406" in codes(text_of(PAIRS[:links], f"pool {pool}"))


@pytest.mark.parametrize("pool", ["10.0.0.0/8", "fd00::/8"])
def test_a_pin_can_use_up_a_pool(pool: str) -> None:
    """The search for a free slot skips a range of taken slots in one step, also in a wide pool."""
    text = f"pool {pool}\nrouter a b c\nlink a -- b subnet {pool}\nlink b -- c"
    assert set(codes(text)) == {"MPC406"}


def test_a_pool_can_be_used_up_whole() -> None:
    """A /27 has 4 subnets for links and 8 loopbacks."""
    text = "pool 10.0.0.0/27\nrouter a b c d\nlink a -- b -- c -- d -- a"
    assert sorted(networks_of_links(lab_of(text))) == [
        "10.0.0.0/30",
        "10.0.0.12/30",
        "10.0.0.4/30",
        "10.0.0.8/30",
    ]
    assert codes(text + "\nlink a -- c") == ["MPC406"]


@pytest.mark.parametrize(
    ("pins", "code"),
    [
        ("link a -- b subnet 192.0.2.0/24\nlink b -- c subnet 192.0.2.128/30", "MPC402"),
        ("link a -- b subnet 192.0.2.0/30\nrouter d address 192.0.2.1/32\nlink d -- a", "MPC402"),
        ("router d address 192.0.2.1/32\nrouter e address 192.0.2.1/32\nlink a -- d -- e", "MPC403"),
        ("link a -- b address 192.0.2.1/30 192.0.2.5/30", "MPC404"),
        ("link a -- b -- c subnet 192.0.2.0/30", "MPC405"),
        ("link a -- b subnet 192.0.2.0/32", "MPC405"),
        ("link a -- b address 192.0.2.0/30 192.0.2.1/30", "MPC407"),
        ("link a -- b address 224.0.0.1/30 224.0.0.2/30", "MPC407"),
        ("link a -- b -- c address 192.0.2.1/30 192.0.2.2/30", "MPC408"),
    ],
)
def test_pins_that_cannot_be(pins: str, code: str) -> None:
    assert code in codes(f"router a b c\n{pins}")
