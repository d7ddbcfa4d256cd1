"""The attributes of links whose values have several words: shares and `slot` of tc-netem(8), `trunk`, and
`vrf`."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from compiler.ground import foreign, mends, units
from compiler.ground.diagnostics import Diagnostics, Note, suggest
from compiler.ground.mends import did_you_mean
from compiler.ground.names import INTERFACE_BYTES, fault, is_interface, is_name, is_of_module
from compiler.language import syntax
from compiler.model import losses
from compiler.model.links import MOST_VLAN

Quantity = TypeVar("Quantity")
Read = tuple[object, tuple[str, ...]] | None
"""A value, and its words as tc(8) takes them, where these are several."""

CERTAIN = 100 * 10**6
"""The share 1, in millionths of a percent."""

VERBS = {"loss": "loses", "duplicate": "duplicates", "corrupt": "corrupts", "reorder": "reorders"}
"""What netem does to a share of packets."""

MODEL = "gemodel"
MOST_OF_MODEL = 4


def loss(words: tuple[syntax.Word, ...], diagnostics: Diagnostics) -> Read:
    """`loss 1%`, `loss 1% 25%` with a correlation, or `loss gemodel P R 1-H 1-K`; the mean loss."""
    first, *rest = words
    return _model(first, rest, diagnostics) if first.text == MODEL else share("loss", words, diagnostics)


def share(name: str, words: tuple[syntax.Word, ...], diagnostics: Diagnostics) -> Read:
    """`corrupt 1%`, or `corrupt 1% 25%` with a correlation; the mean share."""
    first, *rest = words
    form = "a share and a correlation, like `1% 25%`"
    if not _are_values(name, rest, 1, form, diagnostics, after=first):
        return None
    found = [_quantity(word, units.percent, name, diagnostics) for word in words]
    if None in found:
        return None
    meant, *correlation = (one or 0 for one in found)
    if not correlation:
        return meant, ()
    if correlation[0] == CERTAIN:
        message = "a correlation of 100% keeps the first random number: all packets, or none"
        help = "write a correlation that is less"
        diagnostics.error("MPC301", message, words[1].span, f"value of `{name}`", help)
        return None
    mean = round(CERTAIN * losses.correlated(meant / CERTAIN, correlation[0] / CERTAIN))
    _warn_of_correlation(name, meant, mean, words, diagnostics)
    return mean, tuple(units.format_percent(one or 0) for one in found)


def _warn_of_correlation(
    name: str, share: int, mean: int, words: tuple[syntax.Word, ...], diagnostics: Diagnostics
) -> None:
    if abs(mean - share) <= share / 10:
        return
    told, meant = _about(mean), units.format_percent(share)
    message = f"with a correlation, netem {VERBS[name]} {told} of all packets, and not {meant}"
    help = "`loss gemodel P R` has a mean loss of P / (P + R), in bursts of 1 / R packets"
    if name != "loss":
        correlation = words[1].text
        wanted = losses.wanted(share / CERTAIN, units.percent(correlation) / CERTAIN)
        help = f"`{name} {100 * wanted:.3g}% {correlation}` has a mean of about {meant}"
    span = words[0].span.to(words[-1].span)
    diagnostics.warning("MPC758", message, span, f"{told} on average", help)


def _about(share: int) -> str:
    return f"{share / 10**6:.2g} %" if share else "next to nothing"


def _model(first: syntax.Word, rest: list[syntax.Word], diagnostics: Diagnostics) -> Read:
    """The four chances of a Gilbert-Elliott model; those left out are the kernel's own."""
    form = "one to four shares, like `gemodel 1% 10%`"
    if not _are_values("loss", rest, MOST_OF_MODEL, form, diagnostics, after=first):
        return None
    if not rest:
        message = "`gemodel` needs the share of packets that begin a burst of losses"
        diagnostics.error("MPC314", message, first.span, "no share", f"write {form}")
        return None
    found = [_quantity(word, units.percent, "loss", diagnostics) for word in rest]
    if None in found:
        return None
    told = [one or 0 for one in found]
    told += [CERTAIN - told[0], CERTAIN, 0][len(told) - 1 :]
    mean = losses.gemodel(*(share / CERTAIN for share in told))
    return round(CERTAIN * mean), (MODEL, *map(units.format_percent, told))


def slot(words: tuple[syntax.Word, ...], diagnostics: Diagnostics) -> Read:
    """`slot 10ms` or `slot 10ms 20ms`; the value is the longer time."""
    times = [_quantity(word, units.time, "slot", diagnostics) for word in words]
    if None in times:
        return None
    least, most = times[0] or 0, times[-1] or 0
    if least > most or not most:
        message = f"no time is from `{words[0].text}` to `{words[-1].text}`" if most else "a slot takes time"
        help = "write the shorter time first, like `slot 10ms 20ms`"
        diagnostics.error("MPC301", message, words[0].span.to(words[-1].span), "value of `slot`", help)
        return None
    return most, (units.format_time(least), units.format_time(most))


def _are_values(
    name: str, words: list[syntax.Word], most: int, form: str, diagnostics: Diagnostics, *, after: syntax.Word
) -> bool:
    """Whether these are values, and no more than an attribute takes; else reports the first that is none."""
    for place, word in enumerate(words):
        before = words[place - 1] if place else after
        if not word.text[:1].isdigit():
            _no_value(word, before, diagnostics)
            return False
    if len(words) > most:
        message = f"`{name}` has {len(words)} values after `{after.text}`"
        diagnostics.error("MPC314", message, words[most].span, "one too many", f"it takes {form}")
        return False
    return True


def _no_value(word: syntax.Word, before: syntax.Word, diagnostics: Diagnostics) -> None:
    """A unit that stands apart, or a word that may be meant for an attribute."""
    if meant := mends.quantity(before.text + word.text, "%", units.PERCENT):
        message = "a number and its unit are one word"
        span = before.span.to(word.span)
        diagnostics.error("MPC102", message, span, "two words", did_you_mean(meant))
        return
    help = foreign.LINK_ATTRIBUTES.help(word.text) or suggest(word.text, syntax.LINK_ATTRIBUTES)
    help = help or f"attributes are {', '.join(syntax.LINK_ATTRIBUTES)}"
    diagnostics.error("MPC102", f"unknown attribute `{word.text}`", word.span, "not an attribute", help)


def _quantity(
    word: syntax.Word, form: Callable[[str], Quantity], what: str, diagnostics: Diagnostics
) -> Quantity | None:
    try:
        return form(word.text)
    except units.UnitError as error:
        diagnostics.error("MPC301", str(error), word.span, f"value of `{what}`", error.help)
        return None


def trunk(words: tuple[syntax.Word, ...], diagnostics: Diagnostics) -> Read:
    """`trunk 10,20`: the VLANs, in written order."""
    found: dict[int, syntax.Word] = {}
    for word in words:
        number = _quantity(word, lambda text: units.number(text, 1, MOST_VLAN), "trunk", diagnostics)
        if number is None:
            return None
        if number in found:
            note = Note("first set here", found[number].span)
            diagnostics.error("MPC206", f"VLAN {number} is set twice", word.span, "set again", "", note)
            return None
        found[number] = word
    return tuple(found), ()


VRF_FORM = "a VRF is named by up to 15 letters, digits, `_` and single inner hyphens, after a letter"


def vrf(words: tuple[syntax.Word, ...], diagnostics: Diagnostics) -> Read:
    """`vrf red`, or `vrf red none` for the left and the right end; an empty text is no VRF."""
    for word in words:
        own = word.text == "none" or (is_name(word.text) and is_interface(word.text))
        if not own or is_of_module(word.text):
            message, label = f"`{word.text}` cannot name a VRF", fault(word.text, INTERFACE_BYTES)
            diagnostics.error("MPC560", message, word.span, label, VRF_FORM)
            return None
    return tuple("" if word.text == "none" else word.text for word in words), ()


READERS: dict[str, Callable[[tuple[syntax.Word, ...], Diagnostics], Read]] = {
    "loss": loss,
    **{name: partial(share, name) for name in ("duplicate", "corrupt", "reorder")},
    "slot": slot,
    "trunk": trunk,
    "vrf": vrf,
}
