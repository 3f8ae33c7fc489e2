import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixingbuddy.agent.intents import Request, find_stems, is_request, read_requests
from mixingbuddy.tools.roles import Role

ROLES: dict[str, Role] = {
    "LeadVox": "vocals",
    "BGV": "backing_vocals",
    "Kick In": "kick",
    "Snare": "snare",
    "Bass DI": "bass",
    "08_ElecGtr1": "guitar",
    "E_PNO": "keys",
}
VOICE, KIT = ("LeadVox", "BGV"), ("Kick In", "Snare")


def one(text: str) -> Request:
    requests = read_requests(text, ROLES)
    assert len(requests) == 1, requests
    return requests[0]


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("critique this", "critique"),
        ("What's wrong with it?", "critique"),
        ("compare with the reference", "compare"),
        ("apply", "apply"),
        ("yes please", "apply"),
        ("ok do it", "apply"),
        ("no", "reject"),
        ("nope, leave it", "reject"),
        ("undo", "undo"),
        ("go back", "undo"),
        ("redo", "redo"),
        ("why?", "why"),
        ("how do you know", "why"),
        ("what changed?", "changed"),
        ("help", "help"),
        ("what is locked?", "locks"),
        ("bit less", "scale"),
        ("a bit more", "scale"),
        ("banana", "unknown"),
        ("", "unknown"),
        ("???", "unknown"),
    ],
)
def test_requests_without_a_stem(text: str, intent: str) -> None:
    assert read_requests(text, ROLES)[0].intent == intent


@pytest.mark.parametrize(
    ("text", "stems", "direction", "amount_db"),
    [
        ("turn the vocals up by 2 dB", VOICE, 1, 2.0),
        ("lead vox down 1.5", ("LeadVox",), -1, 1.5),
        ("bass down a bit", ("Bass DI",), -1, 1.0),
        ("snare up a lot", ("Snare",), 1, 4.0),
        ("make the kick louder", ("Kick In",), 1, None),
        ("drums and bass up", (*KIT, "Bass DI"), 1, None),
        ("kick in -3 dB", ("Kick In",), -1, 3.0),
        ("E PNO +2", ("E_PNO",), 1, 2.0),
        ("08 ElecGtr1 down 2 dB", ("08_ElecGtr1",), -1, 2.0),
        ("push the guitars a touch", ("08_ElecGtr1",), 1, 0.5),
    ],
)
def test_fader_wishes(text: str, stems: tuple[str, ...], direction: int, amount_db: float | None) -> None:
    request = one(text)
    assert request.intent == "turn"
    assert set(request.stems) == set(stems)
    assert (request.direction, request.amount_db) == (direction, amount_db)


@pytest.mark.parametrize(
    ("text", "intent", "stems"),
    [
        ("is the vocal too loud?", "too_loud", VOICE),
        ("vox are buried", "too_quiet", VOICE),
        ("is the bass loud enough", "too_quiet", ("Bass DI",)),
        ("how loud is the snare?", "how_loud", ("Snare",)),
        ("keep the drums as they are", "lock", KIT),
        ("don’t touch the bass", "lock", ("Bass DI",)),
        ("unlock the drums", "unlock", KIT),
    ],
)
def test_requests_about_stems(text: str, intent: str, stems: tuple[str, ...]) -> None:
    request = one(text)
    assert request.intent == intent
    assert set(request.stems) == set(stems)


def test_two_wishes_in_one_sentence() -> None:
    first, second = read_requests("vocals up 2.5 dB and the bass down 1 dB", ROLES)
    assert (first.direction, first.amount_db, set(first.stems)) == (1, 2.5, set(VOICE))
    assert (second.direction, second.amount_db, second.stems) == (-1, 1.0, ("Bass DI",))
    lock, critique = read_requests("keep the drums, and critique the rest", ROLES)
    assert (lock.intent, critique.intent) == ("lock", "critique")


def test_a_stem_is_found_by_name_role_and_group() -> None:
    assert find_stems("bgv", ROLES) == ("BGV",)
    assert set(find_stems("drums", ROLES)) == set(KIT)
    assert find_stems("electric piano", ROLES) == ("E_PNO",)
    assert find_stems("tuba", ROLES) == ()


def test_what_the_replies_suggest_is_understood() -> None:
    for saying in ("apply", "no", "a bit less", "a bit more", "why?", "undo", "what changed?", "unlock drums", "quit"):
        assert is_request(saying), saying
    assert not is_request("other")


@given(st.text(max_size=200))
def test_any_text_is_read_without_fail(text: str) -> None:
    requests = read_requests(text, ROLES)
    assert requests
    for request in requests:
        assert set(request.stems) <= set(ROLES)
        assert request.amount_db is None or request.amount_db >= 0
