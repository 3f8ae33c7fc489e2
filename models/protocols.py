"""What the balance benchmark asks: which samples belong to a protocol, and which category a flaw."""

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from mixingbuddy.models.data.chunks import Chunk
from mixingbuddy.models.data.triplets import (
    CATEGORY_RANGES_DB,
    Category,
    SampleSpec,
    Setting,
    multi_specs,
    single_specs,
)

Protocol = Literal["single", "multi"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)


def specs_of(chunks: Sequence[Chunk], protocol: Protocol, setting: Setting, seed: int) -> list[SampleSpec]:
    """Every sample of a protocol over these chunks. Their ids, and so their flaws, are the same in every setting."""
    make = {"single": single_specs, "multi": multi_specs}[protocol]
    return make(chunks, setting, seed)


def subsample(specs: Sequence[SampleSpec], samples: int | None, seed: int) -> list[SampleSpec]:
    """`samples` of the specs in their own order, drawn by `seed` from their ids; all of them where there are fewer.

    The draw does not depend on the setting, so every setting is asked for the same samples.
    """
    if samples is None or samples >= len(specs):
        return list(specs)
    ids = sorted(spec.id for spec in specs)
    drawn = np.random.default_rng(seed).choice(len(ids), size=samples, replace=False)
    chosen = {ids[index] for index in drawn}
    return [spec for spec in specs if spec.id in chosen]


def category_of(flaw_db: float) -> Category | None:
    """The category whose range holds this gain (dB) that was put on a stem; None between the ranges."""
    if flaw_db == 0.0:
        return "no_error"
    holding = (name for name, (low_db, high_db) in CATEGORY_RANGES_DB.items() if low_db <= flaw_db <= high_db)
    return next(holding, None)
