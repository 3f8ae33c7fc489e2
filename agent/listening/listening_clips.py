"""Two mixes made ready for listening: the same part of the song, equally loud, with short fades, under the ceiling."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.agent.listening.listening_sides import Side, Sides
from mixingbuddy.agent.workbench import Workbench
from mixingbuddy.tools.audio import Audio, Clip
from mixingbuddy.tools.cross_energies import CrossEnergies
from mixingbuddy.tools.levels import k_weighted_hops, mixdown
from mixingbuddy.tools.loudness import Energies, hop_samples, integrated_lufs, true_peak_dbtp
from mixingbuddy.tools.moves import gain_of
from mixingbuddy.tools.multitrack import Multitrack
from mixingbuddy.tools.render import headroom_trim_db

EXCERPT_S = 20.0
WHOLE_UP_TO_S = 30.0  # a song that short is heard from start to end
FADE_S = 0.01
PEAK_MARGIN_DB = 0.01  # what rounding to 24 bit may add to a peak is far below


@dataclass(frozen=True)
class HeardClip:
    """One clip to hear. `gain_db` is what matched it to the other, before both came down together by the trim."""

    what: str
    clip: Clip
    gain_db: float


@dataclass(frozen=True)
class HeardPair:
    """Both sides over the same stretch of the song; `matched` says whether their loudness could be made equal."""

    a: HeardClip
    b: HeardClip
    alone: HeardClip | None
    trim_db: float
    start_s: float
    duration_s: float
    whole_song: bool
    matched: bool
    same: bool


def heard_pair(bench: Workbench, sides: Sides) -> HeardPair:
    """Cut the most telling part of the song and make both sides equally loud there."""
    multitrack, energies = bench.song.multitrack, bench.energies
    first, count = telling_part(energies, sides, multitrack.samples, multitrack.sample_rate_hz)
    part = _cut(multitrack, first, count)
    mixes = [_mix(part, side) for side in (sides.a, sides.b)]
    lufs = [loudness_lufs(mix, multitrack.sample_rate_hz) for mix in mixes]
    gains_db = [0.0, 0.0]
    if lufs[0] is not None and lufs[1] is not None:
        quieter = min(lufs[0], lufs[1])
        gains_db = [quieter - lufs[0] + 0.0, quieter - lufs[1] + 0.0]
    if sides.alone is not None:  # at the level that it has inside B
        mixes.append(_mix(part, sides.alone))
        gains_db.append(gains_db[1])
    turned = [_turned(mix, gain_db) for mix, gain_db in zip(mixes, gains_db, strict=True)]
    peaks = [peak for mix in turned if (peak := true_peak_dbtp(mix)) is not None]
    trim_db = headroom_trim_db(max(peaks) + PEAK_MARGIN_DB) if peaks else 0.0
    named = zip((sides.a, sides.b, sides.alone), turned, gains_db, strict=False)
    clips = [
        HeardClip(side.what, Clip(_turned(mix, trim_db), multitrack.sample_rate_hz), gain_db)
        for side, mix, gain_db in named
        if side is not None
    ]
    return HeardPair(
        a=clips[0],
        b=clips[1],
        alone=clips[2] if len(clips) > 2 else None,
        trim_db=trim_db,
        start_s=first / multitrack.sample_rate_hz,
        duration_s=count / multitrack.sample_rate_hz,
        whole_song=count == multitrack.samples,
        matched=None not in lufs,
        same=bool((weights(energies, sides.a) == weights(energies, sides.b)).all()),
    )


def telling_part(energies: CrossEnergies, sides: Sides, samples: int, sample_rate_hz: int) -> tuple[int, int]:
    """First sample and length of the 20 s in which both sides, equally loud, differ most; all of a short song.

    Where both are the same it is the loudest part.
    """
    hop = hop_samples(sample_rate_hz)
    hops = round(EXCERPT_S * sample_rate_hz / hop)
    if samples <= WHOLE_UP_TO_S * sample_rate_hz or len(energies.per_hop) <= hops:
        return 0, samples
    a, b = (_at_unit_loudness(energies, weights(energies, side)) for side in (sides.a, sides.b))
    telling = energy_of(energies, a if np.allclose(a, b) else a - b)
    sums = np.concatenate([[0.0], np.cumsum(telling)])
    start = int((sums[hops:] - sums[:-hops]).argmax())
    return start * hop, hops * hop


def weights(energies: CrossEnergies, side: Side) -> NDArray[np.float64]:
    """Linear gain of every stem on this side, 0 for one that does not play; shape (stems,)."""
    plays = [not side.stems or name in side.stems for name in energies.names]
    return np.array(
        [gain_of(side.faders, name) * on for name, on in zip(energies.names, plays, strict=True)], np.float64
    )


def energy_of(energies: CrossEnergies, gains: NDArray[np.float64]) -> Energies:
    """K-weighted mean square per hop of the stems summed with these linear gains, which may be negative."""
    products = energies.per_hop @ gains.astype(np.float32)
    return np.maximum(products.astype(np.float64) @ gains, 0.0)


def loudness_lufs(audio: Audio, sample_rate_hz: int) -> float | None:
    """Integrated loudness, LUFS; None where it is too short or too quiet to have one."""
    return integrated_lufs(k_weighted_hops(audio, sample_rate_hz))


def _at_unit_loudness(energies: CrossEnergies, gains: NDArray[np.float64]) -> NDArray[np.float64]:
    lufs = integrated_lufs(energy_of(energies, gains))
    return gains if lufs is None else gains * 10 ** (-lufs / 20)


def _cut(multitrack: Multitrack, first: int, count: int) -> Multitrack:
    stems = tuple(replace(stem, audio=stem.audio[:, first : first + count]) for stem in multitrack.stems)
    return replace(multitrack, stems=stems)


def _mix(part: Multitrack, side: Side) -> Audio:
    """The side's sum with short fades at both ends, at the channels of the whole mix."""
    channels = part.channels
    chosen = part if not side.stems else replace(part, stems=tuple(s for s in part.stems if s.name in side.stems))
    mix = mixdown(chosen, side.faders)
    return _faded(mix if len(mix) == channels else np.repeat(mix, channels, axis=0), part.sample_rate_hz)


def _faded(audio: Audio, sample_rate_hz: int) -> Audio:
    length = min(round(FADE_S * sample_rate_hz), audio.shape[1] // 2)
    rise = (0.5 - 0.5 * np.cos(np.pi * (np.arange(length) + 0.5) / length)).astype(np.float32) if length else None
    if rise is None:
        return audio
    faded = audio.copy()
    faded[:, :length] *= rise
    faded[:, -length:] *= rise[::-1]
    return faded


def _turned(audio: Audio, gain_db: float) -> Audio:
    return audio if gain_db == 0.0 else audio * np.float32(10 ** (gain_db / 20))
