"""Everything that one pass over a song tells: the figures as a document, and the few arrays that pictures and
predictions need. It depends on the stems alone, so it can be kept (`mixingbuddy.tools.cache`)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.tools.cross_energies import CrossEnergies
from mixingbuddy.tools.dynamics import Dynamics, measure_dynamics
from mixingbuddy.tools.hygiene import Hygiene
from mixingbuddy.tools.levels import MixLevels
from mixingbuddy.tools.listening import CONTEXT_RATE_HZ, Heard
from mixingbuddy.tools.loudness import Energies
from mixingbuddy.tools.masking import HiddenMap, Masking, measure_masking
from mixingbuddy.tools.song_time import SongTime, measure_song_time
from mixingbuddy.tools.spectrum import SpectralBalance, measure_spectrum
from mixingbuddy.tools.stem_pairs import StemPair
from mixingbuddy.tools.stereo import StereoImage, measure_stereo

_RESULT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class StemAnalysis(BaseModel):
    """What was measured on one stem besides its level."""

    model_config = _RESULT

    name: str
    dynamics: Dynamics
    hygiene: Hygiene
    stereo: StereoImage


class SongFigures(BaseModel):
    """What was measured on a song as it is."""

    model_config = _RESULT

    levels: MixLevels
    spectrum: SpectralBalance = Field(description="long-term spectrum of the plain sum")
    stereo: StereoImage
    dynamics: Dynamics
    stems: tuple[StemAnalysis, ...]
    masking: Masking | None = Field(description="which stem hides which; null for one stem")
    pairs: tuple[StemPair, ...] = Field(description="stems that hold the same sound")
    time: SongTime | None = Field(description="tempo, bars, key and sections; null if they were not wanted")


@dataclass(frozen=True)
class MeasuredSong:
    """The figures, the cross energies, and what pictures are drawn from.

    `short_term_lufs` float32 (times,): every 100 ms, each over the 3 s from there on, -inf where silent. `envelope`
    float32 (2, hops): highest and lowest sample of the mix per 100 ms.
    """

    figures: SongFigures
    energies: CrossEnergies
    short_term_lufs: NDArray[np.float32]
    envelope: NDArray[np.float32]
    hidden: HiddenMap | None


def measure_heard(heard: Heard) -> MeasuredSong:
    """Work out everything that does not depend on a reference."""
    levels = heard.levels
    stems = tuple(
        StemAnalysis(
            name=level.name,
            dynamics=measure_dynamics(stem.hops, level.loudness_lufs, level.true_peak_dbtp),
            hygiene=stem.hygiene,
            stereo=measure_stereo(stem.spectra),
        )
        for level, stem in zip(levels.stems, heard.stems, strict=True)
    )
    masking, hidden = _masking(heard) or (None, None)
    figures = SongFigures(
        levels=levels,
        spectrum=measure_spectrum(heard.mix_spectra),
        stereo=measure_stereo(heard.mix_spectra),
        dynamics=measure_dynamics(heard.mix_hops, levels.loudness_lufs, levels.true_peak_dbtp),
        stems=stems,
        masking=masking,
        pairs=heard.pairs,
        time=None if heard.mono is None else measure_song_time(heard.mono, CONTEXT_RATE_HZ),
    )
    return MeasuredSong(figures, heard.energies, _as_float32(heard.mix_short_term_lufs), _envelope(heard), hidden)


def _masking(heard: Heard) -> tuple[Masking, HiddenMap] | None:
    frames = [stem.spectra.frame_bands for stem in heard.stems if stem.spectra.frame_bands is not None]
    if heard.bands is None or len(frames) < max(2, len(heard.stems)) or not len(frames[0]):
        return None
    duration_s, frame_s = heard.levels.duration_s, heard.stems[0].spectra.frame_s
    masking, hidden = measure_masking(heard.names, np.stack(frames), frame_s, heard.bands)
    # The last frame may reach past the end of the song; an event does not.
    events = tuple(event.model_copy(update={"end_s": min(event.end_s, duration_s)}) for event in masking.events)
    return masking.model_copy(update={"events": events}), hidden


def _envelope(heard: Heard) -> NDArray[np.float32]:
    return np.stack([heard.mix_hops.highest.max(axis=0), heard.mix_hops.lowest.min(axis=0)]).astype(np.float32)


def _as_float32(values: Energies) -> NDArray[np.float32]:
    return values.astype(np.float32)
