"""What of a lab's trials the scripts of one machine make: those that begin on one of its nodes.

A transfer is measured by the machine that opens its connections."""

from collections.abc import Collection
from dataclasses import replace

from compiler.model.lab import Lab
from compiler.model.trials import Bench, Expectation, Throughput
from compiler.plan import served
from compiler.plan.plan import Plan


def share(lab: Lab, plan: Plan) -> Lab:
    """The lab with the trials of the machine of a plan; all of them, where the lab names no machines."""
    if plan.machine is None:
        return lab
    own = {node.name for node in lab.nodes if node.machine == plan.machine.name}
    expectations = tuple(one for one in lab.expectations if _begins(lab, one) in own)
    benches = tuple(part for one in lab.benches if (part := _part(lab, one, own)).transfers)
    return replace(lab, expectations=expectations, benches=benches)


def _begins(lab: Lab, one: Expectation) -> str:
    """The node that an expectation is tested from."""
    if isinstance(one.claim, Throughput):
        return served.ends(lab, one.source, one.target, one.claim.transfer).opens.node
    return one.source.node


def _part(lab: Lab, one: Bench, own: Collection[str]) -> Bench:
    """A bench with the transfers that nodes of one's own open."""
    ends = ((each, served.ends(lab, one.source, one.target, each)) for each in one.transfers)
    return one._replace(transfers=tuple(each for each, (opens, _) in ends if opens.node in own))
