"""Catalog and vectors kept in step: writing, rebuilding, erasing, export and import."""
