"""Pure functions of text: cleaning, sections, words, sounds, syllables, language, fingerprints.

Knows no database, no network, no models of its own; importing it loads nothing heavy.
"""
