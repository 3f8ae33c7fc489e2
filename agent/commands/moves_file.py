"""Read moves that somebody wrote down: a recall sheet (CSV), or JSON as `critique --json` prints it."""

import csv
import io
import json
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.moves import GainMove

_MOVES = TypeAdapter(list[GainMove])
_FIELDS = set(GainMove.model_fields)


def read_moves(path: Path, stems: tuple[str, ...]) -> list[GainMove]:
    """The moves in a `.csv` (columns stem, gain_db) or a `.json` (a list of moves, or a document with `moves`).

    Raises UserError that names the entry that is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read the moves '{path}': {error}") from error
    rows = _from_csv(text, path, stems) if path.suffix.lower() == ".csv" else _from_json(text, path)
    try:
        return _MOVES.validate_python(rows)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(f"'{path.name}': move {where}: got {first['input']!r}; {first['msg'].lower()}") from error


def _from_csv(text: str, path: Path, stems: tuple[str, ...]) -> list[dict[str, object]]:
    reader = csv.DictReader(io.StringIO(text))
    if not {"stem", "gain_db"} <= set(reader.fieldnames or ()):
        raise UserError(
            f"'{path.name}' needs the columns stem and gain_db; it has {', '.join(reader.fieldnames or ()) or 'none'}"
        )
    rows: list[dict[str, object]] = []
    for row in reader:
        name = row["stem"] or ""
        if name not in stems and name.startswith("'"):
            name = name[1:]
        if any(known["stem"] == name for known in rows):
            raise UserError(f"'{path.name}' has the stem '{name}' twice; a recall sheet has one line a stem")
        rows.append({"stem": name, "gain_db": row["gain_db"]})
    return rows


def _from_json(text: str, path: Path) -> list[object]:
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"'{path.name}' is neither JSON nor a .csv: {error}") from error
    moves = data.get("moves") if isinstance(data, dict) else data
    if not isinstance(moves, list):
        raise UserError(f'\'{path.name}\' holds no list of moves; expected [{{"stem": ..., "gain_db": ...}}]')
    return [{k: v for k, v in move.items() if k in _FIELDS} if isinstance(move, dict) else move for move in moves]
