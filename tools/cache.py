"""Measurements kept between commands, keyed by what the stems contain and by the code that measured them.

One file per song, written beside and renamed, so that processes never see each other's halves; what cannot be read is
measured anew. Nothing of it is code: arrays and JSON in one zip archive, whose checksums are verified on reading.
"""

import hashlib
import json
import logging
import os
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from mixingbuddy.tools.cross_energies import CrossEnergies
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.files import sha256_of, write_text, written_beside
from mixingbuddy.tools.found_song import StemFile
from mixingbuddy.tools.masking import HiddenMap
from mixingbuddy.tools.measured_song import MeasuredSong, SongFigures

_LOG = logging.getLogger(__name__)
Arrays = dict[str, NDArray[Any]]
MOST_BYTES = 2 << 30
_UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, ValidationError)


@lru_cache(maxsize=1)
def analysis_version() -> str:
    """A digest of all code and tables that measure: whatever of them changes, nothing old is believed."""
    digest = hashlib.sha256()
    for file in sorted(files("mixingbuddy.tools").iterdir(), key=lambda file: file.name):
        if file.name.endswith((".py", ".json", ".toml")):
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


class Cache:
    """Measurements of songs in a folder. A folder that cannot be written to keeps nothing, and nothing fails."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def key(self, stems: Sequence[StemFile], sample_rate_hz: int, with_time: bool) -> str:
        """What identifies measurements: names, roles and contents of the stems, sample rate, extent and version."""
        told = [(stem.name, stem.role, stem.stream, self.content_hash(stem.path)) for stem in stems]
        return hashlib.sha256(json.dumps([analysis_version(), sample_rate_hz, with_time, told]).encode()).hexdigest()

    def content_hash(self, path: Path) -> str:
        """SHA-256 of a file; known from before where path, size, times and inode are the same."""
        place = self.folder / "hashes" / f"{hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:24]}.json"
        status = path.stat()
        now = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
        with suppress(*_UNREADABLE):
            known = json.loads(place.read_text(encoding="utf-8"))
            if known["file"] == now:
                return str(known["sha256"])
        digest = sha256_of(path)
        with suppress(UserError):
            write_text(place, json.dumps({"file": now, "sha256": digest}))
        return digest

    def get(self, key: str) -> MeasuredSong | None:
        """The measurements, or None where there are none that can be read."""
        place = self._place(key)
        try:
            with place.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                measured = _unpacked({name: stored[name] for name in stored.files})
            os.utime(place)
        except FileNotFoundError:
            return None
        except _UNREADABLE as error:
            _LOG.warning("what was measured earlier is damaged (%s) and is measured anew", place)
            _LOG.debug("%s", error)
            return None
        return measured

    def put(self, key: str, measured: MeasuredSong) -> None:
        """Keep the measurements."""
        with suppress(UserError), written_beside(self._place(key)) as beside, beside.open("wb") as file:
            np.savez(file, allow_pickle=False, **_packed(measured))
        self._make_room()

    def _place(self, key: str) -> Path:
        return self.folder / "songs" / f"{key}.npz"

    def _make_room(self) -> None:
        """Forget what was not used for longest, where all takes more than 2 GiB."""
        with suppress(OSError):
            kept = sorted(
                ((file.stat(), file) for file in self.folder.glob("songs/*.npz")), key=lambda f: f[0].st_mtime
            )
            total = sum(status.st_size for status, _ in kept)
            for status, file in kept[:-1]:
                if total <= MOST_BYTES:
                    break
                file.unlink(missing_ok=True)
                total -= status.st_size


def _packed(measured: MeasuredSong) -> Arrays:
    document = {
        "figures": measured.figures.model_dump(mode="json"),
        "column_s": measured.hidden.column_s if measured.hidden else None,
    }
    arrays: Arrays = {
        "document": np.frombuffer(json.dumps(document, allow_nan=False).encode(), np.uint8),
        "per_hop": measured.energies.per_hop,
        "short_term_lufs": measured.short_term_lufs,
        "envelope": measured.envelope,
    }
    if measured.hidden is not None:
        hidden = measured.hidden
        arrays |= {"hidden": hidden.hidden_share, "loudness": hidden.loudness, "edges_hz": hidden.edges_hz}
    return arrays


def _unpacked(arrays: Arrays) -> MeasuredSong:
    document = json.loads(arrays["document"].tobytes())
    figures = SongFigures.model_validate(document["figures"])
    stems = figures.levels.stems
    names, roles = tuple(stem.name for stem in stems), tuple(stem.role for stem in stems)
    hidden = None
    if document["column_s"] is not None:
        hidden = HiddenMap(arrays["hidden"], arrays["loudness"], arrays["edges_hz"], float(document["column_s"]))
    energies = CrossEnergies(names, roles, arrays["per_hop"])
    return MeasuredSong(figures, energies, arrays["short_term_lufs"], arrays["envelope"], hidden)
