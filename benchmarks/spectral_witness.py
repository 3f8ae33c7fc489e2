"""Does the spectral distance to the reference tell right moves from wrong ones? `python benchmarks/spectral_witness.py`

Every advised move promises that the mix's long-term third-octave spectrum comes no further from the reference's.
For the songs of MUSDB18's previews (one to three flaws each, the reference mastered) this measures by how much the
distance grows when the flaws are undone, and when they are doubled instead.
"""

import argparse
from pathlib import Path

import numpy as np

from mixingbuddy.benchmarks.level_difference import ROOT
from mixingbuddy.models.data.chunks import mix_of
from mixingbuddy.models.data.nuisance import draw_mastering, mastered
from mixingbuddy.models.data.triplets import draw_flaws_db
from mixingbuddy.tools.multitrack import load_song, with_gains
from mixingbuddy.tools.spectral_comparison import spectral_distance_db

TOLERANCE_DB = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "musdb18-7s" / "train")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    grows: dict[str, list[float]] = {"undone": [], "doubled": []}
    for path in sorted(arguments.data.glob("*.stem.mp4")):
        song = load_song(path, reference="none").multitrack
        flaws = draw_flaws_db(rng)
        reference = mastered(mix_of(song.stems), song.sample_rate_hz, draw_mastering(rng))
        if not flaws:
            continue
        distance = {
            name: spectral_distance_db(
                mix_of(with_gains(song, [10 ** (times * flaws.get(s.name, 0.0) / 20) for s in song.stems]).stems),
                reference,
                song.sample_rate_hz,
            )
            for name, times in (("flawed", 1), ("undone", 0), ("doubled", 2))
        }
        known = {name: value for name, value in distance.items() if value is not None}
        if len(known) == len(distance):
            for name, growth in grows.items():
                growth.append(known[name] - known["flawed"])
    print(
        "| the flaws are | songs | median growth, dB | largest, dB | grows by more than 0.5 dB |\n|---|---|---|---|---|"
    )
    for name, growth in grows.items():
        share = np.mean(np.array(growth) > TOLERANCE_DB)
        print(f"| {name} | {len(growth)} | {np.median(growth):+.2f} | {np.max(growth):+.2f} | {share:.0%} |")


if __name__ == "__main__":
    main()
