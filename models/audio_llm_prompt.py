"""What a large audio-language model reads and hears: words, and one short mono clip per track, in order.

Level is what the question is about, so no clip is ever normalised. A gain of g dB moves every value of the models'
log-mel spectrogram by g / 40 (they take log10 of the power, divided by 4), and that is how they hear it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from string import Template

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.models.audio_llm_window import loudest_common_window
from mixingbuddy.prompts import load_table
from mixingbuddy.tools.audio import Audio, Clip, resampled, window_of
from mixingbuddy.tools.errors import UserError, printable
from mixingbuddy.tools.multitrack import SILENT_PEAK, Multitrack, Reference

Mono = NDArray[np.float32]

CLIP_RATE_HZ = 16000
CLIP_S = 10.0
# Every clip of 10 s takes 250 of the 8192 positions that Qwen2-Audio was trained on.
MOST_CLIPS = 24
# The models' encoders halve the frames of 10 ms twice; less than this would leave a clip without a position.
SHORTEST_CLIP_S = 0.1
MIX_ROLES = ("vocals", "drums", "bass", "other")


@dataclass(frozen=True)
class Prompt:
    """Words and clips in turn: parts[0], clips[0], parts[1], clips[1], ..., parts[-1].

    `clips` are float32 (samples,) at 16 kHz. `names` maps the name that the model reads to the stem's own.
    `silent` are stems that are not heard in the chosen seconds and so were left out. `gain_db` was put on every
    clip alike. `start_s` is where in the song the clips begin, seconds.
    """

    parts: tuple[str, ...]
    clips: tuple[Mono, ...]
    names: Mapping[str, str]
    silent: tuple[str, ...]
    gain_db: float
    start_s: float

    def shown(self, name: str) -> str:
        """The name under which the model knows a stem."""
        return next((shown for shown, own in self.names.items() if own == name), name)


def make_prompt(
    multitrack: Multitrack, reference: Reference | None = None, anchor: str | None = None, clip_s: float = CLIP_S
) -> Prompt:
    """The question about this song. Each clip is the loudest `clip_s` seconds in which most of the stems sound.

    A mix without stems is one clip, and `anchor` and the answer name roles inside it. Raises UserError for an
    unknown anchor, and where there are more tracks than the model can hear at once.
    """
    anchor = known_anchor(multitrack, anchor)
    first, count = loudest_common_window([stem.audio for stem in multitrack.stems], multitrack.sample_rate_hz, clip_s)
    rate_hz = multitrack.sample_rate_hz
    tracks = {stem.name: _clip(stem.audio, first, count, rate_hz) for stem in multitrack.stems}
    heard = {name: clip for name, clip in tracks.items() if not _is_silent(clip)}
    theirs = _reference_clips(multitrack, reference, first, count, clip_s, MOST_CLIPS - len(heard))
    if len(heard) + len(theirs) > MOST_CLIPS:
        raise UserError(
            f"'{multitrack.name}' has {len(heard)} tracks, and a large audio model hears {MOST_CLIPS} clips at once, "
            "reference included; mix some of them down, or use --advisor differential"
        )
    names = _shown_names(MIX_ROLES if multitrack.mix_only else multitrack.names)
    gain = _common_gain(list(heard.values()), list(theirs.values()))
    return Prompt(
        parts=_parts(multitrack, reference, anchor, list(heard), list(theirs), {own: s for s, own in names.items()}),
        clips=tuple(clip * np.float32(gain) for clip in (*heard.values(), *theirs.values())),
        names=names,
        silent=tuple(name for name in tracks if name not in heard),
        gain_db=float(20 * np.log10(gain)),
        start_s=first / rate_hz,
    )


def known_anchor(multitrack: Multitrack, anchor: str | None) -> str | None:
    """The anchor by its own name. Raises UserError where it is neither a stem nor, in a mix without stems, a role."""
    if anchor is None:
        return None
    known = MIX_ROLES if multitrack.mix_only else multitrack.names
    for name in known:
        if name == anchor or name.casefold() == anchor.casefold():
            return name
    raise UserError(f"no stem '{anchor}'; this song has: {', '.join(known)}")


def _clip(audio: Audio, first: int, count: int, rate_hz: int) -> Mono:
    """Some seconds as mono at 16 kHz; a mono stem sounds as loud as it does on both sides of a mix."""
    mono = window_of(audio, first, count).mean(axis=0, keepdims=True)
    clip = resampled(Clip(mono, rate_hz), CLIP_RATE_HZ).audio[0]
    return np.pad(clip, (0, max(0, round(SHORTEST_CLIP_S * CLIP_RATE_HZ) - len(clip))))


def _is_silent(clip: Mono) -> bool:
    return float(np.abs(clip).max(initial=0.0)) < SILENT_PEAK


def _reference_clips(
    multitrack: Multitrack, reference: Reference | None, first: int, count: int, clip_s: float, room: int
) -> dict[str, Mono]:
    """The reference's clips by name: the same seconds where it is the same song, else its own loudest ones."""
    if reference is None:
        return {}
    rate_hz = multitrack.sample_rate_hz
    samples = max(stem.audio.shape[1] for stem in reference.stems)
    same_time = reference.same_song is not False and abs(samples - multitrack.samples) < rate_hz
    if not same_time:
        first, count = loudest_common_window([stem.audio for stem in reference.stems], rate_hz, clip_s)
    clips = {stem.name: _clip(stem.audio, first, count, rate_hz) for stem in reference.stems}
    clips = {name: clip for name, clip in clips.items() if not _is_silent(clip)}
    if len(clips) > max(room, 1):
        return {"mix": np.sum(list(clips.values()), axis=0)}
    return clips


def _common_gain(ours: Sequence[Mono], theirs: Sequence[Mono]) -> float:
    """One gain for all clips, 1 unless a clip, or a sum that makes a mix, exceeds full scale.

    The models' encoders have only met audio within full scale. One gain for all keeps every difference between
    the clips, which is all that the question is about; a gain per clip would wipe the answer out.
    """
    sums = [np.sum(clips, axis=0) for clips in (ours, theirs) if clips]
    peak = max((float(np.abs(clip).max()) for clip in (*ours, *theirs, *sums)), default=0.0)
    return 1.0 / max(peak, 1.0)


def _shown_names(names: Iterable[str]) -> dict[str, str]:
    """Name for the model -> name of the stem. A file name must not be able to write the model's control tokens."""
    shown: dict[str, str] = {}
    for name in names:
        plain = " ".join(re.sub(r"[<>|\[\]{}]", " ", printable(name)).split()) or "track"
        unique, number = plain, 2
        while unique in shown:
            unique, number = f"{plain} {number}", number + 1
        shown[unique] = name
    return shown


def _parts(
    multitrack: Multitrack, reference: Reference | None, anchor: str | None,
    ours: Sequence[str], theirs: Sequence[str], shown: Mapping[str, str],
) -> tuple[str, ...]:  # fmt: skip
    words = load_table("audio_llm")

    def said(key: str, **values: object) -> str:
        return Template(words[key]).substitute({name: str(value) for name, value in values.items()})

    opening = said("opening_mix", names=", ".join(MIX_ROLES)) if multitrack.mix_only else said("opening_stems")
    leads = [opening + said("set"), *[""] * (len(ours) - 1)][: len(ours)]
    if theirs and reference is not None:
        kind = {True: said("same_song"), False: said("other_song"), None: ""}[reference.same_song]
        as_mix = len(theirs) == 1 and reference.kind == "mix"
        leads += [said("reference_mix" if as_mix else "reference_stems", kind=kind), *[""] * (len(theirs) - 1)]
    their_names = list(_shown_names(theirs))
    names = [*("mix" if multitrack.mix_only else shown[name] for name in ours), *their_names]
    parts = [
        (said("end_of_clip") if number else "") + lead + said("clip", name=name, number=number + 1)
        for number, (lead, name) in enumerate(zip(leads, names, strict=True))
    ]
    closing = "" if anchor is None else said("anchor", name=shown[anchor])
    closing += said("aim_reference" if theirs else "aim_alone")
    return (*parts, (said("end_of_clip") if parts else opening) + closing)
