"""HTTP/1.1 on the wire: heads are parsed strictly, bodies are only followed to their end (RFC 9112)."""
