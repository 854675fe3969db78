"""Who talks to Callout: parse, call the engine, render; no rules here."""
