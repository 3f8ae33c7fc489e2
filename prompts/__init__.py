"""Words only: system prompts, reply templates and the offline planner's vocabulary, behind one loader."""

import tomllib
from functools import lru_cache
from importlib.resources import files
from string import Template
from typing import Any


def load(name: str, **values: object) -> str:
    """The text `name`.md with its `$variables` filled in.

    Raises KeyError for a variable without a value, and for a value that the text does not use.
    """
    template = Template(_read(f"{name}.md"))
    unused = values.keys() - set(template.get_identifiers())
    if unused:
        raise KeyError(f"'{name}' has no variable {', '.join(sorted(unused))}")
    return template.substitute({key: str(value) for key, value in values.items()}).strip()


@lru_cache(maxsize=8)
def load_table(name: str) -> dict[str, Any]:
    """The data file `name`.toml."""
    return tomllib.loads(_read(f"{name}.toml"))


def _read(name: str) -> str:
    return files("mixingbuddy.prompts").joinpath(name).read_text(encoding="utf-8")
