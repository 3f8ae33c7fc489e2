"""Level differences of all stems to a set of reference stems, of the same song or of another."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.models.reference_findings import SOURCE, same_song_share
from mixingbuddy.models.reference_stems import (
    Pair,
    PairFit,
    common_delay,
    level_lufs,
    match_stems,
    same_recording,
    summed,
)
from mixingbuddy.tools.findings import Finding
from mixingbuddy.tools.multitrack import Multitrack, Reference

Real = NDArray[np.float64]

SAME_RECORDING_SHARE = 0.3
SAME_FLOOR_DB = 0.1
# Gated loudness of another song's part depends on what is played; about that much, not a measurement error.
OTHER_FLOOR_DB = 0.7


@dataclass
class StemsFit:
    """Gains (K,) that lead to the reference stems, dB, and what is not `known` with the reason in `unsaid`.

    `energy` (K,) is each stem's energy in the mix, `floor_db` the error that `covariance_db` (K, K) does not
    show.
    """

    gains_db: Real
    covariance_db: Real
    known: NDArray[np.bool_]
    energy: Real
    floor_db: float
    same_song: bool
    evidence: str
    explained: float | None = None
    delay_samples: int | None = None
    inverted: bool = False
    findings: list[Finding] = field(default_factory=list)
    unsaid: list[tuple[int, str]] = field(default_factory=list)


def fit_stems(multitrack: Multitrack, reference: Reference) -> StemsFit:
    """Match the stems, decide whether they are the same recordings, and measure every pair."""
    pairs, left, right = match_stems(multitrack.stems, reference.stems)
    fits: list[PairFit | None] = [None] * len(pairs)
    if reference.same_song is not False:
        fits = _same_recordings(multitrack, reference, pairs)
    shares = [fit.explained for fit in fits if fit is not None]
    least = max(SAME_RECORDING_SHARE, same_song_share(multitrack.duration_s))
    same_song = bool(shares) and (reference.same_song is True or float(np.median(shares)) >= least)
    fit = _empty(multitrack, same_song)
    if same_song:
        _fill_same_song(fit, pairs, fits)
    else:
        _fill_other_song(fit, multitrack, reference, pairs)
    fit.unsaid += [(index, "the reference has no stem like it") for index in left]
    fit.findings += [_unmatched(reference.stems[index].name) for index in right]
    measured = len({pair for pair in pairs if all(fit.known[index] for index in pair.ours)})
    what = "the same recordings" if same_song else "another song: loudness of each part while it sounds"
    fit.evidence = f"{measured} of our parts were compared with the reference stems '{reference.name}' ({what})."
    return fit


def _same_recordings(multitrack: Multitrack, reference: Reference, pairs: list[Pair]) -> list[PairFit | None]:
    if not pairs:
        return []
    rate_hz = multitrack.sample_rate_hz
    delay = common_delay(multitrack.stems, reference.stems, rate_hz)
    return [
        same_recording(summed(multitrack.stems, pair.ours), summed(reference.stems, pair.theirs), delay, rate_hz)
        for pair in pairs
    ]


def _empty(multitrack: Multitrack, same_song: bool) -> StemsFit:
    count = len(multitrack.stems)
    return StemsFit(
        gains_db=np.zeros(count),
        covariance_db=np.zeros((count, count)),
        known=np.zeros(count, dtype=bool),
        energy=np.array([max(float(np.vdot(stem.audio, stem.audio)), 1e-12) for stem in multitrack.stems]),
        floor_db=SAME_FLOOR_DB if same_song else OTHER_FLOOR_DB,
        same_song=same_song,
        evidence="",
    )


def _fill_same_song(fit: StemsFit, pairs: list[Pair], fits: list[PairFit | None]) -> None:
    told: list[PairFit] = []
    for pair, found in zip(pairs, fits, strict=True):
        if found is None or found.explained < SAME_RECORDING_SHARE:
            why = (
                "it is silent, here or in the reference" if found is None else "its reference stem is another recording"
            )
            fit.unsaid += [(index, why) for index in pair.ours]
            continue
        told.append(found)
        _set(fit, pair, found.gain_db, found.spread_db)
    if told:
        fit.explained = float(np.mean([found.explained for found in told]))
        fit.delay_samples = int(np.median([found.delay_samples for found in told]))
        fit.inverted = sum(found.inverted for found in told) * 2 > len(told)


def _fill_other_song(fit: StemsFit, multitrack: Multitrack, reference: Reference, pairs: list[Pair]) -> None:
    for pair in pairs:
        ours = level_lufs(summed(multitrack.stems, pair.ours), multitrack.sample_rate_hz)
        theirs = level_lufs(summed(reference.stems, pair.theirs), multitrack.sample_rate_hz)
        if ours is None or theirs is None:
            fit.unsaid += [(index, "its loudness cannot be measured, here or in the reference") for index in pair.ours]
        else:
            _set(fit, pair, theirs - ours, 0.0)


def _set(fit: StemsFit, pair: Pair, gain_db: float, spread_db: float) -> None:
    """All stems of one pair move together."""
    for index in pair.ours:
        fit.known[index] = True
        fit.gains_db[index] = gain_db
        fit.covariance_db[index, list(pair.ours)] = spread_db**2


def _unmatched(name: str) -> Finding:
    text = f"The reference stem '{name}' has no counterpart among the stems."
    return Finding(kind="unmatched_reference_stem", stems=(name,), severity="info", source=SOURCE, text=text)
