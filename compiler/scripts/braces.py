"""Words as the brace expressions of bash(1) that expand to them: 10.1.{0..3}.0/24 for four prefixes."""

import re
from collections.abc import Iterable, Iterator

Trie = dict[str, "Trie"]
"""Words by their parts; after the last one, an empty part ends a word."""

PART = re.compile("[^.:/]*[.:/]|[^.:/]+$")
"""A part of an address, with what stands between it and the next."""

NUMBER = re.compile("0|[1-9][0-9]*", re.ASCII)
"""A part that bash counts by."""


def braces(words: Iterable[str]) -> str:
    """One word of bash that expands to all of some, in an order of its own.

    They are of letters, digits and what separates the parts of addresses. Parts that are followed by the same
    are told together, so it is short where the words are a product of sets.
    """
    trie: Trie = {}
    for word in words:
        place = trie
        for part in (*PART.findall(word), ""):
            place = place.setdefault(part, {})
    return _expression(trie)


def _expression(trie: Trie) -> str:
    """What expands to the words of a trie."""
    alike: dict[str, list[str]] = {}
    for part, rest in trie.items():
        label = part.rstrip(".:/")
        alike.setdefault(part[len(label) :] + (_expression(rest) if part else ""), []).append(label)
    return _one_of(_one_of(_runs(labels)) + rest for rest, labels in alike.items())


def _one_of(alternatives: Iterable[str]) -> str:
    found = list(alternatives)
    return found[0] if len(found) == 1 else f"{{{','.join(found)}}}"


def _runs(labels: list[str]) -> Iterator[str]:
    """Labels, those that are evenly spaced numbers as sequences."""
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
    """Where the numbers from a place on are no longer as far apart as the first two."""
    end = start + 1
    while end < len(numbers) and numbers[end] - numbers[end - 1] == numbers[start + 1] - numbers[start]:
        end += 1
    return end
