"""rapray: collect rap lyrics, measure and analyse every track, answer questions about the collection."""

__version__ = "0.1.0"
