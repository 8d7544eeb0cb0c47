"""The README and its pages show what the tool prints. Run this file as a program to write its output anew.

A `console` block whose first line is `$ trainvitals ...` is a shell session: lines that begin with `$ ` are run in the
root of the repository, all in one shell, and the lines between them are what they print. Between the marks `formats`
stands a table of all formats, as they describe themselves.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from trainvitals.parsers.formats import FORMATS

ROOT = Path(__file__).resolve().parents[1]
FORMATS_PAGE = ROOT / "parsers" / "README.md"
PAGES = (ROOT / "README.md", ROOT / "diagnostics" / "landscape" / "README.md")

BLOCK = re.compile(r"^```console\n(\$ trainvitals .*?)^```$", re.MULTILINE | re.DOTALL)
TABLE = re.compile(r"(?<=<!-- formats -->\n).*?(?=<!-- /formats -->)", re.DOTALL)
COLUMNS = ("format", "who writes it, in which file", "where the sample is from", "read besides metrics")
PROMPT = "$ "
END = "-- end of output --"


def blocks(text: str) -> list[str]:
    return BLOCK.findall(text)


def commands(block: str) -> list[str]:
    return [line.removeprefix(PROMPT) for line in block.splitlines() if line.startswith(PROMPT)]


def session(lines: list[str]) -> str:
    """The block that a terminal would show for these commands."""
    # A subshell hands the exit code of one command on, so that the next one may be `echo $?`.
    script = "".join(f"{line}\ncode=$?; echo '{END}'; (exit $code)\n" for line in lines)
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = {"PATH": path, "HOME": os.environ.get("HOME", "/"), "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
    ran = subprocess.run(
        ["bash", "-c", script],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    outputs = ran.stdout.split(f"{END}\n")
    return "".join(f"{PROMPT}{line}\n{output}" for line, output in zip(lines, outputs, strict=False))


def table_of_formats() -> str:
    """All formats in their order, a row each."""
    told = [(f"`{form.name}`", *map(plain, (form.title, form.origin, form.reads))) for form in FORMATS]
    return "".join(f"| {' | '.join(row)} |\n" for row in (COLUMNS, ("---",) * len(COLUMNS), *told))


def plain(text: str) -> str:
    """Text in which Markdown finds neither tags nor emphasis."""
    return text.replace("<", "&lt;").replace("*", r"\*")


def normalised(text: str) -> str:
    """Without what may differ between machines and releases: versions, where the checkout lies, blanks at line ends."""
    text = re.sub(r"(trainvitals) v?\d+\.\d+\.\w+", r"\1 VERSION", text.replace(f"{ROOT}{os.sep}", ""))
    return "\n".join(line.rstrip() for line in text.rstrip().splitlines())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_a_page_shows_the_tool_at_work(page):
    assert blocks(page.read_text("utf-8"))


@pytest.mark.parametrize(
    "block",
    [block for page in PAGES for block in blocks(page.read_text("utf-8"))],
    ids=lambda block: commands(block)[0],
)
def test_the_readme_shows_what_is_printed(block):
    assert normalised(session(commands(block))) == normalised(block)


def test_a_page_lists_the_formats():
    assert TABLE.findall(FORMATS_PAGE.read_text("utf-8")) == [table_of_formats()]


def test_a_session_shows_output_and_exit_codes():
    assert session(["echo a; echo b >&2; false", "echo $?"]) == "$ echo a; echo b >&2; false\na\nb\n$ echo $?\n1\n"


def test_only_versions_and_paths_are_left_out_of_the_comparison():
    assert normalised(f"trainvitals 0.1.0  \n{ROOT}/a.log\n\n") == "trainvitals VERSION\na.log"
    assert normalised("loss 2.0") != normalised("loss 2.1")


if __name__ == "__main__":
    FORMATS_PAGE.write_text(TABLE.sub(lambda _: table_of_formats(), FORMATS_PAGE.read_text("utf-8")), "utf-8")
    for shown in PAGES:
        told = BLOCK.sub(
            lambda found: f"```console\n{session(commands(found[1])).rstrip()}\n```", shown.read_text("utf-8")
        )
        shown.write_text(told, "utf-8")
