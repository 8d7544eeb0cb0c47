"""Blocks of one indented metric a line, and warnings between them."""

from console_text import by_epoch, read, series

NOTE = """\
Epoch 1:
  loss_ce:     0.906  (high - model learning EOS for first time)
  loss_coords: 1.373  (normal - unaffected by EOS weighting)

WARNING: reached max_len without EOS
Epoch 2:
  loss_ce:     0.607  (33% drop! EOS learning is working!)
  loss_coords: 1.408  (stable ~1.4, completely independent!)
"""


def test_the_worked_example():
    parsed = read(NOTE)
    assert by_epoch(parsed, "loss_ce") == [(1, 0.906), (2, 0.607)]
    assert by_epoch(parsed, "loss_coords") == [(1, 1.373), (2, 1.408)]
    assert series(parsed, "loss_ce").line.tolist() == [2, 7]
    assert (parsed.source.format, parsed.source.unread_lines) == ("epoch_blocks", 0)
    assert [(note.kind, note.line, note.epoch) for note in parsed.notes] == [("max_len", 5, 1)]


def test_headers_as_people_print_them():
    headers = ["Epoch 1:", "Epoch 2/10", "=== Epoch 3 ===", "Epoch [4/10]:", "Epoch 5 results:", "📊 EPOCH 6"]
    parsed = read("".join(f"{header}\n  loss_ce: 0.{i}\n" for i, header in enumerate(headers, 1)))
    assert [epoch for epoch, _ in by_epoch(parsed, "loss_ce")] == [1, 2, 3, 4, 5, 6]


def test_a_warning_inside_a_block_does_not_end_it():
    parsed = read("Epoch 1:\n  loss_ce: 0.9\nWARNING: reached max_len without EOS\n  loss_coords: 1.3\n")
    assert by_epoch(parsed, "loss_coords") == [(1, 1.3)]


def test_a_line_that_is_not_indented_ends_the_block():
    parsed = read("Epoch 1:\n  loss_ce: 0.9\nBest so far\n  loss_ce: 0.5\n")
    assert by_epoch(parsed, "loss_ce") == [(1, 0.9)]
    assert parsed.source.unread_lines == 1


def test_indented_numbers_without_a_header_are_no_metrics():
    assert read("settings\n  lr: 0.1\n").series == ()


def test_a_damaged_number_is_no_number():
    parsed = read("Epoch 1:\n  loss_ce: 0.9.6\n  loss_coords: 1.3\n")
    assert [s.logged_as for s in parsed.series] == ["loss_coords"]
    assert parsed.source.unread_lines == 1
