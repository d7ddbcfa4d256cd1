"""A sample of the hostile labs of `./dev fuzz`: each gives scripts of known lines, or errors."""

from random import Random

import hostile
import pytest
import words
from labs import check_syntax, checked

from compiler.driver import Compilation, TopologyError

SEED = 1
EXAMPLES = 800


def test_hostile_labs_have_answers() -> None:
    scripts = []
    for number in range(EXAMPLES):
        name, text = hostile.lab(SEED, number)
        try:
            script = checked(text, name)
        except Exception as error:
            error.add_note(f"number {number}: {name!r} {text[:2000]!r}")
            raise
        if script:
            scripts.append(script)
    assert EXAMPLES // 20 < len(scripts) < EXAMPLES, "the labs are too mild or too wild to test anything"
    check_syntax(scripts)


@pytest.mark.parametrize("odd", words.HOSTILE)
def test_odd_words_stand_anywhere(odd: str) -> None:
    for text in (odd, f"host {odd}", f"host a b\nlink a -- b rate {odd}", f'host a\nsysctl a net.x="{odd}"'):
        checked(text)


@pytest.mark.parametrize("name", words.FILE_NAMES)
def test_a_file_can_have_any_name(name: str) -> None:
    """It is in the header of scripts, where it must not become a line of the script."""
    assert checked("lab x\nhost a b\nlink a -- b", name)


def test_bytes_that_are_no_text() -> None:
    chance = Random(1)
    for number in range(100):
        data = bytearray(chance.choice(hostile.FILES).read_bytes())
        for _ in range(chance.randint(1, 3)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        compilation = Compilation("lab.topo", bytes(data))
        try:
            _ = compilation.up()
        except TopologyError:
            assert compilation.diagnostics.failed, number


@pytest.mark.parametrize("data", [b"\xff", b"host a\xff", b"\xed\xa0\x80", b"\xff\xfeh\0o\0s\0t\0"])
def test_what_is_not_utf8_says_so(data: bytes) -> None:
    compilation = Compilation("lab.topo", data)
    with pytest.raises(TopologyError):
        _ = compilation.lab
    assert [found.code for found in compilation.diagnostics] == ["MPC107"]


def test_a_byte_order_mark_is_no_text() -> None:
    compilation = Compilation("lab.topo", b"\xef\xbb\xbfhost a b\nlink a -- b\n")
    assert len(compilation.lab.ip_nodes) == 2
