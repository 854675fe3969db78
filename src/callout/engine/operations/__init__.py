"""Every operation of an admin, in one table that the command line and the setup API read.

`table` names them, `requests` are what they are given, `runner` runs them for a caller, `problems` words refusals.
"""

from callout.engine.operations.operation import LOCAL, Access, Operation, Uses
from callout.engine.operations.problems import OPERATION_REASONS, OperationRefused, document_of
from callout.engine.operations.runner import Operations
from callout.engine.operations.table import BY_NAME, OPERATIONS

__all__ = [
    "BY_NAME",
    "LOCAL",
    "OPERATIONS",
    "OPERATION_REASONS",
    "Access",
    "Operation",
    "OperationRefused",
    "Operations",
    "Uses",
    "document_of",
]
