"""The baseline that hears only the mix: whatever it guesses, its advice keeps to its form."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from songs import RATE_HZ, make_stems
from tiny_differential import tiny_single_mix

from mixingbuddy.models.advisor import GainAdvice
from mixingbuddy.models.advisors import open_advisor
from mixingbuddy.models.data.chunks import mix_of
from mixingbuddy.models.data.labels import read_label_text
from mixingbuddy.models.data.songs import TARGETS
from mixingbuddy.models.differential import weights
from mixingbuddy.models.differential.recipes import save_model
from mixingbuddy.models.single_mix import SingleMix
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.moves import GAIN_MAX_DB, GAIN_MIN_DB
from mixingbuddy.tools.multitrack import Multitrack, Reference, Stem, with_gains

SEEDS = range(6)


def song(seconds: float = 2.0) -> Multitrack:
    made = make_stems(max(seconds, 1.0))
    audio = {name: samples[:, : round(seconds * RATE_HZ)] for name, samples in made.items()}
    return Multitrack(
        "song",
        RATE_HZ,
        (
            Stem("Lead", "vocals", audio["vocals"]),
            Stem("Kick", "kick", audio["drums"]),
            Stem("Snare", "snare", audio["drums"] * np.float32(0.5)),
            Stem("Bass 3 dB", "bass", audio["bass"]),
            Stem("Gtr", "guitar", audio["guitar"]),
        ),
    )


def mix_alone(one: Multitrack) -> Multitrack:
    return replace(one, stems=(Stem("mix", "other", mix_of(one.stems)),), mix_only=True)


def moves_of(advice: GainAdvice) -> dict[str, float]:
    return {one.stem: one.gain_db for one in advice.stems if one.gain_db}


def assert_in_form(advice: GainAdvice, names: tuple[str, ...]) -> None:
    for one in advice.stems:
        assert GAIN_MIN_DB <= one.gain_db <= GAIN_MAX_DB
        assert one.interval_db[0] <= one.gain_db <= one.interval_db[1]
        assert np.isfinite(one.measured_db)
    assert advice.text is not None
    assert dict(read_label_text(advice.text, names).moves) == moves_of(advice)
    assert len(set(moves_of(advice).values())) <= 1  # one role at most


@pytest.mark.parametrize("seed", SEEDS)
def test_of_stems_only_the_groups_that_it_knows_get_advice(seed: int) -> None:
    one = song()
    advice = SingleMix(tiny_single_mix(seed)).advise(one)
    assert tuple(stem.stem for stem in advice.stems) == ("Lead", "Kick", "Snare", "Bass 3 dB")
    kick, snare = advice.for_stem("Kick"), advice.for_stem("Snare")
    assert kick is not None
    assert snare is not None
    assert kick.gain_db == snare.gain_db
    assert_in_form(advice, one.names)


@pytest.mark.parametrize("seed", SEEDS)
def test_of_a_mix_the_roles_inside_it_get_advice(seed: int) -> None:
    advice = SingleMix(tiny_single_mix(seed)).advise(mix_alone(song()))
    assert tuple(stem.stem for stem in advice.stems) == TARGETS
    assert_in_form(advice, (*TARGETS, "other"))


def test_it_hears_the_mix_and_nothing_else() -> None:
    """Stems and a reference change nothing as long as they sum to the same sound; a fader does."""
    advisor, one = SingleMix(tiny_single_mix()), song()
    inside = {stem.stem: stem.measured_db for stem in advisor.advise(mix_alone(one)).stems}
    by_stem = {stem.stem: stem.measured_db for stem in advisor.advise(one).stems}
    assert by_stem["Lead"] == pytest.approx(inside["vocals"], abs=0.01)
    assert by_stem["Bass 3 dB"] == pytest.approx(inside["bass"], abs=0.01)
    reference = Reference("mix", "mix", (Stem("mix", "other", mix_of(one.stems[:1])),))
    assert advisor.advise(one, reference) == advisor.advise(one)
    moved = advisor.advise(with_gains(one, [8.0, 1.0, 1.0, 1.0, 1.0]))
    assert [stem.measured_db for stem in moved.stems] != [by_stem[stem.stem] for stem in moved.stems]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("anchor", ["Lead", "snare", "Bass 3 dB", "Gtr"])
def test_the_anchors_group_is_never_moved(seed: int, anchor: str) -> None:
    one = song()
    stem = one.stem(anchor)
    assert stem is not None
    advice = SingleMix(tiny_single_mix(seed)).advise(one, anchor=anchor)
    assert stem.name not in moves_of(advice)
    if anchor == "snare":
        assert "Kick" not in moves_of(advice)
    assert_in_form(advice, one.names)


@pytest.mark.parametrize("anchor", ["vocals", "Drums", "bass", "other"])
def test_an_anchor_inside_a_mix_is_never_moved(anchor: str) -> None:
    for seed in SEEDS:
        advice = SingleMix(tiny_single_mix(seed)).advise(mix_alone(song()), anchor=anchor)
        assert anchor.lower() not in moves_of(advice)


def test_an_unknown_anchor_is_a_users_mistake() -> None:
    advisor = SingleMix(tiny_single_mix())
    with pytest.raises(UserError, match="no stem 'vox'; this song has: Lead, Kick, Snare, Bass 3 dB, Gtr"):
        advisor.advise(song(), anchor="vox")
    with pytest.raises(UserError, match="no stem 'Lead'; this song has: vocals, drums, bass, other"):
        advisor.advise(mix_alone(song()), anchor="Lead")


def test_many_at_once_are_advised_as_one_by_one() -> None:
    advisor, one = SingleMix(tiny_single_mix()), song()
    requests: list[tuple[Multitrack, Reference | None, str | None]] = [
        (one, None, None),
        (one, None, "Lead"),
        (mix_alone(one), None, "drums"),
        (with_gains(one, [4.0, 1.0, 1.0, 1.0, 1.0]), None, None),
    ]
    assert advisor.advise_many(requests) == [advisor.advise(*request) for request in requests]
    assert advisor.advise_many([]) == []


@pytest.mark.parametrize("seconds", [1 / RATE_HZ, 0.05, 0.5, 14.0])
def test_songs_of_any_length(seconds: float) -> None:
    one = song(seconds)
    assert_in_form(SingleMix(tiny_single_mix()).advise(one), one.names)
    silent = with_gains(one, [0.0] * 5)
    assert_in_form(SingleMix(tiny_single_mix()).advise(silent), one.names)


def test_it_opens_with_the_weights_beside_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "weights_folder", lambda: tmp_path)
    with pytest.raises(UserError, match="no 'config.json' in.*single-mix"):
        open_advisor("single-mix")
    save_model(tiny_single_mix(), tmp_path / weights.SINGLE_MIX)
    opened = open_advisor("single-mix")
    assert opened.name == "single-mix"
    assert_in_form(opened.advise(song()), song().names)
