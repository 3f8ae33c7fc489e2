"""One pass over a song: every block of every stem is read once, filtered once, and given to all meters.

Memory does not grow with the song but for a few numbers per 100 ms, so a session of an hour takes little more than a
song. Stems are worked on by all cores; their sums follow one block behind.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from mixingbuddy.tools.audio import Audio
from mixingbuddy.tools.band_spectra import BandSpectra, BandSpectraMeter, fft_size
from mixingbuddy.tools.cross_energies import CrossEnergies
from mixingbuddy.tools.dynamics import HopMeter, Hops
from mixingbuddy.tools.erb import ErbBands, erb_bands
from mixingbuddy.tools.hygiene import Hygiene, HygieneMeter
from mixingbuddy.tools.levels import SAMPLES_AT_ONCE, WORKERS, LevelsMeter, MixLevels
from mixingbuddy.tools.loudness import Energies, hop_samples
from mixingbuddy.tools.multitrack import Multitrack
from mixingbuddy.tools.roles import Role
from mixingbuddy.tools.sources import ArraySource, Source
from mixingbuddy.tools.stem_pairs import StemPair, measure_stem_pairs

FEW_STEMS = 16  # of which twice as much is read at once: longer blocks are faster and take more memory
CONTEXT_RATE_HZ = 22050  # of the mono mix that tempo, key and sections are told from
Progress = Callable[[float], None]


@dataclass(frozen=True)
class HeardStem:
    """What the pass gathered on one stem. `hops` and `hygiene` are of its own samples, before any resampling."""

    hops: Hops
    hygiene: Hygiene
    spectra: BandSpectra


@dataclass(frozen=True)
class Heard:
    """What the pass gathered on a song. `mono` is the mix at 22.05 kHz, float32 (samples,), if it was wanted."""

    names: tuple[str, ...]
    roles: tuple[Role, ...]
    energies: CrossEnergies
    levels: MixLevels
    stems: tuple[HeardStem, ...]
    mix_hops: Hops
    mix_spectra: BandSpectra
    mix_short_term_lufs: Energies
    pairs: tuple[StemPair, ...]
    bands: ErbBands | None
    mono: NDArray[np.float32] | None


def listen(
    names: Sequence[str],
    roles: Sequence[Role],
    sources: Sequence[Source],
    sample_rate_hz: int,
    keep_mono: bool = False,
    progress: Progress = lambda share: None,
) -> Heard:
    """Hear all stems once. `progress` is told the share that is done. Raises UserError where a source does."""
    bands = _hearing_bands(sample_rate_hz)
    levels = LevelsMeter(names, roles, [source.channels for source in sources], sample_rate_hz)
    weights = bands.weights if bands is not None and len(sources) > 1 else None
    ears = [_Ear(index, source, levels, weights) for index, source in enumerate(sources)]
    mix = _Mix(levels, sample_rate_hz, keep_mono)
    samples = max(source.samples for source in sources)
    # The products are small: threads of the algebra library would only stand in each other's way.
    with threadpool_limits(1), ThreadPoolExecutor(WORKERS) as pool:
        behind: Future[None] | None = None
        at_once = _samples_at_once(len(sources), sample_rate_hz)
        for start in range(0, samples, at_once):
            count = min(at_once, samples - start)
            heard = list(pool.map(lambda ear, count=count: ear.hear(count), ears))
            if behind is not None:
                behind.result()
            behind = pool.submit(mix.hear, heard)
            progress(min(1.0, (start + count) / samples))
        if behind is not None:
            behind.result()
        energies_of_stems = [ear.hops().mean_square.sum(axis=0) for ear in ears]
        pairs = pool.submit(measure_stem_pairs, names, roles, sources, energies_of_stems, sample_rate_hz)
        stems = tuple(pool.map(lambda ear: ear.result(), ears))
        pairs.result()  # reads the files too, so what follows waits for it
    energies, measured = levels.result(lambda members, first, count: _sum_of(sources, members, first, count))
    return Heard(
        names=tuple(names),
        roles=tuple(roles),
        energies=energies,
        levels=measured,
        stems=stems,
        mix_hops=mix.hops.result(),
        mix_spectra=mix.spectra.finish(),
        mix_short_term_lufs=levels.mix_meter().short_term_lufs(),
        pairs=pairs.result(),
        bands=bands,
        mono=mix.mono(),
    )


def _samples_at_once(stems: int, sample_rate_hz: int) -> int:
    """A whole number of 100 ms hops, so that no meter has to keep the rest of one."""
    hop = hop_samples(sample_rate_hz)
    wanted = SAMPLES_AT_ONCE if stems > FEW_STEMS else 2 * SAMPLES_AT_ONCE
    return max(1, wanted // hop) * hop


def listen_to(multitrack: Multitrack, keep_mono: bool = False) -> Heard:
    """The same for a song in memory."""
    sources = [ArraySource(stem.audio, multitrack.sample_rate_hz) for stem in multitrack.stems]
    roles = [stem.role for stem in multitrack.stems]
    return listen(multitrack.names, roles, sources, multitrack.sample_rate_hz, keep_mono)


class _Ear:
    """All meters of one stem."""

    def __init__(self, index: int, source: Source, levels: LevelsMeter, weights: NDArray[np.float32] | None) -> None:
        self._index, self._source, self._levels = index, source, levels
        self._hygiene = HygieneMeter(source.own_rate_hz, source.channels)
        self._spectra = BandSpectraMeter(levels.sample_rate_hz, source.channels, weights)

    def hear(self, samples: int) -> tuple[Audio, Audio]:
        """The next samples of the stem, plain and K-weighted."""
        block, own = self._source.read(samples)
        self._hygiene.update(own)
        self._spectra.add(block)
        return block, self._levels.stem(self._index, block)

    def hops(self) -> Hops:
        return self._hygiene.hops()

    def result(self) -> HeardStem:
        return HeardStem(self._hygiene.hops(), self._hygiene.result(), self._spectra.finish())


class _Mix:
    """All meters of the plain sum of the stems."""

    def __init__(self, levels: LevelsMeter, sample_rate_hz: int, keep_mono: bool) -> None:
        self._levels = levels
        self.hops = HopMeter(sample_rate_hz)
        self.spectra = BandSpectraMeter(sample_rate_hz, levels.channels)
        self._mono = _Mono(sample_rate_hz) if keep_mono else None

    def hear(self, heard: Sequence[tuple[Audio, Audio]]) -> None:
        mix = self._levels.together([block for block, _ in heard], [weighted for _, weighted in heard])
        self.hops.update(mix)
        self.spectra.add(mix)
        if self._mono is not None:
            self._mono.add(mix)

    def mono(self) -> NDArray[np.float32] | None:
        return None if self._mono is None else self._mono.result()


class _Mono:
    """The mean of the channels at a low sample rate."""

    def __init__(self, sample_rate_hz: int) -> None:
        import soxr

        self._resampler = soxr.ResampleStream(sample_rate_hz, CONTEXT_RATE_HZ, 1, dtype="float32", quality="MQ")
        self._parts: list[NDArray[np.float32]] = []

    def add(self, mix: Audio) -> None:
        self._parts.append(self._resampler.resample_chunk(mix.mean(axis=0)))

    def result(self) -> NDArray[np.float32]:
        end = self._resampler.resample_chunk(np.zeros(0, np.float32), last=True)
        return np.concatenate([*self._parts, end])


def _hearing_bands(sample_rate_hz: int) -> ErbBands | None:
    try:
        return erb_bands(sample_rate_hz, fft_size(sample_rate_hz))
    except ValueError:
        return None


def _sum_of(sources: Sequence[Source], members: Sequence[int], first: int, count: int) -> Audio:
    chosen = [sources[index] for index in members]
    channels = max(source.channels for source in (chosen if len(chosen) == 1 else sources))
    total = np.zeros((channels, count), np.float32)
    for source in chosen:
        total += source.window(first, count)
    return total
