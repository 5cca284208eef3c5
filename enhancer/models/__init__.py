"""Chat models: the resident text encoder and OpenAI-compatible servers."""
