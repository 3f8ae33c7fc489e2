"""Results in words: the action first, its figures, and sentences that read well for one stem or several."""

import pytest

from mixingbuddy.agent.results import Applied, Comparison, Held, Proposed
from mixingbuddy.agent.speech.voice import Naming, Voice, fitted
from mixingbuddy.agent.speech.wording import comparison, own_words
from mixingbuddy.agent.speech.wording_moves import applied, held, move_words, proposed
from mixingbuddy.agent.state import ProposedMove
from mixingbuddy.models.advisor import StemAdvice
from mixingbuddy.tools.findings import Finding
from mixingbuddy.tools.verify import CheckedClaim, Verdict

GROUPS = {"vocals": "vocals", "Kick": "drums", "Snare": "drums", "Bass": "bass"}
NAMING = Naming(GROUPS)
VOICE = Voice()


def move(stem: str, gain_db: float, reason: str = "") -> ProposedMove:
    return ProposedMove(stem=stem, gain_db=gain_db, reason=reason)


def claim(metric: str, stem: str | None, after: float, unit: str = "LU") -> CheckedClaim:
    return CheckedClaim.model_validate(
        {
            "metric": metric, "stem": stem, "unit": unit, "before": -9.0, "predicted": after, "after": after,
            "tolerance": 0.5, "kept": True,
        }
    )  # fmt: skip


def verdict() -> Verdict:
    claims = (
        claim("level_rel_mix_lu", "Bass", -11.04),
        claim("loudness_lufs", None, -20.06, "LUFS"),
        claim("true_peak_dbtp", None, -6.04, "dBTP"),
    )
    return Verdict.model_validate({"claims": claims, "headroom_gain_db": 0.0, "levels_lu": {"Bass": -11.04}})


def advice(stem: str, measured_db: float) -> StemAdvice:
    return StemAdvice(stem=stem, gain_db=0, measured_db=measured_db, interval_db=(0, 0), p_change=0, reason="")


def test_stems_with_one_reason_are_one_line() -> None:
    told = move_words(VOICE, NAMING, [move("Kick", 2.0, "a"), move("Snare", 2.0, "a"), move("Bass", -1.0, "b")])
    assert told == [("Bring the drums (Kick and Snare) up 2.0 dB", "a"), ("Take Bass down 1.0 dB", "b")]


def test_of_many_faults_the_largest_have_their_reasons_told() -> None:
    moves = tuple(
        move(f"stem{n}", -float(n), f"{n}.0 dB over its place among professional mixes") for n in (9, 8, 7, 6, 5)
    )
    result = Proposed(origin="advisor", moves=moves, status="proved", verdict=verdict())
    text = fitted(proposed(VOICE, NAMING, result, has_reference=False, can_answer=True), 120)
    assert text.count("over its place") == 2
    assert all(f"Take {one.stem} down" in text for one in moves)
    assert "'apply'" in text


def test_a_proposal_leads_with_the_move_and_ends_with_the_next_step() -> None:
    result = Proposed(
        origin="advisor", moves=(move("Bass", -2.0, "bass 2.0 dB over its place"),), status="proved", verdict=verdict(),
        limited=("Bass",),
        findings=(Finding(kind="disagreement", source="ear", text="The ear hears it otherwise."),),
    )  # fmt: skip
    lines = fitted(proposed(VOICE, NAMING, result, has_reference=False, can_answer=True), 120).split("\n")
    assert lines[0] == "Take Bass down 2.0 dB: bass 2.0 dB over its place."
    assert lines[1] == "Bass: cut to the limit that you set."
    assert "-11.0 LU in the mix" in lines[2]
    assert "-20.1 LUFS" in lines[3]
    assert "-6.0 dBTP" in lines[3]
    assert lines[-2] == "The ear hears it otherwise."
    assert "'apply'" in lines[-1]
    short = fitted(proposed(VOICE, NAMING, result, has_reference=False, can_answer=True), 12)
    assert short == lines[0]


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (
            Held(stem="vocals", gain_db=5.0, kind="taste", words="vox"),
            "vocals would have to go up 5.0 dB, but you like it low.",
        ),
        (
            Held(stem="Bass", gain_db=-3.0, kind="taste", words="bass"),
            "Bass would have to go down 3.0 dB, but you like it loud.",
        ),
        (
            Held(stem="Bass", gain_db=-3.0, kind="keep", words="bass"),
            "Bass would have to go down 3.0 dB, but you asked me to leave that alone.",
        ),
        (
            Held(stem="Bass", gain_db=3.0, kind="rejected", words="Bass", reason="i like it dark"),
            "Bass would have to go up 3.0 dB, but you turned that down: “i like it dark”.",
        ),
    ],
)
def test_a_held_move_says_whose_wish_holds_it(one: Held, told: str) -> None:
    assert [line.text for line in held(VOICE, NAMING, [one])] == [told]


def test_held_stems_with_one_wish_share_a_sentence() -> None:
    drums = [Held(stem=stem, gain_db=2.0, kind="taste", words="drums") for stem in ("Kick", "Snare")]
    assert [line.text for line in held(VOICE, NAMING, drums)] == [
        "Kick and Snare would have to go up 2.0 dB, but you like them low."
    ]


def test_what_came_of_applying() -> None:
    def told(**fields: object) -> str:
        result = Applied.model_validate({"version": 2, "moves": [move("Bass", -2.0)], **fields})
        return fitted(applied(VOICE, NAMING, result), 120)

    assert told(status="applied") == "Done: Bass down 2.0 dB. You are on version 2.\nSay 'undo' to go back."
    edited = told(status="applied", edited=True, verdict=verdict())
    assert edited.startswith("Done with your amounts: Bass down 2.0 dB.")
    assert "-11.0 LU in the mix" in edited
    assert told(status="applied", by_help_level=True).startswith("I did it, as you wanted: Bass down 2.0 dB.")
    declined = told(status="declined", reason="it's fine", version=1)
    assert declined == "Left as it was; you are still on version 1.\nI keep in mind why: “it’s fine”."
    assert told(status="broken", reason="the fader ends at +12") == (
        "Nothing is applied: Bass down 2.0 dB. The reason: the fader ends at +12."
    )


def test_a_comparison_names_what_is_off_and_is_silent_about_the_rest() -> None:
    def told(*stems: StemAdvice, **judged_as: str) -> str:
        compared = Comparison(
            reference="mix", fit=None, differences=(), stems=stems, evidence="", findings=(), judged_as=judged_as
        )
        return fitted(comparison(VOICE, compared), 120)

    off = told(advice("Bass", 0.01), advice("vocals", 7.0), advice("Kick", -1.5))
    assert off == (
        "Vocals sit 7.0 dB under the reference; Kick sits 1.5 dB above the reference. "
        "All others sit where the reference has them."
    )
    assert told(advice("Bass", 0.01)) == "Every stem sits where the reference has it."
    group = told(advice("Kick", 2.0), advice("Snare", 2.0), Kick="drums", Snare="drums")
    assert group == "Kick and Snare together sit 2.0 dB under the reference."


def test_own_words_of_nothing_is_still_an_answer() -> None:
    assert own_words([], GROUPS, has_reference=False).startswith("I have no measured answer to that.")
