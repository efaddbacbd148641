"""Rhymes of a song with their places: which words rhyme, in which line, and how well."""

from __future__ import annotations

from rapray.text.rhyme.chains import Chain, Member, RhymeMap
from rapray.text.rhyme.find import find_rhymes, rhymes_of

__all__ = ["Chain", "Member", "RhymeMap", "find_rhymes", "rhymes_of"]
