"""The setup API: the operations of `engine.operations` over HTTP, health, readiness, metrics, discovery."""

from callout.entrypoints.setup_api.app import setup_app
from callout.entrypoints.setup_api.metrics import Metric
from callout.entrypoints.setup_api.openapi import api_reference

__all__ = ["Metric", "api_reference", "setup_app"]
