"""Who may call what: the ladder (`decide`) and the URL that may be reached (`target`)."""
