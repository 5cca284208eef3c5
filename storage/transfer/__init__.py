"""Export and import: ZIP archives, manifests and single image files."""
