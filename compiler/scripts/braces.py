"""Brace expressions of bash(1) from the words that they expand to: 10.1.{0..3}.0/24 for four prefixes."""

import re
from collections.abc import Iterable, Iterator

Trie = dict[str, "Trie"]
"""A trie of words by their parts; an empty part ends a word."""

PART = re.compile("[^.:/]*[.:/]|[^.:/]+$")
"""A part of an address with the separator after it."""

NUMBER = re.compile("0|[1-9][0-9]*", re.ASCII)
"""A part that can be an end of a sequence `{0..3}`."""


def braces(words: Iterable[str]) -> str:
    """One brace expression that expands to the given words, in another order.

    Words are of letters, digits and the separators of addresses. Parts with equal subtries are merged, so the
    expression is short if the words are a product of sets.
    """
    trie: Trie = {}
    for word in words:
        place = trie
        for part in (*PART.findall(word), ""):
            place = place.setdefault(part, {})
    return _expression(trie)


def _expression(trie: Trie) -> str:
    """The brace expression of a trie."""
    alike: dict[str, list[str]] = {}
    for part, rest in trie.items():
        label = part.rstrip(".:/")
        alike.setdefault(part[len(label) :] + (_expression(rest) if part else ""), []).append(label)
    return _one_of(_one_of(_runs(labels)) + rest for rest, labels in alike.items())


def _one_of(alternatives: Iterable[str]) -> str:
    found = list(alternatives)
    return found[0] if len(found) == 1 else f"{{{','.join(found)}}}"


def _runs(labels: list[str]) -> Iterator[str]:
    """Labels, with arithmetic progressions of numbers as sequences."""
    counted = {label for label in labels if NUMBER.fullmatch(label)}
    yield from (label for label in labels if label not in counted)
    numbers = sorted(map(int, counted))
    start = 0
    while start < len(numbers):
        end = _end_of_run(numbers, start)
        if end - start < 3:
            yield str(numbers[start])
            start += 1
            continue
        step = numbers[start + 1] - numbers[start]
        yield f"{{{numbers[start]}..{numbers[end - 1]}{f'..{step}' if step > 1 else ''}}}"
        start = end


def _end_of_run(numbers: list[int], start: int) -> int:
    """The end of the arithmetic progression that begins at `start`, exclusive."""
    end = start + 1
    while end < len(numbers) and numbers[end] - numbers[end - 1] == numbers[start + 1] - numbers[start]:
        end += 1
    return end
