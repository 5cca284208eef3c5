"""Search: query parsing, filters, pagination and result pages."""
