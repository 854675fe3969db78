"""Which reasons an operation can be refused with: what the setup API declares, and the docs page shows.

Most follow from what the operation is given and who may run it; a few belong to what it is about.
"""

from __future__ import annotations

import msgspec

from callout.core.reasons import Reason, reason
from callout.engine.operations.operation import Access, Operation
from callout.engine.operations.problems import OPERATION_REASONS

_BY_CODE = {each.code: each for each in OPERATION_REASONS}

_ANSWERED_BY_OTHERS = ("token_endpoint_refused", "token_endpoint_unreachable", "address_not_allowed")
_CONNECTING = ("connection_failed", "callouts_disabled", *_ANSWERED_BY_OTHERS, "principal_not_configured")
#: Reasons beside the usual ones, by operation, or by what it is about.
_MORE: dict[str, tuple[str, ...]] = {
    "secret": ("user_external_credential_denied",),
    "token": ("user_external_credential_denied", *_ANSWERED_BY_OTHERS),
    "connection": ("user_external_credential_denied", *_CONNECTING),
    "explain": ("callout_not_found",),
    "preview": ("no_preview", "package_code_refused", "user_external_credential_denied"),
    "user.set_password": ("package_code_refused", "sign_in_refused", "too_many_attempts"),
    "user.sessions": ("package_code_refused",),
    "user.sign_out": ("package_code_refused",),
    "callout.send": ("rate_limited", "timed_out", "overloaded"),
}


def reasons_of(operation: Operation) -> tuple[Reason, ...]:
    """Return every reason that an operation can be refused with, by status; `internal_error` can befall any."""
    codes = {"caller_unknown", "malformed_request", "store_failed"}
    given = bool(msgspec.structs.fields(operation.request))
    if operation.access is not Access.KNOWN or given:
        codes.add("administrator_required")
    if operation.access is Access.ADMINISTRATOR:
        codes.add("package_code_refused")
    if given:
        codes |= {"not_defined", "definition_refused", "vault_failed"}
    if operation.reads_body:
        codes |= {"request_too_large", "media_type_not_supported"}
    if "expects" in operation.request.__struct_fields__:
        codes.add("changed_meanwhile")
    noun = operation.name.partition(".")[0]
    if noun in ("secret", "token", "connection"):  # for everyone about their own, and never for the code of packages
        codes.add("package_code_refused")
    if "expects" in operation.request.__struct_fields__:
        codes.add("changed_meanwhile")
    codes |= {*_MORE.get(noun, ()), *_MORE.get(operation.name, ())}
    found = (_BY_CODE.get(code) or reason(code) for code in codes)
    return tuple(sorted(found, key=lambda each: (each.status, each.code)))
