"""A ratio kept in the settings: what is written is understood, and everything else in the file stays as it was."""

import tomllib
from dataclasses import replace

import pytest
from article_runs import BAD, article, kind
from hypothesis import given
from hypothesis import strategies as st

from trainvitals.diagnostics import toml_text
from trainvitals.diagnostics.loss_type import Reading, recognise
from trainvitals.diagnostics.loss_type_toml import builtin
from trainvitals.diagnostics.rules import RULES
from trainvitals.diagnostics.save_ratio import Place, edit, place, save
from trainvitals.diagnostics.settings import Settings, SettingsError, find, load
from trainvitals.diagnostics.trial_ratio import bounds, level, own, series, state, with_bounds, with_meanings

CUSTOM = """\
# our settings
fail-on = "warn"   # strict

[rules.L104]
z = 10.0  # spikes are common here

[loss_types.ours] # the one of the paper
title = "ours # and theirs"
recognise = [["a", "b"]]

[[loss_types.ours.ratios]]
name = "first"
numerator = "b"
denominator = "a"
bands = [{ falling = { status = "any" } }]

[[loss_types.ours.ratios]]
name = "second"
numerator = "a"
denominator = "b"
# as agreed in March
bands = [
  { high = 0.5, falling = { status = "low ] #", severity = "warn" } }, # careful
  { low = 0.5, falling = { status = "fine" } },
]
targets = [{ epoch = 1, low = 0.1, high = 0.9 }]

[severity]
S101 = "fail"
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "trainvitals.toml"
    path.write_text(CUSTOM)
    return path


def ratio_of(name):
    return kind(name).ratios[0]


def at(path):
    return Place(str(path), holds=str(path))


def loaded(path):
    return load(str(path), RULES)


def test_new_bands_change_the_status_of_the_run_that_they_are_tried_on():
    case, ratio = article(BAD, 2), ratio_of("article")
    assert bounds(ratio) == (0.5, 0.7, 1.2, 1.5, 2.0, 3.0)
    now = state(case, ratio)
    assert (now.value, now.status) == (pytest.approx(0.204, abs=1e-3), "overfitting")
    moved = with_bounds(ratio, (0.1, 0.15, 1.2, 1.5, 2.0, 3.0))
    assert state(case, moved).status == "balanced"


def test_a_new_ratio_says_nothing_bad_of_a_run_far_from_parity():
    case = article(((100, 500, 1000), (0.05, 0.02, 0.018), (10.1, 9.8, 9.5)))
    pair = ("article_loss", "train"), ("other_loss", "train")
    assert state(case, own(*pair)).severity == "fail"
    tried = own(*pair, "", level(case, *pair))
    assert state(case, tried).severity is None
    assert 0 < bounds(tried)[0] < 0.0019 < bounds(tried)[-1] < 0.01


def test_near_parity_the_bounds_lie_around_it():
    pair = ("article_loss", "train"), ("other_loss", "train")
    assert level(article(((100, 500, 1000), (9.0, 8.0, 7.0), (10.1, 9.8, 9.5))), *pair) == 1


@pytest.mark.parametrize("new", [(0.5, 0.7), (0.5, 0.5, 1.2, 1.5, 2, 3), (0.5, 0.7, 1.2, 1.5, 2, float("nan"))])
def test_what_is_no_set_of_bounds_is_refused(new):
    assert isinstance(with_bounds(ratio_of("article"), new), str)


def test_new_words_change_what_is_said_and_are_kept(tmp_path):
    ratio = ratio_of("article")
    said = [(Reading(f" band {i} ", "warn"), Reading("")) for i in range(len(ratio.bands))]
    worded = with_meanings(ratio, said)
    assert worded.bands[0].falling == worded.bands[0].stuck == Reading("band 0", "warn")
    assert state(article(BAD), worded).says == "0.189: band 0, while other_loss is stuck"
    save(edit("article", worded, Place(str(tmp_path / "trainvitals.toml"))))
    kept = load(str(tmp_path / "trainvitals.toml"), RULES).loss_types[0].ratios[0]
    assert kept.bands == worded.bands


def test_a_severity_alone_may_differ_while_a_loss_is_stuck():
    ratio = ratio_of("article")
    said = [(Reading("fine"), Reading("", "fail"))] * len(ratio.bands)
    assert with_meanings(ratio, said).bands[0].stuck == Reading("fine", "fail")


@pytest.mark.parametrize("word", ["", "  ", "x" * 41, "a\nb", "\x1b[2J"])
def test_what_is_no_word_is_refused(word):
    ratio = ratio_of("article")
    assert isinstance(with_meanings(ratio, [(Reading(word), Reading(""))] * len(ratio.bands)), str)


def test_a_builtin_type_is_copied_with_the_new_bands(tmp_path):
    path = tmp_path / "trainvitals.toml"
    moved = with_bounds(ratio_of("article"), (0.4, 0.7, 1.2, 1.5, 2.0, 3.0))
    done = edit("article", moved, Place(str(path)))
    save(done)
    (found,) = loaded(path).loss_types
    assert found == replace(kind("article"), ratios=(moved,))
    assert path.read_text() == done.snippet


@pytest.mark.parametrize("one", [t for t in builtin() if t.ratios], ids=lambda t: t.name)
def test_every_builtin_type_survives_being_written(one, tmp_path):
    path = tmp_path / "trainvitals.toml"
    save(edit(one.name, one.ratios[0], Place(str(path))))
    assert loaded(path).loss_types == (one,)


def test_only_the_bands_of_that_ratio_change_in_a_file_of_the_users_own(file):
    ratio = loaded(file).loss_types[0].ratios[1]
    save(edit("ours", with_bounds(ratio, (0.6,)), at(file)))
    text = file.read_text()
    assert bounds(loaded(file).loss_types[0].ratios[1]) == (0.6,)
    head, tail = CUSTOM.index("bands = [\n"), CUSTOM.index("targets = ")
    assert text.startswith(CUSTOM[:head])
    assert text.endswith(CUSTOM[tail:])


def test_another_ratio_comes_to_a_type_of_the_users_own(file):
    save(edit("ours", own(("a", "train"), ("a", "eval")), at(file)))
    assert file.read_text().startswith(CUSTOM)
    ratios = loaded(file).loss_types[0].ratios
    assert [r.name for r in ratios] == ["first", "second", "a / eval a"]
    assert ratios[2].denominator_split == "eval"


def test_a_run_of_no_type_gets_one_that_knows_it_and_no_other(file):
    case = article(BAD)
    assert set(series(case)) == {"article_loss", "other_loss"}
    save(edit("generic", own(("other_loss", "train"), ("article_loss", "train")), at(file), "mine"))
    settings = loaded(file)
    assert recognise(case.run, [t for t in settings.loss_types if t.name == "mine"]).name == "mine"
    assert recognise(case.run, settings.all_loss_types()).name == "article", "a built-in type goes first"
    assert file.read_text().startswith(CUSTOM)


def test_a_new_type_does_not_take_the_name_of_a_builtin_one(tmp_path):
    with pytest.raises(SettingsError, match="built-in"):
        edit("generic", own(("a", "train"), ("b", "train")), Place(str(tmp_path / "trainvitals.toml")), "article")


def test_bands_that_stand_elsewhere_are_shown_and_not_written(tmp_path):
    path = tmp_path / "trainvitals.toml"
    path.write_text('[loss_types]\nours = { title = "t", ratios = [{ numerator = "a", denominator = "b" }] }\n')
    done = edit("ours", own(("a", "train"), ("b", "train")), at(path))
    assert not done.place.path
    assert "cannot be changed in place" in done.place.why
    assert done.snippet.startswith("[[loss_types.ours.ratios]]")


def test_names_from_logs_are_text_in_the_file(tmp_path):
    path = tmp_path / "trainvitals.toml"
    name = 'a"]\n[evil]\nx = 1 # \U0001f600\x7f'
    save(edit("generic", own((name, "train"), ("b", "train")), Place(str(path)), "mine"))
    assert loaded(path).loss_types[0].ratios[0].numerator == name
    assert set(tomllib.loads(path.read_text())) == {"loss_types"}


def test_a_name_that_cannot_be_encoded_is_an_error_with_the_reason(tmp_path):
    with pytest.raises(SettingsError, match="cannot be written as TOML"):
        edit("generic", own(("\ud800", "train"), ("b", "train")), Place(str(tmp_path / "trainvitals.toml")))


def test_line_ends_and_permissions_stay(file):
    file.write_bytes(CUSTOM.replace("\n", "\r\n").encode())
    file.chmod(0o640)
    save(edit("ours", with_bounds(loaded(file).loss_types[0].ratios[1], (0.6,)), at(file)))
    assert file.read_bytes().startswith(CUSTOM[: CUSTOM.index("bands = [\n")].replace("\n", "\r\n").encode())
    assert file.stat().st_mode & 0o777 == 0o640


def test_settings_are_kept_where_they_are_found_but_never_beside_the_logs(tmp_path):
    work, logs = tmp_path / "work", tmp_path / "work" / "logs"
    logs.mkdir(parents=True)
    assert place(Settings(), str(work), str(logs)).path == str(work / "trainvitals.toml")
    assert not place(Settings(), str(logs), str(logs)).path
    assert "judged" in place(Settings(), str(work), str(work)).why
    (work / "trainvitals.toml").write_text(CUSTOM)
    settings, _ = find(str(logs.parent), RULES, [str(logs)])
    assert place(settings, str(work), str(logs)).path == str(work / "trainvitals.toml")


def test_a_link_to_a_device_or_a_folder_is_not_replaced(tmp_path):
    for name, aim in (("a", "/dev/null"), ("b", str(tmp_path))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "trainvitals.toml").symlink_to(aim)
        assert "is not a file" in place(Settings(), str(tmp_path / name), str(tmp_path / "logs")).why


def test_settings_in_pyproject_are_shown_to_be_copied(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "pyproject.toml").write_text("[tool.trainvitals]\nfail-on = 'warn'\n")
    settings, _ = find(str(tmp_path), RULES, [str(tmp_path / "logs")])
    where = place(settings, str(tmp_path), str(tmp_path / "logs"))
    assert not where.path
    done = edit("article", ratio_of("article"), where)
    assert done.snippet.splitlines()[1] == "[tool.trainvitals.loss_types.article]"
    (tmp_path / "pyproject.toml").write_text("[tool.trainvitals]\nfail-on = 'warn'\n" + done.snippet)
    assert find(str(tmp_path), RULES, [str(tmp_path / "logs")])[0].loss_types == (kind("article"),)


texts = st.text(st.characters(exclude_categories=["Cs"]))
keys = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
plain = st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | texts
values = st.recursive(plain, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=8)


@given(st.dictionaries(keys, values, max_size=4))
def test_any_table_is_read_back_as_it_was_written(table):
    assert tomllib.loads(toml_text.section(("a", "b c"), table)) == {"a": {"b c": table}}


@given(st.dictionaries(keys, values, max_size=4))
def test_statements_cover_what_they_say(table):
    text = toml_text.section(("a",), table) + "# end\n"
    found = list(toml_text.statements(text))
    for one in found:
        if one.key:
            assert set(tomllib.loads(text[one.start : one.end])) == {one.key}
    kept = "".join(text[one.start : one.end] for one in found)
    assert tomllib.loads(kept) == {"a": table}
