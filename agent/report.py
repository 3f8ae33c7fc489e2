"""The page of a critique: one self-contained HTML file with the advice, the faders, two players and the proof."""

import base64
import io
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import numpy as np

from mixingbuddy.agent.outputs import MatchedMixes
from mixingbuddy.agent.pictures import ReportPicture
from mixingbuddy.agent.state import ProposedMove
from mixingbuddy.tools.audio import Audio, Clip, resampled
from mixingbuddy.tools.files import write_text
from mixingbuddy.tools.levels import StemLevel
from mixingbuddy.tools.moves import GAIN_MAX_DB, GAIN_MIN_DB
from mixingbuddy.tools.verify import CheckedClaim

if TYPE_CHECKING:
    from jinja2 import Environment

    from mixingbuddy.agent.critique import CritiqueResult

TEMPLATE = "templates/report.html.j2"
LONGEST_EMBEDDED_S = 12 * 60.0
WAVE_BARS = 300
WAVE_HEIGHT = 72.0
# libsndfile turns the level into a constant bitrate: 160 kbit/s stereo, 96 to 112 kbit/s mono.
MP3_LEVEL = {1: 0.75, 2: 0.5}
SEVERITIES = ("major", "minor", "info")

METRICS = {
    "level_rel_mix_lu": "Level in the mix",
    "group_level_rel_known_lu": "Level of the group",
    "spectral_distance_to_reference_db": "Spectral distance to the reference (at most)",
    "gain_to_reference_db": "Distance from the reference",
    "loudness_lufs": "Loudness of the mix",
    "true_peak_dbtp": "True peak of the mix",
}
STATUSES = {
    "proved": ("✓", "Proved", "Every move was rendered and measured again, and did what it promised."),
    "partly": ("◐", "Partly proved", "The moves shown here held when measured; others did not and were withdrawn."),
    "nothing_to_do": (
        "○",
        "Nothing to do",
        "The balance was measured, and nothing was found that calls for a fader move.",
    ),
    "withdrawn": ("✕", "Withdrawn", "What was tried did not hold when measured, so no move is recommended."),
}

WITHOUT_STEMS = ("○", "No stems", "One mix without stems: it was listened to, but there is no fader to move in it.")


@dataclass(frozen=True)
class Strip:
    """One stem's fader, the moves that bring it from 0 dB to `gain_db`, and its measured level in the mix."""

    level: StemLevel
    moves: tuple[ProposedMove, ...]
    gain_db: float
    claim: CheckedClaim | None
    after_lu: float | None


@dataclass(frozen=True)
class Track:
    """One side of the player. `source` is a data: URI, or a file's name; `wave` an SVG path of its levels."""

    side: str
    file: str
    source: str
    wave: str


def write_report(
    result: "CritiqueResult",
    mixes: MatchedMixes,
    target: Path,
    pictures: Sequence[ReportPicture] = (),
    explanation: str | None = None,
) -> Path:
    """Write the page of one critique, whole or not at all. Raises UserError where the folder cannot be written to."""
    return write_text(target, render_report(result, mixes, pictures, explanation))


def render_report(
    result: "CritiqueResult",
    mixes: MatchedMixes,
    pictures: Sequence[ReportPicture] = (),
    explanation: str | None = None,
) -> str:
    """The page as HTML; all text of the song and of the advisor is escaped, and nothing is fetched from anywhere.

    `explanation` is the moves in the advisor's own words, a sentence a line.
    """
    from importlib.metadata import version
    from importlib.resources import files

    template = (files("mixingbuddy.agent") / TEMPLATE).read_text(encoding="utf-8")
    strips = fader_strips(result)
    return (
        _environment()
        .from_string(template)
        .render(
            result=result,
            mixes=mixes,
            explanation=(explanation or "").splitlines(),
            moved=[strip for strip in strips if strip.moves],
            resting=[strip for strip in strips if not strip.moves],
            embedded=is_embedded(mixes),
            tracks=_tracks(result, mixes),
            status=_status(result),
            metrics=METRICS,
            findings=sorted(result.findings, key=lambda finding: SEVERITIES.index(finding.severity)),
            kept=sum(claim.kept for claim in result.verification.claims),
            files=[PurePath(path).name for path in result.files.model_dump().values() if path],
            balance=[picture for picture in pictures if picture.name == "faders"],
            pictures=[picture for picture in pictures if picture.name != "faders"],
            wave_box=f"0 0 {WAVE_BARS} {WAVE_HEIGHT:g}",
            version=version("mixingbuddy"),
        )
    )


def fader_strips(result: "CritiqueResult") -> list[Strip]:
    """One strip per stem: those that move first, in the order of the moves."""
    order = list(dict.fromkeys(move.stem for move in result.moves))
    levels = sorted(result.song.stems, key=lambda s: order.index(s.name) if s.name in order else len(order))
    return [_strip(result, level) for level in levels]


def _strip(result: "CritiqueResult", level: StemLevel) -> Strip:
    moves = tuple(move for move in result.moves if move.stem == level.name)
    claims = (c for c in result.verification.claims if c.stem == level.name and c.metric == "level_rel_mix_lu")
    after_lu = result.verification.levels_lu.get(level.name)
    return Strip(level, moves, round(sum(move.gain_db for move in moves), 2), next(claims, None), after_lu)


def is_embedded(mixes: MatchedMixes) -> bool:
    """Whether the page carries the audio itself, or plays the files that lie beside it."""
    return max(mixes.before.duration_s, mixes.after.duration_s) <= LONGEST_EMBEDDED_S


def _status(result: "CritiqueResult") -> tuple[str, str, str]:
    """Mark, heading and sentence of how it went."""
    without_stems = any(finding.kind == "mix_without_stems" for finding in result.findings)
    return WITHOUT_STEMS if without_stems else STATUSES[result.verification.status]


def _tracks(result: "CritiqueResult", mixes: MatchedMixes) -> list[Track]:
    """Before and after; where nothing moved they are the same, and one is enough."""
    sides = [
        ("before", result.files.mix_before, mixes.before),
        ("after", result.files.mix_after, mixes.after),
    ][: 2 if result.moves else 1]
    clips = [clip for _, _, clip in sides]
    names = [PurePath(path or f"mix_{side}.wav").name for side, path, _ in sides]
    levels = [slice_levels(clip.audio) for clip in clips]
    loudest = max(float(level.max()) for level in levels)
    with ThreadPoolExecutor(2) as pool:
        sources = list(pool.map(mp3_data_uri, clips)) if is_embedded(mixes) else names
    return [
        Track(side, name, source, wave_path(level, loudest))
        for (side, _, _), name, source, level in zip(sides, names, sources, levels, strict=True)
    ]


def mp3_data_uri(clip: Clip) -> str:
    """The clip as a data: URI with an MP3 inside, at 44.1 or 48 kHz."""
    import soundfile

    rate_hz = clip.sample_rate_hz
    fits_44k = rate_hz % 44_100 == 0 or 44_100 % rate_hz == 0
    clip = resampled(clip, 44_100 if fits_44k else 48_000)
    file = io.BytesIO()
    soundfile.write(
        file,
        clip.audio.T,
        clip.sample_rate_hz,
        format="MP3",
        subtype="MPEG_LAYER_III",
        bitrate_mode="CONSTANT",
        compression_level=MP3_LEVEL[clip.audio.shape[0]],
    )
    return f"data:audio/mpeg;base64,{base64.b64encode(file.getbuffer()).decode('ascii')}"


def wave_path(levels: Audio, loudest: float) -> str:
    """An SVG path of one vertical line per slice of the song, as tall as it is loud; `loudest` fills the height."""
    middle, width = WAVE_HEIGHT / 2, WAVE_BARS / len(levels)
    reaches = np.maximum(levels / (loudest or 1.0) * (middle - 2), 0.4)
    return "".join(
        f"M{(index + 0.5) * width:.1f} {middle - reach:.1f}V{middle + reach:.1f}" for index, reach in enumerate(reaches)
    )


def slice_levels(audio: Audio) -> Audio:
    """RMS of equal slices of the song, all channels together, shape (at most WAVE_BARS,)."""
    edges = np.linspace(0, audio.shape[1], min(WAVE_BARS, audio.shape[1]) + 1, dtype=int)
    squares = [float(np.square(audio[:, start:end]).mean()) for start, end in pairwise(edges.tolist())]
    return np.sqrt(np.array(squares, np.float32))


def number(value: float, decimals: int = 1) -> str:
    """Fixed decimals with a true minus sign, and never '−0.0'."""
    rounded = round(value, decimals) + 0.0
    return f"{rounded:.{decimals}f}".replace("-", "−")


def signed(value: float, decimals: int = 1) -> str:
    """As `number`, with a plus sign for what is above zero."""
    text = number(value, decimals)
    return f"+{text}" if round(value, decimals) > 0 else text


def plain(value: float) -> str:
    """A figure of any size: two decimals at most, small ones with two significant figures."""
    text = f"{value:.2g}" if 0 < abs(value) < 0.1 else f"{value:.2f}".rstrip("0").rstrip(".")
    return text.replace("-", "−")


def percent(share: float) -> str:
    """A share in percent that says 0 % and 100 % only where that is exactly so."""
    if 0 < share < 0.005:
        return "under 1\u00a0%"
    return "over 99\u00a0%" if 0.995 <= share < 1 else f"{100 * share:.0f}\u00a0%"


def clock(seconds: float, decimals: int = 0) -> str:
    """A time in the song as m:ss."""
    ticks = math.floor(seconds * 10**decimals + 1e-6)
    minutes, rest = divmod(ticks, 60 * 10**decimals)
    width = 2 if decimals == 0 else 3 + decimals
    return f"{minutes}:{rest / 10**decimals:0{width}.{decimals}f}"


def time_range(where: Sequence[float]) -> str:
    """A stretch of the song; tenths where whole seconds would not tell its ends apart."""
    decimals = 1 if where[1] - where[0] < 10 else 0
    return f"{clock(where[0], decimals)}–{clock(where[1], decimals)}"


def duration(seconds: float) -> str:
    """How long the song is: m:ss, and short ones in seconds."""
    return clock(seconds) if seconds >= 60 else f"{plain(round(seconds, 1 if seconds >= 1 else 2))}\u00a0s"


def fader_y(gain_db: float, px_per_db: float) -> float:
    """Height of a fader's cap below the top of its scale; what lies beyond the scale stays on its end."""
    return round((GAIN_MAX_DB - min(max(gain_db, GAIN_MIN_DB), GAIN_MAX_DB)) * px_per_db, 2)


def paragraphs(text: str) -> list[str]:
    """The text's paragraphs, split where a line is empty."""
    return [part.strip() for part in text.replace("\r\n", "\n").split("\n\n") if part.strip()]


def csp_hash(code: str) -> str:
    """The name by which the content security policy allows one inline script or style."""
    import hashlib

    return f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode('ascii')}'"


def _environment() -> "Environment":
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    words = (number, signed, plain, percent, clock, time_range, duration, fader_y, paragraphs, csp_hash)
    environment.filters.update({word.__name__: word for word in words})
    return environment
