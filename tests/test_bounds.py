"""Bounds of the kernel and of tools: interface names, endpoints, next hops, ports; the locality of pins."""

import random
from collections.abc import Iterator

import pytest
from labs import codes, compiled, lab_of, node_of, port_of

from compiler.driver import TopologyError
from compiler.ground.names import is_interface, is_word, other_name, shortened
from compiler.model.links import InterfaceName
from compiler.model.multipath import MPTCP_MOST
from compiler.plan.commands import MOST_WORDS
from compiler.plan.plan import HERE
from compiler.plan.planner import plans

# --- names of interfaces ----------------------------------------------------------------------------

WHOLES = [f"datacenter-host-{number}" for number in range(12_000)]
"""So many names that some have the same hash, of 2 ** 25."""


def test_shortened_names_are_apart_and_words() -> None:
    names = shortened(WHOLES, ())
    assert len({name.lower() for name in names.values()}) == len(WHOLES)
    assert all(is_interface(name) and is_word(f"a:{name}") for name in names.values())


def test_a_shortened_name_depends_on_its_node_alone() -> None:
    """A further name changes another only if their hashes collide; the order makes no difference."""
    names = shortened(WHOLES, ())
    shuffled = random.Random(1).sample(WHOLES, len(WHOLES))
    assert shortened(shuffled, ()) == names
    alone = {whole: shortened([whole], ())[whole] for whole in WHOLES}
    moved = [whole for whole in WHOLES if names[whole] != alone[whole]]
    assert 0 < len(moved) < 20
    assert all(names[whole][:-5] == alone[whole][:-5] for whole in moved)


def test_a_shortened_name_leaves_others_theirs() -> None:
    (first,) = shortened(["datacenter-edge4-7"], ()).values()
    (second,) = shortened(["datacenter-edge4-7"], [first.upper()]).values()
    assert second.lower() != first.lower()
    text = f"host datacenter-edge4-7 b c\nlink b -- datacenter-edge4-7\nlink b:{first} -- c\n"
    assert port_of(lab_of(text), f"b:{first}").node == "b"
    assert not any(code == "MPC208" for code in codes(text))


@pytest.mark.parametrize(
    "name", ["b", "a-b-c-d-e-f-g-h", "datacenter-1", "abcdefghijklmno", "a.2", "a..b", "x-y.z"]
)
def test_the_name_that_is_offered_is_a_word(name: str) -> None:
    taken = {name}
    for _ in range(200):
        other = other_name(name, taken)
        assert is_interface(other)
        assert is_word(f"n:{other}")
        assert other not in taken
        taken.add(other)


def test_a_long_name_means_the_interface() -> None:
    """It can be used under the name before shortening, whatever its name in the kernel is."""
    near, far = "a-node-with-a-name", "another-node-of-length"
    text = f"host {near} {far}\nlink {near} -- {far}\nshape {near}:{far} -> {far} rate 1mbit\n"
    (link,) = lab_of(text).links
    assert link.left.shaping.rate == 1_000_000
    assert link.left.id == InterfaceName(near, shortened([far], ())[far])


def test_the_largest_fat_tree_has_names() -> None:
    assert codes("use std/fat-tree as datacenter with k=16\nrouting none\n") == []


# --- MPTCP over several pairs -----------------------------------------------------------------------


def star(pairs: int, paths: int) -> str:
    """A node with a pair to each of several others, over separate paths."""
    lines = ["host a", *(f"host b{i}" for i in range(pairs))]
    for i in range(pairs):
        for j in range(paths):
            lines += [f"router r{i}x{j}", f"link a -- r{i}x{j} -- b{i}"]
    return "\n".join([*lines, f"mptcp a -- {{{','.join(f'b{i}' for i in range(pairs))}}}"]) + "\n"


@pytest.mark.parametrize(("pairs", "paths", "each"), [(1, 8, 8), (2, 6, 4), (3, 4, 2), (4, 2, 2), (2, 4, 4)])
def test_pairs_share_the_endpoints_of_a_node(pairs: int, paths: int, each: int) -> None:
    lab = lab_of(star(pairs, paths))
    assert len(node_of(lab, "a").endpoints) == pairs * each <= MPTCP_MOST
    assert all(len(node_of(lab, f"b{i}").endpoints) == each for i in range(pairs))
    assert ("MPC755" in codes(star(pairs, paths))) == (each < paths)


def test_pairs_that_cannot_share_are_refused() -> None:
    assert "MPC610" in codes(star(5, 2))


def test_pins_are_their_own_count() -> None:
    pinned = star(2, 6).replace("mptcp a -- {b0,b1}", "mptcp a -- b0 endpoints a:r0x0 subflow\nmptcp a -- b1")
    assert not {"MPC610", "MPC755"} & set(codes(pinned))


# --- locality of pins -------------------------------------------------------------------------------

MESH = """
host a b x y
router r[1..6] s
link {a,b} -- r[1..6]
link {x,y} -- s -- r1
mptcp a -- b
"""


def effects(text: str) -> dict[str | None, list[tuple[str, ...]]]:
    """The calls in each namespace."""
    found: dict[str | None, list[tuple[str, ...]]] = {}
    for section in plans(lab_of(text))[HERE].sections:
        for command in section.commands:
            found.setdefault(command.namespace, []).extend(command.calls)
    return found


@pytest.mark.parametrize("pool", ["", "pool fd00::/32\n"])
@pytest.mark.parametrize("routing", ["", "routing none\n"])
def test_a_family_that_two_nodes_pin_is_theirs(pool: str, routing: str) -> None:
    pin = "address 192.0.2.1/30 192.0.2.2/30" if pool else "address 2001:db8::1/64 2001:db8::2/64"
    text = pool + routing + MESH + "link x -- y\n"
    pinned = pool + routing + MESH + f"link x -- y {pin}\n"
    before, after = effects(text), effects(pinned)
    changed = {name for name in after if name and after[name] != before.get(name)}
    assert changed == {"lab-x", "lab-y"}
    assert codes(pinned) == codes(text)


def test_a_pinned_family_does_not_halve_the_paths() -> None:
    lab = lab_of(MESH + "link x -- y address fd00::1/64 fd00::2/64\n")
    assert len(node_of(lab, "a").endpoints) == 6


# --- next hops and ports ----------------------------------------------------------------------------


def many(count: int, pool: str = "10.0.0.0/8") -> str:
    target = "2001:db8::/64" if ":" in pool else "192.0.2.0/24"
    links = f"for i in 1..{count} {{ link a -- b }}"
    return f"pool {pool}\nrouting none\nhost a b\n{links}\nroute a to {target} via b\n"


def route_lines(script: str) -> Iterator[list[str]]:
    return (line.split() for line in script.splitlines() if line.startswith(("route add", "route append")))


def test_what_is_too_long_for_a_batch_is_given_alone() -> None:
    script = compiled(many(253)).up()
    assert script.count("lines ip - <<'END'") == 1
    assert max(map(len, route_lines(script))) > MOST_WORDS
    assert "lines ip" not in compiled(many(101)).up()
    assert "MPC509" in codes(many(254))


def test_next_hops_are_appended_in_ipv6() -> None:
    lines = list(route_lines(compiled(many(300, "fd00::/32")).up()))
    assert max(map(len, lines)) <= MOST_WORDS
    assert sum(line.count("nexthop") for line in lines) == 300
    assert [line[1] for line in lines] == ["add"] + ["append"] * 4


# --- pools ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "host a b\nlink a -- b subnet 10.0.0.0/8\n",
        "host a b\nlink a -- b subnet 10.0.0.0/9\nlink a -- b\n",
        "pool fd00::/32\nhost a b\nlink a -- b address fd00::1/32 fd00::2/32\nlink a -- b\n",
        "host a address 10.1.2.3/8\nhost b\nlink a -- b\n",
        "host a b\nlink a -- b subnet 10.0.0.0/8\nlink a -- b subnet 172.16.0.0/12\n",
    ],
)
def test_a_pin_that_fills_the_pool_is_blamed_and_the_mend_works(text: str) -> None:
    compilation = compiled(text)
    with pytest.raises(TopologyError):
        _ = compilation.lab
    found = list(compilation.diagnostics)
    assert {one.code for one in found} == {"MPC406"}
    assert all(one.span.text.split()[0] in ("subnet", "address") for one in found)
    pool = found[0].help.rpartition("like ")[2].strip("`")
    lines = [line for line in text.splitlines() if not line.startswith("pool")]
    assert codes("\n".join([f"pool {pool}", *lines]) + "\n") == []
