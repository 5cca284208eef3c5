"""Adapters (LoRA, LoKr): files on disk and adapters attached to the transformer."""
