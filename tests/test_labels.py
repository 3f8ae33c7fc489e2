import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mixingbuddy.models.data.label_templates import EVIDENCES, Evidence
from mixingbuddy.models.data.labels import Label, move_values, read_label_text, write_label_text

PRINTABLE = st.characters(exclude_categories=("C", "Z")) | st.just(" ")
NAMES = st.lists(
    st.text(PRINTABLE, min_size=1, max_size=40).filter(str.isprintable), min_size=1, max_size=6, unique=True
)
STEPS = st.integers(-240, 120).filter(bool)


@settings(deadline=None, max_examples=300, derandomize=True)
@given(names=NAMES, steps=st.lists(STEPS, max_size=6), evidence=st.sampled_from(EVIDENCES), seed=st.integers(0, 2**32))
@example(names=["a", "the", ".", " ", "dB", "3.0 dB"], steps=[30, -30, 1, -1, 120, -240], evidence="none", seed=1)
@example(names=["Bring", "Bring Bring", "up", "{stem}", "\\", "Raise Bring"], steps=[5, 4, -3], evidence="none", seed=2)
def test_what_was_written_is_read_back(names: list[str], steps: list[int], evidence: Evidence, seed: int) -> None:
    moves = [(name, step / 10) for name, step in zip(names, steps, strict=False)]
    label = Label(tuple(sorted(moves, key=lambda move: -abs(move[1]))))
    rng = np.random.default_rng(seed)
    levels = {name: float(rng.uniform(-40, 5)) for name, _ in moves}
    targets = {name: level + gain_db for (name, gain_db), level in zip(moves, levels.values(), strict=True)}
    intervals = {name: (gain_db - 1.0, gain_db + 1.0) for name, gain_db in moves}
    text = write_label_text(label, evidence, rng, levels, targets, intervals)
    assert read_label_text(text, names) == label


def test_a_text_has_an_opening_and_a_line_for_each_move_the_largest_first() -> None:
    label = Label((("drums", -2.0), ("vocals", 4.25), ("bass", -3.0)))
    for seed in range(20):
        opening, *lines = write_label_text(label, "same_mix", np.random.default_rng(seed)).split("\n")
        assert "three" in opening.lower()
        assert [next(name for name, _ in label.moves if name in line) for line in lines] == ["vocals", "bass", "drums"]
        assert ["4.2 dB" in lines[0], "3.0 dB" in lines[1], "2.0 dB" in lines[2]] == [True] * 3
        assert "LU" not in "".join(lines)
        assert "{" not in "".join(lines)


def test_nothing_to_do_is_one_line_and_moves_too_small_to_print_are_none() -> None:
    for evidence in EVIDENCES:
        for moves in ((), (("vocals", 0.04),)):
            text = write_label_text(Label(moves), evidence, np.random.default_rng(5))
            assert "\n" not in text
            assert read_label_text(text, ["vocals"]) == Label(())


def test_the_same_seed_writes_the_same_text() -> None:
    label = Label((("vocals", 4.0),))
    texts = {write_label_text(label, "none", np.random.default_rng(seed)) for seed in (1, 1, 2, 3, 4, 5)}
    assert 1 < len(texts) <= 5
    assert write_label_text(label, "none", np.random.default_rng(1)) in texts


def test_figures_given_are_used_and_kept_apart_from_the_amount() -> None:
    label = Label((("vocals", -4.2),))
    rng = np.random.default_rng(0)
    texts = [
        write_label_text(label, "same_mix", rng, {"vocals": -3.0}, {"vocals": -7.2}, {"vocals": (-5.0, -3.1)})
        for _ in range(100)
    ]
    assert any("-3.0 LU" in text and "-7.2 LU" in text for text in texts)
    assert any("(between 3.1 and 5.0 dB)" in text for text in texts)
    assert all(read_label_text(text, ["vocals"]) == label for text in texts)


def test_slots_hold_only_what_is_known_of_the_stem() -> None:
    assert move_values("vox", -4.0) == {"stem": "vox", "gain": "4.0 dB"}
    known = move_values("vox", -4.0, {"vox": -3.0}, {"bass": 1.0}, {"vox": (-6.0, 1.0)})
    assert known == {"stem": "vox", "gain": "4.0 dB", "level": "-3.0 LU"}


def test_an_empty_label_is_not_read_into_just_any_text() -> None:
    with pytest.raises(ValueError, match="states no move"):
        read_label_text("A fine day in the studio.", ["vocals"])
