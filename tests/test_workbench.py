"""Proofs hold what is right and break what is wrong, also where the advisor itself is mistaken."""

from collections.abc import Callable, Collection
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from songs import make_stems, write_song

from mixingbuddy.agent.proving import MAX_ATTEMPTS, prove
from mixingbuddy.agent.results import Proposed
from mixingbuddy.agent.state import Lock, Proposal, ProposedMove
from mixingbuddy.agent.workbench import MAX_FAULTS, Workbench, moves_from
from mixingbuddy.models.advisor import GainAdvice, GroupAim, ReferenceFit, StemAdvice
from mixingbuddy.models.advisors import open_advisor
from mixingbuddy.tools.moves import GainMove
from mixingbuddy.tools.multitrack import Multitrack, Reference, load_song

OTHER_SONG = ReferenceFit(
    kind="mix", same_song=False, explained=None, delay_s=None, inverted=False, level_offset_db=0.0
)
FIT = ReferenceFit(kind="mix", same_song=True, explained=1.0, delay_s=0.0, inverted=False, level_offset_db=0.0)


class Says:
    """An advisor that says what it is told to, one answer after the other; the last one for ever."""

    name = "says"

    def __init__(self, *answers: dict[str, float]) -> None:
        self._answers = list(answers)

    def advise(
        self,
        multitrack: Multitrack,
        reference: Reference | None = None,
        anchor: str | None = None,
        locks: Collection[str] = (),
    ) -> GainAdvice:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        stems = tuple(
            StemAdvice(
                stem=name,
                gain_db=answer.get(name, 0.0),
                measured_db=answer.get(name, 0.0),
                interval_db=(answer.get(name, 0.0) - 0.1, answer.get(name, 0.0) + 0.1),
                p_change=0.9,
                reason="",
            )
            for name in multitrack.names
        )
        return GainAdvice(advisor=self.name, stems=stems, evidence="", fit=FIT)


class HearsGroups:
    """An advisor that hears another song in which vocals, rhythm (drums and bass) and guitar are equally loud."""

    name = "hears groups"
    groups = (("vocals", ("vocals",)), ("rhythm", ("drums", "bass")), ("guitar", ("guitar",)))

    def advise(
        self,
        multitrack: Multitrack,
        reference: Reference | None = None,
        anchor: str | None = None,
        locks: Collection[str] = (),
    ) -> GainAdvice:
        audio = {stem.name: stem.audio for stem in multitrack.stems}
        levels = [-10 * np.log10(np.square(sum(audio[stem] for stem in stems)).mean()) for _, stems in self.groups]
        anchored = next((i for i, (_, stems) in enumerate(self.groups) if anchor in stems), 0)
        stems = tuple(
            StemAdvice(
                stem=stem,
                gain_db=0.0,
                measured_db=float(levels[i] - levels[anchored]),
                interval_db=(-1.0 - i, 1.0),  # the vocals are known best, then the rhythm
                p_change=0.5,
                reason="",
            )
            for i, (_, members) in enumerate(self.groups)
            for stem in members
        )
        aims = tuple(GroupAim(group=group, stems=members, range_lu=(-9.0, 0.0)) for group, members in self.groups)
        return GainAdvice(advisor=self.name, stems=stems, evidence="", fit=OTHER_SONG, aims=aims)


def bench_of(folder: Path) -> Workbench:
    return Workbench(load_song(folder), open_advisor("differential"))


def up(stem: str, gain_db: float) -> GainMove:
    return GainMove(stem=stem, gain_db=gain_db)


def test_the_right_move_is_proved_in_every_way(quiet_vocals: Path) -> None:
    verdict = bench_of(quiet_vocals).try_moves({}, [up("vocals", 7)], advised=True)
    assert verdict.kept
    claims = {claim.metric: claim for claim in verdict.claims}
    assert set(claims) == {
        "level_rel_mix_lu",
        "gain_to_reference_db",
        "spectral_distance_to_reference_db",
        "loudness_lufs",
        "true_peak_dbtp",
    }
    assert claims["gain_to_reference_db"].before == pytest.approx(7.0, abs=0.1)
    assert claims["gain_to_reference_db"].after == pytest.approx(0.0, abs=0.1)
    spectral = claims["spectral_distance_to_reference_db"]
    assert spectral.after is not None
    assert spectral.after < 0.1 < spectral.before
    assert set(verdict.levels_lu) == {"vocals", "drums", "bass", "guitar"}


def test_a_mistaken_advisor_is_caught_by_the_spectrum(quiet_vocals: Path) -> None:
    song = load_song(quiet_vocals)
    # It is sure that the vocals must come down by 10 dB, and finds its own work perfect afterwards.
    bench = Workbench(song, Says({"vocals": -10.0}, {}))
    verdict = bench.try_moves({}, [up("vocals", -10)], advised=True)
    assert [claim.metric for claim in verdict.broken] == ["spectral_distance_to_reference_db"]
    # A user may go away from the reference; that is no promise.
    assert Workbench(song, Says({"vocals": -10.0}, {})).try_moves({}, [up("vocals", -10)], advised=False).kept


def test_what_the_reference_says_afterwards_is_what_counts(quiet_vocals: Path) -> None:
    bench = Workbench(load_song(quiet_vocals), Says({"vocals": 4.0}, {"vocals": 3.0}))
    verdict = bench.try_moves({}, [up("vocals", 4)], advised=True)
    broken = verdict.broken
    assert [(claim.metric, claim.stem, claim.predicted, claim.after) for claim in broken] == [
        ("gain_to_reference_db", "vocals", 0.0, 3.0)
    ]


@pytest.mark.parametrize(("first", "second"), list(permutations(["vocals", "drums", "bass", "guitar"], 2)))
def test_a_users_second_move_is_proved_on_top_of_the_first(song: Path, first: str, second: str) -> None:
    bench = bench_of(song)
    assert bench.try_moves({first: -3.0}, [up(second, 2)], advised=False).kept


def test_where_every_stem_moves_the_reference_promises_nothing(song: Path) -> None:
    bench = bench_of(song)
    verdict = bench.try_moves({}, [up(name, 2) for name in bench.song.multitrack.names], advised=False)
    assert verdict.kept
    assert "gain_to_reference_db" not in {claim.metric for claim in verdict.claims}


def claimed(bench: Workbench, metric: str, **gains_db: float) -> set[str | None]:
    """Stems or groups for which a move promises `metric`; every promise must hold."""
    verdict = bench.try_moves({}, [up(stem, gain_db) for stem, gain_db in gains_db.items()], advised=True)
    assert verdict.kept, verdict.broken
    return {claim.stem for claim in verdict.claims if claim.metric == metric}


def test_against_another_song_a_group_promises_its_distance_only_as_a_whole(song: Path) -> None:
    bench = Workbench(load_song(song), HearsGroups())
    assert claimed(bench, "gain_to_reference_db", drums=3, bass=3) == {"drums", "bass"}
    assert claimed(bench, "gain_to_reference_db", drums=3, guitar=-2) == {"guitar"}  # the bass stays
    assert claimed(bench, "gain_to_reference_db", drums=3, bass=1) == set()
    assert claimed(bench, "gain_to_reference_db", vocals=3, drums=1) == {"vocals"}  # seen from the guitar
    assert claimed(bench, "gain_to_reference_db", vocals=1, drums=1, guitar=1) == set()  # no group stays
    assert claimed(bench, "group_level_rel_known_lu", drums=3, guitar=-2) == {"rhythm", "guitar"}


def test_the_spectrum_of_another_song_is_no_aim(song: Path) -> None:
    heard = Workbench(load_song(song), HearsGroups())
    assert claimed(heard, "spectral_distance_to_reference_db", guitar=-2) == set()
    measured = Workbench(load_song(song), Says({"guitar": 2.0}, {}))
    verdict = measured.try_moves({}, [up("guitar", 2)], advised=True)
    assert "spectral_distance_to_reference_db" in {claim.metric for claim in verdict.claims}


@pytest.mark.parametrize("moved_db", [{"vocals": 5.0}, {"drums": -7.0}, {"bass": 3.0, "other": -4.0}])
def test_promises_against_another_song_hold_on_a_real_one(
    falcon: Callable[..., Path], other_mix: Path, moved_db: dict[str, float]
) -> None:
    bench = Workbench(load_song(falcon(), other_mix), open_advisor("differential"))
    fit = bench.advice({}).fit
    assert fit is not None
    assert not fit.same_song
    assert claimed(bench, "gain_to_reference_db", **moved_db) == set(moved_db)


def test_promises_against_another_song_hold_where_windows_are_chosen(shared_data: Path, other_mix: Path) -> None:
    """Three minutes: only the busiest seconds are looked at, and faders do not change which ones these are."""
    bench = Workbench(load_song(shared_data / "multitracks" / "trackswitch", other_mix), open_advisor("differential"))
    assert claimed(bench, "gain_to_reference_db", drums=-6) == {"drums"}
    assert claimed(bench, "gain_to_reference_db", synth=5, violins=5) == {"synth", "violins"}
    assert claimed(bench, "gain_to_reference_db", synth=5) == set()  # the violins are of the same group


def test_without_a_reference_groups_promise_their_levels(falcon: Callable[..., Path]) -> None:
    bench = Workbench(load_song(falcon(), "none"), open_advisor("differential"))
    assert claimed(bench, "group_level_rel_known_lu", vocals=3) == {"vocals"}
    assert claimed(bench, "gain_to_reference_db", vocals=3) == set()


def proposal(**gains_db: float) -> Proposal:
    moves = tuple(ProposedMove(stem=stem, gain_db=gain_db) for stem, gain_db in gains_db.items())
    return Proposal(base=1, moves=moves, origin="advisor", tool_call_id="c")


def test_broken_promises_go_back_until_the_last_try(quiet_vocals: Path) -> None:
    bench = Workbench(load_song(quiet_vocals), Says({"vocals": 4.0}, {"vocals": 3.0}))
    tried, answer = prove(bench, {}, proposal(vocals=4.0), Proposed(origin="advisor", moves=()))
    assert (answer.status, tried.attempts, tried.proved) == ("broken", 1, False)
    assert [claim.stem for claim in answer.broken] == ["vocals"]
    last = tried.model_copy(update={"attempts": MAX_ATTEMPTS - 1})
    tried, answer = prove(bench, {}, last, Proposed(origin="advisor", moves=last.moves))
    assert (answer.status, tried.withdrawn, tried.proved) == ("withdrawn", True, False)
    assert answer.moves == ()
    assert [move.stem for move in answer.withdrawn] == ["vocals"]


def test_what_holds_is_kept_by_itself(tmp_path: Path) -> None:
    stems = make_stems()
    faulty = stems | {"vocals": stems["vocals"] * np.float32(10 ** (-7 / 20))}
    folder = write_song(tmp_path / "song", faulty)
    write_song(folder / "reference", {"mix": np.sum(list(stems.values()), axis=0)})
    bench = Workbench(load_song(folder), Says({"vocals": 7.0, "bass": 1.0}, {"bass": 5.0}))
    last = proposal(vocals=7.0, bass=1.0).model_copy(update={"attempts": MAX_ATTEMPTS - 1})
    tried, answer = prove(bench, {}, last, Proposed(origin="advisor", moves=last.moves))
    assert answer.status == "partly"
    assert [move.stem for move in tried.moves] == ["vocals"]
    assert [move.stem for move in answer.withdrawn] == ["bass"]


def advice(**gains_db: float) -> GainAdvice:
    stems = tuple(
        StemAdvice(stem=s, gain_db=g, measured_db=g, interval_db=(g - 1, g + 1), p_change=0.9, reason=f"{s} is off")
        for s, g in gains_db.items()
    )
    return GainAdvice(advisor="says", stems=stems, evidence="")


def keeping(stem: str) -> Lock:
    return Lock(stems=(stem,), words=stem)


def test_the_largest_faults_come_first_and_at_most_five() -> None:
    moves, held, _ = moves_from(advice(a=1.0, b=-7.0, c=3.0, d=2.0, e=-4.0, f=1.5, g=0.0), (), {})
    assert [move.stem for move in moves] == ["b", "e", "c", "d", "f"]
    assert len(moves) == MAX_FAULTS
    assert held == ()


def test_a_lock_on_one_stem_keeps_its_whole_group() -> None:
    one = advice(kick=-4.0, snare=-4.0, vocals=3.0).model_copy(
        update={"aims": (GroupAim(group="drums", stems=("kick", "snare"), range_lu=(-9.0, 0.0)),)}
    )
    moves, held, _ = moves_from(one, [keeping("kick")], {})
    assert [move.stem for move in moves] == ["vocals"]
    assert [one.stem for one in held] == ["kick"]


def test_a_limit_on_one_stem_limits_its_whole_group() -> None:
    one = advice(kick=-4.0, snare=-4.0, vocals=3.0).model_copy(
        update={"aims": (GroupAim(group="drums", stems=("kick", "snare"), range_lu=(-9.0, 0.0)),)}
    )
    limit = Lock(kind="limit", stems=("snare",), words="snare", limit_db=1.5)
    decided = moves_from(one, [limit], {})
    assert [(move.stem, move.gain_db) for move in decided.moves] == [("vocals", 3.0), ("kick", -1.5), ("snare", -1.5)]
    assert decided.limited == ("kick", "snare")


def test_tastes_and_refusals_keep_advice_back_and_say_why() -> None:
    low = Lock(kind="taste", stems=("a",), words="voice", direction=-1)
    refused = Lock(kind="rejected", stems=("b",), words="bass", direction=-1, reason="i like it fat")
    moves, held, _ = moves_from(advice(a=6.0, b=-3.0, c=2.0), [low, refused], {})
    assert [move.stem for move in moves] == ["c"]
    assert [(one.stem, one.gain_db, one.kind, one.reason) for one in held] == [
        ("a", 6.0, "taste", ""),
        ("b", -3.0, "rejected", "i like it fat"),
    ]
    assert [move.stem for move in moves_from(advice(a=-6.0, b=3.0), [low, refused], {}).moves] == ["a", "b"]


def test_roles_inside_a_mix_are_told_but_never_moved(song: Path) -> None:
    heard = Workbench(load_song(song / "reference" / "mix.wav"), Roles()).advice({})
    assert heard.stems == ()
    assert moves_from(heard, (), {}) == ((), (), ())
    assert [finding.kind for finding in heard.findings] == ["mix_without_stems", "role_in_mix", "role_in_mix"]
    assert [finding.text for finding in heard.findings[1:]] == [
        "If you have the stems: bass up about 6.5 dB (80 % sure of 5.0 to 8.0 dB).",
        "If you have the stems: vocals down about 3.0 dB.",
    ]
    assert [finding.severity for finding in heard.findings[1:]] == ["major", "minor"]


class Roles:
    """An advisor that hears roles inside a mix."""

    name = "roles"

    def advise(
        self,
        multitrack: Multitrack,
        reference: Reference | None = None,
        anchor: str | None = None,
        locks: Collection[str] = (),
    ) -> GainAdvice:
        assert multitrack.mix_only
        told = {"vocals": (-3.0, (-7.0, 1.0)), "bass": (6.5, (5.0, 8.0)), "drums": (0.0, (-2.0, 2.0))}
        stems = tuple(
            StemAdvice(stem=role, gain_db=gain, measured_db=gain, interval_db=interval, p_change=0.9, reason="")
            for role, (gain, interval) in told.items()
        )
        return GainAdvice(advisor=self.name, stems=stems, evidence="", text="Take vocals down by 3.0 dB.")


def test_locked_stems_are_held_and_faders_keep_their_range() -> None:
    moves, held, _ = moves_from(advice(a=6.0, b=-3.0), [keeping("b")], {"a": 9.0})
    assert [(move.stem, move.gain_db) for move in moves] == [("a", 3.0)]
    assert [one.stem for one in held] == ["b"]
    assert moves_from(advice(a=6.0), (), {"a": 12.0}) == ((), (), ())
