"""Listen to a sound: what the ear believes about the levels of voice, drums, bass and the rest inside it."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.models.differential.bands import Powers, ear_powers
from mixingbuddy.models.differential.posterior import Belief
from mixingbuddy.models.differential.sound_windows import Window, samples_of
from mixingbuddy.tools.audio import Audio

if TYPE_CHECKING:
    from mixingbuddy.models.differential.compact import HearsAndWrites

MOST_AT_ONCE = 16
THERE = 0.5


@dataclass(frozen=True)
class HeardSound:
    """What was heard: belief about the four roles' levels re the sound (LU), P(each is there) (4,), what the ear
    remembers of each (4, width), and the windows listened to (s)."""

    belief: Belief
    present: NDArray[np.float64]
    remembered: NDArray[np.float32]
    windows: tuple[Window, ...]

    def roles(self) -> list[int]:
        """The roles that are there."""
        return [int(role) for role in np.flatnonzero(self.present >= THERE)]


class Listener:
    """A model's ear with a memory of the sounds heard last."""

    def __init__(self, model: "HearsAndWrites", remembered: int = 32) -> None:
        self._model = model
        self._most = remembered
        self._memory: OrderedDict[bytes, HeardSound] = OrderedDict()

    def listen(self, audio: Audio, sample_rate_hz: int, windows: Sequence[Window]) -> HeardSound:
        """Hear float32 (channels, samples) in these windows."""
        return self.listen_all([(audio, sample_rate_hz, windows)])[0]

    def listen_all(self, sounds: Sequence[tuple[Audio, int, Sequence[Window]]]) -> list[HeardSound]:
        """Hear several sounds together, which is faster."""
        keys = [_fingerprint(*sound) for sound in sounds]
        new = {key: sound for key, sound in zip(keys, sounds, strict=True) if key not in self._memory}
        heard = self._hear(list(new.values()))
        found = {
            **{key: self._memory[key] for key in keys if key in self._memory},
            **dict(zip(new, heard, strict=True)),
        }
        for key, sound in found.items():
            self._memory[key] = sound
            self._memory.move_to_end(key)
        while len(self._memory) > self._most:
            self._memory.popitem(last=False)
        return [found[key] for key in keys]

    def _hear(self, sounds: Sequence[tuple[Audio, int, Sequence[Window]]]) -> list[HeardSound]:
        pieces = [ear_powers(audio[:, slice(*samples_of(w, rate))], rate) for audio, rate, ws in sounds for w in ws]
        owners = [number for number, (_, _, windows) in enumerate(sounds) for _ in windows]
        told = self._tell(pieces)
        return [
            _together([told[i] for i, owner in enumerate(owners) if owner == number], tuple(windows))
            for number, (_, _, windows) in enumerate(sounds)
        ]

    def _tell(self, pieces: Sequence[Powers]) -> list[tuple[NDArray[np.float64], ...]]:
        """Levels, covariance, presence and memory of each piece; pieces of one length go together."""
        import torch

        config = self._model.config
        told: dict[int, tuple[NDArray[np.float64], ...]] = {}
        lengths = [piece.shape[2] for piece in pieces]
        for length in sorted(set(lengths)):
            same = [number for number, own in enumerate(lengths) if own == length]
            for first in range(0, len(same), MOST_AT_ONCE):
                batch = same[first : first + MOST_AT_ONCE]
                with torch.inference_mode():
                    heard = self._model.hear(torch.from_numpy(np.stack([pieces[number] for number in batch])))
                    covariance = heard.cholesky @ heard.cholesky.transpose(1, 2) * config.hearing_scale
                    parts = (heard.levels, covariance, torch.sigmoid(heard.present_logits), heard.pooled)
                rows = [part.numpy().astype(np.float64) for part in parts]
                told.update({number: tuple(row[i] for row in rows) for i, number in enumerate(batch)})
        return [told[number] for number in range(len(pieces))]


def _together(told: Sequence[tuple[NDArray[np.float64], ...]], windows: tuple[Window, ...]) -> HeardSound:
    """Windows of one sound: they share what the ear gets wrong, so hearing more of them makes it no surer."""
    levels, covariance, present, remembered = (np.stack(part) for part in zip(*told, strict=True))
    weight = present / np.maximum(present.sum(0), 1e-9)
    return HeardSound(
        Belief((weight * levels).sum(0), covariance.mean(0)),
        present.max(0),
        remembered.mean(0).astype(np.float32),
        windows,
    )


def _fingerprint(audio: Audio, sample_rate_hz: int, windows: Sequence[Window]) -> bytes:
    digest = hashlib.blake2b(repr((sample_rate_hz, audio.shape, tuple(windows))).encode(), digest_size=16)
    for window in windows:
        digest.update(np.ascontiguousarray(audio[:, slice(*samples_of(window, sample_rate_hz))]).data)
    return digest.digest()
