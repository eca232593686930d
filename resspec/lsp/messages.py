"""JSON-RPC messages, and the errors that a request is answered with."""

from __future__ import annotations

from typing import Any

Message = dict[str, Any]

METHOD_NOT_FOUND = -32601
INVALID_REQUEST = -32600
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
NOT_INITIALIZED = -32002
REQUEST_FAILED = -32803
CANCELLED = -32800

ERROR, WARNING, INFORMATION = 1, 2, 3  # severities; of log messages, too


class RequestError(Exception):
    """A request that cannot be carried out, with a sentence for the user."""

    def __init__(self, message: str, code: int = REQUEST_FAILED) -> None:
        super().__init__(message)
        self.code = code


def answer(number: Any, result: Any) -> Message:
    """Return the answer to a request."""
    return {"jsonrpc": "2.0", "id": number, "result": result}


def refusal(number: Any, error: RequestError) -> Message:
    """Return the answer to a request that failed."""
    problem = {"code": error.code, "message": str(error)}
    return {"jsonrpc": "2.0", "id": number, "error": problem}


def notice(method: str, params: Any) -> Message:
    """Return a notification to the editor."""
    return {"jsonrpc": "2.0", "method": method, "params": params}


def request(number: str, method: str, params: Any = None) -> Message:
    """Return a request to the editor."""
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
