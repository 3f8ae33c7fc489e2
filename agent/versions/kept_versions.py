"""The versions that a conversation has kept, read without opening it, also while it is open in another window."""

import sqlite3
from contextlib import closing
from typing import cast

from mixingbuddy.agent.state import State
from mixingbuddy.agent.versions.version_tree import VersionTree, tree_of
from mixingbuddy.agent.workspace import Workspace
from mixingbuddy.tools.errors import UserError


def kept_versions(workspace: Workspace, session: str = "default") -> VersionTree:
    """The versions of a session; only the imported mix where there is no such session yet.

    Raises UserError where the session file cannot be read.
    """
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
    from langgraph.checkpoint.sqlite import SqliteSaver

    file = workspace.sessions_file
    if not file.exists():
        return VersionTree()
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=10)) as connection:
            saver = SqliteSaver(connection, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
            saver.is_setup = True  # nothing is created by looking
            kept = saver.get_tuple({"configurable": {"thread_id": session}})
    except sqlite3.DatabaseError as error:
        raise UserError(f"the session file '{file}' cannot be used ({error}); move it away") from error
    return VersionTree() if kept is None else tree_of(cast("State", kept.checkpoint["channel_values"]))
