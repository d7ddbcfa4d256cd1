"""What is highlighted in a text: words, from the grammar; and a lexer of Pygments, for documents."""

import re
from typing import Any, ClassVar

from pygments.lexer import RegexLexer
from pygments.token import Comment, Keyword, Name, Number, Operator, String, Text

from compiler import resources
from compiler.language.complaints import STATEMENTS

STARTS = sorted({*STATEMENTS, "else"})
"""The words that statements and blocks begin with."""

WORDS = sorted(set(re.findall(r'"([a-z]+(?:-[a-z]+)*)"', resources.read("grammar/topo.lark"))) - set(STARTS))
"""All other keywords."""

STRING = r'"(?:[^"\\\n]|\\["\\])*"'
COMMENT = r"#.*"
EXPRESSION = r"\[[^\[\]\n]*\]"
ARROW = r"--|->|>=|="
START = rf"(?:{'|'.join(STARTS)})(?![\w:\[-])"
WORD = rf"(?:{'|'.join(WORDS)})(?![\w:\[-])"
NUMBER = r"\d+(?:\.\d+)?(?:[kmg]?bit|us|ms|s|[kmg]?b|%|p)?(?![\w.:/-])"
ADDRESS = r"(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]*:[0-9a-f:]*:[0-9a-f:]*)(?:/\d+)?"
NAME = r"[A-Za-z_][\w:%/]*(?:[.-][\w:%/]+)*"


class TopoLexer(RegexLexer):
    """The lexer of the `.topo` language."""

    name = "topo"
    aliases: ClassVar[list[str]] = ["topo", "topo-error"]
    filenames: ClassVar[list[str]] = ["*.topo"]
    tokens: ClassVar[dict[str, Any]] = {
        "root": [
            (COMMENT, Comment),
            (rf"^[ \t]*{START}|(?<=[{{}}])[ \t]*{START}", Keyword.Declaration),
            (STRING, String),
            (EXPRESSION, String.Interpol),
            (ARROW, Operator),
            (ADDRESS, Number),
            (NUMBER, Number),
            (WORD, Keyword),
            (NAME, Name),
            (r"\s|.", Text),
        ],
    }
