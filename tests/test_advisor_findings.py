"""What is said besides moves: where was listened, what cannot be said and why, and whether the ear agrees."""

from dataclasses import replace

import numpy as np
import pytest

from mixingbuddy.models.differential import advisor_findings as found
from mixingbuddy.models.differential.group_advice import GroupAnswer
from mixingbuddy.models.differential.hearing import HeardSound
from mixingbuddy.models.differential.own_balance import OwnBalance, own_balance
from mixingbuddy.models.differential.posterior import Belief
from mixingbuddy.tools.multitrack import Multitrack, Reference, Stem

RATE_HZ = 44_100
NOISE = (0.1 * np.random.default_rng(0).standard_normal((2, RATE_HZ))).astype(np.float32)
SONG = Multitrack(
    "song",
    RATE_HZ,
    (
        Stem("voice", "vocals", NOISE),
        Stem("kick", "kick", NOISE),
        Stem("snare", "snare", NOISE),
        Stem("bass", "bass", NOISE * np.float32(1e-3)),
        Stem("pad", "keys", NOISE * np.float32(0)),
    ),
)
REFERENCE = Reference("mix", "hit", (Stem("mix", "other", NOISE),), same_song=False)


def heard(*windows: tuple[float, float]) -> HeardSound:
    return HeardSound(Belief(np.zeros(4), np.eye(4)), np.ones(4), np.zeros((4, 8), np.float32), windows)


def own(song: Multitrack = SONG) -> OwnBalance:
    return own_balance(song, [0, 1, 1, 2, 3][: len(song.stems)])


def test_evidence_names_the_seconds_that_were_listened_to() -> None:
    assert found.evidence(None, own(), None) == (
        "No reference: the groups' levels in 0 to 1 s were compared with professional mixes."
    )
    compared = found.evidence(REFERENCE, own(), heard((0.0, 7.0), (20.5, 27.5)))
    assert "the 2 busiest windows of 7 s (from 0, 20 s) of 'hit'" in compared
    assert "0 to 1 s of this song" in compared
    assert found.mix_evidence(heard((3.0, 10.0))).startswith("One mix without stems: the levels heard in 3 to 10 s")


def test_silent_stems_and_stems_that_hardly_sound_are_not_judged_and_each_is_named() -> None:
    """A bass 60 dB under the rest hardly sounds; a pad without samples is silent."""
    said = {finding.stems: finding.text for finding in found.unjudged(SONG, own())}
    assert said == {
        ("pad",): "Nothing can be said about pad: it is silent.",
        ("bass",): "Nothing can be said about bass: it hardly sounds where the rest plays.",
    }


def test_all_stems_of_a_group_that_the_reference_lacks_are_named() -> None:
    (finding,) = found.not_in_reference([1], own(), SONG)
    assert (finding.kind, finding.stems) == ("cannot_say", ("kick", "snare"))
    assert "no drums were heard in the reference" in finding.text


def test_no_advice_names_every_stem_and_the_reason() -> None:
    alone = replace(SONG, stems=SONG.stems[1:3])
    advice = found.cannot_say("differential", alone, [1], None, [])
    assert advice.stems == ()
    assert advice.text is None
    assert advice.evidence == (
        "No balance advice: drums is the only group that this song has, and a balance needs two."
    )
    assert [finding.stems for finding in advice.findings] == [("kick", "snare")]
    with_reference = found.cannot_say("differential", alone, [1], REFERENCE, [])
    assert "this song and 'hit' have in common" in with_reference.evidence


def test_what_was_named_before_is_not_named_again() -> None:
    before = found.not_in_reference([0], own(), SONG)
    advice = found.cannot_say("differential", SONG, [1], REFERENCE, before)
    named = [stem for finding in advice.findings for stem in finding.stems]
    assert sorted(named) == sorted(SONG.names)


@pytest.mark.parametrize(("samples", "why"), [(0.39, "400 ms"), (0.41, "no group sounds loud enough")])
def test_a_song_shorter_than_one_block_of_the_loudness_meter_is_too_short(samples: float, why: str) -> None:
    """BS.1770-4 measures loudness in blocks of 400 ms."""
    short = tuple(replace(stem, audio=stem.audio[:, : round(samples * RATE_HZ)]) for stem in SONG.stems)
    assert why in found.cannot_say("differential", replace(SONG, stems=short), [], None, []).evidence


def test_a_stem_whose_name_does_not_tell_is_said_to_sound_like_something() -> None:
    finding = found.heard_role("Audio 3", "other")
    assert (finding.kind, finding.stems) == ("heard_role", ("Audio 3",))
    assert "sounds like instruments" in finding.text


@pytest.mark.parametrize(("gain_db", "severity"), [(0.0, "info"), (-3.5, "minor"), (7.0, "major")])
def test_a_groups_finding_holds_its_level_and_where_it_is_expected(gain_db: float, severity: str) -> None:
    one = GroupAnswer(0, ("voice",), gain_db, gain_db, (gain_db - 1, gain_db + 1), 0.9, -4.0, -4.0 + gain_db)
    for reference, against in ((None, "professional mixes"), (REFERENCE, "'hit' as it was heard")):
        (finding,) = found.group_findings([one], reference, Belief(np.zeros(1), np.array([[4.0]])))
        assert (finding.kind, finding.value, finding.unit, finding.severity) == ("group_balance", -4.0, "LU", severity)
        assert finding.expected == (pytest.approx(-4 + gain_db - 2.56), pytest.approx(-4 + gain_db + 2.56))
        assert against in finding.text


def test_the_ear_agrees_where_it_is_as_far_off_as_it_may_be() -> None:
    """Whitened, three contrasts each off by n deviations are n deviations off in the root mean square."""
    measured = np.array([-3.0, -8.0, -10.0, -6.0])
    belief = Belief(measured + 40.0, 4.0 * np.eye(4))
    (agreed,) = found.cross_check([0, 1, 2, 3], measured, belief)
    assert (agreed.kind, agreed.value, agreed.severity) == ("cross_check", 0.0, "info")
    off = Belief(measured + np.array([0.0, 0.0, 0.0, 20.0]), 4.0 * np.eye(4))
    (disagreed,) = found.cross_check([0, 1, 2, 3], measured, off)
    assert disagreed.kind == "disagreement"
    assert disagreed.value == pytest.approx(20.0)
    assert "instruments 20.0 dB off" in disagreed.text
    assert "the measurement is taken" in disagreed.text
    unsure = Belief(off.mean_db, 400.0 * np.eye(4))
    assert found.cross_check([0, 1, 2, 3], measured, unsure)[0].kind == "cross_check"


def test_two_groups_are_enough_to_cross_check() -> None:
    (finding,) = found.cross_check([0, 2], np.array([0.0, 0.0]), Belief(np.array([10.0, -10.0]), np.eye(2)))
    assert finding.kind == "disagreement"
