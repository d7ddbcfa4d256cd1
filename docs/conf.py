"""The configuration of Sphinx: pages that a forge shows, and those of generate.py."""

from sphinx.application import Sphinx

from compiler import __version__ as release
from compiler.editor.highlight import TopoLexer

project = "mpc"
version = release
extensions = ["myst_parser", "sphinx_click", "sphinx_copybutton"]
root_doc = "docs/index"
include_patterns = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/**", "grammar/README.md"]
include_patterns += ["compiler/README.md", "tests/README.md"]
exclude_patterns = ["docs/generated/*.topo"]
myst_heading_anchors = 4
smartquotes = False  # `--` is an option
html_theme = "furo"
html_title = f"mpc {release}"
copybutton_prompt_text = r"\$ |> "
copybutton_prompt_is_regexp = True
copybutton_here_doc_delimiter = "END"
man_pages = [
    ("docs/commands", "mpc", "compile a network topology to bash scripts", "", 1),
    ("grammar/README", "mpc", "the topology language of mpc", "", 7),
]


def show_examples(_app: Sphinx, _context: object, lines: list[str]) -> None:
    """Makes the lines of examples code."""
    lines[:] = [f"| ``{line[2:].strip()}``" if line.startswith("| ") else line for line in lines]


def setup(app: Sphinx) -> None:
    app.connect("sphinx-click-process-epilog", show_examples)
    for language in TopoLexer.aliases:
        app.add_lexer(language, TopoLexer)
