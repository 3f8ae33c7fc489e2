"""The reply guard: no number and no stem reaches the user that was not measured in this turn."""

import re
from collections.abc import Iterable, Sequence

from langchain_core.messages import BaseMessage

from mixingbuddy.agent.intents import is_request
from mixingbuddy.agent.ledger import Ledger, figures_in

MAX_WORDS = 250
_QUOTED = re.compile(r"'([^'\n]{1,80})'")


def objections(
    reply: str, messages: Sequence[BaseMessage], stems: Iterable[str], sayings: Iterable[str] = ()
) -> tuple[str, ...]:
    """What in `reply` is not borne out by this turn's measurements; empty where all of it is.

    `sayings` are quoted words that are allowed besides stem names. So is what the user may say back.
    """
    names = tuple(stems)
    ledger = Ledger.of_turn(messages, names)
    bare = reply
    # A name such as "vox -3 dB" or "o'clock" must not be read as a figure or as a quotation.
    for name in sorted((n for n in names if "'" in n or figures_in(n)), key=len, reverse=True):
        bare = bare.replace(name, " ")
    found = [f"'{figure.text.strip()}' was not measured" for figure in figures_in(bare) if not ledger.holds(figure)]
    known = {name.casefold() for name in (*names, *sayings)}
    quoted = [name for name in _QUOTED.findall(bare) if name.strip()]
    found += [
        f"'{name}' is no stem of this song" for name in quoted if name.casefold() not in known and not is_request(name)
    ]
    if not reply.strip():
        found.append("the reply is empty")
    if len(reply.split()) > MAX_WORDS:
        found.append(f"the reply has {len(reply.split())} words, {MAX_WORDS} at most")
    return tuple(dict.fromkeys(found))
