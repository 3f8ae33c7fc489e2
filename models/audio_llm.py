"""Advisor that asks a large audio-language model (Qwen2-Audio, Audio Flamingo 3), usually with a LoRA adapter of ours.

The model answers in words; they are read back into gains. What cannot be read is said to be so.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from mixingbuddy.models.advisor import GainAdvice, StemAdvice
from mixingbuddy.models.audio_llm_prompt import CLIP_RATE_HZ, MIX_ROLES, Prompt, known_anchor, make_prompt
from mixingbuddy.models.data.labels import Label, read_label_text
from mixingbuddy.tools.errors import UserError, printable
from mixingbuddy.tools.findings import Finding
from mixingbuddy.tools.moves import clamped_db
from mixingbuddy.tools.multitrack import Multitrack, Reference

if TYPE_CHECKING:
    from mixingbuddy.models.audio_llm_model import OpenModel

SOURCE = "audio-llm"
# The model writes a number and no more; this width is ours, from how coarsely level survives in its input.
HALF_INTERVAL_DB = 3.0
LONGEST_ANSWER = 200


@dataclass(frozen=True)
class Answer:
    """What the model wrote, and the geometric mean of the probabilities of its tokens (0..1)."""

    text: str
    confidence: float


class AudioLlm:
    """Large audio-language model from a folder (a whole model, or an adapter that names its base) or a hub id."""

    name = SOURCE

    def __init__(self, path_or_hub_id: str, *, four_bit: bool = False) -> None:
        self._source = path_or_hub_id
        self._four_bit = four_bit
        folder = Path(path_or_hub_id)
        known = ("config.json", "adapter_config.json")
        if folder.is_dir() and not any((folder / name).is_file() for name in known):
            raise UserError(f"'{folder}' holds no model: neither {' nor '.join(known)} is there")

    def advise(
        self,
        multitrack: Multitrack,
        reference: Reference | None = None,
        anchor: str | None = None,
        locks: Collection[str] = (),
    ) -> GainAdvice:
        """Gains per stem (dB) as the model words them; `locks` change nothing here.

        Stems that it does not name stay. An answer that cannot be read, a song that is silent, and stems that are
        not heard in the model's ten seconds give findings `cannot_say`. Raises UserError for an unknown anchor, too
        many tracks, and a model that cannot be opened.
        """
        anchor = known_anchor(multitrack, anchor)
        prompt = make_prompt(multitrack, reference, anchor, self._clip_s)
        unheard = tuple(_unheard(name, prompt) for name in prompt.silent)
        if not prompt.clips:
            return _nothing("the song is silent", unheard)
        answer = self.ask(prompt)
        names = MIX_ROLES if multitrack.mix_only else tuple(n for n in multitrack.names if n not in prompt.silent)
        try:
            label = _read(answer.text, prompt, names)
        except ValueError as error:
            said = printable(answer.text, 200)
            return _nothing(f"the model's answer cannot be read ({error}); it was: '{said}'", unheard)
        gains, findings = _checked(label, anchor)
        return GainAdvice(
            advisor=SOURCE,
            stems=tuple(_stem_advice(name, gains.get(name), answer.confidence) for name in names),
            evidence=_evidence(self._source, prompt, answer),
            findings=(*findings, *unheard),
            text=answer.text,
        )

    def ask(self, prompt: Prompt) -> Answer:
        """The most likely answer, token by token."""
        from mixingbuddy.models.audio_llm_answer import most_likely_answer

        text, confidence = most_likely_answer(self._model, prompt, LONGEST_ANSWER)
        return Answer(text, confidence)

    @cached_property
    def _model(self) -> "OpenModel":
        from mixingbuddy.models.audio_llm_model import is_adapter, open_adapter, open_base

        folder = Path(self._source)
        if is_adapter(folder):
            return open_adapter(folder, four_bit=self._four_bit)
        return open_base(self._source, four_bit=self._four_bit)

    @property
    def _clip_s(self) -> float:
        from mixingbuddy.models.audio_llm_inputs import clip_seconds

        return clip_seconds(self._model.processor)


def _read(text: str, prompt: Prompt, names: Collection[str]) -> Label:
    """The moves that the answer states, by the song's own names. Raises ValueError where it cannot be read."""
    shown = {prompt.shown(name): name for name in names}
    return Label(tuple((shown[name], gain_db) for name, gain_db in read_label_text(text, tuple(shown)).moves))


def _checked(label: Label, anchor: str | None) -> tuple[Mapping[str, float], tuple[Finding, ...]]:
    """Gains by stem; the anchor stays, whatever the model says of it."""
    gains = dict(label.moves)
    moved = gains.pop(anchor, 0.0) if anchor is not None else 0.0
    if not moved:
        return gains, ()
    text = f"The model wants to move '{anchor}' by {moved:+.1f} dB, which was said to be right; that was left out."
    return gains, (
        Finding(
            kind="anchor_contradicted",
            stems=(str(anchor),),
            value=round(moved, 1),
            unit="dB",
            severity="minor",
            source=SOURCE,
            text=text,
        ),
    )


def _stem_advice(name: str, gain_db: float | None, confidence: float) -> StemAdvice:
    gain = gain_db or 0.0
    reason = "the model leaves it where it is" if not gain else f"the model says {gain:+.1f} dB"
    return StemAdvice(
        stem=name,
        gain_db=clamped_db(gain),
        measured_db=round(gain, 3),
        interval_db=(round(gain - HALF_INTERVAL_DB, 3), round(gain + HALF_INTERVAL_DB, 3)),
        p_change=round(confidence if gain else 1.0 - confidence, 4),
        reason=f"{reason} (± {HALF_INTERVAL_DB:.0f} dB)",
    )


def _evidence(source: str, prompt: Prompt, answer: Answer) -> str:
    seconds = max(len(clip) for clip in prompt.clips) / CLIP_RATE_HZ
    return (
        f"{printable(Path(source).name)} heard {len(prompt.clips)} clips of {seconds:.1f} s from "
        f"{prompt.start_s:.1f} s on and answered with a mean token probability of {answer.confidence:.0%}; it states "
        f"no interval, so ±{HALF_INTERVAL_DB:.0f} dB is assumed."
    )


def _unheard(stem: str, prompt: Prompt) -> Finding:
    text = f"Nothing can be said about '{stem}': it is silent in the seconds that were heard."
    return Finding(kind="cannot_say", stems=(stem,), severity="minor", source=SOURCE, text=text)


def _nothing(why: str, findings: tuple[Finding, ...]) -> GainAdvice:
    text = f"No balance advice: {why}."
    finding = Finding(kind="cannot_say", severity="minor", source=SOURCE, text=text)
    return GainAdvice(advisor=SOURCE, stems=(), evidence=text, findings=(finding, *findings))
