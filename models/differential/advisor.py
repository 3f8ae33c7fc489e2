"""The default advisor: compares balances with any kind of reference, and words its advice.

| reference | what it does |
|---|---|
| mix or stems of the same song, stems of another | takes the measured solution (`level-difference`), in its own words |
| stereo mix of another song | hears how loud each role is in it, and weighs that with professional balances |
| none | compares with professional mixes, and speaks only of what they hardly ever do |
| (a mix without stems) | hears the roles inside it, and compares with professional mixes |
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mixingbuddy.models.advisor import GainAdvice, ReferenceFit, StemAdvice
from mixingbuddy.models.data.label_templates import Evidence
from mixingbuddy.models.differential import advisor_findings as found
from mixingbuddy.models.differential.group_advice import (
    Comparison,
    group_aims,
    group_answers,
    spoken_moves,
    stem_advice,
)
from mixingbuddy.models.differential.hearing import HeardSound, Listener
from mixingbuddy.models.differential.own_balance import OwnBalance, levels_in, own_balance, role_number
from mixingbuddy.models.differential.posterior import Belief
from mixingbuddy.models.differential.shape import ROLES
from mixingbuddy.models.differential.sound_windows import contested_windows
from mixingbuddy.models.differential.speaking import Sets, Speech, SpokenMove, speak
from mixingbuddy.models.level_difference import AnotherSong, LevelDifference
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.findings import Finding
from mixingbuddy.tools.multitrack import Multitrack, Reference, Stem

if TYPE_CHECKING:
    from mixingbuddy.models.differential.compact import HearsAndWrites

NAME = "differential"
# "Instruments" is everything else together; all of it at once is seldom what is wrong.
INSTRUMENTS_CHANCE = 0.15
Request = tuple[Multitrack, Reference | None, str | None]
WHERE = {
    "other_mix": "against the reference mix",
    "none": "among professional mixes",
    "mix_only": "among professional mixes, as heard",
}


@dataclass(frozen=True)
class _Draft:
    """Advice without its words, and what is to be said."""

    advice: GainAdvice
    speech: Speech | None


class Differential:
    """Advisor that hears. `model` is loaded from the package's weights where none is given."""

    name = NAME

    def __init__(self, model: "HearsAndWrites | None" = None) -> None:
        if model is None:
            from mixingbuddy.models.differential.weights import load_model

            model = load_model()
        self._model = model
        self._listener = Listener(model)

    def advise(
        self,
        multitrack: Multitrack,
        reference: Reference | None = None,
        anchor: str | None = None,
        locks: Collection[str] = (),
    ) -> GainAdvice:
        """Gains per stem (dB) with intervals, and the same in words. See the table above for what each rests on.

        Stems that cannot be judged get a finding `cannot_say`. A group that holds the anchor or a locked stem stays.
        For a mix without stems the "stems" of the answer are roles heard inside it. Raises UserError for an unknown
        anchor.
        """
        return self._worded([self._draft(multitrack, reference, anchor, locks)])[0]

    def advise_many(self, requests: Sequence[Request]) -> list[GainAdvice]:
        """The same for many songs at once, which is faster: sounds are heard and sentences written in batches."""
        self._listen_ahead(requests)
        return self._worded([self._draft(*request, ()) for request in requests])

    def _draft(
        self, multitrack: Multitrack, reference: Reference | None, anchor: str | None, locks: Collection[str]
    ) -> _Draft:
        if multitrack.mix_only:
            return self._from_mix_alone(multitrack, anchor, locks)
        if anchor is not None and multitrack.stem(anchor) is None:
            raise UserError(f"no stem '{anchor}'; this song has: {', '.join(multitrack.names)}")
        if reference is not None and not (reference.kind == "mix" and reference.same_song is False):
            try:
                return self._measured(multitrack, reference, anchor)
            except AnotherSong:
                pass
        return self._compared(multitrack, reference, anchor, locks)

    def _measured(self, multitrack: Multitrack, reference: Reference, anchor: str | None) -> _Draft:
        """Where a plain measurement finds the gains, nothing that was learnt may change them."""
        advice = LevelDifference().advise(multitrack, reference, anchor)
        same = advice.fit is not None and advice.fit.same_song
        evidence: Evidence = "same_mix" if reference.kind == "mix" else "same_stems" if same else "other_stems"
        moves = _measured_moves(multitrack, advice)
        checks = self._cross_check(multitrack, reference, advice) if evidence == "same_mix" else ()
        advice = advice.model_copy(update={"advisor": NAME, "findings": (*advice.findings, *checks)})
        return _Draft(advice, self._speech(evidence, moves, multitrack))

    def _cross_check(self, multitrack: Multitrack, reference: Reference, advice: GainAdvice) -> tuple[Finding, ...]:
        """Whether the ear agrees with what was measured; where it does not, the measured gain stands."""
        roles, _ = self._roles(multitrack)
        heard = self._hear_mix(reference, multitrack.sample_rate_hz)
        delay_s = (advice.fit.delay_s if advice.fit else None) or 0.0
        windows = [(max(0.0, start - delay_s), max(0.0, end - delay_s)) for start, end in heard.windows]
        levels = levels_in(multitrack, roles, windows)
        groups = [group for group in heard.roles() if np.isfinite(levels[group])]
        gains = {a.stem: a.measured_db for a in advice.stems}
        measured = []
        for group in groups:
            names = [name for name, role in zip(multitrack.names, roles, strict=True) if role == group]
            known = [gains[name] for name in names if name in gains]
            measured.append(levels[group] + (float(np.mean(known)) if known else np.nan))
        told = [place for place, level in enumerate(measured) if np.isfinite(level)]
        if len(told) < 2:
            return ()
        groups = [groups[place] for place in told]
        return found.cross_check(groups, np.array(measured)[told], heard.belief.of(groups))

    def _compared(
        self, multitrack: Multitrack, reference: Reference | None, anchor: str | None, locks: Collection[str]
    ) -> _Draft:
        roles, guesses = self._roles(multitrack)
        own = own_balance(multitrack, roles)
        groups, findings = own.groups(), list(guesses)
        aim, heard = self._prior(), None
        if reference is not None:
            heard = self._hear_mix(reference, multitrack.sample_rate_hz)
            there = heard.roles() if _can_be_heard(reference.stems[0], multitrack.sample_rate_hz) else []
            findings.append(found.another_song(reference))
            findings += found.not_in_reference([g for g in groups if g not in there], own, multitrack)
            groups = [group for group in groups if group in there]
        if len(groups) < 2:
            return _Draft(found.cannot_say(NAME, multitrack, groups, reference, findings), None)
        aim = aim.of(groups) if heard is None else heard.belief.of(groups).combined(aim.of(groups))
        fixed = {role_number_of(multitrack, roles, name) for name in {*locks, *([anchor] if anchor else [])}}
        comparison = Comparison(
            tuple(groups),
            own.levels_lufs[groups],
            aim,
            _chances(groups, fixed),
            None if anchor is None else _anchored(multitrack, roles, anchor, groups),
        )
        members = [[multitrack.names[i] for i in own.members[role]] for role in range(len(ROLES))]
        answers = group_answers(comparison, members, own.levels_lufs[groups] - _level_of_mix(own))
        evidence: Evidence = "none" if reference is None else "other_mix"
        advice = GainAdvice(
            advisor=NAME,
            stems=stem_advice(answers, multitrack.names, WHERE[evidence]),
            evidence=found.evidence(reference, own, heard),
            fit=_fit(comparison, reference),
            aims=group_aims(answers, aim),
            findings=(*findings, *found.unjudged(multitrack, own), *found.group_findings(answers, reference, aim)),
        )
        sets = self._sets(own, heard, groups)
        return _Draft(advice, self._speech(evidence, spoken_moves(answers), multitrack, sets))

    def _from_mix_alone(self, mix: Multitrack, anchor: str | None, locks: Collection[str]) -> _Draft:
        anchor = None if anchor is None else anchor.casefold()
        if anchor is not None and anchor not in ROLES:
            raise UserError(f"'{anchor}' cannot be the anchor inside a mix; there are: {', '.join(ROLES)}")
        audio = mix.stems[0].audio
        heard = self._listener.listen(audio, mix.sample_rate_hz, contested_windows([audio], mix.sample_rate_hz))
        groups = heard.roles() if _can_be_heard(mix.stems[0], mix.sample_rate_hz) else []
        if len(groups) < 2:
            return _Draft(found.cannot_say(NAME, mix, groups, None, []), None)
        belief, prior = heard.belief.of(groups), self._prior().of(groups)
        comparison = Comparison(
            tuple(groups),
            belief.mean_db,
            Belief(prior.mean_db, prior.covariance_db + belief.covariance_db),
            _chances(groups, {ROLES.index(name) for name in {anchor, *locks} if name in ROLES}),
            ROLES.index(anchor) if anchor in ROLES and ROLES.index(anchor) in groups else None,
        )
        answers = group_answers(comparison, [[role] for role in ROLES], belief.mean_db)
        advice = GainAdvice(
            advisor=NAME,
            stems=stem_advice(answers, ROLES, WHERE["mix_only"]),
            evidence=found.mix_evidence(heard),
            findings=found.group_findings(answers, None, comparison.aim),
        )
        return _Draft(advice, self._speech("mix_only", spoken_moves(answers), mix))

    def _hear_mix(self, reference: Reference, sample_rate_hz: int) -> HeardSound:
        audio = reference.stems[0].audio
        return self._listener.listen(audio, sample_rate_hz, contested_windows([audio], sample_rate_hz))

    def _listen_ahead(self, requests: Sequence[Request]) -> None:
        """Hear all mixes of a batch together; they are remembered."""
        sounds = []
        for multitrack, reference, _ in requests:
            audio = None
            if multitrack.mix_only:
                audio = multitrack.stems[0].audio
            elif reference is not None and reference.kind == "mix" and reference.same_song is not None:
                audio = reference.stems[0].audio
            if audio is not None:
                rate_hz = multitrack.sample_rate_hz
                sounds.append((audio, rate_hz, contested_windows([audio], rate_hz)))
        self._listener.listen_all(sounds)

    def _roles(self, multitrack: Multitrack) -> tuple[list[int], list[Finding]]:
        """The group of every stem; stems whose names do not tell are listened to."""
        roles, findings = [], []
        for stem in multitrack.stems:
            role = role_number(stem.role)
            if not stem.sure and not stem.silent:
                windows = contested_windows([stem.audio], multitrack.sample_rate_hz)[:1]
                heard = self._listener.listen(stem.audio, multitrack.sample_rate_hz, windows)
                role = int(heard.belief.mean_db.argmax())
                findings.append(found.heard_role(stem.name, ROLES[role]))
            roles.append(role)
        return roles, findings

    def _prior(self) -> Belief:
        config = self._model.config
        return Belief(np.array(config.balance_mean_db), np.array(config.balance_covariance_db))

    def _sets(self, own: OwnBalance, heard: HeardSound | None, groups: Sequence[int]) -> Sets:
        sets = Sets.empty(self._model.config.width)
        for group in groups:
            sets.own[group] = [(own.levels_lufs[group] - _level_of_mix(own)) / 20, 0.0, 1.0]
        if heard is not None:
            deviation = np.sqrt(np.diag(heard.belief.covariance_db))
            sets.reference[:] = np.stack([heard.belief.mean_db / 20, deviation / 5, heard.present], axis=1)
            return replace(sets, remembered=heard.remembered)
        return sets

    def _speech(
        self, evidence: Evidence, moves: tuple[SpokenMove, ...], song: Multitrack, sets: Sets | None = None
    ) -> Speech:
        seed = int.from_bytes(song.name.encode("utf-8", "surrogateescape")[:6].ljust(6, b"\0"), "big")
        names = ROLES if song.mix_only else song.names
        return Speech(evidence, moves, sets or Sets.empty(self._model.config.width), seed, names)

    def _worded(self, drafts: Sequence[_Draft]) -> list[GainAdvice]:
        texts = iter(speak(self._model, [draft.speech for draft in drafts if draft.speech is not None]))
        return [
            draft.advice if draft.speech is None else draft.advice.model_copy(update={"text": next(texts)})
            for draft in drafts
        ]


def _measured_moves(multitrack: Multitrack, advice: GainAdvice) -> tuple[SpokenMove, ...]:
    """The moves to be worded, largest first. Stems that were measured as one sum are named together."""
    together: dict[tuple[float, ...], list[StemAdvice]] = {}
    for one in sorted(advice.stems, key=lambda one: -abs(one.gain_db)):
        stem = multitrack.stem(one.stem)
        if one.gain_db and stem is not None:
            together.setdefault((role_number(stem.role), one.measured_db, *one.interval_db), []).append(one)
    return tuple(
        SpokenMove(
            tuple(one.stem for one in same), same[0].gain_db, same[0].interval_db, int(role), p_change=same[0].p_change
        )
        for (role, *_), same in together.items()
    )


def _can_be_heard(mix: Stem, sample_rate_hz: int) -> bool:
    """Whether there is enough sound to hear anything in: of silence or a moment the ear only guesses."""
    return not mix.silent and mix.audio.shape[1] >= found.SHORTEST_S * sample_rate_hz


def role_number_of(multitrack: Multitrack, roles: Sequence[int], name: str) -> int:
    """The group (number into ROLES) of a stem by name."""
    stem = multitrack.stem(name)
    return -1 if stem is None else roles[multitrack.names.index(stem.name)]


def _anchored(multitrack: Multitrack, roles: Sequence[int], anchor: str, groups: Sequence[int]) -> int | None:
    group = role_number_of(multitrack, roles, anchor)
    return group if group in groups else None


def _level_of_mix(own: OwnBalance) -> float:
    """Loudness of all groups together, as a sum of powers, LUFS."""
    return float(10 * np.log10(np.nansum(10 ** (own.levels_lufs / 10))))


def _fit(comparison: Comparison, reference: Reference | None) -> ReferenceFit | None:
    if reference is None:
        return None
    offset_db = float(np.mean(comparison.aim.mean_db - comparison.levels_db))
    return ReferenceFit(
        kind="mix",
        same_song=False,
        explained=None,
        delay_s=None,
        inverted=False,
        level_offset_db=round(offset_db, 2),
    )


def _chances(groups: Sequence[int], fixed: Collection[int]) -> tuple[float, ...]:
    """How readily each group is thought to be flawed; never one that is to stay."""
    return tuple(0.0 if group in fixed else INSTRUMENTS_CHANCE if ROLES[group] == "other" else 1.0 for group in groups)
