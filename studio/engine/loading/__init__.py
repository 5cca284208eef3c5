"""Checkpoint folders: layout, weight headers, revisions and loading."""
