"""What other programs read: strict JSON on stdout."""

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import BaseModel


def print_json(document: "BaseModel | Sequence[BaseModel]") -> None:
    """Print one JSON document, a list for a sequence."""
    plain = (
        [one.model_dump(mode="json") for one in document]
        if isinstance(document, Sequence)
        else document.model_dump(mode="json")
    )
    sys.stdout.write(json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
