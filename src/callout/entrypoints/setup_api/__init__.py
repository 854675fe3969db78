"""The setup API: the operations of `engine.operations` over HTTP, health, readiness, metrics, discovery."""
