"""Files to chunks to vectors. Knows Protocols, never a database or a model."""
