"""Words on pictures: how wide they are, how they are shortened, and how figures and times are written."""

import unicodedata

TEXT_PX, SMALL_PX = 12.0, 11.0
_NARROW_LETTERS, _BROAD_LETTERS = frozenset("fijlrtI1.,:;|!'()[]/ ·"), frozenset("mwMW%@▲◆○●→—…")


def text_px(words: str, size: float = TEXT_PX) -> float:
    """About how wide the words are; rather too wide than too narrow for the fonts of web pages."""
    return size * sum(
        1.05 if unicodedata.east_asian_width(c) in "WF" else 0.38 if c in _NARROW_LETTERS
        else 0.92 if c in _BROAD_LETTERS else 0.7 if c.isupper() else 0.62
        for c in words
    )  # fmt: skip


def fitted(words: str, width_px: float, size: float = TEXT_PX) -> str:
    """The words on one line, their middle left out where they are too long."""
    clean = one_line(words)
    if text_px(clean, size) <= width_px:
        return clean
    kept = len(clean) - 1
    while kept > 1 and text_px(_without_middle(clean, kept), size) > width_px:
        kept -= 1
    return _without_middle(clean, kept)


def one_line(words: str) -> str:
    """Without line breaks, control characters and what XML does not allow."""
    clean = ("\ufffd" if unicodedata.category(c) in ("Cs", "Cn") else c if c.isprintable() else " " for c in words)
    return " ".join("".join(clean).split())


def _without_middle(words: str, kept: int) -> str:
    end = kept // 3
    return f"{words[: kept - end].rstrip()}…{words[len(words) - end :].lstrip()}"


def number(value: float, decimals: int = 1) -> str:
    """Fixed decimals with a true minus sign, and never '−0.0'."""
    return f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", "−")


def signed(value: float, decimals: int = 1) -> str:
    text = number(value, decimals)
    return f"+{text}" if round(value, decimals) > 0 else text


def clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds + 0.5), 60)
    return f"{minutes}:{rest:02d}"
