"""Checkpoint downloads from Hugging Face and ModelScope."""
