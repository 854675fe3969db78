"""The formula language: text in which `{!…}` is evaluated. `parse` once, `Template.evaluate` for every callout."""

from callout.core.formula.errors import FormulaError
from callout.core.formula.scope import ISSUED_TOKEN, Reads, Scope
from callout.core.formula.template import LONGEST_SOURCE, Template, parse

__all__ = ["ISSUED_TOKEN", "LONGEST_SOURCE", "FormulaError", "Reads", "Scope", "Template", "parse"]
