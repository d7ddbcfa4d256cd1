"""A check of the MAC addresses that the source pins."""

from compiler.ground.diagnostics import Diagnostics, Note
from compiler.ground.source import Span
from compiler.model.lab import Lab


def check(lab: Lab, diagnostics: Diagnostics) -> None:
    """Reports a MAC address that two interfaces of a segment have, or a leg of a bond."""
    for link in lab.links:
        for end in link.ends if link.leg else ():
            if end.mac:
                message = f"`{end.id}` is a leg, and takes the MAC address of what it is a leg of"
                diagnostics.error("MPC416", message, end.span, f"`{end.mac}`", "leave `mac` out")
    for segment in lab.segments:
        known: dict[str, Span] = {}
        for end in (end for place in segment.links for end in lab.links[place].ends if end.mac):
            if (first := known.setdefault(end.mac, end.span)) is not end.span:
                message = f"`{end.mac}` is the MAC address of two interfaces"
                note = Note("the other", first)
                diagnostics.error("MPC415", message, end.span, "on one segment", "", note)
