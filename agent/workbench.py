"""One loaded song and what was measured on it: the part of a turn that never enters the graph's state."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Thread
from typing import NamedTuple

from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore

from mixingbuddy.agent.locks import forbidding, within_limit
from mixingbuddy.agent.memory import Memory
from mixingbuddy.agent.mix_alone import heard_inside
from mixingbuddy.agent.results import Held
from mixingbuddy.agent.settings import APPLY_LIMIT_DB, HelpLevel
from mixingbuddy.agent.state import Lock, ProposedMove
from mixingbuddy.agent.understanding.intents import find_stems
from mixingbuddy.models.advisor import Advisor, GainAdvice, StemAdvice
from mixingbuddy.tools.analysis import Analysis, analyse
from mixingbuddy.tools.audio import Audio
from mixingbuddy.tools.cache import Cache
from mixingbuddy.tools.cross_energies import CrossEnergies
from mixingbuddy.tools.errors import MixingBuddyError, UserError, printable
from mixingbuddy.tools.levels import MixLevels, levels_under
from mixingbuddy.tools.measured_song import MeasuredSong
from mixingbuddy.tools.measuring import measure_found, measure_reference
from mixingbuddy.tools.moves import GAIN_MAX_DB, GAIN_MIN_DB, GainMove, clamped_db
from mixingbuddy.tools.multitrack import Reference, Song, load_song
from mixingbuddy.tools.render import Render, check_stems, moved, render
from mixingbuddy.tools.spectral_comparison import spectral_distance_db
from mixingbuddy.tools.verify import (
    Claim,
    Verdict,
    group_claims,
    judge,
    level_claims,
    measure_groups,
    measure_render,
    mix_claims,
    promise,
)

Measurements = dict[tuple[str, str | None], float | None]
MAX_FAULTS = 5


@dataclass
class Workbench:
    """The song, the advisor, and measurements kept for the turns to come.

    `help_level` holds until the user says otherwise; `apply_limit_db` bounds what level 'apply' moves without asking;
    `references` are folders with mixes that the user may name; `paths_from_words` says that the user's own words may
    name a path, as at a terminal; `wishes` keeps what the user wants where a graph comes without a store.
    """

    song: Song
    advisor: Advisor
    anchor: str | None = None
    interactive: bool = False
    help_level: HelpLevel = "suggest"
    cache: Cache | None = None
    apply_limit_db: float = APPLY_LIMIT_DB
    listening_folder: Path | None = None
    references: tuple[Path, ...] = ()
    paths_from_words: bool = False
    wishes: BaseStore = field(default_factory=InMemoryStore)
    _warming: Thread | None = None
    _levels: dict[tuple[tuple[str, float], ...], MixLevels] = field(default_factory=dict)
    _advice: dict[tuple[tuple[str, float], ...], GainAdvice] = field(default_factory=dict)
    _tried: dict[tuple[tuple[str, float], ...], Render] = field(default_factory=dict)

    @cached_property
    def measured(self) -> MeasuredSong:
        """What was measured on the song as imported."""
        return measure_found(self.song.found, self.cache)

    @cached_property
    def measured_reference(self) -> MeasuredSong | None:
        """What was measured on the reference mix; None without one."""
        reference = self.song.found.reference
        return measure_reference(reference, self.cache) if reference is not None and reference.kind == "mix" else None

    @property
    def energies(self) -> CrossEnergies:
        return self.measured.energies

    @cached_property
    def analysis(self) -> Analysis:
        """What is worth saying about the song as imported, besides its levels."""
        reference = self.measured_reference.figures if self.measured_reference else None
        return analyse(self.measured, reference, self.song.found.unsure)

    def warm_up(self) -> None:
        """Measure and render in the background what the first turn will need, while the user thinks."""
        self._warming = Thread(target=self._warm, daemon=True)
        self._warming.start()

    def _warm(self) -> None:
        # What fails here fails again in the turn that needs it, where it can be told.
        with suppress(MixingBuddyError, MemoryError):
            self.try_moves({}, (), advised=True)
            self.analysis  # noqa: B018

    def settle(self) -> None:
        """Wait for the warming up; a workbench is not for several threads at once."""
        if self._warming is not None:
            self._warming.join()
            self._warming = None

    def memory(self, store: BaseStore | None) -> Memory:
        """What is kept in mind about this song; the locks of its `song.toml` among it.

        A graph that runs inside another one gets the other's store, or None.
        """
        roles = {stem.name: stem.role for stem in self.song.multitrack.stems}
        memory = Memory(self.wishes if store is None else store, self.song.path, self.song.multitrack.name, roles)
        memory.seed(song_locks(self.song))
        return memory

    def use_reference(self, path: Path) -> None:
        """Compare with this mix from now on. Raises UserError where it cannot be used."""
        self.song = load_song(self.song.path, path)
        self._advice.clear()
        for derived in ("measured_reference", "analysis"):
            self.__dict__.pop(derived, None)

    @property
    def fingerprint(self) -> str:
        """What the advice rests on besides the stems."""
        reference = self.reference
        heard = (reference.name, reference.kind, reference.stems[0].audio.shape[1]) if reference else None
        return repr((self.advisor.name, self.anchor, heard))

    @property
    def reference(self) -> Reference | None:
        return self.song.reference

    def levels(self, faders: Mapping[str, float]) -> MixLevels:
        """Levels of the song with the faders there."""
        key = _key(faders)
        if key not in self._levels:
            song, energies = self.song.multitrack, self.energies
            base = self.measured.figures.levels
            self._levels[key] = levels_under(base, song, energies, faders) if key else base
        return self._levels[key]

    def advice(self, faders: Mapping[str, float]) -> GainAdvice:
        """The advisor's answer for the song with the faders there. What it heard inside a mix becomes findings."""
        key = _key(faders)
        if key not in self._advice:
            self._advice[key] = self._ask(faders)
        return self._advice[key]

    def _ask(self, faders: Mapping[str, float], anchor: str | None = None) -> GainAdvice:
        standing = moved(self.song.multitrack, faders)
        advice = self.advisor.advise(standing, self.reference, anchor=anchor or self.anchor)
        return heard_inside(advice) if standing.mix_only else advice

    def render(self, faders: Mapping[str, float]) -> Render:
        """The mix with the faders there; the latest two are kept, the one before and the one after a move."""
        key = _key(faders)
        if key not in self._tried:
            latest = list(self._tried.items())[-1:]
            self._tried = {**dict(latest), key: render(self.song.multitrack, _moves(faders))}
        return self._tried[key]

    def try_moves(self, base: Mapping[str, float], moves: Sequence[GainMove], advised: bool) -> Verdict:
        """Render `moves` on top of `base`, measure the result, and hold every promise against it.

        Advised moves also promise that the spectrum comes no further from the reference; a user's own need not.
        Raises ModelMistake for unknown stems or faders out of bounds.
        """
        check_stems(self.song.multitrack, (move.stem for move in moves))
        after = total_faders(base, moves)
        rendered = self.render(after)
        changed = [stem for stem in self.song.multitrack.names if base.get(stem, 0.0) != after.get(stem, 0.0)]
        steady = self._steady(base, changed)
        groups = {aim.group: aim.stems for aim in self.advice(base).aims}
        spectral, distance = self._spectral_claim(base, rendered) if advised else ([], {})
        claims = [
            *level_claims(self.energies, base, after),
            *group_claims(self.energies, groups, base, after),
            *self._reference_claims(base, after, steady),
            *spectral,
            *mix_claims(self.energies, base, after, self.levels(base).true_peak_dbtp, rendered.headroom_gain_db),
        ]
        moved_groups = [claim.stem for claim in claims if claim.metric == "group_level_rel_known_lu" and claim.stem]
        measured = {
            **measure_render(self.energies, rendered),
            **measure_groups(self.song.multitrack, groups, after, moved_groups),
            **self._reference_measures(after, steady),
            **distance,
        }
        return judge(claims, measured, rendered.headroom_gain_db)

    def _reference_claims(
        self, base: Mapping[str, float], after: Mapping[str, float], steady: StemAdvice | None
    ) -> list[Claim]:
        """Promise how far every moved stem is from the reference, seen from a stem that stays where it is.

        Where groups were compared, only a group that moves as a whole can promise that.
        """
        if steady is None:
            return []
        claims = []
        advice = self.advice(base)
        for one in advice.stems:
            steps_db = {round(after.get(s, 0.0) - base.get(s, 0.0), 6) for s in advice.judged_with(one.stem)}
            step_db = steps_db.pop()
            if step_db != 0.0 and not steps_db:
                will_be = round(one.measured_db - step_db, 4)
                claims += promise("gain_to_reference_db", one.stem, one.measured_db, will_be)
        return claims

    def _steady(self, base: Mapping[str, float], changed: Collection[str]) -> StemAdvice | None:
        """A stem that does not move and whose place in the reference is known best; only balance can be compared."""
        advice = self.advice(base)
        if advice.fit is None:
            return None
        still = [a for a in advice.stems if not set(advice.judged_with(a.stem)) & set(changed)]
        return min(still, key=lambda a: (a.gain_db != 0.0, a.interval_db[1] - a.interval_db[0]), default=None)

    def _reference_measures(self, after: Mapping[str, float], steady: StemAdvice | None) -> Measurements:
        """Ask the reference again about the rendered balance."""
        if steady is None:
            return {}
        again = self._ask(after, anchor=steady.stem)
        return {("gain_to_reference_db", a.stem): a.measured_db + steady.measured_db for a in again.stems}

    def _spectral_claim(self, base: Mapping[str, float], after: Render) -> tuple[list[Claim], Measurements]:
        """Promise that the mix's spectrum does not move away from the reference's: a witness that shares no code
        with the advisor. The spectrum of another song is no aim."""
        if self.reference is None or self.reference.kind != "mix":
            return [], {}
        fit = self.advice(base).fit
        if not (fit.same_song if fit is not None else self.reference.same_song):
            return [], {}
        before = self.render(base)
        was = spectral_distance_db(before.audio, self._reference_mix, before.sample_rate_hz)
        now = spectral_distance_db(after.audio, self._reference_mix, after.sample_rate_hz)
        claims = promise("spectral_distance_to_reference_db", None, was, was)
        return claims, {("spectral_distance_to_reference_db", None): now} if claims else {}

    @property
    def _reference_mix(self) -> Audio:
        assert self.reference is not None
        return self.reference.stems[0].audio


def song_locks(song: Song) -> list[Lock]:
    """The locks in `song.toml`. Raises UserError for one that names no stem."""
    roles = {stem.name: stem.role for stem in song.multitrack.stems}
    locks = []
    for words in song.settings.locks:
        stems = find_stems(words, roles)
        if not stems:
            raise UserError(f"song.toml locks '{words}', but the stems are: {', '.join(roles)}")
        locks.append(Lock(stems=stems, words=printable(words, 60)))
    return locks


def total_faders(base: Mapping[str, float], moves: Sequence[GainMove]) -> dict[str, float]:
    """Where the faders stand after the moves. Raises ModelMistake where one leaves its range."""
    from mixingbuddy.tools.moves import faders_db

    standing = [GainMove(stem=stem, gain_db=gain_db) for stem, gain_db in base.items()]
    return faders_db([*standing, *moves])


class Decided(NamedTuple):
    """The moves worth proposing, those that the user's wishes keep back, and the stems cut to the user's limit."""

    moves: tuple[ProposedMove, ...]
    held: tuple[Held, ...]
    limited: tuple[str, ...]


def moves_from(advice: GainAdvice, locks: Sequence[Lock], base: Mapping[str, float]) -> Decided:
    """Decide which moves to propose, largest faults first.

    Stems that share gain and reason are one fault (a group); at most five faults are spoken of at once. A group that
    was judged as one moves as one: a stem in it that the user keeps back keeps all of it, and the tightest limit holds.
    """
    wanted = [a for a in advice.stems if a.gain_db != 0.0]
    held: list[Held] = []
    limited: list[str] = []
    faults: dict[tuple[float, str], list[ProposedMove]] = {}
    for a in wanted:
        together = advice.judged_with(a.stem) or (a.stem,)
        forbidden = [lock for stem in together if (lock := forbidding(locks, stem, a.gain_db, advised=True))]
        if forbidden:
            own = forbidding(locks, a.stem, a.gain_db, advised=True)
            if own is not None:
                held.append(_held(a, own))
            continue
        room_db = (GAIN_MIN_DB - base.get(a.stem, 0.0), GAIN_MAX_DB - base.get(a.stem, 0.0))
        full_db = min(max(clamped_db(a.gain_db), room_db[0]), room_db[1])
        cuts_db = [within_limit(locks, stem, full_db, base.get(stem, 0.0)) for stem in together]
        gain_db = min(cuts_db, key=abs)
        if gain_db != full_db:
            limited.append(a.stem)
        if abs(gain_db) >= 0.1:
            move = ProposedMove(
                stem=a.stem, gain_db=gain_db, interval_db=a.interval_db, confidence=a.p_change, reason=a.reason
            )
            faults.setdefault((a.gain_db, a.reason), []).append(move)
    largest = sorted(faults.values(), key=lambda fault: -abs(fault[0].gain_db))[:MAX_FAULTS]
    return Decided(tuple(move for fault in largest for move in fault), tuple(held), tuple(limited))


def _held(advice: StemAdvice, lock: Lock) -> Held:
    return Held(stem=advice.stem, gain_db=advice.gain_db, kind=lock.kind, words=lock.words, reason=lock.reason)


def moved_as(advice: GainAdvice, moves: Sequence[ProposedMove]) -> dict[str, str]:
    """Stem to its group, of groups that were judged as one and move as one."""
    gains = {move.stem: move.gain_db for move in moves}
    whole = [aim for aim in advice.aims if len({gains.get(stem) for stem in aim.stems}) == 1]
    return judged_as(advice.model_copy(update={"aims": tuple(aim for aim in whole if aim.stems[0] in gains)}))


def judged_as(advice: GainAdvice) -> dict[str, str]:
    """Stem to its group, of groups that were judged as one."""
    return {stem: aim.group for aim in advice.aims if len(aim.stems) > 1 for stem in aim.stems}


def _key(faders: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    return tuple(sorted((stem, gain) for stem, gain in faders.items() if gain != 0.0))


def _moves(faders: Mapping[str, float]) -> list[GainMove]:
    return [GainMove(stem=stem, gain_db=gain_db) for stem, gain_db in faders.items() if gain_db != 0.0]
