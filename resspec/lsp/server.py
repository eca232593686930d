"""The language server as a function: a message in, messages out. It reads and writes no stream.

Whatever takes time is a job: `next_job` gives the next one, which may run in a thread of its own,
and `finish` takes its result. `settle` does all jobs at once.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import partial
from typing import Any, Literal, NamedTuple

from resspec.lsp import (
    actions,
    completion,
    hints,
    hover,
    layout,
    navigation,
    page,
    signatures,
    structure,
    tokens,
)
from resspec.lsp.capabilities import begin
from resspec.lsp.checking import Analysis, check
from resspec.lsp.documents import Document
from resspec.lsp.messages import (
    CANCELLED,
    ERROR,
    INTERNAL_ERROR,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    NOT_INITIALIZED,
    Message,
    RequestError,
    answer,
    notice,
    refusal,
    request,
)
from resspec.lsp.problems import published
from resspec.lsp.session import Handler, Session

# Answered at once, from the newest text or its last check.
PROMPT: dict[str, Handler] = {
    "textDocument/completion": completion.completion,
    "textDocument/definition": navigation.definition,
    "textDocument/documentHighlight": navigation.highlights,
    "textDocument/foldingRange": structure.folding,
    "textDocument/formatting": layout.formatting,
    "textDocument/hover": hover.hover,
    "textDocument/prepareRename": navigation.may_rename,
    "textDocument/rangeFormatting": layout.range_formatting,
    "textDocument/signatureHelp": signatures.signature,
}
# Answered by a job of their own, since they read other files, check other texts, or draw.
LONG: dict[str, Handler] = {
    "resspec/page": page.page,
    "textDocument/codeAction": actions.actions,
    "textDocument/references": navigation.references,
    "textDocument/rename": navigation.rename,
    "workspace/symbol": structure.workspace_symbols,
}
# Answered once the newest text of the document was checked.
PATIENT: dict[str, Handler] = {
    "textDocument/documentSymbol": structure.document_symbols,
    "textDocument/inlayHint": hints.hints,
    "textDocument/selectionRange": structure.selections,
    "textDocument/semanticTokens/full": tokens.tokens,
    "textDocument/semanticTokens/range": tokens.tokens,
}
# Answered once its networks were counted, too.
COUNTED: dict[str, Handler] = {"textDocument/codeLens": hints.lenses}
# Requests that an editor repeats after a change in another document.
REFRESHED = ("inlayHint", "codeLens", "semanticTokens")


class Failure(NamedTuple):
    """A bug: the traceback of what went wrong."""

    traceback: str


class Job(NamedTuple):
    """Something that takes time.

    Attributes:
        kind: `check` for a check of a document, `count` for the count of its networks, `answer` for
            the answer to a request.
        work: What to do; it changes nothing that the server looks at meanwhile.
        document: The document that is checked.
        number: The id of the request.
    """

    kind: Literal["check", "count", "answer"]
    work: Callable[[], Any]
    document: Document | None = None
    number: Any = None

    def run(self) -> Any:
        """Return what comes of the work, or the error in it."""
        try:
            return self.work()
        except RequestError as error:
            return error
        except Exception:  # noqa: BLE001, the server lives on
            return Failure(traceback.format_exc())


class Server:
    """A language server for one editor.

    Attributes:
        exit_code: None while it serves; then what its process exits with.
    """

    def __init__(self) -> None:
        self.session = Session()
        self.exit_code: int | None = None
        self._is_ready = self._is_shut = False
        self._refreshed = 0  # how often the editor was told to ask again
        self._due: dict[str, None] = {}  # the documents to check, the one edited last at the end
        self._uncounted: dict[str, Analysis] = {}
        self._long: dict[Any, tuple[str, dict[str, Any]]] = {}  # long requests by their ids
        self._waiting: dict[Any, tuple[str, dict[str, Any]]] = {}  # patient requests by their ids
        self._notices: dict[str, Callable[[dict[str, Any]], list[Message]]] = {
            "textDocument/didOpen": self._opened,
            "textDocument/didChange": self._changed,
            "textDocument/didClose": self._closed,
            "textDocument/didSave": self._saved,
            "workspace/didChangeWatchedFiles": self._saved,
            "workspace/didChangeWorkspaceFolders": self._moved,
            "$/cancelRequest": self._cancelled,
        }

    # --- messages ---

    def handle(self, message: Any) -> list[Message]:
        """Return what the editor gets for one of its messages."""
        if not isinstance(message, dict) or not isinstance(message.get("method"), str):
            is_answer = isinstance(message, dict) and ("result" in message or "error" in message)
            wrong = RequestError("this is not a JSON-RPC 2.0 message", INVALID_REQUEST)
            return [] if is_answer else [refusal(None, wrong)]
        method, number = message["method"], message.get("id")
        params = message.get("params") or {}
        try:
            if "id" not in message:
                return self._notified(method, params)
            return self._requested(number, method, params)
        except RequestError as error:
            return [refusal(number, error)] if "id" in message else []
        except Exception as error:  # noqa: BLE001, the server lives on
            failed = _failed(number, error)
            return failed if "id" in message else failed[:1]

    def _requested(self, number: Any, method: str, params: dict[str, Any]) -> list[Message]:
        if method == "initialize":
            self._is_ready = True
            return [answer(number, begin(self.session, params))]
        if not self._is_ready:
            raise RequestError("the first request must be `initialize`", NOT_INITIALIZED)
        if method == "shutdown":
            self._is_shut = True
            return [answer(number, None)]
        if self._is_shut:
            raise RequestError("the server was shut down", INVALID_REQUEST)
        if method in PROMPT:
            return [answer(number, PROMPT[method](self.session, params))]
        if method in LONG:
            self._long[number] = method, params
            return []
        if method in PATIENT or method in COUNTED:
            self.session.document(params)
            self._waiting[number] = method, params
            return self._answers()
        raise RequestError(f"there is no method {method}", METHOD_NOT_FOUND)

    def _notified(self, method: str, params: dict[str, Any]) -> list[Message]:
        if method == "exit":
            self.exit_code = 0 if self._is_shut else 1
        elif method in self._notices and self._is_ready:
            return self._notices[method](params)
        return []

    # --- what the editor says of its buffers ---

    def _opened(self, params: dict[str, Any]) -> list[Message]:
        return self._to_check(self.session.open(params["textDocument"]))

    def _changed(self, params: dict[str, Any]) -> list[Message]:
        document = self.session.document(params)
        version = params["textDocument"].get("version")
        edited = document.edited(params.get("contentChanges", ()), version)
        self.session.documents[document.uri] = edited
        return self._to_check(edited)

    def _closed(self, params: dict[str, Any]) -> list[Message]:
        document = self.session.document(params)
        self.session.close(document.uri)
        self._due.pop(document.uri, None)
        self._check_users(document.real)
        cleared = {"uri": document.uri, "diagnostics": []}
        return [notice("textDocument/publishDiagnostics", cleared), *self._answers()]

    def _saved(self, params: dict[str, Any]) -> list[Message]:
        """Check all documents again: files on the disk may have changed."""
        del params
        for uri in self.session.documents:
            self._due.setdefault(uri)
        return []

    def _moved(self, params: dict[str, Any]) -> list[Message]:
        from resspec.lsp.capabilities import folders_of

        event = params["event"]
        gone = folders_of(event.get("removed", ()))
        kept = [each for each in self.session.folders if each not in gone]
        self.session.folders = [*kept, *folders_of(event.get("added", ()))]
        return []

    def _cancelled(self, params: dict[str, Any]) -> list[Message]:
        number = params.get("id")
        if self._waiting.pop(number, None) is None and self._long.pop(number, None) is None:
            return []
        return [refusal(number, RequestError("cancelled", CANCELLED))]

    def _to_check(self, document: Document) -> list[Message]:
        self._due.pop(document.uri, None)
        self._due[document.uri] = None
        self._check_users(document.real)
        return []

    def _check_users(self, path: str) -> None:
        """Have the documents checked that looked for a file."""
        for uri, analysis in list(self.session.latest.items()):  # a job may add one meanwhile
            if path in analysis.asked and analysis.document.real != path:
                self._due.setdefault(uri)

    # --- jobs ---

    def next_job(self) -> Job | None:
        """Return the next job: checks, the document that was edited last first, then long requests,
        then counts.
        """
        session = self.session
        while self._due:
            uri, _ = self._due.popitem()
            if document := session.documents.get(uri):
                return Job("check", partial(check, document, session.buffers()), document)
        for number, (method, params) in self._long.items():
            del self._long[number]
            return Job("answer", partial(LONG[method], session, params), number=number)
        while self._uncounted:
            _, checked = self._uncounted.popitem()
            if session.is_newest(checked.document):
                return Job("count", partial(checked.count, session.history), checked.document)
        return None

    def finish(self, job: Job, result: Any) -> list[Message]:
        """Return what the editor gets once a job is done; nothing if the text is another now."""
        if job.kind == "answer":
            return self._answered(job, result)
        if isinstance(result, Failure):
            return [_log(result)]
        document = job.document
        if document is None or not self.session.is_newest(document):
            return []
        return self._checked(document, result) if job.kind == "check" else self._answers()

    def _answered(self, job: Job, result: Any) -> list[Message]:
        match result:
            case RequestError():
                return [refusal(job.number, result)]
            case Failure():
                failed = RequestError("resspec failed; its log has the details", INTERNAL_ERROR)
                return [_log(result), refusal(job.number, failed)]
            case _:
                return [answer(job.number, result)]

    def _checked(self, document: Document, analysis: Analysis) -> list[Message]:
        before = self.session.latest.get(document.uri)
        is_again = before is not None and before.document is document
        self.session.keep(analysis)
        self._uncounted[document.uri] = analysis
        problems: dict[str, Any] = {"uri": document.uri, "diagnostics": published(analysis)}
        if document.version is not None:
            problems["version"] = document.version
        refreshed = self._refreshes() if is_again else []
        shown = notice("textDocument/publishDiagnostics", problems)
        return [shown, *self._answers(), *refreshed]

    def _refreshes(self) -> list[Message]:
        """Return the requests to refresh results that may have changed, though the text has not."""
        supported = [
            each for each in REFRESHED if self.session.supports("workspace", each, "refreshSupport")
        ]
        self._refreshed += 1
        return [
            request(f"{each} {self._refreshed}", f"workspace/{each}/refresh") for each in supported
        ]

    def _is_known(self, method: str, document: Document, latest: Analysis | None) -> bool:
        """Return whether a request about a document can be answered."""
        is_checked = latest is not None and latest.document is document
        return is_checked and (method not in COUNTED or bool(latest and latest.is_counted))

    def _answer(self, number: Any, method: str, params: dict[str, Any]) -> list[Message]:
        handler = PATIENT.get(method) or COUNTED[method]
        try:
            return [answer(number, handler(self.session, params))]
        except RequestError as error:
            return [refusal(number, error)]
        except Exception as error:  # noqa: BLE001, the other requests still get their answers
            return _failed(number, error)

    def settle(self) -> list[Message]:
        """Do all jobs, and return what the editor gets for them."""
        messages: list[Message] = []
        while job := self.next_job():
            messages += self.finish(job, job.run())
        return messages

    def _answers(self) -> list[Message]:
        """Return the answers to the requests that wait for a check which is done."""
        messages: list[Message] = []
        for number, (method, params) in list(self._waiting.items()):
            uri = params["textDocument"]["uri"]
            document, latest = self.session.documents.get(uri), self.session.latest.get(uri)
            if document is None:
                refused = refusal(number, RequestError(f"{uri} was closed", CANCELLED))
                messages.append(refused)
            elif not self._is_known(method, document, latest):
                continue
            else:
                messages += self._answer(number, method, params)
            del self._waiting[number]
        return messages


def _failed(number: Any, error: Exception) -> list[Message]:
    """Return the log of the exception that is being handled, and the answer to its request."""
    failed = RequestError(f"resspec failed: {error!r}", INTERNAL_ERROR)
    return [_log(Failure(traceback.format_exc())), refusal(number, failed)]


def _log(failure: Failure) -> Message:
    return notice("window/logMessage", {"type": ERROR, "message": failure.traceback})
