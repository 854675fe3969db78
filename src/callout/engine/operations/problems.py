"""Refusals of operations as problem details (RFC 9457): one shape for the setup API and for the command line.

Reasons of callouts are in `core.reasons`; here are the few that only an operation can end with.
"""

from __future__ import annotations

from typing import Any

from callout.core.errors import CalloutError, DefinitionError, HomeError, Problem, Refused, StoreError, VaultError
from callout.core.explanation import Remedy
from callout.core.reasons import Blame, Reason
from callout.engine.defining import ChangedMeanwhile
from callout.engine.setup import NotDefined
from callout.engine.sign_in.refusals import SIGN_IN_REASONS, SignInRefused

OPERATION_REASONS: tuple[Reason, ...] = (
    *SIGN_IN_REASONS,
    Reason(
        "administrator_required",
        403,
        Blame.CALLER,
        "This operation needs an admin permission that the caller lacks",
        "Give the user the admin permission that is named, or use a key of one who has it.",
    ),
    Reason(
        "package_code_refused",
        403,
        Blame.ADMIN,
        "The code of a package may define credentials, and nothing else",
        "Let an admin do it, with a key that has no namespace.",
    ),
    Reason(
        "callout_not_found",
        404,
        Blame.CALLER,
        "No callout with this id is recorded",
        "Use the Callout-Id of an answer; a record is written within seconds of its callout.",
    ),
    Reason(
        "definition_refused",
        422,
        Blame.ADMIN,
        "A definition breaks a rule; nothing was stored",
        "Correct what stands at the places that are named.",
    ),
    Reason(
        "not_defined",
        404,
        Blame.ADMIN,
        "This name is not defined; nothing was changed",
        "Correct the name, or define it.",
    ),
    Reason(
        "changed_meanwhile",
        409,
        Blame.CALLER,
        "This definition was changed meanwhile by another; nothing was stored",
        "Look at it as it is now, and change that.",
    ),
    Reason(
        "no_preview",
        422,
        Blame.CALLER,
        "This operation has no preview",
        "Run it, or ask with its own dry_run where it has one.",
    ),
    Reason(
        "vault_failed",
        503,
        Blame.ADMIN,
        "The vault cannot seal or open",
        "Give the process the master key that the home was made with.",
    ),
    Reason(
        "store_failed",
        503,
        Blame.CALLOUT,
        "The store cannot be read or written",
        "See that the home is there, that it can be written, and that its schema is this version's.",
    ),
    Reason(
        "home_not_found",
        404,
        Blame.ADMIN,
        "There is no home here",
        "Make it, or name another with --home.",
    ),
    Reason(
        "home_exists",
        409,
        Blame.CALLER,
        "There is a home here already; nothing was made",
        "Use it, or name another with --home.",
    ),
    Reason(
        "operation_not_found",
        404,
        Blame.CALLER,
        "There is no such operation",
        "Read /api/v1/openapi.json for the operations that there are.",
    ),
    Reason(
        "operation_not_supported",
        405,
        Blame.CALLER,
        "This path has no operation with this method",
        "Use a method that Allow names.",
    ),
    Reason(
        "media_type_not_supported",
        415,
        Blame.CALLER,
        "The body is not declared to be JSON",
        "Send the body with Content-Type: application/json.",
    ),
    Reason(
        "internal_error",
        500,
        Blame.CALLOUT,
        "Callout failed",
        "Look at the log of this process, and report what you find.",
    ),
)

_BY_CODE = {reason.code: reason for reason in OPERATION_REASONS}


class OperationRefused(CalloutError):
    """An operation that ends with a reason of its own; `detail` says got and expected."""

    def __init__(self, code: str, detail: str, *remedies: Remedy) -> None:
        super().__init__(f"{code}: {detail}")
        self.reason = _BY_CODE[code]
        self.detail = detail
        self.remedies = remedies or (Remedy(self.reason.remedy),)
        self.blame = self.reason.blame


def document_of(error: BaseException) -> dict[str, Any]:
    """Word any error as a problem document. An unforeseen one is not quoted: its text could hold anything."""
    match error:
        case Refused() | OperationRefused():
            return _document(error.reason, error.detail, error.remedies)
        case SignInRefused():
            told = _document(error.reason, error.detail, error.remedies)
            return {**told, "retry_at": error.next_at.isoformat()} if error.next_at is not None else told
        case NotDefined():
            return _document(_BY_CODE["not_defined"], str(error), problems=error.problems)
        case DefinitionError():
            return _document(_BY_CODE["definition_refused"], str(error), problems=error.problems)
        case ChangedMeanwhile():
            return _document(_BY_CODE["changed_meanwhile"], error.detail, (error.remedy,))
        case VaultError():
            return _document(_BY_CODE["vault_failed"], str(error), (error.remedy,) if error.remedy else ())
        case HomeError():
            return _document(_BY_CODE[error.code], str(error), (error.remedy,))
        case StoreError():
            return _document(_BY_CODE["store_failed"], str(error))
        case CalloutError():
            return {**_document(_BY_CODE["internal_error"], str(error)), "blame": error.blame.value}
        case _:
            return _document(_BY_CODE["internal_error"], f"an unforeseen {type(error).__name__}{_place(error)}")


def _place(error: BaseException) -> str:
    """Say in which module and line an error was raised; never a path, which names the machine."""
    raised = error.__traceback__
    while raised is not None and raised.tb_next is not None:
        raised = raised.tb_next
    return f" in {raised.tb_frame.f_globals.get('__name__')}, line {raised.tb_lineno}" if raised is not None else ""


def _document(
    reason: Reason, detail: str, remedies: tuple[Remedy, ...] = (), problems: tuple[Problem, ...] = ()
) -> dict[str, Any]:
    remedies = remedies or (Remedy(reason.remedy),)
    document: dict[str, Any] = {
        "type": f"urn:callout:reason:{reason.code}",
        "title": reason.title,
        "status": reason.status,
        "detail": detail,
        "reason": reason.code,
        "blame": reason.blame.value,
        "remedy": [str(remedy) for remedy in remedies],
        "remedy_commands": [remedy.command for remedy in remedies if remedy.command],
    }
    if problems:
        document["problems"] = [problem_members(problem) for problem in problems]
    return document


def problem_members(problem: Problem) -> dict[str, Any]:
    """Return one problem of a definition as JSON members; `text` is its whole sentence."""
    return {
        "place": problem.place,
        "where": problem.where,
        "got": problem.got,
        "expected": problem.expected,
        "nearest": problem.nearest,
        "text": str(problem),
    }
