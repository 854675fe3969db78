"""Readers of other systems' definitions: bytes in, definitions and a report out. They store nothing."""
