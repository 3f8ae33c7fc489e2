"""The default advisor: planted faults are found with any kind of reference, and nothing a producer brings breaks it."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from songs import make_stems
from tiny_differential import mixed, previews, shipped_model, tiny_model

from mixingbuddy.models.advisor import GainAdvice
from mixingbuddy.models.data.chunks import chunks_of, mix_of
from mixingbuddy.models.data.labels import read_label_text
from mixingbuddy.models.data.triplets import TripletMaker, single_specs
from mixingbuddy.models.differential.advisor import Differential
from mixingbuddy.models.differential.own_balance import role_number
from mixingbuddy.models.differential.shape import ROLES
from mixingbuddy.models.differential.speaking import MOST_MOVES
from mixingbuddy.models.level_difference import LevelDifference
from mixingbuddy.tools.audio import Audio, Clip, resampled
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.moves import GAIN_MAX_DB, GAIN_MIN_DB
from mixingbuddy.tools.multitrack import Multitrack, Reference, Stem, with_gains
from mixingbuddy.tools.roles import Role, guess_role

RATE_HZ = 44_100
# Findings that name stems without advice.
UNTOLD = frozenset({"cannot_say", "absent_in_reference"})


@cache
def advisor() -> Differential:
    return Differential(shipped_model())


def made_song(seconds: float = 3.0, seed: int = 1, name: str = "made") -> Multitrack:
    """Vocals, drums, bass and guitar, from a seed."""
    samples = round(seconds * RATE_HZ)
    made = make_stems(max(seconds, 1.0), seed)
    roles: dict[str, Role] = {"vocals": "vocals", "drums": "drums", "bass": "bass", "guitar": "guitar"}
    return Multitrack(
        name, RATE_HZ, tuple(Stem(stem, roles[stem], audio[:, :samples].copy()) for stem, audio in made.items())
    )


def moved(song: Multitrack, **gains_db: float) -> Multitrack:
    return with_gains(song, [10 ** (gains_db.get(name, 0.0) / 20) for name in song.names])


def without(song: Multitrack, *names: str) -> Multitrack:
    return replace(song, stems=tuple(stem for stem in song.stems if stem.name not in names))


def muted(song: Multitrack, *names: str) -> Multitrack:
    return with_gains(song, [0.0 if name in names else 1.0 for name in song.names])


def mix_alone(song: Multitrack) -> Multitrack:
    return replace(song, stems=(Stem("mix", "other", mix_of(song.stems)),), mix_only=True)


def other_song(song: Multitrack, mute: str | None = None) -> Reference:
    return replace(mixed(song, mute), same_song=False)


def wanted(advice: GainAdvice) -> dict[str, float]:
    return {one.stem: one.gain_db for one in advice.stems if one.gain_db}


def finding_kinds(advice: GainAdvice) -> set[str]:
    return {finding.kind for finding in advice.findings}


def assert_sound(advice: GainAdvice, song: Multitrack) -> None:
    """What holds for any advice: figures that agree with each other, words that say them, and no stem left out."""
    named = [one.stem for one in advice.stems]
    assert len(named) == len(set(named))
    measured = advice.fit is not None and not advice.aims
    for one in advice.stems:
        assert GAIN_MIN_DB <= one.gain_db <= GAIN_MAX_DB
        assert one.gain_db == round(one.gain_db, 1)
        low, high = one.interval_db
        assert low <= high
        if not measured:  # a measured interval is that of the figure before it is set to the fader's steps
            assert low <= one.gain_db <= high
        assert math.isfinite(one.measured_db)
        assert one.reason
    stems: Sequence[str] = ROLES if song.mix_only else song.names
    assert set(named) <= set(stems)
    if not song.mix_only:
        untold = {stem for finding in advice.findings if finding.kind in UNTOLD for stem in finding.stems}
        assert set(named) | untold == set(stems)
        assert not set(named) & untold
    assert advice.evidence.endswith(".")
    assert all("nan" not in finding.text and finding.text.endswith(".") for finding in advice.findings)
    if not advice.stems:
        assert advice.text is None
        return
    assert advice.text is not None
    read = dict(read_label_text(advice.text, stems).moves)
    if len(set(wanted(advice).values())) <= MOST_MOVES:  # stems of a group share a sentence
        assert read == wanted(advice)
    else:
        assert read.items() <= wanted(advice).items()
        assert len(read) >= MOST_MOVES


# Faults that were planted


@pytest.mark.parametrize("gains_db", [{"vocals": -7.0}, {"bass": 9.0, "drums": -5.0}, {}])
@pytest.mark.parametrize("kind", ["mix", "stems"])
def test_a_reference_of_the_same_song_gives_the_measured_gains_exactly(kind: str, gains_db: dict[str, float]) -> None:
    song = made_song()
    reference = mixed(song) if kind == "mix" else Reference("stems", "reference", song.stems)
    flawed = moved(song, **gains_db)
    advice, measured = advisor().advise(flawed, reference), LevelDifference().advise(flawed, reference)
    assert advice.stems == measured.stems
    assert advice.fit == measured.fit
    assert wanted(advice) == {stem: pytest.approx(-gain, abs=0.1) for stem, gain in gains_db.items()}
    assert advice.advisor == "differential"
    assert_sound(advice, flawed)
    if kind == "mix":
        assert finding_kinds(advice) & {"cross_check", "disagreement"}


def test_stems_of_another_song_give_the_measured_gains_exactly(shared_data: Path) -> None:
    song, other = previews(shared_data)[:2]
    reference = Reference("stems", other.name, other.stems, same_song=False)
    advice = advisor().advise(song, reference)
    assert advice.stems == LevelDifference().advise(song, reference).stems
    assert "reference_of_another_song" in finding_kinds(advice)
    assert_sound(advice, song)


@pytest.mark.parametrize("category", ["very_loud", "very_quiet"])
def test_what_was_planted_on_a_song_is_found_against_the_mix_of_another(shared_data: Path, category: str) -> None:
    """Levels are brought to the other song's first, so that the planted gain is all that differs."""
    chunks = [chunk for song in previews(shared_data) for chunk in chunks_of(song)]
    specs = [s for s in single_specs(chunks, "stems+other-mix", 5) if s.category == category]
    maker, right, large = TripletMaker(chunks), 0, 0
    for spec in specs[::4]:
        triplet = maker.make(spec)
        ((target, flaw_db),) = triplet.flaws_db.items()
        if abs(flaw_db) < 8.0:
            continue
        advice = advisor().advise(triplet.flawed, triplet.reference, triplet.anchor)
        assert_sound(advice, triplet.flawed)
        moves = wanted(advice)
        large += 1
        right += bool(moves) and max(moves, key=lambda stem: abs(moves[stem])) == target and moves[target] * flaw_db < 0
    assert large >= 2
    assert right >= 0.6 * large, f"{right} of {large}"


def test_nine_db_more_of_the_singer_than_in_the_other_song(shared_data: Path) -> None:
    chunks = [chunk for song in previews(shared_data) for chunk in chunks_of(song)]
    found = 0
    for chunk in chunks:
        spec = next(s for s in single_specs([chunk], "stems+other-mix", 3) if s.category == "no_error")
        triplet = TripletMaker(chunks).make(replace(spec, anchor=None))
        advice = advisor().advise(moved(triplet.flawed, vocals=9), triplet.reference)
        one = advice.for_stem("vocals")
        found += one is not None and one.gain_db < -4
        assert_sound(advice, triplet.flawed)
    assert found >= len(chunks) - 1


def test_without_a_reference_professional_songs_get_few_moves_and_a_loud_singer_is_found(shared_data: Path) -> None:
    songs = previews(shared_data)
    clean = [advisor().advise(song) for song in songs]
    loud = [advisor().advise(moved(song, vocals=12)) for song in songs]
    assert sum(len(wanted(advice)) for advice in clean) <= len(songs)
    found = [advice.for_stem("vocals") for advice in loud]
    assert sum(one is not None and one.gain_db < -4 for one in found) >= len(songs) - 1
    for advice, song in zip((*clean, *loud), (*songs, *songs), strict=True):
        assert_sound(advice, song)


def test_in_a_mix_without_stems_a_loud_singer_is_found(shared_data: Path) -> None:
    songs = [mix_alone(moved(song, vocals=12)) for song in previews(shared_data)]
    advice = [advisor().advise(song) for song in songs]
    found = [one.for_stem("vocals") for one in advice]
    assert sum(one is not None and one.gain_db < 0 for one in found) >= len(songs) - 1
    for one, song in zip(advice, songs, strict=True):
        assert_sound(one, song)


def test_a_mix_of_another_song_is_recognised_as_such(shared_data: Path) -> None:
    song, other = previews(shared_data)[:2]
    unsaid, said = advisor().advise(song, mixed(other)), advisor().advise(song, other_song(other))
    assert unsaid == said
    assert unsaid.fit is not None
    assert not unsaid.fit.same_song
    assert "reference_of_another_song" in finding_kinds(unsaid)


@pytest.mark.parametrize("seed", range(3))
def test_the_overall_level_of_song_and_reference_says_nothing(shared_data: Path, seed: int) -> None:
    song, other = previews(shared_data)[seed : seed + 2]
    flawed = moved(song, vocals=10)
    quiet = with_gains(flawed, [0.125] * 4)
    reference = other_song(other)
    loud = replace(reference, stems=(replace(reference.stems[0], audio=reference.stems[0].audio * np.float32(4)),))
    one, two = advisor().advise(flawed, reference), advisor().advise(quiet, loud)
    for mine, theirs in zip(one.stems, two.stems, strict=True):
        assert mine.gain_db == pytest.approx(theirs.gain_db, abs=0.2)


# What must stay


@pytest.mark.parametrize("kept", ["vocals", "drums", "bass", "other"])
def test_neither_anchor_nor_locks_move(shared_data: Path, kept: str) -> None:
    song = moved(previews(shared_data)[0], **{kept: 12.0})
    for reference in (None, other_song(previews(shared_data)[1])):
        assert kept not in wanted(advisor().advise(song, reference, anchor=kept))
        assert kept not in wanted(advisor().advise(song, reference, locks=(kept,)))
        assert kept not in wanted(advisor().advise(song, reference, locks=("unheard of", kept, "vocals")))
    heard = mix_alone(song)
    assert kept not in wanted(advisor().advise(heard, anchor=kept))
    assert kept not in wanted(advisor().advise(heard, locks=(kept,)))


def test_where_everything_is_locked_nothing_moves() -> None:
    song = moved(made_song(), vocals=12)
    for reference in (None, other_song(made_song(seed=2))):
        advice = advisor().advise(song, reference, locks=song.names)
        assert wanted(advice) == {}
        assert_sound(advice, song)


def test_a_group_with_a_locked_stem_stays_as_one() -> None:
    song = drum_kit(12.0)
    assert {"kick", "snare"} <= wanted(advisor().advise(song)).keys()
    locked = advisor().advise(song, locks=("snare",))
    assert not {"kick", "snare"} & wanted(locked).keys()
    assert_sound(locked, song)


def drum_kit(gain_db: float) -> Multitrack:
    """The drums in two stems, both moved."""
    song = made_song()
    drums = song.stems[1].audio * np.float32(10 ** (gain_db / 20))
    kit = (Stem("kick", "kick", drums), Stem("snare", "snare", np.float32(0.5) * drums[:, ::-1]))
    return replace(song, stems=(song.stems[0], *kit, *song.stems[2:]))


def test_stems_of_a_group_move_together_and_are_named_together() -> None:
    song = drum_kit(12.0)
    advice = advisor().advise(song)
    kick, snare = advice.for_stem("kick"), advice.for_stem("snare")
    assert kick is not None
    assert snare is not None
    assert kick.gain_db == snare.gain_db < -3
    assert advice.judged_with("kick") == ("kick", "snare")
    assert_sound(advice, song)


@pytest.mark.parametrize("reference", ["none", "same mix", "other mix"])
def test_an_unknown_anchor_is_a_users_mistake(reference: str) -> None:
    song = made_song()
    given = {"none": None, "same mix": mixed(song), "other mix": other_song(made_song(seed=2))}[reference]
    with pytest.raises(UserError, match="no stem 'vox'; this song has: vocals, drums, bass, guitar"):
        advisor().advise(song, given, anchor="vox")
    with pytest.raises(UserError, match="'vox' cannot be the anchor.*vocals, drums, bass, other"):
        advisor().advise(mix_alone(song), None, anchor="vox")


def test_an_anchor_may_be_written_in_any_case() -> None:
    song = moved(made_song(), vocals=12)
    assert advisor().advise(song, anchor="VOCALS") == advisor().advise(song, anchor="vocals")
    assert advisor().advise(mix_alone(song), anchor="Vocals") == advisor().advise(mix_alone(song), anchor="vocals")


# What a producer may bring


def sixty_four() -> Multitrack:
    """Sixteen takes of every part, under names of a session."""
    song = made_song(1.0)
    names = {"vocals": "Lead Vox", "drums": "Kick", "bass": "Bass DI", "guitar": "Gtr"}
    stems = [
        Stem(f"{names[stem.name]} {take:02d}", stem.role, stem.audio * np.float32(1 / 16))
        for take in range(16)
        for stem in song.stems
    ]
    return replace(song, stems=tuple(stems))


def unnamed(song: Multitrack, *names: str) -> Multitrack:
    """Some stems under names that do not tell what they are."""
    stems = (replace(s, name=f"Audio {i}", role="other", sure=False) if s.name in names else s
             for i, s in enumerate(song.stems))  # fmt: skip
    return replace(song, stems=tuple(stems))


def at_48_khz(song: Multitrack) -> Multitrack:
    stems = tuple(replace(s, audio=resampled(Clip(s.audio, song.sample_rate_hz), 48_000).audio) for s in song.stems)
    return replace(song, sample_rate_hz=48_000, stems=stems)


def mono(song: Multitrack) -> Multitrack:
    return replace(song, stems=tuple(replace(stem, audio=stem.audio[:1].copy()) for stem in song.stems))


def nasty_names() -> Multitrack:
    names = ("Down Bass 3 dB", "quiet", "a.b+c", "Gtr L")
    song = moved(made_song(), vocals=10, bass=-10)
    return replace(song, stems=tuple(replace(s, name=n) for s, n in zip(song.stems, names, strict=True)))


def half_silent() -> Multitrack:
    """Twenty seconds, of which the first fourteen are silent."""
    song, silence = made_song(6.0), ((0, 0), (14 * RATE_HZ, 0))
    return replace(song, stems=tuple(replace(stem, audio=np.pad(stem.audio, silence)) for stem in song.stems))


SONGS: dict[str, Callable[[], Multitrack]] = {
    "64 stems": sixty_four,
    "one stem": lambda: without(made_song(), "vocals", "bass", "guitar"),
    "two stems": lambda: without(made_song(), "vocals", "guitar"),
    "no drums": lambda: without(made_song(), "drums"),
    "no bass": lambda: without(made_song(), "bass"),
    "no vocals": lambda: without(made_song(), "vocals"),
    "no other": lambda: without(made_song(), "guitar"),
    "only others": lambda: without(made_song(), "vocals", "drums", "bass"),
    "one unknown": lambda: unnamed(made_song(), "bass"),
    "all unknown": lambda: unnamed(made_song(), "vocals", "drums", "bass", "guitar"),
    "a silent stem": lambda: muted(made_song(), "bass"),
    "a silent unknown stem": lambda: muted(unnamed(made_song(), "bass"), "Audio 2"),
    "a silent group of two": lambda: muted(drum_kit(0.0), "kick", "snare"),
    "all silent but one": lambda: muted(made_song(), "vocals", "drums", "bass"),
    "hardly there": lambda: moved(made_song(), bass=-60),
    "0.5 s": lambda: made_song(0.5),
    "0.05 s": lambda: made_song(0.05),
    "one sample": lambda: made_song(1 / RATE_HZ),
    "mono": lambda: mono(made_song()),
    "48 kHz": lambda: at_48_khz(made_song()),
    "8 bit quiet": lambda: with_gains(made_song(), [0.001] * 4),
    "far over full scale": lambda: with_gains(made_song(), [1000.0] * 4),
    "nasty names": nasty_names,
    "a name that is not text": lambda: replace(made_song(), name="\udcff song"),
    "silent at first": half_silent,
}


@cache
def another() -> Multitrack:
    return made_song(6.0, seed=2, name="other")


def references(song: Multitrack) -> list[Reference | None]:
    """None, and mixes of another song that a producer may have, some of them odd."""
    late = np.pad(mix_of(another().stems), ((0, 0), (9 * song.sample_rate_hz, 0)))
    sounds = {
        "late": late,
        "silent": np.zeros_like(late),
        "short and mono": late[:1, -9000:],
        "a moment": late[:, -100:],
    }
    odd = [Reference("mix", name, (Stem("mix", "other", audio),), False) for name, audio in sounds.items()]
    return [None, other_song(another()), other_song(another(), "vocals"), *odd]


@pytest.mark.parametrize("name", SONGS)
def test_whatever_comes_gets_sound_advice(name: str) -> None:
    song = SONGS[name]()
    for reference in references(song):
        assert_sound(advisor().advise(song, reference), song)
    assert_sound(advisor().advise(mix_alone(song)), mix_alone(song))


@pytest.mark.parametrize("name", SONGS)
@pytest.mark.parametrize("kind", ["own mix", "own stems", "other stems"])
def test_what_can_be_measured_gets_sound_advice_or_one_clear_line(name: str, kind: str) -> None:
    song = SONGS[name]()
    own, other = Reference("stems", "own", song.stems), Reference("stems", "other", another().stems, same_song=False)
    reference = {"own mix": mixed(song), "own stems": own, "other stems": other}[kind]
    try:
        assert_sound(advisor().advise(song, reference), song)
    except UserError as error:
        (line,) = str(error).splitlines()
        with pytest.raises(UserError, match=re.escape(line)):
            LevelDifference().advise(song, reference)


@pytest.mark.parametrize("name", ["one stem", "only others", "all silent but one", "0.05 s", "one sample"])
def test_what_cannot_be_judged_is_said_with_its_reason(name: str) -> None:
    song = SONGS[name]()
    advice = advisor().advise(song)
    assert (advice.stems, advice.text) == ((), None)
    said = [finding for finding in advice.findings if finding.kind == "cannot_say"]
    assert {stem for finding in said for stem in finding.stems} == set(song.names)
    assert "a balance needs two" in advice.evidence or "400 ms" in advice.evidence


@pytest.mark.parametrize("audio", [np.zeros((2, 30_000), np.float32), np.full((2, 9_000), 0.1, np.float32)])
def test_nothing_is_concluded_from_a_reference_that_is_silent_or_a_moment_long(audio: Audio) -> None:
    song = made_song()
    advice = advisor().advise(song, Reference("mix", "nothing", (Stem("mix", "other", audio),), same_song=False))
    assert (advice.stems, advice.text) == ((), None)
    assert advice.evidence == "No balance advice: nothing that this song has was heard in 'nothing'."
    assert_sound(advice, song)


def test_a_song_without_some_groups_is_judged_by_the_others(shared_data: Path) -> None:
    """A missing group changes how loud the mix is, but not what is usual between those that are there."""
    song = previews(shared_data)[0]
    for missing in song.names:
        advice = advisor().advise(without(song, missing))
        assert {one.stem for one in advice.stems} == set(song.names) - {missing}
        assert len(wanted(advice)) <= 1
        if missing != "vocals":
            loud = advisor().advise(moved(without(song, missing), vocals=12))
            one = loud.for_stem("vocals")
            assert one is not None
            assert one.measured_db < -4


def test_what_a_stem_without_a_telling_name_is_gets_heard(shared_data: Path) -> None:
    """MUSDB18's stems under numbers are heard as what they are, and judged as if they had their names."""
    song = previews(shared_data)[0]
    numbered = replace(song, stems=tuple(replace(s, name=f"Audio {i}", role="other", sure=False)
                                         for i, s in enumerate(song.stems)))  # fmt: skip
    advice = advisor().advise(numbered)
    heard = {finding.stems[0]: finding for finding in advice.findings if finding.kind == "heard_role"}
    assert set(heard) == set(numbered.names)
    roles = [ROLES[role] for role in advisor()._roles(numbered)[0]]
    assert sum(role == stem.name for role, stem in zip(roles, song.stems, strict=True)) >= 3
    assert_sound(advice, numbered)


def test_a_part_that_the_reference_does_not_have_is_left_alone_or_heard_low(shared_data: Path) -> None:
    song, other = previews(shared_data)[:2]
    heard = advisor()._hear_mix(other_song(other), other.sample_rate_hz)
    lacking = advisor()._hear_mix(other_song(other, "vocals"), other.sample_rate_hz)
    assert lacking.present[0] < heard.present[0]
    assert lacking.belief.mean_db[0] - lacking.belief.mean_db[1:].mean() < (
        heard.belief.mean_db[0] - heard.belief.mean_db[1:].mean() - 3.0
    )
    advice = advisor().advise(song, other_song(other, "vocals"))
    if lacking.present[0] < 0.5:
        assert advice.for_stem("vocals") is None
        assert any(f.kind == "cannot_say" and "vocals" in f.stems for f in advice.findings)


def test_sample_rate_and_channels_change_little(shared_data: Path) -> None:
    song = moved(previews(shared_data)[0], vocals=12)
    one = advisor().advise(song)
    for changed in (at_48_khz(song), replace(song, name=song.name)):
        two = advisor().advise(changed)
        assert wanted(two).keys() == wanted(one).keys()
        for mine, theirs in zip(one.stems, two.stems, strict=True):
            assert mine.measured_db == pytest.approx(theirs.measured_db, abs=0.3)


# Many at once


def test_many_songs_at_once_are_advised_as_one_by_one(shared_data: Path) -> None:
    songs = previews(shared_data)[:3]
    requests: list[tuple[Multitrack, Reference | None, str | None]] = [
        (moved(songs[0], vocals=9), None, None),
        (moved(songs[0], vocals=9), other_song(songs[1]), "drums"),
        (moved(songs[1], bass=-9), other_song(songs[2]), None),
        (moved(songs[1], bass=-9), mixed(songs[1]), None),
        (songs[2], Reference("stems", "own", songs[2].stems), None),
        (mix_alone(songs[2]), None, "vocals"),
        (made_song(0.05), None, None),
    ]
    together = Differential(shipped_model()).advise_many(requests)
    for request, many in zip(requests, together, strict=True):
        one = Differential(shipped_model()).advise(*request)
        assert [s.stem for s in many.stems] == [s.stem for s in one.stems]
        for mine, theirs in zip(one.stems, many.stems, strict=True):
            assert mine.gain_db == pytest.approx(theirs.gain_db, abs=0.11)
        if wanted(one) == wanted(many):
            assert many.text == one.text
    assert Differential(shipped_model()).advise_many([]) == []


def test_the_same_question_gets_the_same_answer() -> None:
    song, reference = moved(made_song(), vocals=8), other_song(made_song(seed=2))
    assert advisor().advise(song, reference) == Differential(shipped_model()).advise(song, reference)


def test_a_model_that_learnt_nothing_still_gives_advice_in_form() -> None:
    song = moved(made_song(), vocals=12)
    untaught = Differential(tiny_model())
    for reference in (None, mixed(song), other_song(made_song(seed=2))):
        assert_sound(untaught.advise(song, reference), song)
    assert_sound(untaught.advise(mix_alone(song)), mix_alone(song))


def test_names_of_the_test_songs_tell_their_roles() -> None:
    for stem in sixty_four().stems:
        assert role_number(guess_role(stem.name).role) == role_number(stem.role)
