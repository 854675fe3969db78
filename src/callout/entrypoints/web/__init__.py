"""Setup in the browser: pages over the operations of `engine.operations`. No rule is decided here."""
