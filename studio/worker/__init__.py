"""The worker: runs queued jobs on the engine and reports their progress."""
