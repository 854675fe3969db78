"""The commands, one file a subject. Each parses its arguments, runs operations, and renders what comes back."""
