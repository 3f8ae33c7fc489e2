"""docs/findings.md lists every kind of finding that the code can make, and no other."""

import ast
import re
from pathlib import Path
from typing import get_args

from mixingbuddy.tools.spectrum import BAND_NAMES
from mixingbuddy.tools.stem_pairs import Relation

ROOT = Path(__file__).resolve().parent.parent
DOC = ROOT / "docs" / "findings.md"


def kinds_in_code() -> set[str]:
    """Kinds of every `Finding(kind=...)`; `{}` stands for what an f-string fills in."""
    found: set[str] = set()
    for folder in ("tools", "models", "agent"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            found |= kinds_of(ast.parse(path.read_text()))
    return found


def kinds_of(module: ast.Module) -> set[str]:
    found = set()
    for function in ast.walk(module):
        if isinstance(function, ast.Call) and ast.unparse(function.func) == "Finding":
            (kind,) = [keyword.value for keyword in function.keywords if keyword.arg == "kind"]
            found |= resolved(kind, module)
    return found


def resolved(value: ast.expr, module: ast.Module) -> set[str]:
    if isinstance(value, ast.Constant):
        return {str(value.value)}
    if isinstance(value, ast.IfExp):
        return resolved(value.body, module) | resolved(value.orelse, module)
    if isinstance(value, ast.JoinedStr):
        return {"".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in value.values)}
    if isinstance(value, ast.Attribute) and value.attr == "relation":
        return set(get_args(Relation))
    if isinstance(value, ast.Name):
        return through_helper(value.id, module)
    raise AssertionError(f"this test cannot read kind={ast.unparse(value)}; write it as a constant")


def through_helper(parameter: str, module: ast.Module) -> set[str]:
    """What is passed to the function of this file that hands `parameter` on to Finding."""
    helpers = [
        (node.name, [argument.arg for argument in node.args.args].index(parameter))
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef) and parameter in [argument.arg for argument in node.args.args]
    ]
    found: set[str] = set()
    for call in ast.walk(module):
        for name, position in helpers:
            if isinstance(call, ast.Call) and ast.unparse(call.func) == name:
                keywords = {keyword.arg: keyword.value for keyword in call.keywords}
                found |= resolved(keywords[parameter] if parameter in keywords else call.args[position], module)
    assert found, f"nobody calls the helper with '{parameter}'"
    return found


def rows() -> dict[str, list[str]]:
    """The table's lines by kind."""
    cells = [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in DOC.read_text().splitlines()
        if line.startswith("| `")
    ]
    return {kind: row[1:] for row in cells for kind in re.findall(r"`([a-z_<>]+)`", row[0])}


def test_every_kind_in_the_code_is_in_the_table_and_every_kind_in_the_table_is_in_the_code() -> None:
    documented = {re.sub(r"<\w+>", "{}", kind) for kind in rows()}
    assert documented == kinds_in_code()


def test_the_code_is_read_at_all() -> None:
    kinds = kinds_in_code()
    assert {"cross_check", "disagreement"} <= kinds  # from a folder inside a folder
    assert {"clipping", "stereo_inverted", "stereo_out_of_phase", "reference_band_{}", "polarity_conflict"} <= kinds
    assert "spectral_band_{}" in kinds  # by way of a helper
    assert len(kinds) > 30


def test_every_line_of_the_table_is_complete() -> None:
    for kind, (unit, expected, where, severity) in rows().items():
        assert unit, kind
        assert expected, kind
        assert where in ("yes", "whole song", "no"), kind
        assert re.search(r"\b(info|minor|major)\b", severity), kind


def test_what_is_filled_in_is_named() -> None:
    assert all(f"`{name}`" in DOC.read_text() for name in BAND_NAMES)
