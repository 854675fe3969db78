"""The formula language: text in which `{!…}` is evaluated. `parse` once, `Template.evaluate` for every callout."""

from callout.core.formula.errors import FormulaError
from callout.core.formula.template import LONGEST_SOURCE, Template, parse

__all__ = ["LONGEST_SOURCE", "FormulaError", "Template", "parse"]
