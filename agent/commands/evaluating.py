"""Run the balance benchmark for several advisors and settings, with a progress bar."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from mixingbuddy.agent.commands.console import song_progress
from mixingbuddy.models.advisor import Advisor
from mixingbuddy.models.advisors import open_advisor
from mixingbuddy.models.data.songs import Split
from mixingbuddy.models.data.triplets import SETTINGS, Setting
from mixingbuddy.models.evaluate import EvaluationResult, Progress, evaluate, load_material, refusal, samples_of
from mixingbuddy.models.protocols import Protocol
from mixingbuddy.tools.errors import UserError

ALL_SETTINGS = "all"
Combination = tuple[str, Setting, Protocol]  # which advisor, in which setting and protocol


def settings_named(given: Sequence[str]) -> list[Setting]:
    """The settings of these names, each once. Raises UserError with the right names for a wrong one."""
    for name in given:
        if name not in (*SETTINGS, ALL_SETTINGS):
            raise UserError(
                f"no setting '{name}'; there are: {', '.join(SETTINGS)}, and {ALL_SETTINGS} for all of them"
            )
    return [name for name in SETTINGS if name in given or ALL_SETTINGS in given]


def advisors_named(given: Sequence[str]) -> dict[str, Advisor]:
    return {name: open_advisor(name) for name in given}


def evaluated(
    data: Path,
    split: Split,
    advisors: Mapping[str, Advisor],
    combinations: Sequence[Combination],
    seed: int,
    songs: int | None = None,
    samples: int | None = None,
) -> tuple[list[EvaluationResult], list[str]]:
    """A result for every combination that its advisor can do, and why it cannot do the others.

    Raises UserError where it can do none, and where `data` cannot be used.
    """
    with _bar("decoding songs") as progress:
        material = load_material(data, split, songs, progress)
    results, refusals = [], []
    for name, setting, protocol in combinations:
        advisor = advisors[name]
        with _bar(f"{name}, {setting}, {protocol}") as progress:
            why = refusal(advisor, material, samples_of(material, protocol, setting, seed, samples))
            if why is not None:
                refusals.append(f"{name} cannot do '{setting}': {why}")
                continue
            results.append(
                evaluate(advisor, data, split, protocol, setting, seed, songs, samples, progress, material, name)
            )
    if not results:
        raise UserError(refusals[0])
    return results, refusals


@contextmanager
def _bar(what: str) -> Iterator[Progress]:
    """A progress bar on stderr; silent where stderr is no terminal."""
    with song_progress() as bar:
        task = bar.add_task(what, total=None)

        def show(done: int, of: int) -> None:
            bar.update(task, completed=done, total=of)

        yield show
