"""A small OpenAI-compatible server on real sockets, scripted by the test.

Every request takes the next line of the script; the last line serves all that follow.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Line = Callable[["Handler"], None]


@dataclass(frozen=True)
class Call:
    """One tool call. `arguments` may be any text; an empty `id` or name is sent as it is."""

    name: str
    arguments: str = "{}"
    id: str | None = None

    @classmethod
    def of(cls, tool: str, **arguments: Any) -> "Call":
        return cls(tool, json.dumps(arguments))


@dataclass
class Server:
    """Where it listens, and what it was asked."""

    url: str
    script: list[Line]
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def next(self) -> Line:
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def tool_answers(self, request: int) -> list[str]:
        """What the tools had answered when the model was asked this time."""
        return [m["content"] for m in self.requests[request]["messages"] if m["role"] == "tool"]


@contextmanager
def openai_server(*script: Line) -> Iterator[Server]:
    """Serve `script` on 127.0.0.1 until the block ends."""
    server = _Quiet(("127.0.0.1", 0), Handler)
    log = Server(f"http://127.0.0.1:{server.server_address[1]}/v1", list(script))
    server.log = log  # type: ignore[attr-defined]
    server.stopped = threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield log
    finally:
        server.stopped.set()  # type: ignore[attr-defined]
        server.shutdown()
        server.server_close()
        thread.join()


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is what some tests are about."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    streaming = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        log: Server = self.server.log  # type: ignore[attr-defined]
        request = json.loads(body)
        self.streaming = bool(request.get("stream"))
        log.requests.append(request)
        log.headers.append({name.lower(): value for name, value in self.headers.items()})
        with suppress(BrokenPipeError, ConnectionResetError):
            log.next()(self)

    def log_message(self, format: str, *args: Any) -> None:
        """Tests print nothing."""

    def whole(self, status: int, document: Any, headers: Mapping[str, str] | None = None) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def event(self, data: str) -> None:
        self.bytes(f"data: {data}\n\n".encode())

    def bytes(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def end_stream(self) -> None:
        self.event("[DONE]")
        self.wfile.write(b"0\r\n\r\n")

    def cut(self) -> None:
        self.close_connection = True
        self.connection.close()

    def wait(self, seconds: float) -> bool:
        """Whether the server was stopped meanwhile."""
        return bool(self.server.stopped.wait(seconds))  # type: ignore[attr-defined]


def _delta(delta: Mapping[str, Any], finish: str | None = None, usage: Mapping[str, int] | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return json.dumps(
        {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "tiny", "choices": [choice]}
        | ({"usage": usage} if usage else {})
    )


def _calls(calls: Sequence[Call]) -> list[dict[str, Any]]:
    return [
        {
            "index": index,
            "id": call.id if call.id is not None else f"call_{time.monotonic_ns()}_{index}",
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for index, call in enumerate(calls)
    ]


def say(text: str = "", *calls: Call, piece: int = 5, pause_s: float = 0.0) -> Line:
    """Text in pieces of a few characters, then tool calls whose arguments come in two halves."""
    usage = {"prompt_tokens": 100, "completion_tokens": 7, "total_tokens": 107}

    def line(handler: Handler) -> None:
        finish = "tool_calls" if calls else "stop"
        if not handler.streaming:
            message = {"role": "assistant", "content": text, **({"tool_calls": _calls(calls)} if calls else {})}
            choice = {"index": 0, "message": message, "finish_reason": finish}
            document = {"id": "1", "object": "chat.completion", "created": 1, "model": "tiny", "choices": [choice]}
            handler.whole(200, document | {"usage": usage})
            return
        handler.begin_stream()
        handler.event(_delta({"role": "assistant", "content": ""}))
        for start in range(0, len(text), piece):
            handler.event(_delta({"content": text[start : start + piece]}))
            if pause_s and handler.wait(pause_s):
                return
        for call in _calls(calls):
            name, arguments = call["function"]["name"], call["function"]["arguments"]
            half = len(arguments) // 2
            first = {**call, "function": {"name": name, "arguments": arguments[:half]}}
            rest = {"index": call["index"], "function": {"arguments": arguments[half:]}}
            handler.event(_delta({"tool_calls": [first]}))
            handler.event(_delta({"tool_calls": [rest]}))
        handler.event(_delta({}, finish, usage))
        handler.end_stream()

    return line


def fail(status: int, message: str = "no", headers: Mapping[str, str] | None = None, code: str | None = None) -> Line:
    """An HTTP error as the service words it."""
    error = {"message": message, "type": "error", "code": code}
    return lambda handler: handler.whole(status, {"error": error}, headers)


def echo_key(status: int) -> Line:
    """An error whose message repeats what the client sent as its key."""
    return lambda handler: handler.whole(
        status, {"error": {"message": f"bad header: {handler.headers['Authorization']}", "type": "error"}}
    )


def cut_before() -> Line:
    """The connection ends before a byte was answered."""
    return lambda handler: handler.cut()


def cut_after(text: str, politely: bool = False) -> Line:
    """The connection ends in the middle of the stream; politely: as if that were the end of the answer."""

    def line(handler: Handler) -> None:
        handler.begin_stream()
        handler.event(_delta({"role": "assistant", "content": text}))
        if politely:
            handler.wfile.write(b"0\r\n\r\n")
        handler.cut()

    return line


def cut_in_call(name: str, arguments: str) -> Line:
    """The connection ends in the middle of a tool call's arguments, as if that were the end of the answer."""

    def line(handler: Handler) -> None:
        handler.begin_stream()
        handler.event(_delta({"tool_calls": _calls([Call(name, arguments)])}))
        handler.wfile.write(b"0\r\n\r\n")
        handler.cut()

    return line


def drip(interval_s: float = 0.05) -> Line:
    """Bytes for ever, and never an answer: what keeps a connection alive."""

    def line(handler: Handler) -> None:
        handler.begin_stream()
        while not handler.wait(interval_s):
            handler.bytes(b": still here\n\n")

    return line


def silence() -> Line:
    """Takes the request and says nothing."""

    def line(handler: Handler) -> None:
        handler.wait(60)

    return line


def babble() -> Line:
    """Text for ever."""

    def line(handler: Handler) -> None:
        handler.begin_stream()
        while not handler.wait(0):
            handler.event(_delta({"content": "and so on " * 100}))

    return line
