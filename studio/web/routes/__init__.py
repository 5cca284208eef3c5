"""HTTP routes: health, media, share pages, import and export."""
