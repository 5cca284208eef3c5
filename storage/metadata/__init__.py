"""Metadata in image files: writers, containers (PNG, JPEG, WebP) and readers for other programs' formats."""
