"""Learn the balance prior from professionally mixed stems: `python -m mixingbuddy.models.prior_fit --data DIR`.

DIR holds MUSDB18's `*.stem.mp4` files (Rafii, Liutkus, Stoeter, Mimilakis and Bittner 2017,
doi 10.5281/zenodo.1117372).
"""

import argparse
import json
from itertools import combinations
from pathlib import Path

import numpy as np

from mixingbuddy.models.prior import STATISTICS_FILE, GroupStatistics, PriorStatistics
from mixingbuddy.tools.cross_energies import CrossEnergies
from mixingbuddy.tools.files import write_text
from mixingbuddy.tools.levels import cross_energies
from mixingbuddy.tools.multitrack import load_song
from mixingbuddy.tools.professional_levels import LEVEL_GROUPS, level_group


def fit(energies: list[CrossEnergies], source: str) -> PriorStatistics:
    """Percentiles of every group's level re the sum of the groups present, for every set of two to four groups."""
    sets: dict[str, dict[str, GroupStatistics]] = {}
    for size in range(2, len(LEVEL_GROUPS) + 1):
        for present in combinations(LEVEL_GROUPS, size):
            levels = [_levels(song, present) for song in energies]
            complete = np.array([row for row in levels if None not in row], dtype=float)
            p10, median, p90 = np.percentile(complete, [10, 50, 90], axis=0)
            sets["+".join(present)] = {
                group: GroupStatistics(
                    n=len(complete),
                    p10_lu=round(float(p10[i]), 2),
                    median_lu=round(float(median[i]), 2),
                    p90_lu=round(float(p90[i]), 2),
                    sd_lu=round(float(complete[:, i].std(ddof=1)), 2),
                )
                for i, group in enumerate(present)
            }
    return PriorStatistics(source=source, songs=len(energies), sets=sets)


def _levels(song: CrossEnergies, present: tuple[str, ...]) -> list[float | None]:
    members = {g: [i for i, role in enumerate(song.roles) if level_group(role) == g] for g in present}
    chosen = [index for group in present for index in members[group]]
    names = tuple(song.names[i] for i in chosen)
    part = CrossEnergies(names, tuple(song.roles[i] for i in chosen), song.per_hop[:, chosen][:, :, chosen])
    return [part.level_rel_mix_lu([chosen.index(i) for i in members[group]], {}) for group in present]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with *.stem.mp4")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("statistics") / STATISTICS_FILE)
    arguments = parser.parse_args()
    songs = sorted(arguments.data.glob("*.stem.mp4"))
    energies = [cross_energies(load_song(song, reference="none").multitrack) for song in songs]
    source = f"MUSDB18 train split, 7-second previews, {len(songs)} professionally mixed songs"
    write_text(arguments.out, json.dumps(fit(energies, source).model_dump(), indent=1) + "\n")
    print(f"{len(songs)} songs -> {arguments.out}")


if __name__ == "__main__":
    main()
