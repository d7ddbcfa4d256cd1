"""Routes of more words than a line of `ip -batch` takes."""

from collections.abc import Iterator

from compiler.plan.plan import way

MOST_WORDS = 511
"""Of a line of a batch: MAX_ARGS of lib/utils.c of iproute2, less one."""

HOPS = 60
"""Next hops of a line, each of 8 words at most."""

Arguments = tuple[str, ...]


def split(arguments: Arguments) -> Iterator[Arguments]:
    """A command in parts that batches take: to a route of IPv6, next hops can be appended."""
    hops, more = way(arguments[3:]) if is_long(arguments) else ([""], ())
    if ":" not in hops[0]:
        yield arguments
        return
    for start in range(0, len(hops), HOPS):
        words = " ".join(hops[start : start + HOPS]).split()
        yield (arguments[0], "append" if start else arguments[1], arguments[2], *more, *words)


def is_long(arguments: Arguments) -> bool:
    """Whether a command has more words than a batch takes, so that it has to be given by itself."""
    return len(arguments) > MOST_WORDS
