"""Files on disk: the picture store, the data folder, hashing, reconciliation and backups."""
