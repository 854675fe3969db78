"""The pages on which people connect accounts: who is asked for what, the way to the authorization server, and back."""
