"""The two kinds of failure that are not our bugs: the user can mend one, the language model the other."""

import unicodedata


class MixingBuddyError(Exception):
    """Anything that is not a defect of this program."""


class UserError(MixingBuddyError):
    """The user can mend this: one line that says what came, what was expected and what to do."""

    def __str__(self) -> str:
        return printable(super().__str__(), limit=600)


class ModelMistake(MixingBuddyError):
    """The language model can mend this: the text goes back to it as the tool's answer."""


def printable(text: str, limit: int = 120) -> str:
    """`text` on one line, without control or direction-changing characters, at most `limit` characters."""
    shown = "".join(" " if unicodedata.category(c) in {"Cc", "Zl", "Zp"} else c for c in text)
    shown = "".join(c for c in shown if unicodedata.category(c) not in {"Cf", "Cs", "Co"} or c == "\u200d")
    shown = " ".join(shown.split())
    return shown if len(shown) <= limit else shown[: limit - 1].rstrip() + "…"
