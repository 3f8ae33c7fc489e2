"""Every test that the table of complaints names exists."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "complaints.md"


def test_every_row_names_a_test_that_exists() -> None:
    if not PAGE.exists():
        pytest.skip("the docs are not part of the wheel")
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    told = [row for row in rows if not row.startswith("| what users")]
    assert len(told) == 19
    for row in told:
        named = re.findall(r"`(test_\w+\.py)(?:::(test_\w+))?`", row)
        assert named, row
        for file, name in named:
            assert f"def {name}" in (TESTS / file).read_text(encoding="utf-8"), (file, name)
