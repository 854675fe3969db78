"""What schemathesis is told beside the OpenAPI document; runs in the counterparties' environment.

Every request bears one of many keys, so that a run that revokes keys and removes admins still means something: a key that
is not accepted any more is left out. The examples, and half of the other requests that are to be accepted, name what is
there, each field by the names that `CALLOUT_KNOWN` has for it. What was answered is counted into a file, one line a request.
"""

import json
import os
import zlib
from pathlib import Path

import schemathesis

TOLD = json.loads(Path(os.environ["CALLOUT_KNOWN"]).read_text())
KEYS = list(TOLD["keys"])
KNOWN = TOLD["known"]
COUNTED = Path(TOLD["counted"])
_lost = set()
_sent = [0]


def name_what_there_is(case):
    """Name what is there, in the examples and in every other request that is to be accepted: its content decides."""
    if case.meta is None or case.meta.generation.mode.is_negative:
        return
    number = zlib.crc32(repr((case.path_parameters, case.query, case.body)).encode())
    if number % 2 and case.meta.phase.name.value != "examples":
        return
    for members in (case.path_parameters, case.query, case.body):
        for field in list(members) if isinstance(members, dict) else ():
            put_known(case.operation.definition.raw["operationId"], members, field, number // 2)


def put_known(operation, members, field, number):
    """Put a known value in the place of a field; where there is no right one, take the field away."""
    noun = operation.partition(".")[0]
    keys = (f"{operation}.{field}", f"{noun}.{field}", field)
    known = next((KNOWN[key] for key in keys if key in KNOWN), None)
    if known == []:
        del members[field]
    elif known:
        value = known[number % len(known)]
        members[field] = [value] if isinstance(members[field], list) else value


@schemathesis.hook
def before_call(context, case, kwargs):
    """Send the next key that is still accepted."""
    name_what_there_is(case)
    left = [key for key in KEYS if key not in _lost]
    if left:
        _sent[0] += 1
        case.headers["Callout-Key"] = left[_sent[0] % len(left)]


@schemathesis.hook
def after_call(context, case, response):
    """Count the answer; leave out a key that is not accepted any more, or may not do any more what it could."""
    sent = response.request.headers.get("Callout-Key", "")
    if isinstance(sent, bytes):
        sent = sent.decode()
    refused = response.headers.get("callout-error", [""])[0]
    if refused in ("caller_unknown", "administrator_required") and len(_lost) < len(KEYS) - 1:
        _lost.add(sent)
    with COUNTED.open("a") as counted:
        counted.write(f"{case.operation.definition.raw['operationId']} {response.status_code} {refused}\n")
