"""Facts of every filer: SEC's two bulk publications into partitioned Parquet.

Belongs here: reading companyfacts.zip and Financial Statement Data Sets, the folder they are kept in, what of a newer
publication is new. Does not belong here: the warehouse of the watch list, whose payloads are archived one by one.
"""

from ingest.bulk.load import Loaded, load_zip
from ingest.bulk.store import BulkStore

__all__ = ["BulkStore", "Loaded", "load_zip"]
