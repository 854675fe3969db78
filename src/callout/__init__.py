"""Callout: named credentials for any stack. Programs make callouts by name; no program holds a secret."""

__version__ = "0.1.0"
