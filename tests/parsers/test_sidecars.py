"""Hyperparameters from the files beside a log."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from shared_logs import ACCUM, REAL, needs_shared

from trainvitals.parsers import sidecars
from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.files import LogFile, open_log
from trainvitals.parsers.limits import MAX_SIDECAR_BYTES


def read(name, text):
    return sidecars.read(LogFile(f"run/{name}", text if isinstance(text, bytes) else text.encode()))


def values(name, text):
    return {key: value.value for key, value in read(name, text).items()}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("args.json", True),
        ("training_args.json", True),
        ("training_args.yaml", True),
        ("hparams.yaml", True),
        ("hparams.yml", True),
        ("config.yaml", True),
        ("Config.YAML", True),
        ("args.yaml", True),
        ("opt.yaml", True),
        ("hyp.yaml", True),
        ("config.json", True),
        ("seed1_args.json", True),
        ("training_args.bin", False),
        ("hparams.pkl", False),
        ("tokenizer_config.json", False),
        ("generation_config.json", False),
        ("adapter_config.json", False),
        ("trainer_state.json", False),
        ("metrics.json", False),
        ("myargs.json", False),
        ("data.yaml", False),
        ("config", False),
    ],
)
def test_names(name, expected):
    assert sidecars.is_sidecar(name) is expected


def test_json_arguments_with_their_lines():
    found = read("args.json", '{\n  "gradient_accumulation_steps": 8,\n  "learning_rate": 4e-3,\n  "seed": null\n}\n')
    assert (found["gradient_accumulation_steps"].value, found["gradient_accumulation_steps"].line) == (8, 2)
    assert (found["learning_rate"].value, found["learning_rate"].line) == (0.004, 3)
    assert found["learning_rate"].path == "run/args.json"
    assert found["seed"].value is None


def test_model_config():
    text = json.dumps(
        {
            "architectures": ["Qwen2ForCausalLM"],
            "transformers_version": "4.48.0",
            "text_config": {"vocab_size": 151936, "rope": {"theta": 1e6}},
            "id2label": {str(i): f"LABEL_{i}" for i in range(1000)},
            "chat_template": "x" * 5000,
            "big": list(range(1000)),
        }
    )
    assert values("config.json", text) == {
        "architectures": ["Qwen2ForCausalLM"],
        "transformers_version": "4.48.0",
        "text_config.vocab_size": 151936,
        "text_config.rope.theta": 1e6,
    }


def test_yaml_with_lines_and_numbers_as_people_write_them():
    found = read(
        "hparams.yaml", "lr: 1e-5\nbatch: 32\nname: '32'\nbf16: true\nbetas: [0.9, 0.95]\nmodel:\n  width: 64\n"
    )
    assert {key: (value.value, value.line) for key, value in found.items()} == {
        "lr": (1e-5, 1),
        "batch": (32, 2),
        "name": ("32", 3),
        "bf16": (True, 4),
        "betas": ([0.9, 0.95], 5),
        "model.width": (64, 7),
    }


def test_tracker_config_is_unwrapped():
    text = (
        "wandb_version: 1\n_wandb:\n  desc: null\n  value:\n    cli_version: 0.16\n"
        "learning_rate:\n  desc: null\n  value: 0.0006\nmodel:\n  value:\n    n_layer: 12\n"
    )
    assert values("config.yaml", text) == {"learning_rate": 0.0006, "model.n_layer": 12}


def test_setting_that_is_named_value_stays():
    assert values("config.yaml", "a:\n  value: 1\n  other: 2\n") == {"a.value": 1, "a.other": 2}


def test_python_tags_are_read_as_plain_data():
    text = (
        "config: !!python/object:os.system\n  __dict__:\n    dropout: 0.1\n"
        "run: !!python/object/apply:os.system ['exit 1']\n"
    )
    assert values("hparams.yaml", text) == {"config.dropout": 0.1, "run": ["exit 1"]}


def test_aliases_and_merges():
    text = "base: &b {lr: 0.1, steps: [1, 2]}\nrun:\n  lr: 0.2\n  <<: *b\nagain: *b\n"
    assert values("config.yaml", text) == {
        "base.lr": 0.1,
        "base.steps": [1, 2],
        "run.lr": 0.2,
        "run.steps": [1, 2],
        "again.lr": 0.1,
        "again.steps": [1, 2],
    }


def test_aliases_inside_their_own_anchor_end():
    with pytest.raises(ReadError, match="nodes"):
        read("config.yaml", "a: &a {x: *a, y: *a, z: *a}\n")


def test_repeated_keys_take_the_last_value():
    assert values("args.json", '{"lr": 1, "lr": 2}') == {"lr": 2}
    assert values("args.yaml", "lr: 1\nlr: 2\n") == {"lr": 2}


@pytest.mark.parametrize(("name", "text"), [("hparams.yaml", ""), ("hparams.yaml", "{}\n"), ("args.json", "{}")])
def test_empty_settings(name, text):
    assert read(name, text) == {}


BOMB = "a0: &a0 {x: 1, y: 2}\n" + "".join(
    f"a{i}: &a{i} {{{', '.join(f'k{j}: *a{i - 1}' for j in range(9))}}}\n" for i in range(1, 12)
)


@pytest.mark.parametrize(
    ("name", "text", "reason", "line"),
    [
        ("args.json", '{\n"lr": 1,\n"x": }', "not valid JSON", 3),
        ("args.json", '{"lr": 1} trailing', "not valid JSON", 1),
        ("args.json", "[1, 2]", "not a JSON object", 1),
        ("args.json", "", "not a JSON object", 1),
        ("args.json", '{"a": ' + "[" * 100_000, "nested too deeply", 1),
        ("args.json", '{"a": ' + "9" * 5000 + "}", "thousands of digits", 1),
        ("config.yaml", "a: 1\nb: [1, 2\nc: 3\n", "not valid YAML", 3),
        ("config.yaml", "a: 1\n b: 2\n", "not valid YAML", 2),
        ("config.yaml", "just text\n", "not a YAML mapping", None),
        ("config.yaml", "a: \x00b\n", "not valid YAML", None),
        ("config.yaml", "a: " + "[" * 100_000, "nested more than", 1),
        ("config.yaml", "- " * 100_000, "nested more than", 1),
        ("config.yaml", "a: &a\n  b: *a\n  c: *a\n", "more than", None),
        ("config.yaml", BOMB, "more than", None),
        ("config.yaml", "a: &a {" + ",".join(f"{i}: *a" for i in range(90_000)) + "}\n", "more than", None),
        ("config.yaml", "a: " + "x" * MAX_SIDECAR_BYTES, "more than settings may have", None),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else None,
)
def test_what_cannot_be_read_names_file_and_line(name, text, reason, line):
    with pytest.raises(ReadError, match=reason) as error:
        read(name, text)
    assert error.value.path == f"run/{name}"
    assert error.value.line == line


@given(st.sampled_from(["args.json", "config.yaml"]), st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
@example("config.yaml", b"\xc2\xa0")
def test_any_bytes_give_settings_or_a_read_error(name, data):
    try:
        found, failed = read(name, data), None
    except ReadError as error:
        found, failed = {}, error
    assert failed is None or failed.path == f"run/{name}"
    assert all(key.encode() is not None and value.path == f"run/{name}" for key, value in found.items())


PLAIN = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8"), max_size=20)
)


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=10), PLAIN, max_size=10))
def test_flat_json_settings_come_back_as_written(settings):
    expected = {key: value for key, value in settings.items() if key not in ("_wandb", "wandb_version")}
    assert values("args.json", json.dumps(settings, indent=1)) == expected


@needs_shared
@pytest.mark.parametrize(
    ("path", "accumulation", "rate"),
    [
        (REAL / "ms_swift_logging_jsonl/zhl-2022__x-algorithm__qwen3_17b_text_effective__args.json", 4, 0.0002),
        (REAL / "ms_swift_logging_jsonl/zhl-2022__x-algorithm__stage3_qwen3_17b_grpo__args.json", 4, 1e-05),
        (REAL / "lightning_metrics_csv/LiuTaowen-Tony__xKV__version_0__hparams.yaml", None, 0.0001),
        (ACCUM / "llama-tf4.57.6-ga8/training_args.json", 8, 0.004),
        (ACCUM / "swift4.6.0-tf4.57.6-ga8/args.json", 8, 0.004),
    ],
    ids=lambda value: value.name if hasattr(value, "name") else None,
)
def test_real_sidecars(path, accumulation, rate):
    assert sidecars.is_sidecar(path.name)
    found = sidecars.read(open_log(str(path)))
    assert found["learning_rate"].value == rate
    assert accumulation is None or found["gradient_accumulation_steps"].value == accumulation
    text = path.read_text().split("\n")
    # A nested JSON key is cited at the line of its outermost key, a YAML key at its own.
    assert all(
        key.partition(".")[0] in text[value.line - 1] or key.rpartition(".")[2] in text[value.line - 1]
        for key, value in found.items()
    )
