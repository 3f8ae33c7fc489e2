"""Files for listening: two mixes at equal loudness as 24-bit WAV, measured again once they are written."""

from pathlib import Path

from mixingbuddy.agent.listening.listening_clips import HeardClip, heard_pair, loudness_lufs
from mixingbuddy.agent.listening.listening_sides import Sides
from mixingbuddy.agent.results import Listening, ListeningFile
from mixingbuddy.agent.workbench import Workbench
from mixingbuddy.tools.audio import read_clip, write_clip
from mixingbuddy.tools.loudness import true_peak_dbtp


def write_listening_files(bench: Workbench, sides: Sides, folder: Path) -> Listening:
    """Write A, B and, for a stem, the stem alone as C. Raises UserError where the folder cannot be written."""
    heard = heard_pair(bench, sides)
    clips = {"A": heard.a, "B": heard.b, "C": heard.alone}
    files = tuple(
        _write(bench, label, clip, folder / f"{sides.slug}-{label.lower()}.wav")
        for label, clip in clips.items()
        if clip is not None
    )
    return Listening(
        what="files",
        files=files,
        loudness_lufs=files[0].loudness_lufs if heard.matched else None,
        trim_db=heard.trim_db,
        start_s=round(heard.start_s, 3),
        duration_s=round(heard.duration_s, 3),
        whole_song=heard.whole_song,
        same=heard.same,
    )


def _write(bench: Workbench, label: str, heard: HeardClip, target: Path) -> ListeningFile:
    bench.song.found.keep_off(target)
    written = read_clip(write_clip(heard.clip, target))
    return ListeningFile(
        label=label,
        what=heard.what,
        path=str(target.resolve()),
        gain_db=round(heard.gain_db, 4),
        loudness_lufs=loudness_lufs(written.audio, written.sample_rate_hz),
        true_peak_dbtp=true_peak_dbtp(written.audio),
    )
