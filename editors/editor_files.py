"""Writes the files of editors that depend on the language. `./dev golden` runs it."""

import json
from pathlib import Path

from compiler.editor import highlight

FOLDER = Path(__file__).parent


def files() -> dict[str, str]:
    """The text of each file, by its path from this folder."""
    return {"vscode/topo.tmLanguage.json": textmate(), "vim/syntax/topo.vim": vim()}


def textmate() -> str:
    """A grammar of TextMate, which VS Code reads, and others."""
    scopes = {
        "comment.line.number-sign": highlight.COMMENT,
        "string.quoted.double": highlight.STRING,
        "keyword.control": rf"(?:^\s*|(?<=[{{}}])\s*){highlight.START}",
        "meta.embedded.expression": highlight.EXPRESSION,
        "keyword.operator": highlight.ARROW,
        "constant.other.address": rf"(?<![\w.:-]){highlight.ADDRESS}",
        "constant.numeric": rf"(?<![\w.:-]){highlight.NUMBER}",
        "keyword.other": rf"(?<![\w:.-]){highlight.WORD}",
        "variable.other": highlight.NAME,
    }
    patterns = [{"name": f"{name}.topo", "match": pattern} for name, pattern in scopes.items()]
    grammar = {"name": "topo", "scopeName": "source.topo", "fileTypes": ["topo"], "patterns": patterns}
    return json.dumps(grammar, indent=2) + "\n"


VIM = r"""" Vim syntax of .topo, written by editors/editor_files.py
if exists("b:current_syntax") | finish | endif
syn iskeyword @,48-57,_,-,:
syn keyword topoWord {words}
syn match topoStatement /\%(^\|[{{}}]\)\s*\zs\%({starts}\)\>/
syn match topoNumber /\<\d\+\%(\.\d\+\)\?\%([kmg]\?bit\|us\|ms\|s\|[kmg]\?b\|%\|p\)\?\>/
syn match topoOperator /--\|->\|>=\|=/
syn region topoExpression start=/\[/ end=/\]/ oneline
syn region topoString start=/"/ skip=/\\./ end=/"/ oneline
syn match topoComment /#.*/ contains=@Spell
hi def link topoStatement Statement
hi def link topoWord Keyword
hi def link topoNumber Number
hi def link topoOperator Operator
hi def link topoExpression Special
hi def link topoString String
hi def link topoComment Comment
setlocal commentstring=#\ %s
let b:current_syntax = "topo"
"""


def vim() -> str:
    return VIM.format(words=" ".join(highlight.WORDS), starts=r"\|".join(highlight.STARTS))


if __name__ == "__main__":
    for path, text in files().items():
        (FOLDER / path).write_text(text)
