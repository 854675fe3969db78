"""How Callout touches the world. Each adapter implements ports of `core.ports`; adapters know nothing of each other."""
