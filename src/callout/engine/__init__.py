"""What happens, in order. Reaches the world only through `core.ports`."""
