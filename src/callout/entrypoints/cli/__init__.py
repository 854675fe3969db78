"""The command line: parse, run an operation of `engine.operations` (here or on a running server), render.

The door is `main.main`; what `app` hands it is `wiring.Wiring`; `tree.cli_reference` is its reference page.
"""
