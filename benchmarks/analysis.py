"""How fast the analysis is, and how much memory it takes, beside what is usually done, in one run.

Every measurement is a process of its own (`python -m mixingbuddy.benchmarks.analysis TASK FOLDER`), so that one does
not warm or fill another; the file cache is warmed first. `mixingbuddy benchmark analysis` runs them all.
"""

import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.files import temporary_folder

RATE_HZ = 44100
TRACKS, MINUTES = 8, 4.0
MOST_TRACKS, LONGEST_MIN = (8, 16, 32, 64), (1.0, 4.0, 16.0, 60.0)
BLOCK = 1 << 17
Progress = Callable[[str], None]
_RESULT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Timing(BaseModel):
    """One task on one song: seconds of the task itself, of the whole process, and the process's peak memory."""

    model_config = _RESULT

    task: str
    tracks: int
    minutes: float
    seconds: float = Field(description="median over the repeats, without starting Python and importing")
    process_s: float = Field(description="median of the whole process")
    peak_mb: float = Field(description="highest resident memory of any repeat, MB")


class AnalysisBenchmark(BaseModel):
    """The document of `mixingbuddy benchmark analysis --json`."""

    model_config = _RESULT

    machine: str
    cores: int
    repeats: int
    alternatives: tuple[Timing, ...] = Field(description="all tasks on 8 tracks x 4 min")
    as_flac: tuple[Timing, ...] = Field(description="the same 8 tracks as FLAC files, which take longer to decode")
    growth: tuple[Timing, ...] = Field(description="decoding and analysis of larger and longer songs")

    def seconds(self, task: str) -> float | None:
        """Seconds of a task on 8 tracks x 4 min; None where it could not be run."""
        return next((timing.seconds for timing in self.alternatives if timing.task == task), None)


def run(data: Path, work: Path | None, repeats: int, with_growth: bool, progress: Progress) -> AnalysisBenchmark:
    """Make the songs from the multitracks in `data`, time every task, and remove the songs again.

    Raises UserError where there is no material.
    """
    with temporary_folder(work) as folder:
        song = make_song(data, folder / "8x4", TRACKS, MINUTES)
        missing = {"ffmpeg"} if shutil.which("ffmpeg") is None else set()
        missing |= {"libebur128"} if find_spec("pyebur128") is None else set()
        tasks = [task for task in TASKS if task not in missing]
        alternatives = _timed(tasks, song, TRACKS, MINUTES, repeats, progress)
        packed = as_flac(song, folder / "flac" / "song", progress)
        as_packed = _timed(["decode", "cold"], packed, TRACKS, MINUTES, repeats, progress)
        shutil.rmtree(packed.parent)
        growth: list[Timing] = []
        sizes = [(tracks, MINUTES) for tracks in MOST_TRACKS] + [(TRACKS, minutes) for minutes in LONGEST_MIN]
        for tracks, minutes in dict.fromkeys(sizes) if with_growth else ():
            place = folder / "growth"
            progress(f"making {tracks} tracks of {minutes:g} min")
            made = make_song(data, place, tracks, minutes)
            growth += _timed(["decode, in blocks", "cold"], made, tracks, minutes, 1, progress)
            shutil.rmtree(place)
    return AnalysisBenchmark(
        machine=_machine(),
        cores=os.cpu_count() or 1,
        repeats=repeats,
        alternatives=tuple(alternatives),
        as_flac=tuple(as_packed),
        growth=tuple(growth),
    )


def make_song(data: Path, folder: Path, tracks: int, minutes: float) -> Path:
    """Write `tracks` stereo WAV files, 44.1 kHz, 24 bit: real stems repeated, each copy begun elsewhere."""
    import soundfile
    import soxr

    stems = sorted(file for name in ("trackswitch", "waveform-playlist") for file in (data / name).glob("*.mp3"))
    if not stems:
        raise UserError(f"no multitracks in '{data}'; name the folder that holds 'trackswitch' with --data")
    folder.mkdir(parents=True, exist_ok=True)
    samples = round(minutes * 60 * RATE_HZ)
    for number in range(tracks):
        path = stems[number % len(stems)]
        audio, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
        audio = audio if rate_hz == RATE_HZ else soxr.resample(audio, rate_hz, RATE_HZ)
        audio = np.roll(audio / max(1.0, float(np.abs(audio).max())), -number // len(stems) * 7 * RATE_HZ, axis=0)
        name = folder / f"{path.stem} {number // len(stems) + 1}.wav"
        with soundfile.SoundFile(name, "w", RATE_HZ, 2, "PCM_24") as file:
            for start in range(0, samples, len(audio)):
                file.write(audio[: samples - start])
    return folder


def as_flac(song: Path, folder: Path, progress: Progress) -> Path:
    """The same files as 24-bit FLAC."""
    import soundfile

    folder.mkdir(parents=True)
    for file in _files(song):
        progress(f"packing {file.stem}")
        audio, rate_hz = soundfile.read(file, dtype="int32", always_2d=True)
        soundfile.write(folder / f"{file.stem}.flac", audio, rate_hz, subtype="PCM_24")
    return folder


def decode(folder: Path) -> None:
    """Only `soundfile.read` every file, one after the other, on one core."""
    for file in _files(folder):
        _decode_whole(file)


def decode_in_blocks(folder: Path) -> None:
    """The same block by block into one buffer: decoding and nothing else, not even memory is asked for."""
    for file in _files(folder):
        _decode(file)


def decode_on_all_cores(folder: Path) -> None:
    """Decoding in blocks on all cores."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(_decode, _files(folder)))


def cold(folder: Path) -> None:
    """The whole analysis of the song, with nothing known (but for tempo, key, sections and pictures)."""
    from mixingbuddy.tools.analysis import analyse
    from mixingbuddy.tools.found_song import find_song
    from mixingbuddy.tools.measuring import measure_found

    analyse(measure_found(find_song(folder, "none"), with_time=False))


def with_time(folder: Path) -> None:
    """The same with tempo, key and sections."""
    from mixingbuddy.tools.analysis import analyse
    from mixingbuddy.tools.found_song import find_song
    from mixingbuddy.tools.measuring import measure_found

    analyse(measure_found(find_song(folder, "none")))


def warm(folder: Path) -> None:
    """The same where the song was measured before."""
    from mixingbuddy.tools.analysis import analyse
    from mixingbuddy.tools.cache import Cache
    from mixingbuddy.tools.found_song import find_song
    from mixingbuddy.tools.measuring import measure_found

    analyse(measure_found(find_song(folder, "none"), Cache(folder.parent / "cache"), with_time=False))


def usual(folder: Path) -> None:
    """What is usually done in Python, on one core: pyloudnorm, scipy's resampler for true peaks, librosa's mel."""
    import librosa
    import pyloudnorm
    import soundfile
    from scipy.signal import resample_poly

    for file in _files(folder):
        audio, rate_hz = soundfile.read(file, dtype="float32", always_2d=True)
        meter = pyloudnorm.Meter(rate_hz)
        meter.integrated_loudness(audio)
        meter.loudness_range(audio)
        float(np.abs(resample_poly(audio, 4, 1, axis=0)).max())
        librosa.feature.melspectrogram(y=audio.T, sr=rate_hz)


def libebur128(folder: Path) -> None:
    """Loudness, range and true peak by libebur128 (pyebur128), on one core."""
    import pyebur128
    import soundfile

    modes = pyebur128.MeasurementMode
    for file in _files(folder):
        audio, rate_hz = soundfile.read(file, dtype="float32", always_2d=True)
        state = pyebur128.R128State(2, rate_hz, modes.MODE_I | modes.MODE_LRA | modes.MODE_TRUE_PEAK)
        state.add_frames(np.ascontiguousarray(audio).ravel(), len(audio))
        pyebur128.get_loudness_global(state)
        pyebur128.get_loudness_range(state)
        pyebur128.get_true_peak(state, 0)


def ffmpeg(folder: Path) -> None:
    """Loudness and true peak by the ffmpeg program, file after file."""
    for file in _files(folder):
        command = ["ffmpeg", "-nostdin", "-hide_banner", "-i", str(file), "-af", "ebur128=peak=true", "-f", "null", "-"]
        subprocess.run(command, check=True, capture_output=True)


TASKS: dict[str, Callable[[Path], None]] = {
    "decode": decode,
    "decode, in blocks": decode_in_blocks,
    "decode, in blocks, all cores": decode_on_all_cores,
    "cold": cold,
    "warm": warm,
    "with tempo and key": with_time,
    "libebur128": libebur128,
    "ffmpeg": ffmpeg,
    "usual pipeline": usual,
}
_ONCE = {"usual pipeline"}


def _timed(
    tasks: Sequence[str], song: Path, tracks: int, minutes: float, repeats: int, progress: Progress
) -> list[Timing]:
    """The tasks in turns, so that a machine that slows down slows all of them down."""
    _decode_into_file_cache(song)
    if "warm" in tasks:
        _in_own_process("warm", song)  # what the others find
    runs: dict[str, list[dict[str, float]]] = {task: [] for task in tasks}
    for repeat in range(repeats):
        for task in tasks:
            if repeat == 0 or task not in _ONCE:
                progress(f"{tracks} tracks of {minutes:g} min: {task}")
                runs[task].append(_in_own_process(task, song))
    shutil.rmtree(song.parent / "cache", ignore_errors=True)
    return [
        Timing(
            task=task,
            tracks=tracks,
            minutes=minutes,
            seconds=round(statistics.median(run["seconds"] for run in of_task), 3),
            process_s=round(statistics.median(run["process_s"] for run in of_task), 3),
            peak_mb=round(max(run["peak_mb"] for run in of_task), 1),
        )
        for task, of_task in runs.items()
    ]


def _in_own_process(task: str, song: Path) -> dict[str, float]:
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "mixingbuddy.benchmarks.analysis", task, str(song)], capture_output=True, text=True
    )
    if done.returncode != 0:
        raise UserError(f"the task '{task}' failed: {done.stderr.strip().splitlines()[-1]}")
    return {**json.loads(done.stdout), "process_s": time.perf_counter() - started}


def _decode_into_file_cache(song: Path) -> None:
    for file in _files(song):
        with file.open("rb") as handle:
            while handle.read(1 << 24):
                pass


def _decode(file: Path) -> None:
    import soundfile

    buffer: NDArray[np.float32] = np.empty((BLOCK, 2), np.float32)
    with soundfile.SoundFile(file) as handle:
        while len(handle.read(out=buffer)):
            pass


def _decode_whole(file: Path) -> None:
    import soundfile

    soundfile.read(file, dtype="float32", always_2d=True)


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix in {".wav", ".flac"})


def _machine() -> str:
    told = Path("/proc/cpuinfo")
    names = (
        [line.split(":", 1)[1] for line in told.read_text().splitlines() if line.startswith("model name")]
        if (told.exists())
        else []
    )
    return f"{(names or [platform.processor()])[0].strip()}, {platform.system()}, Python {platform.python_version()}"


def _one(task: str, folder: Path) -> None:
    """A task in this process: prints its time and the process's peak memory."""
    _imported(task)
    started = time.perf_counter()
    TASKS[task](folder)
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "peak_mb": _peak_mb()}))


def _peak_mb() -> float:
    """Peak memory of this process; where the system does not tell, of it or of the one that started it."""
    status = Path("/proc/self/status")
    if status.exists():
        peak_kb = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(peak_kb) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _imported(task: str) -> None:
    """Import (and let numba load) what the task needs; starting a process is not what is compared."""
    if task in {"cold", "with tempo and key"}:
        from mixingbuddy.tools.analysis import analyse_multitrack
        from mixingbuddy.tools.multitrack import Multitrack, Stem

        noise = (0.1 * np.random.default_rng(0).standard_normal((2, 2, RATE_HZ))).astype(np.float32)
        stems = (Stem("vocals", "vocals", noise[0]), Stem("bass", "bass", noise[1]))
        analyse_multitrack(Multitrack("noise", RATE_HZ, stems))
    if task == "usual pipeline":
        import librosa

        librosa.feature.melspectrogram(y=np.zeros((2, RATE_HZ), np.float32), sr=RATE_HZ)


if __name__ == "__main__":
    _one(sys.argv[1], Path(sys.argv[2]))
