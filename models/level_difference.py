"""Advice from a reference: which fader moves lead from these stems to the balance of the reference.

A reference mix of the same song is solved for the gains (`reference_mix`); reference stems are compared pair by
pair (`stem_set`). What both leave open is a common offset; `balance_offset` closes it.
"""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.models.advisor import GainAdvice, ReferenceFit, StemAdvice
from mixingbuddy.models.balance_offset import Moves, settle
from mixingbuddy.models.reference_findings import (
    SOURCE,
    another_song,
    beyond_fader,
    cannot_say,
    mix_findings,
    same_song_share,
)
from mixingbuddy.models.reference_mix import SHORTEST_S, MixFit, fit_mix
from mixingbuddy.models.stem_set import StemsFit, fit_stems
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.findings import Finding
from mixingbuddy.tools.moves import GAIN_MAX_DB, GAIN_MIN_DB, clamped_db
from mixingbuddy.tools.multitrack import Multitrack, Reference

Indices = NDArray[np.int64]

# Error of a gain from a mix that its covariance does not show, dB: rounding, dither.
FLOOR_DB = 0.01


class AnotherSong(UserError):
    """The reference mix is no mix of this song."""


class LevelDifference:
    """Advisor that measures how the balance of the stems differs from a reference. Needs one."""

    name = SOURCE

    def advise(
        self,
        multitrack: Multitrack,
        reference: Reference | None = None,
        anchor: str | None = None,
        locks: Collection[str] = (),
    ) -> GainAdvice:
        """Gains per stem (dB) that lead to the reference's balance; overall level does not count.

        Stems that cannot be told get a finding `cannot_say` instead of advice. `locks` change nothing here: a
        locked stem keeps its measured gain, and whoever applies moves drops it. With an `anchor` all gains are
        relative to that stem. Raises UserError without stems, without a reference and for an unknown anchor, and
        AnotherSong for a reference mix that is no mix of this song.
        """
        if multitrack.mix_only:
            raise UserError(
                f"'{multitrack.name}' is a mix without stems; {self.name} needs stems: give a folder of them"
            )
        if reference is None:
            raise UserError(
                f"{self.name} needs a reference; give --reference with a mix or stems, or use --advisor prior"
            )
        anchored = None if anchor is None else _index_of(multitrack, anchor)
        if reference.kind == "mix":
            return _from_mix(multitrack, reference, anchored)
        return _from_stems(multitrack, reference, anchored)


def _index_of(multitrack: Multitrack, name: str) -> int:
    stem = multitrack.stem(name)
    if stem is None:
        raise UserError(f"no stem '{name}'; this song has: {', '.join(multitrack.names)}")
    return multitrack.names.index(stem.name)


def _from_mix(multitrack: Multitrack, reference: Reference, anchor: int | None) -> GainAdvice:
    audio = reference.stems[0].audio
    fit = fit_mix([stem.audio for stem in multitrack.stems], audio, multitrack.sample_rate_hz)
    if fit is None:
        raise UserError(
            f"the stems and the reference '{reference.name}' never sound together for {SHORTEST_S} s; "
            "give a longer reference or stems"
        )
    _check_same_song(reference, fit)
    known = np.flatnonzero(fit.known)
    if len(known) == 0:
        raise UserError(f"no stem can be told apart in the reference '{reference.name}'; give a longer one or stems")
    moves = _settled(multitrack, fit, known, FLOOR_DB, anchor)
    return GainAdvice(
        advisor=SOURCE,
        stems=_advice(multitrack, moves, known, "in the reference mix"),
        evidence=(
            f"The stems were fitted to the reference mix '{reference.name}' over {fit.analysed_s:.1f} s; "
            f"they explain {fit.explained:.0%} of it."
        ),
        fit=ReferenceFit(
            kind="mix",
            same_song=reference.same_song is True or fit.explained >= same_song_share(fit.analysed_s),
            explained=round(fit.explained, 4),
            delay_s=round(fit.delay_samples / multitrack.sample_rate_hz, 6),
            inverted=fit.inverted,
            level_offset_db=round(fit.level_db + moves.offset_db, 2),
        ),
        findings=(*mix_findings(multitrack, reference, fit), *_out_of_range(multitrack, moves, known)),
    )


def _check_same_song(reference: Reference, fit: MixFit) -> None:
    if reference.same_song is True:
        return
    if reference.same_song is None and fit.explained >= same_song_share(fit.analysed_s):
        return
    said = (
        "is said to be another song"
        if reference.same_song is False
        else f"does not look like a mix of this song (the stems explain {fit.explained:.0%} of it)"
    )
    raise AnotherSong(
        f"the reference '{reference.name}' {said}; give this song's own mix or stems, "
        "or --reference none to compare with published professional mixes"
    )


def _from_stems(multitrack: Multitrack, reference: Reference, anchor: int | None) -> GainAdvice:
    fit = fit_stems(multitrack, reference)
    known = np.flatnonzero(fit.known)
    if len(known) == 0:
        theirs = ", ".join(f"{stem.name} ({stem.role})" for stem in reference.stems[:8])
        raise UserError(
            f"no stem can be compared with the reference stems of '{reference.name}' ({theirs}); "
            "rename them or give roles in song.toml"
        )
    moves = _settled(multitrack, fit, known, fit.floor_db, anchor)
    unsaid = [cannot_say(multitrack.names[index], why) for index, why in fit.unsaid]
    delay_s = None if fit.delay_samples is None else round(fit.delay_samples / multitrack.sample_rate_hz, 6)
    return GainAdvice(
        advisor=SOURCE,
        stems=_advice(multitrack, moves, known, "in the reference stems"),
        evidence=fit.evidence,
        fit=ReferenceFit(
            kind="stems",
            same_song=fit.same_song,
            explained=None if fit.explained is None else round(fit.explained, 4),
            delay_s=delay_s,
            inverted=fit.inverted,
            level_offset_db=round(moves.offset_db, 2),
        ),
        findings=(
            *(() if fit.same_song else (another_song(reference),)),
            *fit.findings,
            *unsaid,
            *_out_of_range(multitrack, moves, known),
        ),
    )


def _settled(
    multitrack: Multitrack, fit: MixFit | StemsFit, known: Indices, floor_db: float, anchor: int | None
) -> Moves:
    if anchor is not None and anchor not in known:
        told = ", ".join(multitrack.names[index] for index in known)
        raise UserError(
            f"'{multitrack.names[anchor]}' cannot be told in the reference, so it cannot be the anchor; "
            f"use one of: {told}"
        )
    return settle(
        fit.gains_db[known],
        fit.covariance_db[np.ix_(known, known)],
        fit.energy[known],
        floor_db,
        None if anchor is None else int(np.flatnonzero(known == anchor)[0]),
    )


def _advice(multitrack: Multitrack, moves: Moves, known: Indices, where: str) -> tuple[StemAdvice, ...]:
    """The moves of the known stems, in words."""
    advice = []
    for number, index in enumerate(known):
        gain_db, half_db = float(moves.gains_db[number]), float(moves.half_interval_db[number])
        proposed = bool(moves.proposed[number])
        advice.append(
            StemAdvice(
                stem=multitrack.names[index],
                gain_db=clamped_db(gain_db) if proposed else 0.0,
                measured_db=round(gain_db, 3) + 0.0,
                interval_db=(round(gain_db - half_db, 3), round(gain_db + half_db, 3)),
                p_change=round(float(moves.p_change[number]), 4),
                reason=_reason(gain_db, half_db, proposed, where)
                if len(known) > 1
                else "the only stem that can be told; a balance needs two",
            )
        )
    return tuple(advice)


def _reason(gain_db: float, half_db: float, proposed: bool, where: str) -> str:
    if not proposed:
        return f"within {max(abs(gain_db), half_db, 0.1):.1f} dB of its place {where}"
    direction = "louder" if gain_db > 0 else "quieter"
    return f"{abs(gain_db):.1f} dB {direction} {where} (± {max(half_db, 0.1):.1f} dB)"


def _out_of_range(multitrack: Multitrack, moves: Moves, known: Indices) -> Sequence[Finding]:
    return [
        beyond_fader(multitrack.names[index], float(gain_db))
        for index, gain_db in zip(known, moves.gains_db, strict=True)
        if not GAIN_MIN_DB <= round(float(gain_db), 1) <= GAIN_MAX_DB
    ]
