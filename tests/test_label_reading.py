import zlib

import numpy as np
import pytest

from mixingbuddy.models.data import label_reading
from mixingbuddy.models.data.label_reading import read_moves
from mixingbuddy.models.data.label_templates import KINDS, all_templates, fill, gain_text, level_text

STEMS = ("vocals", "drums", "bass", "other")
NASTY = (
    "Down Bass 3 dB", "Gtr", "Gtr L", "vox.up (2)", "other", "Drums: loud [1]", "a.b*c", "kick_in", "Kick", "C++ -3dB",
    "Bass, and Keys", "O'Hara 7.5 dB", "Hat? Yes!", "{gain}", "\\d+ LU", "Überall", "ギター 2",
)  # fmt: skip
NASTIEST = (*NASTY, "raise", "no change", "a", "the", ".", "dB", "3.0 dB", "Bring", "up")


def filled(template: str, stem: str, gain_db: float, rng: np.random.Generator) -> str:
    low_db = round(float(rng.uniform(0.0, abs(gain_db))), 1)
    return fill(
        template,
        stem=stem,
        gain=gain_text(gain_db),
        level=level_text(float(rng.uniform(-30, 3))),
        target=level_text(float(rng.uniform(-30, 3))),
        low=f"{low_db:.1f}",
        high=f"{abs(gain_db) + 1:.1f}",
        count="three",
        reason="the file is silent",
    )


def check_template(kind: str, template: str, stems: tuple[str, ...]) -> None:
    """Every stem's name and random gains on 0.1 dB steps come back from this sentence."""
    rng = np.random.default_rng(zlib.crc32(template.encode()))
    for stem in stems:
        steps = int(rng.integers(1, 241) if kind == "too_loud" else rng.integers(1, 121))
        gain_db = -steps / 10 if kind == "too_loud" else steps / 10
        text = filled(template, stem, gain_db, rng)
        if kind in ("too_loud", "too_quiet"):
            assert read_moves(text, stems) == ((stem, gain_db),), text
        elif kind == "nothing":
            assert read_moves(text, stems) == (), text
        else:
            with pytest.raises(ValueError, match="cannot judge" if kind == "cannot_say" else "states no move"):
                read_moves(text, stems)


@pytest.mark.parametrize("kind", KINDS)
def test_every_sentence_is_read_back_with_any_name(kind: str) -> None:
    for template in sorted({text for own, _, text in all_templates() if own == kind}):
        check_template(kind, template, NASTIEST)


@pytest.mark.parametrize("kind", KINDS)
def test_every_sentence_is_read_back_by_its_words_alone(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # So a sentence that differs from ours by a word is read as well.
    monkeypatch.setattr(label_reading, "_read_known", lambda line, reading: False)
    for template in sorted({text for own, _, text in all_templates() if own == kind}):
        check_template(kind, template, NASTY)


@pytest.mark.parametrize(
    ("text", "moves"),
    [
        ("raise the vocals by 3 dB", {"vocals": 3.0}),
        ("Vocals +3 dB", {"vocals": 3.0}),
        ("drums: -3 dB", {"drums": -3.0}),
        ("Bass –3dB", {"bass": -3.0}),
        ("Vocals – 3 dB too quiet.", {"vocals": 3.0}),
        ("bass 3dB too loud", {"bass": -3.0}),
        ("Raise the vocal by 3.0 decibels.", {"vocals": 3.0}),
        ("The vocal needs a three dB boost.", {"vocals": 3.0}),
        ("A 3-dB cut on the drums would help.", {"drums": -3.0}),
        ("reduce the bass by -3 dB", {"bass": -3.0}),
        ("make the drums quieter by 2,5 dB", {"drums": -2.5}),
        ("Lower the drums by approx. 3 dB.", {"drums": -3.0}),
        ("Raise the vocals by 2 to 4 dB.", {"vocals": 3.0}),
        ("Turn the vocals up by three decibels (2 to 4 dB).", {"vocals": 3.0}),
        ("The vocals sit at -9 dB, raise them by 3 dB.", {"vocals": 3.0}),
        ("The mix peaks at -1 dBTP; lower the drums by 2 dB.", {"drums": -2.0}),
        ("no change needed", {}),
        ("No changes are needed.", {}),
        ("Everything sounds great.", {}),
        ("Nothing needs a move, all stems are within 0.3 dB.", {}),
        ("vocals up by 0 dB", {}),
    ],
)
def test_plain_wishes_are_read(text: str, moves: dict[str, float]) -> None:
    assert dict(read_moves(text, STEMS)) == moves


@pytest.mark.parametrize(
    ("text", "moves"),
    [
        ("The vocals are 3 dB louder than in the reference.", {"vocals": -3.0}),
        ("The vocals are 3 dB quieter than in the reference.", {"vocals": 3.0}),
        ("Make the vocals 3 dB louder than they are.", {"vocals": 3.0}),
        ("The vocals are not loud enough; raise the vocals by 3 dB.", {"vocals": 3.0}),
        ("The vocals are not loud, they are 3 dB too quiet.", {"vocals": 3.0}),
        ("Pull the bass back up by 3 dB.", {"bass": 3.0}),
        ("Pull the bass down a bit more, by 3 dB.", {"bass": -3.0}),
        ("The vocals have been boosted too much, cut 3 dB.", {"vocals": -3.0}),
        ("The vocals are too quiet. Raise them by 3 dB.", {"vocals": 3.0}),
        ("Vocals:\n+3 dB\nBass:\n-2 dB", {"vocals": 3.0, "bass": -2.0}),
    ],
)
def test_words_that_point_either_way_are_read_in_their_sentence(text: str, moves: dict[str, float]) -> None:
    assert dict(read_moves(text, STEMS)) == moves


@pytest.mark.parametrize(
    ("text", "moves"),
    [
        ("Turn the vocals up 3 dB and the bass down 2 dB.", {"vocals": 3.0, "bass": -2.0}),
        ("Turn up the vocals by 3 dB and the bass by 2 dB.", {"vocals": 3.0, "bass": 2.0}),
        ("Raise the vocals and the bass by 3 dB", {"vocals": 3.0, "bass": 3.0}),
        ("Vocals and bass are both 3 dB too quiet.", {"vocals": 3.0, "bass": 3.0}),
        ("Vocals (+3 dB), drums (-2 dB).", {"vocals": 3.0, "drums": -2.0}),
        ("1. Vocals: raise by 3 dB. 2. Bass: lower by 2 dB.", {"vocals": 3.0, "bass": -2.0}),
        ("- **Vocals**: −3 dB\n- **Drums**: +1.5 dB\n- Bass: no change", {"vocals": -3.0, "drums": 1.5}),
        ("Compared with the drums, the vocals are 3 dB too loud.", {"vocals": -3.0}),
        ("Raise the vocals by 3 dB to sit over the drums.", {"vocals": 3.0}),
        ("Relative to the vocals, lower the bass by 4 dB and the drums by 2 dB.", {"bass": -4.0, "drums": -2.0}),
        ("The other stems are fine, but the other is 3 dB too loud.", {"other": -3.0}),
    ],
)
def test_several_stems_in_one_text_are_kept_apart(text: str, moves: dict[str, float]) -> None:
    assert dict(read_moves(text, STEMS)) == moves


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "states no move"),
        ("hello", "states no move"),
        ("The balance is not right.", "states no move"),
        ("The vocals should match the reference.", "states no move"),
        ("I cannot judge this.", "cannot judge"),
        ("The vocals are too loud.", "'vocals' should go down, but no amount"),
        ("Raise the vocals by 3 dB. The drums are too loud.", "'drums' should go down, but no amount"),
        ("Raise the vocals and lower the bass by 3 dB.", "no amount in dB is said for 'vocals'"),
        ("raise the bass by -3 dB", "contradict"),
        ("Do not raise the vocals by 3 dB.", "in the negative"),
        ("Vocals - 3 dB", "not said is which way"),
        ("vocals: up 3 dB; vocals: up 4 dB", "two moves for 'vocals'"),
        ("The vocals are too quiet. Lower the vocals by 3 dB.", "a move up and a move down"),
        ("the guitars are 3 dB too loud", "no known stem"),
        ("The guitars are 3 dB louder than the vocals.", "no known stem"),
        ("Drums are fine, guitars up 2 dB.", "no known stem"),
        ("Vocals are fine. The guitars are 2 dB too loud.", "no known stem"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_moves(text, STEMS)


def test_the_longest_name_is_meant_and_case_tells_names_apart() -> None:
    stems = ("Gtr", "Gtr L", "gtr", "Gtr L 2")
    assert read_moves("Lower Gtr L by 3 dB.", stems) == (("Gtr L", -3.0),)
    assert read_moves("Lower Gtr L 2 by 3 dB.", stems) == (("Gtr L 2", -3.0),)
    assert read_moves("Lower gtr by 3 dB, then raise Gtr by 2 dB.", stems) == (("gtr", -3.0), ("Gtr", 2.0))


def test_the_largest_move_comes_first_whatever_the_order_of_the_text() -> None:
    assert read_moves("Drums up 1 dB. Bass down 6 dB. Vocals up 3 dB.", STEMS) == (
        ("bass", -6.0),
        ("vocals", 3.0),
        ("drums", 1.0),
    )
