"""Notes on queues that TCP may find too short.

They lose nothing of what keeps to the rate, and labs are built about them on purpose.
"""

from compiler.frontend.diagnostics import Diagnostics
from compiler.frontend.units import format_rate
from compiler.ir.lab import Lab, Reshaping, Shaping
from compiler.ir.shaping import full_frame, under_way


def short_queues(lab: Lab, diagnostics: Diagnostics) -> None:
    """Tells of queues that are written and hold less than is under way in their direction."""
    frames = {end.id: full_frame(link) for link in lab.links for end in link.ends}
    for end in (end for link in lab.links for end in link.ends):
        _tell(end.shaping, frames[end.id], diagnostics)
    for change in (change for event in lab.events for change in event.changes):
        if isinstance(change, Reshaping):
            _tell(change.shaping, frames[change.interface], diagnostics)


def _tell(shaping: Shaping, frame: int, diagnostics: Diagnostics) -> None:
    place, queue, rate = shaping.place("queue"), shaping.queue, shaping.rate
    if place is None or queue is None or rate is None:
        return
    needed = under_way(shaping, rate, frame)
    if queue.amount * (frame if queue.packets else 1) < needed * frame:
        message = f"this queue is under the bandwidth-delay product, {needed} packets at {format_rate(rate)}"
        help = f"CUBIC reaches the rate with `queue {needed}p`, or without a `queue`"
        diagnostics.note("MPC706", message, place, "TCP may not reach the rate", help)
