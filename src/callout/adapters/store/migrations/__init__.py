"""Migrations: forward only, one file each in `versions`, run by `migrate`.

Rules for a new one: copy the last file and count its id up by one; set `tables.REVISION` to it; use portable
operations only; never change a migration that was released; what it does must work on a database with rows, in one
transaction.
"""
