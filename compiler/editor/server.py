"""`mpc lsp`: the server of the Language Server Protocol, version 3.17, over standard streams.

A text is compiled without routes when nobody has typed for QUIET seconds, and with all that `mpc check` tells
when it is opened or saved.
"""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path, to_fs_path

from compiler import __version__, kept
from compiler.driver import Compilation, TopologyError
from compiler.editor import answers
from compiler.ground.diagnostics import Diagnostic, Severity, visible
from compiler.ground.source import Source, Span
from compiler.model.lab import Lab

QUIET = 0.1

LONGEST = 300
"""Characters of each part of what is logged."""

SEVERITIES = {
    Severity.ERROR: lsp.DiagnosticSeverity.Error,
    Severity.WARNING: lsp.DiagnosticSeverity.Warning,
    Severity.NOTE: lsp.DiagnosticSeverity.Information,
}
SYMBOLS = {"lab": lsp.SymbolKind.Package, "param": lsp.SymbolKind.Variable, "profile": lsp.SymbolKind.Struct}


class Server(LanguageServer):
    """The server, with the last compilation of each open text, and the last lab without errors."""

    def __init__(self) -> None:
        super().__init__("mpc", __version__)
        self.compilations: dict[str, Compilation] = {}
        self.labs: dict[str, Lab] = {}
        self.waiting: dict[str, asyncio.Task[None]] = {}

    def compile(self, uri: str, *, whole: bool) -> None:
        """Compiles a text and publishes its diagnostics; `whole` is with routes and notes."""
        document = self.workspace.get_text_document(uri)
        compilation = Compilation(to_fs_path(uri) or uri, document.source, kept.folder())
        self.compilations[uri] = compilation
        try:
            self.labs[uri] = compilation.lab if whole else compilation.draft
            if whole:
                compilation.survey()
        except TopologyError:
            pass
        except Exception as error:  # noqa: BLE001 - a bug of the compiler does not end the server
            self.window_log_message(lsp.LogMessageParams(lsp.MessageType.Error, f"{error!r}"))
        found = [self.diagnostic(one, uri) for one in compilation.diagnostics]
        self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, found, document.version))

    def diagnostic(self, found: Diagnostic, uri: str) -> lsp.Diagnostic:
        help = [f"help: {found.help}"] if found.help else []
        return lsp.Diagnostic(
            self.range(self.own_span(found, uri)),
            "\n".join([found.message, *help]),
            SEVERITIES[found.severity],
            found.code,
            source="mpc",
            related_information=[
                lsp.DiagnosticRelatedInformation(self.location(note.span), note.message)
                for note in found.all_notes
                if Path(note.span.source.name).exists()
            ],
        )

    def own_span(self, found: Diagnostic, uri: str) -> Span:
        """The place of a diagnostic in the text itself, also where it is in a file that the text uses."""
        source = self.compilations[uri].source
        spans = (found.span, *(note.span for note in found.all_notes))
        return next((span for span in spans if span.source is source), Span(source, 0, 0))

    def range(self, span: Span) -> lsp.Range:
        """A span in the units that the client counts."""
        lines = [f"{line}\n" for line in span.source.text.split("\n")]
        ends = (_position(span.source, offset) for offset in (span.start, span.end))
        return self.workspace.position_codec.range_to_client_units(lines, lsp.Range(*ends))

    def location(self, span: Span) -> lsp.Location:
        return lsp.Location(from_fs_path(str(Path(span.source.name).resolve())) or "", self.range(span))

    def offset(self, uri: str, position: lsp.Position) -> int:
        return self.workspace.get_text_document(uri).offset_at_position(position)


def _position(source: Source, offset: int) -> lsp.Position:
    line, column = source.position(offset)
    return lsp.Position(line - 1, column - 1)


server = Server()


@server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
def opened(own: Server, params: lsp.DidOpenTextDocumentParams) -> None:
    own.compile(params.text_document.uri, whole=True)


@server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
def saved(own: Server, params: lsp.DidSaveTextDocumentParams) -> None:
    own.compile(params.text_document.uri, whole=True)


@server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
async def changed(own: Server, params: lsp.DidChangeTextDocumentParams) -> None:
    uri = params.text_document.uri
    if uri in own.waiting:
        own.waiting[uri].cancel()
    own.waiting[uri] = asyncio.create_task(_compile_later(own, uri))


async def _compile_later(own: Server, uri: str) -> None:
    await asyncio.sleep(QUIET)
    own.compile(uri, whole=False)


@server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
def closed(own: Server, params: lsp.DidCloseTextDocumentParams) -> None:
    uri = params.text_document.uri
    for kept_by_text in (own.compilations, own.labs):
        kept_by_text.pop(uri, None)
    if task := own.waiting.pop(uri, None):
        task.cancel()
    own.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, []))


@server.feature(lsp.TEXT_DOCUMENT_HOVER)
def hover(own: Server, params: lsp.HoverParams) -> lsp.Hover | None:
    uri = params.text_document.uri
    text = answers.hover(own.compilations[uri], own.labs.get(uri), own.offset(uri, params.position))
    return lsp.Hover(lsp.MarkupContent(lsp.MarkupKind.Markdown, text)) if text else None


@server.feature(lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions(trigger_characters=[" ", "{", ",", ":"]))
def complete(own: Server, params: lsp.CompletionParams) -> list[lsp.CompletionItem]:
    uri = params.text_document.uri
    text = own.workspace.get_text_document(uri).source[: own.offset(uri, params.position)]
    kinds = {True: lsp.CompletionItemKind.Variable, False: lsp.CompletionItemKind.Keyword}
    return [
        lsp.CompletionItem(one.word, kind=kinds[one.is_name])
        for one in answers.completions(text, own.labs.get(uri), kept.folder())
    ]


@server.feature(lsp.TEXT_DOCUMENT_DEFINITION)
def define(own: Server, params: lsp.DefinitionParams) -> lsp.Location | None:
    uri = params.text_document.uri
    span = answers.definition(own.compilations[uri], own.labs.get(uri), own.offset(uri, params.position))
    return own.location(span) if span else None


@server.feature(lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
def list_symbols(own: Server, params: lsp.DocumentSymbolParams) -> list[lsp.DocumentSymbol]:
    found = answers.symbols(own.compilations[params.text_document.uri])
    places = [own.range(one.span) for one in found]
    return [
        lsp.DocumentSymbol(one.name, SYMBOLS.get(one.kind, lsp.SymbolKind.Object), place, place, one.kind)
        for one, place in zip(found, places, strict=True)
    ]


@server.feature(lsp.TEXT_DOCUMENT_FORMATTING)
def format_(own: Server, params: lsp.DocumentFormattingParams) -> list[lsp.TextEdit]:
    compilation = own.compilations[params.text_document.uri]
    text = answers.layout(compilation)
    whole = Span(compilation.source, 0, len(compilation.source.text))
    return [lsp.TextEdit(own.range(whole), text)] if text not in (None, compilation.source.text) else []


@server.feature(
    lsp.TEXT_DOCUMENT_CODE_ACTION, lsp.CodeActionOptions(code_action_kinds=[lsp.CodeActionKind.QuickFix])
)
def fix(own: Server, params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
    return list(_fixes(own, params.text_document.uri, params.range))


def _fixes(own: Server, uri: str, asked: lsp.Range) -> Iterator[lsp.CodeAction]:
    """The fixes of diagnostics that touch a range."""
    source = own.compilations[uri].source
    for found in own.compilations[uri].diagnostics:
        place = own.range(found.span)
        if found.span.source is source and place.start <= asked.end and asked.start <= place.end:
            for one in answers.fixes(found):
                edit = lsp.WorkspaceEdit({uri: [lsp.TextEdit(own.range(one.span), one.text)]})
                diagnostics = [own.diagnostic(found, uri)]
                yield lsp.CodeAction(one.title, lsp.CodeActionKind.QuickFix, diagnostics, edit=edit)


class _OneLine(logging.Formatter):
    """What pygls logs of a message that it cannot take, in one line: what is wrong is what a client sent."""

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        said = [record.getMessage(), *([str(error) or type(error).__name__] if error else [])]
        return visible("mpc: " + ": ".join(text.strip().partition("\n")[0][:LONGEST] for text in said))


def run() -> None:
    """Serves a client on standard input and output until that ends."""
    told = logging.StreamHandler()
    told.setFormatter(_OneLine())
    logging.getLogger("pygls").addHandler(told)
    logging.getLogger("pygls").propagate = False
    server.start_io()
