"""Hostile labs: texts as an attacker could write them, each a function of a seed and a number.

They are mutations of real labs, and random derivations of the grammar. File names are hostile too.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from random import Random

from lark.grammar import NonTerminal, Symbol
from words import FILE_NAMES, FITTING, HOSTILE, KEYS, KNOWN, LAB, NAMES, STRINGS, VALUES

from compiler.language.grammars import parser

TESTS = Path(__file__).resolve().parent
FILES = sorted(path for folder in ("golden", "errors") for path in (TESTS / folder).glob("*.topo"))


def cut(text: str, chance: Random) -> str:
    start, end = sorted(chance.choices(range(len(text) + 1), k=2))
    return text[:start] + text[min(end, start + chance.choice((1, 5, 50, 5000))) :]


def duplicate(text: str, chance: Random) -> str:
    start, end = sorted(chance.choices(range(len(text) + 1), k=2))
    return text[:end] + text[start:end] + text[end:]


def insert(text: str, chance: Random) -> str:
    place = chance.randint(0, len(text))
    return text[:place] + chance.choice(HOSTILE) + text[place:]


def replace_a_word(text: str, chance: Random) -> str:
    """Replaces a word by another one, which most often keeps the text valid."""
    words = list(re.finditer(r"[^\s{},=]+", text))
    if not words:
        return chance.choice(HOSTILE)
    word = chance.choice(words)
    other = chance.choice(chance.choice((HOSTILE, NAMES, VALUES, [found[0] for found in words])))
    return text[: word.start()] + other + text[word.end() :]


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
    other = read(chance.randrange(len(FILES))).splitlines(keepends=True)
    lines = text.splitlines(keepends=True)
    lines.insert(chance.randint(0, len(lines)), chance.choice(other or [""]))
    return "".join(lines)


Mutation = Callable[[str, Random], str]
MUTATIONS: list[Mutation] = [cut, duplicate, insert, swap_characters, swap_words, drop_a_line, swap_lines]
MUTATIONS += [add_a_foreign_line, replace_a_word, replace_a_word, replace_a_word]


@cache
def read(place: int) -> str:
    return FILES[place].read_bytes().decode("utf-8", "replace")


def mutant(chance: Random) -> str:
    """A real lab with one to three mutations."""
    text = read(chance.randrange(len(FILES)))
    for mutate in chance.choices(MUTATIONS, k=chance.choice((1, 1, 2, 3))):
        text = mutate(text, chance)
    return text


def spelled(chance: Random) -> str:
    """A random derivation of the grammar, after declarations of nodes."""
    statements = (_statement(chance) for _ in range(chance.randint(1, 3)))
    return chance.choice(("", LAB, LAB, LAB)) + "\n".join(statements)


def _statement(chance: Random) -> str:
    terminals = list(_walk(NonTerminal("_statement"), chance))
    befores, afters = ["", *terminals], [*terminals[1:], ""]
    places = zip(terminals, befores, afters, strict=False)
    return " ".join(_word(*place, terminals[0], chance) for place in places)


def _walk(symbol: Symbol, chance: Random) -> Iterator[str]:
    """The terminals of a random derivation of a rule."""
    if symbol.is_term:
        yield symbol.name
        return
    for part in chance.choice(_rules()[symbol.name]):
        yield from _walk(part, chance)


_FITTING: dict[str, list[str]] = {
    key: words.split() for keys, words in FITTING.items() for key in keys.split()
}


def _word(terminal: str, before: str, after: str, keyword: str, chance: Random) -> str:
    if terminal == "STRING":
        return chance.choice(STRINGS)
    if terminal != "WORD":
        return "\n" if terminal == "_NL" else _spellings()[terminal]
    if chance.random() < 0.03:
        return chance.choice((*NAMES, *VALUES))
    if after == "EQUAL" and keyword != "RUN":
        return chance.choice(KEYS)
    if before not in _FITTING and keyword in ("HOST", "ROUTER", "SWITCH"):
        return f"{chance.choice(('n', 'up-', 'END', 'x' * 60))}{chance.randrange(999)}"
    return chance.choice(_FITTING.get(before, KNOWN))


@cache
def _rules() -> dict[str, list[Sequence[Symbol]]]:
    found: dict[str, list[Sequence[Symbol]]] = {}
    for rule in parser("topo").rules:
        found.setdefault(rule.origin.name, []).append(rule.expansion)
    return found


@cache
def _spellings() -> dict[str, str]:
    """The keywords and signs, by terminal."""
    return {terminal.name: str(terminal.pattern.value) for terminal in parser("topo").terminals}


def lab(seed: int, number: int) -> tuple[str, str]:
    """The file name and the text of a hostile lab."""
    chance = Random(f"{seed} {number}")
    name = chance.choice(FILE_NAMES) if chance.random() < 0.1 else "lab.topo"
    text = chance.choice((mutant, mutant, mutant, spelled))(chance)
    return name, f"lab x\n{text}" if name != "lab.topo" else text
