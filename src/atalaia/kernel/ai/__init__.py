"""Embeddings and language models: providers that may be away, and what stands in for them."""
