"""Expansion of a file's syntax tree to flat statements, without loops, `if`, params and `use`.

The frames in the span of a flat statement are the loops and uses that made it. Expansion walks the tree
twice: once to count, so that one that is too large costs no memory, and once to make statements.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple, TypeVar, cast

from compiler.ground.diagnostics import Diagnostics, Note, TooManyError, listed, suggest
from compiler.ground.names import LABEL_BYTES, NAME_FORM, VARIABLE_FORM, is_name, is_variable
from compiler.ground.source import Frame, Source, Span
from compiler.language import syntax
from compiler.language.expressions import Value, written
from compiler.language.files import Files, UseError
from compiler.language.flat import Flattener
from compiler.language.references import with_references
from compiler.language.words import CannotComputeError, Names, Words

LONGEST_SHOWN = 100
"""Characters of a loop variable's value that diagnostics show."""

COST_OF_USE = 9
"""The cost of a `use` besides its statements, in statements that take as long."""

OF_FILE = (syntax.Lab, syntax.Pool, syntax.Routing, syntax.Machine, syntax.Place)
"""Statements that count in the compiled file only."""

DEEPEST = 50
"""The greatest nesting of blocks and used files."""


Written = TypeVar("Written", bound=syntax.Word | syntax.String)
"""A word or a string of the source."""


class Setting(NamedTuple):
    """The value that `-D` or `with` sets a param to."""

    value: Value
    span: Span


class _TooLargeError(Exception):
    """The expansion exceeds its bound; the argument is the span."""


class _Scope(NamedTuple):
    """The scope of a statement: its innermost frame, params and variables, and the chain of used files.

    `places` has the spans of the innermost names. `settings` are for the params of the file itself.
    """

    within: Frame | None
    names: Names
    places: dict[str, Span]
    depth: int
    files: tuple[Source, ...]
    settings: Mapping[str, Setting]
    prefix: str

    def inside(self, frame: Frame, name: str, value: Value, place: Span) -> "_Scope":
        """The scope of one iteration of a loop."""
        names = Names(self.names)  # no copy of all names: that would be quadratic in nested loops
        names[name] = value
        return _Scope(frame, names, {name: place}, self.depth, self.files, self.settings, self.prefix)

    @property
    def is_file(self) -> bool:
        """Whether this is the scope of a whole file, not of a loop in it."""
        return self.within is None or self.within.prefix is not None


def expand(
    tree: Iterable[syntax.Node],
    source: Source,
    files: Files,
    settings: Mapping[str, Setting],
    diagnostics: Diagnostics,
    most: int,
) -> tuple[syntax.Statement, ...]:
    """The flat statements of a file; those that cannot be expanded are reported and left out.

    `most` bounds the sum of statements, iterations, links and words of ranges.
    """
    tree = tuple(tree)
    scope = _Scope(None, Names(), {}, 0, (source,), settings, "")
    try:
        with suppress(TooManyError):  # reported below
            deque(_Expansion(files, Diagnostics(), most, counts=True).walk(tree, scope), maxlen=0)
        expansion = _Expansion(files, diagnostics, most)
        expansion.check_settings(tree, scope)
        fresh = scope._replace(names=Names(), places={})
        return with_references(list(expansion.statements(tree, fresh)))
    except _TooLargeError as error:
        message = f"the lab expands to more than {most} statements, turns of loops, links and words"
        help = "`--max-statements` moves this bound"
        diagnostics.error("MPC309", message, error.args[0], "the bound is passed here", help)
        return ()


class _Expansion:
    """One walk of a tree; one that only `counts` skips the iterations of simple loops."""

    def __init__(self, files: Files, diagnostics: Diagnostics, most: int, *, counts: bool = False) -> None:
        self.counts = counts
        self.files = files
        self.diagnostics = diagnostics
        self.left = most
        self.params: dict[Source, dict[str, None]] = {}
        self.words = Words(diagnostics, self.spend, files.tables)

    def spend(self, count: int, span: Span) -> None:
        self.left -= count
        if self.left < 0:
            raise _TooLargeError(span)

    def statements(self, tree: Iterable[syntax.Node], scope: _Scope) -> Iterator[syntax.Statement]:
        """The flat statements; `lab`, `pool`, `routing` and machines count in the compiled file only."""
        for node, seen in self.walk(tree, scope):
            own = len(seen.files) == 1
            if own or not isinstance(node, OF_FILE):
                flattener = Flattener(self.words, seen.names, seen.within, seen.prefix)
                try:
                    yield from list(flattener.statements(node))
                except CannotComputeError:
                    continue

    def walk(self, tree: Iterable[syntax.Node], scope: _Scope) -> Iterator[tuple[syntax.Statement, _Scope]]:
        """The statements of a tree with their scopes, unexpanded, once per iteration of their loops."""
        for node in tree:
            span = node.span.under(scope.within)
            self.spend(1, span)
            try:
                match node:
                    case syntax.Param():
                        self._param(node, scope)
                    case syntax.Loop():
                        yield from self._loop(node, self._deeper(scope, span))
                    case syntax.Choice():
                        yield from self.walk(self._chosen(node, scope), self._deeper(scope, span))
                    case syntax.Use():
                        yield from self._use(node, self._deeper(scope, span))
                    case _:
                        yield node, scope
            except CannotComputeError:
                continue

    def _deeper(self, scope: _Scope, span: Span) -> _Scope:
        if scope.depth == DEEPEST:
            message = f"blocks and used files stand more than {DEEPEST} deep in each other"
            self.diagnostics.error("MPC309", message, span, "too deep")
            raise CannotComputeError
        return scope._replace(depth=scope.depth + 1)

    def _param(self, node: syntax.Param, scope: _Scope) -> None:
        name = self._name(node.name, scope)
        if name in scope.places:
            message, note = f"the param `{name}` is set twice", Note("first set here", scope.places[name])
            self.diagnostics.error("MPC206", message, _framed(node.name, scope).span, "set again", "", note)
            return
        own = scope.is_file and name in scope.settings
        try:
            value = scope.settings[name].value if own else self._value(node.value, scope)
        except CannotComputeError:
            self.words.excused.add(name)
            raise
        scope.names[name], scope.places[name] = value, _framed(node.name, scope).span

    def _name(self, word: syntax.Word, scope: _Scope) -> str:
        if is_variable(word.text):
            return word.text
        message = f"`{word.text}` cannot name a param or a variable"
        span = _framed(word, scope).span
        self.diagnostics.error("MPC203", message, span, "not such a name", VARIABLE_FORM)
        raise CannotComputeError

    def _value(self, word: syntax.Word | syntax.String, scope: _Scope) -> Value:
        return self.words.value(_framed(word, scope), scope.names)

    def _loop(self, node: syntax.Loop, scope: _Scope) -> Iterator[tuple[syntax.Statement, _Scope]]:
        name = self._name(node.variable, scope)
        place = _framed(node.variable, scope).span
        head = node.span._replace(end=node.values.span.end, within=scope.within)
        values = self._loop_values(node, scope)
        if self.counts and all(isinstance(inner, syntax.Statement) for inner in node.body):
            self.spend(len(values) * len(node.body), head)
            return
        for value in values:
            frame = Frame(f"in for {name} = {_shown(value)}", head)
            yield from self.walk(node.body, scope.inside(frame, name, value, place))

    def _loop_values(self, node: syntax.Loop, scope: _Scope) -> Sequence[Value]:
        if isinstance(node.values, syntax.Formula):
            formula = node.values._replace(span=node.values.span.under(scope.within))
            found = self.words.turns(formula, scope.names)
            self.spend(max(0, found.stop - found.start), formula.span)
            return found
        values = [
            value
            for word in node.values.words
            for value in self.words.values(_framed(word, scope), scope.names)
        ]
        self.spend(len(values), node.values.span)
        return values

    def _chosen(self, node: syntax.Choice, scope: _Scope) -> tuple[syntax.Node, ...]:
        """The block of the first condition that holds."""
        for branch in node.branches:
            span, text = branch.condition
            self.spend(1, span.under(scope.within))
            if self.words.holds(syntax.Formula(span.under(scope.within), text), scope.names):
                return branch.body
        return node.otherwise

    def _use(self, node: syntax.Use, scope: _Scope) -> Iterator[tuple[syntax.Statement, _Scope]]:
        span = node.span.under(scope.within)
        self.spend(COST_OF_USE, span)
        source = self._file(node, scope)
        prefix = scope.prefix + (f"{self._prefix(node.name, scope)}-" if node.name else "")
        frame = Frame(f"in the use of {source.name}", span, prefix)
        settings = self._settings(node, scope)
        tree = self.files.tree(source)
        used = _Scope(frame, Names(), {}, scope.depth, (*scope.files, source), settings, prefix)
        self.check_settings(tree, used)
        yield from self.walk(tree, used)

    def _file(self, node: syntax.Use, scope: _Scope) -> Source:
        """The file of a `use`, unless it cannot be read or uses this file in turn."""
        quoted = isinstance(node.file, syntax.String)
        framed = node.file._replace(span=node.file.span.under(scope.within))
        path = framed.text if isinstance(framed, syntax.String) else self.words.word(framed, scope.names)
        try:
            source = self.files.find(scope.files[-1], path, quoted=quoted)
        except UseError as error:
            message, help = error.args
            self.diagnostics.error("MPC215", message, framed.span, "cannot be used", help)
            raise CannotComputeError from None
        if source in scope.files:
            message = f"`{path}` uses itself" if source is scope.files[-1] else f"`{path}` uses this file"
            label = " uses ".join(file.name for file in (*scope.files[scope.files.index(source) :], source))
            self.diagnostics.error("MPC216", message, framed.span, label, "files cannot use each other")
            raise CannotComputeError
        return source

    def _prefix(self, word: syntax.Word, scope: _Scope) -> str:
        framed = _framed(word, scope)
        name = self.words.word(framed, scope.names)
        if not is_name(name):
            message = f"`{name}` cannot name the use of a file"
            self.diagnostics.error("MPC203", message, framed.span, "not a name", NAME_FORM)
            raise CannotComputeError
        if len(scope.prefix) + len(name) >= LABEL_BYTES:
            message = f"no name of a node fits behind `{scope.prefix}{name}-`"
            label = f"the names of nodes have {LABEL_BYTES} characters at most"
            self.diagnostics.error("MPC203", message, framed.span, label)
            raise CannotComputeError
        return name

    def _settings(self, node: syntax.Use, scope: _Scope) -> dict[str, Setting]:
        found: dict[str, Setting] = {}
        for assignment in node.values:
            key = _framed(assignment.key, scope)
            if key.text in found:
                note = Note("first set here", found[key.text].span)
                message = f"the param `{key.text}` is set twice"
                self.diagnostics.error("MPC206", message, key.span, "set again", "", note)
            else:
                found[key.text] = Setting(self._value(assignment.value, scope), key.span)
        return found

    def check_settings(self, tree: Iterable[syntax.Node], scope: _Scope) -> None:
        """Reports settings of params that the file does not have."""
        if not scope.settings:
            return
        source = scope.files[-1]
        if source not in self.params:
            self.params[source] = dict.fromkeys(_params(tree))
        known = self.params[source]
        for name, setting in scope.settings.items():
            if name not in known:
                message = f"`{source.name}` has no param `{name}`"
                help = suggest(name, known) or f"its params are {listed(known)}" * bool(known)
                self.diagnostics.error("MPC217", message, setting.span, "sets nothing", help)


def _shown(value: Value) -> str:
    """A value as the frame of an iteration shows it."""
    text = written(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def _framed(word: Written, scope: _Scope) -> Written:
    return cast(Written, word._replace(span=word.span.under(scope.within)))


def _params(tree: Iterable[syntax.Node]) -> Iterator[str]:
    """The params of a file, including those under `if`."""
    nodes = deque(tree)
    while nodes:
        match nodes.popleft():
            case syntax.Param(name=name):
                yield name.text
            case syntax.Choice(branches=branches, otherwise=otherwise):
                nodes += [*(inner for branch in branches for inner in branch.body), *otherwise]
