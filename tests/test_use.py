"""`use`: the scopes of names in used files, and the files that a lab may read."""

import os
from pathlib import Path

import pytest
from labs import compiled

from compiler.driver import Compilation, Options, TopologyError
from compiler.language.files import LARGEST
from compiler.model.lab import Lab

PAIR = """\
param rate = 1mbit
pool 192.168.0.0/16
lab pair
routing none
profile slow rate [rate]
default link slow delay 5ms
host a b
router c
link a -- c -- b
link a:up -- c mtu 1400
link a -- c loss 1%
"""


def used(folder: Path, text: str, options: Options | None = None, **files: str) -> Compilation:
    """A lab in a directory with other files; `parts_x` is x.topo in the directory `parts`."""
    for name, content in files.items():
        path = folder / f"{name.replace('_', '/')}.topo"
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    return Compilation(str(folder / "lab.topo"), text, options=options)


def refusals(compilation: Compilation) -> list[str]:
    with pytest.raises(TopologyError):
        _ = compilation.lab
    return [found.message for found in compilation.diagnostics]


def same(compilation: Compilation, text: str) -> None:
    """Asserts that a lab equals that of a text without uses."""
    assert compilation.up() == compiled(text).up()
    assert compiled(compilation.flat()).up() == compilation.up(), "its flat text is that too"


def test_names_are_prefixed_and_scopes_are_apart(tmp_path: Path) -> None:
    text = """\
default link rate 9mbit loss 2%
profile slow rate 3mbit
host x
use "pair.topo" as p with rate=2mbit
link x -- p-c slow
"""
    same(
        used(tmp_path, text, pair=PAIR),
        """\
default link rate 9mbit loss 2%
profile slow rate 3mbit
host x p-a p-b
router p-c
link p-a -- p-c -- p-b rate 2mbit delay 5ms loss 0%
link p-a:up -- p-c mtu 1400 rate 2mbit delay 5ms loss 0%
link p-a -- p-c loss 1% rate 2mbit delay 5ms
link x -- p-c slow
""",
    )


def test_without_a_prefix_scopes_are_apart_too(tmp_path: Path) -> None:
    text = 'param rate = 7mbit\nuse "pair.topo"\nprofile slow delay 1ms\nhost x\nlink x -- c slow rate [rate]'
    rates = {str(link.left.id): link.left.shaping.rate for link in used(tmp_path, text, pair=PAIR).lab.links}
    assert rates["a:c"] == rates["a:up"] == 10**6
    assert rates["x:c"] == 7 * 10**6


def test_a_used_file_is_used_once_a_turn(tmp_path: Path) -> None:
    text = 'for i in 1..3 { use "pair.topo" as p[i] with rate=[i]mbit }'
    lab = used(tmp_path, text, pair=PAIR).lab
    assert [node.name for node in lab.ip_nodes][:3] == ["p1-a", "p1-b", "p1-c"]
    assert {link.left.shaping.rate for link in lab.links} == {10**6, 2 * 10**6, 3 * 10**6}


def test_files_use_files(tmp_path: Path) -> None:
    """A path is relative to the file that it is in."""
    text = 'use "parts/row.topo" as r\nhost x\nlink x -- r-s-b'
    row = 'use "leaf.topo" as s\nhost y\nlink y -- s-b'
    lab = used(tmp_path, text, parts_row=row, parts_leaf="host a b\nlink a -- b").lab
    assert [str(link.left.id) for link in lab.links] == ["r-s-a:r-s-b", "r-y:r-s-b", "x:r-s-b"]


REFERENCES = """\
host a b
router c d
link a -- {c,d} -- b
link a -- c
link a:d -- b
link b:only -- d
shape c:a -> a rate 1mbit
shape a:c.2 -> c rate 2mbit
route a to b:c via c:a.2
route a to 10.99.0.0/16 via d
route b to default via d:b
mptcp a -> b endpoints a:c subflow backup, b:only signal
sysctl {a,b} net.ipv4.conf.c.rp_filter=2 net.ipv4.conf.all.rp_filter=1
sysctl a net.ipv4.conf.c/2.rp_filter=2
masquerade c out a:c
at 1s shape a:c.2 -> c rate 1mbit
at 2s down b:only -- {d}
expect a -> b reachable
bench b -> a using tcp
run a "a:c" env A=a:c
capture {a:c,b:only} snap 96
"""


def test_interfaces_are_named_as_in_the_file(tmp_path: Path) -> None:
    """Inferred names have the prefix of their node; pinned ones do not."""
    wrong = REFERENCES.replace("link a -- {c,d} -- b\n", "link a -- c -- b\nlink a:x -- d -- b\n")
    same(
        used(tmp_path, 'use "refs.topo" as r', refs=wrong),
        wrong.replace("host a b", "host r-a r-b")
        .replace("router c d", "router r-c r-d")
        .replace("link a -- c -- b", "link r-a -- r-c -- r-b")
        .replace("link a:x -- d -- b", "link r-a:x -- r-d -- r-b")
        .replace("link a -- c", "link r-a -- r-c")
        .replace("link a:d -- b", "link r-a:d -- r-b")
        .replace("link b:only -- d", "link r-b:only -- r-d")
        .replace("c:a -> a", "r-c:r-a -> r-a")
        .replace("a:c.2 -> c", "r-a:r-c.2 -> r-c")
        .replace("route a to b:c via c:a.2", "route r-a to r-b:r-c via r-c:r-a.2")
        .replace("route a to 10.99.0.0/16 via d", "route r-a to 10.99.0.0/16 via r-d")
        .replace("route b to default via d:b", "route r-b to default via r-d:r-b")
        .replace(
            "a -> b endpoints a:c subflow backup, b:only",
            "r-a -> r-b endpoints r-a:r-c subflow backup, r-b:only",
        )
        .replace("sysctl {a,b} net.ipv4.conf.c.", "sysctl {r-a,r-b} net.ipv4.conf.r-c.")
        .replace("sysctl a net.ipv4.conf.c/2", "sysctl r-a net.ipv4.conf.r-c/2")
        .replace("masquerade c out a:c", "masquerade r-c out r-a:r-c")
        .replace("at 2s down b:only -- {d}", "at 2s down r-b:only -- {r-d}")
        .replace("expect a -> b", "expect r-a -> r-b")
        .replace("bench b -> a", "bench r-b -> r-a")
        .replace("run a ", "run r-a ")
        .replace("capture {a:c,b:only}", "capture {r-a:r-c,r-b:only}"),
    )


def test_a_long_interface_is_named_by_its_whole_node(tmp_path: Path) -> None:
    """A name cut to the kernel's 15 bytes can be used under its whole name."""
    links = "host a-long-name b\nlink a-long-name -- b\nlink a-long-name -- b\n"
    part = f"{links}shape b:a-long-name.2 -> a-long-name rate 1mbit"
    lab = used(tmp_path, 'use "part.topo" as prefix', part=part).lab
    assert [end.shaping.rate for link in lab.links for end in link.ends] == [None, None, None, 10**6]


def lab_of(folder: Path, text: str, **settings: str) -> Lab:
    return used(folder, text, Options(settings)).lab


def test_definitions_set_params_of_the_lab_itself(tmp_path: Path) -> None:
    text = 'param n = 2\nparam mode = "slow"\nhost h[0..n-1]\nif mode == "fast" { link h0 -- h[1..n-1] }'
    assert len(lab_of(tmp_path, text, n="4", mode="fast").links) == 3
    (message,) = refusals(used(tmp_path, text, Options({"m": "1"})))
    assert message.endswith("has no param `m`")
    (message,) = refusals(used(tmp_path, "use std/ring", Options({"n": "8"})))
    assert message.endswith("has no param `n`")


def test_a_flat_lab_refuses_definitions(tmp_path: Path) -> None:
    assert refusals(used(tmp_path, "host a b\nlink a -- b", Options({"n": "8"})))


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/etc/hostname", "`/etc/hostname` is an absolute path"),
        ("../outside.topo", "`../outside.topo` leads out of the lab's folder"),
        ("../missing.topo", "`../missing.topo` leads out of the lab's folder"),
        ("inside/../../outside.topo", "`inside/../../outside.topo` leads out of the lab's folder"),
        ("link.topo", "`link.topo` leads out of the lab's folder"),
        ("folder/outside.topo", "`folder/outside.topo` leads out of the lab's folder"),
        ("circle.topo", "`circle.topo` leads out of the lab's folder"),
        ("missing.topo", "there is no file `missing.topo`"),
        ("x" * 5000, f"`{'x' * 5000}` leads out of the lab's folder"),
        ("pipe.topo", "pipe.topo` cannot be read: it is not a regular file"),
        ("large.topo", "large.topo` is larger than 2 MiB, which no topology is"),
        ("inside", "inside` cannot be read: Is a directory"),
    ],
)
def test_what_a_lab_may_not_read(tmp_path: Path, path: str, message: str) -> None:
    """Nothing outside of its directory, without revealing whether it exists; and only regular files."""
    folder = tmp_path / "lab"
    (folder / "inside").mkdir(parents=True)
    (tmp_path / "outside.topo").write_text("host a b\nlink a -- b")
    (folder / "link.topo").symlink_to("../outside.topo")
    (folder / "folder").symlink_to("..")
    (folder / "circle.topo").symlink_to("circle.topo")
    (folder / "large.topo").write_text("#" * (LARGEST + 1))
    os.mkfifo(folder / "pipe.topo")
    (found,) = refusals(used(folder, f'use "{path}"'))
    assert found.endswith(message)


def test_a_link_within_the_folder_is_a_file_of_it(tmp_path: Path) -> None:
    (tmp_path / "alias.topo").symlink_to("pair.topo")
    assert len(used(tmp_path, 'use "alias.topo"', pair=PAIR).lab.ip_nodes) == 3


def test_a_folder_that_the_user_names(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    used(tmp_path, "", shared_pair=PAIR, shared_both='use "pair.topo" as p')
    options = Options(folders=(str(tmp_path / "shared"),))
    assert len(used(tmp_path / "own", 'use "both.topo"', options).lab.ip_nodes) == 3
    assert len(used(tmp_path / "own", 'use "../shared/pair.topo"', options).lab.ip_nodes) == 3


def test_files_in_a_circle(tmp_path: Path) -> None:
    compilation = used(tmp_path, 'use "one.topo"', one='use "two.topo"', two='use "./one.topo"')
    assert refusals(compilation) == ["`./one.topo` uses this file"]
    assert refusals(used(tmp_path, 'use "lab.topo"')) == ["`lab.topo` uses itself"]


def test_a_file_is_read_once_and_its_mistakes_are_said_once(tmp_path: Path) -> None:
    text = 'for i in 0..9 { use "bad.topo" as b[i] }'
    assert refusals(used(tmp_path, text, bad="hots a\nhost b")) == ["unknown statement `hots`"]
    (tmp_path / "bad.topo").write_bytes(b"host a\xff")
    assert "this text is not UTF-8" in refusals(used(tmp_path, text))


def test_an_error_says_how_it_came_there(tmp_path: Path) -> None:
    text = 'host z\nuse "row.topo" as r'
    compilation = used(tmp_path, text, row='for i in 0..1 { use "part.topo" as p[i] }', part="link a -- b")
    refusals(compilation)
    found = list(compilation.diagnostics)
    places = [Path(one.span.source.name).name for one in found]
    assert places == ["part.topo", "part.topo"]
    whats = [note.message.replace(f"{tmp_path}/", "") for note in found[0].all_notes]
    assert whats == ["in the use of part.topo", "in for i = 0", "in the use of row.topo"]
    assert found[0].message == "unknown node `r-p0-a`"


def test_the_library_uses_the_library_only(tmp_path: Path) -> None:
    assert refusals(used(tmp_path, "use std/../std/ring")) == ["the library has no `std/../std/ring`"]
