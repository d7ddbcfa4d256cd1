"""The check: a script that compares the machine with the plan, and tries what the lab expects."""

import re
from collections.abc import Iterator, Sequence
from itertools import chain

from compiler.backend.bash import fixed, head, script
from compiler.backend.braces import braces
from compiler.backend.measure import Ends, tools
from compiler.backend.needs import PACKAGES
from compiler.backend.plan import Command, Plan, mark, way
from compiler.backend.quoting import join, quote
from compiler.frontend.units import format_rate, format_time
from compiler.ir.lab import Lab
from compiler.ir.shaping import DEFAULT_MTU
from compiler.ir.trials import Expectation, Reachability, RoundTrip, Throughput

_FLAGS = ("signal", "subflow", "fullmesh", "backup")


def check(lab: Lab, plan: Plan) -> Iterator[str]:
    """The script that checks a lab that is up, and changes nothing."""
    facts, routes = _facts(plan), _brief(plan)
    numbers, shaped = _queues(plan)
    transfers = [one.claim.transfer for one in lab.expectations if isinstance(one.claim, Throughput)]
    parts = ["check", "drift"] + ["ending", "jobs"] * bool(lab.expectations)
    parts += ["pings"] * (len(transfers) < len(lab.expectations)) + ["transfer", "throughput"] * bool(
        transfers
    )
    lines = [*head(plan, f'Checks the lab "{plan.lab}" that is up', "check.sh"), *fixed(*parts)]
    lines += ["", "# === the lab ".ljust(80, "="), *_questions(lab)]
    lines += [f"need_tool {tool} {PACKAGES[tool]}" for tool in (*_tools(lab), *tools(transfers))]
    lines += ["prepare"] if lab.expectations else []
    lines += [f"begin {len(plan.namespaces) + len(lab.expectations)}", *_references(numbers)]
    comparisons: list[str] = []
    for namespace in plan.namespaces:
        queues = (f"qdisc {device} {numbers[commands]}" for device, commands in shaped[namespace].items())
        comparisons += ["", *routes.get(namespace, ()), f"compare {quote(namespace)} <<'END'"]
        comparisons += [*facts[namespace], *queues, "END"]
    if comparisons:
        lines += ["", "compare_each() {", *comparisons, "}", f"compare_all {len(plan.namespaces)}"]
    return script([*lines, "", *_expectations(lab), "finish"])


def _expectations(lab: Lab) -> Iterator[str]:
    """Those that pings tell, and then one after the other those that load the lab."""
    ends = Ends(lab)
    pings = [one for one in lab.expectations if not isinstance(one.claim, Throughput)]
    yield from (join(("ask", *_asked(one, ends))) for one in pings)
    yield from ("judge",) if pings else ()
    transfers = [(one, one.claim) for one in lab.expectations if isinstance(one.claim, Throughput)]
    for one, claim in transfers:
        what = f"{one.source} -> {one.target} rate >= {format_rate(claim.least)} using {claim.transfer}"
        yield join(
            ("throughput", what, str(claim.least), *ends.transfer(one.source, one.target, claim.transfer))
        )


def _asked(one: Expectation, ends: Ends) -> Iterator[str]:
    """The arguments of `ask` in pings.bash."""
    yield from ends.namespaces(one.source, one.target)
    pair = f"{one.source} -> {one.target}"
    match one.claim:
        case RoundTrip(least, most):
            yield from (f"{pair} rtt {format_time(least)}..{format_time(most)}", "rtt", str(least), str(most))
        case Reachability(reachable):
            word = "reachable" if reachable else "unreachable"
            yield from (f"{pair} {word}", word, "0", "0")
    yield from ends.addresses(one.target)


def _tools(lab: Lab) -> Iterator[str]:
    yield from ("ip", "tc", "nsenter", "unshare")
    yield from ("ping",) if any(not isinstance(one.claim, Throughput) for one in lab.expectations) else ()
    yield from ("nft",) if any(node.masquerade for node in lab.nodes) else ()


def _questions(lab: Lab) -> Iterator[str]:
    """What is asked of each namespace beside what every lab has."""
    yield from ("ask_mptcp",) if any(node.limits or node.endpoints for node in lab.nodes) else ()
    yield from ("ask_masquerades",) if any(node.masquerade for node in lab.nodes) else ()


def _facts(plan: Plan) -> dict[str, list[str]]:
    """What each namespace has to have, in the lines in which the script tells what it has."""
    found = {namespace: {"mark": f"mark {mark(plan.lab)}"} for namespace in plan.namespaces}
    for section in plan.sections:
        for command in section.commands:
            calls = () if command.brief else command.calls
            for namespace, fact in chain.from_iterable(_told(command, call) for call in calls):
                found[namespace][fact.partition(" = ")[0]] = fact  # of a sysctl that is set twice, the last
    return {namespace: list(facts.values()) for namespace, facts in found.items()}


def _brief(plan: Plan) -> dict[str, list[str]]:
    """The routes of each namespace that are told in short, a line for each next hop."""
    found: dict[str, dict[str, list[str]]] = {}
    for command in (command for section in plan.sections for command in section.commands if command.brief):
        for hop in _ways(command.rest):
            found.setdefault(command.namespace or "", {}).setdefault(hop, []).extend(command.each)
    return {
        namespace: [f'routes "{way}" {braces(targets)}' for way, targets in ways.items()]
        for namespace, ways in found.items()
    }


def _told(command: Command, arguments: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """What one call of a command of a plan makes, and in which namespace."""
    here = command.namespace or ""
    match command.tool[0], *arguments:
        case "ip", "link", "add", *rest:
            yield from _links(here, rest)
        case "ip", "address", "add", address, "dev", device:
            yield here, f"address {address} dev {device}"
        case "ip", "route", "add", target, *rest:
            yield from ((here, f"route {target} {way}") for way in _ways(rest))
        case "ip", "rule", "add", *rest:
            yield here, f"rule {' '.join(rest)}"
        case "ip", "mptcp", "limits", "set", *rest:
            yield here, f"limits {' '.join(rest)}"
        case "ip", "mptcp", "endpoint", "add", address, *rest:
            yield here, f"endpoint {' '.join([address, *_flags(rest)])}"
        case "sysctl", setting:
            key, _, value = setting.partition("=")
            for scope in ("all", "default") if ".*." in key else ("",):
                yield here, f"sysctl {key.replace('*', scope)} = {_read_back(value)}"
        case "nft", *_, "oifname", name, "masquerade":
            yield here, "masquerade " + name.strip('"')


def _read_back(value: str) -> str:
    """A value of a sysctl as the kernel tells it: in single spaces, and octal and hexadecimal numbers as
    decimal ones."""
    octal, hexadecimal = re.compile("0[0-7]+"), re.compile("0[xX][0-9a-fA-F]+")
    bases = ((8, octal), (16, hexadecimal))
    return " ".join(
        next((str(int(word, base)) for base, form in bases if form.fullmatch(word)), word)
        for word in value.split()
    )


def _links(here: str, words: list[str]) -> Iterator[tuple[str, str]]:
    """The links that one `link add` makes; of a pair, each is at the other end of the other."""
    split = next((place for place in range(0, len(words), 2) if words[place] == "peer"), len(words))
    ends = [_options(end) for end in (words[:split], words[split + 1 :]) if end]
    for end, other in zip(ends, reversed(ends), strict=True):
        to = f" to {other['netns']}" if other is not end else ""
        yield end.get("netns", here), f"link {end['name']} mtu {end.get('mtu', DEFAULT_MTU)} up{to}"


def _options(words: list[str]) -> dict[str, str]:
    """The words of ip-link(8) that say something of one end, each with its value. Either may be any word."""
    return dict(zip(words[::2], words[1::2], strict=True))


def _ways(words: Sequence[str]) -> Iterator[str]:
    """The next hops of a route, each after its source and its table."""
    hops, more = way(words)
    for hop in hops:
        words = hop.split()
        if words[0] == "nexthop":
            rest = words[5:] if words[5:6] == ["weight"] else ["weight", "1", *words[5:]]
            words = [*words[1:5], *rest]
        yield " ".join((*more, *words))


def _flags(words: list[str]) -> Iterator[str]:
    """What is said of an endpoint: its interface, which may be called like a flag; the flags in one order."""
    device, rest = words[:2], words[2:]
    yield from (*device, *(word for word in rest if word not in _FLAGS))
    yield from (flag for flag in _FLAGS if flag in rest)


Queues = dict[tuple[str, ...], int]
"""Ways to shape an interface, as commands for `lo`, by their number."""


def _queues(plan: Plan) -> tuple[Queues, dict[str, dict[str, tuple[str, ...]]]]:
    """All ways to shape an interface, and those of the interfaces of each namespace."""
    own: dict[str, dict[str, tuple[str, ...]]] = {namespace: {} for namespace in plan.namespaces}
    for section in plan.sections:
        for command in section.commands:
            if command.tool == ("tc",):
                device = command.arguments[3]
                shown = " ".join(
                    "lo" if word == device and place == 3 else word
                    for place, word in enumerate(command.arguments)
                )
                devices = own[command.namespace or ""]
                devices[device] = (*devices.get(device, ()), shown)
    numbers: Queues = {}
    for devices in own.values():
        for commands in devices.values():
            numbers.setdefault(commands, len(numbers))
    return numbers, own


def _references(numbers: Queues) -> Iterator[str]:
    """Has the machine show each way to shape an interface."""
    if numbers:
        yield f"refer {len(numbers)} <<'END'"
        for commands in numbers:
            yield from (*commands, "qdisc show", "qdisc del dev lo root")
        yield "END"
