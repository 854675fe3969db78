"""Operations whose answers and refusals are judged by what is declared of them: what the OpenAPI document says is true."""

from collections.abc import Mapping
from typing import Any

import msgspec

from callout.core.errors import CalloutError
from callout.core.model.people import Caller
from callout.engine.operations import BY_NAME, Operations, document_of
from callout.engine.operations.answers import ANSWERS
from callout.engine.operations.refusals import reasons_of


class JudgedOperations(Operations):
    """The real operations. An answer with another shape than declared, or a refusal that is not, fails the test."""

    async def run(self, name: str, arguments: Mapping[str, Any], caller: Caller) -> Any:
        try:
            answer = await super().run(name, arguments, caller)
        except CalloutError as error:
            reason = document_of(error)["reason"]
            declared = {each.code for each in reasons_of(BY_NAME[name])}
            assert reason in declared, f"{name} was refused with {reason}; declared are {sorted(declared)}"
            raise
        msgspec.convert(answer, ANSWERS[name])
        return answer
