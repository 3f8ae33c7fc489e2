"""Tokens that belong together: 'version 3', 'the second verse', 'seven point five', and what 'oh' is."""

import re
from collections.abc import Sequence
from dataclasses import replace

from mixingbuddy.agent.understanding.names import Names
from mixingbuddy.agent.understanding.tokens import Token, words_of

ORDINAL_ENDINGS = {"st", "nd", "rd", "th"}
LONGEST_VERSION = 6  # digits
MINUTES = {"minute", "minutes", "min"}


def joined_tokens(tokens: Sequence[Token], names: Names) -> tuple[Token, ...]:
    """The tokens with those joined that make up one version, one number or one section."""
    return tuple(_with_all(_with_sections(_with_versions(_with_points(_with_interjections(tokens, names))))))


def _with_all(tokens: Sequence[Token]) -> list[Token]:
    """'All -1', 'unlock all': here "all" is every stem."""
    read = list(tokens)
    for index, token in enumerate(read):
        before, behind = read[max(index - 1, 0) : index], read[index + 1 : index + 2]
        counted = any(t.is_a("number|sign|way") for t in behind) or any(t.is_a("lock|unlock|raise") for t in before)
        if token.words == ("all",) and counted:
            read[index] = replace(token, kind="all", value="all")
    return read


def _with_interjections(tokens: Sequence[Token], names: Names) -> list[Token]:
    """'Oh' is the overheads only where something is said of them: 'oh -1', 'the oh'."""
    read = list(tokens)
    for index, token in enumerate(read):
        stem = names.stem(token.words) if token.kind == "interjection" else None
        before, behind = read[max(index - 1, 0) : index], read[index + 1 : index + 2]
        said_of = any(t.is_a("way|number|sign|amount|too|quality|loud|quiet|buried|poking") for t in behind) or any(
            t.is_a("the|raise") for t in before
        )
        if stem is not None and said_of:
            read[index] = replace(token, kind="stems", value="name", stems=(stem,))
    return read


def _with_points(tokens: Sequence[Token]) -> list[Token]:
    """'Seven point five' is 7.5."""
    read: list[Token] = []
    for token in tokens:
        if token.words[0] in ORDINAL_ENDINGS and read and read[-1].kind == "number" and read[-1].end == token.start:
            number = read.pop()
            token = Token("ordinal", "", (number.value + token.words[0],), number.start, token.end)
        if token.words == ("k",) and read and read[-1].kind == "number" and read[-1].end == token.start:
            token = replace(token, kind="unit", value="hz")
        counted = token.is_a("number|numeral") and len(read) > 1 and read[-1].kind == "point"
        if counted and read[-2].is_a("number|numeral") and _whole(token) and _whole(read[-2]):
            point, whole = read.pop(), read.pop()
            value = f"{_whole(whole)}.{_whole(token)}"
            token = _over([whole, point, token], "number", value)
        read.append(token)
    return read


def _whole(token: Token) -> str:
    """The digits of a whole number, or ''."""
    digits = token.value.removesuffix(".0")
    return digits if re.fullmatch(r"[+-]?\d{1,4}", digits) else ""


def _with_versions(tokens: Sequence[Token]) -> list[Token]:
    """'Version 3', 'v3' and 'version three'."""
    read: list[Token] = []
    for token in tokens:
        if token.is_a("number|numeral") and read and read[-1].kind == "version_word":
            number = token.value.removesuffix(".0").lstrip("+-")
            if number.isdecimal() and len(number) <= LONGEST_VERSION:
                token = _over([read.pop(), token], "version", str(int(number)))
        read.append(token)
    return read


def _with_sections(tokens: Sequence[Token]) -> list[Token]:
    """'The second verse', 'verse 2', 'section B', 'in B', 'bar 12', '1:20'."""
    read: list[Token] = []
    for token in tokens:
        before = read[-1] if read else None
        if token.kind == "time":
            token = replace(token, kind="section", value="time")
        elif token.kind == "section" and before is not None and before.kind == "ordinal":
            token = _over([read.pop(), token], "section", token.value)
        elif before is not None and _counts(before, token):
            parts = [read.pop(), token]
            if parts[0].words[-1] in MINUTES and read and read[-1].is_a("number|numeral"):
                parts.insert(0, read.pop())  # "1 minute 20"
            token = _over(parts, "section", "numbered")
        elif before is not None and before.kind == "in" and token.kind == "word" and len(token.words[0]) == 1:
            token = replace(token, kind="section", value="letter")
        read.append(token)
    return read


def _counts(before: Token, token: Token) -> bool:
    """Whether a number or a letter goes with the section before it: 'verse 2', 'section b', 'bar 12', 'part b'."""
    if before.words == ("part",):
        return token.kind == "word" and len(token.words[0]) == 1
    if not before.is_a("section|section_word") and before.words not in {("bar",), ("bars",)}:
        return False
    return token.is_a("number|numeral") or (token.is_a("word|a") and len(token.words[0]) == 1)


def _over(tokens: Sequence[Token], kind: str, value: str) -> Token:
    """One token in the place of several."""
    return Token(kind, value, words_of(tokens), tokens[0].start, tokens[-1].end)
