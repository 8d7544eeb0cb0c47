"""All runs below a folder, read by several processes and kept up to date: the dashboard without its widgets."""

from trainvitals.diagnostics.catalogue.catalogue import Catalogue, Snapshot
from trainvitals.diagnostics.catalogue.row import Row

__all__ = ["Catalogue", "Row", "Snapshot"]
