"""The check script, which compares the machine with the plan and tests the lab's expectations."""

from collections.abc import Iterable, Iterator
from itertools import chain

from compiler.ground.units import format_rate, format_time
from compiler.model.lab import Lab
from compiler.model.trials import Expectation, Reachability, RoundTrip, Throughput, Transfer
from compiler.plan.commands import mark
from compiler.plan.engines import names
from compiler.plan.facts import Masquerade, PortForward
from compiler.plan.plan import NO_SERVER, Plan
from compiler.scripts.bash import head, need_tools, script
from compiler.scripts.drift import Facts, Queues, bridges, brief, facts, queues
from compiler.scripts.identity import identity
from compiler.scripts.measure import Ends, tools
from compiler.scripts.quoting import join, quote


def check(lab: Lab, plan: Plan) -> Iterator[str]:
    """The script that checks a running lab without changing it."""
    start = head(plan, "check", f'Checks the lab "{plan.lab}" that is up', "check.sh")
    identified = (*start, *identity(lab, plan))
    programs = (*_tools(lab, plan), *tools(_transfers(lab)))
    numbers, shaped = queues(plan)
    functions: dict[str, Iterable[str]] = {
        "needs": (*need_tools(programs), *_here(plan)),
        "refer_all": _references(plan, numbers),
        "compare_each": _comparisons(plan, shaped),
        "expect": _expectations(lab, plan),
    }
    return script(identified, functions, "check", _call(lab, plan))


def _call(lab: Lab, plan: Plan) -> Iterator[str]:
    yield "needs"
    yield "prepare"
    if _transfers(lab):
        alone = f"be_alone {plan.namespaces[0]}"
        yield f'{alone} || bail_out "a bench or another check measures in this lab now"'
    yield f"begin {_points(lab, plan)}"
    yield from ("refer_all",) if plan.namespaces else ()
    yield join(("compare_lab", *plan.namespaces))
    yield from (f"compare_all {len(plan.namespaces)}",) if plan.namespaces else ()
    yield from ("expect", "finish")


def _here(plan: Plan) -> Iterator[str]:
    """Says where this is not the machine of the plan, of which all is missing then."""
    if plan.machine:
        name, address = plan.machine.name, str(plan.machine.address)
        missing = f"[[ -n $(ip -o address show to {quote(address)}) ]]"
        yield f'{missing} || say "warning: this is not {name}, as it does not have the address {address}"'


def _points(lab: Lab, plan: Plan) -> int:
    """The number of test points."""
    return 1 + len(plan.namespaces) + len(plan.crosslinks) + len(lab.expectations)


def _transfers(lab: Lab) -> list[Transfer]:
    return [one.claim.transfer for one in lab.expectations if isinstance(one.claim, Throughput)]


def _references(plan: Plan, numbers: Queues) -> Iterator[str]:
    """Has the machine list reference objects, which namespaces are compared with."""
    yield from (*_queues(numbers), *_bridges(plan))
    yield "refer_mptcp"
    first = f"# {mark(plan.lab)}"
    yield from ("file hosts <<'END'", first, *plan.hosts, "END")
    if plan.uplink:
        told = f"{{ echo {quote(first)}; sed -n 's/^resolv //p' /run/mpc-{plan.lab} 2>/dev/null; }}"
        yield f"[[ ! -e /etc/resolv.conf ]] || file resolv.conf < <({told})"
    else:
        yield from ("[[ ! -e /etc/resolv.conf ]] || file resolv.conf <<'END'", first, NO_SERVER, "END")
    for engine in plan.engines:
        own = (names(one) for one in plan.containers if one.started.engine == engine)
        attached = (one.name for one in plan.attached if one.engine == engine)
        yield join(("refer_containers", engine, *chain.from_iterable(own), *attached))


def _comparisons(plan: Plan, shaped: Facts) -> Iterator[str]:
    """Compares each namespace."""
    routes, own, first = brief(plan), facts(plan), dict(plan.own_hosts)
    for namespace in plan.namespaces:
        yield from ("", *routes.get(namespace, ()), f"compare {quote(namespace)} <<'END'")
        yield from (f"name {line}" for line in first.get(namespace, ()))
        yield from (*own[namespace], *shaped[namespace], "END")


def _expectations(lab: Lab, plan: Plan) -> Iterator[str]:
    """Links to other machines and expectations that pings test, then one by one those that load the lab."""
    ends = Ends(lab, plan)
    pings = [one for one in lab.expectations if not isinstance(one.claim, Throughput)]
    for link, here, addresses in plan.crosslinks:
        yield join(("ask", here, here, f"the link {link} carries packets", "reachable", "0", "0", *addresses))
    yield from (join(("ask", *_asked(one, ends, plan))) for one in pings)
    yield from ("judge",) if pings or plan.crosslinks else ()
    transfers = [(one, one.claim) for one in lab.expectations if isinstance(one.claim, Throughput)]
    for one, claim in transfers:
        what = f"{one.source} -> {one.target} rate >= {format_rate(claim.least)} using {claim.transfer}"
        yield join(
            ("throughput", what, str(claim.least), *ends.transfer(one.source, one.target, claim.transfer))
        )


def _asked(one: Expectation, ends: Ends, plan: Plan) -> Iterator[str]:
    """The arguments of `ask` in pings.bash; what is elsewhere has no namespace to look for."""
    source, target = ends.namespaces(one.source, one.target)
    yield from (source, target if target in plan.namespaces else source)
    pair = f"{one.source} -> {one.target}"
    match one.claim:
        case RoundTrip(least, most):
            yield from (f"{pair} rtt {format_time(least)}..{format_time(most)}", "rtt", str(least), str(most))
        case Reachability(reachable):
            word = "reachable" if reachable else "unreachable"
            yield from (f"{pair} {word}", word, "0", "0")
    yield from ends.addresses(one.source, one.target)


def _tools(lab: Lab, plan: Plan) -> Iterator[str]:
    yield from (*plan.engines, "ip", "tc", "nsenter", "unshare", "mount", "awk")
    pings = any(not isinstance(one.claim, Throughput) for one in lab.expectations)
    yield from ("ping",) if pings or plan.crosslinks else ()
    yield from ("nft",) if any(isinstance(fact, Masquerade | PortForward) for fact in plan.facts) else ()


def _queues(numbers: Queues) -> Iterator[str]:
    """Has the machine list each distinct set of queueing disciplines."""
    if numbers:
        yield f"refer {len(numbers)} <<'END'"
        for commands in numbers:
            yield from (*commands, "qdisc show", "qdisc del dev lo root")
        yield "END"


def _bridges(plan: Plan) -> Iterator[str]:
    """Has the machine list a bridge with each distinct set of options."""
    if ways := bridges(plan):
        yield from (f"refer_bridges {len(ways)} <<'END'", *(f"type bridge {way}" for way in ways), "END")
