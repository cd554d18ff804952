"""Puts `tests/` on the import path (pytest does so for the folder of a conftest): `from support...`."""
