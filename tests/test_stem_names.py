from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixingbuddy.tools.stem_names import is_mixdown, stream_names, unique_names


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


def test_the_first_stream_of_a_stem_file_is_the_mixture() -> None:
    assert stream_names(5) == [(1, "drums"), (2, "bass"), (3, "other"), (4, "vocals")]
    assert stream_names(3) == [(1, "stem 1"), (2, "stem 2")]
