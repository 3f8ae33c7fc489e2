"""The single-mix advisor: hears only the stereo mix, as published single-input systems do. A baseline."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mixingbuddy.models.advisor import GainAdvice, StemAdvice
from mixingbuddy.models.data.songs import TARGETS
from mixingbuddy.models.differential.bands import Powers, ear_powers
from mixingbuddy.models.differential.own_balance import mix_of, role_number
from mixingbuddy.models.differential.shape import ROLES
from mixingbuddy.models.differential.sound_windows import contested_windows, samples_of
from mixingbuddy.models.differential.speaking import Sets, Speech, SpokenMove, speak
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.moves import clamped_db
from mixingbuddy.tools.multitrack import Multitrack, Reference

if TYPE_CHECKING:
    import torch

    from mixingbuddy.models.differential.single_mix_model import SingleMixModel

NAME = "single-mix"
Request = tuple[Multitrack, Reference | None, str | None]
Z_80_PERCENT = 1.2816


class SingleMix:
    """Advisor that guesses the flaw from the stereo mix alone; stems and reference are not listened to."""

    name = NAME

    def __init__(self, model: "SingleMixModel | None" = None) -> None:
        if model is None:
            from mixingbuddy.models.differential.weights import load_single_mix

            model = load_single_mix()
        self._model = model

    def advise(
        self,
        multitrack: Multitrack,
        reference: Reference | None = None,
        anchor: str | None = None,
        locks: Collection[str] = (),
    ) -> GainAdvice:
        """The one move that most probably undoes a flaw. Raises UserError for an unknown anchor."""
        return self.advise_many([(multitrack, reference, anchor)])[0]

    def advise_many(self, requests: Sequence[Request]) -> list[GainAdvice]:
        """The same for many songs at once, which is faster."""
        anchors = [_anchor_role(song, anchor) for song, _, anchor in requests]
        guesses = [self._guess(song, anchor) for (song, _, _), anchor in zip(requests, anchors, strict=True)]
        drafts = [
            _advice(song, anchor, *guess)
            for (song, _, _), anchor, guess in zip(requests, anchors, guesses, strict=True)
        ]
        texts = speak(
            self._model, [self._speech(song, one) for (song, _, _), one in zip(requests, drafts, strict=True)]
        )
        return [one.model_copy(update={"text": text}) for one, text in zip(drafts, texts, strict=True)]

    def _guess(self, song: Multitrack, anchor: int | None) -> tuple[np.ndarray, ...]:
        """Probabilities (7,) of the classes, gains (3,) and deviations (3,) in dB: means over windows."""
        import torch

        audio = song.stems[0].audio if song.mix_only else mix_of(song)
        rate_hz = song.sample_rate_hz
        pieces = [audio[:, slice(*samples_of(w, rate_hz))] for w in contested_windows([audio], rate_hz)]
        number = len(TARGETS) if anchor is None or anchor >= len(TARGETS) else anchor
        with torch.inference_mode():
            told = [self._model.guess_flaw(_batch(ear_powers(one, rate_hz)), torch.tensor([number])) for one in pieces]
        probabilities = torch.stack([torch.softmax(one.logits[0], 0) for one in told]).mean(0)
        gains = torch.stack([one.gain_db[0] for one in told]).mean(0)
        deviations = torch.stack([one.log_deviation[0].exp() for one in told]).mean(0)
        return probabilities.numpy(), gains.numpy(), deviations.numpy()

    def _speech(self, song: Multitrack, advice: GainAdvice) -> Speech:
        moved = [one for one in advice.stems if one.gain_db]
        names = ROLES if song.mix_only else song.names
        moves: tuple[SpokenMove, ...] = ()
        if moved:  # all of one role, so by one gain
            stems, first = tuple(one.stem for one in moved), moved[0]
            moves = (SpokenMove(stems, first.gain_db, first.interval_db, p_change=first.p_change),)
        return Speech("mix_only", moves, Sets.empty(self._model.config.width), len(song.name), names)


def _batch(powers: Powers) -> "torch.Tensor":
    import torch

    return torch.from_numpy(powers[None])


def _anchor_role(song: Multitrack, anchor: str | None) -> int | None:
    if anchor is None:
        return None
    stem = song.stem(anchor)
    if not song.mix_only and stem is not None:
        return role_number(stem.role)
    if song.mix_only and anchor.casefold() in ROLES:
        return ROLES.index(anchor.casefold())
    there = ROLES if song.mix_only else song.names
    raise UserError(f"no stem '{anchor}'; this song has: {', '.join(there)}")


def _advice(
    song: Multitrack,
    anchor: int | None,
    probabilities: np.ndarray,
    gains_db: np.ndarray,
    deviations_db: np.ndarray,
) -> GainAdvice:
    chosen = int(probabilities.argmax())
    names = [(role, ROLES.index(role)) for role in TARGETS]
    if not song.mix_only:
        names = [(stem.name, role_number(stem.role)) for stem in song.stems]
    advice = []
    for name, number in names:
        if number >= len(TARGETS) or number == anchor:
            continue
        speaks = chosen > 0 and (chosen - 1) // 2 == number
        sign = 1 if chosen % 2 else -1  # odd classes are too quiet
        gain_db = clamped_db(sign * max(1.0, abs(float(gains_db[number])))) if speaks else 0.0
        half_db = Z_80_PERCENT * float(deviations_db[number])
        advice.append(
            StemAdvice(
                stem=name,
                gain_db=gain_db,
                measured_db=round(-float(gains_db[number]), 3),
                interval_db=(round(gain_db - half_db, 2), round(gain_db + half_db, 2)),
                p_change=round(min(1.0, float(probabilities[1 + 2 * number : 3 + 2 * number].sum())), 4),
                reason=f"guessed from the stereo mix alone (P = {float(probabilities[chosen]):.2f})",
            )
        )
    return GainAdvice(
        advisor=NAME, stems=tuple(advice), evidence="One stereo mix was heard; nothing was compared with a reference."
    )
