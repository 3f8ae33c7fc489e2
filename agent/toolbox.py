"""The tools that a language model may call: few, coarse, and never with a file path."""

from langchain_core.tools import BaseTool

from mixingbuddy.agent.tool_calls.measuring_tools import compare_reference, inspect, levels, overview
from mixingbuddy.agent.tool_calls.memory_tools import remember
from mixingbuddy.agent.tool_calls.moving_tools import apply_moves, ask_advisor, try_moves
from mixingbuddy.agent.tool_calls.teaching_tools import explain
from mixingbuddy.agent.tool_calls.version_tools import check_notes, history, listen

TOOLS: tuple[BaseTool, ...] = (
    overview,
    levels,
    inspect,
    compare_reference,
    ask_advisor,
    try_moves,
    explain,
    apply_moves,
    history,
    check_notes,
    listen,
    remember,
)
