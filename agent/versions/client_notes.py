"""A client's mail cut into single notes: lines, bullets, numbers and semicolons."""

import re
from collections.abc import Iterator
from pathlib import Path

from mixingbuddy.tools.errors import UserError, printable

MOST_NOTES = 50
LONGEST_NOTE = 300
LONGEST_HEADING = 3  # words
LARGEST_FILE = 100_000  # bytes
_QUOTED = re.compile(r"^(?:\s*>)+\s?")
_BULLET = re.compile(r"^\s*(?:[-–—*•·‣◦+]\s*(?:\[[ xX]?\]\s*)?|\(?\d{1,3}[.)]\s+|\(?[a-zA-Z][.)]\s+|\[[ xX]?\]\s*)")
_SIGNATURE = re.compile(r"^--\s*$")
_WRAPPED_AT = 50  # characters: a shorter line ended because its writer wanted it to


def notes_of(path: Path) -> tuple[str, ...]:
    """The notes in a text file. Raises UserError where it cannot be read or holds no or too many notes."""
    shown = printable(str(path), 200)
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise UserError(f"cannot read the notes '{shown}': {error.strerror or error}") from error
    if len(data) > LARGEST_FILE:
        raise UserError(f"'{shown}' is larger than {LARGEST_FILE // 1000} kB; give a text file with the notes alone")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"'{shown}' is no UTF-8 text; save it as plain text (UTF-8)") from error
    notes = split_notes(text)
    if not notes:
        raise UserError(f"'{shown}' holds no notes; write one a line")
    if len(notes) > MOST_NOTES:
        raise UserError(f"'{shown}' holds {len(notes)} notes; at most {MOST_NOTES} are checked at once: split the file")
    return notes


def split_notes(text: str) -> tuple[str, ...]:
    """Single notes, each on one printable line of at most 300 characters; what follows a signature mark is left out.

    A line that ends in a colon is no note; a short one ("Vocals:") stands before every note up to the next empty line.
    """
    notes: list[str] = []
    heading = ""
    for line in _lines(text):
        shown = printable(line, LONGEST_NOTE)
        if shown.endswith(":"):
            heading = f"{shown} " if len(shown.split()) <= LONGEST_HEADING else ""
        elif not shown:
            heading = ""
        else:
            parts = (printable(heading + part, LONGEST_NOTE) for part in line.split(";") if _says_something(part))
            notes += parts
    return tuple(notes)


def _says_something(part: str) -> bool:
    return any(letter.isalnum() for letter in printable(part, LONGEST_NOTE))


def _lines(text: str) -> Iterator[str]:
    """Lines without quotation and bullet marks; a line that a mail program wrapped is joined again."""
    waiting: str | None = None
    for raw in text.splitlines():
        line = _QUOTED.sub("", raw)
        if _SIGNATURE.match(line):
            break
        bullet = _BULLET.match(line)
        if waiting and bullet is None and _goes_on(waiting, line):
            waiting = f"{waiting.rstrip()} {line.strip()}"
            continue
        if waiting is not None:
            yield waiting
        waiting = line[bullet.end() :] if bullet else line
    if waiting is not None:
        yield waiting


def _goes_on(line: str, following: str) -> bool:
    begins_small = following.strip()[:1].islower()
    return begins_small and len(line.rstrip()) >= _WRAPPED_AT and line.rstrip()[-1] not in ".;:!?"
