"""What containers are started with, from the attributes of their declarations.

An image, a command, variables and options become words of a call of the engine, so each is held to a form in
which the engine cannot take it for something else.
"""

import re
from collections.abc import Iterable, Iterator

from compiler.ground.diagnostics import Note, suggest
from compiler.ground.source import Span
from compiler.language import syntax
from compiler.model.nodes import Container, Engine, anchor
from compiler.resolve.programs import (
    BYTES_OF_ONE,
    bytes_of,
    command,
    environment,
    first_of_each,
    ready,
    words,
)
from compiler.resolve.scope import Scope

ENGINES = tuple(engine.value for engine in Engine)

_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_DOMAIN = rf"(?:{_LABEL}(?:\.{_LABEL})*(?::[0-9]+)?/)?"
_PATH = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_DIGEST = r"@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,128}"
_REFERENCE = re.compile(
    rf"(?=.{{1,255}}\Z){_DOMAIN}{_PATH}(?:/{_PATH})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?(?:{_DIGEST})?"
)
"""An image as engines read it: a registry, a path, a tag and a digest."""

OWN_OPTIONS = frozenset(
    (
        "add-host attach a cidfile detach d dns dns-opt dns-option dns-search gidmap help hostname h ip ip6"
        " label l label-file mac-address name net network network-alias no-hosts pod pod-id-file publish p"
        " publish-all P pull replace restart rm rmi rootfs sig-proxy subgidname subuidname uidmap userns uts"
    ).split()
)
"""Options of `podman run` that mpc sets itself, or that cannot hold for a container that a lab starts."""

OWN_OF_DOCKER = OWN_OPTIONS | {"domainname", "expose", "link", "link-local-ip", "net-alias"}
"""The same of `docker run`, by which a container is in the namespace of another."""

SWITCHES = frozenset(
    (
        "disable-content-trust env-host http-proxy init interactive i no-healthcheck oom-kill-disable"
        " privileged quiet q read-only read-only-tmpfs tls-verify tty t"
    ).split()
)
"""Options of `podman run` and of `docker run` that stand without a value."""

_LONG = re.compile(r"--([a-z][a-z0-9-]*)(?:(=)(.*))?", re.DOTALL)
_SHORT = re.compile(r"-([A-Za-z])(=?)(.*)", re.DOTALL)

_CONTAINER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]+")
"""A name that all engines take for a container."""


def container(statement: syntax.Declaration, scope: Scope) -> Container:
    """What the containers of a declaration are started with; reports what they cannot be."""
    own = [item for item in statement.attributes if isinstance(item, syntax.ContainerAttribute)]
    found = _Reader(scope).read(own)
    scope.stands_for(len(statement.names) * _size(found) // BYTES_OF_ONE, statement.span)
    if found.mptcpize:
        _check_preloaded(found, own, scope)
    if found.attached:
        _check_attached(own, scope)
    elif not found.image and not scope.diagnostics.failed:
        message = "a container has neither an image nor the name of one that runs"
        help = 'write `image "REFERENCE"`, like `image "localhost/redis:7"`, or `attach "NAME"`'
        scope.diagnostics.error("MPC901", message, statement.kind.span, "of no image", help)
    return found


def _check_attached(own: Iterable[syntax.ContainerAttribute], scope: Scope) -> None:
    """Reports what cannot stand beside `attach`."""
    for item in own:
        if item.keyword.text not in ("attach", "engine"):
            message = (
                f"`{item.keyword.text}` is for a container that up starts, and `attach` names one that runs"
            )
            scope.diagnostics.error(
                "MPC909", message, item.span, "nothing is started", "leave one of them out"
            )


_PRELOADED = re.compile(r"(?:--env|-e)=LD_PRELOAD(?:=.*)?", re.DOTALL)


def _check_preloaded(found: Container, own: Iterable[syntax.ContainerAttribute], scope: Scope) -> None:
    """Reports a library that is preloaded in the place of that of `mptcpize`."""
    options = any(map(_PRELOADED.fullmatch, found.options))
    sets = ("env",) * ("LD_PRELOAD" in dict(found.environment)) + ("options",) * options
    for item in (item for item in own if item.keyword.text in sets):
        message = "`LD_PRELOAD` is what `mptcpize on` sets"
        help = "leave one of them out"
        scope.diagnostics.error("MPC912", message, item.span, "it would have no effect with this", help)


def check_names(namespace: str, made: Container, span: Span, names: dict[str, Span], scope: Scope) -> None:
    """Reports a container that cannot have the name of its namespace, or would have that of another.

    `names` are those of the containers before it, with that of the anchor of each that docker runs; and of
    those that are attached, after their engine.
    """
    if made.attached:
        first = names.setdefault(f"{made.engine} {made.attached}", span)
        if first is not span:
            message = f"the container `{made.attached}` is attached to two nodes"
            note = Note("the other one", first)
            scope.diagnostics.error(
                "MPC910", message, span, "this one too", "a node has one of its own", note
            )
        return
    if not _CONTAINER.fullmatch(namespace):
        message = f"`{namespace}` cannot name a container, which is called like its namespace"
        help = "such a name has two characters or more, and begins with a letter or a digit"
        scope.diagnostics.error("MPC906", message, span, "not such a name", help)
    for name in (namespace, *((anchor(namespace),) if made.engine is Engine.DOCKER else ())):
        first = names.setdefault(name, span)
        if first is not span:
            message = f"two containers would be called `{name}`"
            help = (
                "docker has `NAMESPACE.net` beside a container; choose another `netns` for one of the nodes"
            )
            note = Note("the other one", first)
            scope.diagnostics.error("MPC907", message, span, "this one too", help, note)


def _size(found: Container) -> int:
    variables = (f"{key}={value}" for key, value in found.environment)
    return bytes_of(*(found.words or ()), *found.options, *variables)


class _Reader:
    """Reads the attributes of one declaration."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.found = Container("")

    def read(self, items: Iterable[syntax.ContainerAttribute]) -> Container:
        """What the attributes say together; the engine first, as options are read by it."""
        own = first_of_each(items, self.scope)
        for item in sorted(own, key=lambda item: item.keyword.text != "engine"):
            if isinstance(item.value, syntax.Word | syntax.String):
                self._set(item.keyword.text, item.value)
            else:
                self.found = self.found._replace(environment=environment(item.value, self.scope))
        return self.found

    def _set(self, name: str, value: syntax.Word | syntax.String) -> None:
        match name:
            case "image":
                self._image(value)
            case "attach":
                self._attach(value)
            case "command":
                self.found = self.found._replace(words=command(value, words, self.scope))
            case "options":
                self.found = self.found._replace(options=self._options(value))
            case "mptcpize":
                self.found = self.found._replace(mptcpize=value.text == "on")
            case "ready":
                self.found = self.found._replace(ready=ready(value, words, self.scope))
            case _:
                self._engine(value)

    def _image(self, value: syntax.Word | syntax.String) -> None:
        self.found = self.found._replace(image=value.text)
        if not _REFERENCE.fullmatch(value.text):
            message = f"`{value.text}` is no reference of an image"
            help = "it is a path in small letters, and before it a registry's host and `/`, after it `:TAG`"
            self.scope.diagnostics.error("MPC902", message, value.span, "not a reference", help)

    def _attach(self, value: syntax.Word | syntax.String) -> None:
        self.found = self.found._replace(attached=value.text)
        if not _CONTAINER.fullmatch(value.text):
            message = f"`{value.text}` cannot name a container"
            help = "such a name has two characters or more: letters, digits, `_`, `.` and `-`"
            self.scope.diagnostics.error("MPC911", message, value.span, "not such a name", help)

    def _engine(self, value: syntax.Word | syntax.String) -> None:
        if value.text in ENGINES:
            self.found = self.found._replace(engine=Engine(value.text))
            return
        message = f"unknown engine `{value.text}`"
        help = suggest(value.text, ENGINES) or "`engine podman` and `engine docker` are what there is"
        self.scope.diagnostics.error("MPC905", message, value.span, "no engine of mpc's", help)

    # --- options ---

    def _options(self, value: syntax.Word | syntax.String) -> tuple[str, ...]:
        """The options, each in one word, so that no value can be taken for an image."""
        found: list[str] = []
        split = iter(words(value, self.scope) or ())
        for word in split:
            form = _LONG.fullmatch(word) or _SHORT.fullmatch(word)
            if form is None:
                self._refuse(value, f"`{word}` is no option", "an option begins with `-` or `--`")
                return ()
            option = self._option(value, form, split)
            if option is None:
                return ()
            found.append(option)
        return tuple(found)

    def _option(
        self, value: syntax.Word | syntax.String, form: "re.Match[str]", rest: Iterator[str]
    ) -> str | None:
        """One option with its value, which may be the next word; reports one that cannot be set."""
        bare, sign, given = form.groups(default="")
        name = form[0][: form.end(1)]
        if bare in (OWN_OF_DOCKER if self.found.engine is Engine.DOCKER else OWN_OPTIONS):
            help = "mpc sets it itself, or it cannot hold for a node of a lab"
            self._refuse(value, f"`{name}` is not to be set for a container of a lab", help)
        elif bare in SWITCHES and not (sign or given):
            return name
        elif bare in SWITCHES and len(bare) == 1:
            self._refuse(value, f"`{form[0]}` are several options", "write each apart, like `-i -t`")
        elif (
            own := given if sign or given else next(rest, None)
        ) is None:  # it may be empty: `--entrypoint ''`
            self._refuse(value, f"`{name}` has no value", f"write `{name}=VALUE`")
        elif bare == "sysctl" and own.startswith("net."):
            help = f"write the statement `sysctl NODE {own}`"
            self._refuse(value, "a sysctl of the network is the node's, and not its container's", help)
        else:
            return f"{name}={own}"
        return None

    def _refuse(self, value: syntax.Word | syntax.String, message: str, help: str) -> None:
        self.scope.diagnostics.error("MPC904", message, value.span, "not an option to set", help)
