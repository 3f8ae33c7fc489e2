"""Measure the stems of a song that was found: from what is kept of an earlier time, or in one pass over the files."""

from collections.abc import Sequence

from mixingbuddy.tools.cache import Cache
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.found_song import FoundReference, FoundSong, StemFile, open_stems
from mixingbuddy.tools.listening import Progress, listen
from mixingbuddy.tools.measured_song import MeasuredSong, measure_heard
from mixingbuddy.tools.multitrack import all_silent
from mixingbuddy.tools.song_time import LONGEST_S


def measure_found(
    found: FoundSong,
    cache: Cache | None = None,
    progress: Progress = lambda share: None,
    with_time: bool = True,
) -> MeasuredSong:
    """Measure a song, tempo, key and sections too unless `with_time` is false.

    Raises UserError where a file cannot be decoded, or where all is silent.
    """
    measured = _measure(found.stems, found.sample_rate_hz, cache, progress, with_time)
    if measured.figures.levels.sample_peak_dbfs is None and all(
        stem.sample_peak_dbfs is None for stem in measured.figures.levels.stems
    ):
        raise UserError(all_silent(len(found.stems)))
    return measured


def measure_reference(reference: FoundReference, cache: Cache | None = None) -> MeasuredSong:
    """Measure the mix that a reference is, or that its stems add up to, at its own sample rate."""
    rate_hz = max(stem.sample_rate_hz for stem in reference.stems)
    return _measure(reference.stems, rate_hz, cache, lambda share: None, with_time=False)


def _measure(
    stems: Sequence[StemFile], rate_hz: int, cache: Cache | None, progress: Progress, with_time: bool
) -> MeasuredSong:
    key = None if cache is None else cache.key(stems, rate_hz, with_time)
    known = None if cache is None or key is None else cache.get(key)
    if known is not None:
        return known
    with open_stems(stems, rate_hz) as sources:
        names, roles = [stem.name for stem in stems], [stem.role for stem in stems]
        keep_mono = with_time and max(stem.duration_s for stem in stems) <= LONGEST_S
        heard = listen(names, roles, sources, rate_hz, keep_mono, progress)
    measured = measure_heard(heard)
    if cache is not None and key is not None:
        cache.put(key, measured)
    return measured
