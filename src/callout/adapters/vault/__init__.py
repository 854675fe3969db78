"""The vault: seals secrets into envelopes and opens them again. It never sees the database.

`envelope` is the record format, `keyring` the data-encryption keys (port `Vault`), `master_key` the
key-encryption key that wraps them and where it is kept.
"""
