"""Streams, arguments and files of `mpc`, in separate processes."""

import os
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import pytest
from labs import compiled

TEXT = """\
param word = "grüße"
host a b
link a -- b
run a [word]
run b "echo \u2019$HOME`\\\\"
bench a -> b using tcp
at 1s down a -- b
"""

MPC = [sys.executable, "-m", "compiler"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}

COMMANDS = [
    ["--help"],
    ["--version"],
    ["compile", "--help"],
    ["compile", "--no-lint", "lab.topo"],
    ["compile", "--emit", "plan", "lab.topo"],
    ["check", "--format", "json", "lab.topo"],
    ["check", "--format", "sarif", "lab.topo"],
    ["fmt", "--diff", "lab.topo"],
    ["expand", "lab.topo"],
    ["explain", "MPC201"],
    ["paths", "lab.topo", "a", "b"],
]
"""Commands with output."""

ENCODINGS = [
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "latin-1"},
    {"PYTHONIOENCODING": "utf-16"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},  # Python would decode as ASCII
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with a lab."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lab.topo").write_text(TEXT, "utf-8")
    return tmp_path


def mpc(
    arguments: Sequence[str | bytes], redirection: str = "", **environment: str
) -> "subprocess.CompletedProcess[bytes]":
    """Runs mpc from a shell, with a redirection."""
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {redirection}', "sh", *MPC, *arguments],
        env={**ENVIRONMENT, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_full_disk(arguments: list[str]) -> None:
    run = mpc(arguments, ">/dev/full")
    assert (run.returncode, run.stderr) == (
        2,
        b"mpc: cannot write standard output: No space left on device\n",
    )


def test_a_completion_on_a_full_disk() -> None:
    program = str(Path(sysconfig.get_path("scripts"), "mpc"))
    run = subprocess.run(
        ["sh", "-c", f"exec {program} >/dev/full"],
        env={**ENVIRONMENT, "_MPC_COMPLETE": "bash_source"},
        stderr=subprocess.PIPE,
        check=False,
    )
    assert (run.returncode, run.stderr.splitlines()[1:]) == (2, [])


@pytest.mark.parametrize("arguments", [["compile", "--no-lint", "lab.topo"], ["--help"]], ids=" ".join)
def test_an_output_that_is_closed(arguments: list[str]) -> None:
    run = mpc(arguments, ">&-")
    assert (run.returncode, run.stderr) == (2, b"mpc: cannot write standard output: Bad file descriptor\n")


def test_what_prints_nothing_needs_no_output(folder: Path) -> None:
    assert mpc(["check", "lab.topo"], ">&-").returncode == 0
    assert mpc(["compile", "--no-lint", "-o", "out", "lab.topo"], ">&- <&-").returncode == 0
    assert (folder / "out" / "lab.up.sh").read_text("utf-8") == compiled(TEXT).up()


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
def test_messages_that_nobody_gets(redirection: str, folder: Path) -> None:
    """The exit status reports the failure."""
    assert mpc(["compile", "--no-lint", "lab.topo"], redirection).stdout.decode() == compiled(TEXT).up()
    (folder / "lab.topo").write_text("host a\nlink a -- b\n")
    assert mpc(["compile", "--no-lint", "lab.topo"], redirection).returncode == 1
    assert mpc(["compile", "missing.topo"], redirection).returncode == 2


def test_a_reader_that_has_gone() -> None:
    """The status is that of a C program killed by SIGPIPE, and there is no message."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as pipe:
        for arguments in (["compile", "--no-lint", "lab.topo"], ["--help"]):
            run = subprocess.run(
                [*MPC, *arguments],
                env=ENVIRONMENT,
                stdout=pipe,
                stderr=subprocess.PIPE,
                check=False,
            )
            assert (run.returncode, run.stderr) == (141, b"")


def test_an_output_that_does_not_block() -> None:
    """Another process that shares it can leave it so; all output arrives, however slowly it is read."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    command = [*MPC, "compile", "--emit", "plan", "big.topo"]
    Path("big.topo").write_text("use std/ring with n=64")
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=write) as process, os.fdopen(read, "rb") as pipe:
        os.close(write)
        assert pipe.read().endswith(b"\n}\n")
    assert process.returncode == 0


def test_an_input_that_is_closed() -> None:
    run = mpc(["compile", "-"], "<&-")
    assert run.returncode == 2
    assert run.stderr.endswith(b"Error: cannot read -: Bad file descriptor\n")


@pytest.mark.parametrize("environment", ENCODINGS, ids=str)
def test_the_same_bytes_in_any_locale(environment: dict[str, str], folder: Path) -> None:
    """Output, written and read files, and command-line arguments."""
    assert mpc(["compile", "--no-lint", "lab.topo"], **environment).stdout == compiled(TEXT).up().encode()
    mpc(["compile", "--no-lint", "-o", "out", "lab.topo"], **environment)
    assert (folder / "out" / "lab.up.sh").read_bytes() == compiled(TEXT).up().encode()
    (folder / "größe.topo").write_text(TEXT, "utf-8")
    (folder / "user.topo").write_text('lab x\nuse "größe.topo"\n', "utf-8")
    wanted = compiled(TEXT.replace("grüße", "été"), "x.topo").up().partition("\n{")[2]
    text = mpc(["compile", "--no-lint", "-D", "word=été", "größe.topo"], **environment)
    assert b"MPC203" in text.stderr
    assert "größe".encode() in text.stderr
    assert mpc(["expand", "user.topo"], **environment).stdout.splitlines()[3:4] == ['run a "grüße"'.encode()]
    (folder / "x.topo").write_text(TEXT, "utf-8")
    found = mpc(["compile", "--no-lint", "-D", "word=été", "x.topo"], **environment).stdout.decode()
    assert found.partition("\n{")[2] == wanted


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"\xff", "MPC107"),
        (b"a\nb", "MPC110"),
        (b"\x1b[2J", "MPC110"),
        ("\u202e".encode(), "MPC110"),
        (b"9" * 299 + b"." + b"9" * 299, "MPC308"),
        (b"x" * 70_000, "MPC308"),
    ],
)
def test_text_of_the_command_line_is_text_of_a_lab(value: bytes, code: str) -> None:
    run = mpc(["expand", "-D", b"word=" + value, "lab.topo"])
    assert (run.returncode, run.stdout) == (1, b"")
    assert f"error[{code}]".encode() in run.stderr
    assert b"Traceback" not in run.stderr


@pytest.mark.parametrize("place", ["file/out", "/proc", "/dev/full"])
def test_a_folder_that_cannot_be_written(place: str, folder: Path) -> None:
    (folder / "file").touch()
    run = mpc(["compile", "-o", place, "lab.topo"])
    assert run.returncode == 2
    assert f"cannot write {place}".encode() in run.stderr or b"is a file" in run.stderr
    assert b"Traceback" not in run.stderr


def test_scripts_that_do_not_fit(folder: Path) -> None:
    """A file size limit simulates a full disk during writing: no file remains."""
    (folder / "out").mkdir()
    limit = "ulimit -f 2; trap '' XFSZ"
    command = f'{limit}; exec "$@"'
    run = subprocess.run(
        ["bash", "-c", command, "sh", *MPC, "compile", "--no-lint", "-o", "out", "lab.topo"],
        env=ENVIRONMENT,
        capture_output=True,
        check=False,
    )
    assert run.returncode == 2
    assert run.stderr.endswith(b"Error: cannot write out/lab.up.sh: File too large\n")
    assert not list((folder / "out").iterdir())


@pytest.mark.parametrize("source", ["cat lab.topo |", "< lab.topo"])
def test_a_lab_may_come_from_anything_that_is_read(source: str, folder: Path) -> None:
    """A pipe, a file on standard input, a FIFO."""
    os.mkfifo(folder / "fifo.topo")
    program = 'mpc() { "$0" -m compiler "$@"; }; cat lab.topo >fifo.topo & mpc expand fifo.topo; '
    program += f"{source} mpc expand -" if "|" in source else f"mpc expand - {source}"
    run = subprocess.run(
        ["sh", "-c", program, sys.executable],
        env=ENVIRONMENT,
        capture_output=True,
        check=False,
        timeout=60,
    )
    flat = compiled(TEXT, "-").flat()
    assert run.stdout.decode() == flat.replace("lab lab", "lab fifo", 1) + flat
