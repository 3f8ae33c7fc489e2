"""Files are written beside their place and renamed, so that an interruption leaves nothing half done."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mixingbuddy.tools.errors import UserError

_UNFINISHED: set[Path] = set()


def make_folder(folder: Path) -> Path:
    """Create `folder` and its parents. Raises UserError where that is not allowed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"cannot write to the folder '{folder}': {error.strerror}; name another with --out or --workspace"
        ) from error
    return folder


@contextmanager
def written_beside(target: Path) -> Iterator[Path]:
    """Yield a path beside `target` to write to; it takes the target's name only if the block succeeds.

    Raises UserError where the folder cannot be written to.
    """
    make_folder(target.parent)
    try:
        handle, name = tempfile.mkstemp(
            prefix=f".{target.stem[:40]}-", suffix=f"{target.suffix}.part", dir=target.parent
        )
    except OSError as error:
        raise UserError(f"cannot write '{target}': {error.strerror}; choose another place with --out") from error
    os.close(handle)
    beside = Path(name)
    _UNFINISHED.add(beside)
    try:
        yield beside
        beside.chmod(0o666 & ~_umask())
        beside.replace(target)
    except OSError as error:
        raise UserError(
            f"cannot write '{target}': {error.strerror or error}; choose another place with --out"
        ) from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        _UNFINISHED.discard(beside)


@contextmanager
def temporary_folder(place: Path | None = None) -> Iterator[Path]:
    """A folder for what is needed only for a while. Raises UserError where none can be made."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="mixingbuddy-", dir=place))
    except OSError as error:
        raise UserError(
            f"cannot make a temporary folder in '{place or tempfile.gettempdir()}': {error.strerror}"
        ) from error
    _UNFINISHED.add(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _UNFINISHED.discard(folder)


def discard_unfinished() -> None:
    """Remove everything that is being written; for a process that is about to end at once."""
    for unfinished in list(_UNFINISHED):
        if unfinished.is_dir():
            shutil.rmtree(unfinished, ignore_errors=True)
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


def write_text(target: Path, text: str) -> Path:
    """Write `text` as UTF-8 to `target`, whole or not at all."""
    with written_beside(target) as beside:
        beside.write_text(text, encoding="utf-8")
    return target


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
