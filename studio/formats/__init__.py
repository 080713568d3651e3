"""Annotation formats the studio writes. They know nothing of the store: rows in, files out."""
