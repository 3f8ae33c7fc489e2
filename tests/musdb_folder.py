"""A small folder in MUSDB18-HQ's form, with songs made from a seed, for tests."""

from pathlib import Path

import numpy as np
from songs import make_stems, write_song

from mixingbuddy.models.data.songs import VALIDATION_SONGS


def write_musdb(folder: Path, valid: int = 3, train: int = 1, test: int = 0, duration_s: float = 3.0) -> Path:
    """So many songs of each split under `folder`, each with vocals, drums, bass, other and mixture."""
    names = [("train", name) for name in sorted(VALIDATION_SONGS)[:valid]]
    names += [("train", f"Somebody - Song {number}") for number in range(train)]
    names += [("test", f"Somebody - Test {number}") for number in range(test)]
    for seed, (split, name) in enumerate(names):
        stems = make_stems(duration_s, seed)
        stems["other"] = stems.pop("guitar")
        write_song(folder / split / name, stems | {"mixture": np.sum(list(stems.values()), axis=0)})
    return folder
