"""What writes: the home and its files, loading, publishing, versions of it, backup, decisions.

Belongs here: everything that changes a file of the home. Does not belong here: wording, formats (warehouse.readers).
"""
