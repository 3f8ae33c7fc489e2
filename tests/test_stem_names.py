from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixingbuddy.tools.audio import Clip
from mixingbuddy.tools.stem_names import is_mixdown, name_streams, unique_names


@pytest.mark.parametrize("name", ["mix", "mixture", "Final Mix 2", "MASTER", "rough_mixdown_v3", "stereo-master"])
def test_mixdowns_are_known_by_name(name: str) -> None:
    assert is_mixdown(name)


@pytest.mark.parametrize("name", ["Vocal Mix", "drums", "Remix", "Main Vox", "Full Kit", "print", "2"])
def test_stems_are_no_mixdowns(name: str) -> None:
    assert not is_mixdown(name)


@given(st.lists(st.text(alphabet="ab\n .", min_size=1, max_size=4), max_size=12))
def test_names_are_printable_and_all_different(names: list[str]) -> None:
    unique = unique_names([Path(f"{name}x.wav") for name in names])
    assert len({name.casefold() for name in unique}) == len(names)
    assert not any("\n" in name for name in unique)


def test_five_streams_are_named_as_musdb_orders_them() -> None:
    clips = [Clip(np.full((1, 1), number, np.float32), 44100) for number in range(5)]
    named = name_streams(clips)
    assert [name for name, _ in named] == ["drums", "bass", "other", "vocals"]
    assert [float(clip.audio[0, 0]) for _, clip in named] == [1, 2, 3, 4]
    assert [name for name, _ in name_streams(clips[:3])] == ["stem 1", "stem 2"]
