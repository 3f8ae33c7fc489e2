"""The agent's tools for somebody else's LangChain agent, with any model: `MixingToolkit(song).get_tools()`."""

from collections.abc import Callable
from typing import Any

from langchain_core.tools import BaseTool, BaseToolkit, StructuredTool, ToolException
from langgraph.store.base import BaseStore
from pydantic import PrivateAttr

from mixingbuddy.agent.serving.desk import Approver, MixingDesk, ask_through_graph
from mixingbuddy.agent.serving.embedding import PathLike, open_workbench
from mixingbuddy.agent.settings import HelpLevel
from mixingbuddy.agent.state import Lock, Version
from mixingbuddy.models.advisor import Advisor
from mixingbuddy.tools.errors import ModelMistake
from mixingbuddy.tools.multitrack import Song


class MixingToolkit(BaseToolkit):
    """Tools that measure, propose and apply on one song. Proposals come back rendered and measured.

    The toolkit holds versions, wishes and the proposal. `apply_moves` asks first: by an interrupt of the LangGraph
    agent that calls it (which needs a checkpointer), or by `approver`, which gets the question as a dictionary and
    answers with true, false or `{"type": "approve" | "edit" | "reject", ...}`. What the model did wrong comes back to
    it as a tool message with status "error"; results are JSON, and `agent.results.read_result` makes objects of them.
    """

    _desk: MixingDesk = PrivateAttr()

    def __init__(
        self,
        song: Song | PathLike,
        *,
        advisor: str | Advisor | None = None,
        reference: PathLike | None = None,
        anchor: str | None = None,
        approver: Approver = ask_through_graph,
        store: BaseStore | None = None,
        help_level: HelpLevel = "suggest",
        workspace: PathLike | None = None,
    ) -> None:
        """Raises UserError for anything that cannot be used."""
        super().__init__()
        bench = open_workbench(song, advisor=advisor, reference=reference, anchor=anchor, workspace=workspace)
        self._desk = MixingDesk(bench, approver, store, help_level)

    @property
    def version(self) -> Version:
        """Where the faders stand now."""
        return self._desk.version

    @property
    def versions(self) -> tuple[Version, ...]:
        return self._desk.versions

    @property
    def locks(self) -> tuple[Lock, ...]:
        """The user's standing wishes."""
        return self._desk.locks

    def get_tools(self) -> list[BaseTool]:
        """Ordinary LangChain tools; all of them work on the same song."""
        return [_plain_tool(self._desk, tool) for tool in self._desk.tools]


def _plain_tool(desk: MixingDesk, tool: BaseTool) -> BaseTool:
    return StructuredTool(
        name=tool.name,
        description=tool.description,
        args_schema=tool.tool_call_schema,
        func=_runner(desk, tool.name),
        handle_tool_error=True,
        handle_validation_error=_wrong_arguments,
    )


def _wrong_arguments(error: Any) -> str:
    """What was wrong with a call's arguments, for the model that made it."""
    problems = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}, got {one['input']!r:.80}" for one in error.errors()]
    return f"wrong arguments: {'; '.join(problems[:5])}"


def _runner(desk: MixingDesk, name: str) -> Callable[..., str]:
    def run(**arguments: Any) -> str:
        try:
            return desk.run(name, arguments).model_dump_json()
        except ModelMistake as mistake:
            raise ToolException(str(mistake)) from mistake

    return run
