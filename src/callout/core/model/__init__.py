"""The nouns, frozen: credentials, principals, people and packages; and the Org that holds them all."""
