"""Plans: what a manifest or an import would change, judged by the rules, shown before it is applied."""

from callout.engine.plan.diff import FieldChange
from callout.engine.plan.make import make_plan
from callout.engine.plan.plan import Action, Plan, PlannedChange, SecretState, SecretWrite

__all__ = ["Action", "FieldChange", "Plan", "PlannedChange", "SecretState", "SecretWrite", "make_plan"]
