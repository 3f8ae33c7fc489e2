import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixingbuddy.agent.requests import Dialogue, Request
from mixingbuddy.agent.understanding.intents import find_stems, is_request, next_dialogue, read_requests
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
        ("are the vocals too loud?", "too_loud", VOICE),
        ("is the vocal too loud?", "too_loud", ("LeadVox",)),
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


@pytest.mark.parametrize(
    "text",
    [
        "don't apply it",
        "don’t apply",
        "don´t apply",
        "dont apply it",
        "do not do it",
        "never apply that",
        "no, don't do it",
        "please do not go ahead",
    ],
)
def test_a_refusal_is_a_refusal(text: str) -> None:
    assert {request.intent for request in read_requests(text, ROLES)} == {"reject"}


@pytest.mark.parametrize(
    "text",
    [
        "not yet",
        "yes but only half",
        "should I apply it?",
        "apply?",
        "apply it?",
        "did you apply it?",
        "yes and no",
        "no, apply it",
        "apply only the bass",
        "apply the bass move",
        "yes, the vocals",
        "apply, banana",
        "apply it if it sounds good",
        "ok, how loud is the bass?",
        "sure, why?",
        "I'm not sure",
        "keep it as it was",
        "what would happen if I say yes?",
        "yes, but less bass",
        "can you apply it later",
        "yes but",
        "apply it when the bass is better",
        "apply it because i say no",
        "do it once the drums are quieter",
        "yes, if it helps",
        "apply, lol, no",
    ],
)
def test_what_is_no_plain_consent_never_applies(text: str) -> None:
    assert "apply" not in {request.intent for request in read_requests(text, ROLES)}


@pytest.mark.parametrize(
    "text",
    ["apply", "yes", "yes, apply", "ok do it", "please apply it now", "go ahead", "yeah sounds good", "great, apply"],
)
def test_plain_consent_applies(text: str) -> None:
    assert "apply" in {request.intent for request in read_requests(text, ROLES)}


def test_a_wish_may_come_with_its_consent() -> None:
    wish, consent = read_requests("vocals up 3 dB and apply", ROLES)
    assert (wish.intent, consent.intent) == ("turn", "apply")
    lock, consent = read_requests("don't touch the bass, and apply", ROLES)
    assert (lock.intent, consent.intent) == ("lock", "apply")


def test_a_move_that_is_refused_is_no_move() -> None:
    assert one("please dont turn the vocal up").intent == "reject"
    assert one("don't undo it").intent == "reject"
    assert one("the vocal is not too loud").intent == "reject"


EVERY = tuple(ROLES)


@pytest.mark.parametrize(
    ("text", "intent", "without"),
    [
        ("keep everything except the bass", "lock", {"Bass DI"}),
        ("keep everything but the bass and the snare", "lock", {"Bass DI", "Snare"}),
        ("lock everything apart from the vocals", "lock", set(VOICE)),
        ("do not touch anything", "lock", set()),
        ("leave the rest alone", "lock", set()),
        ("unlock everything", "unlock", set()),
        ("everything but the vocals down 1 dB", "turn", set(VOICE)),
    ],
)
def test_everything_and_the_rest(text: str, intent: str, without: set[str]) -> None:
    request = one(text)
    assert request.intent == intent
    assert set(request.stems) == set(EVERY) - without


def test_the_rest_is_what_was_not_named() -> None:
    wish, lock = read_requests("turn the bass up and leave the rest alone", ROLES)
    assert wish.stems == ("Bass DI",)
    assert set(lock.stems) == set(EVERY) - {"Bass DI"}


@pytest.mark.parametrize(
    ("amount", "amount_db"),
    [
        (".5 dB", 0.5),
        ("one and a half db", 1.5),
        ("2 and a half dB", 2.5),
        ("two dB", 2.0),
        ("twelve decibels", 12.0),
        ("half a dB", 0.5),
        ("by two", 2.0),
        ("2,5 dB", 2.5),
        ("0 dB", 0.0),
    ],
)
def test_amounts(amount: str, amount_db: float) -> None:
    request = one(f"vox up {amount}")
    assert (request.direction, request.amount_db, request.trouble) == (1, amount_db, "")


@pytest.mark.parametrize("amount", ["1e3", "1e3 dB", "3 percent", "3%", "2-3 dB", "2 to 3 dB", "1/2 dB", "5 lufs"])
def test_an_amount_that_cannot_be_read_is_not_guessed(amount: str) -> None:
    request = one(f"vox up {amount}")
    assert (request.amount_db, request.trouble) == (None, "unreadable")


def test_up_by_a_negative_number_is_a_contradiction() -> None:
    assert one("vox up -2 dB").trouble == "contradiction"
    assert one("vox down +2 dB").trouble == "contradiction"
    assert one("vox down -2 dB").trouble == ""


@pytest.mark.parametrize(
    ("text", "factor"),
    [("half of that", 0.5), ("half as much", 0.5), ("only half", 0.5), ("twice as much", 2.0), ("double it", 2.0)],
)
def test_multiples(text: str, factor: float) -> None:
    assert (one(text).intent, one(text).factor) == ("scale", factor)


@pytest.mark.parametrize(
    ("text", "fader_db"),
    [("vox to -3 dB", -3.0), ("set the bass to -6 dB", -6.0), ("put the snare at -3", -3.0), ("bass up to 0 dB", 0.0)],
)
def test_a_place_on_the_fader(text: str, fader_db: float) -> None:
    assert (one(text).intent, one(text).fader_db, one(text).amount_db) == ("turn", fader_db, None)


def test_a_clause_without_a_stem_goes_on_with_the_stems_before() -> None:
    up, down = read_requests("turn the vocals up 2 dB and down 2 dB", ROLES)
    assert set(up.stems) == set(down.stems) == set(VOICE)
    assert (up.direction, down.direction) == (1, -1)


def test_a_list_of_wishes() -> None:
    wishes = read_requests("vocals: +2, bass: -1, kick: +0.5", ROLES)
    assert [(w.direction, w.amount_db) for w in wishes] == [(1, 2.0), (-1, 1.0), (1, 0.5)]


@pytest.mark.parametrize(
    ("text", "intent", "stems", "question"),
    [
        ("the piano is way too loud", "too_loud", ("E_PNO",), False),
        ("is the piano too loud?", "too_loud", ("E_PNO",), True),
        ("the snare is drowning everything", "too_loud", ("Snare",), False),
        ("the guitars are burying the vocal", "too_loud", ("08_ElecGtr1",), False),
        ("the bass is covering the kick", "too_loud", ("Bass DI",), False),
        ("the vocals are drowned by the guitars", "too_quiet", VOICE, False),
        ("the vocals are drowning", "too_quiet", VOICE, False),
        ("should i turn the vocals up?", "too_quiet", VOICE, True),
        ("is the piano louder than the guitar?", "how_loud", ("E_PNO", "08_ElecGtr1"), True),
        ("the bass is not loud enough", "too_quiet", ("Bass DI",), False),
        ("i like the vocals buried", "taste", VOICE, False),
        ("i want the vocals low", "taste", VOICE, False),
        ("the vocals are meant to be quiet", "taste", VOICE, False),
        ("i don't like the vocals buried", "too_quiet", VOICE, False),
        ("more vocals", "turn", VOICE, False),
        ("why did you take the piano down?", "why", ("E_PNO",), True),
        ("how loud are the drums", "how_loud", KIT, True),
    ],
)
def test_statements_questions_and_taste(text: str, intent: str, stems: tuple[str, ...], question: bool) -> None:
    request = one(text)
    assert (request.intent, request.question) == (intent, question)
    assert set(request.stems) == set(stems)


def test_more_and_less_of_a_stem() -> None:
    assert (one("2 dB more vocals").direction, one("2 dB more vocals").amount_db) == (1, 2.0)
    assert (one("3 dB less bass").direction, one("3 dB less bass").amount_db) == (-1, 3.0)
    for text, word in (("less cowbell", "cowbell"), ("less blorp", "blorp"), ("more clarinet", "clarinet")):
        assert (one(text).intent, one(text).stems, one(text).missing) == ("turn", (), (word,))


def test_a_part_of_a_group_that_is_not_there_never_stands_for_another() -> None:
    roles: dict[str, Role] = {"vox": "vocals", "kit": "drums"}
    request = read_requests("backing vocals up 2 dB", roles)[0]
    assert (request.stems, request.missing) == ((), ("backing vocals",))


@pytest.mark.parametrize(
    ("text", "intent", "version"),
    [
        ("undo everything", "go", 1),
        ("go back to version 1", "go", 1),
        ("back to the original", "go", 1),
        ("version 3", "go", 3),
        ("switch to v4", "go", 4),
        ("back to the loud vocal version", "go", "loud vocal"),
        ("undo", "undo", None),
        ("what changed since v2?", "changed", None),
    ],
)
def test_versions(text: str, intent: str, version: int | str | None) -> None:
    (request,) = read_requests(text, ROLES, versions=("Loud Vocal",))
    assert (request.intent, request.version) == (intent, version)


def test_of_two_versions_the_later_named_is_asked_about() -> None:
    request = one("what's the difference between v2 and v5?")
    assert (request.intent, request.version, request.other_version) == ("changed", 5, 2)
    assert one("what's new since v1").other_version == 1


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("how loud is it overall?", "overview"),
        ("what is the true peak?", "overview"),
        ("how loud is the mix?", "overview"),
        ("mute the bass", "cannot"),
        ("more reverb on the vocals", "cannot"),
        ("the bass is boomy", "complaint"),
        ("hello", "greeting"),
        ("thanks", "thanks"),
    ],
)
def test_other_requests(text: str, intent: str) -> None:
    assert one(text).intent == intent


def test_back_is_neither_up_nor_down() -> None:
    request = one("bring the guitars back a bit")
    assert (request.intent, request.direction) == ("turn", 0)


def test_a_misspelt_name_is_read_or_asked_about() -> None:
    assert one("tambuorine up").missing == ("tambuorine",)
    assert set(one("guitrs up").stems) == {"08_ElecGtr1"}
    assert one("bassdi down").stems == ("Bass DI",)
    assert (one("kcik up").stems, one("kcik up").meant) == ((), "kick")


NEGATIONS = ("not", "don't", "dont", "do not", "never", "no", "can't", "won't", "please don't", "do NOT", "don’t")
APPROVALS = (
    "apply",
    "apply it",
    "do it",
    "do that",
    "go ahead",
    "go for it",
    "yes",
    "ok",
    "commit",
    "accept",
    "keep it",
)


@given(st.text(max_size=40), st.sampled_from(NEGATIONS), st.sampled_from(APPROVALS), st.text(max_size=40))
def test_a_negated_approval_is_never_consent(before: str, negation: str, approval: str, after: str) -> None:
    text = f"{before} {negation} {approval} {after}"
    assert "apply" not in {request.intent for request in read_requests(text, ROLES)}


@given(st.text(max_size=200))
def test_any_text_is_read_without_fail(text: str) -> None:
    requests = read_requests(text, ROLES)
    assert requests
    for request in requests:
        assert set(request.stems) <= set(ROLES)
        assert request.amount_db is None or request.amount_db >= 0


@pytest.mark.parametrize(
    "text",
    ["turn the drums and bass down 2 dB", "turn down the bass and the drums by 2 dB", "bass and drums down 2 dB"],
)
def test_two_stems_share_a_direction_and_a_size(text: str) -> None:
    requests = read_requests(text, ROLES)
    moved = {stem: (r.direction, r.amount_db) for r in requests for stem in r.stems}
    assert moved == dict.fromkeys((*KIT, "Bass DI"), (-1, 2.0))


def test_alone_is_no_part_of_a_name() -> None:
    assert one("leave the vocals alone").called in {"vocals", "the vocals"}


def after(*earlier: str) -> Dialogue:
    """What these messages leave behind."""
    dialogue = Dialogue()
    for text in earlier:
        dialogue = next_dialogue(dialogue, read_requests(text, ROLES, dialogue))
    return dialogue


@pytest.mark.parametrize(
    ("earlier", "text", "intent", "stems"),
    [
        ("bass up 3 dB", "take it down a bit", "turn", ("Bass DI",)),
        ("how loud is the bass?", "is it too loud?", "too_loud", ("Bass DI",)),
        ("how loud is the bass?", "and the snare?", "how_loud", ("Snare",)),
        ("how loud is the bass?", "what about the kick?", "how_loud", ("Kick In",)),
        ("kick up 1 dB", "same for the snare", "same", ("Snare",)),
        ("kick up 1 dB", "the snare too", "same", ("Snare",)),
        ("bass up 1", "don't touch it", "lock", ("Bass DI",)),
        ("turn the bass up", "3 dB", "turn", ("Bass DI",)),
    ],
)
def test_what_was_said_before_is_remembered(earlier: str, text: str, intent: str, stems: tuple[str, ...]) -> None:
    (request,) = read_requests(text, ROLES, after(earlier))
    assert (request.intent, request.stems) == (intent, stems)


def test_a_question_goes_on_in_another_section() -> None:
    (request,) = read_requests("and in the second chorus?", ROLES, after("how loud is the bass in the verse?"))
    assert (request.intent, request.stems, request.section) == ("how_loud", ("Bass DI",), "second chorus")


@pytest.mark.parametrize(
    ("text", "slots"),
    [
        ("it sounds muddy", {"intent": "complaint", "quality": "muddy"}),
        ("make the snare punchier", {"intent": "complaint", "quality": "punch", "stems": ("Snare",)}),
        ("i can't understand the words", {"intent": "complaint", "quality": "unclear_words", "stems": ("LeadVox",)}),
        ("pan the guitars left", {"intent": "cannot", "effect": "pan"}),
        ("what's masking the guitar?", {"intent": "inspect", "aspect": "masking", "stems": ("08_ElecGtr1",)}),
        ("what does LUFS mean", {"intent": "explain", "term": "LUFS"}),
        ("explain sidechaining", {"intent": "explain", "term": "sidechaining"}),
        ("never more than 3 dB", {"intent": "limit", "limit_db": 3.0}),
        ("i like the bass low in all my songs", {"intent": "taste", "direction": -1, "everywhere": True}),
        ("this should sound like the record", {"intent": "reference", "reference": "the record"}),
        ("call this one 'Big Chorus'", {"intent": "name_version", "name": "Big Chorus"}),
        ("no, i like it dark", {"intent": "reject", "reason": "i like it dark"}),
        ("just do it yourself from now on", {"intent": "help_level", "level": "apply"}),
        ("never apply anything without asking", {"intent": "help_level", "level": "suggest"}),
        ("the snare is too loud in the chorus", {"intent": "too_loud", "section": "chorus"}),
        ("the client says: vocals up. did we do that since v1?", {"intent": "notes", "other_version": 1}),
    ],
)
def test_slots(text: str, slots: dict[str, object]) -> None:
    request = one(text)
    assert {name: getattr(request, name) for name in slots} == slots


@pytest.mark.parametrize(
    "text",
    ["thank you, that's great", "i like it", "makes sense", "that sounds better", "i think so", "don't do it yourself"],
)
def test_praise_is_no_consent(text: str) -> None:
    requests = read_requests(text, ROLES)
    assert "apply" not in {request.intent for request in requests}
    assert "apply" not in {request.level for request in requests}


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("just do it yourself from now on", "apply"),
        ("don't ask me, just apply things yourself", "apply"),
        ("don't apply without asking", "suggest"),
        ("never apply anything without asking me", "suggest"),
        ("why did you apply it without asking?", None),
        ("did you do that without asking?", None),
        ("apply things yourself only if they are small", None),
    ],
)
def test_acting_alone_needs_plain_words(text: str, level: str | None) -> None:
    assert [request.level for request in read_requests(text, ROLES)] == [level]


def test_consent_beyond_what_is_read_is_no_consent() -> None:
    """Nobody knows what the rest of an endless message says."""
    assert "apply" not in {request.intent for request in read_requests("apply." + " la" * 1500, ROLES)}


@settings(deadline=400)
@given(st.text(max_size=2000))
def test_long_texts_are_read_quickly(text: str) -> None:
    assert read_requests(text, ROLES)
