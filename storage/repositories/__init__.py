"""Repositories: one class a record, each method one transaction."""
