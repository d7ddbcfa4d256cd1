"""The command line: options, exit statuses, and the output on each stream."""

import json
import os
import stat
import subprocess
import sys
import sysconfig
from functools import partial
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result
from labs import GOLDEN, compiled

from compiler import __version__
from compiler.cli import main
from compiler.driver import Compilation
from compiler.scripts.bash import Style

GOOD = "host a b\nlink a -- b\n"
WRONG = "host a b\nlink a -- c\nlink a -- d\n"
WARNED = "host a b c\nlink a -- b\n"


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A valid lab in the current directory; the cache is a directory of the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "lab.topo"
    path.write_text(GOOD)
    return path


def mpc(*arguments: str | Path, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin)


def test_compile_prints_the_script(lab: Path) -> None:
    result = mpc("compile", "lab.topo")
    assert result.exit_code == 0
    assert result.stdout == compiled(GOOD).up()
    assert result.stderr == ""
    assert list(lab.parent.glob("*.sh")) == []


@pytest.mark.usefixtures("lab")
def test_compile_down_and_style() -> None:
    assert mpc("compile", "--down", "lab.topo").stdout == compiled(GOOD).down()
    assert mpc("compile", "--style", "plain", "lab.topo").stdout == compiled(GOOD).up(Style.PLAIN)
    assert mpc("compile", "--no-lint", "lab.topo").stdout == compiled(GOOD).up()


@pytest.mark.usefixtures("lab")
def test_standard_input_is_a_dash() -> None:
    result = mpc("compile", "-", stdin=GOOD)
    assert result.exit_code == 0
    assert result.stdout == compiled(GOOD, "-").up()
    assert "standard input" in result.stdout


def test_out_writes_all_scripts(lab: Path) -> None:
    result = mpc("compile", "-o", "new/out", "lab.topo")
    assert (result.exit_code, result.stdout) == (0, "")
    folder = lab.parent / "new" / "out"
    assert sorted(path.name for path in folder.iterdir()) == ["lab.check.sh", "lab.down.sh", "lab.up.sh"]
    assert (folder / "lab.up.sh").read_text() == compiled(GOOD).up()
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) & 0o555 == 0o555


def test_out_replaces_whole_files_and_no_others(lab: Path) -> None:
    """A reader of the old script is not disturbed: the new script is another file of that name."""
    mpc("compile", "-o", ".", "lab.topo")
    path = lab.parent / "lab.up.sh"
    before = path.stat().st_ino
    with path.open() as old:
        mpc("compile", "-o", ".", "lab.topo")
        assert old.read() == compiled(GOOD).up()
    assert path.stat().st_ino != before
    assert {p.name for p in lab.parent.iterdir()} == {
        "cache", "lab.topo", "lab.up.sh", "lab.down.sh", "lab.check.sh",
    }  # fmt: skip


TRIED = f"{GOOD}bench a -> b using tcp\nat 1s down a -- b\n"


def test_out_writes_what_the_lab_calls_for(lab: Path) -> None:
    lab.write_text(TRIED)
    assert mpc("compile", "-o", "out", "lab.topo").exit_code == 0
    compilation = compiled(TRIED)
    for kind in ("up", "down", "check", "bench", "play"):
        assert (lab.parent / "out" / f"lab.{kind}.sh").read_text() == compilation.script(kind)
        printed = mpc("compile", *([f"--{kind}"] if kind != "up" else []), "lab.topo")
        assert (printed.exit_code, printed.stdout) == (0, compilation.script(kind))


def test_out_takes_away_what_the_lab_no_longer_calls_for(lab: Path) -> None:
    """A play of links that no longer exist would fail half-way. Other files stay."""
    lab.write_text(TRIED)
    mpc("compile", "-o", "out", "lab.topo")
    out = lab.parent / "out"
    other = compiled(TRIED, "other.topo").script("play")
    assert 'the lab "other" that is up' in other
    (out / "lab.bench.sh").write_text(other)
    lab.write_text(GOOD)
    result = mpc("compile", "-o", "out", "lab.topo")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.splitlines() == [
        "mpc: left alone what mpc did not write: out/lab.bench.sh; the lab has no `bench`",
        "mpc: removed out/lab.play.sh; the lab has no `at`",
    ]
    assert {path.name for path in out.iterdir()} == {f"lab.{k}.sh" for k in ("up", "down", "check", "bench")}
    assert (out / "lab.bench.sh").read_text() == other


@pytest.mark.parametrize("edit", ["", "#!/bin/sh\n", "{script}# more\n", "{half}"])
def test_out_leaves_other_files(lab: Path, edit: str) -> None:
    (lab.parent / "out").mkdir()
    script = compiled(TRIED).script("play")
    text = edit.format(script=script, half=script[: len(script) // 2])
    (lab.parent / "out/lab.play.sh").write_text(text)
    assert "left alone" in mpc("compile", "-o", "out", "lab.topo").stderr
    assert (lab.parent / "out/lab.play.sh").read_text() == text


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize(("option", "statement"), [("--bench", "bench"), ("--play", "at")])
def test_a_script_that_the_lab_has_nothing_for(option: str, statement: str) -> None:
    result = mpc("compile", option, "lab.topo")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"lab.topo has no `{statement}`" in result.stderr


def test_out_writes_nothing_on_an_error(lab: Path) -> None:
    lab.write_text(WRONG)
    assert mpc("compile", "-o", "out", "lab.topo").exit_code == 1
    assert not (lab.parent / "out").exists()


def test_a_folder_that_cannot_be_written(lab: Path) -> None:
    (lab.parent / "file").write_text("")
    result = mpc("compile", "-o", "file/out", "lab.topo")
    assert result.exit_code == 2
    assert "cannot write" in result.stderr


@pytest.mark.parametrize(
    "options", [[], ["--down"], ["--style", "plain"], ["--emit", "lab"], ["--emit", "plan"]]
)
def test_nothing_on_standard_output_on_an_error(lab: Path, options: list[str]) -> None:
    lab.write_text(WRONG)
    result = mpc("compile", *options, "lab.topo")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.count("error[MPC201]") == 2
    assert "lab.topo:2:11" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("mpc: 2 errors in lab.topo")


def test_warnings_are_no_errors(lab: Path) -> None:
    lab.write_text(WARNED)
    result = mpc("compile", "lab.topo")
    assert result.exit_code == 0
    assert result.stdout.startswith("#!")
    assert "warning[MPC701]" in result.stderr


SIZED = "param n = 2\nhost h[0..n-1]\nlink h0 -- h[1..n-1]\n"


def test_params_are_set(lab: Path) -> None:
    lab.write_text(SIZED)
    assert mpc("compile", "lab.topo").stdout == compiled(SIZED).up()
    wanted = compiled(SIZED.replace("n = 2", "n = 5")).up()
    assert mpc("compile", "-D", "n=5", "lab.topo").stdout == wanted
    assert "error[MPC308]" in mpc("check", "-Dn=many", "lab.topo").stderr
    result = mpc("check", "-D", "m=5", "lab.topo")
    assert (result.exit_code, result.stdout) == (1, "")
    assert " --> -D:1:1\n" in result.stderr


def test_expand_prints_a_flat_lab(lab: Path) -> None:
    lab.write_text(SIZED)
    result = mpc("expand", "-D", "n=3", "lab.topo")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "lab lab\nhost h0 h1 h2\nlink h0 -- {h1,h2}\n"
    assert mpc("expand", "-", stdin=SIZED).stdout.startswith("lab lab\n")


@pytest.mark.parametrize("text", ["hots a", "host h[x]", "for i in 0..3 {\nhost a"])
def test_expand_prints_nothing_on_an_error(lab: Path, text: str) -> None:
    lab.write_text(text)
    result = mpc("expand", "lab.topo")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "error[" in result.stderr


def test_expansion_has_a_bound(lab: Path) -> None:
    lab.write_text(SIZED)
    assert "error[MPC309]" in mpc("check", "-D", "n=2000000", "lab.topo").stderr
    assert "error[MPC309]" in mpc("check", "--max-statements", "3", "lab.topo").stderr
    assert mpc("check", "--max-statements", "30", "lab.topo").exit_code == 0


def test_a_folder_of_parts(lab: Path) -> None:
    (lab.parent / "own").mkdir()
    (lab.parent / "own" / "lab.topo").write_text('use "lab.topo"')
    (lab.parent / "own" / "sized.topo").write_text('use "lab.topo"')
    assert "error[MPC216]" in mpc("check", "own/lab.topo").stderr
    (lab.parent / "parts").mkdir()
    (lab.parent / "parts" / "pair.topo").write_text(GOOD)
    (lab.parent / "own" / "lab.topo").write_text('use "pair.topo" as p')
    assert "error[MPC215]" in mpc("check", "own/lab.topo").stderr
    assert mpc("check", "-I", "parts", "own/lab.topo").exit_code == 0


def test_parsers_keep_their_tables(lab: Path) -> None:
    """The tables for expressions are made at the first lab that has any."""
    cache = lab.parent / "cache" / "mpc"
    mpc("check", "lab.topo")
    assert {path.name.split("-")[0] for path in cache.iterdir()} == {"topo"}
    lab.write_text(SIZED)
    mpc("check", "lab.topo")
    assert {path.name.split("-")[0] for path in cache.iterdir()} == {"expression", "topo"}


@pytest.mark.parametrize("phase", ["lab", "plan"])
def test_emit_is_json(lab: Path, phase: str) -> None:
    for path in (lab, *GOLDEN):
        result = mpc("compile", "--emit", phase, path)
        found = json.loads(result.stdout)
        assert isinstance(found, dict)
        assert all(fact.get("fact") for section in found.get("sections", ()) for fact in section["facts"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["compile", "--emit", "lab", "--down", "lab.topo"],
        ["compile", "--emit", "lab", "-o", "out", "lab.topo"],
        ["compile", "--emit", "plan", "--style", "plain", "lab.topo"],
        ["compile", "--emit", "plan", "--no-lint", "lab.topo"],
        ["compile", "--down", "-o", "out", "lab.topo"],
        ["compile", "--down", "--style", "plain", "lab.topo"],
        ["compile", "--check", "--style", "plain", "lab.topo"],
        ["compile", "--check", "-o", "out", "lab.topo"],
        ["compile", "--check", "--bench", "lab.topo"],
        ["compile", "--play", "--emit", "lab", "lab.topo"],
        ["compile"],
        ["compile", "missing.topo"],
        ["compile", "."],
        ["compile", "--style", "fancy", "lab.topo"],
        ["compile", "--emit", "tree", "lab.topo"],
        ["compile", "--unknown", "lab.topo"],
        ["check", "missing.topo"],
        ["check", "-D", "n", "lab.topo"],
        ["check", "-D", "1=2", "lab.topo"],
        ["check", "-D", "n=1", "-D", "n=2", "lab.topo"],
        ["check", "-I", "missing", "lab.topo"],
        ["check", "--max-statements", "0", "lab.topo"],
        ["expand"],
        ["check", "--format", "xml", "lab.topo"],
        ["explain"],
        ["explain", "MPC999"],
        ["explain", "what"],
        ["unknown"],
    ],
)
@pytest.mark.usefixtures("lab")
def test_a_wrong_command_line(arguments: list[str]) -> None:
    result = mpc(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Error: " in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_cannot_be_read(lab: Path) -> None:
    lab.chmod(0)
    assert mpc("compile", "lab.topo").exit_code == 2


def test_a_file_that_fails_while_it_is_read() -> None:
    """Nothing is mapped at the first address of a process, so reading it fails."""
    result = mpc("compile", "/proc/self/mem")
    assert result.exit_code == 2
    assert "Input/output error" in result.stderr


@pytest.mark.parametrize(
    ("text", "options", "status"),
    [(GOOD, [], 0), (WARNED, [], 0), (WARNED, ["--strict"], 1), (GOOD, ["--strict"], 0), (WRONG, [], 1)],
)
def test_check(lab: Path, text: str, options: list[str], status: int) -> None:
    lab.write_text(text)
    result = mpc("check", *options, "lab.topo")
    assert (result.exit_code, result.stdout) == (status, "")
    assert (result.stderr == "") == (text == GOOD)


@pytest.mark.parametrize(("text", "codes"), [(GOOD, []), (WARNED, ["MPC701"]), (WRONG, ["MPC201", "MPC201"])])
def test_check_for_programs(lab: Path, text: str, codes: list[str]) -> None:
    lab.write_text(text)
    result = mpc("check", "--format", "json", "lab.topo")
    found = json.loads(result.stdout)
    assert [item["code"] for item in found] == codes
    for item in found:
        assert item["file"] == "lab.topo"
        assert item["line"] == (1 if item["code"] == "MPC701" else item["line"])
        assert item["column"] < item["end_column"]


def test_whatever_goes_wrong_has_a_status(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug is reported as one, with its place; a failure of the machine or an interrupt is not a bug."""
    for error, status, said in (
        (ZeroDivisionError("by nought"), 3, "this is a bug of mpc"),
        (RecursionError("too deep"), 3, "this is a bug of mpc"),
        (OSError(28, "No space left on device"), 3, "this is a bug of mpc"),
        (MemoryError(), 2, "out of memory"),
        (KeyboardInterrupt(), 130, ""),
    ):
        monkeypatch.setattr(Compilation, "lab", property(partial(_raise, error)))
        for command in (["compile", str(lab)], ["check", str(lab)]):
            result = mpc(*command)
            assert (result.exit_code, result.stdout) == (status, "")
            assert said in result.stderr
            assert (type(error).__name__ in result.stderr) == (status == 3)


def _raise(error: BaseException, _: Compilation) -> None:
    raise error


@pytest.mark.usefixtures("lab")
def test_a_shellcheck_that_cannot_be_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not a bug, and the scripts are not checked."""
    monkeypatch.setattr("compiler.lint._program", lambda: "/nowhere/shellcheck")
    result = mpc("compile", "lab.topo")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "shellcheck cannot be run, and --no-lint does without it: /nowhere/shellcheck" in result.stderr
    assert mpc("compile", "--no-lint", "lab.topo").exit_code == 0


def test_a_name_that_is_no_lab_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "1st lab.topo"
    path.write_text(GOOD)
    assert "MPC203" in mpc("check", path).stderr


def test_version() -> None:
    assert mpc("--version").stdout == f"mpc {__version__}\n"


@pytest.mark.parametrize("command", [None, *main.commands])
def test_help_has_an_example(command: str | None) -> None:
    result = mpc(*([command] if command else []), "--help")
    assert result.exit_code == 0
    lines = result.stdout.partition("Examples:\n")[2].splitlines()
    assert any(line.strip().startswith(f"mpc {command or ''}".strip()) for line in lines)
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_help_has_the_whole_summary_of_each_command() -> None:
    said = " ".join(mpc("--help").stdout.partition("Commands:")[2].split())
    assert "..." not in said
    assert all(f"{name} {command.help}" in said for name, command in main.commands.items())


def test_explain_knows_every_code() -> None:
    """Every code in the source of the compiler."""
    folder = Path(__file__).resolve().parent.parent / "compiler"
    texts = [path.read_text() for path in folder.rglob("*.py") if path.name != "codes.py"]
    given = {
        word[:6]
        for text in texts
        for word in text.split('"')
        if word.startswith("MPC") and word[3:6].isdigit()
    }
    assert len(given) > 30
    for code in sorted(given):
        result = mpc("explain", code.lower())
        assert result.exit_code == 0, code
        assert result.stdout.startswith(f"{code}: ")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script(shell: str) -> None:
    run = subprocess.run(
        [str(Path(sysconfig.get_path("scripts"), "mpc"))],
        env={**os.environ, "_MPC_COMPLETE": f"{shell}_source"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0
    assert "_MPC_COMPLETE" in run.stdout


def completed(words: str, begun: str) -> list[str]:
    """The completions of a command line that ends in a partial word."""
    items = ShellComplete(main, {}, "mpc", "_MPC_COMPLETE").get_completions(words.split(), begun)
    return [f"{item.type},{item.value}" for item in items]


LABS: dict[str, str | bytes] = {
    "good.topo": "param n = 4\nparam hosts = [n]\nhost h[1..n] z\nswitch s\nlink {h[1..n],z} -- s\n",
    "broken.topo": "param n = 4\nhost a b\nlink a - b\nfor i in 0..n { host [x] }\nswitch s\n",
    "sub/part.topo": "host a\n",
    "notes.txt": "host a\n",
    "wrong.topo": b"\xff\xfe\0",
}


@pytest.mark.parametrize(
    ("words", "begun", "found"),
    [
        ("paths", "", ["plain,broken.topo", "plain,good.topo", "plain,wrong.topo", "plain,sub/"]),
        ("paths", "g", ["plain,good.topo"]),
        ("check", "su", ["dir,su"]),
        ("check", "sub/", ["plain,sub/part.topo"]),
        ("check", "nowhere/", []),
        ("paths good.topo", "", ["plain,h1", "plain,h2", "plain,h3", "plain,h4", "plain,z"]),
        ("paths good.topo h1", "h", ["plain,h2", "plain,h3", "plain,h4"]),
        ("paths -D n=2 good.topo", "h", ["plain,h1", "plain,h2"]),
        ("paths broken.topo", "", ["plain,a", "plain,b"]),
        ("paths wrong.topo", "", []),
        ("paths missing.topo", "", []),
        ("check good.topo -D", "", ["plain,n=4", "plain,hosts="]),
        ("check good.topo broken.topo -D", "h", ["plain,hosts="]),
        ("check good.topo", "b", ["plain,broken.topo"]),
        ("fmt good.topo", "b", ["plain,broken.topo"]),
        ("check broken.topo -D", "", ["plain,n=4"]),
        ("check wrong.topo -D", "", []),
        ("explain", "mpc20", [f"plain,MPC20{digit}" for digit in range(1, 10)]),
        ("explain", "X", []),
    ],
)
def test_completion(
    words: str,
    begun: str,
    found: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in LABS.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert completed(words, begun) == found
    assert capfd.readouterr() == ("", "")


def test_completion_in_bash(lab: Path) -> None:
    run = subprocess.run(
        [str(Path(sysconfig.get_path("scripts"), "mpc"))],
        env={
            **os.environ,
            "_MPC_COMPLETE": "bash_complete",
            "COMP_WORDS": f"mpc paths {lab} ",
            "COMP_CWORD": "3",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stderr == ""
    assert "plain,a" in run.stdout.splitlines()


def test_completion_reads_no_large_lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lab.topo").write_text("host a b\n" + "# \n" * 100_000)
    assert completed("paths lab.topo", "") == []
    (tmp_path / "lab.topo").write_text("host a b\nfor i in 1..10**9 { host h[i] }\n")
    assert completed("paths lab.topo", "") == ["plain,a", "plain,b"]


def on_a_terminal(lab: Path, **environment: str) -> bytes:
    """The output of `mpc check` on a terminal as standard error."""
    leader, follower = os.openpty()
    clean = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    with os.fdopen(leader, "rb", buffering=0) as screen:
        subprocess.run(
            [sys.executable, "-m", "compiler", "check", str(lab)],
            env={**clean, **environment},
            stderr=follower,
            check=False,
        )
        os.close(follower)
        return screen.read(20_000)


def test_colour_is_for_terminals(lab: Path) -> None:
    lab.write_text(WRONG)
    assert b"\x1b[" in on_a_terminal(lab, TERM="xterm")
    assert b"\x1b[" not in on_a_terminal(lab, NO_COLOR="1")
    assert b"\x1b[" not in on_a_terminal(lab, TERM="dumb")
    assert "\x1b[" not in mpc("check", "lab.topo").stderr


def test_a_text_cannot_paint_the_terminal(lab: Path) -> None:
    lab.write_bytes(b"host a\x1b[31m\nlink \x1b]0;x\x07\n")
    assert "\x1b" not in mpc("check", "lab.topo").stderr


def test_a_file_name_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[2J\nb.topo"
    path.write_text("host a b\nlink a -- c\n")
    result = mpc("check", path)
    assert result.exit_code == 1
    assert "\x1b" not in result.stderr
    assert result.stderr.splitlines()[-1].startswith("mpc: 2 errors in ")
