"""Eight lessons that differ in sound only, for tests of large audio models."""

from collections.abc import Sequence

from songs import RATE_HZ, make_stems

from mixingbuddy.models.audio_llm_lessons import answer_of
from mixingbuddy.models.audio_llm_prompt import make_prompt
from mixingbuddy.models.data.triplets import SampleSpec, Triplet, label_for
from mixingbuddy.tools.moves import gain_of
from mixingbuddy.tools.multitrack import Multitrack, Stem, with_gains
from mixingbuddy.tools.roles import Role

ROLES: dict[str, Role] = {"vocals": "vocals", "drums": "drums", "bass": "bass", "guitar": "other"}
FLAWS_DB: tuple[dict[str, float], ...] = (
    {},
    {"vocals": -9.0},
    {"vocals": 9.0},
    {"drums": -8.0},
    {"drums": 8.0},
    {"bass": -7.0},
    {"bass": 7.0},
    {"vocals": 6.0, "bass": -5.0},
)


def small_song(seed: int = 1, duration_s: float = 1.0, rate_hz: int = RATE_HZ) -> Multitrack:
    """Vocals, drums, bass and other, each stereo."""
    stems = make_stems(duration_s, seed)
    return Multitrack(f"song {seed}", rate_hz, tuple(Stem(ROLES[name], ROLES[name], a) for name, a in stems.items()))


def eight_lessons() -> list[Triplet]:
    """One second of one song with eight flaws, no reference, no anchor: the words of all questions are the same."""
    song = small_song()
    return [
        Triplet(
            spec=SampleSpec(f"multi/song/0/{number}", "song", 0, "multi", "stems", seed=0),
            flawed=with_gains(song, (gain_of(flaws_db, name) for name in song.names)),
            reference=None,
            anchor=None,
            flaws_db=flaws_db,
            label=label_for(flaws_db),
        )
        for number, flaws_db in enumerate(FLAWS_DB)
    ]


def texts_of(lessons: Sequence[Triplet]) -> list[str]:
    """All words of these lessons, for a tokenizer to learn."""
    prompts = [make_prompt(lesson.flawed, lesson.reference, lesson.anchor, 1.0) for lesson in lessons]
    answers = [answer_of(lesson, prompt) for lesson, prompt in zip(lessons, prompts, strict=True)]
    return [*("".join(prompt.parts) for prompt in prompts), *answers]
