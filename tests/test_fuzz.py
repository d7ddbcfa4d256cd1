"""Real labs with something wrong in them: each gives a script that bash can read, or errors."""

from collections.abc import Callable
from random import Random

import pytest
from labs import TESTS, check_syntax, checked

from compiler.driver import Compilation, TopologyError

FILES = sorted(path for folder in ("golden", "errors") for path in (TESTS / folder).glob("*.topo"))
EXAMPLES = 400

ODD = [
    "\0",
    "\x1b[31m",
    "\u202e",
    "\u0661",
    "\xa0",
    "\ufeff",
    "\N{SNOWMAN}",
    "e\u0301",
    "\r",
    "\f",
    "\v",
    "\x85",
]
ODD += [
    "\u2028",
    "'",
    '"',
    "`",
    "$(reboot)",
    "${IFS}",
    ";",
    "&",
    "|",
    "<<X",
    "\\",
    "{",
    "}",
    "[",
    "]",
    "#",
    "--",
]
ODD += [
    "a" * 70_000,
    "9" * 5000,
    "-" * 300,
    ":" * 50,
    "[" * 2000,
    "{" * 2000,
    ",",
    "=",
    "->",
    "%",
    "/",
    "*",
    "~",
]


def cut(text: str, chance: Random) -> str:
    start, end = sorted(chance.choices(range(len(text) + 1), k=2))
    return text[:start] + text[min(end, start + chance.choice((1, 5, 50, 5000))) :]


def duplicate(text: str, chance: Random) -> str:
    start, end = sorted(chance.choices(range(len(text) + 1), k=2))
    return text[:end] + text[start:end] + text[end:]


def insert(text: str, chance: Random) -> str:
    place = chance.randint(0, len(text))
    return text[:place] + chance.choice(ODD) + text[place:]


def swap_characters(text: str, chance: Random) -> str:
    chars = list(text) or [""]
    first, second = chance.choices(range(len(chars)), k=2)
    chars[first], chars[second] = chars[second], chars[first]
    return "".join(chars)


def swap_words(text: str, chance: Random) -> str:
    words = text.split(" ")
    first, second = chance.choices(range(len(words)), k=2)
    words[first], words[second] = words[second], words[first]
    return " ".join(words)


def drop_a_line(text: str, chance: Random) -> str:
    lines = text.splitlines(keepends=True) or [""]
    del lines[chance.randrange(len(lines))]
    return "".join(lines)


def swap_lines(text: str, chance: Random) -> str:
    lines = text.splitlines(keepends=True) or [""]
    first, second = chance.choices(range(len(lines)), k=2)
    lines[first], lines[second] = lines[second], lines[first]
    return "".join(lines)


def add_a_foreign_line(text: str, chance: Random) -> str:
    other = chance.choice(FILES).read_bytes().decode("utf-8", "replace").splitlines(keepends=True)
    lines = text.splitlines(keepends=True)
    lines.insert(chance.randint(0, len(lines)), chance.choice(other or [""]))
    return "".join(lines)


MUTATIONS: list[Callable[[str, Random], str]] = [
    cut,
    duplicate,
    insert,
    swap_characters,
    swap_words,
    drop_a_line,
    swap_lines,
    add_a_foreign_line,
]


def test_mutants_have_answers() -> None:
    scripts = []
    for number in range(EXAMPLES):
        chance = Random(number)
        text = chance.choice(FILES).read_bytes().decode("utf-8", "replace")
        for mutate in chance.choices(MUTATIONS, k=chance.choice((1, 1, 2, 3))):
            text = mutate(text, chance)
        try:
            script = checked(text)
        except Exception as error:
            error.add_note(f"number {number}: {text[:2000]!r}")
            raise
        if script:
            scripts.append(script)
    assert EXAMPLES // 20 < len(scripts) < EXAMPLES, "the mutations are too mild or too wild to test anything"
    check_syntax(scripts)


@pytest.mark.parametrize("odd", ODD)
def test_odd_words_stand_anywhere(odd: str) -> None:
    for text in (odd, f"host {odd}", f"host a b\nlink a -- b rate {odd}", f'host a\nsysctl a net.x="{odd}"'):
        checked(text)


def test_bytes_that_are_no_text() -> None:
    chance = Random(1)
    for number in range(100):
        data = bytearray(chance.choice(FILES).read_bytes())
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
    assert len(compilation.lab.nodes) == 2
