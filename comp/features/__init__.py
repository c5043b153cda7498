"""Features of images: what the frozen part of a backbone returns, computed once, and embeddings."""
