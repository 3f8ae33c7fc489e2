"""The human's answer over MCP: asked by a form where the client shows forms, else given by letting the call through."""

from string import Template
from typing import Any

from anyio import from_thread
from pydantic import BaseModel, Field

from mixingbuddy.agent.approval import Decision
from mixingbuddy.agent.serving.desk import Approver
from mixingbuddy.agent.serving.mcp_sdk import Sdk
from mixingbuddy.prompts import load_table
from mixingbuddy.tools.errors import ModelMistake, printable


class ApprovalForm(BaseModel):
    """What the user fills in."""

    apply: bool = Field(description="whether these moves become the new version")
    reason: str = Field(default="", description="why not; kept in mind for this song")


def asking_by_form(sdk: Sdk, context: Any) -> Approver:
    """An approver for the thread of a job. A client without forms decides itself which calls its user has to allow."""

    def ask(question: dict[str, Any]) -> bool | Decision:
        if not context.session.check_client_capability(sdk.forms):
            return True
        moves = ", ".join(f"{move['stem']} {move['gain_db']:+.1f} dB" for move in question["moves"])
        words = Template(load_table("steps")["approval"]).substitute(moves=moves)
        try:
            answer = from_thread.run(context.elicit, words, ApprovalForm)
        except sdk.no_way_back:
            return True  # a connection on which no server can ask anything
        except (sdk.protocol_error, ValueError) as error:
            raise ModelMistake(
                f"the user could not be asked, so nothing was applied: {printable(str(error))}"
            ) from error
        if answer.action != "accept":
            return False
        form: ApprovalForm = answer.data
        return True if form.apply else Decision(type="reject", reason=form.reason[:500])

    return ask
