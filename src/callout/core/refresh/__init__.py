"""When an answer means stale credentials, and when a request may be sent again."""
