"""Signing in to Setup, as the engine needs it of the world."""
