"""Calls of podman(1) and docker(1): they start a container in a namespace, and run commands in it.

podman starts a container in a namespace that is there. docker has no such option: it starts one beside
another, in whatever namespace the process of that is. So each container of docker has an *anchor*: another
container, whose one process enters the namespace and sleeps.
"""

from collections.abc import Iterable, Iterator
from itertools import chain

from compiler.model.nodes import Engine, anchor
from compiler.plan.facts import Container

Words = tuple[str, ...]

LABEL = "mpc.lab"
"""The label by which a container is known as that of a lab."""


def starts(fact: Container) -> Iterator[tuple[str, Words]]:
    """The containers of a node as they are started: names, and arguments of podman(1) or docker(1)."""
    if fact.started.engine is Engine.DOCKER:
        yield anchor(fact.namespace), _hold(fact)
    yield fact.namespace, _run(fact)


def names(fact: Container) -> Words:
    """The names of the containers of a node."""
    return tuple(name for name, _ in starts(fact))


def _run(fact: Container) -> Words:
    """What starts the container: it pulls no image, and adds nothing of its own to the network."""
    here, lab, node, started = fact
    if started.engine is Engine.DOCKER:
        own = _own(here, ("--label", f"{LABEL}={lab}", "--log-driver", "json-file"))
        network = ("--network", f"container:{anchor(here)}", *_shown(here, lab))
    else:
        own = _own(here, ("--hostname", node, "--label", f"{LABEL}={lab}", "--log-driver", "k8s-file"))
        files = (f"{source}:{to}:ro" for source, to in _files(here, lab))
        volumes = chain.from_iterable(("--volume", one) for one in files)
        network = ("--network", f"ns:/run/netns/{here}", *volumes)
    told = (f"MPC_LAB={lab}", f"MPC_NODE={node}", f"MPC_NETNS={here}")
    variables = chain.from_iterable(("--env", one) for one in (*told, *settings(started.environment)))
    return (*own, *network, *variables, *started.options, started.image, *(started.words or ()))


def _hold(fact: Container) -> Words:
    """What starts the anchor, with this machine's programs, which scripts mount for it as they are there.

    It has the host name, which docker gives to a container beside it too. To have the capability that enters
    a namespace, it is root, whoever its image says; and it does nothing else that its image says.
    """
    here, lab, node, started = fact
    named = ("--hostname", node, "--label", f"{LABEL}={lab}", "--log-driver", "json-file")
    rights = ("--network", "none", "--user", "0", "--cap-drop", "ALL", "--cap-add", "SYS_ADMIN")
    bare = ("--no-healthcheck", "--stop-signal", "KILL", "--env", "LD_PRELOAD=", "--env", "LD_LIBRARY_PATH=")
    enters = ("--mount", _bind(f"/run/netns/{here}", "/netns"), "--entrypoint", "/usr/bin/nsenter")
    program = (started.image, "--net=/netns", "/usr/bin/sleep", "infinity")
    return (*_own(anchor(here), named), *rights, *bare, *enters, *program)


def _own(name: str, more: Words) -> Words:
    return ("run", "--detach", "--pull", "never", "--name", name, *more)


def _files(namespace: str, lab: str) -> tuple[tuple[str, str], ...]:
    """Files of this machine, and where a container has them."""
    hosts = (f"/etc/netns/{namespace}/hosts", "/etc/hosts")
    return hosts, (f"/run/mpc-{lab}.d/resolv.conf", "/etc/resolv.conf")


def _shown(namespace: str, lab: str) -> Iterator[str]:
    for source, to in _files(namespace, lab):
        yield from ("--mount", _bind(source, to))


def _bind(source: str, to: str) -> str:
    """A read-only bind mount. (By `--volume`, docker would make a source that is not there.)"""
    return f"type=bind,src={source},dst={to},readonly"


def inside(engine: Engine, namespace: str, words: Words, environment: Words) -> Words:
    """A call that runs a command in a container, to be attended to its end."""
    told = chain.from_iterable(("--env", one) for one in environment)
    return (engine.value, "exec", *told, namespace, *words)


def settings(environment: Iterable[tuple[str, str]]) -> Words:
    """Variables of an environment, each as one word."""
    return tuple(f"{key}={value}" for key, value in environment)
