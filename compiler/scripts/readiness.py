"""The calls by which up waits until containers and processes are ready."""

from collections.abc import Iterator

from compiler.plan.facts import Container
from compiler.plan.plan import Process
from compiler.scripts.quoting import join


def container(one: Container) -> Iterator[str]:
    ready = one.started.ready
    if isinstance(ready, int):
        yield join(("await_port", one.namespace, str(ready)))
    elif ready:
        yield join(("await_command", one.namespace, *ready))


def process(one: Process) -> Iterator[str]:
    if isinstance(one.ready, int):
        yield join(("await_run_port", one.name, one.namespace, str(one.ready)))
    elif one.ready:
        yield join(("await_run", one.name, *one.ready))
