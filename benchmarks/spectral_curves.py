"""Derive the average spectra that mixes and stems are compared with, and count how often professional songs alarm.

    python benchmarks/spectral_curves.py [--data PATH] [--out PATH] [--rates]

Writes mean and spread of the third octaves, tilt and named bands over all songs; no audio, no values of one song.
What is averaged, and why there are two averages, is in `docs/spectrum-and-stereo.md`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.tools.band_spectra import measure_band_spectra
from mixingbuddy.tools.files import written_beside
from mixingbuddy.tools.levels import mixdown
from mixingbuddy.tools.multitrack import load_song
from mixingbuddy.tools.spectral_comparison import spectrum_findings
from mixingbuddy.tools.spectral_curves import CurveGroup, SpectralCurves, curve_group
from mixingbuddy.tools.spectrum import BAND_NAMES, SpectralBalance, measure_spectrum, third_octaves_hz
from mixingbuddy.tools.stereo import StereoImage, measure_stereo, stereo_findings

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_DATA = ROOT.parent / "shared" / "data"
DEFAULT_OUT = ROOT / "tools" / "spectral_curves.json"
AVERAGES = Path("musdb18-averages") / "musdb18_stem_averages.npz"
PREVIEWS = Path("musdb18-7s") / "train"
# The previews are AAC, which ends near 16 kHz: nothing is compared above the third octave at 12.5 kHz.
HIGHEST_HZ = 13000.0
FAINTEST_DB = -60.0  # a stem below this level is silent in the preview and has no shape
SOURCE = "MUSDB18 train split, 7-second previews, 94 professionally mixed songs"
SOURCES = {
    "mean_db, sd_db, tilt_db_per_octave, bands_db": f"{SOURCE} (Rafii, Liutkus, Stoeter, Mimilakis, Bittner 2017, "
    "doi 10.5281/zenodo.1117372); mixes are the sum of the four stems",
    "published_average_db": "average magnitude spectra of MUSDB18's stems, sony/FxNorm-automix (MIT); "
    "Martinez-Ramirez et al. 2022, Automatic music mixing with deep learning and out-of-domain data",
}


class Measured(NamedTuple):
    """One stem, or the mix, of one song."""

    song: str
    group: CurveGroup
    spectrum: SpectralBalance
    stereo: StereoImage


def measure(folder: Path) -> list[Measured]:
    """Every stem and the mix of every preview; silent stems left out."""
    measured = []
    for path in sorted(folder.glob("*.stem.mp4")):
        multitrack = load_song(path).multitrack
        signals: list[tuple[CurveGroup, Any]] = [(curve_group(stem.role), stem.audio) for stem in multitrack.stems]
        for group, audio in [("mix", mixdown(multitrack, {})), *signals]:
            spectra = measure_band_spectra(audio, multitrack.sample_rate_hz)
            spectrum = measure_spectrum(spectra)
            if spectrum.level_db is not None and spectrum.level_db > FAINTEST_DB:
                measured.append(Measured(path.name, group, spectrum, measure_stereo(spectra)))
    return measured


def derive(measured: Sequence[Measured], averages: Path | None) -> SpectralCurves:
    """Curves of all groups; without the file of published averages those are left out."""
    centres, edges = third_octaves_hz(measured[0].spectrum.sample_rate_hz)
    count = int((centres < HIGHEST_HZ).sum())
    groups: dict[str, Any] = {}
    for group in get_args(CurveGroup):
        spectra = [item.spectrum for item in measured if item.group == group]
        levels = np.array([spectrum.third_octaves_db for spectrum in spectra])[:, :count]
        published = _published(averages, group, edges, count) if averages and group != "mix" else None
        groups[group] = {
            "songs": len(spectra),
            "mean_db": _rounded(levels.mean(axis=0)),
            "sd_db": _rounded(levels.std(axis=0, ddof=1)),
            "published_average_db": published,
            "tilt_db_per_octave": _spread([spectrum.tilt_db_per_octave for spectrum in spectra]),
            "bands_db": {
                name: _spread([spectrum.bands[index].level_db for spectrum in spectra])
                for index, name in enumerate(BAND_NAMES)
            },
        }
    values = {"source": SOURCE, "sources": SOURCES, "third_octaves_hz": centres[:count].tolist(), "groups": groups}
    return SpectralCurves.model_validate(values)


def _published(averages: Path, group: str, edges: NDArray[np.float64], count: int) -> list[float]:
    """Third-octave levels re the whole of an average magnitude spectrum (32,769 bins, 0 to 22.05 kHz)."""
    with np.load(averages, allow_pickle=False) as arrays:
        powers = arrays[f"eq_{group}"].astype(float) ** 2
    cumulated = np.concatenate([[0.0], np.cumsum(powers)])
    bin_edges = np.append(0.0, (np.arange(len(powers)) + 0.5) * 22050 / (len(powers) - 1))
    bands = np.diff(np.interp(edges, bin_edges, cumulated))
    total = float(np.diff(np.interp([20.0, 20000.0], bin_edges, cumulated))[0])
    return _rounded(10 * np.log10(bands / total))[:count]


def _spread(values: Sequence[float | None]) -> dict[str, float]:
    known = [value for value in values if value is not None]
    return {f"p{q}": round(float(np.percentile(known, q)), 2) for q in (1, 10, 50, 90, 99)}


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [round(float(value), 2) for value in values]


def print_rates(measured: Sequence[Measured]) -> None:
    """How many professional songs each finding names; the song's own values left out of what it is compared with."""
    for group in get_args(CurveGroup):
        songs = [item for item in measured if item.group == group]
        kinds: Counter[str] = Counter()
        for item in songs:
            found = list(stereo_findings(item.stereo, None if group == "mix" else item.song))
            if group == "mix":
                others = derive([other for other in measured if other.song != item.song], None)
                found += spectrum_findings(item.spectrum, curves=others)
            kinds.update({f"{finding.kind}, {finding.severity}" for finding in found})
            kinds.update({f"any {finding.kind.split('_')[0]}, {finding.severity}" for finding in found})
            kinds["any"] += bool(found)
        print(group, len(songs), dict(sorted(kinds.items())))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Derive average spectra of professional mixes and their stems.")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder with musdb18-7s and musdb18-averages")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="file to write")
    parser.add_argument("--rates", action="store_true", help="print how often professional songs alarm, write nothing")
    options = parser.parse_args(arguments)
    if not (options.data / PREVIEWS).is_dir() or not (options.data / AVERAGES).is_file():
        print(f"no {PREVIEWS} or no {AVERAGES} in '{options.data}'; name the folder with --data", file=sys.stderr)
        return 2
    measured = measure(options.data / PREVIEWS)
    if options.rates:
        print_rates(measured)
        return 0
    with written_beside(options.out) as beside:
        text = json.dumps(derive(measured, options.data / AVERAGES).model_dump(mode="json"), indent=1)
        beside.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
