"""The rhyme scheme of a section, a letter a line.

Knows one section. Letters start at A in each; X is a line without a partner, - a line that is an ad-lib throughout.
"""

from __future__ import annotations

from rapray.domain import Section
from rapray.text.rhyme import find_rhymes


def rhyme_scheme(section: Section) -> str:
    """One character a line: "AABB" for couplets, "XAXA" for a ballad's stanza.

    Lines that close on the same word share a letter, though that is repetition and no rhyme.
    """
    return find_rhymes([section]).schemes[0]
