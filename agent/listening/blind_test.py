"""A page for a blind test: can you tell two mixes apart, and which do you prefer? It holds the audio itself."""

import base64
import io
from pathlib import Path
from typing import Any

from mixingbuddy.agent.listening.listening_clips import HeardPair, heard_pair, loudness_lufs
from mixingbuddy.agent.listening.listening_sides import Sides
from mixingbuddy.agent.results import Listening
from mixingbuddy.agent.workbench import Workbench
from mixingbuddy.tools.audio import Clip
from mixingbuddy.tools.files import write_text

TEMPLATE = "templates/blind_test.html"


def write_blind_test(bench: Workbench, sides: Sides, folder: Path) -> Listening:
    """Write the page. Raises UserError where the folder cannot be written."""
    target = folder / f"{sides.slug}-blind-test.html"
    bench.song.found.keep_off(target)
    heard = heard_pair(bench, sides)
    facts = _facts(bench.song.multitrack.name, sides.slug, heard)
    write_text(target, render_page(facts, heard))
    return Listening(
        what="blind_test",
        page=str(target.resolve()),
        loudness_lufs=facts["loudness_lufs"],
        trim_db=heard.trim_db,
        start_s=facts["start_s"],
        duration_s=facts["duration_s"],
        whole_song=heard.whole_song,
        same=heard.same,
    )


def render_page(facts: dict[str, Any], heard: HeardPair) -> str:
    """The page as HTML; every name is escaped, and nothing is fetched from anywhere."""
    from importlib.metadata import version
    from importlib.resources import files

    from jinja2 import Environment, StrictUndefined

    from mixingbuddy.agent.report import clock, csp_hash, number, signed

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update({word.__name__: word for word in (clock, csp_hash, number, signed)})
    template = (files("mixingbuddy.agent") / TEMPLATE).read_text(encoding="utf-8")
    audios = [flac_base64(side.clip) for side in (heard.a, heard.b)]
    return environment.from_string(template).render(
        facts=facts, heard=heard, audios=audios, version=version("mixingbuddy")
    )


def flac_base64(clip: Clip) -> str:
    """The clip as FLAC, 16 bit: every browser decodes it, and no coder's artefacts can give a mix away."""
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, clip.audio.T, clip.sample_rate_hz, format="FLAC", subtype="PCM_16")
    return base64.b64encode(file.getbuffer()).decode("ascii")


def _facts(song: str, slug: str, heard: HeardPair) -> dict[str, Any]:
    loudness = loudness_lufs(heard.a.clip.audio, heard.a.clip.sample_rate_hz) if heard.matched else None
    return {
        "song": song,
        "slug": slug,
        "sides": [{"what": side.what, "gain_db": round(side.gain_db, 2)} for side in (heard.a, heard.b)],
        "loudness_lufs": None if loudness is None else round(loudness, 2),
        "trim_db": heard.trim_db,
        "start_s": round(heard.start_s, 3),
        "duration_s": round(heard.duration_s, 3),
    }
