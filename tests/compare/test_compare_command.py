"""`trainvitals compare` as scripts and people use it: what it prints in each format, and how it ends."""

import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from click.testing import CliRunner
from compared_runs import flat, made

from trainvitals.diagnostics.cli import main
from trainvitals.diagnostics.compare.comparing import compare
from trainvitals.diagnostics.render import comparison_html, comparison_json, comparison_markdown, comparison_text

SCHEMA = json.loads(Path(__file__).with_name("comparison.schema.json").read_text("utf-8"))
HOSTILE = "<script>alert(1)</script>\x1b[2J@team](x)|::set-output\n##[error]"


def run(*arguments):
    return CliRunner().invoke(main, ["compare", "--isolated", *map(str, arguments)])


def write(path, level, seed=0, n=600, **more):
    noise = np.random.default_rng(seed).standard_normal(n)
    rows = [{"step": i + 1, "loss": level * (1 + 0.02 * e), **more} for i, e in enumerate(noise.tolist())]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def pair(tmp_path):
    return write(tmp_path / "a" / "log.jsonl", 2.0), write(tmp_path / "b" / "log.jsonl", 1.9, 1)


def test_two_logs_are_compared(pair):
    ran = run(*pair)
    assert ran.exit_code == 0
    assert "2 runs, matched by steps" in ran.stdout
    assert re.search(r"b/log\.jsonl lower than a/log\.jsonl by [45]\.\d % ± 0\.\d+ %", " ".join(ran.stdout.split()))
    assert "not of the methods" in " ".join(ran.stdout.split())


def test_the_first_named_is_what_the_others_are_compared_with(pair):
    data = json.loads(run(*reversed(pair), "--format", "json").stdout)
    assert [group["name"] for group in data["groups"]] == ["b/log.jsonl", "a/log.jsonl"]
    assert data["pairs"][0]["rows"][0]["word"] == "higher"


def test_folders_that_differ_in_a_seed_are_groups(tmp_path):
    paths = [write(tmp_path / name / f"seed{s}" / "log.jsonl", level, 10 * s + i)
             for i, (name, level) in enumerate((("base", 2.0), ("new", 1.9))) for s in range(3)]  # fmt: skip
    data = json.loads(run(*(p.parent for p in paths), "--format", "json").stdout)
    assert [(len(g["runs"]), g["seeds"]) for g in data["groups"]] == [(3, ["0", "1", "2"])] * 2
    assert data["pairs"][0]["tier"] == "paired seeds"
    assert data["pairs"][0]["rows"][0]["word"] == "undecided"


def test_a_pattern_names_a_group(tmp_path):
    for i, name in enumerate(("h0", "h1", "h2", "odd")):
        write(tmp_path / name / "log.jsonl", 2.0 + (name == "odd"), i)
    data = json.loads(run(tmp_path, "--group", "h*", "--format", "json").stdout)
    assert [group["name"] for group in data["groups"]] == ["h*", "odd"]
    assert data["pairs"][0]["rows"][0]["word"] == "higher"


EVALUATED = "".join(
    f'{{"step": {i}, "loss": {2 + math.sin(i) / 99}, "acc": {i / 1e4}, "eval_loss": {3 + math.cos(i) / 99}}}\n'
    for i in range(400)
)


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        (["acc"], [("acc", "train")]),
        (["loss"], [("loss", "train")]),
        (["eval loss"], [("loss", "eval")]),
        (["eval_loss", "acc"], [("loss", "eval"), ("acc", "train")]),
        (["*loss"], [("loss", "train"), ("loss", "eval")]),
    ],
)
def test_only_the_metrics_that_are_asked_for_are_compared_and_counted(tmp_path, asked, shown):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "log.jsonl").write_text(EVALUATED)
    options = [word for name in asked for word in ("--metric", name)]
    ran = run(tmp_path / "a", tmp_path / "b", *options, "--format", "json")
    rows = json.loads(ran.stdout)["pairs"][0]["rows"]
    assert [(row["metric"], row["split"]) for row in rows] == shown


def test_a_metric_that_no_run_has_is_no_comparison(pair):
    ran = run(*pair, "--metric", "los")
    assert ran.exit_code == 2
    assert "no run has 'los'; there is loss" in ran.stderr
    assert ran.stdout == ""


def test_the_metric_that_is_asked_for_is_drawn(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "log.jsonl").write_text(EVALUATED)
    page = run(tmp_path / "a", tmp_path / "b", "--metric", "acc", "--format", "html").stdout
    assert "<title>acc, acc by step</title>" in page


@pytest.mark.parametrize(
    ("prepare", "code", "message"),
    [
        (lambda folder: [folder / "absent", write(folder / "a.jsonl", 2.0)], 2, "does not exist"),
        (lambda folder: [write(folder / "a.jsonl", 2.0)], 5, "needs two runs; found 1"),
        (lambda folder: [write(folder / f"seed{s}.jsonl", 2.0, s) for s in range(2)], 5, "are one group"),
        (
            lambda folder: [write(folder / "a.jsonl", 2.0), "--by", "tokens", write(folder / "b.jsonl", 2.0)],
            5,
            "no axis",
        ),
        (lambda folder: [write(folder / "a.jsonl", 2.0), "--last", "7"], 2, "--last"),
    ],
    ids=["absent", "one run", "one group", "no tokens", "usage"],
)
def test_how_it_ends_when_there_is_nothing_to_compare(tmp_path, prepare, code, message):
    ran = run(*prepare(tmp_path))
    assert (ran.exit_code, message in ran.stderr) == (code, True)


def test_a_file_that_cannot_be_read_is_said_and_outranks_the_comparison(pair, tmp_path):
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04" + bytes(60))
    ran = run(*pair, tmp_path / "broken.zip")
    assert ran.exit_code == 2
    assert "broken.zip" in ran.stderr
    assert "lower than" in " ".join(ran.stdout.split())


@pytest.mark.parametrize("form", ["text", "json", "markdown", "html"])
def test_the_same_runs_give_the_same_bytes(pair, form, tmp_path):
    for name in ("one", "two"):
        assert run(*pair, "--format", form, "-o", tmp_path / name).exit_code == 0
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def hostile():
    cases = [
        made(f"{name}{HOSTILE}", {"loss": flat(level, seed), f"eval/{HOSTILE}": flat(1.0)}, config={HOSTILE: name})
        for name, level, seed in (("a", 2.0, 0), ("b", math.e, 1))
    ]
    return compare(cases), cases


def test_json_is_of_its_schema():
    text = comparison_json.render(hostile()[0])
    assert text.isascii()
    assert "##[" not in text
    jsonschema.validate(json.loads(text), SCHEMA)


def test_json_of_seeds_and_tables_is_of_its_schema():
    cases = [made(f"{n}-s{s}", {"loss": flat(2.0, s)}) for n in "ab" for s in range(2)]
    jsonschema.validate(json.loads(comparison_json.render(compare(cases))), SCHEMA)


def test_a_terminal_is_not_steered():
    text = comparison_text.render(hostile()[0])
    assert "\x1b" not in text
    assert not re.search(r"(?m)^\s*::", text)


def test_markdown_calls_nobody_and_forges_nothing():
    text = comparison_markdown.render(hostile()[0])
    assert "<script" not in re.sub(r"`+.*?`+", "", text)
    assert "@team" not in text
    assert not re.search(r"(?m)^::", text)


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        assert not [name for name, value in attrs if name.startswith("on") or name in ("src", "href")]


def test_a_page_runs_nothing_and_draws_the_curves():
    comparison, cases = hostile()
    page = comparison_html.render(comparison, [(case.run.name, case.loss) for case in cases])
    tags = Tags(page).tags
    assert "script" not in tags
    assert {"svg", "table", "figure"} <= tags
    assert "default-src 'none'" in page
    assert "\x1b" not in page
