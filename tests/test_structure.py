"""The house: who may import whom, and nothing that was written is forgotten in a list."""

import ast
import importlib
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest

from trainvitals.diagnostics.rules import RULES
from trainvitals.parsers.files import LogFile
from trainvitals.parsers.formats import FORMATS, detect
from trainvitals.parsers.formats.console import LINE_FORMATS

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("parsers", "diagnostics", "dashboard", "sample_logs")
SECTIONS = ("What it checks:", "Why it matters:", "What to try:", "How it decides:", "Blind spots:")

FORBIDDEN = {
    "parsers": ("trainvitals.diagnostics", "trainvitals.dashboard", "trainvitals.app", "streamlit", "click", "rich"),
    "diagnostics": ("trainvitals.dashboard", "trainvitals.app", "streamlit"),
    "dashboard": ("trainvitals.app",),
    "sample_logs": ("trainvitals.diagnostics", "trainvitals.dashboard", "trainvitals.app", "streamlit"),
}
"""What the modules of each part may not import, at the top or inside a function."""

NOBODY = ("tests", "trainvitals.tests", *PARTS)
"""What no module may import; the bare names of the parts would load the same module twice."""

TRAINER = "trainvitals.sample_logs"
MAY_TRAIN = "trainvitals.diagnostics.commands.train"
"""The one module outside the trainer that may import it."""

HEAVY = {"streamlit", "altair", "pandas", "torch", "polars", "pyarrow"}


def modules(part: str) -> list[Path]:
    return sorted((ROOT / part).rglob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(("trainvitals", *parts)).removesuffix(".__init__")


def imports(path: Path) -> Iterator[str]:
    """Absolute names of all that a module imports, wherever the statement stands."""
    package = name_of(path).split(".") if path.name == "__init__.py" else name_of(path).split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join((*above, *([node.module] if node.module else [])))
            yield origin
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize("part", PARTS)
def test_imports_go_one_way(part):
    found = {(name_of(path), name) for path in modules(part) for name in imports(path)}
    assert {(a, b) for a, b in found if within(b, FORBIDDEN[part] + NOBODY)} == set()


def test_only_its_command_imports_the_trainer():
    found = {
        name_of(path) for part in PARTS for path in modules(part) if any(within(n, (TRAINER,)) for n in imports(path))
    }
    assert {name for name in found if not within(name, (TRAINER,))} == {MAY_TRAIN}


def test_the_check_of_imports_sees_them(tmp_path):
    path = ROOT / "parsers" / "formats" / "__init__.py"
    assert "trainvitals.parsers.formats.csv_table" in set(imports(path))
    assert within("trainvitals.diagnostics.case", FORBIDDEN["parsers"])
    assert not within("trainvitals.diagnosticsx", FORBIDDEN["parsers"])


@pytest.mark.parametrize(
    "arguments", [[], ["check", "tests/quoted/article/good", "--format", "json"]], ids=["import", "check"]
)
def test_the_check_path_loads_nothing_heavy(arguments):
    program = (
        "import json, sys\n"
        "from trainvitals.diagnostics.cli import main\n"
        "try:\n"
        "    sys.argv[1:] and main()\n"
        "finally:\n"
        "    print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    *messages, listing = ran.stderr.splitlines()
    assert ran.returncode == 0, "\n".join(messages)
    loaded = set(json.loads(listing))
    assert "trainvitals.diagnostics.cli" in loaded
    assert loaded & HEAVY == set()
    assert not arguments or json.loads(ran.stdout)["schema"] == 1


def test_every_package_is_installed():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["packages"]
    folders = [ROOT, *(path.parent for part in PARTS for path in modules(part) if path.name == "__init__.py")]
    assert sorted(listed) == sorted({name_of(folder / "__init__.py") for folder in folders})


def test_every_folder_with_modules_is_a_package():
    folders = {path.parent for part in PARTS for path in modules(part)}
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []


def defining(part: str, name: str) -> list[tuple[str, object]]:
    """(module, value) of a name, for every module of a part that assigns it at the top."""
    found = []
    for path in modules(part):
        targets = [
            target
            for node in ast.parse(path.read_text("utf-8")).body
            for target in (node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)])
        ]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            found.append((name_of(path), getattr(importlib.import_module(name_of(path)), name)))
    return found


@pytest.mark.parametrize(
    ("folder", "name", "listed"),
    [("parsers", "FORMAT", FORMATS), ("parsers", "LINES", LINE_FORMATS), ("diagnostics/rules", "RULE", RULES)],
    ids=["formats", "line formats", "rules"],
)
def test_nothing_is_forgotten(folder, name, listed):
    found = defining(folder, name)
    assert found
    assert [module for module, value in found if not any(value is one for one in listed)] == []


def test_formats_have_names_of_their_own():
    names = [one.name for one in FORMATS]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z0-9_]+", name) for name in names)


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_a_sample_is_detected_as_its_own_format(form):
    found = detect(LogFile("sample", form.sample))
    assert found is not None
    assert found.name == form.name


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_a_format_says_where_its_sample_is_from_and_what_is_read(form):
    for text in (form.title, form.origin, form.reads):
        assert text
        assert not {"|", "\n"} & set(text), "it is the cell of a table"


def test_codes_are_unique_and_sorted_into_families():
    codes = [rule.code for rule in RULES]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"[A-Z]\d{3}", code) for code in codes)
    families = [(family, list(members)) for family, members in groupby(codes, key=lambda code: code[0])]
    assert len(families) == len({family for family, _ in families}), "each family stands together"
    assert all(members == sorted(members) for _, members in families)


def test_rules_have_names_of_their_own():
    names = [rule.name for rule in RULES]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) for name in names)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_explains_itself(rule):
    assert rule.summary.endswith("."), "the first line says in one sentence what is wrong"
    assert [section for section in SECTIONS if f"\n{section}" not in f"\n{rule.docs}"] == []
    assert "Source:" in rule.docs
    assert [name for name in rule.thresholds if name not in rule.docs] == [], "every threshold is explained"


FOREIGN = re.compile(
    rb"/(?:home|root|Users)/|\b(?:pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|deb\.debian\.org|crates\.io)\b"
)


def test_no_file_names_a_place_on_somebodys_machine_or_a_registry():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name and ROOT / name != Path(__file__)]
    assert [str(p.relative_to(ROOT)) for p in paths if p.is_file() and FOREIGN.search(p.read_bytes())] == []
