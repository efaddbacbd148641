"""Pure functions of text: cleaning, sections, words, sounds, syllables, language, fingerprints.

No database, no network and no models of its own; importing it loads nothing heavy.
"""
