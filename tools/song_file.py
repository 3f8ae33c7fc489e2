"""`song.toml`: what the user says about a song. Its text is data, never an instruction."""

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.roles import Role


class SongFile(BaseModel):
    """The contents of `song.toml`; every entry is optional."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str | None = Field(default=None, max_length=200)
    genre: str | None = Field(default=None, max_length=200)
    roles: dict[str, Role] = Field(default_factory=dict, description="stem name to role")
    locks: tuple[str, ...] = Field(default=(), description="stems or groups that stay as they are")
    notes: str | None = Field(default=None, max_length=20_000)
    reference: str | None = Field(default=None, description="path of the reference, relative to the song")
    same_song: bool | None = Field(default=None, description="whether the reference is of the same song")


def read_song_file(path: Path) -> SongFile:
    """Read `song.toml`; all defaults where there is none. Raises UserError with the entry that is wrong."""
    if not path.is_file():
        return SongFile()
    try:
        return SongFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"'{path}' is no valid TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        entry = ".".join(str(part) for part in first["loc"]) or "the file"
        expected = first["msg"].replace("valid tuple", "list").replace("Input should be", "expected")
        if first["type"] == "extra_forbidden":
            expected = f"no such entry; known are {', '.join(SongFile.model_fields)}"
        raise UserError(f"'{path}': {entry}: {expected}") from error
