"""The command `memory`: what is kept in mind about a song and about all songs, and forgetting it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mixingbuddy.agent.commands.options import JsonOption, WorkspaceOption, chosen_settings

if TYPE_CHECKING:
    from mixingbuddy.agent.memory import Kept

MEMORY_EXAMPLES = (
    "Examples: mixingbuddy memory  |  mixingbuddy memory song/ --json  |  mixingbuddy memory --forget 3f9a  |  "
    "mixingbuddy memory --forget all"
)
SHORTEST_KEY = 4


def memory(
    song: Annotated[Path | None, typer.Argument(help="Only what is kept about this song.", show_default=False)] = None,
    forget: Annotated[str | None, typer.Option(help="Forget one entry by its key, or 'all' that is listed.")] = None,
    workspace: WorkspaceOption = None,
    json: JsonOption = False,
) -> None:
    """Show what is kept in mind of your wishes and taste, and forget it."""
    from mixingbuddy.agent.commands.console import out, show_memory
    from mixingbuddy.agent.commands.printing import print_json
    from mixingbuddy.agent.memory import MemoryShown, forget_kept, open_memory, read_all

    with open_memory(chosen_settings(workspace=workspace).workspace_root) as store:
        kept = read_all(store, song)
        gone = _meant(kept, forget) if forget is not None else []
        forget_kept(store, gone)
        left = [one for one in kept if one not in gone]
    if json:
        print_json(MemoryShown(kept=tuple(left), forgotten=tuple(gone)))
        return
    if gone:
        out.print(f"Forgotten: {len(gone)}.")
    show_memory(left)


def _meant(kept: list["Kept"], key: str) -> list["Kept"]:
    from mixingbuddy.tools.errors import UserError

    if key == "all":
        return kept
    found = [one for one in kept if len(key) >= SHORTEST_KEY and one.key.startswith(key)]
    if len(found) != 1:
        known = ", ".join(one.key[:SHORTEST_KEY] for one in kept[:10]) or "none"
        raise UserError(f"--forget '{key}': expected 'all' or the key of one entry; keys: {known}")
    return found
