"""Plain data: requests, job specs, recipes and image sizes. No database, no page, no tensors."""
