"""`mpc lsp`, driven by a client over its streams: what an editor shows as one types."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types as lsp
from pygls.lsp.client import LanguageClient

from compiler.driver import Compilation
from compiler.editor import answers

LAB = "host   a b\nrouter c d\nlink   {a,b} -- {c,d}  rate 5mbit\nmptcp  a -- b\n"


class Editor(LanguageClient):
    """A client with one open text."""

    def __init__(self, file: Path) -> None:
        super().__init__("test", "1")
        self.uri = file.as_uri()
        self.text = lsp.TextDocumentIdentifier(self.uri)
        self.edits = 1
        self.published: asyncio.Queue[list[lsp.Diagnostic]] = asyncio.Queue()
        self.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(
            lambda params: self.published.put_nowait(list(params.diagnostics))
        )

    async def open(self, text: str) -> list[lsp.Diagnostic]:
        self.text_document_did_open(
            lsp.DidOpenTextDocumentParams(lsp.TextDocumentItem(self.uri, "topo", 1, text))
        )
        return await self.published.get()

    async def change(self, text: str, *, wait: bool = True) -> list[lsp.Diagnostic]:
        self.edits += 1
        whole = lsp.TextDocumentContentChangeWholeDocument(text)
        document = lsp.VersionedTextDocumentIdentifier(self.edits, self.uri)
        self.text_document_did_change(lsp.DidChangeTextDocumentParams(document, [whole]))
        return await self.published.get() if wait else []

    async def save(self) -> list[lsp.Diagnostic]:
        self.text_document_did_save(lsp.DidSaveTextDocumentParams(self.text))
        return await self.published.get()


@asynccontextmanager
async def editing(file: Path) -> AsyncIterator[Editor]:
    editor = Editor(file)
    await editor.start_io(sys.executable, "-m", "compiler", "lsp")
    await editor.initialize_async(lsp.InitializeParams(capabilities=lsp.ClientCapabilities()))
    editor.initialized(lsp.InitializedParams())
    try:
        yield editor
    finally:
        await editor.shutdown_async(None)
        editor.exit(None)
        await editor.stop()  # type: ignore[no-untyped-call]


def edited(file: Path, act: Callable[[Editor], Awaitable[None]]) -> None:
    async def run() -> None:
        async with editing(file) as editor:
            await act(editor)

    asyncio.run(asyncio.wait_for(run(), 60))


def codes(found: list[lsp.Diagnostic]) -> list[Any]:
    return [one.code for one in found]


def place(of: lsp.Range) -> tuple[int, int, int, int]:
    return of.start.line, of.start.character, of.end.line, of.end.character


def test_mistakes_are_shown_and_mended(tmp_path: Path) -> None:
    """While one types, on saving, with places in the units of the protocol, and by a quick fix."""

    async def act(editor: Editor) -> None:
        assert codes(await editor.open(LAB)) == ["MPC740"]
        (wrong,) = found = await editor.change(f"{LAB}# \U0001f600\nmptpc a -- b # \U0001f600\n")
        assert wrong.code == "MPC101"
        assert place(wrong.range) == (5, 0, 5, 5)
        asked = lsp.CodeActionParams(editor.text, wrong.range, lsp.CodeActionContext(found))
        (action,) = await editor.text_document_code_action_async(asked) or ()
        assert isinstance(action, lsp.CodeAction)
        assert action.title == "Replace with `mptcp`"
        assert action.edit
        assert action.edit.changes
        (edit,) = action.edit.changes[editor.uri]
        assert (edit.new_text, place(edit.range)) == ("mptcp", (5, 0, 5, 5))
        assert await editor.change(LAB) == []
        assert codes(await editor.save()) == ["MPC740"]

    edited(tmp_path / "x.topo", act)


def test_what_is_at_a_place(tmp_path: Path) -> None:
    async def act(editor: Editor) -> None:
        await editor.open(LAB)
        at = lsp.Position(3, 7)
        shown = await editor.text_document_hover_async(lsp.HoverParams(editor.text, at))
        assert shown
        assert isinstance(shown.contents, lsp.MarkupContent)
        assert "**host a**, namespace `x-a`" in shown.contents.value
        assert "to `c:a` rate 5mbit" in shown.contents.value
        found = await editor.text_document_definition_async(lsp.DefinitionParams(editor.text, at))
        assert isinstance(found, lsp.Location)
        assert (found.uri, place(found.range)) == (editor.uri, (0, 7, 0, 8))
        symbols = await editor.text_document_document_symbol_async(lsp.DocumentSymbolParams(editor.text))
        assert [(one.name, getattr(one, "detail", "")) for one in symbols or ()] == [
            ("a", "host"), ("b", "host"), ("c", "router"), ("d", "router"),
        ]  # fmt: skip
        warned = await editor.text_document_hover_async(lsp.HoverParams(editor.text, lsp.Position(1, 7)))
        assert warned
        assert isinstance(warned.contents, lsp.MarkupContent)
        assert warned.contents.value.startswith("**MPC740**")

    edited(tmp_path / "x.topo", act)


def test_layout(tmp_path: Path) -> None:
    async def act(editor: Editor) -> None:
        options = lsp.FormattingOptions(2, insert_spaces=True)
        await editor.open(LAB.replace("   ", " "))
        (edit,) = (
            await editor.text_document_formatting_async(lsp.DocumentFormattingParams(editor.text, options))
            or ()
        )
        assert (edit.new_text, place(edit.range)) == (LAB, (0, 0, 4, 0))
        await editor.change(LAB + "link a --\n")
        assert not await editor.text_document_formatting_async(
            lsp.DocumentFormattingParams(editor.text, options)
        )

    edited(tmp_path / "x.topo", act)


@pytest.mark.parametrize(
    ("line", "offered", "not_offered"),
    [
        ("li", {"link"}, {"host", "a"}),
        ("link a -- ", {"a", "b", "c", "d"}, {"link", "rate"}),
        ("link a -- c  ", {"rate", "delay", "mtu", "--"}, {"host"}),
        ("link a -- c  ra", {"rate"}, {"delay"}),
        ("link a -- c \\\n  del", {"delay"}, {"rate"}),
        ("shape a -> c  rate 1mbit ", {"delay"}, {"host"}),
        ("link a:", {"a:c", "a:d"}, {"a", "c"}),
        ("expect a -> b ", {"reachable", "rtt", "rate"}, {"mtu"}),
        ("link a -- -- ", set(), {"a", "rate"}),
    ],
)
def test_completion(line: str, offered: set[str], not_offered: set[str]) -> None:
    lab = Compilation("x.topo", LAB).lab
    found = {one.word for one in answers.completions(LAB + line, lab, None)}
    assert offered - {"--"} <= found
    assert not found & not_offered


def test_names_of_a_file_that_is_used(tmp_path: Path) -> None:
    """A mistake in it is shown where it is used, and a definition leads there."""
    (tmp_path / "rack.topo").write_text("host h\nrouter r\nlink h -- r\n")

    async def act(editor: Editor) -> None:
        text = 'use "rack.topo" as k\nhost a\nlink a -- k-r\n'
        await editor.open(text)
        at = lsp.Position(2, 11)
        found = await editor.text_document_definition_async(lsp.DefinitionParams(editor.text, at))
        assert isinstance(found, lsp.Location)
        assert (found.uri, found.range.start.line) == ((tmp_path / "rack.topo").as_uri(), 1)
        (tmp_path / "rack.topo").write_text("host h\nrouter r\nlink h -- q\n")
        (wrong,) = await editor.save()
        assert wrong.range.start.line == 0

    edited(tmp_path / "x.topo", act)


def test_typing_is_bounded_and_ends_well(tmp_path: Path) -> None:
    """Many changes are compiled once, hostile texts do not end it, and a closed text has no diagnostics."""

    async def act(editor: Editor) -> None:
        await editor.open(LAB)
        for length in range(1, len(LAB)):
            await editor.change(LAB[:length], wait=False)
        assert await editor.change(LAB) == []
        assert editor.published.empty()
        large = "param n = 9 ** 99999\nhost h[0..n]\n"
        for text in ("", "\0", "host " * 50_000, "{" * 1000, large, "\u2028\n"):
            await editor.change(text)
        assert await editor.change(LAB) == []
        editor.text_document_did_close(lsp.DidCloseTextDocumentParams(editor.text))
        assert await editor.published.get() == []

    edited(tmp_path / "x.topo", act)


def framed(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


ASKED = b'{"jsonrpc": "2.0", "id": 7, "method": "initialize", "params": {"capabilities": {}}}'
LEAVES = b'{"jsonrpc": "2.0", "id": 8, "method": "shutdown"}', b'{"jsonrpc": "2.0", "method": "exit"}'


@pytest.mark.parametrize(
    "body",
    [
        b"host a b",
        b"{",
        b"\xff\xfe",
        b"5",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"jsonrpc": "2.0", "id": 1, "method": 5}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "textDocument/hover", "params": []}',
        b'{"jsonrpc": "1.0", "id": 1, "method": "initialize"}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "x\\u001b[31m"}',
    ],
    ids=lambda body: repr(body[:40]),
)
def test_what_is_no_message_is_a_line(body: bytes) -> None:
    """And the next message is answered."""
    sent = b"".join(map(framed, (body, ASKED, *LEAVES)))
    found = subprocess.run(
        [sys.executable, "-m", "compiler", "lsp"], input=sent, capture_output=True, timeout=60, check=False
    )
    assert found.returncode == 0
    assert b'"id":7' in found.stdout.replace(b" ", b"")
    lines = found.stderr.decode().splitlines()
    assert len(lines) <= 2, lines
    assert all(line.startswith("mpc: ") and line.isprintable() for line in lines)


def test_a_message_that_is_cut_short_ends_it() -> None:
    for sent in (b"Content-Length: 999\r\n\r\n{", b"Content-Length: -1\r\n\r\n{}", b"\xff" * 9):
        command = [sys.executable, "-m", "compiler", "lsp"]
        found = subprocess.run(command, input=sent, capture_output=True, timeout=60, check=False)
        assert found.returncode == 0
        assert b"Traceback" not in found.stderr
