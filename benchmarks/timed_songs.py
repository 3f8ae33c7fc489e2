"""Songs whose tempo, bars, key and sections are known, because they are made here: mono, 22050 Hz, from a seed."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 22050
Samples = NDArray[np.float64]
Pattern = tuple[tuple[float, float], ...]  # beat within the bar, velocity

KEY_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
# Per mode and section label: chords as (semitones above the tonic, semitones of the chord above its root).
MAJOR, MINOR = (0, 4, 7), (0, 3, 7)
PROGRESSIONS = {
    "major": {
        "A": (((0, MAJOR), (9, MINOR), (5, MAJOR), (7, MAJOR)), ((0, MAJOR), (5, MAJOR), (0, MAJOR), (7, MAJOR))),
        "B": (((5, MAJOR), (7, MAJOR), (0, MAJOR), (9, MINOR)), ((0, MAJOR), (7, MAJOR), (9, MINOR), (5, MAJOR))),
        "C": (((9, MINOR), (4, MINOR), (5, MAJOR), (7, MAJOR)), ((2, MINOR), (7, MAJOR), (0, MAJOR), (7, MAJOR))),
    },
    "minor": {
        "A": (((0, MINOR), (8, MAJOR), (3, MAJOR), (10, MAJOR)), ((0, MINOR), (5, MINOR), (0, MINOR), (7, MINOR))),
        "B": (((8, MAJOR), (10, MAJOR), (0, MINOR), (0, MINOR)), ((0, MINOR), (10, MAJOR), (8, MAJOR), (7, MAJOR))),
        "C": (((5, MINOR), (0, MINOR), (7, MAJOR), (0, MINOR)), ((3, MAJOR), (10, MAJOR), (5, MINOR), (7, MAJOR))),
    },
}


@dataclass(frozen=True)
class Style:
    """How a band plays one bar. `comp` is how chords are played, `bass` where the bass plays."""

    beats_per_bar: int
    kick: Pattern = ()
    snare: Pattern = ()
    hat: Pattern = ()
    comp: Pattern = ()
    comp_sound: str = "pluck"
    bass: Pattern = ()
    swing_beats: float = 0.0
    walking: bool = False


def _every(step: float, beats: int, strong: float = 0.9, weak: float = 0.6) -> Pattern:
    return tuple((k * step, strong if (k * step) % 1 == 0 else weak) for k in range(round(beats / step)))


STYLES: dict[str, Style] = {
    "four on the floor": Style(
        4, _every(1, 4), ((1, 0.7), (3, 0.7)), tuple((k + 0.5, 0.8) for k in range(4)),
        ((0.5, 0.7), (1.5, 0.7), (2.75, 0.6), (3.5, 0.7)), "pluck", tuple((k + 0.5, 0.9) for k in range(4)),
    ),
    "rock": Style(
        4, ((0, 1.0), (2, 0.9), (2.5, 0.8)), ((1, 1.0), (3, 1.0)), _every(0.5, 4), _every(0.5, 4, 0.8, 0.6), "saw",
        _every(0.5, 4),
    ),
    "rock sixteenths": Style(
        4, ((0, 1.0), (0.75, 0.6), (2.5, 0.9)), ((1, 1.0), (3, 1.0), (3.75, 0.2)), _every(0.25, 4, 0.9, 0.35),
        ((0, 0.9), (1.5, 0.7), (3, 0.8)), "saw", ((0, 1.0), (1.75, 0.7), (2.5, 0.9), (3.5, 0.7)),
    ),
    "ballad": Style(
        4, ((0, 0.9), (2.5, 0.6)), ((1, 0.7), (3, 0.7)), _every(0.5, 4, 0.5, 0.35),
        _every(0.5, 4, 0.7, 0.5), "arp", ((0, 0.9), (2, 0.6)),
    ),
    "half time": Style(
        4, ((0, 1.0), (1.5, 0.7)), ((2, 1.0),), _every(0.5, 4), ((0, 0.9), (2, 0.7)), "saw", ((0, 1.0), (1.5, 0.8)),
    ),
    "funk": Style(
        4, ((0, 1.0), (1.5, 0.7), (2.25, 0.8), (3.25, 0.5)), ((1, 1.0), (1.75, 0.25), (2.75, 0.25), (3, 1.0)),
        _every(0.25, 4, 0.8, 0.5), ((0.5, 0.8), (1.25, 0.7), (2.75, 0.8), (3.5, 0.6)), "pluck",
        ((0, 1.0), (0.75, 0.8), (1.5, 0.9), (2.75, 0.8), (3.5, 0.7)),
    ),
    "reggaeton": Style(
        4, _every(1, 4), ((0.75, 0.8), (1.5, 0.9), (2.75, 0.8), (3.5, 0.9)), _every(0.5, 4, 0.5, 0.5),
        ((0, 0.7), (1.5, 0.7), (3, 0.7)), "pluck", ((0, 1.0), (1.5, 0.7), (2, 0.9), (3.5, 0.7)),
    ),
    "bossa": Style(
        4, ((0, 0.8), (1.5, 0.6), (2, 0.8), (3.5, 0.6)), ((0, 0.5), (1.5, 0.5), (3, 0.5)), _every(0.5, 4, 0.5, 0.45),
        ((0, 0.7), (1, 0.6), (1.5, 0.7), (2.5, 0.7), (3.5, 0.6)), "pluck", ((0, 0.9), (1.5, 0.6), (2, 0.9), (3.5, 0.6)),
    ),
    "swing": Style(
        4, ((0, 0.3), (2, 0.3)), ((1, 0.3), (3, 0.3)),
        ((0, 0.7), (1, 0.9), (1.66, 0.5), (2, 0.7), (3, 0.9), (3.66, 0.5)), ((0, 0.6), (1.66, 0.7)), "pluck",
        _every(1, 4), walking=True,
    ),
    "shuffle": Style(
        4, ((0, 1.0), (2, 0.9), (1.66, 0.6)), ((1, 1.0), (3, 1.0)),
        tuple(x for k in range(4) for x in ((float(k), 0.9), (k + 0.66, 0.5))),
        tuple(x for k in range(4) for x in ((float(k), 0.8), (k + 0.66, 0.5))), "saw",
        tuple(x for k in range(4) for x in ((float(k), 0.9), (k + 0.66, 0.6))),
    ),
    "waltz": Style(
        3, ((0, 1.0),), ((1, 0.6), (2, 0.6)), _every(1, 3, 0.5), ((1, 0.8), (2, 0.8)), "pluck", ((0, 1.0),),
    ),
    "rock waltz": Style(
        3, ((0, 1.0),), ((2, 0.9),), _every(0.5, 3), ((0, 0.9), (1, 0.6), (2, 0.6)), "saw", ((0, 1.0), (2, 0.7)),
    ),
    "strummed guitar": Style(
        4, comp=((0, 0.9), (1, 0.7), (1.5, 0.5), (2.5, 0.7), (3, 0.7), (3.5, 0.5)), comp_sound="pluck",
    ),
    "piano arpeggio": Style(4, comp=_every(0.5, 4, 0.8, 0.6), comp_sound="arp", bass=((0, 0.8),)),
    "pads": Style(4, comp=((0, 0.8),), comp_sound="pad"),
    "drums alone": Style(4, ((0, 1.0), (2, 0.9), (2.5, 0.8)), ((1, 1.0), (3, 1.0)), _every(0.5, 4)),
    "five four": Style(
        5, ((0, 1.0), (3, 0.9)), ((2, 0.9), (4, 0.8)), _every(0.5, 5), ((0, 0.9), (1.5, 0.7), (3, 0.8)), "pluck",
        ((0, 1.0), (3, 0.9)),
    ),
    "seven eight": Style(
        7, ((0, 1.0), (4, 0.9)), ((2, 0.9), (6, 0.8)), _every(1, 7), ((0, 0.9), (4, 0.7)), "pluck",
        ((0, 1.0), (4, 0.9)),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """What to play. `form` is one letter per section; `end_bpm` makes a steady ramp; `wander` a rubato (share)."""

    style: str
    bpm: float = 120.0
    tonic: int = 9
    mode: str = "minor"
    form: str = "ABAB"
    bars_per_section: int = 8
    seed: int = 1
    end_bpm: float | None = None
    wander: float = 0.0
    detune_cents: float = 0.0
    lead_in_s: float = 0.3
    melody: bool = True
    contrast: bool = True  # sections differ in who plays, not only in the chords


@dataclass(frozen=True)
class Truth:
    """What is known of a made song. `sections` are (start, end, label)."""

    bpm: float
    beats_s: Samples
    downbeats_s: Samples
    beats_per_bar: int
    key: str | None
    sections: tuple[tuple[float, float, str], ...]


def make_song(plan: Plan) -> tuple[NDArray[np.float32], Truth]:
    """The song, float32 (samples,), and the truth about it."""
    return _Band(plan).play()


def click_track(bpm: float, beats: int, accent_every: int = 4, first_s: float = 0.5) -> NDArray[np.float32]:
    """Short clicks at a steady tempo, every `accent_every`-th lower and louder."""
    audio = np.zeros(round((first_s + beats * 60 / bpm + 0.5) * RATE_HZ))
    t = np.arange(int(0.03 * RATE_HZ)) / RATE_HZ
    for beat in range(beats):
        accent = accent_every > 0 and beat % accent_every == 0
        click = (0.6 if accent else 0.3) * np.sin(2 * np.pi * (1000 if accent else 1500) * t) * np.exp(-150 * t)
        start = round((first_s + beat * 60 / bpm) * RATE_HZ)
        audio[start : start + len(click)] += click
    return audio.astype(np.float32)


class _Band:
    def __init__(self, plan: Plan) -> None:
        self.plan, self.style = plan, STYLES[plan.style]
        self.rng = np.random.default_rng(plan.seed)
        self.bars = len(plan.form) * plan.bars_per_section
        beats = self.bars * self.style.beats_per_bar
        bpm = np.linspace(plan.bpm, plan.end_bpm or plan.bpm, beats + 1)
        if plan.wander:
            steps = np.convolve(self.rng.standard_normal(beats + 9), np.ones(9) / 3, "valid")[: beats + 1]
            bpm = bpm * np.exp(plan.wander * steps)
        self.beat_times = plan.lead_in_s + np.concatenate([[0.0], np.cumsum(60 / bpm)])[: beats + 1]
        self.audio = np.zeros(round((self.beat_times[-1] + 2.5) * RATE_HZ))
        picks = {label: int(self.rng.integers(2)) for label in "ABC"}
        self.chords = {label: PROGRESSIONS[plan.mode][label][picks[label]] for label in "ABC"}
        self.notes: dict[tuple[float, float, str], Samples] = {}

    def play(self) -> tuple[NDArray[np.float32], Truth]:
        for bar in range(self.bars):
            self._bar(bar, self.plan.form[bar // self.plan.bars_per_section])
        audio = np.tanh(1.2 * self.audio / np.abs(self.audio).max()) + 2e-4 * self.rng.standard_normal(len(self.audio))
        return (0.7 * audio).astype(np.float32), self._truth()

    def _truth(self) -> Truth:
        per_bar, length = self.style.beats_per_bar, self.plan.bars_per_section
        sections: list[tuple[float, float, str]] = []
        for index, label in enumerate(self.plan.form):
            start, end = (self.beat_times[k * length * per_bar] for k in (index, index + 1))
            if sections and sections[-1][2] == label:
                sections[-1] = (sections[-1][0], float(end), label)
            else:
                sections.append((float(start), float(end), label))
        pitched = bool(self.style.comp or self.style.bass)
        beats = self.beat_times[:-1]
        return Truth(
            float(60 / np.median(np.diff(beats))), beats, beats[::per_bar], per_bar,
            f"{KEY_NAMES[self.plan.tonic]} {self.plan.mode}" if pitched else None, tuple(sections),
        )  # fmt: skip

    def _bar(self, bar: int, label: str) -> None:
        style, first = self.style, bar * self.style.beats_per_bar
        louder = {"A": 0.8, "B": 1.15, "C": 0.65}[label] if self.plan.contrast else 1.0
        quiet = label == "C" and self.plan.contrast
        chord = self.chords[label][bar % 4]
        fill = bar % self.plan.bars_per_section == self.plan.bars_per_section - 1 and bool(style.snare)
        for beat, velocity in () if quiet else style.kick:
            self._hit(first + beat, "kick", velocity * louder)
        snare = (
            (*style.snare, (style.beats_per_bar - 0.5, 0.6), (style.beats_per_bar - 0.25, 0.7)) if fill else style.snare
        )
        for beat, velocity in () if quiet else snare:
            self._hit(first + beat, "snare", 0.8 * velocity * louder)
        for beat, velocity in style.hat:
            self._hit(first + beat, "open" if label == "B" and self.plan.contrast else "hat", 0.5 * velocity * louder)
        if fill or (label == "B" and bar % self.plan.bars_per_section == 0 and style.kick):
            self._hit(first, "open", 0.5)
        self._bass(first, chord, louder)
        self._comp(first, chord, louder, label)
        if self.plan.melody and (label != "A" or not self.plan.contrast) and (style.comp or style.bass):
            self._melody(first, chord, louder)

    def _bass(self, first: int, chord: tuple[int, tuple[int, ...]], louder: float) -> None:
        root = 36 + (self.plan.tonic + chord[0] - 4) % 12 + 4 - 12 * ((self.plan.tonic + chord[0] - 4) % 12 > 7)
        walk = (0, chord[1][1], chord[1][2], chord[1][1])
        for number, (beat, velocity) in enumerate(self.style.bass):
            pitch = root + (walk[number % 4] if self.style.walking else 0)
            self._note(first + beat, 0.45, pitch, "bass", 0.55 * velocity * louder)

    def _comp(self, first: int, chord: tuple[int, tuple[int, ...]], louder: float, label: str) -> None:
        pitches = [52 + (self.plan.tonic + chord[0] + step - 4) % 12 for step in chord[1]]
        lift = 12 if label == "B" and self.plan.contrast else 0
        for number, (beat, velocity) in enumerate(self.style.comp):
            if self.style.comp_sound == "arp":
                played = [sorted(pitches)[(0, 1, 2, 1)[number % 4]] + 12]
            else:
                played = pitches + ([pitches[0] + lift] if lift else [])
            length = self.style.beats_per_bar if self.style.comp_sound == "pad" else 0.8
            for pitch in played:
                self._note(first + beat, length, pitch, self.style.comp_sound, 0.22 * velocity * louder)

    def _melody(self, first: int, chord: tuple[int, tuple[int, ...]], louder: float) -> None:
        scale = [(self.plan.tonic + step) % 12 for step in SCALES[self.plan.mode]]
        beat = 0.0
        while beat < self.style.beats_per_bar:
            length = float(self.rng.choice([0.5, 0.5, 1.0, 1.5]))
            chord_tones = [(self.plan.tonic + chord[0] + step) % 12 for step in chord[1]]
            classes = chord_tones if beat % 2 == 0 else scale
            pitch = 64 + (int(self.rng.choice(classes)) - 4) % 12
            if self.rng.random() < 0.8:
                self._note(first + beat, length, pitch, "voice", 0.4 * louder)
            beat += length

    def _at(self, beat: float) -> float:
        whole = min(int(beat), len(self.beat_times) - 2)
        gap = self.beat_times[whole + 1] - self.beat_times[whole]
        return float(self.beat_times[whole] + (beat - whole) * gap + self.rng.normal(0, 0.004))

    def _add(self, start_s: float, sound: Samples) -> None:
        start = max(0, round(start_s * RATE_HZ))
        sound = sound[: max(0, len(self.audio) - start)]
        self.audio[start : start + len(sound)] += sound

    def _hit(self, beat: float, drum: str, velocity: float) -> None:
        velocity *= float(np.clip(self.rng.normal(1, 0.1), 0.6, 1.3))
        t = np.arange(int({"kick": 0.25, "snare": 0.2, "hat": 0.06, "open": 0.35}[drum] * RATE_HZ)) / RATE_HZ
        if drum == "kick":
            sound = np.sin(2 * np.pi * (50 * t + 3.0 * (1 - np.exp(-40 * t)))) * np.exp(-14 * t)
        else:
            noise = self.rng.standard_normal(len(t))
            if drum == "snare":
                sound = (0.5 * noise + 0.5 * np.sin(2 * np.pi * 190 * t)) * np.exp(-22 * t)
            else:
                sound = np.diff(noise, n=2, append=[0, 0]) * 0.2 * np.exp(-(60 if drum == "hat" else 10) * t)
        self._add(self._at(beat), velocity * sound)

    def _note(self, beat: float, beats: float, pitch: float, sound: str, velocity: float) -> None:
        start_s = self._at(beat)
        length_s = self._at(min(beat + beats, len(self.beat_times) - 1)) - start_s
        velocity *= float(np.clip(self.rng.normal(1, 0.08), 0.6, 1.3))
        self._add(start_s, velocity * self._tone(pitch, round(max(length_s, 0.08), 2), sound))

    def _tone(self, pitch: float, length_s: float, sound: str) -> Samples:
        if (pitch, length_s, sound) not in self.notes:
            f0 = 440 * 2 ** ((pitch - 69 + self.plan.detune_cents / 100) / 12)
            t = np.arange(int((length_s + 0.15) * RATE_HZ)) / RATE_HZ
            partials = {"bass": 5, "saw": 16, "pluck": 8, "arp": 6, "pad": 6, "voice": 10}[sound]
            slope = {"bass": 1.3, "saw": 1.0, "pluck": 1.3, "arp": 1.6, "pad": 1.5, "voice": 1.1}[sound]
            phase = 2 * np.pi * f0 * t + (0.15 * np.sin(2 * np.pi * 5.5 * t) if sound == "voice" else 0)
            wave = sum(np.sin(k * phase + k * k) * k**-slope for k in range(1, partials + 1) if k * f0 < 0.45 * RATE_HZ)
            attack = {"pad": 0.25, "voice": 0.04}.get(sound, 0.004)
            decay = {"pluck": 4.0, "arp": 3.0, "bass": 2.0}.get(sound, 0.3)
            envelope = np.minimum(t / attack, 1) * np.exp(-decay * t) * np.clip((length_s + 0.1 - t) / 0.1, 0, 1)
            self.notes[pitch, length_s, sound] = np.asarray(wave * envelope)
        return self.notes[pitch, length_s, sound]


def catalogue(seed: int = 0) -> list[tuple[str, Plan]]:
    """Songs of every style at several tempi, keys and forms, and the hard cases."""
    rng = np.random.default_rng(seed)
    ranges = {
        "four on the floor": (112, 134), "rock": (95, 180), "rock sixteenths": (70, 115), "ballad": (58, 82),
        "half time": (130, 160), "funk": (88, 116), "reggaeton": (85, 105), "bossa": (110, 150), "swing": (110, 210),
        "shuffle": (80, 140), "waltz": (90, 180), "rock waltz": (85, 150), "strummed guitar": (85, 140),
        "piano arpeggio": (65, 120), "pads": (60, 100), "drums alone": (85, 170), "five four": (100, 160),
        "seven eight": (180, 260),
    }  # fmt: skip
    forms = ("ABAB", "AABB", "ABABCB", "ABCAB")
    plans = []
    for style, (low, high) in ranges.items():
        for take in range(4):
            plan = Plan(
                style, round(float(rng.uniform(low, high)), 1), int(rng.integers(12)),
                str(rng.choice(["major", "minor"])),
                forms[int(rng.integers(4))], int(rng.choice([4, 8])), int(rng.integers(1 << 30)),
                detune_cents=float(rng.choice([0.0, 0.0, 12.0, -20.0])), lead_in_s=float(rng.uniform(0.05, 1.5)),
                contrast=take != 3,
            )  # fmt: skip
            plans.append((style, plan))
    base = Plan("rock", seed=seed + 5)
    plans.append(("ramp", replace(base, bpm=95, end_bpm=135, tonic=2)))
    plans.append(("ramp", replace(base, style="four on the floor", bpm=130, end_bpm=100, tonic=7, mode="major")))
    plans.append(("slight ramp", replace(base, bpm=118, end_bpm=122, tonic=4)))
    for number, style in enumerate(("piano arpeggio", "strummed guitar", "pads")):
        plans.append(("rubato", replace(base, style=style, bpm=80, wander=0.12, tonic=number, seed=seed + number)))
    plans.append(("one loop", replace(base, form="AAAA", bpm=104)))
    plans.append(("one loop", replace(base, style="four on the floor", form="AAAA", bpm=124, tonic=5)))
    return plans
