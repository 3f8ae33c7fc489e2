"""The glossary: every concept that this assistant explains, with its sources, and how people's words find it."""

import difflib
import re
import tomllib
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mixingbuddy.agent.requests import Quality
from mixingbuddy.agent.teaching.glossary_index import Index, Page, normal, plain_words, readings
from mixingbuddy.prompts import load_table
from mixingbuddy.tools.errors import UserError, printable

MOST_SUGGESTIONS = 3
SHORTEST_MISSPELLING = 5
LIKE_ENOUGH = 0.82
_HEADINGS = {
    "what_it_is": "What it is",
    "when_to_use_it": "When to use it",
    "how_it_sounds": "How it sounds",
    "what_to_try": "What to try",
    "typical_values": "Typical values",
}
_FILE = re.compile(r"\A\+\+\+\n(?P<front>.*?)\n\+\+\+\n(?P<body>.*)\Z", re.DOTALL)
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_FROZEN = ConfigDict(frozen=True, extra="forbid")

Theme = Literal[
    "levels", "hearing", "tone", "dynamics", "space", "repair", "routing", "working", "listening", "delivery"
]


class Source(BaseModel):
    """A published work that an entry rests on."""

    model_config = _FROZEN

    author: str = Field(min_length=1)
    title: str = Field(min_length=1)
    year: int = Field(ge=1900, le=2100)
    where: str = Field(min_length=1, description="journal, publisher or convention")

    @property
    def text(self) -> str:
        return f"{self.author}, {self.title} ({self.where}, {self.year})"


class Entry(BaseModel):
    """One concept, in five short sections."""

    model_config = _FROZEN

    slug: str
    title: str = Field(min_length=1)
    theme: Theme
    aliases: tuple[str, ...] = Field(min_length=1, description="other names, abbreviations and misspellings")
    symptoms: tuple[str, ...] = Field(min_length=1, description="what people say who do not know the name")
    qualities: tuple[Quality, ...] = Field(description="complaints that it has to do with, the closest first")
    related: tuple[str, ...] = Field(min_length=1, description="slugs of other entries")
    sources: tuple[Source, ...] = Field(min_length=1)
    what_it_is: str = Field(min_length=1)
    when_to_use_it: str = Field(min_length=1)
    how_it_sounds: str = Field(min_length=1)
    what_to_try: str = Field(min_length=1)
    typical_values: str = Field(min_length=1)

    @property
    def sections(self) -> tuple[tuple[str, str], ...]:
        """Headings with their texts, in order."""
        return tuple((heading, getattr(self, field)) for field, heading in _HEADINGS.items())


class Lookup(BaseModel):
    """What words were taken for."""

    model_config = _FROZEN

    entry: Entry
    guessed: bool = Field(description="found from a description, without its name")
    others: tuple[Entry, ...] = Field(default=(), description="what else the description fits")


@lru_cache(maxsize=1)
def entries() -> dict[str, Entry]:
    """Every entry by its slug. Raises ValueError with the file's name where one is broken."""
    folder = files("mixingbuddy.prompts").joinpath("glossary")
    texts = {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir() if file.name.endswith(".md")}
    return {name.removesuffix(".md"): read_entry(name, texts[name]) for name in sorted(texts)}


def read_entry(name: str, text: str) -> Entry:
    """The entry in a file: TOML between two lines of +++, then the five sections in their order.

    Raises ValueError with the file's name for anything else.
    """
    parts = _FILE.match(text)
    if parts is None:
        raise ValueError(f"glossary entry {name}: expected TOML between two lines of +++, then the sections")
    lead, *rest = _HEADING.split(parts["body"])
    found = dict(zip(rest[::2], rest[1::2], strict=True))
    if lead.strip() or rest[::2] != list(_HEADINGS.values()):
        raise ValueError(f"glossary entry {name}: expected exactly the sections {', '.join(_HEADINGS.values())}")
    sections = {field: " ".join(found[heading].split()) for field, heading in _HEADINGS.items()}
    try:
        return Entry(slug=name.removesuffix(".md"), **tomllib.loads(parts["front"]), **sections)
    except (tomllib.TOMLDecodeError, ValidationError, TypeError) as error:
        raise ValueError(f"glossary entry {name}: {error}") from error


def find(words: str) -> Entry | None:
    """The entry of that title, alias, slug, singular or plural, or near misspelling; None where there is none."""
    names = _names()
    possible = readings(words)
    for reading in possible:
        if normal(reading) in names:
            return entries()[names[normal(reading)]]
    term = possible[-1]
    close = difflib.get_close_matches(term, _spellings(), n=1, cutoff=LIKE_ENOUGH)
    if len(term) < SHORTEST_MISSPELLING or not close or close[0][0] != term[0]:
        return None
    return entries()[_spellings()[close[0]]]


def suggest(description: str) -> tuple[Entry, ...]:
    """At most three entries for a problem that is described without its name; empty where nothing fits well."""
    return tuple(entries()[slug] for slug in _index().best(description, MOST_SUGGESTIONS))


def for_quality(quality: Quality) -> tuple[Entry, ...]:
    """The entries about a complaint such as 'muddy', the closest first."""
    about = [entry for entry in entries().values() if quality in entry.qualities]
    return tuple(sorted(about, key=lambda entry: (entry.qualities.index(quality), not _named_so(entry, quality))))


def themes() -> dict[Theme, str]:
    """Every theme with its heading, in the order in which they are listed."""
    headings: dict[Theme, str] = load_table("glossary")["themes"]
    return headings


def look_up(words: str) -> Lookup:
    """A term, or what a description is most likely about. Raises UserError that names the nearest terms."""
    entry = find(words)
    if entry is not None:
        return Lookup(entry=entry, guessed=False)
    guesses = suggest(words)
    if guesses:
        return Lookup(entry=guesses[0], guessed=True, others=guesses[1:])
    near = ", ".join(nearest_titles(words))
    raise UserError(
        f"the glossary has nothing on '{printable(words, 60)}'; the nearest terms are: {near}. "
        "Ask for one of them, or describe the problem in other words"
    )


def nearest_titles(words: str) -> tuple[str, ...]:
    """Titles of the entries whose names are spelt most like `words`."""
    close = difflib.get_close_matches(readings(words)[-1], _spellings(), n=9, cutoff=0.0)
    return tuple(dict.fromkeys(entries()[_spellings()[name]].title for name in close))[:MOST_SUGGESTIONS]


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    """Normal form of every name to its slug."""
    return {normal(name): slug for name, slug in _spellings().items()}


@lru_cache(maxsize=1)
def _spellings() -> dict[str, str]:
    """Every name in small letters to its slug."""
    named = ((name, entry.slug) for entry in entries().values() for name in (*entry.aliases, entry.title, entry.slug))
    return {" ".join(plain_words(name)): slug for name, slug in named}


@lru_cache(maxsize=1)
def _index() -> Index:
    complaints = load_table("vocabulary")["kinds"]["quality"]
    heard = {for_quality(quality)[0].slug: complaints[quality] for quality in get_args(Quality)}
    return Index([_page(entry, heard.get(entry.slug, ())) for entry in entries().values()])


def _page(entry: Entry, complaints: Sequence[str]) -> Page:
    """`complaints` are the words that the parser knows for what the entry is about."""
    prose = f"{entry.what_it_is} {entry.when_to_use_it} {entry.how_it_sounds}"
    return Page(entry.slug, (entry.title, *entry.aliases), (*entry.symptoms, *complaints), prose)


def _named_so(entry: Entry, quality: str) -> bool:
    return normal(quality.replace("_", " ")) in {normal(alias) for alias in entry.aliases}
