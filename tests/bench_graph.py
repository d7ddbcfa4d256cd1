"""What pictures take, each against the compilation of its lab; part of `bench.py`."""

from collections.abc import Callable
from functools import partial
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

from compiler.driver import Compilation
from compiler.model.lab import Lab
from compiler.pictures.forms import FORMS

PICTURED = {
    "a diamond": ("host a b\nrouter c d\nlink {a,b} -- {c,d} rate 5mbit\nmptcp a -- b\n", "dot svg html"),
    "a fat tree of 208 nodes": ("use std/fat-tree as t with k=8\n", "dot svg html"),
    "a fat tree of 1,344 nodes": ("routing none\nuse std/fat-tree as t with k=16\n", "dot svg"),
    "a ring of 10,000 nodes": ("routing none\nuse std/ring as t with n=10000\n", "dot mermaid json"),
}
"""Labs, and the forms that they are drawn in."""


def resolving(text: str) -> float:
    return _seconds(lambda: Compilation("lab.topo", text).lab)


def drawings(text: str, forms: str) -> dict[str, Callable[[], float]]:
    """The works of drawing a lab, by form."""
    lab = Compilation("lab.topo", text).lab
    return {form: partial(_drawing, lab, form) for form in forms.split()}


def _drawing(lab: Lab, form: str) -> float:
    return _seconds(lambda: FORMS[form](lab, None))


def _seconds(work: Callable[[], object]) -> float:
    """Seconds of processors, those of dot too."""
    before = _used()
    work()
    return _used() - before


def _used() -> float:
    found = (getrusage(who) for who in (RUSAGE_SELF, RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in found)
